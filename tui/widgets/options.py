"""A few rarely needed inputs of a step, over it; answers go to the session as typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static
from typing_extensions import override

from tui.fields import FormField, explain
from tui.widgets.form import Form


class Options(ModalScreen[dict[str, str]]):
    """The answers as they stand when it is closed; {} when nothing was changed."""

    DEFAULT_CSS = """
    Options { align: center middle; background: $pw-background 70%; }
    Options > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
        background: $pw-panel; border: round $pw-primary; }
    Options Form { height: auto; max-height: 12; }
    Options .title { text-style: bold; color: $pw-primary; margin-bottom: 1; }
    Options .about { height: 2; color: $pw-muted; margin-top: 1; }
    Options Horizontal.close { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f7,f8", "close", "Close", id="dialog.close")]

    def __init__(self, title: str, fields: Sequence[FormField], flat: Mapping[str, str]) -> None:
        super().__init__()
        self.heading = title
        self.fields = tuple(fields)
        self.flat = flat

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.heading, classes="title", markup=False)
            yield Form(self.fields, self.flat)
            yield Static("", classes="about", markup=False)
            with Horizontal(classes="close"):
                yield Button("Close", compact=True, action="screen.close")

    def on_mount(self) -> None:
        """The first input has the focus."""
        self.query_one(Form).focus_first()

    @on(Form.Focused)
    def _focused(self, event: Form.Focused) -> None:
        self.query_one(".about", Static).update(explain(event.field))

    @on(Form.Finished)
    def _finished(self) -> None:
        self.query_one(Button).focus()

    def action_close(self) -> None:
        """Hand the answers over, the letter typed last too."""
        _ = self.dismiss(self.query_one(Form).take_typed())
