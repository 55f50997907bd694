"""What the operator asks of a running plan. Takes effect between steps; a step half done is never interrupted."""

from __future__ import annotations

import asyncio
from enum import StrEnum


class Wish(StrEnum):
    """What shall happen after the step at hand."""

    GO_ON = "go_on"
    PAUSE = "pause"
    ABORT = "abort"  # take back what was done
    LEAVE = "leave"  # stop here, undo nothing
    STOP = "stop"  # end the process; the run stays as it is and can be resumed


class Control:
    """Carries the newest wish to the executor and wakes it. One event loop only."""

    def __init__(self) -> None:
        self.wish = Wish.GO_ON
        self.changed = asyncio.Event()

    def ask(self, wish: Wish) -> None:
        """Replace the wish; a stop is never replaced, and an abort only by leave or stop."""
        if self.wish is Wish.STOP or (
            self.wish in (Wish.ABORT, Wish.LEAVE) and wish in (Wish.GO_ON, Wish.PAUSE)
        ):
            return
        self.wish = wish
        self.changed.set()

    @property
    def is_ending(self) -> bool:
        """No further step of the plan shall begin."""
        return self.wish in (Wish.ABORT, Wish.LEAVE, Wish.STOP)
