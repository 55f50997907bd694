"""Review: findings folded by cause, the exact plan, and the last question, answered by typing the pool's name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, Input, Label, Static
from typing_extensions import override

from core.errors import PoolwrightError
from core.models.plan import Plan
from core.models.results import Cause
from tui import paint, saving
from tui.fields import get_at
from tui.items import CALM, Item, results_of, where_of
from tui.screens.base import StepScreen
from tui.session import REASON_MIN, WAIVER_DAYS
from tui.widgets.findings import Findings
from tui.widgets.plan_view import PlanView
from tui.widgets.save_as import SaveAs


class ReviewScreen(StepScreen):
    """Two views, findings and plan; one line to start."""

    step_id = "review"
    LACKS = "in the way"
    CSS_PATH = "review.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "view", "Plan", id="review.view", tooltip="the plan, or the findings again"),
        Binding("f3", "problem", "Problem", id="findings.problem", tooltip="jump to the next finding"),
        Binding(
            "f4",
            "fold",
            "All",
            id="review.fold",
            show=False,
            tooltip="every finding, or folded to their causes",
        ),
        Binding("f5,ctrl+r", "check", "Check", id="wizard.check", tooltip="look at everything again"),
        Binding("f6", "accept", "Accept", id="review.accept", tooltip="accept an unknown by typing its id"),
        Binding("f9", "waive", "Waive", id="review.waive", tooltip="answer for this finding, with a reason"),
        Binding("ctrl+s", "save", "Save", id="review.save", tooltip="save as spec, plan or runbook"),
        Binding(
            "ctrl+e",
            "check_one",
            "Again",
            id="review.check_one",
            show=False,
            tooltip="ask this check again, alone",
        ),
        Binding("slash", "find", "Find", id="list.find", show=False, tooltip="search in the findings"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self._starting = False
        self.shows_all = False

    @override
    def body(self) -> Iterator[Widget]:
        yield Static("", id="counts", markup=False)
        with ContentSwitcher(initial="findings", id="views"):
            yield Findings("No findings: everything that was looked at is good.", id="findings")
            yield PlanView(id="plan")
        with Horizontal(id="question"):
            yield Label("", id="prompt", markup=False)
            line = Input("", compact=True, id="name")
            line.cursor_blink = False
            yield line

    @override
    def buttons(self) -> Iterator[Button]:
        yield self.button("Back", "back")
        yield self.button("Plan", "view")
        yield self.button("All", "fold")
        yield self.button("Check", "check")
        yield self.button("Accept", "accept")
        yield self.button("Waive", "waive")
        yield self.button("Save", "save")
        yield self.button("Start", "next")

    @override
    def arrive(self) -> None:
        self.pw.start_check()

    @property
    def pool_name(self) -> str:
        """The name that must be typed."""
        spec = self.session.draft()
        return (
            spec.pool_name if spec is not None else str(get_at(self.session.answers.data, "pool.name") or "")
        )

    @override
    def draw(self) -> None:
        self.query_one(Findings).show(self._ordered(), self.session.stale())
        self.plan = None if self.missing() else self.session.plan()
        self.query_one(PlanView).show(self.pw, self.plan or self._draft_plan(), self.session.plan_error)
        self.query_one("#counts", Static).update(self._counts())
        self.query_one("#prompt", Label).update(f"Type {self.pool_name!r} and Enter to create the pool:")
        self.query_one("#question").display = self.plan is not None
        if self.plan is not None and self.focused is None:
            self.set_focus(self.query_one("#name"))  # at once: a letter may be on its way already

    def _counts(self) -> Text:
        """The gravest numbers first, and as many as there is room for."""
        room = max(self.query_one("#counts").size.width, 56)
        report = self.session.coverage()
        parts = [
            paint.state(self.pw, verdict).append(f" {count}")
            for verdict in ("fail", "unknown", "blocked", "warn", "waived")
            if (count := self.session.results.count(verdict))
        ]
        parts += [Text(f"{report.overall.score_pct} % known")] if report is not None else []
        blind = len(self.plan.unobservable) if self.plan else 0
        more = f", {blind} not verifiable" if blind else ""
        parts.append(Text(f"plan: {len(self.plan.steps)} steps{more}" if self.plan else "no plan yet"))
        parts += [
            paint.state(self.pw, verdict).append(f" {count}")
            for verdict in ("pass", "info")
            if (count := self.session.results.count(verdict))
        ]
        made = Text(no_wrap=True)
        for part in parts:
            if len(made) + len(part) + 2 <= room:
                made.append("  " if made else "").append_text(part)
        return made

    def _draft_plan(self) -> Plan | None:
        """The plan as it would be, also while findings still stop it."""
        return None if self.session.problems() else self.session.plan()

    def _ordered(self) -> list[Item]:
        """What stops the run first, then what waits for an acceptance, then the rest, each worst first; folded to
        causes unless all were asked for."""
        verdicts = self.session.verdicts()
        stops = {each.key for each in verdicts.refusals} if verdicts else set()
        waits = {each.key for each in verdicts.unaccepted} if verdicts else set()
        causes = () if self.shows_all else self.session.causes()
        calm = [each for each in self.session.findings() if each.verdict.value in CALM]
        found: list[Item] = [*causes, *calm] if causes else [*self.session.findings()]
        return sorted(
            found,
            key=lambda each: (not stops.intersection(_all_of(each)), not waits.intersection(_all_of(each))),
        )

    @override
    def when_complete(self) -> tuple[str, str]:
        if self.focused is not None and self.focused.id == "name":
            return f"ready: type {self.pool_name} and Enter; nothing is changed yet", "good"
        return f"ready: F8, then type {self.pool_name}, Enter; nothing changed yet", "good"

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _moved(self) -> None:
        if self.plan is not None:
            self.call_after_refresh(self.show_missing)

    def action_view(self) -> None:
        """Findings or plan."""
        views = self.query_one(ContentSwitcher)
        views.current = "plan" if views.current == "findings" else "findings"
        self.query_one(f"#{views.current} DataTable").focus()

    def action_check(self) -> None:
        """Look at everything again."""
        self.pw.start_check(force=True)

    def action_check_one(self) -> None:
        """Ask the check under the cursor again, alone, with what it needs."""
        found = self.query_one(Findings).current
        if found is not None:
            self.pw.start_check(checks=[found.id], force=True)

    def action_fold(self) -> None:
        """Causes, or every finding."""
        self.shows_all = not self.shows_all
        self.draw()
        self.tell("every finding" if self.shows_all else "folded to causes")

    def action_problem(self) -> None:
        """Jump to the next finding."""
        self.query_one(ContentSwitcher).current = "findings"
        if not self.query_one(Findings).next_problem():
            self.tell("no finding stands in the way")

    def action_find(self) -> None:
        """Search in the findings."""

        def take(text: str | None) -> None:
            if text and not self.query_one(Findings).find(text):
                self.tell(f"no finding has {text!r}", bad=True)

        self.pw.ask("Find in the findings:", take)

    def action_save(self) -> None:
        """Save as spec, plan or runbook."""

        def take(answer: tuple[str, str] | None) -> None:
            if answer is None:
                return
            try:
                saving.save(self.session, saving.Kind(answer[0]), Path(answer[1]))
            except PoolwrightError as error:
                self.tell(str(error), bad=True)
            else:
                self.tell(f"{answer[0]} saved to {answer[1]}")

        name_for = partial(saving.default_name, self.session)
        _ = self.app.push_screen(SaveAs(name_for), take)

    def action_accept(self) -> None:
        """Accept an unknown blocker or a vendor mix: its id is typed, never picked."""
        verdicts = self.session.verdicts()
        open_ids = sorted({each.id for each in verdicts.unaccepted}) if verdicts else []
        if not open_ids:
            self.tell("nothing waits for an acceptance")
            return

        def take(text: str | None) -> None:
            if text and not self.session.accept(text):
                self.tell(f"no open finding has the id {text!r}", bad=True)
            self.pw.autosave()

        self.pw.ask(
            "These are not known or mixed, and can be accepted:\n" + "\n".join(open_ids) + "\n\nType the id:",
            take,
        )

    def action_waive(self) -> None:
        """Answer for the finding under the cursor, with a reason; it ends by itself."""
        found = self.query_one(Findings).current
        if found is None:
            self.tell("put the cursor on a finding first")
            return

        def take(reason: str | None) -> None:
            if reason is None:
                return
            if len(reason.strip()) < REASON_MIN:
                self.tell("a waiver needs a reason", bad=True)
                return
            self._waive(found, reason.strip())

        self.pw.ask(f"Why is {found.id} on {where_of(found)} acceptable? (ends in {WAIVER_DAYS} days)", take)

    def _waive(self, found: Item, reason: str) -> None:
        self.session.waive(results_of(found), reason, self.pw.operator)
        self.pw.autosave()
        self.pw.start_check(only=(), force=True)  # judged again, nobody is looked at

    @on(Input.Submitted, "#name")
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @override
    def action_next(self) -> None:
        if self.missing():
            self.query_one(ContentSwitcher).current = "findings"
            self.query_one("#findings DataTable").focus()
            self.app.bell()
            return
        line = self.query_one("#name", Input)
        if line.value != self.pool_name:
            if line.has_focus and line.value:
                self.tell(f"that is not the name: type {self.pool_name}", bad=True)
            line.focus()
            return
        if not self._starting:
            self._starting = True
            self._start()

    @work(group="start", exclusive=True)
    async def _start(self) -> None:
        try:
            await self.session.start()
        except PoolwrightError as error:
            self.tell(str(error), bad=True)
        else:
            self.pw.go("run")
        finally:
            self._starting = False

    @override
    def help_text(self) -> Text:
        return Text(
            "Findings stand worst first, folded to their causes (F4 shows all); fail must be mended (or the server "
            "dropped), unknown must be accepted by its id. c copies a fix. F2 shows the plan: every command and how "
            "each step is undone. Nothing is changed before the pool's name is typed."
        )


def _all_of(item: Item) -> set[tuple[str, str]]:
    """Everything a line of the list stands for: what follows from a cause too."""
    behind = [(each.id, each.target) for each in item.dependants] if isinstance(item, Cause) else []
    return {*results_of(item), *behind}
