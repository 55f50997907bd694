"""May a plan be applied? What must be mended, and what somebody must accept by id first (issue 2, section 5).

Unknown never passes: a blocker that could not be looked at needs an acceptance, and one that could destroy
data cannot have one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Protocol

from core.checks.context import Context
from core.checks.registry import Check, Registry
from core.checks.runner import run_one
from core.models.fleet import FleetFacts
from core.models.results import CheckResult, Severity, Verdict
from core.models.spec import BaseSpec

_NOT_SEEN = frozenset({Verdict.UNKNOWN, Verdict.BLOCKED})


class HasChecks(Protocol):
    """Anything with a registry: a platform."""

    @property
    def checks(self) -> Registry: ...


def judge(
    registry: Registry, results: Sequence[CheckResult], accept: Collection[str]
) -> tuple[tuple[CheckResult, ...], tuple[CheckResult, ...]]:
    """(refusals, unaccepted): what must be mended, and what an acceptance by check or rule id would settle.

    Both empty means that a plan may be applied. An acceptance never covers a blocker that was seen broken.
    """
    refusals: list[CheckResult] = []
    unaccepted: list[CheckResult] = []
    for result in results:
        check = registry.checks.get(result.id)
        is_blocker = result.severity is Severity.BLOCKER
        if result.verdict is Verdict.FAIL:
            refusals.append(result)
        elif is_blocker and result.verdict in _NOT_SEEN:
            if check is not None and not check.acceptable:
                refusals.append(result)
            elif not is_accepted(result, accept):
                unaccepted.append(result)
        elif check is not None and needs_word(check, result) and not is_accepted(result, accept):
            unaccepted.append(result)
    return tuple(refusals), tuple(unaccepted)


def is_accepted(result: CheckResult, accept: Collection[str]) -> bool:
    """Whether the operator accepted this result, by check id or rule id."""
    return result.id in accept or any(rule in accept for rule in result.rules)


def needs_word(check: Check, result: CheckResult) -> bool:
    """Whether a warning or an unknown of this check stops a plan until it is accepted."""
    return check.must_accept and result.verdict in (Verdict.WARN, Verdict.UNKNOWN)


def can_be_accepted(check: Check) -> bool:
    """Whether an acceptance of this check can ever settle something: an unknown that stops a plan, or a warning that
    must be accepted."""
    if not check.acceptable or check.spec_only:
        return False
    return check.must_accept or (check.unknown_severity or check.severity) is Severity.BLOCKER


def judge_spec(platform: HasChecks, spec: BaseSpec) -> list[tuple[str, CheckResult]]:
    """What the spec alone tells to be wrong: the field to blame and the result; blockers only."""
    context = Context(spec, FleetFacts(), datetime.now(UTC))
    found: list[tuple[str, CheckResult]] = []
    for check in platform.checks:
        if not check.spec_only:
            continue
        result = run_one(check, context, "pool")
        if result.verdict is Verdict.FAIL:
            found.append((check.touches[0] if check.touches else "", result))
    return found
