"""Findings of checks and their results. Pure data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime

from core.models.base import Frozen


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


class Finding(Frozen):
    """The answer of one check function: was it hit, what was seen, what to do, who is concerned.

    `hit` None means not applicable. The runner makes the verdict: a hit of severity blocker is `fail`, of warning
    `warn`, of info `info`; no hit is `pass`. `severity` overrides the check's own for this one finding.
    """

    hit: bool | None
    detail: str
    fix: str = ""
    servers: tuple[str, ...] = ()
    severity: Severity | None = None


def ok(detail: str) -> Finding:
    """Looked at, and good."""
    return Finding(hit=False, detail=detail)


def bad(detail: str, *, fix: str, servers: Sequence[str] = (), severity: Severity | None = None) -> Finding:
    """The rule is broken: what was seen, and what to do about it."""
    return Finding(hit=True, detail=detail, fix=fix, servers=tuple(servers), severity=severity)


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
    duration_ms: float = 0.0
    observed_at: AwareDatetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What a re-run replaces: check id and target."""
        return (self.id, self.target)


class CheckSummary(Frozen):
    """Counts per verdict."""

    counts: dict[Verdict, int]

    @classmethod
    def of(cls, results: Sequence[CheckResult]) -> CheckSummary:
        counted = Counter(result.verdict for result in results)
        return cls(counts={verdict: counted.get(verdict, 0) for verdict in Verdict})
