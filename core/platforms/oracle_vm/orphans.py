"""What earlier failures left, seen through all three planes, and which dead pool it belongs to. Pure.

A pool is dead when Manager lists it without servers, or under the wanted name with only some of the wanted servers
(half-made, server-pools R006), or when servers or storage name it and Manager does not know it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from core.platforms.oracle_vm.facts import (
    ManagedPool,
    ManagedServer,
    ManagerFacts,
    OvmFleet,
    OvmServerFacts,
)
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.platforms.oracle_vm.steps.leftovers import MARKERS
from core.text import inert

CLUSTER_DIGITS = 16  # a cluster is named by the last hex digits of its pool's id (agent-rpc 7)


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


class Found(NamedTuple):
    """All left-overs, names of the dead pools that Manager still lists, and what could not be looked at."""

    orphans: tuple[Orphan, ...]
    names: dict[str, str]
    unseen: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The dead pools."""
        return tuple(dict.fromkeys(one.key for one in self.orphans if one.key))


def key_of(pool: str) -> str:
    """The word by which a pool's id and its cluster's name are the same."""
    return pool.replace("-", "").replace(":", "").lower()[-CLUSTER_DIGITS:]


def find_orphans(spec: PoolSpec, fleet: OvmFleet) -> Found:
    """Every left-over on the servers and the storage of the spec, and in Manager."""
    manager = fleet.manager or ManagerFacts()
    if not manager.pools.is_known or not manager.servers.is_known:
        return Found((), {}, (f"Manager's pools: {manager.pools.missing or manager.servers.missing}",))
    dead = [pool for pool in manager.pools.value or () if _is_dead(pool, spec, fleet, manager)]
    alive = {key_of(pool.id) for pool in manager.pools.value or ()} - {key_of(pool.id) for pool in dead}
    orphans = [*_in_manager(dead, spec, fleet, manager), *_on_servers(spec, fleet, manager, alive, dead)]
    if not _in_use(spec, manager, alive):
        orphans += _on_storage(spec, fleet, alive)
    return Found(tuple(orphans), {key_of(pool.id): pool.name for pool in dead}, tuple(_unseen(spec, fleet)))


def _is_dead(pool: ManagedPool, spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts) -> bool:
    if pool.guests or any(one.pool == pool.id for one in manager.repositories.value or ()):
        return False
    if not pool.members:
        return True
    wanted = {entry.id for name in spec.server_names if (entry := entry_of(name, fleet, manager))}
    return pool.name == spec.pool.name and set(pool.members) < wanted


def entry_of(name: str, fleet: OvmFleet, manager: ManagerFacts) -> ManagedServer | None:
    """Manager's entry of a server of the spec."""
    facts = fleet.ovm_server(name)
    uuid = facts.server_uuid.value if facts is not None else None
    return manager.server(uuid=str(uuid) if uuid else None, address=name)


def _in_manager(
    dead: list[ManagedPool], spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts
) -> Iterator[Orphan]:
    names = {one.id: one.name for one in manager.servers.value or ()}
    names |= {entry.id: name for name in spec.server_names if (entry := entry_of(name, fleet, manager))}
    for pool in dead:
        key = key_of(pool.id)
        count = f"{len(pool.members)} servers" if pool.members else "no server"
        text = f"the half-made pool {inert(pool.name, 60)} with {count}"
        yield Orphan(OrphanKind.POOL, "Manager", text, key, pool.id, "Manager list ServerPool")
        master_last = sorted(pool.members, key=lambda one: one == pool.master)
        for id_ in master_last:
            name = names.get(id_, id_)
            yield Orphan(OrphanKind.MEMBER, name, f"{name} is in it", key, id_, "Manager show ServerPool")


def _on_servers(
    spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts, alive: set[str], dead: list[ManagedPool]
) -> Iterator[Orphan]:
    own = str(manager.uuid.value or "").casefold()
    for name in spec.master_first:
        facts = fleet.ovm_server(name) or OvmServerFacts(name=name, address=name)
        entry = entry_of(name, fleet, manager)
        owner = (entry.owner if entry and entry.owner else None) or facts.owner.value
        in_pool = entry.pool_id if entry is not None else None
        if in_pool and key_of(in_pool) in alive:
            continue  # a live pool's server
        if owner and str(owner).casefold() != own:
            continue  # another Manager's server is another Manager's affair
        key = key_of(in_pool) if in_pool else ""
        if entry is not None and owner:
            text = f"{name} is owned by this Manager" + ("" if in_pool else " and in no pool")
            yield Orphan(OrphanKind.OWNED, name, text, key, entry.id, "Manager show Server")
        yield from _inside(spec, facts, alive, {key_of(one.id) for one in dead})


def _inside(spec: PoolSpec, facts: OvmServerFacts, alive: set[str], dead: set[str]) -> Iterator[Orphan]:
    """What the server itself still believes in; a pool that Manager knows and keeps is none of it."""
    name, pool, cluster = facts.name, facts.pool_id, facts.stored_cluster
    if pool.is_known and pool.value and key_of(pool.value) not in alive:
        text = f"the agent's data base names pool {inert(pool.value, 60)}"
        yield Orphan(OrphanKind.AGENT_DB, name, text, key_of(pool.value), pool.value, pool.source)
    if cluster.is_known and cluster.value and cluster.value.name and key_of(cluster.value.name) not in alive:
        named = inert(cluster.value.name, 60)
        text = f"cluster {named} is configured"
        yield Orphan(OrphanKind.CLUSTER, name, text, key_of(named), named, cluster.source)
    vips = {vip for vip in (spec.pool.virtual_ip, facts.master_vip.value) if vip}
    for one in facts.addresses.value or () if facts.addresses.is_known else ():
        if one.address in vips and one.address != facts.address:
            text = f"the virtual IP {one.address} is up on {one.interface}"
            id_ = f"{one.address}/{one.prefix} dev {one.interface}"
            yield Orphan(OrphanKind.VIP, name, text, "", id_, facts.addresses.source)


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


def _unseen(spec: PoolSpec, fleet: OvmFleet) -> Iterator[str]:
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
