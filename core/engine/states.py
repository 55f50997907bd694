"""Which changes of state are allowed; anything else raises. The only place that knows."""

from __future__ import annotations

from core.errors import JournalError
from core.models.events import Outcome, RunState, StepState

_S, _R = StepState, RunState

STEP_CHANGES: frozenset[tuple[StepState, StepState]] = frozenset(
    {
        (_S.WAITING, _S.ADOPTED),  # the look found the result
        (_S.WAITING, _S.DOING),
        (_S.WAITING, _S.FAILED),  # the look found something foreign, or could not look
        (_S.WAITING, _S.SKIPPED),
        (_S.DOING, _S.DOING),  # found in doubt after a crash, not there: done again
        (_S.DOING, _S.DONE),
        (_S.DOING, _S.FAILED),
        (_S.DOING, _S.UNDOING),  # in doubt, and the run is taken back
        (_S.FAILED, _S.UNDOING),  # its half-done effect
        (_S.DONE, _S.UNDOING),
        (_S.DONE, _S.UNDO_FAILED),  # not tried: what builds on it could not be undone
        (_S.FAILED, _S.UNDO_FAILED),
        (_S.DOING, _S.UNDO_FAILED),
        (_S.UNDOING, _S.UNDOING),  # tried again, or found in doubt after a crash
        (_S.UNDOING, _S.UNDONE),
        (_S.UNDOING, _S.UNDO_FAILED),
        (_S.UNDO_FAILED, _S.UNDOING),  # a later rollback tries again
        (_S.UNDONE, _S.UNDOING),  # a later rollback looks whether what stayed behind is gone now
        (_S.UNDO_FAILED, _S.UNDO_FAILED),
    }
)

RUN_CHANGES: frozenset[tuple[RunState, RunState]] = frozenset(
    {
        (_R.CREATED, _R.RUNNING),
        (_R.CREATED, _R.DONE),  # refused before the first step
        (_R.CREATED, _R.ROLLING_BACK),
        (_R.RUNNING, _R.RUNNING),  # resumed
        (_R.RUNNING, _R.PAUSED),
        (_R.RUNNING, _R.ROLLING_BACK),
        (_R.RUNNING, _R.DONE),
        (_R.PAUSED, _R.RUNNING),
        (_R.PAUSED, _R.ROLLING_BACK),
        (_R.PAUSED, _R.DONE),  # left while paused
        (_R.ROLLING_BACK, _R.ROLLING_BACK),  # resumed
        (_R.ROLLING_BACK, _R.DONE),
        (_R.DONE, _R.ROLLING_BACK),  # `rollback RUN` of an ended run
    }
)


OUTCOME_CHANGES: frozenset[tuple[Outcome, Outcome]] = frozenset(
    {
        (Outcome.CREATED_UNVERIFIED, Outcome.CREATED),  # a later look settled it
        (Outcome.CREATED_UNVERIFIED, Outcome.CREATED_UNVERIFIED),  # a later look could not
    }
)


def check_step(step: str, old: StepState, new: StepState) -> None:
    """Raise JournalError unless a step may go from `old` to `new`."""
    if (old, new) not in STEP_CHANGES:
        raise JournalError(f"cannot take step {step} from {old} to {new}: no such change of state")


def check_run(run: str, old: RunState, new: RunState) -> None:
    """Raise JournalError unless a run may go from `old` to `new`."""
    if (old, new) not in RUN_CHANGES:
        raise JournalError(f"cannot take run {run} from {old} to {new}: no such change of state")


def check_outcome(run: str, old: Outcome | None, new: Outcome) -> None:
    """Raise JournalError unless a later look may take an ended run from `old` to `new`."""
    if (old, new) not in OUTCOME_CHANGES:
        raise JournalError(f"cannot take run {run} from {old} to {new}: no such change of outcome")
