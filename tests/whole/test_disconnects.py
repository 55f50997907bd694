"""Manager disconnects at a command, before and after it was carried out: the run ends created, or all is as it was.

The engine runs in this process on real sockets; a created pool is taken back, so that each case begins alike.
`make disconnects` tries every command, in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.engine.executor import Executor
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.lab.fleet import Lab
from core.models.events import Outcome
from core.models.plan import Plan
from core.paths import StatePaths
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.world import open_world
from core.runner.guard import RunGuard
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore
from tests.lab.steps.support import TIMING

pytestmark = pytest.mark.timeout(1200)  # many runs each, on a machine that may be busy
SPEED = 20_000.0
LIMITS = Limits(manager_login_s=10.0, manager_command_s=20.0, manager_settle_s=2.0, manager_poll_s=0.1)
PATIENT = EngineLimits(retry_delay_s=0.05)
WRITES = [  # verb, type, how many of them pass first
    ("discoverServer", "", 1), ("create", "FileServer", 0), ("refresh", "FileServer", 0),
    ("create", "ServerPool", 0), ("add", "Server", 0), ("add", "Server", 1),
]  # fmt: skip


@dataclass
class Fleet:
    """A lab, a plan for it, and the runs made on it."""

    lab: Lab
    spec: PoolSpec
    access: Access
    plan: Plan
    paths: StatePaths
    before: dict[str, Any]

    async def run(self, fault: str, params: dict[str, Any]) -> Outcome:
        """One run under a fault; a pool that was made is then taken back without it."""
        world = self.lab.world
        world.fault_hits.clear()
        world.faults[fault] = dict(params)
        outcome = await self._play()
        world.faults.pop(fault, None)
        return outcome

    async def _play(self) -> Outcome:
        journal = Journal.create(self.paths, self.plan, spec=self.spec.model_dump(mode="json"))
        try:
            outcome = await self._carry_out(journal, is_rollback=False)
            if outcome is Outcome.CREATED:
                self.lab.world.faults.clear()
                assert await self._carry_out(journal, is_rollback=True) is Outcome.ROLLED_BACK
        finally:
            journal.close()
        return outcome

    async def _carry_out(self, journal: Journal, *, is_rollback: bool) -> Outcome:
        steps = {step.id: PLATFORM.step_kinds[step.kind](step) for step in self.plan.steps}
        opening = open_world(self.plan, self.spec, self.access, lambda _step, _line: None, timing=TIMING)
        async with opening as world:
            executor = Executor(
                journal, steps, world, lambda: PLATFORM.verify(world, self.spec, self.plan),
                limits=PATIENT, guard=RunGuard(PLATFORM, world, self.spec, self.plan, ()),
            )  # fmt: skip
            return await (executor.roll_back("again") if is_rollback else executor.run())


@asynccontextmanager
async def fleet(folder: Path, servers: int) -> AsyncIterator[Fleet]:
    async with Lab.from_scenario("healthy-nfs", servers=servers, speed=SPEED) as lab:
        spec = PoolSpec.model_validate(lab.spec_data())
        access = Access(TrustStore(None), Secrets(lab.passwords), LIMITS)
        plan = PLATFORM.plan(spec, await PLATFORM.collect(spec, access), ())
        yield Fleet(lab, spec, access, plan, StatePaths.of(folder / "state"), lab.snapshot())


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["disconnect-before", "disconnect-after"])
async def test_a_lost_write_is_decided_by_looking(fault: str, tmp_path: Path) -> None:
    async with fleet(tmp_path, 2) as one:
        for verb, type_, after in WRITES[::2] if fault == "disconnect-before" else WRITES[1::2]:
            strike = {"verb": verb, "after": after, "count": 1} | ({"type": type_} if type_ else {})
            outcome = await one.run(fault, strike)
            expected = fault == "disconnect-after" or verb == "refresh"
            assert outcome is (Outcome.CREATED if expected else Outcome.ROLLED_BACK), (verb, type_)
            assert one.lab.snapshot() == one.before, (verb, type_)
