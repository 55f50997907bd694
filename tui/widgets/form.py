"""A form made from field metadata: one line an input, wrong ones marked. Rows never move while somebody types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label
from typing_extensions import override

from tui.fields import FormField, is_shown
from tui.widgets.choice import Choice


class FieldRow(Vertical):
    """Label and input of one field, and whether it is wrong."""

    DEFAULT_CSS = """
    FieldRow { height: auto; }
    FieldRow > Horizontal { height: 1; }
    FieldRow Label { width: 25; padding: 0 1; }
    FieldRow Input, FieldRow Input:focus { background: $pw-surface; background-tint: transparent; }
    FieldRow Input:focus { background: $pw-panel; }
    FieldRow .unit { width: auto; padding: 0 1; color: $pw-muted; }
    FieldRow.-wrong Label { color: $pw-bad; text-style: bold; }
    """

    def __init__(self, field: FormField, value: str) -> None:
        super().__init__()
        self.field = field
        self.problem = ""
        self.taken = value  # the answer as it was taken last
        self.control: Widget = self._make(field, value)

    @staticmethod
    def _make(field: FormField, value: str) -> Widget:
        name = f"f-{field.name}"
        if field.choices:
            return Choice(field.choices, value, id=name)
        made = Input(value, compact=True, id=name, select_on_focus=False, placeholder=_placeholder(field))
        made.cursor_blink = False
        return made

    @override
    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(self.caption, markup=False)
            yield self.control
            if self.field.unit:
                yield Label(self.field.unit, classes="unit", markup=False)

    @property
    def caption(self) -> str:
        """Label with its marks: `!` in front when wrong, `*` behind when required."""
        return ("! " if self.problem else "") + self.field.label + (" *" if self.field.is_required else "")

    def show_problem(self, text: str) -> None:
        """Mark the row as wrong, or clear it; the screen shows the text for the row that has the focus."""
        if text == self.problem:
            return
        self.problem = text
        self.set_class(bool(text), "-wrong")
        self.query_one(Label).update(self.caption, layout=False)

    @property
    def value(self) -> str:
        """The answer as text."""
        return str(getattr(self.control, "value", ""))


def _placeholder(field: FormField) -> str:
    return "required" if field.is_required else ""


class Form(VerticalScroll, can_focus=False):
    """All inputs of one or more sections, with their answers."""

    DEFAULT_CSS = """
    Form { height: 1fr; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", "Next field", show=False, id="form.down"),
        Binding("up", "step(-1)", "Previous field", show=False, id="form.up"),
    ]

    class Edited(Message):
        """Something was typed: `take_typed` has it, unless a key after it was quicker and took it already."""

    @dataclass
    class Focused(Message):
        """An input has the focus: its field, for the help line."""

        field: FormField

    @dataclass
    class Finished(Message):
        """Enter on the last input."""

    def __init__(
        self,
        fields: Sequence[FormField],
        flat: Mapping[str, str],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.flat = flat
        self.rows = [FieldRow(field, flat.get(field.path, field.default)) for field in fields]
        self.shows_all = False

    @override
    def compose(self) -> ComposeResult:
        yield from self.rows

    def on_mount(self) -> None:
        """Hide what does not exist under the present answers."""
        self.refresh_rows()

    def refresh_rows(self) -> None:
        """Show the rows that exist now; advanced ones when asked for, or when they hold something."""
        for row in self.rows:
            holds = row.value != row.field.default
            wanted = not row.field.is_advanced or self.shows_all or holds
            row.display = wanted and is_shown(row.field, self.flat)

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Problem text per path; paths without one are cleared."""
        for row in self.rows:
            row.show_problem(problems.get(row.field.path, ""))

    def problem_of(self, field: FormField) -> str:
        """The problem of one input as it is shown, empty when there is none."""
        return next((row.problem for row in self.rows if row.field == field), "")

    def action_step(self, by: int) -> None:
        """Move the focus along the visible inputs."""
        shown = [row.control for row in self.rows if row.display]
        current = self.screen.focused
        index = shown.index(current) + by if current in shown else 0
        if 0 <= index < len(shown):
            shown[index].focus()
        elif index >= len(shown):
            self.post_message(self.Finished())

    def focus_first(self, path: str = "") -> None:
        """Focus the input of a path, or the first."""
        for row in self.rows:
            if row.display and (not path or row.field.path == path):
                row.control.focus()
                return

    def take_typed(self) -> dict[str, str]:
        """The answers, by path, that were typed since they were taken last."""
        fresh = [row for row in self.rows if row.value != row.taken]
        for row in fresh:
            row.taken = row.value
        return {row.field.path: row.value for row in fresh}

    @on(Input.Changed)
    @on(Choice.Changed)
    def _changed(self, event: Input.Changed | Choice.Changed) -> None:
        event.stop()
        self.post_message(self.Edited())

    @on(Input.Submitted)
    @on(Choice.Submitted)
    def _submitted(self, event: Message) -> None:
        event.stop()
        self.action_step(1)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Tell which field is explained now."""
        for row in self.rows:
            if row.control is event.widget:
                self.post_message(self.Focused(row.field))
