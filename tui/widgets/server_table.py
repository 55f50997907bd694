"""The fleet as one DataTable: a row a server, drawn from the session on the screen's timer, only where it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.widgets import DataTable
from typing_extensions import override

from tui import paint
from tui.borrow import inert
from tui.theme import rank

if TYPE_CHECKING:
    from core.models.facts import ServerFacts
    from core.models.results import CheckResult
    from tui.app import PoolwrightApp
    from tui.book import Book
    from tui.session import Session

COLUMNS = (
    ("server", "Server", 18),
    ("planes", "Planes", 14),
    ("worst", "Worst", 9),
    ("seen", "Checks", 7),
    ("what", "Finding", 60),
)
QUIET = ("pass", "not_applicable")


class ServerTable(DataTable[Text]):
    """Rows follow the session's servers; the filter and the order are the operator's."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(cursor_type="row", id=id)
        self.filter = ""
        self.worst_first = False
        self._shown: dict[str, tuple[str, ...]] = {}
        self._book: Book | None = None
        self._theme = ""

    @override
    def on_mount(self) -> None:
        """Fixed widths: nothing is measured per row."""
        for key, label, width in COLUMNS:
            self.add_column(label, width=width, key=key)

    @property
    def current(self) -> str:
        """Name of the server under the cursor, empty when there is none."""
        names = list(self._shown)
        return names[self.cursor_row] if 0 <= self.cursor_row < len(names) else ""

    def show(self, session: Session) -> None:
        """Bring the rows up to date: rebuild when servers or order changed, else only the cells that differ."""
        app = cast("PoolwrightApp", self.app)
        book = session.results
        names = [name for name in session.answers.servers if self.filter.lower() in name.lower()]
        if self.worst_first:
            names.sort(key=book.rank_of)
        dirty, book.dirty = book.dirty, set()
        if book is not self._book or app.theme != self._theme:
            dirty, self._book, self._theme = set(names), book, app.theme
        if names != list(self._shown):
            rows = {name: _row(app, session.servers.get(name), name, book.of(name)) for name in names}
            self._rebuild(rows)
            self._shown = {name: _plain(cells) for name, cells in rows.items()}
            return
        for name in dirty & self._shown.keys():
            cells = _row(app, session.servers.get(name), name, book.of(name))
            for (key, _label, _width), cell, old in zip(COLUMNS, cells, self._shown[name], strict=True):
                if cell.plain != old:
                    self.update_cell(name, key, cell)
            self._shown[name] = _plain(cells)

    def _rebuild(self, rows: dict[str, tuple[Text, ...]]) -> None:
        kept, index = self.current, self.cursor_row
        self.clear()
        for name, cells in rows.items():
            self.add_row(*cells, key=name)
        names = list(rows)
        self._shown = {}
        if names:
            self.move_cursor(row=names.index(kept) if kept in rows else min(index, len(names) - 1))

    def next_problem(self, session: Session) -> bool:
        """Move the cursor to the next server with a finding; False when there is none."""
        names = list(self._shown)
        for offset in range(1, len(names) + 1):
            row = (self.cursor_row + offset) % len(names)
            if any(
                each.verdict.value not in (*QUIET, "info", "waived")
                for each in session.results.of(names[row])
            ):
                self.move_cursor(row=row)
                return True
        return False


def _plain(cells: tuple[Text, ...]) -> tuple[str, ...]:
    return tuple(cell.plain for cell in cells)


def _row(
    app: PoolwrightApp, facts: ServerFacts | None, name: str, results: list[CheckResult]
) -> tuple[Text, ...]:
    worst = min(results, key=lambda each: rank(each.verdict.value), default=None)
    done = sum(each.verdict.value not in ("unknown", "blocked") for each in results)
    finding = (
        f"{worst.title}: {worst.detail}" if worst is not None and worst.verdict.value not in QUIET else ""
    )
    return (
        Text(inert(name, 18), no_wrap=True),
        _planes(app, facts),
        paint.state(app, worst.verdict.value) if worst is not None else paint.styled(app, "-", "muted"),
        Text(f"{done}/{len(results)}" if results else ""),
        paint.styled(app, finding, limit=60),
    )


def _planes(app: PoolwrightApp, facts: ServerFacts | None) -> Text:
    if facts is None:
        return paint.styled(app, "not asked", "muted")
    made = Text(no_wrap=True)
    for name, plane in facts.planes.items():
        made.append_text(paint.state(app, plane.state.value, word=False))
        made.append(f" {inert(name, 10)} ")
    return made
