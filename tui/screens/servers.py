"""Servers: type or paste them, see live what is known of each, re-check, drop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, DataTable, Input, Static
from typing_extensions import override

from core.errors import PoolwrightError
from tui import paint
from tui.borrow import expand_servers, inert, read_list
from tui.screens.base import StepScreen
from tui.widgets.dialog import Confirm
from tui.widgets.findings import finding_text
from tui.widgets.options import Options
from tui.widgets.server_table import QUIET, ServerTable


class ServerInput(Input):
    """An input that takes many pasted lines at once."""

    @dataclass
    class Pasted(Message):
        """More than one line was pasted."""

        text: str

    @override
    def _on_paste(self, event: events.Paste) -> None:
        if "\n" in event.text.strip() or "\r" in event.text.strip():
            event.stop()
            event.prevent_default()
            self.post_message(self.Pasted(event.text.replace("\r", "\n")))


class ServersScreen(StepScreen):
    """Input line, live table, detail of one server."""

    step_id = "servers"
    CSS_PATH = "servers.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "check", "Check", id="wizard.check", tooltip="look at every server again"),
        Binding("f6", "check_one", "One", id="servers.check_one", tooltip="look at this server again"),
        Binding("delete", "drop", "Drop", id="servers.drop", tooltip="take this server out of the list"),
        Binding(
            "f3", "problem", "Problem", id="servers.problem", tooltip="jump to the next server with a finding"
        ),
        Binding("f4", "sort", "Sort", id="servers.sort", tooltip="worst first, or as given"),
        Binding(
            "f2", "bring", "Import", id="servers.import", tooltip="from a file, or from Manager's own list"
        ),
        Binding("f9", "options", "Options", id="servers.options", tooltip="what holds for all servers"),
        Binding(
            "slash",
            "filter",
            "Filter",
            id="servers.filter",
            show=False,
            tooltip="only servers with these letters",
        ),
    ]

    @override
    def body(self) -> Iterator[Widget]:
        line = ServerInput(
            placeholder="add: names, addresses, ranges like ovs[01-16].example.com; paste a list",
            compact=True,
            id="add",
        )
        line.cursor_blink = False
        yield line
        yield ServerTable(id="fleet")
        yield Static("", id="detail", classes="detail", markup=False)

    @override
    def buttons(self) -> Iterator[Button]:
        yield self.button("Back", "back")
        yield self.button("Check all", "check")
        yield self.button("Check one", "check_one")
        yield self.button("Import", "bring")
        yield self.button("Drop", "drop")
        yield self.button("Options", "options")
        yield self.button("Next", "next")

    def __init__(self) -> None:
        super().__init__()
        self._detail: str | None = None

    @property
    def table(self) -> ServerTable:
        """The fleet."""
        return self.query_one(ServerTable)

    @override
    def arrive(self) -> None:
        self.table.show(self.session)
        (self.table if self.session.answers.servers else self.query_one("#add")).focus()
        self.pw.start_check()

    @override
    def draw(self) -> None:
        self.table.show(self.session)
        self.show_detail()

    @override
    def when_complete(self) -> tuple[str, str]:
        bad = self.session.results.count("fail")
        if bad:
            return f"{bad} finding{'' if bad == 1 else 's'} to mend before the run (F3 goes there)", "warn"
        if not self.session.is_fresh:
            return self.session.why_no_check() or "F5 looks at the servers", "muted"
        waits = self.session.results.open_blockers
        if waits:
            return f"{waits} not known: mend them, or accept them on the review", "warn"
        return "nothing in the way: F8 goes on", "good"

    @on(Input.Submitted, "#add")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            if self.add_servers(event.value):
                event.input.clear()
        else:
            self.table.focus()

    @on(ServerInput.Pasted)
    def _pasted(self, event: ServerInput.Pasted) -> None:
        event.stop()
        self.add_servers(event.text)

    def add_servers(self, text: str) -> bool:
        """Add what the text names; False when some of it cannot be read (the rest is added)."""
        names, wrong = expand_servers(text)
        before = self.session.answers.servers
        self.session.answers.set_servers([*before, *names])
        added = len(self.session.answers.servers) - len(before)
        twice = len(names) - added
        said = f"{added} added" + (f", {twice} were there already" if twice else "")
        self.tell("; ".join([said, *wrong[:3]]), bad=bool(wrong))
        self._edited()
        return not wrong

    def _edited(self) -> None:
        self.session.touch()
        self.pw.autosave()
        self.pw.start_check()

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.show_detail()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.pw.show_text(self.detail_text())

    def show_detail(self) -> None:
        """The server under the cursor; Enter shows all of it."""
        made = self.detail_text()
        if made.plain != self._detail:  # another text may be higher or lower: everything is laid out again
            self._detail = made.plain
            detail = self.query_one("#detail", Static)
            detail.border_title = "Enter: all of it" if self.table.current else ""
            detail.update(made)

    def detail_text(self) -> Text:
        """Everything about the server under the cursor: planes with reasons, findings with their fix."""
        name = self.table.current
        if not name:
            return paint.styled(self.pw, self.session.why_no_check() or "no servers", "muted")
        parts: list[Text | str] = [paint.styled(self.pw, name, "", 80)]
        facts = self.session.servers.get(name)
        for plane, fact in facts.planes.items() if facts else ():
            if fact.state.value != "ok":
                said = paint.state(self.pw, fact.state.value)
                parts.append(said.append_text(paint.styled(self.pw, f" {plane}: {fact.reason}")))
        found = [each for each in self.session.findings_of(name) if each.verdict.value not in QUIET]
        parts += [finding_text(self.pw, each) for each in found[:20]]
        if facts is None:
            parts.append(paint.styled(self.pw, self.session.why_no_check() or "not looked at yet", "muted"))
        elif not found:
            parts.append(
                paint.styled(
                    self.pw, f"nothing wrong in {len(self.session.findings_of(name))} checks", "good"
                )
            )
        return paint.lines(*parts)

    def action_check(self) -> None:
        """Look at every server again."""
        self.pw.start_check(force=True)

    def action_check_one(self) -> None:
        """Look at the server under the cursor again."""
        if self.table.current:
            self.pw.start_check(only=[self.table.current], force=True)

    def action_drop(self) -> None:
        """Take the server under the cursor out of the list."""
        name = self.table.current
        if name:
            self.session.answers.set_servers([each for each in self.session.answers.servers if each != name])
            self.tell(f"{name} dropped")
            self._edited()

    def action_problem(self) -> None:
        """Jump to the next server with a finding."""
        if not self.table.next_problem(self.session):
            self.tell("no server has a finding")
        self.table.focus()

    def action_bring(self) -> None:
        """Servers from a file, or from Manager's list."""

        def take(text: str | None) -> None:
            if text is None:
                return
            if text.strip():
                self._from_file(text.strip())
            elif self.session.is_controller_trusted():
                self._from_manager()
            else:
                self.pw.confirm_trust(self._from_manager)

        self.pw.ask("Path of a file with servers; empty asks Manager for those in no pool:", take)

    def _from_file(self, name: str) -> None:
        try:
            self.add_servers(read_list(name))
        except PoolwrightError as error:
            self.tell(str(error), bad=True)

    @work(group="import", exclusive=True)
    async def _from_manager(self) -> None:
        self.tell("asking Manager for its servers")
        try:
            names = await self.session.known_servers()
        except PoolwrightError as error:
            self.tell(str(error), bad=True)
            return
        if not names:
            self.tell("Manager knows no further server that is in no pool")
            return
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        sure = await self.app.push_screen_wait(
            Confirm(f"Manager knows {len(names)} servers in no pool: {inert(shown, 600)}", "Add them")
        )
        if sure:
            self.add_servers("\n".join(names))

    def action_sort(self) -> None:
        """Worst first, or as given."""
        self.table.worst_first = not self.table.worst_first
        self.table.show(self.session)

    def action_options(self) -> None:
        """What holds for all servers: the platform's own inputs of this step."""
        fields = self.session.fields("servers")
        if not fields:
            self.tell("there are no options")
            return

        def take(edited: dict[str, str] | None) -> None:
            changed = [
                path for path, value in (edited or {}).items() if self.session.answers.set(path, value)
            ]
            if changed:
                self._edited()

        _ = self.app.push_screen(
            Options("What holds for all servers", fields, self.session.answers.flat), take
        )

    def action_filter(self) -> None:
        """Show only servers whose name has these letters."""

        def take(text: str | None) -> None:
            if text is not None:
                self.table.filter = text.strip()
                self.table.show(self.session)

        self.pw.ask("Show servers whose name contains (empty shows all):", take, self.table.filter)

    @override
    def action_next(self) -> None:
        missing = self.missing()
        can_trust = self.session.draft() is not None and not self.session.is_trusted()
        if missing and can_trust and self.session.answers.servers and len(missing) == 1:
            self.pw.confirm_trust(lambda: self.pw.start_check())
        else:
            super().action_next()

    @override
    def help_text(self) -> Text:
        return Text(
            "Type a name, an address or a range such as ovs[01-16].example.com and press Enter; pasted lists are taken "
            "at once. A # starts a comment. The table shows how far each way to a server (plane) was reached and its "
            "worst finding; below it stands what to do."
        )
