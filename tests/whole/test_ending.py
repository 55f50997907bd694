"""However a demo or a lab ends, nothing of it stays: no folder, no throw-away password, no fleet, no runner."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from core.paths import StatePaths
from core.runner.locks import holder

pytestmark = pytest.mark.timeout(1200)  # processes of their own, on a machine that may be busy
ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"never: {what}")
        time.sleep(0.05)  # another process: there is no event to wait for


def demo(folder: Path, *words: str, program: str = "core.cli.main") -> pexpect.spawn[str]:
    """A demo at a terminal of its own, all of whose files go below `folder`."""
    environ = {**os.environ, "TMPDIR": str(folder), "XDG_STATE_HOME": str(folder / "own"), "TERM": "xterm"}
    return pexpect.spawn(
        sys.executable, ["-m", program, "demo", *words], env=environ, cwd=str(ROOT), encoding="utf-8",
        timeout=int(LIMIT_S), dimensions=(24, 80),
    )  # fmt: skip


def processes(folder: Path) -> list[int]:
    """Processes that name the folder on their command line: the fleet."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                words = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append(int(path.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def left_in(folder: Path) -> list[Path]:
    return list(folder.glob("poolwright-*"))


HARD = [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL, None]


@pytest.mark.parametrize("number", HARD, ids=lambda one: one.name if one else "the terminal closes")
def test_a_demo_that_is_ended_while_it_runs_takes_everything_with_it(
    number: signal.Signals | None, tmp_path: Path
) -> None:
    program = demo(tmp_path, "--headless", "--speed", "2")
    program.expect("doing")  # a step is under way
    (home,) = left_in(tmp_path)
    runs = StatePaths(home / "state").runs
    (runner,) = [pid for run in runs.iterdir() if (pid := holder(run / "lock"))]
    fleet = processes(home)
    assert fleet
    if number is None:
        with suppress(pexpect.ExceptionPexpect):  # it does not wait for the clean-up
            program.close(force=False)
    else:
        program.kill(number)
    until(lambda: not left_in(tmp_path), "its folder goes")
    until(lambda: not any(is_alive(pid) for pid in [runner, *fleet]), "fleet and runner end")
    if number not in (None, signal.SIGKILL):
        program.expect(pexpect.EOF)
        program.close()
        assert program.signalstatus == number


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_wizard_that_is_ended_gives_the_terminal_back(number: signal.Signals, tmp_path: Path) -> None:
    program = demo(tmp_path, program="tui")
    program.expect("prepared for you")
    program.kill(number)
    program.expect(r"\x1b\[\?1049l")  # the main screen again
    program.expect(pexpect.EOF)
    assert program.getecho()
    program.close()
    assert program.signalstatus == number
    until(lambda: not left_in(tmp_path), "its folder goes")


@pytest.mark.parametrize(
    "handler", [signal.SIG_DFL, signal.SIG_IGN], ids=["hang-up heeded", "hang-up ignored"]
)
def test_a_wizard_whose_terminal_is_gone_ends(handler: signal.Handlers, tmp_path: Path) -> None:
    """With SIGHUP ignored (nohup, some service managers) it read the end of its input for ever, all it could."""
    ours, its = pty.openpty()
    size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    environ = {**os.environ, **size, "TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "own")}
    before = signal.signal(signal.SIGHUP, handler)  # what a child inherits
    try:
        wizard = subprocess.Popen(
            [sys.executable, "-m", "tui", "demo"], cwd=ROOT, env=environ, stdin=its, stdout=its, stderr=its,
            start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGHUP, before)
        os.close(its)
    shown = b""
    while b"prepared for you" not in shown:
        shown += os.read(ours, 65536)
    os.close(ours)
    assert wizard.wait(LIMIT_S) in (-signal.SIGTERM, -signal.SIGHUP, 128 + signal.SIGHUP)
    until(lambda: not left_in(tmp_path), "its folder goes")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_lab_that_is_ended_takes_its_passwords_with_it(number: signal.Signals, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    words = [sys.executable, "-m", "core.cli.main", "lab", "--servers", "1", "--ready-file", str(ready)]
    lab = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE)
    until(ready.exists, "the lab listens")
    lab.send_signal(number)
    _, said = lab.communicate(timeout=LIMIT_S)
    assert lab.returncode == 0, said
    assert list(tmp_path.iterdir()) == []


def test_a_demo_ends_clean_without_a_terminal(tmp_path: Path) -> None:
    """It confirms for itself: its fleet is its own."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-m", "core.cli.main", "demo", "--servers", "2", "--speed", "200"]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert left_in(tmp_path) == []
