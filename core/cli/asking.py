"""The only place of the command line that asks a person: at the terminal that standard input is, wherever output goes.

Ctrl-C at a prompt leaves as KeyboardInterrupt at the first press, also while an event loop runs (which would only take
note of it, and let what is typed next be an answer).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from typing import TextIO

from core.errors import ExitCode, PoolwrightError
from core.masking import shown


class NobodyToAsk(PoolwrightError):
    """Something must be confirmed, and there is no terminal to ask at. Raised before anything is touched."""

    code = "PW140"
    title = "nobody can be asked"
    exit_code = ExitCode.BAD_INPUT


def is_terminal() -> bool:
    """Can somebody be asked? Only standard input counts: where output goes tells nothing about that."""
    return _is_tty(sys.stdin)


def require_terminal(what: str, instead: str) -> None:
    """NobodyToAsk unless somebody can be asked. `what` would be done; `instead`: the options that confirm it."""
    if not is_terminal():
        raise NobodyToAsk(f"cannot {what} unconfirmed: standard input is no terminal", fix=f"give {instead}")


def ask(question: str, *, about: str = "", told_on: TextIO | None = None) -> str:
    """One line typed at the terminal, without blanks around it; "" when its end was typed (Ctrl-D).

    `about` must be seen to answer: it was told on `told_on` (None: standard error), and where that is no terminal
    it is shown here.
    """
    with _pressed_at_once(), _terminal() as terminal:
        if about and not _is_tty(sys.stderr if told_on is None else told_on):
            terminal.write(f"{shown(about)}\n")
        terminal.write(f"{shown(question)} ")
        terminal.flush()
        return terminal.readline().strip()


def ask_secret(label: str) -> str:
    """The same for a secret: what is typed is not shown, and blanks belong to it."""
    with _pressed_at_once(), _terminal() as terminal, _without_echo(terminal.fileno()):
        terminal.write(f"{label}: ")
        terminal.flush()
        line = terminal.readline()
        terminal.write("\n")
        return line.rstrip("\r\n")


def _is_tty(stream: TextIO | None) -> bool:
    """A stream that was closed before we were started is None."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed meanwhile
        return False


@contextlib.contextmanager
def _terminal() -> Iterator[io.TextIOWrapper]:
    """The terminal behind standard input, for reading and writing."""
    own = sys.stdin.fileno()
    if fcntl.fcntl(own, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR:
        handle = os.dup(own)
    else:  # `poolwright ... < /dev/tty`
        handle = os.open(os.ttyname(own), os.O_RDWR | os.O_NOCTTY)
    with io.TextIOWrapper(io.FileIO(handle, "r+"), encoding="utf-8", errors="replace") as terminal:
        yield terminal


@contextlib.contextmanager
def _without_echo(handle: int) -> Iterator[None]:
    before = termios.tcgetattr(handle)
    silent = termios.tcgetattr(handle)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(handle, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSAFLUSH, before)


@contextlib.contextmanager
def _pressed_at_once() -> Iterator[None]:
    """Ctrl-C raises where we stand; one that a loop took note of before we asked counts as well."""
    before = signal.getsignal(signal.SIGINT)
    is_ours = threading.current_thread() is threading.main_thread() and callable(before)
    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if _is_being_cancelled():
            raise KeyboardInterrupt
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, before)


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs
        return False
    return task is not None and task.cancelling() > 0
