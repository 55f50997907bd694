"""A run as numbered events: everything that screens, reports and a later resume need folds from these. Pure data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from core.errors import ExitCode
from core.models.base import Frozen
from core.models.plan import JsonDict


class RunState(StrEnum):
    """Where a run stands."""

    CREATED = "created_run"  # written down, nothing done yet
    RUNNING = "running"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    DONE = "done"  # ended; see outcome


class Outcome(StrEnum):
    """How a run ended."""

    CREATED = "created"
    CREATED_UNVERIFIED = "created_unverified"  # every step held; the whole could not be looked at
    CLEANED = "cleaned"  # a sweep: nothing of the dead pool is left
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    NEEDS_HUMAN = "needs_human"

    @property
    def exit_code(self) -> ExitCode:
        """What a program that followed the run to this end returns."""
        return _EXIT_CODES[self]

    @property
    def stands(self) -> bool:
        """Does what the run made stand?"""
        return self in (Outcome.CREATED, Outcome.CREATED_UNVERIFIED)

    @property
    def word(self) -> str:
        """The outcome as people read it."""
        return "Created, not verified" if self is Outcome.CREATED_UNVERIFIED else self.value


_EXIT_CODES = {
    Outcome.CREATED: ExitCode.DONE,
    Outcome.CREATED_UNVERIFIED: ExitCode.NEEDS_ATTENTION,
    Outcome.CLEANED: ExitCode.DONE,
    Outcome.ROLLED_BACK: ExitCode.REFUSED,
    Outcome.REFUSED: ExitCode.REFUSED,
    Outcome.NEEDS_HUMAN: ExitCode.NEEDS_ATTENTION,
}


class StepState(StrEnum):
    """Where a step stands. Allowed changes are listed in core/engine/states.py."""

    WAITING = "waiting"
    DOING = "doing"  # intent is on disk, the effect may or may not have happened
    DONE = "done"
    ADOPTED = "adopted"  # the world had the result already; an undo leaves it alone
    FAILED = "failed"
    SKIPPED = "skipped"  # not reached
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


class EventKind(StrEnum):
    """What an event tells."""

    RUN_STATE = "run_state"
    STEP_STATE = "step_state"
    COMMAND = "command"  # one exchange with a server, masked
    NOTE = "note"  # narration
    VERIFIED = "verified"  # one item of the verification
    VERIFICATION = "verification"  # a later look at what an ended run made; `state` is the outcome after it
    RESIDUE = "residue"  # something left behind, with the commands that end it
    QUESTION = "question"
    ANSWER = "answer"
    CONTROL = "control"  # who watches, who controls
    FINGERPRINT = "fingerprint"  # how the world was: before the first step, after a rollback
    OUTCOME = "outcome"


class RunEvent(Frozen):
    """One numbered fact about a run; `seq` counts from 1 without gaps."""

    run: str
    seq: int
    at: AwareDatetime
    kind: EventKind
    step: str = ""
    state: str = ""
    text: str = ""
    data: JsonDict = {}


class Verified(Frozen):
    """One item of the verification after a pool was made: what was expected, what was seen, and whether it holds.

    `holds` None means it could not be looked at, which is not a yes. A rollback makes every item out of date: from then
    on `holds` is None, `held` keeps what it was, and `superseded_at` says since when.
    """

    id: str
    title: str
    holds: bool | None
    detail: str
    source: str = ""
    is_essential: bool = (
        True  # an essential item that does not hold makes the run roll back; others only warn
    )
    superseded_at: AwareDatetime | None = None
    held: bool | None = None

    def superseded(self, at: datetime) -> Verified:
        """The same item, out of date since `at`; one that was out of date already keeps its time."""
        if self.superseded_at is not None:
            return self
        return self.model_copy(update={"holds": None, "held": self.holds, "superseded_at": at})


class Residue(Frozen):
    """Something that is not as it was found, where it is, and the commands a person can run to end it."""

    id: str
    what: str
    where: str
    why: str = ""
    commands: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()  # ids that the controller gave to what is left
    is_in_use: bool = (
        False  # somebody lives there: no command that ends it is told, for what it stands on neither
    )
