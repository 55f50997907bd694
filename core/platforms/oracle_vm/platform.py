"""Oracle VM as a platform: puts spec, checks, collection, plan, steps and verification together. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, TypeVar

from typing_extensions import override

from core.checks.context import Context
from core.checks.registry import Registry
from core.engine.step import Step, World
from core.errors import ConnectFailed
from core.models.cpu import CpuProfile
from core.models.events import Verified
from core.models.fingerprint import Fingerprint
from core.models.fleet import FleetFacts
from core.models.past import PastRun
from core.models.plan import Plan, PlanAim, PlannedStep, StepLines
from core.models.results import CheckResult
from core.models.spec import BaseSpec
from core.models.use import PoolUse
from core.platforms.base import FormSection, Narrate, OnServer, Platform, SecretField
from core.platforms.guards import Login
from core.platforms.oracle_vm import collect, endpoints, guarding, planner, sweeping, verify, world
from core.platforms.oracle_vm.checks import catalog
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.fingerprint import fingerprint_of
from core.platforms.oracle_vm.manager_cli import allow_list
from core.platforms.oracle_vm.planning import render
from core.platforms.oracle_vm.planning.words import fingerprint
from core.platforms.oracle_vm.spec import LunFileSystem, PoolSpec
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from core.platforms.oracle_vm.vocabulary import vocabulary
from core.platforms.oracle_vm.world import OvmWorld
from core.transports.base import Access, Endpoint
from core.transports.jump import open_jump

M = TypeVar("M")

SECTIONS: tuple[FormSection, ...] = (
    FormSection(
        "connect",
        "Manager and access",
        (
            "manager.host",
            "manager.user",
            "manager.port",
            "release",
            "ssh",
            "jump",
            "allow_old_crypto",
            "manager.connect",
            "manager.fingerprint",
            "manager.sessions",
            "trust.known_hosts",
        ),
    ),
    FormSection(
        "pool",
        "Pool",
        (
            "pool.name",
            "pool.virtual_ip",
            "pool.description",
            "pool.keymap",
            "pool.start_policy",
            "pool.secure_migration",
            "pool.policy",
            "pool.roles",
        ),
    ),
    FormSection("servers", "Servers", ("servers", "pool.master", "agent")),
    FormSection("storage", "Storage", ("pool.clustered", "pool.timeout_s", "pool.file_system")),
)


class OracleVm(Platform):
    """Oracle VM 3.x."""

    name = "oracle_vm"
    title = "Oracle VM 3.x"
    spec_model: type[BaseSpec] = PoolSpec
    secret_names: Sequence[str] = ("manager", "agent", "ssh", "ssh_key", "jump", "jump_key", "chap")
    step_kinds: Mapping[str, type[Step[Any]]] = STEP_KINDS
    sections: Sequence[FormSection] = SECTIONS
    fact_args = render.FACT_ARGS

    def __init__(self) -> None:
        self.checks: Registry = catalog.registry()

    @property
    @override
    def vocabulary(self) -> str:
        """Words that no mask can hide; see vocabulary.vocabulary."""
        return vocabulary(self.checks)

    @override
    def secrets_needed(self, spec: BaseSpec) -> Sequence[SecretField]:
        """Manager's and the agents' password always; the others where the spec asks for their use."""
        wanted = _as(spec, PoolSpec)
        needed = [
            SecretField(
                "manager", f"Password of {wanted.manager.user} on Manager", "the pool is made through it"
            ),
            SecretField(
                "agent",
                "Agent password",
                "set when the servers were installed; needed until Manager owns them, the same on all",
            ),
        ]
        if wanted.ssh is not None and wanted.ssh.key_file is None:
            text = "for what only the servers' own system can tell"
            needed.append(SecretField("ssh", f"SSH password of {wanted.ssh.user} on the servers", text))
        if wanted.jump is not None and wanted.jump.key_file is None:
            label = f"Password of {wanted.jump.user} on {wanted.jump.host}"
            needed.append(SecretField("jump", label, "the way to all servers leads through it"))
        storage = wanted.pool.file_system
        if isinstance(storage, LunFileSystem) and storage.chap_user:
            label = f"CHAP password of {storage.chap_user}"
            needed.append(SecretField("chap", label, "the iSCSI portal asks for it"))
        return needed

    @override
    def endpoints(self, spec: BaseSpec) -> Sequence[Endpoint]:
        """Manager, then agent and SSH of every server."""
        wanted = _as(spec, PoolSpec)
        found = [endpoints.manager_endpoint(wanted)]
        for target in wanted.servers:
            found.append(endpoints.agent_endpoint(wanted, target))
            own = endpoints.ssh_endpoint(wanted, target)
            if own is not None:
                found.append(own)
        return list(dict.fromkeys(found))

    @override
    async def collect(
        self,
        spec: BaseSpec,
        access: Access,
        *,
        only: Sequence[str] | None = None,
        base: FleetFacts | None = None,
        on_server: OnServer | None = None,
        intrusive: bool = False,
    ) -> FleetFacts:
        """Facts of Manager and servers; see collect.collect."""
        known = base if isinstance(base, OvmFleet) else None
        return await collect.collect(
            _as(spec, PoolSpec), access, only=only, base=known, on_server=on_server, intrusive=intrusive
        )

    @override
    async def known_servers(self, spec: BaseSpec, access: Access) -> Sequence[str]:
        """Servers in no pool that Manager lists (core.platforms.listing)."""
        wanted = _as(spec, PoolSpec)
        async with open_jump(wanted.jump, access) as jump:
            manager = await collect.look_at_manager(wanted, access, jump)
        if manager.servers.value is None:
            why = manager.plane.reason or manager.servers.missing or "it did not tell"
            raise ConnectFailed(wanted.manager.host, "manager", f"cannot list Manager's servers: {why}")
        free = [each for each in manager.servers.value if not each.pool_id and not each.pool_name]
        return tuple(dict.fromkeys(each.address or each.hostname or each.name for each in free))

    @override
    def context(self, spec: BaseSpec, fleet: FleetFacts, now: datetime) -> Context[Any, Any]:
        """One look, typed for Oracle VM's checks."""
        return Context(_as(spec, PoolSpec), _fleet(fleet), now)

    @override
    def cpu_profiles(self, fleet: FleetFacts) -> Mapping[str, CpuProfile | None]:
        """Processor of each server, None where it could not be read."""
        return {
            name: facts.cpu.value if facts.cpu.is_known else None for name, facts in fleet.servers.items()
        }

    @override
    def plan(self, spec: BaseSpec, fleet: FleetFacts, results: Sequence[CheckResult]) -> Plan:
        """Ordered steps; see planner.make_plan."""
        return planner.make_plan(_as(spec, PoolSpec), _fleet(fleet), results)

    @override
    def spec_hash(self, spec: BaseSpec) -> str:
        """SHA-256 over the whole spec."""
        return fingerprint(_as(spec, PoolSpec))

    @override
    def lines_of(self, step: PlannedStep, release: str) -> StepLines:
        """Out of the step's args; see render.lines_of."""
        return render.lines_of(step, release)

    @override
    def open_world(
        self, plan: Plan, spec: BaseSpec, access: Access, narrate: Narrate
    ) -> AbstractAsyncContextManager[World]:
        """Sessions for the steps; see world.open_world."""
        return world.open_world(plan, _as(spec, PoolSpec), access, narrate)

    @override
    async def verify(self, world: Any, spec: BaseSpec, plan: Plan) -> Sequence[Verified]:
        """Look at the finished pool, see verify.verify_pool; or at what a sweep should have ended."""
        if plan.aim is PlanAim.SWEEP:
            return sweeping.verified(_as(spec, PoolSpec), plan, await _as(world, OvmWorld).survey())
        return await verify.verify_pool(world, _as(spec, PoolSpec), plan)

    # -- guards of a run (core.platforms.guards) -------------------------------------------------------------------

    @override
    def secret_problem(self, name: str, value: str) -> str | None:
        """Passwords that Manager's command line carries must be free of what it acts upon."""
        problem = allow_list.secret_problem(value) if name in ("agent", "chap") else None
        return f"{problem}; {allow_list.SAFE_CHARACTERS}" if problem else None

    @override
    async def survey(
        self, world: Any, spec: BaseSpec, plan: Plan, *, only: Sequence[str] | None = None
    ) -> FleetFacts:
        """All facts anew, through the sessions of the run."""
        return await _as(world, OvmWorld).survey(only)

    @override
    def fingerprint(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Fingerprint:
        """What a rollback must bring back; see fingerprint.fingerprint_of."""
        return fingerprint_of(_as(spec, PoolSpec), _fleet(fleet))

    @override
    def undo_conditions(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Verified]:
        """What every undo needs; see guarding.undo_conditions."""
        return guarding.undo_conditions(plan, _fleet(fleet))

    @override
    def use_of(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> PoolUse:
        """What lives on the pool; see guarding.use_of."""
        return guarding.use_of(plan, _fleet(fleet))

    @override
    def logins(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Login]:
        """Agents and the servers' SSH; see guarding.logins."""
        return guarding.logins(_fleet(fleet))

    @override
    def why_keep(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """Why what an ended run made must stay; see guarding.why_keep."""
        return guarding.why_keep(plan, _fleet(fleet))

    @override
    def sweep_plan(self, spec: BaseSpec, fleet: FleetFacts, pool: str, past: Sequence[PastRun]) -> Plan:
        """What earlier failures left, as a cleaning plan; see sweeping.sweep_plan."""
        return sweeping.sweep_plan(_as(spec, PoolSpec), _fleet(fleet), pool, past)

    @override
    def drift(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """What is not as it was when the plan was made."""
        wanted = _as(spec, PoolSpec)
        return guarding.drift(wanted, plan, fingerprint(wanted), _fleet(fleet))


def _as(model: object, kind: type[M]) -> M:
    if not isinstance(model, kind):
        raise TypeError(f"{type(model).__name__} is no {kind.__name__}")
    return model


def _fleet(fleet: FleetFacts) -> OvmFleet:
    """The fleet in this platform's type; an empty one while nobody has looked."""
    if isinstance(fleet, OvmFleet):
        return fleet
    return OvmFleet(servers=fleet.servers, controller=fleet.controller, observed_at=fleet.observed_at)


PLATFORM = OracleVm()
