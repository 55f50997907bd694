"""Check results as documents: the JSON shapes that scripts rely on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from core.checks.registry import Check
from core.checks.stale import age_s
from core.models.coverage import Coverage, CoverageReport, Stale, WaiverState
from core.models.results import Cause, CheckResult, CheckSummary


def result_row(result: CheckResult, now: datetime | None = None, why_stale: str = "") -> dict[str, Any]:
    """One result, every key always there; `age_s` are the seconds since its facts were seen."""
    row = result.model_dump(mode="json")
    age = age_s(result, now or datetime.now(UTC))
    row["age_s"] = None if age is None else round(age, 1)
    row["stale"] = why_stale
    return row


def check_document(
    results: Sequence[CheckResult],
    may_apply: bool | None,
    *,
    causes: Sequence[Cause] = (),
    coverage: CoverageReport | None = None,
    waivers: Sequence[WaiverState] = (),
    stale: Sequence[Stale] = (),
    with_results: bool = True,
) -> dict[str, Any]:
    """`poolwright.check/1`: counts, root causes, coverage, waivers, and every result.

    `may_apply` is None where only a part was asked, or nothing could be judged. `with_results` False leaves the rows
    out: they went before.
    """
    counts = {verdict.value: count for verdict, count in CheckSummary.of(results).counts.items()}
    now = datetime.now(UTC)
    why = {(each.id, each.target): each.why for each in stale}
    document: dict[str, Any] = {
        "schema": "poolwright.check/1",
        "summary": {"may_apply": may_apply, "total": len(results), **counts},
        "causes": [cause.model_dump(mode="json") for cause in causes],
        "coverage": coverage_document(coverage) if coverage is not None else None,
        "waivers": [each.model_dump(mode="json") for each in waivers],
    }
    if with_results:
        document["results"] = [result_row(each, now, why.get(each.key, "")) for each in results]
    return document


def coverage_document(report: CoverageReport) -> dict[str, Any]:
    """Coverage overall and per server; the reasons of each gap with their count."""
    return {
        **_coverage_row(report.overall),
        "servers": {name: _coverage_row(own) for name, own in report.servers.items()},
    }


def _coverage_row(one: Coverage) -> dict[str, Any]:
    return {
        "score_pct": one.score_pct,
        "verified": one.verified,
        "waived": one.waived,
        "unknown": one.unknown,
        "total": one.total,
        "reasons": [
            {"reason": gap.reason, "count": len(gap.results), "results": [list(key) for key in gap.results]}
            for gap in one.gaps
        ],
    }


def checks_document(checks: Iterable[Check]) -> dict[str, Any]:
    """`poolwright.checks/1`: every check there is, in the order in which they are judged."""
    return {"schema": "poolwright.checks/1", "checks": [_check_row(check) for check in checks]}


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "rules": list(check.rules),
        "scope": check.scope.value,
        "severity": check.severity.value,
        "planes": list(check.planes),
        "fix": check.fix,
        "source": check.source,
    }
