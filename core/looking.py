"""One look as it streams: each server's own results as soon as its facts are there, and what a whole look is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core import own_limit
from core.checks.runner import stream_checks
from core.models.facts import ServerFacts
from core.models.fleet import FleetFacts
from core.models.results import CheckResult, Verdict
from core.models.spec import BaseSpec
from core.platforms.base import Platform

OnResult = Callable[[CheckResult], Awaitable[None]]
OnServer = Callable[[ServerFacts], Awaitable[None]]
_LATER = frozenset({Verdict.UNKNOWN, Verdict.BLOCKED})  # the whole look may still settle these


@dataclass(frozen=True, slots=True)
class Checked:
    """One complete look: the facts and what the checks say of them."""

    fleet: FleetFacts
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """May the plan be applied? `refusals` must be mended; `unaccepted` are unknown blockers or vendor mixes that
    need an acceptance by id; both empty means yes, where anything was judged at all (`judged` counts the results that
    apply)."""

    refusals: tuple[CheckResult, ...] = ()
    unaccepted: tuple[CheckResult, ...] = ()
    judged: int = 0

    @property
    def may_apply(self) -> bool:
        return self.judged > 0 and not self.refusals and not self.unaccepted


class ResultStream:
    """Judges a server on its own as soon as its facts are there; the whole fleet is judged once more at the end."""

    def __init__(
        self,
        platform: Platform,
        spec: BaseSpec,
        base: Checked | None,
        on_server: OnServer | None,
        on_result: OnResult | None,
        checks: Sequence[str] | None,
        touched: Sequence[str] | None,
    ) -> None:
        self.platform, self.spec, self.checks, self.touched = platform, spec, checks, touched
        self._fleet = base.fleet if base else FleetFacts()
        self._on_server, self._on_result = on_server, on_result

    async def on_server(self, facts: ServerFacts) -> None:
        """Tell the facts, then what they alone settle; what needs Manager or the peers is left to the end."""
        if self._on_server is not None:
            await self._on_server(facts)
        self._fleet = self._fleet.with_server(facts)
        if own_limit.is_met():  # the look will end with that
            return
        if self._on_result is None or facts.name not in self.spec.server_names:
            return
        context = self.platform.context(self.spec, self._fleet, datetime.now(UTC))
        early = stream_checks(
            self.platform.checks,
            context,
            only=self.checks,
            touched=self.touched,
            servers=[facts.name],
            alone=True,
        )
        async for result in early:
            if result.verdict not in _LATER:
                await self._on_result(result)
