"""A step that is a form: answers go to the session as typed, problems stand under their inputs, help at the bottom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from typing_extensions import override

from tui import paint, wizard
from tui.fields import FormField, explain
from tui.screens.base import StepScreen
from tui.widgets.form import Form

SETTLE_S = 0.3  # judge when typing pauses


class FormStep(StepScreen):
    """Inputs of this step's sections."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "more", "More", id="form.more", tooltip="show the rarely needed inputs too")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._settle: Timer | None = None
        self._explained: FormField | None = None
        self._shows_missing = False
        self._shown_help = ""

    @override
    def body(self) -> Iterator[Widget]:
        sections = wizard.step(self.step_id).sections
        fields = [field for name in sections for field in self.session.sections.get(name, ())]
        yield Form(fields, self.session.answers.flat, id="form")
        yield Static("", id="help", markup=False)

    @property
    def form(self) -> Form:
        """The form of this step."""
        return self.query_one(Form)

    @override
    def arrive(self) -> None:
        self.form.focus_first()

    @override
    def draw(self) -> None:
        self.form.refresh_rows()
        self.form.show_problems(self._visible_problems())
        self._explain()

    def _visible_problems(self) -> dict[str, str]:
        """Problem per input; what is only missing shows once the input was touched or Next was asked for."""
        paths = {row.field.path for row in self.form.rows}
        shown: dict[str, str] = {}
        for problem in wizard.problems_of(self.step_id, self.session):
            path = wizard.owner(problem.field, paths)
            if self._shows_missing or path in self.session.answers.touched:
                fix = f"; {problem.fix}" if problem.fix else ""
                rule = f"  [{problem.rule}]" if problem.rule else ""
                shown.setdefault(path, f"{problem.message}{fix}{rule}")
        return shown

    @override
    @on(Form.Edited)
    def take_typed(self) -> None:
        typed = self.form.take_typed()
        changed = {path for path, value in typed.items() if self.session.answers.set(path, value)}
        if not changed:
            return
        if any(path in changed for row in self.form.rows for path, _value in row.field.when):
            self.form.refresh_rows()
        if self._settle is not None:
            self._settle.stop()
        self._settle = self.set_timer(SETTLE_S, self.settled)

    def settled(self) -> None:
        """Typing has paused: judge and keep the answers."""
        self.session.touch()
        self.pw.autosave()

    @on(Form.Focused)
    def _focused(self, event: Form.Focused) -> None:
        self._explained = event.field
        self._explain()

    def _explain(self) -> None:
        """The problem of the focused input, else what it means; drawn without laying anything out again."""
        if self._explained is None:
            return
        problem = self.form.problem_of(self._explained)
        said = paint.styled(self.pw, problem, "bad") if problem else Text(explain(self._explained))
        if said.plain != self._shown_help:
            self._shown_help = said.plain
            self.query_one("#help", Static).update(said, layout=False)

    @on(Form.Finished)
    def _finished(self) -> None:
        self.query("#nav Button").last().focus()

    @override
    def show_where(self, missing: tuple[str, ...]) -> None:
        self._shows_missing = True
        self.session.touch()
        paths = {row.field.path for row in self.form.rows}
        for problem in wizard.problems_of(self.step_id, self.session):
            self.form.focus_first(wizard.owner(problem.field, paths))
            return

    @override
    def help_text(self) -> Text:
        return Text(explain(self._explained)) if self._explained else super().help_text()

    def action_more(self) -> None:
        """Show or hide the rarely needed inputs."""
        self.form.shows_all = not self.form.shows_all
        self.form.refresh_rows()
        self.tell("all inputs are shown" if self.form.shows_all else "rarely needed inputs are hidden")
