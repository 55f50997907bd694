"""A table of findings or of their causes, worst first, and the full text of the one under the cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.models.results import Cause, FixCommand
from tui import paint
from tui.items import CALM, COMMAND_MAX, Item, fix_lines, fixes_of, key_of, places_of, results_of, where_of

if TYPE_CHECKING:
    from tui.app import PoolwrightApp

HINT = "Enter: all of it · c: copy the fix"


class Findings(Vertical):
    """Findings as rows; the detail below says what was seen and what to do."""

    DEFAULT_CSS = """
    Findings { height: 1fr; }
    Findings Static { height: auto; max-height: 8; border-top: solid $pw-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "c",
            "copy",
            "Copy fix",
            id="findings.copy",
            tooltip="copy the fix (OSC 52), and show it as plain lines",
        )
    ]

    def __init__(self, empty: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.empty = empty
        self.results: list[Item] = []
        self.stale: Mapping[tuple[str, str], str] = {}

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

    def show(self, results: Sequence[Item], stale: Mapping[tuple[str, str], str] | None = None) -> None:
        """Replace the rows, keeping the cursor on the same finding."""
        stale = stale or {}
        if list(results) == self.results and stale == self.stale:
            return
        app = cast("PoolwrightApp", self.app)
        moved = self._table.cursor_row > 0  # at the top the worst finding stays under the cursor
        kept = key_of(self.current) if self.current and moved else None
        self.results, self.stale = list(results), stale
        table = self._table
        table.clear()
        for each in self.results:
            old = "(old) " if self._age(each) else ""
            table.add_row(
                paint.state(app, each.verdict.value),
                paint.styled(app, each.title, limit=30),
                paint.styled(app, where_of(each), limit=16),
                paint.styled(app, old + each.detail, limit=60),
            )
        keys = [key_of(each) for each in self.results]
        if kept in keys:
            table.move_cursor(row=keys.index(kept))
        self.explain()

    @property
    def current(self) -> Item | None:
        """The finding under the cursor."""
        row = self._table.cursor_row
        return self.results[row] if 0 <= row < len(self.results) else None

    def _age(self, item: Item) -> str:
        return next((self.stale[key] for key in results_of(item) if key in self.stale), "")

    def _text(self, item: Item) -> Text:
        return finding_text(cast("PoolwrightApp", self.app), item, self._age(item))

    def explain(self) -> None:
        """Show the whole finding."""
        found = self.current
        detail = self.query_one(Static)
        detail.border_title = HINT if found else ""
        detail.update(self._text(found) if found else Text(self.empty))

    def next_problem(self) -> bool:
        """Move to the next finding that is not simply good; False when there is none."""
        total = len(self.results)
        for offset in range(1, total + 1):
            row = (self._table.cursor_row + offset) % total
            if self.results[row].verdict.value not in CALM:
                self._table.move_cursor(row=row)
                self._table.focus()
                return True
        return False

    def find(self, text: str) -> bool:
        """Move to the next row that has these letters anywhere; False when none has."""
        total, wanted = len(self.results), text.lower()
        for offset in range(1, total + 1):
            row = (self._table.cursor_row + offset) % total
            if wanted in self._text(self.results[row]).plain.lower():
                self._table.move_cursor(row=row)
                self._table.focus()
                return True
        return False

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.explain()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if self.current is not None:
            cast("PoolwrightApp", self.app).show_text(self._text(self.current))

    def action_copy(self) -> None:
        """Put the fix of the finding under the cursor on the clipboard (OSC 52), and show it as plain lines."""
        app = cast("PoolwrightApp", self.app)
        lines = fix_lines(self.current) if self.current is not None else []
        if lines:
            app.copy("\n".join(lines))
        else:
            app.tell("this finding has no fix to copy")


def finding_text(app: PoolwrightApp, found: Item, age: str = "") -> Text:
    """A finding in full: state, id, what was seen, the fix in words and commands, what follows, the source."""
    head = paint.state(app, found.verdict.value)
    head.append_text(
        paint.styled(app, f"  {found.id}  {' '.join(found.rules)}  {places_of(found)}", "muted", 600)
    )
    parts: list[Text | str] = [head, paint.styled(app, found.detail, limit=2000)]
    if age:
        parts.append(paint.styled(app, f"look again: {age}", "warn"))
    parts += [
        Text.assemble(("fix: ", "bold")).append_text(paint.styled(app, fix, limit=1000))
        for fix in fixes_of(found)
    ]
    parts += _commands(app, found.commands)
    if isinstance(found, Cause):
        if found.dependants:
            behind = ", ".join(dict.fromkeys(each.id for each in found.dependants))
            parts.append(
                paint.styled(app, f"{len(found.dependants)} more follow from it: {behind}", "muted", 1000)
            )
        return paint.lines(*parts)
    if found.blocked_by:
        parts.append(paint.styled(app, f"waits for {', '.join(found.blocked_by)}", "muted"))
    if found.waived_by:
        parts.append(paint.styled(app, f"waived by {found.waived_by}", "notice"))
    if found.source:
        parts.append(paint.styled(app, f"source: {found.source}", "muted"))
    return paint.lines(*parts)


def _commands(app: PoolwrightApp, commands: Sequence[FixCommand]) -> list[Text]:
    made: list[Text] = []
    where = ""
    for each in commands[:40]:
        if each.where != where:
            where = each.where
            made.append(paint.styled(app, f"on {where} (c copies):", "muted"))
        if each.warning:
            made.append(paint.styled(app, f"  CAREFUL: {each.warning}", "warn"))
        made.append(
            paint.styled(app, f"  $ {each.text}" if each.text else f"  {each.withheld}", limit=COMMAND_MAX)
        )
    return made
