"""A bug in the wizard gives the terminal back as it was, and is one line with a report; no traceback, exit code 70."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

PROGRAM = """
import sys
from {module} import {name}
def broken(self, *args, **kwargs):
    password = "Kanarie-0815-zwitscher"
    raise ZeroDivisionError("a bug of the test")
{name}.{method} = broken
from tui.__main__ import main
sys.argv[1:] = {words!r}
sys.exit(main())
"""
PLACES = {
    "a screen is drawn": ("tui.screens.home", "HomeScreen", "compose", ["--screens"]),
    "a message is handled": ("tui.screens.home", "HomeScreen", "show_menu", ["--screens"]),
    "a worker works": ("core.service", "Service", "runs", ["--screens"]),
    "the app starts": ("tui.app", "PoolwrightApp", "__init__", ["--screens"]),
    "lines are read": ("tui.plain", "Plain", "run", ["--plain"]),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_bug_gives_the_terminal_back_and_is_one_line(place: str, tmp_path: Path) -> None:
    module, name, method, words = PLACES[place]
    code = PROGRAM.format(module=module, name=name, method=method, words=words)
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    env = {**os.environ, "TERM": "xterm-256color", "POOLWRIGHT_STATE_DIR": str(tmp_path / "state")}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    )
    shown = b""
    try:
        after = before
        while process.poll() is None or _is_readable(ours):
            if _is_readable(ours):
                shown += os.read(ours, 65536)
        after = termios.tcgetattr(theirs)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    text = shown.decode("utf-8", "replace")
    assert process.returncode == 70, text
    assert after == before
    assert "Traceback" not in text
    assert "zwitscher" not in text
    if "--screens" in words and "\x1b[?1049h" in text:  # the other screen was shown: the line stands after it
        text = text.rpartition("\x1b[?1049l")[2]
    lines = [line for line in text.splitlines() if "internal error" in line]
    assert len(lines) == 1, text
    report = re.search(r"ZeroDivisionError: a bug of the test .*the report is in (\S+)", lines[0])
    assert report, lines
    written = Path(report[1]).read_text()
    assert "in broken" in written
    assert 'password = "' not in written


def _is_readable(handle: int) -> bool:
    import select

    return bool(select.select([handle], [], [], 0.05)[0])
