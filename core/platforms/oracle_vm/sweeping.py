"""A cleaning plan out of left-overs: what Manager can end is planned, the rest is printed for a person. Pure.

On the servers' own systems and on storage nothing is ever run by us (server-pools 7e).
"""

from __future__ import annotations

from collections.abc import Sequence

from core.checks import fixes
from core.checks.fixes import Word, address, command, host, name, number, uuid
from core.errors import PoolwrightError
from core.models.events import Verified
from core.models.fingerprint import digest
from core.models.plan import ByHand, Plan, PlanAim, PlannedStep, PlanWarning
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet
from core.platforms.oracle_vm.fingerprint import basis_of
from core.platforms.oracle_vm.manager_cli.dialect import Dialect, dialect_of
from core.platforms.oracle_vm.orphans import Found, Orphan, OrphanKind, entry_of, find_orphans, key_of
from core.platforms.oracle_vm.planning.draft import release_of
from core.platforms.oracle_vm.planning.render import lines_of
from core.platforms.oracle_vm.planning.words import fingerprint
from core.platforms.oracle_vm.spec import NfsFileSystem, PoolSpec
from core.platforms.oracle_vm.steps.leftovers import storage_commands

NOT_BACK = "a sweep is not taken back"
POOL_NOT_BACK = f"{NOT_BACK}; Manager may take the pool's file system off the storage with it"
_MANAGED = (OrphanKind.POOL, OrphanKind.MEMBER, OrphanKind.OWNED)


def sweep_plan(spec: PoolSpec, fleet: OvmFleet, pool: str = "") -> Plan:
    """The plan for one dead pool; PoolwrightError when several are found and none was picked, or Manager is silent."""
    found = find_orphans(spec, fleet)
    if found.unseen and fleet.manager is not None and not fleet.manager.pools.is_known:
        raise PoolwrightError(f"cannot look for left-overs: {found.unseen[0]}", fix="reach Manager first")
    key = _picked(found, pool)
    orphans = [one for one in found.orphans if one.key in ("", key)]
    members = {one.where for one in orphans if one.kind is OrphanKind.MEMBER}
    dialect = dialect_of(release_of(spec, fleet))
    basis = basis_of(spec, fleet)
    plan = Plan(
        platform=spec.platform,
        pool=found.names.get(key, "") or key or spec.pool.name,
        steps=tuple(_steps(orphans, spec, fleet, dialect)),
        warnings=tuple(PlanWarning(id="sweep.unseen", text=text) for text in found.unseen),
        release=str(dialect.release),
        spec_hash=fingerprint(spec),
        facts_hash=digest(basis),
        basis=basis,
        aim=PlanAim.SWEEP,
        by_hand=tuple(
            by_hand(one, spec, goes_with_pool=one.where in members)
            for one in orphans
            if one.kind not in _MANAGED
        ),
        verification=("nothing of it is seen through Manager, agents and servers any more",),
    )
    return plan.with_lines(lines_of)


def _picked(found: Found, pool: str) -> str:
    keys = found.keys
    if pool:
        picked = [key for key in keys if key == key_of(pool) or found.names.get(key) == pool]
        if len(picked) != 1:
            raise PoolwrightError(f"cannot sweep {pool}: no dead pool of that name or id was found")
        return picked[0]
    if len(keys) > 1:
        told = ", ".join(f"{found.names[key]} ({key})" if key in found.names else key for key in keys)
        raise PoolwrightError(
            f"cannot sweep: there are left-overs of {len(keys)} dead pools: {told}",
            fix="pick one with --pool ID",
        )
    return keys[0] if keys else ""


def _steps(orphans: Sequence[Orphan], spec: PoolSpec, fleet: OvmFleet, dialect: Dialect) -> list[PlannedStep]:
    pools = [one for one in orphans if one.kind is OrphanKind.POOL]
    members = [one for one in orphans if one.kind is OrphanKind.MEMBER]
    steps: list[PlannedStep] = []
    for one in members:
        pool = next(each for each in pools if each.key == one.key)
        before = (steps[-1].id,) if steps else ()  # one at a time, the master last (R118)
        steps.append(
            PlannedStep(
                id=f"sweep_member:{one.where}",
                kind="sweep_member",
                title=f"take {one.where} out of the pool",
                lane="pool",
                args={"server_id": one.id, "name": one.where, "pool_id": pool.id},
                needs=before,
                undo_note=NOT_BACK,
            )
        )
    for one in pools:
        before = (steps[-1].id,) if steps else ()
        steps.append(
            PlannedStep(
                id=f"sweep_pool:{one.id}",
                kind="sweep_pool",
                title=f"delete {one.what.split(' with ')[0]}",
                lane="pool",
                args={"pool_id": one.id},
                needs=before,
                undo_note=POOL_NOT_BACK,
            )
        )
    last = steps[-1].id if steps else ""
    manager = fleet.manager or ManagerFacts()
    owned = [one for one in orphans if one.kind is OrphanKind.OWNED]
    return [*steps, *(_release(one, last, spec, fleet, manager, dialect) for one in owned)]


def _release(
    one: Orphan, last: str, spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts, dialect: Dialect
) -> PlannedStep:
    entry = entry_of(one.where, fleet, manager)
    in_pool = entry is not None and entry.pool_id is not None
    return PlannedStep(
        id=f"sweep_server:{one.where}",
        kind="sweep_server",
        title=f"release {one.where} and make Manager forget it",
        lane=one.where,
        args={"server_id": one.id, "name": one.where},
        needs=(last,) if last and in_pool else (),
        undo_note=NOT_BACK,
    )


def by_hand(one: Orphan, spec: PoolSpec, *, goes_with_pool: bool = False) -> ByHand:
    """A left-over that only a person may end, with the exact commands (server-pools 7d, 7e, R119)."""
    target = next((server.address for server in spec.servers if server.address == one.where), one.where)
    why = f"seen by {one.source}" if one.source else ""
    if goes_with_pool:
        why += "; needed only if it is still there once the server is out of the pool"
    return ByHand(
        id=f"{one.kind}:{one.where}:{one.id}", what=one.what, where=one.where, why=why,
        commands=_commands(one, target, spec),
    )  # fmt: skip


_BY_HAND = {  # for the shell of the jump host; what a server told passes the allow-list of its kind
    OrphanKind.VIP: ('ssh root@{at} "ip addr del {address}/{prefix} dev {interface}"',),
    OrphanKind.CLUSTER: (
        'ssh root@{at} "mounted.ocfs2 -f; mount -t ocfs2"   # must show nothing of cluster {cluster}',
        'ssh root@{at} "service o2cb offline {cluster}; mv -i /etc/ocfs2/cluster.conf /root/"',
    ),
    OrphanKind.AGENT_DB: (
        'ssh root@{at} "cd /etc/ovs-agent/db && ovs-agent-db dump_db server"   # pool {pool}: the dead one?',
        'ssh root@{at} "service ovs-agent stop; mkdir -p /root/ovs-agent-db"',
        'ssh root@{at} "mv -i /etc/ovs-agent/db/server* /etc/ovs-agent/db/repository /root/ovs-agent-db/"',
        'ssh root@{at} "service ovs-agent start"',
    ),
}


def _commands(one: Orphan, target: str, spec: PoolSpec) -> tuple[str, ...]:
    templates = _BY_HAND.get(one.kind)
    if templates is None:
        return storage_commands(storage_of(spec))
    made = [command(target, template, warning="", **_words(one, target)) for template in templates]
    withheld = next((each.withheld for each in made if each.withheld), "")
    return (f"# {withheld}",) if withheld else tuple(each.text for each in made)


def _words(one: Orphan, target: str) -> dict[str, Word]:
    words = {"at": host(target)}
    match one.kind:
        case OrphanKind.VIP:
            held, _, interface = one.id.partition(" dev ")
            at, _, prefix = held.partition("/")
            words |= {
                "address": address(at),
                "prefix": number(prefix),
                "interface": fixes.interface(interface),
            }
        case OrphanKind.CLUSTER:
            words["cluster"] = name(one.id)
        case OrphanKind.AGENT_DB:
            words["pool"] = uuid(one.id)
        case _:
            pass
    return words


def storage_of(spec: PoolSpec) -> dict[str, str]:
    """The pool's storage as the words about it want it."""
    wanted = spec.pool.file_system
    if wanted is None:
        return {"kind": "none"}
    if isinstance(wanted, NfsFileSystem):
        return {"kind": "nfs", "host": wanted.server, "export": wanted.export}
    return {"kind": "lun", "wwid": wanted.wwid}


def verified(spec: PoolSpec, plan: Plan, fleet: OvmFleet) -> list[Verified]:
    """What of the plan is gone now: an item for each step and for each thing left to a person."""
    found = find_orphans(spec, fleet)
    still = {step for one in found.orphans if (step := _step_of(one))}
    left = {by_hand(one, spec).id for one in found.orphans}
    unseen = found.unseen[0] if found.unseen else ""
    items = [
        Verified(id=step.id, title=step.title, holds=step.id not in still, source="Manager",
                 detail="still there" if step.id in still else "gone")
        for step in plan.steps
    ]  # fmt: skip
    for one in plan.by_hand:
        is_unseen = bool(unseen) and one.id not in left
        holds = None if is_unseen else one.id not in left
        detail = f"nobody could look: {unseen}" if is_unseen else "gone" if holds else "still there"
        items.append(
            Verified(id=one.id, title=f"no more: {one.what}", holds=holds, detail=detail, source=one.why)
        )
    return items


def _step_of(one: Orphan) -> str:
    """The step that ends a left-over in Manager."""
    kinds = {
        OrphanKind.POOL: f"sweep_pool:{one.id}",
        OrphanKind.MEMBER: f"sweep_member:{one.where}",
        OrphanKind.OWNED: f"sweep_server:{one.where}",
    }
    return kinds.get(one.kind, "")
