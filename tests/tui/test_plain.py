"""The wizard on lines, through a real pty; and the screens on one too."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from core.errors import ExitCode
from core.models.events import Outcome
from core.models.plan import Unobservable
from core.models.results import Verdict
from core.secrets import Secrets
from tests.patience import LIMIT_S
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.answers import Answers
from tui.plain import Plain
from tui.session import Session

ROOT = Path(__file__).parents[2]


class Terminal:
    """A program on a pty of 80x24."""

    def __init__(self, folder: Path, *words: str, term: str = "dumb") -> None:
        environ = {**os.environ, "TERM": term, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE"):
            environ.pop(name, None)
        self.program: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "tests.tui.plain_program", str(folder), *words],
            env=environ, cwd=str(ROOT), dimensions=(24, 80), encoding="utf-8", timeout=LIMIT_S, echo=False,
        )  # fmt: skip

    def see(self, text: str) -> str:
        """Wait for a text; returns what came before it."""
        self.program.expect_exact(text)
        return str(self.program.before)

    def answer(self, prompt: str, *lines: str) -> None:
        """Answer one prompt."""
        self.see(prompt)
        for line in lines:
            self.program.sendline(line)

    def next_prompt(self) -> str:
        """The line that waits for an answer."""
        self.program.expect(r"[^\n]*: $")
        return str(self.program.after)

    def end(self) -> int | None:
        """Wait for the end; the exit code."""
        self.program.expect(pexpect.EOF)
        self.program.close()
        return self.program.exitstatus


@pytest.fixture
def dumb(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.program.close(force=True)


def test_a_dumb_terminal_gets_lines_and_is_told_why(dumb: Terminal) -> None:
    dumb.see("plain mode, because the terminal is 'dumb'")
    dumb.answer("Manager []:", "?")
    dumb.see("address or name of Oracle VM Manager")
    dumb.answer("Manager []:", "")
    dumb.see("manager.host: is required")
    dumb.answer("Manager []:", "203.0.113.250")
    dumb.answer("Manager user", "")
    dumb.answer("CLI port [10000]:", "many")
    dumb.see("must be a whole number")
    dumb.answer("CLI port [10000]:", "10000")
    for prompt in (
        "Release",
        "Server SSH",
        "Jump host",
        "Allow old",
        "Fingerprint",
        "Sessions",
        "Known hosts",
    ):
        dumb.answer(prompt, "")
    dumb.answer("Manager password", SECRETS["manager"])
    dumb.answer("Agent password", SECRETS["agent"])
    dumb.answer("Pool name []:", "plain1")
    dumb.answer("Virtual IP []:", "203.0.113.100")
    for prompt in (
        "Description",
        "Console keymap",
        "Start policy",
        "Secure migration",
        "Policy {",
        "CPU threshold",
    ):
        dumb.answer(prompt, "")
    for prompt in ("Policy period", "Roles"):
        dumb.answer(prompt, "")
    dumb.answer("Add servers", "203.0.113.[11-12]")
    dumb.answer("2 servers", "")
    for prompt in ("Master", "Agent user", "Agent port"):
        dumb.answer(prompt, "")
    dumb.answer("Type 3 to trust", "3")
    dumb.see("checks passed")
    dumb.answer("Clustered", "")
    dumb.answer("Cluster timeout", "")
    dumb.answer("Pool file system {none|nfs|lun} [none]:", "nfs")
    dumb.answer("NFS server []:", "203.0.113.200")
    dumb.answer("Export []:", "/export/plain1")
    dumb.answer("Uniform exports", "")
    dumb.see("group Default_Intel")
    dumb.answer("Enter goes on:", "")
    dumb.see("discoverServer ipAddress=203.0.113.11 password=<agent password>")
    dumb.answer("Type plain1 to create the pool:", "plain1")
    dumb.see("outcome: created")
    before = dumb.see("holds: Item 7")
    assert "\x1b" not in before
    assert dumb.end() == 0


def test_passwords_are_not_echoed(dumb: Terminal) -> None:
    dumb.answer("Manager []:", "203.0.113.250")
    for prompt in ("Manager user", "CLI port", "Release", "Server SSH", "Jump host", "Allow old"):
        dumb.answer(prompt, "")
    for prompt in ("Fingerprint", "Sessions", "Known hosts"):
        dumb.answer(prompt, "")
    dumb.answer("Manager password", "do-not-show-me")
    assert "do-not-show-me" not in dumb.see("Agent password")


def test_leaving_is_always_possible(dumb: Terminal) -> None:
    dumb.answer("Manager []:", ":quit")
    assert dumb.end() == 130


@pytest.mark.parametrize("prompt", ["Manager [", "Add servers", "to trust the", "to create the pool:"])
def test_ctrl_c_at_a_prompt_leaves_at_the_first_press(prompt: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "ready", "plain")
    try:
        while prompt not in (asked := terminal.next_prompt()):
            count = re.search(r"Type (\d+) to trust", asked)
            terminal.program.sendline(count.group(1) if count else "")
        terminal.program.sendintr()
        terminal.see("left; a run that was started goes on by itself")
        assert terminal.end() == ExitCode.INTERRUPTED
    finally:
        terminal.program.close(force=True)
    assert "outcome" not in str(terminal.program.before)


def test_ctrl_c_at_a_password_leaves_at_the_first_press(dumb: Terminal) -> None:
    dumb.answer("Manager []:", "203.0.113.250")
    for prompt in ("Manager user", "CLI port", "Release", "Server SSH", "Jump host", "Allow old"):
        dumb.answer(prompt, "")
    for prompt in ("Fingerprint", "Sessions", "Known hosts"):
        dumb.answer(prompt, "")
    dumb.see("Manager password")
    dumb.program.waitnoecho()
    dumb.program.sendintr()
    assert dumb.end() == ExitCode.INTERRUPTED


def test_a_good_terminal_gets_screens(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "ready", term="xterm-256color")
    terminal.see("prepared for you")
    terminal.program.send("\x11")  # ctrl+q
    assert terminal.end() == 0


def walk(service: FakeService, answers: dict[str, str]) -> tuple[int, str]:
    """The prepared pool on lines without a pty: answers by the beginning of the prompt, Enter to the others."""
    said: list[str] = []

    class Out:
        """Collects lines."""

        def write(self, text: str) -> int:
            said.append(text)
            return len(text)

        def flush(self) -> None:
            """Nothing is held back."""

    asked = 0

    def read(prompt: str) -> str:
        nonlocal asked
        asked += 1
        if asked > 100:
            raise EOFError
        said.append(prompt)
        return next((answer for start, answer in answers.items() if prompt.startswith(start)), "")

    session = Session(service, Answers(SPEC), Secrets(SECRETS))
    code = Plain(session, out=Out(), read=read, read_secret=read).run()  # type: ignore[arg-type]
    return code, "".join(said)


TRUST = {"Type 7": "7", "Type pool1": "pool1"}


def test_the_prepared_pool_on_lines(service: FakeService) -> None:
    code, said = walk(service, TRUST)
    assert code == 0
    assert "outcome: created" in said
    assert not any(secret in said for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.ROLLED_BACK, 1), (Outcome.NEEDS_HUMAN, 3), (Outcome.CREATED_UNVERIFIED, 3)]
)
def test_the_exit_code_follows_the_outcome(service: FakeService, outcome: Outcome, code: int) -> None:
    service.outcome = outcome
    assert walk(service, TRUST)[0] == code


def test_what_nobody_can_verify_is_said_before_the_name_is_typed(service: FakeService) -> None:
    service.unobservable = (Unobservable(id="x", title="the virtual IP is up", why="no \x1b[2Jlogin"),)
    _, said = walk(service, TRUST)
    told = said.index("Cannot be verified with these connections")
    assert told < said.index("the virtual IP is up: no ") < said.index("to create the pool:")
    assert "\x1b" not in said


def test_a_failed_check_stops_and_shows_its_fix(service: FakeService) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (
        Verdict.FAIL,
        "owned \x1b[2J",
        "release it there first",
    )
    code, said = walk(service, TRUST)
    assert code == 130
    assert "fix: release it there first" in said
    assert "\x1b" not in said
    assert not service.started


def test_an_unknown_is_accepted_by_its_id(service: FakeService) -> None:
    service.bad["203.0.113.12", "server.clock.close"] = (Verdict.UNKNOWN, "not seen", "look")
    assert walk(service, TRUST)[0] == 130
    assert walk(service, {**TRUST, "Type server.clock.close": "server.clock.close"})[0] == 0


def test_a_changed_identity_ends_the_wizard(service: FakeService) -> None:
    service.changed.add("203.0.113.13")
    code, said = walk(service, TRUST)
    assert (code, service.logins) == (130, [])
    assert "CHANGED: 203.0.113.13" in said


def test_the_wrong_count_trusts_nothing(service: FakeService) -> None:
    code, _said = walk(service, {"Type 7": "8"})
    assert (code, service.pins, service.logins) == (130, {}, [])
