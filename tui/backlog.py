"""Holds repaints back while the terminal does not take what was sent: a slow line then gets the newest screen only.

Nothing is lost but frames nobody could have seen in time, and keys are taken all the while.
"""

from __future__ import annotations

import select
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

LOOK_S = 0.1  # how often the line is looked at; a frame is about 2 KB, a terminal takes some 19 KB before it is full


class Backlog:
    """Looks whether the output is full; repaints rest from then on until it is not."""

    def __init__(self, app: App[int], fileno: int | None) -> None:
        self.app, self.fileno = app, fileno
        self._held = ExitStack()
        self.is_holding = False

    @property
    def is_full(self) -> bool:
        """Would writing wait now? False where that cannot be told."""
        if self.fileno is None:
            return False
        try:
            return not select.select([], [self.fileno], [], 0)[1]
        except (OSError, ValueError):
            return False

    def look(self) -> None:
        """Hold repaints back, or let them go on; called by a timer."""
        if self.is_full == self.is_holding:
            return
        self.is_holding = not self.is_holding
        if self.is_holding:
            self._held.enter_context(self.app.batch_update())
        else:
            self._held.close()
            self.app.screen.check_idle()


def terminal() -> int | None:
    """Where Textual writes to; None where that is no file."""
    try:
        return sys.__stderr__.fileno() if sys.__stderr__ is not None else None
    except (OSError, ValueError):
        return None
