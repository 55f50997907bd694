"""Why something is not known, as data: what other code decides by, while `text` is for people only. Pure data."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.models.base import Frozen


class GapKind(StrEnum):
    """The kinds of reasons why a fact is missing."""

    NOT_ASKED = "not_asked"  # nobody looked, or not yet
    NOT_POSSIBLE = "not_possible"  # it cannot be asked here, or what the question needs is not known itself
    NO_CONNECTION = "no_connection"  # the spec gives no such way in (no `ssh:`)
    UNREACHABLE = "unreachable"  # nobody answers there
    UNTRUSTED = "untrusted"  # its identity is not confirmed, or changed
    REFUSED = "refused"  # it refuses the login
    OLD_CRYPTO = "old_crypto"  # it offers only what is refused by default
    TIMED_OUT = "timed_out"  # one command or call did not end within its limit
    FAILED = "failed"  # one command or call ended with an error
    UNREADABLE = "unreadable"  # what came back cannot be read
    NOT_TOLD = "not_told"  # it answered, without this
    NEEDS_WRITE = "needs_write"  # only writing would tell, and nothing is written
    CHECK_FAILED = "check_failed"  # a bug in the check that asked for it


SHUT = frozenset({GapKind.UNREACHABLE, GapKind.UNTRUSTED, GapKind.REFUSED, GapKind.OLD_CRYPTO})
_EVERYWHERE = frozenset({GapKind.NO_CONNECTION, GapKind.NEEDS_WRITE})  # one decision, whatever the server
_OF_ONE_FACT = frozenset({GapKind.NOT_TOLD, GapKind.NOT_POSSIBLE})

Cause = tuple[GapKind, str, str, str]  # kind, connection, source, fact: "" for what plays no part in it


class Gap(Frozen):
    """One reason why one thing is not known. `servers`: who it is about, () where the gap is about no server.

    `fact` names what is missing: a field of the facts, or the words of a check for what it derives from them.
    `connection` is agent, ssh or manager; `source` the command or call that should have told it.
    """

    kind: GapKind
    fact: str = ""
    connection: str = ""
    source: str = ""
    servers: tuple[str, ...] = ()
    text: str = ""

    @property
    def cause(self) -> Cause:
        """Equal for two gaps on one server that one thing is behind: a shut connection, one bad answer, one fact."""
        if self.kind in SHUT or self.kind in _EVERYWHERE:
            return (self.kind, self.connection, "", "")
        fact = self.fact if self.kind in _OF_ONE_FACT or not self.source else ""
        return (self.kind, self.connection, self.source, fact)

    @property
    def concerns(self) -> tuple[str, ...]:
        """The servers that its cause lies with; () where the same decision is behind it on every server."""
        return () if self.kind in _EVERYWHERE else self.servers

    def on(self, *servers: str) -> Gap:
        """The same gap, about these servers where it names none."""
        return self if self.servers else self.model_copy(update={"servers": servers})


def kinds(gaps: Iterable[Gap]) -> frozenset[GapKind]:
    """The kinds that occur."""
    return frozenset(gap.kind for gap in gaps)
