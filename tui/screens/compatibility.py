"""Compatibility: may guests migrate between the servers? Groups, a matrix that scrolls, the reason for each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static
from typing_extensions import override

from tui import paint
from tui.borrow import inert
from tui.screens.base import StepScreen

FIRST_COLUMN = 24
NAMED_COLUMN = 17  # wide enough for an address and its number
WORD_COLUMN = 10
GOOD = ("self", "allowed", "skipped")


class CompatibilityScreen(StepScreen):
    """Heat map of who may migrate to whom."""

    step_id = "compatibility"
    CSS_PATH = "compatibility.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f6", "what_if", "Without it", id="matrix.what_if", tooltip="groups without the row's server"
        ),
        Binding("f5,ctrl+r", "check", "Check", id="wizard.check", tooltip="look at the servers again"),
        Binding(
            "f3", "problem", "Problem", id="matrix.problem", tooltip="jump to the next pair that is not good"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.matrix: Mapping[str, Any] = {}
        self.left_out: set[str] = set()
        self._seen: object = None

    @override
    def body(self) -> Iterator[Widget]:
        yield Static("", id="groups", markup=False)
        table: DataTable[Text] = DataTable(cursor_type="cell", fixed_columns=1, cell_padding=0, id="matrix")
        yield table
        yield Static("", id="why", classes="detail", markup=False)

    @override
    def arrive(self) -> None:
        self.query_one("#matrix").focus()
        self.pw.start_check()

    @override
    def draw(self) -> None:
        if self._seen is not self.session.checked or self._seen is None:
            self._seen = self.session.checked
            self.show_matrix()

    @property
    def names(self) -> list[str]:
        """Servers of the rows and columns: all that were looked at, those left out too."""
        checked = self.session.checked
        return list(checked.fleet.servers) if checked else []

    def show_matrix(self) -> None:
        """Draw the whole matrix again."""
        self.matrix = self.session.compatibility(without=sorted(self.left_out))
        self.query_one("#groups", Static).update(self._groups())
        table = self.query_one(DataTable)
        kept = table.cursor_coordinate
        table.clear(columns=True)
        names = self.names
        room = max(self.size.width - FIRST_COLUMN - 4, 0) // max(len(names), 1)
        width = min(max(room, 3), 20)
        table.add_column("from \\ to", width=FIRST_COLUMN, key="row")
        for number, name in enumerate(names, 1):
            label = f"{number} {inert(name, width - 4)}" if width >= NAMED_COLUMN else str(number)
            table.add_column(Text(label), width=width)
        for number, name in enumerate(names, 1):
            mark = " (left out)" if name in self.left_out else ""
            table.add_row(
                Text(f"{number} {inert(name, FIRST_COLUMN - 5 - len(mark))}{mark}"),
                *(
                    paint.state(self.pw, self.verdict(name, other), word=width >= WORD_COLUMN)
                    for other in names
                ),
            )
        table.move_cursor(row=kept.row, column=max(kept.column, 1))

    def cell(self, source: str, target: str) -> Mapping[str, Any]:
        """What the service says of one direction; empty for a server itself or one left out."""
        cell: Mapping[str, Any] = self.matrix.get("cells", {}).get(source, {}).get(target, {})
        return cell

    def verdict(self, source: str, target: str) -> str:
        """State of one cell."""
        if source in self.left_out or target in self.left_out:
            return "skipped"
        return "self" if source == target else str(self.cell(source, target).get("verdict", "unknown"))

    def _groups(self) -> Text:
        groups = self.matrix.get("groups", ())
        if not self.names:
            return paint.styled(self.pw, self.session.why_no_check() or "No processors seen yet.", "muted")
        named = [name for each in groups for name in each["servers"]]
        unknown = [name for name in self.names if name not in named and name not in self.left_out]
        style = "good" if len(groups) == 1 and not unknown else "warn"
        parts: list[Text | str] = [
            paint.styled(
                self.pw, f"{len(groups)} group{'' if len(groups) == 1 else 's'} of like processors", style
            )
        ]
        parts += [
            paint.styled(
                self.pw, f"{len(each['servers']):>3}  {each['name']}: {', '.join(each['servers'])}", limit=200
            )
            for each in groups
        ]
        if unknown:
            parts.append(
                paint.styled(self.pw, f"{len(unknown):>3}  not known: {', '.join(unknown)}", "warn", 200)
            )
        return paint.lines(*parts)

    @on(DataTable.CellHighlighted)
    def _highlighted(self, event: DataTable.CellHighlighted) -> None:
        event.stop()
        row, column = event.coordinate.row, event.coordinate.column - 1
        names = self.names
        why = self.query_one("#why", Static)
        if not (0 <= row < len(names) and 0 <= column < len(names)):
            why.update(
                "May a guest move from the row's to the column's server? The cell under the cursor is explained here."
            )
            return
        source, target = names[row], names[column]
        cell = self.cell(source, target)
        head = paint.state(self.pw, self.verdict(source, target))
        head.append_text(
            paint.styled(self.pw, f"  {source} -> {target}  {' '.join(cell.get('rows', ()))}", "muted")
        )
        parts: list[Text | str] = [head, paint.styled(self.pw, cell.get("text", ""), limit=1200)]
        if cell.get("missing"):
            parts.append(
                paint.styled(self.pw, f"the guest would lose: {', '.join(cell['missing'])}", "warn", 400)
            )
        why.update(paint.lines(*parts))

    def action_problem(self) -> None:
        """Jump to the next pair that is not simply good."""
        table = self.query_one(DataTable)
        names = self.names
        total = len(names) ** 2
        here = table.cursor_coordinate.row * len(names) + max(table.cursor_coordinate.column - 1, 0)
        for offset in range(1, total + 1):
            row, column = divmod((here + offset) % total, len(names))
            if self.verdict(names[row], names[column]) not in GOOD:
                table.move_cursor(row=row, column=column + 1)
                return
        self.tell("every pair is good")

    def action_what_if(self) -> None:
        """See the groups without the row's server, or with it again; the pool itself stays as it is."""
        row = self.query_one(DataTable).cursor_row
        if 0 <= row < len(self.names):
            self.left_out ^= {self.names[row]}
            self.show_matrix()

    def action_check(self) -> None:
        """Look at the servers again."""
        self.pw.start_check(force=True)

    @override
    def when_complete(self) -> tuple[str, str]:
        return "warnings here do not stop the pool: F8 goes on", "good"

    @override
    def help_text(self) -> Text:
        return Text(
            "Rows are where a guest runs, columns where it would move. The reason for each cell stands below the "
            "matrix. F6 shows the groups without the row's server. Warnings here do not stop the pool; a mix that "
            "must be accepted waits on the review."
        )
