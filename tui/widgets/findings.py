"""A table of findings, worst first, and the full text of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.models.results import CheckResult
from tui import paint
from tui.borrow import inert

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


class Findings(Vertical):
    """Findings as rows; the detail below says what was seen and what to do."""

    DEFAULT_CSS = """
    Findings { height: 1fr; }
    Findings Static { height: auto; max-height: 7; border-top: solid $pw-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "c", "copy", "Copy fix", id="findings.copy", tooltip="put the fix on the clipboard", show=False
        )
    ]

    def __init__(self, empty: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = empty
        self.results: list[CheckResult] = []

    @override
    def compose(self) -> ComposeResult:
        table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=False)
        yield table
        yield Static(self.empty, markup=False)

    def on_mount(self) -> None:
        """Fixed columns: nothing is measured while results stream."""
        table = self._table
        for label, width in (("State", 9), ("Check", 30), ("Where", 16), ("What", 60)):
            table.add_column(label, width=width, key=label)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable)

    def show(self, results: Sequence[CheckResult]) -> None:
        """Replace the rows, keeping the cursor on the same finding."""
        if list(results) == self.results:
            return
        app = cast("PoolwrightApp", self.app)
        moved = self._table.cursor_row > 0  # at the top the worst finding stays under the cursor
        kept = self.current.key if self.current and moved else None
        self.results = list(results)
        table = self._table
        table.clear()
        for each in self.results:
            table.add_row(
                paint.state(app, each.verdict.value),
                paint.styled(app, each.title, limit=30),
                paint.styled(app, each.target, limit=16),
                paint.styled(app, each.detail, limit=60),
            )
        keys = [each.key for each in self.results]
        if kept in keys:
            table.move_cursor(row=keys.index(kept))
        self.explain()

    @property
    def current(self) -> CheckResult | None:
        """The finding under the cursor."""
        row = self._table.cursor_row
        return self.results[row] if 0 <= row < len(self.results) else None

    def explain(self) -> None:
        """Show the whole finding."""
        app = cast("PoolwrightApp", self.app)
        found = self.current
        self.query_one(Static).update(finding_text(app, found) if found else Text(self.empty))

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.explain()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        app = cast("PoolwrightApp", self.app)
        if self.current is not None:
            app.show_text(finding_text(app, self.current))

    def action_copy(self) -> None:
        """Put the fix of the finding under the cursor on the clipboard (OSC 52)."""
        if self.current is not None and self.current.fix:
            self.app.copy_to_clipboard(inert(self.current.fix, 4000))
            cast("PoolwrightApp", self.app).tell(
                "fix copied; Enter shows it in full if your terminal does not take it"
            )


def finding_text(app: PoolwrightApp, found: CheckResult) -> Text:
    """A finding in full: state, id, what was seen, the fix, where the rule stands."""
    head = paint.state(app, found.verdict.value)
    head.append_text(paint.styled(app, f"  {found.id}  {' '.join(found.rules)}  {found.target}", "muted"))
    parts: list[Text | str] = [head, paint.styled(app, found.detail, limit=2000)]
    if found.fix and found.verdict.value not in ("pass", "not_applicable"):
        parts.append(Text.assemble(("fix: ", "bold")).append_text(paint.styled(app, found.fix, limit=1000)))
    if found.blocked_by:
        parts.append(paint.styled(app, f"waits for {', '.join(found.blocked_by)}", "muted"))
    if found.waived_by:
        parts.append(paint.styled(app, f"waived by {found.waived_by}", "notice"))
    if found.source:
        parts.append(paint.styled(app, f"source: {found.source}", "muted"))
    return paint.lines(*parts)
