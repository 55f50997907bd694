"""Judgements over fresh facts around a run: can it be taken back, may it be, does its plan still fit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from core.models.events import Verified
from core.models.facts import Fact, PlaneFact, PlaneState
from core.models.plan import Plan, PlannedStep
from core.models.use import PoolUse, why_not_undo
from core.platforms.guards import Login
from core.platforms.oracle_vm.facts import (
    ManagedPool,
    ManagedRepository,
    ManagedServer,
    ManagerFacts,
    OvmFleet,
)
from core.platforms.oracle_vm.fingerprint import drift_of
from core.platforms.oracle_vm.spec import PoolSpec
from core.text import inert, listed

_ANSWERS = (
    PlaneState.OK,
    PlaneState.REFUSED,
)  # an owned agent refuses the password and is there all the same


def undo_conditions(plan: Plan, fleet: OvmFleet) -> list[Verified]:
    """What every undo needs, and whether it is there now. An essential one that is not stops the run before step 1."""
    found = [_speaks(plan, fleet.manager or ManagerFacts())]
    for step in plan.steps:
        if step.kind == "own_server" and not (step.args.get("known") or {}).get("is_ours"):
            found.append(_reachable(step, fleet))
        if step.kind == "create_pool" and step.args.get("storage"):
            found.append(_visible(step, fleet))
    return found


def _speaks(plan: Plan, manager: ManagerFacts) -> Verified:
    """The login is there, and the words of the undo are those of this release. The CLI knows no lesser rights."""
    release = manager.release.value
    holds = manager.plane.state is PlaneState.OK and release == plan.release
    detail = f"logged in, release {release}" if holds else manager.plane.reason or f"release {release}"
    title = f"Manager takes the undo commands of release {plan.release}"
    return Verified(id="undo:manager", title=title, holds=holds, detail=detail, source="Manager showversion")


def _reachable(step: PlannedStep, fleet: OvmFleet) -> Verified:
    name = str(step.args["address"])
    facts = fleet.ovm_server(name)
    plane = facts.plane("agent") if facts is not None else None
    holds = plane is not None and plane.state in _ANSWERS
    detail = "its agent answers" if holds else f"its agent does not answer: {plane.reason if plane else '-'}"
    title = f"{name} can be released again"
    return Verified(id=f"undo:{step.id}", title=title, holds=holds, detail=detail, source="agent echo")


def _visible(step: PlannedStep, fleet: OvmFleet) -> Verified:
    """Without anybody's eyes on the storage a rollback ends with a question, so it is told before."""
    title, seen = "what lies on the storage can be looked at after an undo", False
    for name in fleet.servers:
        facts = fleet.ovm_server(name)
        nfs, lun = (facts.pool_nfs.value, facts.pool_lun.value) if facts is not None else (None, None)
        seen = seen or bool(nfs and nfs.entries is not None) or bool(lun and lun.signatures is not None)
    return Verified(
        id=f"undo:{step.id}:storage",
        title=title,
        holds=True if seen else None,
        detail="a server's own system shows it" if seen else "no server shows it; a rollback would need you",
        source="ssh",
        is_essential=False,
    )


def use_of(plan: Plan, fleet: OvmFleet) -> PoolUse:
    """What lives on the pool: VMs and repositories as Manager tells them, and as servers do that were asked."""
    manager = fleet.manager or ManagerFacts()
    pools = _pools_of(plan, fleet, manager)
    ids = {id_ for pool in pools for id_ in pool.members}
    servers = [one for one in manager.servers.value or () if one.id in ids]
    vms = {guest for one in pools for guest in one.guests} | {
        guest for one in servers for guest in one.guests
    }
    repositories = {
        one.name
        for one in manager.repositories.value or ()
        if one.pool in {pool.id for pool in pools} or ids & set(one.presented)
    }
    for name in fleet.servers if pools else ():
        facts = fleet.ovm_server(name)
        if facts is not None:
            vms |= set(facts.running_guests.value or ())
            repositories |= {one.alias or one.uuid for one in facts.repositories.value or ()}
    return PoolUse(
        is_there=None if manager.pools.value is None else bool(pools),
        members=_inert(one.name for one in servers),
        vms=_inert(vms),
        repositories=_inert(repositories),
        unread=tuple(inert(why, 400) for why in _unread(manager, pools)),
    )


def _unread(manager: ManagerFacts, pools: Sequence[ManagedPool]) -> list[str]:
    """What Manager does not tell, each with the reason: an empty list says nothing then."""
    lists: dict[str, Fact[Any]] = {
        "pools": manager.pools,
        "servers": manager.servers,
        "repositories": manager.repositories,
    }
    missing = {
        what: fact.missing or manager.plane.reason for what, fact in lists.items() if fact.value is None
    }
    if missing:
        return [f"Manager's {what} cannot be read: {why}" for what, why in missing.items()]
    shown: list[ManagedPool | ManagedServer | ManagedRepository] = [
        *pools,
        *(one for one in manager.servers.value or () if any(one.id in pool.members for pool in pools)),
        *(manager.repositories.value or ()),
    ]
    return [f"Manager lists {one.name}, but does not show it" for one in shown if not one.is_shown]


def _pools_of(plan: Plan, fleet: OvmFleet, manager: ManagerFacts) -> list[ManagedPool]:
    """Pools of that name, which need not be unique: empty ones, and those with a server of the plan."""
    found = (_entry(manager, fleet, step) for step in _owned(plan))
    ours = {one.id for one in found if one is not None}
    named = [one for one in manager.pools.value or () if one.name == plan.pool]
    return [pool for pool in named if not pool.members or ours & set(pool.members)]


def _inert(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(inert(name, 100) for name in sorted(names))


def logins(fleet: OvmFleet) -> list[Login]:
    """How every login to a server went. An owned agent takes no password, and half-made ownership may be known to
    that server alone: an agent's refusal tells nothing."""
    found = []
    for name in fleet.servers:
        facts = fleet.ovm_server(name)
        for plane in ("agent", "ssh"):
            state = facts.plane(plane) if facts is not None else PlaneFact()
            refused = None if plane == "agent" else False
            taken = {PlaneState.OK: True, PlaneState.REFUSED: refused}.get(state.state)
            if state.state is not PlaneState.NOT_ASKED:
                found.append(Login(name, plane, plane, taken, state.reason))
    return found


def why_keep(plan: Plan, fleet: OvmFleet) -> list[str]:
    """Why the pool of an ended run must stay as it is now (R117, guests, repositories, servers of others)."""
    use = use_of(plan, fleet)
    if use.unread:
        return list(use.unread)
    found = list(why_not_undo(use, is_whole=True))
    manager = fleet.manager or ManagerFacts()
    for pool in manager.pools.value or ():
        if pool.name == plan.pool:
            found += _why_keep_pool(pool, plan, fleet, manager)
    return found


def _why_keep_pool(pool: ManagedPool, plan: Plan, fleet: OvmFleet, manager: ManagerFacts) -> list[str]:
    members = [one for one in manager.servers.value or () if one.id in pool.members]
    found: list[str] = []
    ours = {one.id for one in (_entry(manager, fleet, step) for step in _owned(plan)) if one is not None}
    others = [one.name for one in members if one.id not in ours]
    if others:
        found.append(f"servers that this run did not bring are in the pool: {listed(others)}")
    offline = [one.name for one in members if not is_running(one)]
    if offline:
        found.append(f"{listed(offline)} is not Running: bring it back first (R117)")
    return [inert(text, 400) for text in found]


def _owned(plan: Plan) -> list[PlannedStep]:
    return [step for step in plan.steps if step.kind == "own_server"]


def _entry(manager: ManagerFacts, fleet: OvmFleet, step: PlannedStep) -> ManagedServer | None:
    who = step.args["server"]
    facts = fleet.ovm_server(str(who["name"]))
    uuid = str(who.get("uuid") or "") or (facts.server_uuid.value if facts is not None else None)
    for word in (who["name"], *who.get("also", ())):
        found = manager.server(uuid=uuid or None, address=str(word))
        if found is not None:
            return found
    return None


def is_running(server: ManagedServer) -> bool:
    """Whether Manager sees it Running; one whose state is not told counts as running."""
    return server.state.casefold() in ("", "running")


def drift(spec: PoolSpec, plan: Plan, spec_hash: str, fleet: OvmFleet) -> Sequence[str]:
    """What is not as it was when the plan was made."""
    found = []
    if plan.spec_hash and plan.spec_hash != spec_hash:
        found.append("the pool description is not the one that was planned")
    return [*found, *drift_of(plan.basis, spec, fleet)]
