"""The contract of a step. The engine knows steps, never a platform.

Either half may run twice; `look` comes before `do` (adopt what is there) and after a crash (what happened?).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from core.models.events import Residue
from core.models.plan import JsonDict, PlannedStep


class World(ABC):
    """What the steps of one run share, opened and closed by the platform. The engine asks it only this."""

    @abstractmethod
    def remember(self, step_id: str, record: JsonDict) -> None:
        """Take note of what a step left, for the steps after it; also told after a resume."""

    @abstractmethod
    async def settle(self, step_id: str) -> None:
        """Wait, within limits of its own, until nothing that an ended process began for this step (a job, a lock) is
        under way any more; reads only."""


W = TypeVar("W", bound=World)


class Seen(StrEnum):
    """What a look at the world says about a step's result."""

    THERE = "there"
    NOT_THERE = "not_there"
    FOREIGN = "foreign"  # something is there that is not ours and blocks us
    UNKNOWN = "unknown"  # could not be looked at; never taken for either


@dataclass(frozen=True, slots=True)
class Look:
    """Result of a look, with the record (small JSON) that undo and later steps need."""

    seen: Seen
    detail: str = ""
    record: JsonDict = field(default_factory=dict)
    is_unreachable: bool = False  # UNKNOWN since nobody answered: may be known once somebody does


@dataclass(frozen=True, slots=True)
class Undone:
    """Result of an undo: clean when `residue` is empty and `certain`; with `may_retry` another try may succeed."""

    residue: tuple[Residue, ...] = ()
    certain: bool = True
    may_retry: bool = False
    detail: str = ""


class Step(ABC, Generic[W]):
    """One do/verify/undo pair, rebuilt from a PlannedStep in whichever process runs it. `W` is the platform's world."""

    kind: ClassVar[str]

    def __init__(self, planned: PlannedStep) -> None:
        self.planned = planned

    @property
    def id(self) -> str:
        return self.planned.id

    @abstractmethod
    async def look(self, world: W) -> Look:
        """Is the result there already? Reads only."""

    @abstractmethod
    async def do(self, world: W) -> JsonDict:
        """Bring the result about and return its record; raises a PoolwrightError when it did not work.

        Never sends a command again whose reply was lost: it reads back instead.
        """

    @abstractmethod
    async def verify(self, world: W, record: JsonDict) -> Look:
        """Did it hold? Called right after do; `Success` in a reply is not enough."""

    @abstractmethod
    async def undo(self, world: W, record: JsonDict) -> Undone:
        """Take back what do (or half of it) did; reads back and reports what stays behind."""

    async def commands_left(self, world: W, record: JsonDict) -> tuple[str, ...]:
        """What a person types to take this step back, exact and in order; asked when no undo did it.

        Reads at most what the record does not tell (ids of an interrupted `do`). Where nobody can tell an id, a
        command that lists it, never a placeholder.
        """
        return self.planned.undo_commands
