"""How long a run has taken and may still take, from the times of its own steps. Pure; counts seconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.models.events import EventKind, RunEvent, StepState
from core.models.views import StepView

_BEGINS = StepState.DOING
_ENDS = frozenset({StepState.DONE, StepState.ADOPTED, StepState.FAILED})
_AHEAD = frozenset({StepState.WAITING, StepState.DOING})


class StepClock:
    """Fed with events; knows how long steps of a kind took."""

    def __init__(self) -> None:
        self.began: datetime | None = None
        self.last: datetime | None = None
        self._open: dict[str, datetime] = {}
        self.took: dict[str, float] = {}

    def apply(self, event: RunEvent) -> None:
        """Take one event."""
        self.began = self.began or event.at
        self.last = event.at
        if event.kind is not EventKind.STEP_STATE:
            return
        if event.state == _BEGINS:
            self._open[event.step] = event.at
        elif event.state in set(_ENDS) and event.step in self._open:
            self.took[event.step] = max((event.at - self._open.pop(event.step)).total_seconds(), 0.0)

    def elapsed_s(self, now: datetime) -> float:
        """Since the first event; 0 before it. A clock that went back counts as no time."""
        return max((now - self.began).total_seconds(), 0.0) if self.began else 0.0

    def remaining_s(self, steps: Iterable[StepView], now: datetime) -> float | None:
        """What the steps ahead will take if they take as long as those before; None before the first has ended."""
        if not self.took:
            return None
        at_once = max(sum(self.took.values()) / max(self._worked_s(), 0.001), 1.0)
        ahead = 0.0
        for step in steps:
            if step.state in _AHEAD:
                begun = self._open.get(step.id)
                spent = (now - begun).total_seconds() if begun is not None else 0.0
                ahead += max(self._usual_s(step.id) - max(spent, 0.0), 0.0)
        return ahead / at_once

    def _worked_s(self) -> float:
        return (self.last - self.began).total_seconds() if self.began and self.last else 0.0

    def _usual_s(self, step: str) -> float:
        kind = step.split(":", 1)[0]
        alike = [took for name, took in self.took.items() if name.split(":", 1)[0] == kind]
        known = alike or list(self.took.values())
        return sum(known) / len(known)


def words(seconds: float) -> str:
    """`45 s`, `3:20 min`, `1:05 h`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
