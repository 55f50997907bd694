"""A run started in the wizard, the session lost in every ugly way, and a new login that finds the run where it is."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte
import pytest

from core.models.events import StepState
from core.runner import client
from tests.transports.sshd import Sshd, has_ssh_client, missing, running_sshd
from tests.whole.test_sessions import ROOT, Place, nothing_is_lost, place, ssh_words

FAST, SLOW = (
    400.0,
    2.0,
)  # a run of three servers takes a minute then: time enough to come back on a busy machine
SEE_S = 90.0
F8 = "\x1b[19~"
WHY_NOT = missing() or ("" if has_ssh_client() else "needs OpenSSH's client")
over_ssh = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-")


class Person:
    """Somebody at a terminal of 80x24, who sees what is on it."""

    def __init__(self, words: Sequence[str]) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        environ = {**os.environ, "TERM": "xterm-256color"}
        self.program: pexpect.spawn[bytes] = pexpect.spawn(
            words[0], list(words[1:]), env=environ, dimensions=(24, 80), timeout=10
        )

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def see(self, *texts: str) -> None:
        """Wait until one of the texts stands on the screen."""
        deadline = time.monotonic() + SEE_S
        while not any(text in self.text for text in texts):
            if time.monotonic() > deadline:
                pytest.fail(f"never: {texts}\n{self.text}")
            try:
                self._stream.feed(self.program.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                pytest.fail(f"the session ended before: {texts}\n{self.text}")

    def press(self, keys: str) -> None:
        self.program.send(keys.encode())

    def vanish(self) -> None:
        """The line is dead: no goodbye, and the terminal is gone."""
        self.program.kill(signal.SIGKILL)
        self.program.close(force=True)


def shell_line(here: Place, *words: str) -> str:
    """A Python program as an operator's shell starts it."""
    environ = f"HOME={here.folder} XDG_STATE_HOME={here.folder} PATH={os.environ['PATH']} LANG=C.UTF-8"
    return f"cd {ROOT} && exec env {environ} TERM=xterm-256color {sys.executable} {' '.join(words)}"


def start_in_wizard(here: Place, person: Person) -> str:
    """From home to a run whose first step is done."""
    person.see("prepared for you")
    person.press("\r")
    person.see("How to reach")
    person.press(F8)
    person.see("to trust", "known")
    if count := re.search(r"Type (\d+) to trust", person.text):
        person.press(count[1])
        person.press("\r")
    else:
        person.press(F8)
    person.see("as it shall be")
    person.press(F8)
    person.see("Which servers")
    person.see("F8 goes on", "accept them on the review")
    person.press(F8)
    person.see("pool file system goes")
    person.press(F8)
    person.see("Can guests migrate")
    person.press(F8)
    person.see("type pool1", "Type 'pool1'")
    here.lab.world.speed = SLOW
    person.press("pool1")
    person.press("\r")
    return here.run_id(steps_done=1)


def come_back(here: Place, person: Person, run: str) -> None:
    """Home offers the live run; attached, it is seen to its end."""
    person.see("Attach to the live run of pool1")
    view = client.show_run(here.state, run)
    assert view.is_live
    assert any(step.state is StepState.WAITING for step in view.steps), "it went on, and is not over"
    person.press("\r")
    person.see("Detach")
    here.lab.world.speed = FAST
    person.see("The pool was created")
    person.press("\x11")
    person.program.expect(pexpect.EOF, timeout=60)
    person.program.close()
    nothing_is_lost(here, run)


def lose_and_come_back(
    here: Place, words: Callable[[str], list[str]], lose: Callable[[Person], None]
) -> None:
    """The whole story: `words` are what starts a shell line at a terminal, `lose` how the session ends."""
    first = Person(words(shell_line(here, "-m", "tests.whole.wizard_program", str(here.folder))))
    again: Person | None = None
    try:
        run = start_in_wizard(here, first)
        lose(first)
        again = Person(words(shell_line(here, "-m", "tui")))
        come_back(here, again, run)
    finally:
        for person in (first, again):
            if person is not None:
                person.program.close(force=True)


@pytest.mark.slow
@pytest.mark.timeout(1600)
@pytest.mark.asyncio
async def test_a_wizard_whose_terminal_is_closed(tmp_path: Path) -> None:
    async with place(tmp_path, FAST) as here:
        await asyncio.to_thread(
            lose_and_come_back,
            here,
            lambda line: ["sh", "-c", line],
            lambda person: person.program.close(force=True),  # hangs up: SIGHUP to all of its session
        )


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1600)
@over_ssh
@pytest.mark.asyncio
async def test_a_wizard_whose_ssh_connection_is_cut(tmp_path: Path) -> None:
    async with place(tmp_path, FAST) as here, running_sshd(tmp_path / "server") as server:
        server.user_key.chmod(0o600)
        words = lambda line: ssh_words(server, tmp_path, line)  # noqa: E731 - one line
        await asyncio.to_thread(lose_and_come_back, here, words, Person.vanish)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1600)
@over_ssh
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.asyncio
async def test_a_wizard_whose_tmux_is_killed(tmp_path: Path) -> None:
    """Inside an SSH session, as operators do; tmux and all of its windows are gone at once."""
    name = f"poolwright-wizard-{os.getpid()}"

    def words(server: Sshd, line: str) -> list[str]:
        return ssh_words(
            server, tmp_path, f"LANG=C.UTF-8 tmux -u -L {name} -f /dev/null new-session '{line}'"
        )

    def kill_tmux(server: Sshd, person: Person) -> None:
        kill = f"kill -9 $(tmux -L {name} display-message -p '#{{pid}}')"
        killer = Person(ssh_words(server, tmp_path, kill))
        killer.program.expect(pexpect.EOF)
        killer.program.close()
        person.program.expect(pexpect.EOF)

    async with place(tmp_path, FAST) as here, running_sshd(tmp_path / "server") as server:
        server.user_key.chmod(0o600)
        await asyncio.to_thread(
            lose_and_come_back,
            here,
            lambda line: words(server, line),
            lambda person: kill_tmux(server, person),
        )
