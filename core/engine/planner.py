"""Which plan can be run, and which of its steps may begin now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.engine.fold import StepNow
from core.errors import StepError
from core.models.events import StepState
from core.models.plan import Plan, PlannedStep

HELD = (StepState.DONE, StepState.ADOPTED)
_OPEN = (StepState.WAITING, StepState.DOING)  # DOING and not at work: left in doubt by an earlier process


def check_plan(plan: Plan) -> None:
    """Raise StepError for a plan that could not be run to its end; pure."""
    seen: set[str] = set()
    for planned in plan.steps:
        if planned.id in seen:
            raise StepError(planned.id, f"cannot run this plan: two steps are called {planned.id}")
        for need in planned.needs:
            if need not in seen:
                raise StepError(
                    planned.id, f"cannot run this plan: {planned.id} needs {need}, which is not before it"
                )
        seen.add(planned.id)


def next_step(plan: Plan, now: Mapping[str, StepNow], busy: Collection[str]) -> PlannedStep | None:
    """First step in plan order whose needs hold and whose lane is free; None when there is none now."""
    closed: set[str] = set()  # lanes with an earlier step that does not hold (yet)
    for planned in plan.steps:
        state = now[planned.id].state
        if state in HELD:
            continue
        is_open = state in _OPEN and planned.id not in busy and planned.lane not in closed
        if is_open and all(now[need].state in HELD for need in planned.needs):
            return planned
        closed.add(planned.lane)
    return None
