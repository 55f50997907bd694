"""Coverage: what was verified, what is unknown and why, what is waived; overall and per server. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.models.coverage import Coverage, CoverageReport, NotKnown
from core.models.results import CheckResult, Verdict

_UNKNOWN = frozenset({Verdict.UNKNOWN, Verdict.BLOCKED})


def cover(results: Sequence[CheckResult], servers: Sequence[str]) -> CoverageReport:
    """Coverage of all results and, for each server, of those that are about it alone."""
    by_target: dict[str, list[CheckResult]] = {name: [] for name in servers}
    for result in results:
        if result.target in by_target:
            by_target[result.target].append(result)
    return CoverageReport(
        overall=_count(results), servers={name: _count(own) for name, own in by_target.items()}
    )


def _count(results: Sequence[CheckResult]) -> Coverage:
    asked = [result for result in results if result.verdict is not Verdict.NOT_APPLICABLE]
    unknown = [result for result in asked if result.verdict in _UNKNOWN]
    waived = sum(1 for result in asked if result.verdict is Verdict.WAIVED)
    gaps: dict[str, list[tuple[str, str]]] = {}
    for result in unknown:
        gaps.setdefault(_why(result), []).append(result.key)
    ranked = sorted(gaps.items(), key=lambda item: (-len(item[1]), item[0]))
    return Coverage(
        verified=len(asked) - len(unknown) - waived,
        waived=waived,
        unknown=len(unknown),
        gaps=tuple(NotKnown(reason=reason, results=tuple(keys)) for reason, keys in ranked),
    )


def _why(result: CheckResult) -> str:
    """The reason as the look gave it; a blocked result names what blocks it."""
    if result.blocked_by:
        return f"{', '.join(result.blocked_by)} failed"
    return result.reason or result.detail
