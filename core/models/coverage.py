"""How much of what should be known is known. Pure data."""

from __future__ import annotations

from pydantic import AwareDatetime

from core.models.base import Frozen


class NotKnown(Frozen):
    """One reason why something is not known, and the results that carry it."""

    reason: str
    results: tuple[tuple[str, str], ...]  # (check id, target)


class Coverage(Frozen):
    """Counts over one set of results. What does not apply is no part of it."""

    verified: int = 0  # looked at and answered, whatever the answer
    waived: int = 0  # somebody answers for it
    unknown: int = 0  # not looked at, or blocked by something else
    gaps: tuple[NotKnown, ...] = ()

    @property
    def total(self) -> int:
        return self.verified + self.waived + self.unknown

    @property
    def score_pct(self) -> int:
        """Verified share in whole percent, rounded down, so that only everything is 100; 0 where nothing was asked."""
        return self.verified * 100 // self.total if self.total else 0


class CoverageReport(Frozen):
    """Coverage of the whole look and of each server."""

    overall: Coverage
    servers: dict[str, Coverage] = {}


class WaiverState(Frozen):
    """One waiver of the spec as it stands today, and the results it covers (or would, had it not ended)."""

    check: str
    target: str
    reason: str
    who: str
    until: str
    is_expired: bool
    covers: tuple[tuple[str, str], ...] = ()


class Stale(Frozen):
    """A result that should be looked at again, and why."""

    id: str
    target: str
    why: str
    observed_at: AwareDatetime | None = None
