"""A lab, a plan for it, and a small driver that walks the steps as the engine does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from core.engine.step import Look, Seen, Step, Undone
from core.errors import PoolwrightError, ReplyLost
from core.lab.fleet import Lab
from core.models.events import Residue
from core.models.plan import JsonDict, Plan
from core.platforms.oracle_vm.endpoints import manager_endpoint
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet
from core.platforms.oracle_vm.manager_cli.read import read_manager
from core.platforms.oracle_vm.manager_cli.session import Timing, open_manager
from core.platforms.oracle_vm.planner import make_plan
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from core.platforms.oracle_vm.world import OvmWorld, open_world
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore

SPEED = 20_000.0  # simulated seconds per real one
TIMING = Timing(quiet_s=0.1, reconnect_waits_s=(0.05, 0.2))
LIMITS = Limits(manager_login_s=30.0, manager_command_s=60.0, manager_settle_s=20.0, manager_poll_s=0.02)
IMPATIENT = replace(LIMITS, manager_settle_s=0.4)  # for what will never come


@dataclass
class Run:
    """One lab and everything a test asks of it."""

    lab: Lab
    spec: PoolSpec
    access: Access
    said: list[tuple[str, str]] = field(default_factory=list)

    def narrate(self, step: str, line: str) -> None:
        self.said.append((step, line))

    @property
    def sent(self) -> list[str]:
        """Every command that was narrated, in order."""
        return [line.removeprefix("OVM> ") for _, line in self.said if line.startswith("OVM> ")]

    async def facts(self) -> ManagerFacts:
        endpoint = manager_endpoint(self.spec)
        async with open_manager(
            endpoint, user=self.spec.manager.user, access=self.access, timing=TIMING
        ) as session:
            return await read_manager(session)

    async def plan(self) -> Plan:
        return make_plan(self.spec, OvmFleet(manager=await self.facts()), [])

    @asynccontextmanager
    async def world(self, plan: Plan) -> AsyncIterator[OvmWorld]:
        async with open_world(plan, self.spec, self.access, self.narrate, timing=TIMING) as world:
            yield world


@asynccontextmanager
async def running(
    scenario: str = "healthy-nfs",
    *,
    servers: int = 2,
    ssh: bool = False,
    switches: dict[str, Any] | None = None,
    limits: Limits = LIMITS,
    **spec: Any,
) -> AsyncIterator[Run]:
    """A started lab; `spec` replaces parts of the pool's settings; without `ssh` nobody logs in to dom0."""
    lab = Lab.from_scenario(scenario, servers=servers, speed=SPEED)
    for name, value in (switches or {}).items():
        setattr(lab.world.switches, name, value)
    async with lab:
        data = lab.spec_data()
        data["pool"] = {**data["pool"], **spec}
        if not ssh:
            data.pop("ssh", None)
        secrets = Secrets({**lab.passwords, "chap": "chap-secret"})
        access = Access(TrustStore(None), secrets, limits)
        yield Run(lab, PoolSpec.model_validate(data), access)


@dataclass
class Walked:
    """What became of each step, and the records an undo needs."""

    done: list[tuple[Step[OvmWorld], JsonDict]] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    failed: str = ""
    why: str = ""
    residue: list[Residue] = field(default_factory=list)
    undone: dict[str, Undone] = field(default_factory=dict)


async def walk(world: OvmWorld, plan: Plan, *, until: str = "") -> Walked:
    """Look, do, verify each step in order, stop at the first failure; as the engine decides."""
    walked = Walked()
    for planned in plan.steps:
        step: Step[OvmWorld] = STEP_KINDS[planned.kind](planned)
        look = await step.look(world)
        if look.seen is Seen.THERE:
            walked.adopted.append(step.id)
            world.remember(step.id, look.record)
            continue
        if look.seen is not Seen.NOT_THERE:
            walked.failed, walked.why = step.id, look.detail
            return walked
        before = look.record
        try:
            record = {**before, **await step.do(world)}
        except PoolwrightError as error:
            again = await step.look(world) if isinstance(error, ReplyLost) else Look(Seen.NOT_THERE)
            if again.seen is not Seen.THERE:
                walked.failed, walked.why = step.id, str(error)
                walked.done.append((step, before))
                return walked
            record = {**before, **again.record}
        verified = await step.verify(world, record)
        walked.done.append((step, record))
        if verified.seen is not Seen.THERE:
            walked.failed, walked.why = step.id, f"did not hold: {verified.detail}"
            return walked
        world.remember(step.id, record)
        if step.id == until:
            return walked
    return walked


async def undo(world: OvmWorld, walked: Walked) -> Walked:
    """Undo what was done, newest first."""
    for step, record in reversed(walked.done):
        undone = await step.undo(world, record)
        walked.undone[step.id] = undone
        walked.residue += undone.residue
    return walked
