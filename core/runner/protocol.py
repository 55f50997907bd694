"""Words between front ends and runner: the order given on stdin, and JSON lines on the socket. Pure data."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Frozen
from core.models.plan import JsonDict, Plan
from core.models.spec import BaseSpec

VERSION = 1


class Action(StrEnum):
    """What the controller of a run may ask."""

    PAUSE = "pause"
    CONTINUE = "continue"
    ABORT = "abort"
    LEAVE = "leave"


class RunDocument(Frozen):
    """What a run shall do: the spec as JSON, its plan, and what the operator accepted; no secret."""

    platform: str
    spec: JsonDict
    plan: Plan
    accepted: tuple[str, ...] = ()
    known_hosts: str | None = None  # OpenSSH file the operator gave, beside the pins
    limits: dict[str, float] = Field(
        default={}
    )  # fields of core.transports.limits.Limits that differ from the defaults

    @classmethod
    def of(
        cls,
        spec: BaseSpec,
        plan: Plan,
        *,
        accepted: tuple[str, ...] = (),
        known_hosts: str | None = None,
        limits: dict[str, float] | None = None,
    ) -> RunDocument:
        """The document of a spec and the plan made from it."""
        return cls(
            platform=plan.platform,
            spec=spec.model_dump(mode="json"),
            plan=plan,
            accepted=accepted,
            known_hosts=known_hosts,
            limits=limits or {},
        )
