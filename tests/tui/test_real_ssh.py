"""As an operator does it: ssh into a real sshd, tmux at 80x24, and keys from login to a created pool."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest
import pytest_asyncio

from tests.patience import LIMIT_S, PATIENCE
from tests.transports.sshd import Sshd, missing, running_sshd
from tests.tui.test_demo import F8, ROOT

_WHY = missing() or ("" if shutil.which("ssh") else "needs the ssh client") or (
    "" if shutil.which("tmux") else "needs tmux"
)  # fmt: skip
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1200 * PATIENCE),
    pytest.mark.skipif(bool(_WHY), reason=_WHY or "-"),
]
LOGIN_S = 3 * LIMIT_S


@pytest_asyncio.fixture
async def sshd(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with running_sshd(tmp_path / "server") as server:
        yield server


class Login:
    """An SSH session on a terminal of 80x24, as a person sees it."""

    def __init__(self, server: Sshd, folder: Path, command: str) -> None:
        server.user_key.chmod(0o600)
        known = folder / "known_hosts"
        known.write_bytes(f"[127.0.0.1]:{server.port} ".encode() + server.host_key.export_public_key())
        words = [
            "-tt",
            "-F",
            "none",
            "-p",
            str(server.port),
            "-i",
            str(server.user_key),
            "-o",
            "IdentitiesOnly=yes",
        ]
        words += ["-o", f"UserKnownHostsFile={known}", "root@127.0.0.1", command]
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        environ = {**os.environ, "TERM": "xterm-256color"}
        self.program: pexpect.spawn[bytes] = pexpect.spawn(
            "ssh", words, env=environ, dimensions=(24, 80), timeout=5
        )
        self.keys = 0

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def see(self, *texts: str) -> None:
        """Wait until one of the texts stands on the screen."""
        deadline = time.monotonic() + LOGIN_S
        while not any(text in self.text for text in texts):
            if time.monotonic() > deadline:
                pytest.fail(f"never: {texts}\n{self.text}")
            try:
                self.stream.feed(self.program.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                pytest.fail(f"the session ended before: {texts}\n{self.text}")

    def press(self, key: str) -> None:
        self.keys += 1
        self.program.send(key.encode())


@pytest.fixture
def socket_name(tmp_path: Path) -> Iterator[str]:
    """A tmux server of this test alone."""
    name = f"poolwright-test-{os.getpid()}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)


def test_from_login_to_a_created_pool_in_tmux(sshd: Sshd, tmp_path: Path, socket_name: str) -> None:
    program = f"env XDG_STATE_HOME={tmp_path} {sys.executable} -m tui demo"
    inside = f"cd {ROOT} && LANG=C.UTF-8 tmux -u -L {socket_name} -f /dev/null new-session '{program}'"
    login = Login(sshd, tmp_path, inside)
    try:
        login.see("prepared for you")
        login.press("\r")
        login.see("How to reach")
        login.press(F8)
        login.see("new", "known")
        if count := re.search(r"Type (\d+) to trust", login.text):
            login.program.send(count[1].encode())
            login.press("\r")
        else:
            login.press(F8)
        login.see("as it shall be")
        login.press(F8)
        login.see("Which servers")
        login.see("F8 goes on", "accept them on the review", "to mend before")
        login.press(F8)
        login.see("pool file system goes")
        login.press(F8)
        login.see("Can guests migrate")
        login.press(F8)
        login.see("type pool1 and Enter", "then type pool1")
        login.program.send(b"pool1")
        login.press("\r")
        login.see("What was done")
        login.see("The pool was created")
        assert login.keys <= 40
        login.press("\x11")
        login.program.expect(pexpect.EOF, timeout=LIMIT_S)
    finally:
        login.program.close(force=True)
