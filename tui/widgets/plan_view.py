"""The plan as a table of steps; below it the commands and the undo of the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.models.plan import ByHand, Plan, PlannedStep, PlanWarning, Unobservable
from tui import paint
from tui.borrow import inert

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


Row = PlannedStep | ByHand | PlanWarning | Unobservable


class PlanView(Vertical):
    """Steps with commands and way back, what to know before confirming, what stays for a person to do."""

    DEFAULT_CSS = """
    PlanView { height: 1fr; }
    PlanView Static { height: auto; max-height: 9; border-top: solid $pw-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.plan: Plan | None = None
        self.why_not = ""
        self.rows: list[Row] = []

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
        self.rows = [*plan.steps, *plan.warnings, *plan.unobservable, *plan.by_hand] if plan else []
        table = self.query_one(DataTable)
        table.clear()
        for row in self.rows:
            table.add_row(*self._cells(app, row))
        self.explain()

    def _cells(self, app: PoolwrightApp, row: Row) -> tuple[Text, Text, Text]:
        if isinstance(row, PlanWarning):
            return Text("!"), Text("know before"), paint.styled(app, f"{row.id}: {row.text}", "warn", 52)
        if isinstance(row, Unobservable):
            return Text("?"), Text("not verifiable"), paint.styled(app, row.title, "warn", 52)
        if isinstance(row, ByHand):
            return (
                Text("-"),
                Text("left for you"),
                paint.styled(app, f"{row.what} at {row.where}", "notice", 52),
            )
        number = Text(str(self.plan.steps.index(row) + 1 if self.plan else 0))
        title = paint.styled(app, row.title, limit=52)
        if row.is_point_of_no_return:
            title = paint.styled(app, f"! no way back: {row.title}", "warn", 52)
        return number, paint.styled(app, row.lane, limit=16), title

    def explain(self) -> None:
        """Everything about the row under the cursor."""
        index = self.query_one(DataTable).cursor_row
        detail = self.query_one(Static)
        is_row = 0 <= index < len(self.rows)
        detail.border_title = "Enter: all of it" if is_row else ""
        detail.update(
            row_text(cast("PoolwrightApp", self.app), self.rows[index])
            if is_row
            else self.why_not or "No plan yet."
        )

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.explain()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if 0 <= event.cursor_row < len(self.rows):
            app = cast("PoolwrightApp", self.app)
            app.show_text(row_text(app, self.rows[event.cursor_row]))


def row_text(app: PoolwrightApp, row: Row) -> Text:
    """One row in full."""
    if isinstance(row, PlannedStep):
        return step_text(app, row)
    if isinstance(row, PlanWarning):
        return paint.lines(
            paint.styled(app, f"know before you confirm: {row.id}", "warn"), inert(row.text, 2000)
        )
    if isinstance(row, Unobservable):
        head = "cannot be verified with these connections; confirming the plan accepts this"
        return paint.lines(paint.styled(app, head, "warn"), inert(f"{row.title}: {row.why}", 2000))
    parts: list[Text | str] = [
        paint.styled(app, "left for you, never run by poolwright", "notice"),
        paint.styled(app, f"{row.what} at {row.where}", limit=1000),
    ]
    parts += [paint.styled(app, row.why, "muted", 1000)] if row.why else []
    return paint.lines(*parts, *(paint.styled(app, f"$ {command}", limit=1000) for command in row.commands))


def step_text(app: PoolwrightApp, step: PlannedStep) -> Text:
    """One step in full."""
    parts: list[Text | str] = [paint.styled(app, step.id, "muted")]
    if step.is_point_of_no_return:
        parts.append(paint.styled(app, "point of no return: what this does cannot be undone", "warn"))
    parts += [paint.styled(app, f"$ {command}", limit=1000) for command in step.commands]
    parts += [paint.styled(app, f"undo: {command}", "notice", 1000) for command in step.undo_commands]
    if step.undo_needs:
        parts.append(paint.styled(app, f"undo needs: {'; '.join(step.undo_needs)}", "warn", 1000))
    if step.undo_note:
        parts.append(paint.styled(app, f"undo does not bring back: {step.undo_note}", "warn", 1000))
    return paint.lines(*parts)
