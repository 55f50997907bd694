"""Which results should be looked at again: they are old, or what they rest on was changed since. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from core.checks.registry import Registry
from core.models.base import Frozen
from core.models.coverage import Stale
from core.models.results import CheckResult
from core.models.spec import BaseSpec

STALE_S = 900.0  # who holds an address, a lock or a job changes within minutes (server-pools 3c)


def age_s(result: CheckResult, now: datetime) -> float | None:
    """Seconds since the facts behind a result were seen; None where nothing was looked at."""
    if result.observed_at is None:
        return None
    return max((now - result.observed_at).total_seconds(), 0.0)


def age_words(seconds: float) -> str:
    """'40 s', '12 min', '3 h', '2 d'."""
    for limit, size, unit in ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (172800.0, 3600.0, "h")):
        if seconds < limit:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / 86400)} d"


def stale(
    registry: Registry,
    results: Sequence[CheckResult],
    now: datetime,
    *,
    touched: Collection[str] = (),
    limit_s: float = STALE_S,
) -> tuple[Stale, ...]:
    """Results that a change of these spec fields concerns, or that rest on facts older than `limit_s` seconds."""
    found: list[Stale] = []
    for result in results:
        check = registry.checks.get(result.id)
        if check is None:
            continue
        changed = [field for field in touched if check.touched_by(field)]
        seconds = age_s(result, now)
        if changed:
            why = f"{', '.join(changed)} was changed since"
        elif seconds is not None and seconds > limit_s and not check.spec_only:
            why = f"seen {age_words(seconds)} ago"
        else:
            continue
        found.append(Stale(id=result.id, target=result.target, why=why, observed_at=result.observed_at))
    return tuple(found)


def changed_fields(before: BaseSpec, after: BaseSpec) -> tuple[str, ...]:
    """Dotted paths of the fields in which two specs differ, as checks name what touches them; waivers left out."""
    found = _differences(before, after, "")
    return tuple(path for path in found if path.split(".", 1)[0] not in ("waivers", "accept"))


def _differences(before: Any, after: Any, path: str) -> list[str]:
    if type(before) is not type(after) or not isinstance(before, Frozen):
        return [] if before == after else [path]
    found: list[str] = []
    for name in type(before).model_fields:
        found += _differences(getattr(before, name), getattr(after, name), f"{path}.{name}" if path else name)
    return found
