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
        self._word = asyncio.Event()  # an answer to the question that is open, or the end of waiting for one

    def ask(self, wish: Wish) -> None:
        """Replace the wish; a stop is never replaced, and an abort only by leave or stop."""
        if self.wish is Wish.STOP or (
            self.wish in (Wish.ABORT, Wish.LEAVE) and wish in (Wish.GO_ON, Wish.PAUSE)
        ):
            return
        self.wish = wish
        self.changed.set()
        if self.is_ending:
            self._word.set()

    def retry(self) -> None:
        """The answer to an open question: look again now."""
        self._word.set()

    async def word(self, limit_s: float) -> bool:
        """Wait for an answer, which is then used up, or an ending wish; False without one within limit_s seconds."""
        try:
            async with asyncio.timeout(limit_s):
                await self._word.wait()
        except TimeoutError:
            return False
        if not self.is_ending:
            self._word.clear()
        return True

    def forget_word(self) -> None:
        """A new question is about to be asked: an answer to an earlier one does not count for it."""
        if not self.is_ending:
            self._word.clear()

    @property
    def is_ending(self) -> bool:
        """No further step of the plan shall begin."""
        return self.wish in (Wish.ABORT, Wish.LEAVE, Wish.STOP)
