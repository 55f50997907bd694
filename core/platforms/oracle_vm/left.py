"""Which objects in Manager our own journals say we left. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.models.events import Outcome, StepState
from core.models.past import PastRun, PastStep
from core.models.plan import PlanAim

_S = StepState
_HELD = frozenset({_S.DONE, _S.ADOPTED})
_MAY_BE_THERE = frozenset({_S.DOING, _S.DONE, _S.FAILED, _S.UNDOING, _S.UNDO_FAILED})
_NOT_LEFT = frozenset({Outcome.ROLLED_BACK, Outcome.REFUSED, Outcome.CLEANED})
Left = Mapping[str, str]  # id of an object in Manager, lower case -> the run that left it


def left_by(past: Sequence[PastRun]) -> Left:
    """What runs left that did not reach their pool and have ended or died; never what a pool that stands is made of."""
    found: dict[str, str] = {}
    for one in past:
        if _has_left(one):
            found |= {id_.lower(): one.run for id_ in (*_ids(one.steps, _MAY_BE_THERE), *one.objects)}
    kept = {id_.lower() for one in past if _stands(one) for id_ in _ids(one.steps, _HELD)}
    return {id_: run for id_, run in found.items() if id_ not in kept}


def _stands(one: PastRun) -> bool:
    """Its pool was made: every step holds, whatever a verification said, or it is being made now."""
    if one.aim is not PlanAim.CREATE:
        return False
    is_said = one.outcome is not None and one.outcome.stands
    return one.is_live or is_said or all(step.state in _HELD for step in one.steps)


def _has_left(one: PastRun) -> bool:
    return one.aim is PlanAim.CREATE and one.outcome not in _NOT_LEFT and not _stands(one)


def _ids(steps: Sequence[PastStep], states: frozenset[StepState]) -> Iterator[str]:
    """A pool by the record of its making; a server that Manager did not know before, by that of its taking."""
    for step in steps:
        if step.state not in states:
            continue
        if step.kind == "create_pool" and step.record.get("pool_id"):
            yield str(step.record["pool_id"])
        is_new = step.record.get("known_before") is False and step.record.get("owned_before") is False
        if step.kind == "own_server" and is_new and step.record.get("server_id"):
            yield str(step.record["server_id"])
