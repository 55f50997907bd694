"""One look at a lab: spec, access, facts and results."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.checks.judge import judge
from core.checks.runner import run_checks
from core.lab.fleet import Lab
from core.models.facts import ServerFacts
from core.models.results import CheckResult, Verdict
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore

PATIENT = Limits(  # a busy machine must not look like a slow server
    connect_s=120.0, agent_read_s=240.0, ssh_command_s=240.0, manager_login_s=240.0, server_total_s=1200.0
)
QUICK = Limits(  # where servers hang
    connect_s=2.0,
    agent_read_s=2.0,
    agent_discover_s=2.0,
    ssh_command_s=3.0,
    manager_login_s=10.0,
    server_total_s=15.0,
)


@dataclass(slots=True)
class Look:
    """A lab and one way to look at it."""

    lab: Lab
    spec: PoolSpec
    access: Access
    streamed: list[ServerFacts] = field(default_factory=list)

    async def collect(self, **how: Any) -> OvmFleet:
        async def keep(facts: ServerFacts) -> None:
            self.streamed.append(facts)

        fleet = await PLATFORM.collect(self.spec, self.access, on_server=keep, **how)
        assert isinstance(fleet, OvmFleet)
        return fleet

    async def judged(self, fleet: OvmFleet) -> tuple[CheckResult, ...]:
        return await run_checks(PLATFORM.checks, PLATFORM.context(self.spec, fleet, datetime.now(UTC)))


@asynccontextmanager
async def looking(
    scenario: str = "healthy-nfs",
    *,
    servers: int = 3,
    limits: Limits = PATIENT,
    drop: tuple[str, ...] = (),
    change: dict[str, Any] | None = None,
    secrets: dict[str, str] | None = None,
    faults: dict[str, set[str]] | None = None,
    speed: float = 100.0,
) -> AsyncIterator[Look]:
    """A lab of this scenario, its ready spec (without the keys in `drop`, with those in `change`).

    `faults`: server -> names of faults that strike from the start.
    """
    fleet = Lab.from_scenario(scenario, servers=servers, speed=speed)
    for name, struck in (faults or {}).items():
        fleet.world.servers[name].faults |= struck
    async with fleet as lab:
        data = {key: value for key, value in lab.spec_data().items() if key not in drop} | (change or {})
        spec = PoolSpec.model_validate(data)
        access = Access(TrustStore(None), Secrets({**lab.passwords, **(secrets or {})}), limits)
        yield Look(lab, spec, access)


def odd(results: tuple[CheckResult, ...]) -> dict[tuple[str, str], Verdict]:
    """What is neither passed nor out of place."""
    fine = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return {result.key: result.verdict for result in results if result.verdict not in fine}


def stopped(results: tuple[CheckResult, ...]) -> tuple[set[str], set[str]]:
    """Rules of refusals and of what needs an acceptance."""
    refusals, unaccepted = judge(PLATFORM.checks, results, ())
    return (
        {rule for one in refusals for rule in one.rules},
        {rule for one in unaccepted for rule in one.rules},
    )
