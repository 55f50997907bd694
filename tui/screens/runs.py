"""Runs: everything that was started here, newest first; attach, read, resume, roll back, compare two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static
from typing_extensions import override

from core.errors import PoolwrightError
from core.secrets import Secrets
from core.service import RunView
from tui import paint
from tui.compare import compare
from tui.screens.quiet import QuietScreen
from tui.widgets.ask_secrets import AskSecrets
from tui.widgets.dialog import Ask
from tui.widgets.key_bar import KeyBar, own_keys

if TYPE_CHECKING:
    from tui.app import PoolwrightApp

DEEDS = {
    "resume": ("Go on with run {run} of pool {pool}? What is done already stays.", "Go on"),
    "rollback": ("Take back what run {run} of pool {pool} did, step by step?", "Roll back"),
}


class RunsScreen(QuietScreen[str]):
    """The chosen run's id."""

    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7,escape", "leave", "Back", id="wizard.back", tooltip="back to the start"),
        Binding("f1,question_mark", "help", "Help", id="wizard.help", tooltip="what the keys do"),
        Binding("enter", "none", "Open", id="runs.open", tooltip="attach to a live run, read an ended one"),
        Binding("f5", "deed('resume')", "Go on", id="runs.resume", tooltip="go on with an interrupted run"),
        Binding(
            "f9", "deed('rollback')", "Roll back", id="runs.rollback", tooltip="take back what a run did"
        ),
        Binding("space", "mark", "Mark", id="runs.mark", tooltip="mark this run for a comparison"),
        Binding("f6", "compare", "Compare", id="runs.compare", tooltip="the marked run beside this one"),
        Binding("slash", "find", "Find", id="list.find", tooltip="search in the list"),
    ]

    def __init__(self, runs: Sequence[RunView]) -> None:
        super().__init__()
        self.runs = list(runs)
        self.none = "Looking for runs ..."  # what stands where a run would be explained
        self.marked = ""

    @property
    def pw(self) -> PoolwrightApp:
        """The app, by its type."""
        return cast("PoolwrightApp", self.app)

    @override
    def compose(self) -> ComposeResult:
        yield Static("Runs", id="heading", markup=False)
        table: DataTable[Text] = DataTable(cursor_type="row")
        yield table
        yield Static("", id="empty", markup=False)
        yield KeyBar(own_keys(self))

    def on_mount(self) -> None:
        """All runs."""
        table = self.query_one(DataTable)
        for label, width in (("State", 23), ("Pool", 15), ("Started", 16), ("Run", 18)):
            table.add_column(label, width=width, key=label)
        self._show()
        table.focus()
        self.pw.look_at_runs()

    def take(self, runs: Sequence[RunView]) -> None:
        """The runs as they stand now; the cursor stays on the same one."""
        kept = self.current.run if self.current is not None else ""
        self.runs, self.none = list(runs), "No run yet. New pool on the first screen starts one."
        self._show(kept)

    def _show(self, kept: str = "") -> None:
        table = self.query_one(DataTable)
        table.clear()
        for run in self.runs:
            table.add_row(*self._cells(run), key=run.run)
        table.move_cursor(row=next((row for row, run in enumerate(self.runs) if run.run == kept), 0))
        self._explain()

    def _cells(self, run: RunView) -> list[Text]:
        mark = "* " if run.run == self.marked else ""
        return [
            paint.state(self.pw, state_of(run)),
            paint.styled(self.pw, run.pool, limit=15),
            paint.styled(self.pw, run.started_at[:16], limit=16),
            paint.styled(self.pw, mark + run.run, limit=30),
        ]

    @property
    def current(self) -> RunView | None:
        """The run under the cursor."""
        row = self.query_one(DataTable).cursor_row
        return self.runs[row] if 0 <= row < len(self.runs) else None

    @on(DataTable.RowHighlighted)
    def _highlighted(self) -> None:
        self._explain()

    def _explain(self) -> None:
        """What can be done with the run under the cursor."""
        run = self.current
        if run is None:
            self.query_one("#empty", Static).update(self.none)
            return
        if run.damage:
            said = run.damage
        elif run.is_live:
            said = "it is at work: Enter attaches to it"
        elif run.outcome is None:
            said = run.message or "interrupted: F5 goes on with it, F9 takes it back"
        else:
            said = "it has ended: Enter shows the result; F9 takes it back where that is possible"
        self.query_one("#empty", Static).update(paint.styled(self.pw, said, "muted", 600))

    @on(DataTable.RowSelected)
    def _chosen(self, event: DataTable.RowSelected) -> None:
        event.stop()
        _ = self.dismiss(str(event.row_key.value))

    def action_leave(self) -> None:
        """Back to home."""
        _ = self.dismiss("")

    def action_help(self) -> None:
        """What the keys do."""
        self.pw.show_help(
            Text("Every run that was started here, newest first. A run belongs to its runner, not to you.")
        )

    def action_none(self) -> None:
        """Enter belongs to the table."""

    def action_mark(self) -> None:
        """Mark the run under the cursor, or no run."""
        run = self.current
        if run is None:
            return
        self.marked = "" if self.marked == run.run else run.run
        for each in self.runs:
            self.query_one(DataTable).update_cell(each.run, "Run", self._cells(each)[3])

    def action_compare(self) -> None:
        """The marked run beside the one under the cursor."""
        run = self.current
        if run is None or not self.marked or self.marked == run.run:
            self.pw.tell("mark one run with Space, put the cursor on another, then F6 compares them")
            return
        service = self.pw.service()
        try:
            names = (self.marked, run.run)
            views = [service.show(name) for name in names]
            specs = [service.spec_of(name) for name in names]
        except PoolwrightError as error:
            self.pw.tell(str(error), bad=True)
            return
        lines = compare(views[0], views[1], specs[0], specs[1])
        self.pw.show_text(paint.lines(*(paint.styled(self.pw, line, limit=600) for line in lines)))

    def action_find(self) -> None:
        """Search in the list."""

        def take(text: str | None) -> None:
            table = self.query_one(DataTable)
            for offset in range(1, len(self.runs) + 1):
                row = (table.cursor_row + offset) % len(self.runs)
                run = self.runs[row]
                if text and text.lower() in f"{run.pool} {run.run} {state_of(run)} {run.started_at}".lower():
                    table.move_cursor(row=row)
                    return
            if text:
                self.pw.tell(f"no run has {text!r}", bad=True)

        self.pw.ask("Find a run by pool, id, state or time:", take)

    @work(group="deed", exclusive=True)
    async def action_deed(self, name: str) -> None:
        """Resume or roll back, after the passwords were given."""
        run = self.current
        if run is None:
            return
        if run.is_live or (name == "resume" and run.outcome is not None):
            self.pw.tell(
                "it is at work: attach with Enter" if run.is_live else "it has ended: nothing to go on with"
            )
            return
        service = self.pw.service()
        try:
            spec = service.spec_of(run.run)
            needed = service.platform(spec.platform).secrets_needed(spec)
        except PoolwrightError as error:
            self.pw.tell(str(error), bad=True)
            return
        text, yes = DEEDS[name]
        asks = AskSecrets(
            text.format(run=run.run, pool=run.pool),
            yes,
            [(e.name, e.label, e.help) for e in needed],
            self.pw.secrets,
        )
        secrets = await self.app.push_screen_wait(asks)
        if secrets is None or (name == "rollback" and not await self._is_confirmed(run, secrets)):
            return
        await self._begin(name, run.run, secrets)

    async def _is_confirmed(self, run: RunView, secrets: Secrets) -> bool:
        """What a rollback would undo and who lives there is shown; the pool's name is typed."""
        service = self.pw.service()
        self.pw.tell(f"looking at pool {run.pool}")
        try:
            outlook = await service.rollback_outlook(run.run, secrets)
        except PoolwrightError as error:
            self.pw.tell(str(error), bad=True)
            return False
        told = service.rollback_text(outlook)
        if outlook.refusals:
            self.pw.show_text(Text(told))
            self.pw.tell("refused; nothing was changed", bad=True)
            return False
        typed = await self.app.push_screen_wait(Ask(f"Type {run.pool} to roll back this run:", about=told))
        if typed != run.pool:
            self.pw.tell("not confirmed; nothing was changed", bad=True)
        return typed == run.pool

    async def _begin(self, name: str, run: str, secrets: Secrets) -> None:
        service = self.pw.service()
        try:
            started = await (service.resume if name == "resume" else service.rollback)(run, secrets)
        except PoolwrightError as error:
            self.pw.tell(str(error), bad=True)
            return
        self.pw.secrets = secrets
        _ = self.dismiss(started)


def state_of(run: RunView) -> str:
    """How the run stands, in a word of the state table."""
    if run.damage:
        return "damaged"
    if run.outcome is not None:
        return run.outcome.value
    return run.state.value if run.is_live else "interrupted"
