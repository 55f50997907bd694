"""May an object be ended? Evidence in, decision and reasons out. Pure.

Half-made is what a run of ours left, or what has the shape of a failed try. Neither is enough: everything that could
show life must have been asked, must have been answered, and must say no. What was not answered counts as life, so
that less evidence never ends more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Says(StrEnum):
    """One answer about life."""

    ALIVE = "alive"
    DEAD = "dead"
    UNREAD = "unread"  # nobody could look; never taken for DEAD


class Asked(StrEnum):
    """What must be known before anything is ended. The values are what a person reads."""

    MEMBERS = "its servers in Manager"
    GUESTS = "virtual machines"
    REPOSITORIES = "repositories"
    OWNER = "owner"
    AGENT = "agent"
    OWN_SYSTEM = "SSH"
    CLUSTER = "cluster and heartbeat"
    MEMBERSHIP = "pool it believes to be in"
    VIRTUAL_IP = "virtual IP"


OF_A_POOL = (Asked.MEMBERS, Asked.GUESTS, Asked.REPOSITORIES)
OF_A_SERVER = (
    Asked.OWNER,
    Asked.AGENT,
    Asked.OWN_SYSTEM,
    Asked.CLUSTER,
    Asked.GUESTS,
    Asked.REPOSITORIES,
    Asked.MEMBERSHIP,
)
WITH_VIRTUAL_IP = (*OF_A_SERVER, Asked.VIRTUAL_IP)


class Answer(NamedTuple):
    """What one look said, in words where it is not DEAD."""

    says: Says
    detail: str = ""


Answers = Mapping[Asked, Answer]
NOBODY_LOOKED = Answer(Says.UNREAD, "nobody looked")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one object. A question without an answer is unread.

    `left_by` is the run of ours that left this very object, "" for none; `has_shape` whether it looks like a failed
    try; `questions` what Manager must have answered about it; `heard` the servers that must have been asked, each
    with `server_questions`.
    """

    questions: tuple[Asked, ...] = ()
    manager: Answers = field(default_factory=dict)
    heard: tuple[str, ...] = ()
    server_questions: tuple[Asked, ...] = OF_A_SERVER
    servers: Mapping[str, Answers] = field(default_factory=dict)
    left_by: str = ""
    has_shape: bool = False


class Decision(NamedTuple):
    """Whether the object may be ended, and why or why not. `is_proven` False: kept since something is not known."""

    ends: bool
    reasons: tuple[str, ...]
    is_proven: bool = True

    @property
    def text(self) -> str:
        """The first few reasons in one line."""
        more = len(self.reasons) - _TOLD
        return "; ".join(self.reasons[:_TOLD]) + (f"; and {more} more" if more > 0 else "")


_TOLD = 4


def decide(evidence: Evidence) -> Decision:
    """Ended only when it is half-made, and every question has the answer DEAD."""
    told = _told(evidence)
    alive = [f"{who}{asked}: {one.detail}" for who, asked, one in told if one.says is Says.ALIVE]
    if alive:
        return Decision(False, tuple(alive))
    unread = [f"{who}{asked} not read: {one.detail}" for who, asked, one in told if one.says is Says.UNREAD]
    if unread:
        return Decision(False, tuple(unread), is_proven=False)
    if evidence.left_by and told:
        return Decision(True, (f"run {evidence.left_by} left it, and nothing of it is alive",))
    if evidence.has_shape and told:
        return Decision(True, ("nothing of it is alive on any connection",))
    return Decision(False, ("nothing shows that a failed run left it",))


def _told(evidence: Evidence) -> list[tuple[str, Asked, Answer]]:
    """Every question that has to be answered, with its answer."""
    told = [("", asked, evidence.manager.get(asked, NOBODY_LOOKED)) for asked in evidence.questions]
    for server in evidence.heard:
        answers = evidence.servers.get(server, {})
        told += [
            (f"{server}: ", asked, answers.get(asked, NOBODY_LOOKED)) for asked in evidence.server_questions
        ]
    return told
