"""A cleaning plan out of left-overs: what Manager can end is planned, the rest is printed for a person. Pure.

On the servers' own systems and on storage nothing is ever run by us (server-pools 7e), and no command that ends
something there is printed unless the evidence says that nobody uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.checks import fixes
from core.checks.fixes import Harm, Proof, Word, address, command, host, name, number, uuid
from core.errors import PoolwrightError
from core.models.events import Verified
from core.models.fingerprint import digest
from core.models.past import PastRun
from core.models.plan import SWEEP_KEPT, ByHand, Plan, PlanAim, PlannedStep, PlanWarning
from core.platforms.oracle_vm.evidence import key_of
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet
from core.platforms.oracle_vm.fingerprint import basis_of
from core.platforms.oracle_vm.left import Left, left_by
from core.platforms.oracle_vm.manager_cli.dialect import dialect_of
from core.platforms.oracle_vm.orphans import (
    Found,
    Kept,
    Orphan,
    OrphanKind,
    find_orphans,
    find_traces,
    unseen_of,
)
from core.platforms.oracle_vm.planning.draft import release_of
from core.platforms.oracle_vm.planning.render import lines_of
from core.platforms.oracle_vm.planning.words import fingerprint
from core.platforms.oracle_vm.spec import NfsFileSystem, PoolSpec
from core.platforms.oracle_vm.steps.leftovers import looks_at_storage

NOT_BACK = "a sweep is not taken back"
POOL_NOT_BACK = f"{NOT_BACK}; Manager may take the pool's file system off the storage with it"
UNSEEN, UNPROVEN = "sweep.unseen", "sweep.unproven"  # ids of a plan's warnings, beside SWEEP_KEPT
_MANAGED = (OrphanKind.POOL, OrphanKind.MEMBER, OrphanKind.OWNED)


def sweep_plan(spec: PoolSpec, fleet: OvmFleet, pool: str = "", past: Sequence[PastRun] = ()) -> Plan:
    """The plan for one dead pool; `past` are our own runs. PoolwrightError when several are found and none was
    picked, or Manager is silent.
    """
    left = left_by(past)
    found = find_orphans(spec, fleet, left)
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
        steps=tuple(_steps(orphans, left)),
        warnings=(*_unseen(found), *(_kept(one) for one in found.kept)),
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


def _unseen(found: Found) -> Iterator[PlanWarning]:
    for text in found.unseen:
        yield PlanWarning(id=UNSEEN, text=f"not looked at: {text}")


def _kept(one: Kept) -> PlanWarning:
    """Why an object stays, and what else takes it back."""
    way = (
        f"; run {one.left_by} left it: `poolwright rollback {one.left_by}` takes it back"
        if one.left_by
        else ""
    )
    return PlanWarning(
        id=SWEEP_KEPT if one.why.is_proven else UNPROVEN, text=f"{one.what} is kept: {one.why.text}{way}"
    )


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


def _steps(orphans: Sequence[Orphan], left: Left) -> list[PlannedStep]:
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
                args={
                    "server_id": one.id,
                    "name": one.where,
                    "pool_id": pool.id,
                    "left_by": _run(pool.id, left),
                },
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
                args={"pool_id": one.id, "left_by": _run(one.id, left)},
                needs=before,
                undo_note=POOL_NOT_BACK,
            )
        )
    last = steps[-1].id if steps else ""
    owned = [one for one in orphans if one.kind is OrphanKind.OWNED]
    keys = sorted(one.key for one in pools)
    return [*steps, *(_release(one, last, keys, left) for one in owned)]


def _run(id_: str, left: Left) -> str:
    return left.get(id_.lower(), "")


def _release(one: Orphan, last: str, keys: list[str], left: Left) -> PlannedStep:
    """A server that a run of ours left is let go for itself, any other one only once its dead pool is gone."""
    run = _run(one.id, left)
    stands_alone = bool(run) and not one.key
    return PlannedStep(
        id=f"sweep_server:{one.where}",
        kind="sweep_server",
        title=f"release {one.where} and make Manager forget it",
        lane=one.where,
        args={"server_id": one.id, "name": one.where, "left_by": run, "of_pools": keys},
        needs=(last,) if last and not stands_alone else (),
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
        'ssh root@{at} "mv -i /etc/ocfs2/cluster.conf /root/"',
    ),
    OrphanKind.AGENT_DB: (
        'ssh root@{at} "cd /etc/ovs-agent/db && ovs-agent-db dump_db server"   # pool {pool}: the dead one?',
        'ssh root@{at} "service ovs-agent stop; mkdir -p /root/ovs-agent-db"',
        'ssh root@{at} "mv -i /etc/ovs-agent/db/server* /etc/ovs-agent/db/repository /root/ovs-agent-db/"',
        'ssh root@{at} "service ovs-agent start"',
    ),
}


def _commands(one: Orphan, target: str, spec: PoolSpec) -> tuple[str, ...]:
    """What a person types; a line that begins with `#` says why a command is withheld."""
    templates = _BY_HAND.get(one.kind)
    if templates is None:
        return looks_at_storage(storage_of(spec))
    told = Proof(
        one.why is not None and one.why.ends, one.why.text if one.why is not None else "nobody looked"
    )
    harm, words = Harm(one.what, (told,)), _words(one, target)
    made = [command(target, template, warning="", harm=harm, **words) for template in templates]
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
    manager = fleet.manager or ManagerFacts()
    why = manager.pools.missing or manager.servers.missing or ""
    items = [_step_item(step, manager, why) for step in plan.steps]
    dead = frozenset(key_of(str(step.args["pool_id"])) for step in plan.steps if step.kind == "sweep_pool")
    left = {by_hand(one, spec).id for one in find_traces(spec, fleet, dead)}
    unseen = why or next(iter(unseen_of(spec, fleet)), "")
    for one in plan.by_hand:
        is_unseen = bool(unseen) and one.id not in left
        holds = None if is_unseen else one.id not in left
        detail = f"nobody could look: {unseen}" if is_unseen else "gone" if holds else "still there"
        items.append(
            Verified(id=one.id, title=f"no more: {one.what}", holds=holds, detail=detail, source=one.why)
        )
    return items


def _step_item(step: PlannedStep, manager: ManagerFacts, why: str) -> Verified:
    """What a step ends is gone when Manager does not list it any more."""
    holds = None if why else not _is_still_there(step, manager)
    detail = f"nobody could look: {why}" if why else "gone" if holds else "still there"
    return Verified(id=step.id, title=step.title, holds=holds, source="Manager", detail=detail)


def _is_still_there(step: PlannedStep, manager: ManagerFacts) -> bool:
    pools = {pool.id: pool for pool in manager.pools.value or ()}
    match step.kind:
        case "sweep_server":
            return any(one.id == step.args["server_id"] for one in manager.servers.value or ())
        case "sweep_member":
            pool = pools.get(str(step.args["pool_id"]))
            return pool is not None and step.args["server_id"] in pool.members
        case _:
            return step.args["pool_id"] in pools
