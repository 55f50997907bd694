"""The one door for front ends: load, trust, inspect, check, plan, start, attach, report. No screen, no printing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.events import RunEvent
from core.models.facts import ServerFacts
from core.models.fleet import FleetFacts
from core.models.plan import Plan
from core.models.results import CheckResult
from core.models.spec import BaseSpec
from core.models.views import RunView, StepView
from core.platforms.base import Platform
from core.secrets import Secrets
from core.transports.trust import Identity

__all__ = ["Checked", "RunView", "Service", "StepView", "Verdicts"]

OnResult = Callable[[CheckResult], Awaitable[None]]
OnServer = Callable[[ServerFacts], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Checked:
    """One complete look: the facts and what the checks say of them."""

    fleet: FleetFacts
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """May the plan be applied? `refusals` must be mended; `unaccepted` are unknown blockers or vendor mixes that
    need an acceptance by id; both empty means yes."""

    refusals: tuple[CheckResult, ...] = ()
    unaccepted: tuple[CheckResult, ...] = ()

    @property
    def may_apply(self) -> bool:
        return not self.refusals and not self.unaccepted


class Service:
    """Front ends hold one of these. All state lives below `state_dir` (None takes the settings' own)."""

    def __init__(self, state_dir: Path | None = None) -> None:
        raise NotImplementedError

    def platform(self, name: str = "oracle_vm") -> Platform:
        """The platform of that name; PoolwrightError for an unknown one."""
        raise NotImplementedError

    def load(self, path: Path) -> BaseSpec:
        """Read and judge a spec file by everything the spec alone tells; SpecError carries all problems at once."""
        raise NotImplementedError

    def parse(self, data: Mapping[str, Any]) -> BaseSpec:
        """The same for data typed into the wizard."""
        raise NotImplementedError

    async def identities(self, spec: BaseSpec, secrets: Secrets) -> list[Identity]:
        """One trust table of all host keys and certificates: known, new, changed or unreachable. Sends no secret
        (but the jump host's own login, after its key is known)."""
        raise NotImplementedError

    def trust(self, identities: Sequence[Identity]) -> None:
        """Pin what the operator confirmed; a changed one raises IdentityChanged."""
        raise NotImplementedError

    async def check(
        self,
        spec: BaseSpec,
        secrets: Secrets,
        *,
        only: Sequence[str] | None = None,
        base: Checked | None = None,
        on_server: OnServer | None = None,
        on_result: OnResult | None = None,
    ) -> Checked:
        """Observe and judge; results stream as they come. `only` re-runs some servers on top of `base`."""
        raise NotImplementedError

    def judge(self, spec: BaseSpec, checked: Checked, *, accept: Sequence[str] = ()) -> Verdicts:
        """May it be applied? `accept` adds ids accepted now (typed, or --accept-unknown)."""
        raise NotImplementedError

    def plan(self, spec: BaseSpec, checked: Checked) -> Plan:
        """The exact steps with commands and undo."""
        raise NotImplementedError

    async def start(self, spec: BaseSpec, plan: Plan, secrets: Secrets) -> str:
        """Start the detached runner and return the run's id."""
        raise NotImplementedError

    def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        """Replay a run's events after `since`, then follow it to its end. Leaving never stops the run."""
        raise NotImplementedError

    async def control(self, run: str, action: str) -> None:
        """pause, continue, abort (with rollback) or leave (abort without) a live run."""
        raise NotImplementedError

    def runs(self) -> list[RunView]:
        """All runs, newest first, without their steps."""
        raise NotImplementedError

    def show(self, run: str) -> RunView:
        """One run, folded from its journal."""
        raise NotImplementedError
