"""Trust: one table of all host keys and certificates; new ones are confirmed by their count, a changed one stops."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, DataTable, Input, Label, Static
from typing_extensions import override

from core.errors import PoolwrightError
from tui import paint
from tui.randomart import randomart, title_of
from tui.screens.quiet import QuietScreen
from tui.trust import JUMP, UNREACHED
from tui.widgets.key_bar import KeyBar, own_keys

if TYPE_CHECKING:
    from core.transports.trust import Identity
    from tui.app import PoolwrightApp

ORDER = ("changed", "new", "unreachable", "known")
WORDS = {"unreachable": "could not be reached"}


class TrustScreen(QuietScreen[bool]):
    """True when everything that could be seen is confirmed."""

    CSS_PATH = "trust.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7,escape", "leave", "Back", id="wizard.back"),
        Binding("f8,ctrl+n", "confirm", "Next", id="wizard.next"),
        Binding("f5,ctrl+r", "look", "Look again", id="wizard.check"),
        Binding("f4", "visual", "Visual", id="trust.visual", tooltip="the fingerprint as a picture"),
        Binding("f1", "help", "Help", id="wizard.help", tooltip="what fingerprints are, all keys"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Identity] = []
        self.is_looking = True

    @property
    def pw(self) -> PoolwrightApp:
        """The app, by its type."""
        return cast("PoolwrightApp", self.app)

    @override
    def compose(self) -> ComposeResult:
        yield Static("Are these the machines you mean?", id="heading", markup=False)
        yield Static("", id="summary", markup=False)
        table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=0)
        yield table
        yield Static("", id="detail", markup=False)
        with Vertical(id="question"), Horizontal():
            yield Label("", id="prompt", markup=False)
            line = Input("", compact=True, id="count", restrict=r"[0-9]*", max_length=5)
            line.cursor_blink = False
            yield line
        with Horizontal(id="nav"):
            yield Button("Back", compact=True, action="screen.leave")
            yield Button("Look again", compact=True, action="screen.look")
            yield Button("Confirm", compact=True, action="screen.confirm", id="confirm")
        yield KeyBar(own_keys(self))

    def on_mount(self) -> None:
        """Fetch the identities at once."""
        table = self.query_one(DataTable)
        for label, width in (("State", 11), ("Server", 17), ("Plane", 8), ("SHA256 fingerprint", 44)):
            table.add_column(label, width=width, key=label)
        self.action_look()

    @work(group="trust", exclusive=True)
    async def action_look(self) -> None:
        """Ask every endpoint for its identity; no secret is sent."""
        self.is_looking = True
        self.query_one("#summary", Static).update(
            "Asking every server for its identity; no secret is sent..."
        )
        try:
            self.rows = await self.pw.session.look_at_identities()
            self.is_looking = False
            self._show()
        except PoolwrightError as error:
            self.is_looking = False
            self.query_one("#summary", Static).update(paint.styled(self.pw, error, "bad"))

    def _count(self, state: str) -> int:
        return len(self.pw.session.trust.of(state))

    def _show(self) -> None:
        self.rows = sorted(self.rows, key=lambda each: ORDER.index(each.state.value))
        table = self.query_one(DataTable)
        table.clear()
        for each in self.rows:
            table.add_row(
                paint.state(self.pw, each.state.value),
                paint.styled(self.pw, each.endpoint.server, limit=16),
                paint.styled(self.pw, each.endpoint.plane, limit=8),
                paint.styled(self.pw, each.fingerprint.removeprefix("SHA256:") or each.reason, limit=120),
            )
        new, changed = self._count("new"), self._count("changed")
        said, style = self._summary()
        self.query_one("#summary", Static).update(paint.styled(self.pw, said, style))
        self.query_one("#question").display = bool(new and not changed)
        noun = "identity" if new == 1 else "identities"
        self.query_one("#prompt", Label).update(
            f"Compared with their consoles? Type {new} to trust the {new} new {noun}:"
        )
        if new and not changed:
            self.query_one("#count").focus()
        else:
            self.query_one("#confirm").focus()
        self._explain()

    def _summary(self) -> tuple[str, str]:
        """What was seen, in one line, and its style."""
        if self.pw.session.trust.is_jump_in_the_way:
            return "the jump host could not be reached: mend it (F7 goes back), F5 looks again", "bad"
        counts = [f"{self._count(state)} {WORDS.get(state, state)}" for state in ORDER if self._count(state)]
        said = ", ".join(counts) or "nothing to confirm"
        if self._count("known") == len(self.rows) and self.rows:
            return f"{said}: confirmed before, F8 goes on", "good"
        if self._is_jump_alone:
            said = f"{said}: the jump host first; what lies behind it is shown once it is confirmed"
        return said, "bad" if self._count("changed") else "warn" if self._count(UNREACHED) else ""

    @property
    def _is_jump_alone(self) -> bool:
        """Is only the machine in between shown yet?"""
        return {each.endpoint.plane for each in self.rows} == {JUMP}

    def action_visual(self) -> None:
        """The fingerprint under the cursor as OpenSSH draws it, to compare by eye with the console."""
        row = self.query_one(DataTable).cursor_row
        if 0 <= row < len(self.rows):
            each = self.rows[row]
            art = randomart(each.fingerprint, title_of(each.algorithm, _bits(each)))
            lines = art or ("no fingerprint was seen",)
            head = f"{each.endpoint.server} ({each.endpoint.plane})\n{each.fingerprint or each.reason}\n"
            self.pw.show_text(
                paint.lines(
                    paint.styled(self.pw, head.splitlines()[0]),
                    paint.styled(self.pw, head.splitlines()[-1], "notice"),
                    "",
                    *(Text(line) for line in lines),
                    "",
                    "the same as: ssh-keygen -lv -f /etc/ssh/ssh_host_..._key.pub",
                )
            )

    @on(DataTable.RowSelected)
    def _selected(self) -> None:
        self.action_visual()

    def _explain(self) -> None:
        row = self.query_one(DataTable).cursor_row
        if not 0 <= row < len(self.rows):
            return
        each = self.rows[row]
        parts: list[Text | str] = [
            paint.styled(
                self.pw,
                f"{each.endpoint.server} ({each.endpoint.plane}) at {each.endpoint.address}: {each.algorithm}",
            ),
            paint.styled(self.pw, each.fingerprint or each.reason, "notice"),
        ]
        if each.state.value == "changed":
            parts.append(
                paint.styled(
                    self.pw, f"pinned: {each.pinned}. Everything stops: find out why it changed.", "bad"
                )
            )
        elif each.origin:
            parts.append(paint.styled(self.pw, f"known from {each.origin}", "muted"))
        self.query_one("#detail", Static).update(paint.lines(*parts))

    @on(DataTable.RowHighlighted)
    def _highlighted(self) -> None:
        self._explain()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_confirm()

    def action_confirm(self) -> None:
        """Pin the new ones when their count was typed."""
        if self.is_looking:
            self.pw.tell("still asking the servers")
            return
        new = self._count("new")
        if self.pw.session.trust.is_jump_in_the_way:
            self.pw.tell(
                f"the jump host could not be reached: {self.rows[0].reason}; F5 looks again", bad=True
            )
            return
        if self._count("changed"):
            self.pw.tell("an identity has changed: nothing goes on until you know why", bad=True)
            return
        if new and self.query_one("#count", Input).value != str(new):
            self.query_one("#count").focus()
            self.pw.tell(f"type {new}, the number of new identities, to trust them", bad=True)
            return
        try:
            self.pw.session.confirm_identities()
        except PoolwrightError as error:
            self.pw.tell(str(error), bad=True)
            return
        session = self.pw.session
        if not (session.is_trusted() if session.draft() is not None else session.is_controller_trusted()):
            self.pw.tell("the jump host is confirmed; now the machines behind it")
            self.query_one("#count", Input).clear()
            self.action_look()
            return
        if unreached := self._count(UNREACHED):
            self.pw.tell(f"{unreached} could not be reached: asked for again when they answer")
        _ = self.dismiss(True)

    def action_leave(self) -> None:
        """Back without trusting anything."""
        _ = self.dismiss(False)

    def action_help(self) -> None:
        """Explain fingerprints."""
        self.pw.show_help(
            Text(
                "Before any password is sent, each machine shows its identity: an SSH host key or a TLS certificate. "
                "Compare the fingerprints with what the machines themselves say (ssh-keygen -lf on their console). "
                "Known ones were confirmed before. A changed one may be a reinstallation or an attack."
            )
        )


def _bits(identity: Identity) -> int:
    """Size of an RSA key, as ssh-keygen writes it above its picture; 0 for other kinds."""
    if identity.algorithm != "ssh-rsa" or " " not in identity.material:
        return 0
    try:
        raw = base64.b64decode(identity.material.split()[1])
        length = int.from_bytes(raw[:4], "big")
        exponent = int.from_bytes(raw[4 + length : 8 + length], "big")
        modulus = raw[8 + length + exponent + 4 :]
    except (ValueError, IndexError):
        return 0
    return int.from_bytes(modulus, "big").bit_length()
