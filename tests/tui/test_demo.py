"""The installed program on a terminal of 80x24, read through a terminal emulator: from `demo` to a created pool."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.patience import LIMIT_S, PATIENCE

ROOT = Path(__file__).parents[2]
UP, DOWN = "\x1b[A", "\x1b[B"
F7, F8, QUIT = "\x1b[18~", "\x1b[19~", "\x11"


class Emulator:
    """poolwright on a pty, and what a person would see of it."""

    def __init__(self, folder: Path, *words: str, module: str = "tui") -> None:
        environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "XDG_STATE_HOME": str(folder)}
        for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "COLORTERM", "POOLWRIGHT_THEME", "POOLWRIGHT_DRAW_S"):
            environ.pop(name, None)
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.keys = 0
        self.bytes = 0
        self.program: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable, ["-m", module, *words], env=environ, cwd=str(ROOT), dimensions=(24, 80), timeout=5
        )

    @property
    def text(self) -> str:
        """The screen as lines."""
        return "\n".join(self.screen.display)

    def read(self, wait_s: float = 0.1) -> int:
        """Take what has come; the number of bytes."""
        try:
            data = self.program.read_nonblocking(65536, timeout=wait_s)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return 0
        self.stream.feed(data)
        self.bytes += len(data)
        return len(data)

    def see(self, *texts: str) -> None:
        """Wait until one of the texts stands on the screen."""
        deadline = time.monotonic() + 2 * LIMIT_S
        while not any(text in self.text for text in texts):
            if time.monotonic() > deadline or not self.program.isalive():
                pytest.fail(f"never: {texts}\n{self.text}")
            self.read()

    def settle(self, silence_s: float = 1.0) -> None:
        """Read until it is silent for so long; a screen that goes on sending by itself never is."""
        deadline = time.monotonic() + 2 * LIMIT_S
        while self.read(silence_s):
            if time.monotonic() > deadline:
                pytest.fail(f"it never stops sending\n{self.text}")

    def press(self, key: str) -> None:
        """One key."""
        self.keys += 1
        self.program.send(key.encode())

    def type(self, text: str) -> None:
        """Typed text, which does not count."""
        self.program.send(text.encode())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path, "demo")
    yield emulator
    emulator.program.close(force=True)


def test_a_slow_line_gets_few_bytes(tmp_path: Path) -> None:
    """Idle at most 1 KB a minute, a key press in a form at most 2 KB (issue 6)."""
    wizard = Emulator(tmp_path, str(tmp_path / "state"), "ready", module="tests.tui.plain_program")
    try:
        wizard.see("prepared for you")
        wizard.press("\r")
        wizard.see("How to reach")
        wizard.settle(2.0)  # an idle form sends nothing
        before = wizard.bytes
        for key in (DOWN, DOWN, "1", DOWN, "\t", UP):
            wizard.press(key)
            wizard.settle()
            assert wizard.bytes - before <= 2048, repr(key)
            before = wizard.bytes
    finally:
        wizard.program.close(force=True)


@pytest.mark.slow
@pytest.mark.timeout(960 * PATIENCE)
def test_demo_walks_to_a_created_pool_and_stays_quiet(demo: Emulator) -> None:
    demo.see("prepared for you")
    demo.press("\r")
    demo.see("How to reach")
    demo.settle(2.0)  # an idle form sends nothing
    before = demo.bytes
    demo.press("\x1b[B")
    demo.settle()
    assert demo.bytes - before <= 2048, "one key press in a form"
    demo.press(F8)
    demo.see("7 known")
    demo.press(F8)
    demo.see("as it shall be")
    demo.press(F7)
    demo.see("How to reach")
    demo.press(F8)
    demo.see("as it shall be")
    demo.press(F8)
    demo.see("Which servers")
    demo.see("F8 goes on", "accept them on the review")
    demo.press(F8)
    demo.see("pool file system goes")
    demo.press(F8)
    demo.see("Can guests migrate")
    demo.press(F8)
    demo.see("Type 'pool1'")
    demo.type("pool1")
    demo.press("\r")
    demo.see("What was done")
    demo.see("The pool was created")
    assert demo.keys <= 40
    demo.press(QUIT)
    demo.program.expect(pexpect.EOF, timeout=LIMIT_S)
    demo.program.close()
    assert demo.program.exitstatus == 0
