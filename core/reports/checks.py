"""Check results as documents: the JSON shape that scripts rely on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.models.results import CheckResult, CheckSummary


def result_row(result: CheckResult) -> dict[str, Any]:
    """One result, every key always there."""
    return result.model_dump(mode="json")


def check_document(results: Sequence[CheckResult], may_apply: bool) -> dict[str, Any]:
    """`poolwright.check/1`: counts and every result."""
    counts = {verdict.value: count for verdict, count in CheckSummary.of(results).counts.items()}
    return {
        "schema": "poolwright.check/1",
        "summary": {"may_apply": may_apply, "total": len(results), **counts},
        "results": [result_row(each) for each in results],
    }
