"""R020, R041: the pool's storage as Manager knows it."""

from __future__ import annotations

from core.checks.reading import Ctx as AnyCtx
from core.checks.reading import joined
from core.checks.storage.nfs import is_leftover
from core.checks.storage.reading import STORAGE_FIELDS, nfs_look
from core.facts.storage import normal_wwid
from core.models.facts import FactMissing
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, manager, of_manager, ovm
from core.platforms.oracle_vm.facts import ManagedDisk, ManagedFileSystem, ManagerFacts
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem
from core.text import inert

_OFFLINE = frozenset({"offline", "unknown", "degraded"})


def file_system_of(facts: ManagerFacts, wanted: NfsFileSystem) -> ManagedFileSystem | None:
    """Manager's entry of the wanted export, None when Manager does not know it yet."""
    hosts = {server.id: server for server in facts.file_servers.value or () if not server.is_local}
    for found in facts.file_systems.value or ():
        path = found.path or found.name.removeprefix("nfs:")
        if path.rpartition(":")[2].rstrip("/") != wanted.export.rstrip("/"):
            continue
        file_server = hosts.get(found.file_server or "")
        if file_server is not None and file_server.access_host.lower() == wanted.server.lower():
            return found
    return None


def disk_of(facts: ManagerFacts, wanted: LunFileSystem) -> ManagedDisk | None:
    """Manager's entry of the wanted LUN, None when Manager does not know it yet."""
    for found in facts.disks.value or ():
        if found.page83 and normal_wwid(found.page83) == normal_wwid(wanted.wwid):
            return found
    return None


@ovm.check(
    "storage.poolfs.dedicated",
    rules=("R041",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The storage serves nothing but this pool",
    why="two pools or a repository on one storage overwrite each other",
    fix="use a share or LUN of its own",
    source="server-pools R041 (Getting Started 3.3, create server pool)",
    planes=("manager", "ssh"),
    touches=STORAGE_FIELDS,
)
def poolfs_dedicated(ctx: Ctx) -> Finding:
    """Hit when a pool, a repository or a mapping uses it (blocker), or other files lie in the share (warning)."""
    storage = ctx.spec.pool.file_system
    if not ctx.spec.pool.clustered or storage is None:
        return not_applicable("no pool file system is wanted")
    facts = manager(ctx)
    pools = of_manager(ctx, facts.pools, "pools in Manager")
    repositories = of_manager(ctx, facts.repositories, "repositories in Manager")
    if isinstance(storage, NfsFileSystem):
        of_manager(ctx, facts.file_systems, "file systems in Manager")
        entry: ManagedFileSystem | ManagedDisk | None = file_system_of(facts, storage)
        shown = f"{storage.server}:{storage.export}"
    else:
        of_manager(ctx, facts.disks, "disks in Manager")
        entry, shown = disk_of(facts, storage), f"LUN {storage.wwid}"
    if entry is not None:
        users = [f"pool {pool.name}" for pool in pools if pool.file_system == entry.id]
        users += [f"repository {one.name}" for one in repositories if one.file_system == entry.id]
        users += list(entry.in_use_by) if isinstance(entry, ManagedDisk) else []
        if users:
            text = f"{shown} is used by {joined(inert(user, 80) for user in users)}"
            return bad(text, fix=f"use a share or LUN of its own instead of {shown}")
    return (
        _other_files(ctx, shown)
        if isinstance(storage, NfsFileSystem)
        else ok(f"nothing in Manager uses {shown}")
    )


def _other_files(ctx: AnyCtx, shown: str) -> Finding:
    """A warning when files that are no left-overs of a pool (R003) lie in the share."""
    names: set[str] = set()
    looked = False
    for facts in ctx.servers:
        try:
            entries = nfs_look(facts).entries
        except FactMissing:
            continue
        if entries is not None:
            looked = True
            names |= {name for name in entries if not is_leftover(name)}
    if names:
        text = f"{shown} is not empty: {joined(inert(name, 60) for name in sorted(names)[:6])}"
        return bad(text, fix="use an empty directory of its own", severity=Severity.WARNING)
    return ok(f"nothing in Manager uses {shown}" + (", and it is empty" if looked else ""))


@ovm.check(
    "manager.storage.refreshed",
    rules=("R020", "R074"),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="Manager's knowledge of the storage will be fresh",
    why="with a stale entry the object is missing, has the wrong size or is offline",
    fix="rescan, refresh it in Manager, acknowledge its events",
    source="server-pools R020, R074 (CLI 3.2, create ServerPool)",
    planes=("manager",),
    needs=("manager.cli.reachable",),
    touches=STORAGE_FIELDS,
)
def storage_refreshed(ctx: Ctx) -> Finding:
    """Hit when Manager shows the LUN offline; a refresh itself is part of every plan."""
    storage = ctx.spec.pool.file_system
    if not ctx.spec.pool.clustered or storage is None:
        return not_applicable("no pool file system is wanted")
    facts = manager(ctx)
    if isinstance(storage, NfsFileSystem):
        of_manager(ctx, facts.file_systems, "file systems in Manager")
        known_there = file_system_of(facts, storage) is not None
        return ok(
            "Manager knows the share; " * known_there + "the plan refreshes it right before the pool is made"
        )
    of_manager(ctx, facts.disks, "disks in Manager")
    disk = disk_of(facts, storage)
    if disk is not None and disk.state.lower() in _OFFLINE:
        fix = f"rescan on the servers, `refresh PhysicalDisk id={disk.id}` in Manager, acknowledge its events"
        return bad(f"Manager shows LUN {storage.wwid} as {inert(disk.state, 40)}", fix=fix)
    return ok(
        "Manager knows the LUN; " * (disk is not None) + "the plan refreshes it right before the pool is made"
    )
