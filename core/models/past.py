"""What earlier runs of this state folder did, as far as a later clean-up must know. Pure data."""

from __future__ import annotations

from core.models.base import Frozen
from core.models.events import Outcome, StepState
from core.models.plan import JsonDict, PlanAim


class PastStep(Frozen):
    """One step as its run left it, with the record of what it did."""

    kind: str
    state: StepState
    record: JsonDict = {}


class PastRun(Frozen):
    """One run. `outcome` None: it has not ended; `objects` are the ids that its residue names."""

    run: str
    platform: str
    aim: PlanAim
    outcome: Outcome | None = None
    is_live: bool = False
    steps: tuple[PastStep, ...] = ()
    objects: tuple[str, ...] = ()
