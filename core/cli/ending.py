"""SIGTERM and SIGHUP end a program of ours through its clean-up: terminal, folders and processes it started."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(SystemExit):
    """A signal asked this process to end; unwinds like an exit, below an event loop too."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(128 + number)


@contextmanager
def through_clean_up() -> Iterator[None]:
    """While inside, these signals unwind the stack; the process then ends by the very signal, as who sent it expects.

    One that is ignored (nohup) or handled already stays so.
    """
    is_main = threading.current_thread() is threading.main_thread()
    ours = [number for number in _ENDING if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _unwind)
    try:
        yield
    except Ended as ended:
        if not ours:
            raise  # whoever handles it is further out
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)
        raise
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _unwind(number: int, _frame: FrameType | None) -> NoReturn:
    for each in _ENDING:  # the clean-up itself is not cut short: closing a terminal may send both
        signal.signal(each, signal.SIG_IGN)
    raise Ended(number)
