"""Save as spec, plan or runbook: what, and where to."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static
from typing_extensions import override

from tui import borrow
from tui.saving import ABOUT, Kind
from tui.widgets.choice import Choice


class SaveAs(ModalScreen[tuple[str, str] | None]):
    """(kind, path), or None when cancelled. A file that is there is named, and replaced by a second Enter only."""

    DEFAULT_CSS = """
    SaveAs { align: center middle; background: $pw-background 70%; }
    SaveAs > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
        background: $pw-panel; border: round $pw-primary; }
    SaveAs Horizontal { height: 1; }
    SaveAs .label { width: 10; }
    SaveAs Static.about { margin-top: 1; height: 2; color: $pw-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f7", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(self, name_for: Callable[[Kind], str]) -> None:
        super().__init__()
        self.name_for = name_for
        self._asked = ""  # the path that is there already and was asked about

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            with Horizontal():
                yield Static("Save as", classes="label")
                yield Choice([each.value for each in Kind], Kind.SPEC.value, id="kind")
            with Horizontal():
                yield Static("to", classes="label")
                line = Input(self.name_for(Kind.SPEC), compact=True, id="path")
                line.cursor_blink = False
                yield line
            yield Static(ABOUT[Kind.SPEC], classes="about", markup=False)
            with Horizontal():
                yield Button("Save", compact=True, id="save")
                yield Button("Cancel", compact=True, action="screen.cancel")

    def on_mount(self) -> None:
        """What first, then where."""
        self.query_one(Choice).focus()

    @property
    def kind(self) -> Kind:
        """What was chosen."""
        return Kind(self.query_one(Choice).value)

    @on(Choice.Changed)
    def _another(self) -> None:
        self.query_one("#path", Input).value = self.name_for(self.kind)
        self.query_one(".about", Static).update(ABOUT[self.kind])

    @on(Choice.Submitted)
    def _chosen(self) -> None:
        self.query_one("#path").focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        path = self.query_one("#path", Input).value.strip()
        if not path:
            return
        if borrow.is_there(borrow.expanded(path)) and path != self._asked:
            self._asked = path
            self.query_one(".about", Static).update(f"{path} is there already: Enter again replaces it")
            return
        _ = self.dismiss((self.kind.value, path))

    def action_cancel(self) -> None:
        """Nothing is written."""
        _ = self.dismiss(None)
