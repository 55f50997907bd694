"""A terminal that is gone ends the wizard, also where SIGHUP is ignored, whatever still waits to be written to it."""

from __future__ import annotations

import os
import select
import signal
import threading

GRACE_S = 10.0  # for a clean-up that no longer has a terminal to write to


def end_with_terminal(handle: int) -> None:
    """Watch this terminal for as long as the process lives; nothing happens where `handle` is none."""
    if os.isatty(handle):
        threading.Thread(target=_watch, args=(handle,), daemon=True, name="hang-up").start()


def _watch(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, 0)  # a hang-up is told unasked (poll(2)), and nothing else wakes us
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)  # through the clean-up
    threading.Event().wait(GRACE_S)
    os._exit(
        128 + signal.SIGHUP
    )  # its last words wait for a terminal that takes none; what it started ends with it
