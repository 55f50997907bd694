"""What earlier failures left, seen through all three planes, and which dead pool it belongs to. Pure.

A pool in Manager is dead when halfmade.decide says so on the evidence of all planes; a pool that Manager does not know
is dead when servers or storage name it. Everything else is kept, and why is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from core.platforms.oracle_vm.evidence import entry_of, key_of, of_pool, of_server, of_trace
from core.platforms.oracle_vm.facts import ManagedPool, ManagedServer, ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.halfmade import Decision, decide
from core.platforms.oracle_vm.left import Left
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.platforms.oracle_vm.steps.leftovers import MARKERS
from core.text import inert


class OrphanKind(StrEnum):
    """What was left."""

    POOL = "pool"  # an object in Manager
    MEMBER = "member"  # a server in such a pool
    OWNED = "owned"  # owned by this Manager, in no pool
    AGENT_DB = "agent_db"  # the agent believes in a pool
    CLUSTER = "cluster"  # a cluster is configured
    VIP = "vip"  # the virtual IP is up
    STORAGE = "storage"  # a pool file system


class Orphan(NamedTuple):
    """One left-over. `key` names the dead pool it belongs to, '' where nothing tells."""

    kind: OrphanKind
    where: str  # a server, a share, Manager
    what: str
    key: str = ""
    id: str = ""  # of the object in Manager, or what stands where
    source: str = ""
    why: Decision | None = None  # what was decided about it; None where nothing but a person may end it


class Kept(NamedTuple):
    """An object that could be taken for a left-over and is none, or is not proven to be one."""

    what: str
    why: Decision
    id: str = ""
    left_by: str = ""  # the run of ours that left it


class Found(NamedTuple):
    """All left-overs, names of the dead pools that Manager still lists, what could not be looked at, what is kept."""

    orphans: tuple[Orphan, ...]
    names: dict[str, str]
    unseen: tuple[str, ...]
    kept: tuple[Kept, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The dead pools."""
        return tuple(dict.fromkeys(one.key for one in self.orphans if one.key))


Decided = list[tuple[ManagedPool, Decision]]


def find_orphans(spec: PoolSpec, fleet: OvmFleet, left: Left | None = None) -> Found:
    """Every left-over on the servers and the storage of the spec, and in Manager; `left`: what our runs left there."""
    manager, left = fleet.manager or ManagerFacts(), left or {}
    if not manager.pools.is_known or not manager.servers.is_known:
        return Found((), {}, (f"Manager's pools: {manager.pools.missing or manager.servers.missing}",))
    pools = manager.pools.value or ()
    asked = [one for one in pools if one.name == spec.pool.name or one.id.lower() in left]
    decided = [(one, decide(of_pool(one, spec, fleet, left.get(one.id.lower(), "")))) for one in asked]
    dead: Decided = [(pool, why) for pool, why in decided if why.ends]
    kept = [
        Kept(f"pool {inert(pool.name, 60)}", why, pool.id, left.get(pool.id.lower(), ""))
        for pool, why in decided
        if not why.ends
    ]
    names = {key_of(pool.id): pool.name for pool, _ in dead}
    owned, stay = _owned(spec, fleet, manager, frozenset(names), left)
    orphans = [*_in_manager(dead, spec, fleet, manager), *owned, *find_traces(spec, fleet, frozenset(names))]
    return Found(tuple(orphans), names, tuple(unseen_of(spec, fleet)), (*kept, *stay))


def find_traces(spec: PoolSpec, fleet: OvmFleet, dead: frozenset[str]) -> list[Orphan]:
    """What stands on servers and storage and belongs to no pool that Manager keeps; `dead`: keys of those it ends."""
    manager = fleet.manager or ManagerFacts()
    alive = {key_of(pool.id) for pool in manager.pools.value or ()} - dead
    pools = [pool for pool in manager.pools.value or () if key_of(pool.id) in alive]
    in_use = {pool.virtual_ip for pool in pools if pool.virtual_ip}
    found: list[Orphan] = []
    for name in spec.master_first:
        facts = fleet.ovm_server(name)
        if facts is not None and _is_free(facts, entry_of(name, fleet, manager), manager, alive):
            found += _inside(spec, facts, alive, in_use, decide(of_trace(facts, spec, fleet)))
    if not _in_use(spec, manager, alive):
        found += _on_storage(spec, fleet, alive)
    return found


def _in_manager(dead: Decided, spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts) -> Iterator[Orphan]:
    names = {one.id: one.name for one in manager.servers.value or ()}
    names |= {entry.id: name for name in spec.server_names if (entry := entry_of(name, fleet, manager))}
    for pool, why in dead:
        key = key_of(pool.id)
        count = f"{len(pool.members)} servers" if pool.members else "no server"
        text = f"the half-made pool {inert(pool.name, 60)} with {count}"
        yield Orphan(OrphanKind.POOL, "Manager", text, key, pool.id, "Manager list ServerPool", why)
        master_last = sorted(pool.members, key=lambda one: one == pool.master)
        for id_ in master_last:
            name = names.get(id_, id_)
            yield Orphan(
                OrphanKind.MEMBER, name, f"{name} is in it", key, id_, "Manager show ServerPool", why
            )


def _is_free(
    facts: OvmServerFacts,
    entry: ManagedServer | None,
    manager: ManagerFacts,
    alive: set[str] | frozenset[str],
) -> bool:
    """Whether it is in no living pool, and no other Manager's."""
    in_pool = entry.pool_id if entry is not None else None
    if any(pool and key_of(pool) in alive for pool in (in_pool, facts.pool_id.value, facts.db_pool_id.value)):
        return False
    owner = (entry.owner if entry and entry.owner else None) or facts.owner.value
    return not owner or str(owner).casefold() == str(manager.uuid.value or "").casefold()


def _owned(
    spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts, dead: frozenset[str], left: Left
) -> tuple[list[Orphan], list[Kept]]:
    """Servers that this Manager owns and may let go, and those that it keeps."""
    found, kept = [], []
    alive = {key_of(pool.id) for pool in manager.pools.value or ()} - dead
    for name in spec.master_first:
        facts, entry = fleet.ovm_server(name), entry_of(name, fleet, manager)
        if facts is None or entry is None or not (entry.owner or facts.owner.value):
            continue
        if not _is_free(facts, entry, manager, alive):
            continue
        run = left.get(entry.id.lower(), "")
        why = decide(of_server(name, dead, spec, fleet, left_by=run, has_shape=bool(dead)))
        text = f"{name} is owned by this Manager" + ("" if entry.pool_id else " and in no pool")
        if why.ends:
            key = key_of(entry.pool_id) if entry.pool_id else ""
            found.append(Orphan(OrphanKind.OWNED, name, text, key, entry.id, "Manager show Server", why))
        else:
            kept.append(Kept(text, why, entry.id, run))
    return found, kept


def _inside(
    spec: PoolSpec, facts: OvmServerFacts, alive: set[str], in_use: set[str], why: Decision
) -> Iterator[Orphan]:
    """What the server itself still believes in; a pool that Manager knows and keeps is none of it."""
    name, pool, cluster = facts.name, facts.pool_id, facts.stored_cluster
    if pool.is_known and pool.value and key_of(pool.value) not in alive:
        text = f"the agent's data base names pool {inert(pool.value, 60)}"
        yield Orphan(OrphanKind.AGENT_DB, name, text, key_of(pool.value), pool.value, pool.source, why)
    if cluster.is_known and cluster.value and cluster.value.name and key_of(cluster.value.name) not in alive:
        named = inert(cluster.value.name, 60)
        text = f"cluster {named} is configured"
        yield Orphan(OrphanKind.CLUSTER, name, text, key_of(named), named, cluster.source, why)
    vips = {vip for vip in (spec.pool.virtual_ip, facts.master_vip.value) if vip} - in_use
    for one in facts.addresses.value or () if facts.addresses.is_known else ():
        if one.address in vips and one.address != facts.address:
            text = f"the virtual IP {one.address} is up on {one.interface}"
            id_ = f"{one.address}/{one.prefix} dev {one.interface}"
            yield Orphan(OrphanKind.VIP, name, text, "", id_, facts.addresses.source, why)


def _in_use(spec: PoolSpec, manager: ManagerFacts, alive: set[str]) -> bool:
    """Whether a pool that lives keeps its file system on the storage of the spec."""
    used = {pool.file_system for pool in manager.pools.value or () if key_of(pool.id) in alive}
    wanted = spec.pool.file_system
    if isinstance(wanted, LunFileSystem):
        disks = manager.disks.value or ()
        return any(one.id in used for one in disks if objects.same_wwid(one.page83, wanted.wwid))
    if not isinstance(wanted, NfsFileSystem):
        return False
    servers = {one.id: one.access_host.casefold() for one in manager.file_servers.value or ()}
    return any(
        one.id in used
        and servers.get(one.file_server or "") == wanted.server.casefold()
        and objects.same_export(one.path, wanted.export)
        for one in manager.file_systems.value or ()
    )


def _on_storage(spec: PoolSpec, fleet: OvmFleet, alive: set[str]) -> Iterator[Orphan]:
    wanted = spec.pool.file_system
    for name in spec.server_names:
        facts = fleet.ovm_server(name)
        if facts is None:
            continue
        if isinstance(wanted, NfsFileSystem) and facts.pool_nfs.value is not None:
            entries = facts.pool_nfs.value.entries
            if entries is None:
                continue
            found = sorted(set(entries) & MARKERS)
            if found:
                where = f"{wanted.server}:{wanted.export}"
                text = f"a pool file system lies there: {', '.join(found)}"
                yield Orphan(OrphanKind.STORAGE, where, text, "", "", facts.pool_nfs.source)
            return
        if isinstance(wanted, LunFileSystem) and facts.pool_lun.value is not None:
            look = facts.pool_lun.value
            if look.signatures is None:
                continue
            if "ocfs2" in look.signatures and not (look.cluster and key_of(look.cluster) in alive):
                named = f" of cluster {inert(look.cluster, 60)}" if look.cluster else ""
                text = f"an OCFS2 file system{named} lies there"
                key = key_of(look.cluster) if look.cluster else ""
                yield Orphan(OrphanKind.STORAGE, f"LUN {wanted.wwid}", text, key, "", facts.pool_lun.source)
            return


def unseen_of(spec: PoolSpec, fleet: OvmFleet) -> Iterator[str]:
    """What a sweep could not look at: nothing is called clean that nobody saw."""
    for name in spec.server_names:
        facts = fleet.ovm_server(name) or OvmServerFacts(name=name, address=name)
        missing = {
            "its agent's data base": facts.pool_id.missing,
            "its cluster configuration": facts.stored_cluster.missing,
            "its addresses": facts.addresses.missing,
        }
        for what, why in missing.items():
            if why:
                yield f"{name}: {what}: {inert(why, 200)}"
