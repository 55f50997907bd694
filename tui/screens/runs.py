"""Runs: everything that was started here, newest first; a live one is attached to, an ended one is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.service import RunView
from tui import paint
from tui.screens.quiet import QuietScreen
from tui.widgets.key_bar import KeyBar, own_keys

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


class RunsScreen(QuietScreen[str]):
    """The chosen run's id."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f7,escape", "leave", "Back", id="wizard.back")]

    def __init__(self, runs: Sequence[RunView]) -> None:
        super().__init__()
        self.runs = list(runs)

    @property
    def pw(self) -> PoolwrightApp:
        """The app, by its type."""
        return cast("PoolwrightApp", self.app)

    @override
    def compose(self) -> ComposeResult:
        yield Static("Runs", id="heading", markup=False)
        table: DataTable[Text] = DataTable(cursor_type="row")
        yield table
        yield Static(
            "" if self.runs else "No run yet. New pool on the first screen starts one.",
            id="empty",
            markup=False,
        )
        yield KeyBar(own_keys(self))

    def on_mount(self) -> None:
        """All runs."""
        table = self.query_one(DataTable)
        for label, width in (("State", 15), ("Pool", 20), ("Started", 20), ("Run", 30)):
            table.add_column(label, width=width, key=label)
        for run in self.runs:
            table.add_row(
                paint.state(self.pw, run.outcome.value if run.outcome else run.state.value),
                paint.styled(self.pw, run.pool, limit=20),
                paint.styled(self.pw, run.started_at[:19], limit=20),
                paint.styled(self.pw, run.run, limit=30),
                key=run.run,
            )
        table.focus()

    @on(DataTable.RowSelected)
    def _chosen(self, event: DataTable.RowSelected) -> None:
        event.stop()
        _ = self.dismiss(str(event.row_key.value))

    def action_leave(self) -> None:
        """Back to home."""
        _ = self.dismiss("")
