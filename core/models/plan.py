"""A plan: ordered steps, each with its exact commands and the way back. Pure data, survives in the journal as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import AwareDatetime, Field

from core.models.base import Frozen

JsonDict = dict[str, Any]


class StepLines(NamedTuple):
    """Commands of a step and of its undo, as a platform makes them out of the step's args."""

    run: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


class PlannedStep(Frozen):
    """One step as data. `kind` names the class that does it (platform's step registry), `args` rebuild it anywhere.

    `args` are executed, `commands` are labels of them (secrets shown as `<agent password>`): what is shown of a plan
    that came from elsewhere is made out of `args` (Platform.lines_of).
    """

    id: str  # verb_noun:server[:object], stable over resume
    kind: str
    title: str
    lane: str  # an independent failure domain: a server's name, or "pool"
    args: JsonDict = {}
    needs: tuple[str, ...] = ()  # step ids that must be done first
    commands: tuple[str, ...] = ()
    undo_commands: tuple[str, ...] = ()
    undo_needs: tuple[str, ...] = ()  # what must hold for the undo to work, in words
    undo_note: str = ""  # what the undo does not bring back, in words
    is_point_of_no_return: bool = False


class PlanWarning(Frozen):
    """Something the operator should know before confirming: a waived or accepted finding, a one-way migration."""

    id: str
    text: str


SWEEP_KEPT = "sweep.kept"  # id of a warning: an object was looked at, and stays for a reason that is certain


class PlanAim(StrEnum):
    """What a plan is for: a pool, the end of what earlier failures left behind, or the way back of a run."""

    CREATE = "create"
    SWEEP = "sweep"
    ROLLBACK = "rollback"  # shown and approved as a plan; the runner works with the journal of `run`


class ByHand(Frozen):
    """Something only a person may end: where it is, and the commands. Never run by us."""

    id: str
    what: str
    where: str
    why: str = ""
    commands: tuple[str, ...] = ()


class Unobservable(Frozen):
    """One item of the verification that the given connections may be unable to see, and why. Known before the run."""

    id: str  # of the item
    title: str
    why: str


class Plan(Frozen):
    """What will be done, in order. `spec_hash` and `basis` bind it to the spec and the facts it was judged on."""

    platform: str
    pool: str
    steps: tuple[PlannedStep, ...]
    warnings: tuple[PlanWarning, ...] = ()
    release: str = ""
    spec_hash: str = ""
    facts_hash: str = ""
    made_at: AwareDatetime | None = None
    at_once: int = Field(default=1, ge=1, description="steps of different lanes that may run side by side")
    verification: tuple[str, ...] = Field(default=(), description="what will be looked at afterwards")
    unobservable: tuple[Unobservable, ...] = Field(
        default=(),
        description="items of the verification that cannot be seen; confirming the plan accepts these",
    )
    aim: PlanAim = PlanAim.CREATE
    basis: dict[str, str] = Field(default={}, description="what it was judged on, item by item")
    run: str = Field(default="", description="the run that a rollback undoes")
    accepted: tuple[str, ...] = Field(default=(), description="ids that were accepted when it was made")
    by_hand: tuple[ByHand, ...] = Field(default=(), description="what stays for a person to do")

    def with_lines(self, lines_of: Callable[[PlannedStep, str], StepLines]) -> Plan:
        """The plan with the commands that its args make, see Platform.lines_of."""
        steps = []
        for step in self.steps:
            lines = lines_of(step, self.release)
            steps.append(step.model_copy(update={"commands": lines.run, "undo_commands": lines.undo}))
        return self.model_copy(update={"steps": tuple(steps)})

    @property
    def digest(self) -> str:
        """SHA-256 over all that is done and on what grounds, in canonical form: what a reviewer approves.

        Left out: the texts of the warnings and of what cannot be seen (they may differ from look to look; their ids
        are in) and the time. A field that a later version adds changes no digest while it has its default.
        """
        left_out = {"warnings", "unobservable", "made_at"}
        plain = self.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
        plain["warned"] = sorted({warning.id for warning in self.warnings})
        if self.unobservable:
            plain["unobservable"] = sorted(item.id for item in self.unobservable)
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
