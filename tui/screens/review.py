"""Review: findings folded by cause, the exact plan, and the last question, answered by typing the pool's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, Input, Label, Static
from typing_extensions import override

from core.errors import PoolwrightError
from core.models.plan import Plan
from core.models.results import CheckResult
from tui import paint
from tui.fields import get_at
from tui.screens.base import StepScreen
from tui.widgets.findings import Findings
from tui.widgets.plan_view import PlanView

WAIVER_DAYS = 90  # a waiver typed here ends by itself


class ReviewScreen(StepScreen):
    """Two views, findings and plan; one line to start."""

    step_id = "review"
    CSS_PATH = "review.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "view", "Findings/plan", id="review.view", tooltip="findings or plan"),
        Binding("f5,ctrl+r", "check", "Check", id="wizard.check", tooltip="look at everything again"),
        Binding("f6", "accept", "Accept", id="review.accept", tooltip="accept an unknown by typing its id"),
        Binding("f9", "waive", "Waive", id="review.waive", tooltip="answer for this finding, with a reason"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self._starting = False

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
        yield self.button("Findings/plan", "view")
        yield self.button("Check", "check")
        yield self.button("Accept", "accept")
        yield self.button("Waive", "waive")
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
        self.query_one(Findings).show(self._ordered())
        self.plan = None if self.missing() else self.session.plan()
        self.query_one(PlanView).show(self.pw, self.plan or self._draft_plan(), self.session.plan_error)
        counts = Text("  ").join(
            paint.state(self.pw, verdict).append(f" {count}")
            for verdict in ("fail", "unknown", "blocked", "warn", "waived", "info", "pass")
            if (count := sum(each.verdict.value == verdict for each in self.session.results.values()))
        )
        steps = f"   plan: {len(self.plan.steps)} steps" if self.plan else "   no plan yet"
        self.query_one("#counts", Static).update(counts.append(steps))
        self.query_one("#prompt", Label).update(f"Type {self.pool_name!r} and Enter to create the pool:")
        self.query_one("#question").display = self.plan is not None
        if self.plan is not None and self.focused is None:
            self.query_one("#name").focus()

    def _draft_plan(self) -> Plan | None:
        """The plan as it would be, also while findings still stop it."""
        return None if self.session.problems() else self.session.plan()

    def _ordered(self) -> list[CheckResult]:
        """What stops the run first, then what waits for an acceptance, then the rest, each worst first."""
        verdicts = self.session.verdicts()
        stops = {each.key for each in verdicts.refusals} if verdicts else set()
        waits = {each.key for each in verdicts.unaccepted} if verdicts else set()
        return sorted(
            self.session.findings(), key=lambda each: (each.key not in stops, each.key not in waits)
        )

    @override
    def when_complete(self) -> tuple[str, str]:
        return "ready: nothing has been changed yet", "good"

    def action_view(self) -> None:
        """Findings or plan."""
        views = self.query_one(ContentSwitcher)
        views.current = "plan" if views.current == "findings" else "findings"
        self.query_one(f"#{views.current} DataTable").focus()

    def action_check(self) -> None:
        """Look at everything again."""
        self.pw.start_check(force=True)

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
            if len(reason.strip()) < 3:
                self.tell("a waiver needs a reason", bad=True)
                return
            self._waive(found, reason.strip())

        self.pw.ask(f"Why is {found.id} on {found.target} acceptable? (ends in {WAIVER_DAYS} days)", take)

    def _waive(self, found: CheckResult, reason: str) -> None:
        until = datetime.now(UTC).date() + timedelta(days=WAIVER_DAYS)
        self.session.answers.add_waiver(
            {
                "check": found.id,
                "target": found.target,
                "reason": reason,
                "who": self.pw.operator,
                "until": str(until),
            }
        )
        self.session.touch()
        self.pw.autosave()
        self.pw.start_check(force=True)

    @on(Input.Submitted, "#name")
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @override
    def action_next(self) -> None:
        missing = self.missing()
        if missing:
            self.tell(missing[0], bad=True)
            return
        line = self.query_one("#name", Input)
        if line.value != self.pool_name:
            line.focus()
            self.tell(f"type the pool's name, {self.pool_name}, to create it", bad=True)
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
            "Findings stand worst first; fail must be mended (or the server dropped), unknown must be accepted by "
            "its id. The plan shows every command and how each step is undone. Nothing is changed before the pool's "
            "name is typed."
        )
