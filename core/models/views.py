"""A run as front ends see it, folded from its journal. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.models.events import Outcome, Residue, RunState, StepState, Verified
from core.models.plan import PlanWarning, Unobservable


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run as it stands."""

    id: str
    title: str
    lane: str
    state: StepState
    text: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as folded from its journal."""

    run: str
    pool: str
    platform: str
    state: RunState
    outcome: Outcome | None
    steps: tuple[StepView, ...] = ()
    verification: tuple[Verified, ...] = ()
    verified_at: str = ""  # of the last look at what the run made; empty when there was none
    superseded_at: str = ""  # since when that look is out of date: a rollback began; empty when it is not
    unobservable: tuple[Unobservable, ...] = ()  # accepted with the plan: items that cannot be seen
    residue: tuple[Residue, ...] = ()
    started_at: str = ""
    ended_at: str = ""
    last_seq: int = 0
    is_live: bool = False
    message: str = ""
    damage: str = ""  # why its journal cannot be read; nothing else is known of the run then
    question: str = ""  # what a live run waits for an answer to
    warnings: tuple[PlanWarning, ...] = ()  # what was known and gone on with: waived, accepted, one-way moves
    pool_facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def out_of_date(self) -> str:
        """What to say in place of a verification that a rollback made out of date; empty while it counts."""
        if not self.superseded_at:
            return ""
        return f"Verified at {_clock(self.verified_at)}, before the rollback at {_clock(self.superseded_at)}."


def _clock(stamp: str) -> str:
    """An ISO time in UTC as people read it, to the minute."""
    return f"{stamp[:16].replace('T', ' ')} UTC"
