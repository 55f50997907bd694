"""Is a plan that came as a file the one that would be made? What can be told of it alone, and against a new one. Pure.

A plan file's text is as hostile as a server's: its labels are not believed, and no value gets into an error but as
ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from typing_extensions import override

from core.engine.planner import check_plan
from core.errors import DriftError, PlanError, PoolwrightError
from core.models.plan import Plan, PlannedStep
from core.models.spec import BaseSpec
from core.platforms.base import Platform

SHOWN = 5  # differences that an error names
_FROM_SPEC = ("platform", "pool", "aim", "at_once", "run")  # fields of a plan that no server has a say in
_ASIDE = frozenset(
    {"steps", "warnings", "unobservable", "made_at", "facts_hash", "spec_hash"}
)  # or follow from others


class Difference(NamedTuple):
    """One thing that a plan says and a plan made now does not. `step` is empty for the plan as a whole."""

    step: str
    path: tuple[str, ...]
    reviewed: str
    now: str

    @override
    def __str__(self) -> str:
        where = f"step {self.step}: " if self.step else ""
        return f"{where}{'.'.join(self.path)} is {self.reviewed}, planned now it is {self.now}"

    @property
    def arg_names(self) -> frozenset[str]:
        """The dotted names of the arg that differs and of all it lies in, places in lists left out."""
        names = [name for name in self.path[1:] if not name.isdigit()] if self.path[0] == "args" else []
        return frozenset(".".join(names[: index + 1]) for index in range(len(names)))


def require_whole(plan: Plan, spec: BaseSpec, platform: Platform) -> None:
    """PlanError when the plan cannot be run, is not of this spec, or shows commands that its args do not make."""
    try:
        check_plan(plan)
        made = plan.with_lines(platform.lines_of)
    except PoolwrightError as error:
        raise PlanError(plan.pool, [error.message]) from error
    told = [
        f"step {step.id}: {field} are {_short(shown)}, its args make {_short(own)}"
        for step, right in zip(plan.steps, made.steps, strict=True)
        for field in ("commands", "undo_commands")
        if (shown := getattr(step, field)) != (own := getattr(right, field))
    ]
    if plan.spec_hash != platform.spec_hash(spec):
        told.append("it was not made from the pool description that lies beside it")
    if told:
        raise PlanError(plan.pool, told)


def require_same(reviewed: Plan, fresh: Plan, platform: Platform) -> None:
    """Equality of every step and of all that binds the plan, whatever label stands on it.

    DriftError when what differs was learned from servers; PlanError when the file says what nobody plans.
    """
    found = list(differences(reviewed, fresh))
    moved = {one.step for one in found if one.arg_names & platform.fact_args}
    edited = [one for one in found if one.step not in moved and not _may_drift(one)]
    if edited:
        raise PlanError(reviewed.pool, [str(one) for one in edited])
    known = {warning.id for warning in reviewed.warnings}
    new = sorted({warning.id for warning in fresh.warnings} - known)
    told = [*map(str, found), *(f"it does not tell of {id_}, planned now it does" for id_ in new)]
    if told:
        raise DriftError(reviewed.pool, told[:SHOWN])


def _may_drift(one: Difference) -> bool:
    return not one.step and one.path[0] not in _FROM_SPEC


def differences(reviewed: Plan, fresh: Plan) -> Iterator[Difference]:
    """What two plans do or bind differently: steps by their place, then everything beside them."""
    for index in range(max(len(reviewed.steps), len(fresh.steps))):
        one = reviewed.steps[index] if index < len(reviewed.steps) else None
        other = fresh.steps[index] if index < len(fresh.steps) else None
        yield from _of_step(one, other)
    for name in Plan.model_fields:
        if name not in _ASIDE:
            yield from _unlike("", (name,), getattr(reviewed, name), getattr(fresh, name))
    unseen = [sorted(item.id for item in plan.unobservable) for plan in (reviewed, fresh)]
    yield from _unlike("", ("unobservable",), *unseen)


def _of_step(one: PlannedStep | None, other: PlannedStep | None) -> Iterator[Difference]:
    if one is None or other is None or one.id != other.id:
        id_ = one.id if one is not None else other.id if other is not None else ""
        yield Difference(id_, ("id",), _short(one.id if one else None), _short(other.id if other else None))
        return
    for name in PlannedStep.model_fields:
        yield from _unlike(one.id, (name,), getattr(one, name), getattr(other, name))


def _unlike(step: str, path: tuple[str, ...], one: Any, other: Any) -> Iterator[Difference]:
    """Where two values of JSON differ; a key that is not there is as good as None."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=str):
            yield from _unlike(step, (*path, str(key)), one.get(key), other.get(key))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _unlike(step, (*path, str(index)), *pair)
    elif type(one) is not type(other) or one != other:
        yield Difference(step, path, _short(one), _short(other))


def _short(value: Any) -> str:
    """A value in ASCII, as JSON."""
    if value is None:
        return "not there"
    text = json.dumps(value, default=lambda model: model.model_dump(mode="json"))
    return text if len(text) <= 200 else f"{text[:197]}..."
