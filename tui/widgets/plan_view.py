"""The plan as a table of steps; below it the commands and the undo of the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.models.plan import Plan, PlannedStep
from tui import paint

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


class PlanView(Vertical):
    """Steps, commands, way back."""

    DEFAULT_CSS = """
    PlanView { height: 1fr; }
    PlanView Static { height: auto; max-height: 8; border-top: solid $pw-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.plan: Plan | None = None
        self.why_not = ""

    @override
    def compose(self) -> ComposeResult:
        table: DataTable[Text] = DataTable(cursor_type="row")
        yield table
        yield Static("No plan yet.", markup=False)

    def on_mount(self) -> None:
        """Fixed columns."""
        for label, width in (("#", 3), ("Lane", 16), ("Step", 52)):
            self.query_one(DataTable).add_column(label, width=width, key=label)

    def show(self, app: PoolwrightApp, plan: Plan | None, why_not: str = "") -> None:
        """Show a plan, or why there is none; the same one again changes nothing."""
        if plan == self.plan and why_not == self.why_not:
            return
        self.plan, self.why_not = plan, why_not
        table = self.query_one(DataTable)
        table.clear()
        for number, step in enumerate(plan.steps if plan else (), 1):
            title = paint.styled(app, step.title, limit=52)
            if step.is_point_of_no_return:
                title = paint.styled(app, f"! no way back: {step.title}", "warn", 52)
            table.add_row(Text(str(number)), paint.styled(app, step.lane, limit=16), title)
        self.explain()

    def explain(self) -> None:
        """Commands and undo of the step under the cursor."""
        row = self.query_one(DataTable).cursor_row
        detail = self.query_one(Static)
        if self.plan is None or not 0 <= row < len(self.plan.steps):
            detail.update(self.why_not or "No plan yet.")
            return
        detail.update(step_text(cast("PoolwrightApp", self.app), self.plan.steps[row]))

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.explain()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if self.plan is not None:
            app = cast("PoolwrightApp", self.app)
            app.show_text(step_text(app, self.plan.steps[event.cursor_row]))


def step_text(app: PoolwrightApp, step: PlannedStep) -> Text:
    """One step in full."""
    parts: list[Text | str] = [paint.styled(app, step.id, "muted")]
    if step.is_point_of_no_return:
        parts.append(paint.styled(app, "point of no return: what this does cannot be undone", "warn"))
    parts += [paint.styled(app, f"$ {command}", limit=1000) for command in step.commands]
    parts += [paint.styled(app, f"undo: {command}", "notice", 1000) for command in step.undo_commands]
    if step.undo_note:
        parts.append(paint.styled(app, f"undo does not bring back: {step.undo_note}", "warn", 1000))
    return paint.lines(*parts)
