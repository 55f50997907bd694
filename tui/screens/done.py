"""Done: how the run ended, what was verified, what is left behind with the commands that end it, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Static
from typing_extensions import override

from core.errors import PoolwrightError
from core.models.events import Verified
from core.service import RunView
from tui import paint
from tui.screens.base import StepScreen

WORDS = {
    "created": "The pool was created and looked at.",
    "created_unverified": "The pool was created, but not everything could be verified.",
    "rolled_back": "The run failed and everything it did was taken back.",
    "refused": "The run was refused; nothing was changed.",
    "needs_human": "The run ended, and something is left that a person must end.",
}


class DoneScreen(StepScreen):
    """Result of one run."""

    step_id = "done"
    CSS_PATH = "done.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7,escape,f8", "home", "Home", id="done.home", tooltip="back to the start"),
        Binding(
            "y,f6",
            "copy",
            "Copy commands",
            id="done.copy",
            tooltip="put the commands on the clipboard (OSC 52)",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.view: RunView | None = None

    @override
    def body(self) -> Iterator[Widget]:
        with VerticalScroll(id="result"):
            yield Static("", id="text", markup=False)

    @override
    def buttons(self) -> Iterator[Button]:
        yield self.button("Home", "home")
        yield self.button("Copy commands", "copy")

    @override
    def arrive(self) -> None:
        self.query_one("#result").focus()
        try:
            self.view = self.session.service.show(self.session.run)
        except PoolwrightError as error:
            self.query_one("#text", Static).update(paint.styled(self.pw, error, "bad"))
            return
        self.query_one("#text", Static).update(result_text(self, self.view))

    @override
    def show_missing(self) -> None:
        text = "Up and Down scroll; the record stays"
        if self.view is not None and text != self._said:
            self._said = text
            self.query_one("#missing", Static).update(
                f"{text}: poolwright show {self.view.run}", layout=False
            )

    @override
    def help_text(self) -> Text:
        return Text(
            "How the run ended, what was looked at afterwards on every server, and what is left for a person, with "
            "its commands. Nothing more happens by itself."
        )

    def action_home(self) -> None:
        """Back to the start, ready for another pool."""
        self.pw.leave_run()

    def action_copy(self) -> None:
        """Put the commands that end what is left on the clipboard, by OSC 52."""
        commands = [command for each in (self.view.residue if self.view else ()) for command in each.commands]
        if not commands:
            self.tell("nothing is left behind, so there is nothing to copy")
            return
        self.app.copy_to_clipboard("\n".join(commands))
        self.tell("copied; if your terminal does not take it, select the lines or use `poolwright show`")

    @override
    def action_next(self) -> None:
        self.action_home()

    @override
    def action_back(self) -> None:
        self.action_home()


def result_text(screen: DoneScreen, view: RunView) -> Text:
    """The whole result as text."""
    app = screen.pw
    outcome = view.outcome.value if view.outcome else view.state.value
    head = paint.state(app, outcome)
    head.append(f"  {view.pool}  ", style="bold").append(WORDS.get(outcome, ""))
    parts: list[Text | str] = [head]
    if view.message:
        parts.append(paint.styled(app, view.message, limit=2000))
    for name, value in view.pool_facts.items():
        parts.append(paint.styled(app, f"  {name}: {value}", "muted", 200))
    if view.verification:
        parts += ["", Text("What was looked at afterwards", style="bold")]
    if view.out_of_date:
        told = paint.styled(app, f"  {view.out_of_date}", limit=400)
        parts.append(paint.state(app, "superseded").append_text(told))
    accepted = {item.id for item in view.unobservable}
    for item in () if view.out_of_date else view.verification:
        more = " (accepted with the plan)" if item.holds is None and item.id in accepted else ""
        text = f"  {item.title}: {item.detail}{more}"
        parts.append(paint.state(app, _state_of(item)).append_text(paint.styled(app, text, limit=400)))
    for left in view.residue:
        parts += ["", paint.styled(app, f"left behind: {left.what} at {left.where}", "bad")]
        parts += [paint.styled(app, left.why, "muted", 600)] if left.why else []
        parts += [paint.styled(app, f"  $ {command}", limit=1000) for command in left.commands]
    parts += ["", Text("Next", style="bold"), *_next_steps(outcome, view)]
    return paint.lines(*parts)


def _state_of(item: Verified) -> str:
    if item.holds is None:
        return "unknown"
    return "pass" if item.holds else "fail" if item.is_essential else "warn"


def _next_steps(outcome: str, view: RunView) -> list[str]:
    if outcome == "created":
        return [
            "- create repositories and present them to the servers of the pool",
            f"- keep the record: poolwright show {view.run}",
        ]
    if outcome == "created_unverified":
        return [
            "- when the servers answer again, verify the pool: poolwright check SPEC",
            f"- the record: poolwright show {view.run}",
        ]
    if outcome == "needs_human":
        return ["- run the commands above, then check again", f"- the record: poolwright show {view.run}"]
    return ["- mend what the failed step says, then go through the wizard again: your answers are kept",
            f"- the record: poolwright show {view.run}"]  # fmt: skip
