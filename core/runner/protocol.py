"""Words between front ends and runner: the order given on stdin, and JSON lines on the socket. Pure data."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from pydantic import Field

from core.models.base import Frozen
from core.models.plan import JsonDict, Plan
from core.models.spec import BaseSpec
from core.runner.marks import Marks

VERSION = 1
LINE_MAX_BYTES = 16 * 1024 * 1024  # one event: its text is bounded, a record is small JSON


class ProtocolError(Exception):
    """What came over the socket is not our protocol; stays inside the runner's rooms."""


class Action(StrEnum):
    """What the controller of a run may ask."""

    PAUSE = "pause"
    CONTINUE = "continue"
    ABORT = "abort"
    LEAVE = "leave"
    RETRY = "retry"  # the answer to a question: look again now


class Task(StrEnum):
    """What a runner is started for."""

    START = "start"
    RESUME = "resume"
    ROLLBACK = "rollback"
    VERIFY = "verify"  # look again at what an ended, unverified run made; changes nothing


class RunDocument(Frozen):
    """What a run shall do: the spec as JSON, its plan, and what the operator accepted; no secret."""

    platform: str
    spec: JsonDict
    plan: Plan
    accepted: tuple[str, ...] = ()
    known_hosts: str | None = None  # OpenSSH file the operator gave, beside the pins
    approvals: str | None = None  # folder that must hold a second user's approval of the plan
    marks: Marks = Marks()  # of its secrets; the runner makes them
    limits: dict[str, int | float] = Field(default={})  # fields of core.transports.limits.Limits that differ

    @classmethod
    def of(
        cls,
        spec: BaseSpec,
        plan: Plan,
        *,
        accepted: tuple[str, ...] = (),
        known_hosts: str | None = None,
        approvals: str | None = None,
        limits: dict[str, int | float] | None = None,
    ) -> RunDocument:
        """The document of a spec and the plan made from it."""
        return cls(
            platform=plan.platform,
            spec=spec.model_dump(mode="json"),
            plan=plan,
            accepted=accepted,
            known_hosts=known_hosts,
            approvals=approvals,
            limits=limits or {},
        )


class Order(Frozen):
    """What a new runner reads from its stdin, beside the secrets, which stay out of every model."""

    v: int = VERSION
    task: Task
    state_dir: str
    run: str = ""  # of resume, rollback and verify
    document: RunDocument | None = None  # of start
    starter_pid: int = 0  # the first controller
    notes: tuple[str, ...] = ()  # how this run survives a logout, for the journal


def encode(message: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """One message; ProtocolError when it is none, or of another version."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError("no JSON line") from error
    if not isinstance(message, dict):
        raise ProtocolError("no JSON object")
    if message.get("v", VERSION) != VERSION:
        raise ProtocolError(f"speaks version {message.get('v')}, not {VERSION}")
    return message
