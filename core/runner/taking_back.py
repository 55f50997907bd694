"""Whether a run may be rolled back, and what that would undo; asked by front ends first and by the runner again."""

from __future__ import annotations

from core.engine.history import read_run
from core.engine.planner import HELD
from core.errors import RunnerError
from core.models.events import Outcome, StepState
from core.models.plan import Plan, PlanAim
from core.models.spec import BaseSpec
from core.models.use import RollbackOutlook, why_not_undo
from core.models.views import RunView
from core.paths import StatePaths
from core.platforms.base import Platform
from core.runner import client
from core.transports.base import Access

_WITHOUT_EFFECT = (StepState.WAITING, StepState.ADOPTED, StepState.SKIPPED, StepState.UNDONE)


def require_something_to_undo(run: str, outcome: Outcome | None, plan: Plan) -> None:
    """RunnerError for a run of which nothing is left, and for a sweep, which has no undo."""
    if outcome in (Outcome.ROLLED_BACK, Outcome.REFUSED):
        raise RunnerError(f"cannot roll back run {run}: nothing of it is left ({outcome})")
    if plan.aim is PlanAim.SWEEP:
        raise RunnerError(f"cannot roll back run {run}: a sweep is not taken back")


def is_whole(states: list[StepState]) -> bool:
    """Whether every step holds: what the run was for stands finished, verified or not."""
    return all(state in HELD for state in states)


def rollback_plan(run: str, plan: Plan, platform: Platform) -> Plan:
    """The way back of a run as a plan that can be shown and approved: its steps, for their undo. Pure.

    A journal of an earlier version may hold other labels for the same args.
    """
    changes = {"aim": PlanAim.ROLLBACK, "run": run, "unobservable": ()}
    return plan.with_lines(platform.lines_of).model_copy(update=changes)


async def outlook(
    paths: StatePaths, run: str, platform: Platform, spec: BaseSpec, access: Access
) -> RollbackOutlook:
    """Look at the run's journal and, through its controller, at what lives on its pool. Touches nothing.

    RunnerError when the run is live, or when there is nothing to undo.
    """
    view = client.show_run(paths.root, run)
    head, _ = read_run(paths, run)
    if view.is_live:
        raise RunnerError(
            f"cannot roll back run {run}: it is still running",
            fix=f"abort it: poolwright control {run} abort",
        )
    require_something_to_undo(run, view.outcome, head.plan)
    fleet = await platform.collect(spec, access, only=())
    whole = is_whole([step.state for step in view.steps])
    use = platform.use_of(spec, head.plan, fleet)
    return RollbackOutlook(view, whole, _to_undo(view), use, why_not_undo(use, is_whole=whole))


def _to_undo(view: RunView) -> tuple[str, ...]:
    return tuple(step.title for step in reversed(view.steps) if step.state not in _WITHOUT_EFFECT)
