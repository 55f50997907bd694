"""Findings of checks and their results. Pure data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime

from core.models.base import Frozen
from core.models.gaps import Gap
from core.models.plan import JsonDict


class Verdict(StrEnum):
    """The eight answers of a check. Only `pass` means 'looked at, and good'."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INFO = "info"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """What a hit of this check means for the pool; stands apart from the verdict."""

    BLOCKER = "blocker"
    WARNING = "warning"
    INFO = "info"


class Scope(StrEnum):
    """The room a check lives in."""

    INPUT = "input"
    SERVER = "server"
    PAIR = "pair"
    POOL = "pool"
    STORAGE = "storage"
    NETWORK = "network"
    MANAGER = "manager"


class FixCommand(Frozen):
    """One command, ready to copy and never run by us, with the names of this very server in it.

    `text` is empty where a word that the server gave is not safe to copy; `withheld` then says which and why.
    """

    where: str  # the server, "manager", or another place in words
    text: str = ""
    warning: str = ""  # what it destroys, restarts or interrupts; empty: nothing
    withheld: str = ""
    destroys: str = ""  # what it removes, deletes or wipes; everything said that nobody uses it


class Finding(Frozen):
    """The answer of one check function: was it hit, what was seen, what to do, who is concerned.

    `hit` None means not applicable. The runner makes the verdict: a hit of severity blocker is `fail`, of warning
    `warn`, of info `info`; no hit is `pass`. `severity` overrides the check's own for this one finding. What other
    code needs of the sentences stands beside them: `servers`, `gaps` (of a way in that is shut) and `data` (JSON).
    """

    hit: bool | None
    detail: str
    fix: str = ""
    servers: tuple[str, ...] = ()
    severity: Severity | None = None
    commands: tuple[FixCommand, ...] = ()  # the fix as commands; made by core.checks.fixes
    gaps: tuple[Gap, ...] = ()
    data: JsonDict = {}


def ok(detail: str, *, data: JsonDict | None = None) -> Finding:
    """Looked at, and good; `data` are the values that were seen."""
    return Finding(hit=False, detail=detail, data=data or {})


def bad(
    detail: str,
    *,
    fix: str,
    servers: Sequence[str] = (),
    severity: Severity | None = None,
    commands: Sequence[FixCommand] = (),
    gaps: Sequence[Gap] = (),
    data: JsonDict | None = None,
) -> Finding:
    """The rule is broken: what was seen, and what to do about it, in words, as commands and as data."""
    return Finding(
        hit=True,
        detail=detail,
        fix=fix,
        servers=tuple(servers),
        severity=severity,
        commands=tuple(commands),
        gaps=tuple(gaps),
        data=data or {},
    )


def not_applicable(why: str) -> Finding:
    """The question does not arise here."""
    return Finding(hit=None, detail=why)


class CheckResult(Frozen):
    """A finding with everything that a screen or a report needs. `target` is a server, `pool`, or another object."""

    id: str
    rules: tuple[str, ...]
    scope: Scope
    target: str
    verdict: Verdict
    severity: Severity
    title: str
    detail: str
    fix: str = ""
    source: str = ""
    servers: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()  # check ids (same target or pool) whose result blocks this one
    waived_by: str = ""
    reason: str = ""  # of an unknown or blocked one: what was missing, in the words of the look
    gaps: tuple[Gap, ...] = ()  # the same as data; of a hit: the way in that it found shut
    data: JsonDict = {}  # values behind the sentences, where a check has some
    commands: tuple[FixCommand, ...] = ()
    duration_ms: float = 0.0
    observed_at: AwareDatetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What a re-run replaces: check id and target."""
        return (self.id, self.target)


class Dependant(Frozen):
    """A result that a cause explains: it needs no look of its own until the cause is mended."""

    id: str
    target: str
    verdict: Verdict


class Cause(Frozen):
    """One thing that is wrong or not known, on everybody it concerns, with all that follows from it alone.

    `targets` are those of the results that state it; `servers` everybody concerned; `fix` and `commands` once each.
    """

    id: str
    rules: tuple[str, ...]
    scope: Scope
    verdict: Verdict
    severity: Severity
    title: str
    detail: str
    fixes: tuple[str, ...] = ()
    commands: tuple[FixCommand, ...] = ()
    targets: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()


class CheckSummary(Frozen):
    """Counts per verdict."""

    counts: dict[Verdict, int]

    @classmethod
    def of(cls, results: Sequence[CheckResult]) -> CheckSummary:
        counted = Counter(result.verdict for result in results)
        return cls(counts={verdict: counted.get(verdict, 0) for verdict in Verdict})
