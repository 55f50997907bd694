"""R043, R051, R062, R120: the pool's storage beside what Manager already has there."""

from __future__ import annotations

from functools import partial

from core.checks.reading import is_ipv4, joined, short
from core.checks.storage.reading import STORAGE_FIELDS
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, manager, of_manager, ovm
from core.platforms.oracle_vm.facts import ManagedFileServer, ManagedFileSystem, ManagedRepository
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem
from core.text import inert

_check = partial(
    ovm.check,
    scope=Scope.STORAGE,
    planes=("manager",),
    needs=("manager.cli.reachable",),
    touches=STORAGE_FIELDS,
)


def _nas(ctx: Ctx) -> NfsFileSystem | None:
    wanted = ctx.spec.pool.file_system
    return wanted if ctx.spec.pool.clustered and isinstance(wanted, NfsFileSystem) else None


def _same_host(one: str, other: str) -> bool:
    """Two spellings of one NFS server: letter case, and short beside full names."""
    if is_ipv4(one) or is_ipv4(other):
        return one == other
    return one.lower() == other.lower() or short(one) == short(other)


def _on_host(ctx: Ctx, host: str) -> tuple[list[ManagedFileServer], list[ManagedFileSystem]]:
    """Manager's file servers of a host, and the file systems on them."""
    servers = [
        one
        for one in of_manager(ctx, manager(ctx).file_servers, "file servers in Manager")
        if not one.is_local and one.access_host and _same_host(one.access_host, host)
    ]
    ids = {one.id for one in servers}
    systems = of_manager(ctx, manager(ctx).file_systems, "file systems in Manager")
    return servers, [one for one in systems if one.file_server in ids]


def _repositories(ctx: Ctx) -> dict[str, ManagedRepository]:
    """Repositories by the file system they lie on."""
    found = of_manager(ctx, manager(ctx).repositories, "repositories in Manager")
    return {one.file_system: one for one in found if one.file_system}


@_check(
    "storage.nfs.overlap",
    rules=("R043",),
    severity=Severity.WARNING,
    title="The export neither lies within another one nor holds one",
    why="`conflicts with existing repo at path`; two things write into one tree",
    fix="use sibling exports",
    source="server-pools R043",
)
def nfs_overlap(ctx: Ctx) -> Finding:
    """Hit when an export known to Manager on the same host is above or below; one with a repository blocks."""
    wanted = _nas(ctx)
    if wanted is None:
        return not_applicable("the pool file system is not on NFS")
    own = wanted.export.rstrip("/") + "/"
    _, systems = _on_host(ctx, wanted.server)
    repositories = _repositories(ctx)
    for one in systems:
        path = (one.path or one.name).rpartition(":")[2].rstrip("/") + "/"
        if path == own or path == "/" or not (path.startswith(own) or own.startswith(path)):
            continue
        holder = repositories.get(one.id)
        severity = Severity.BLOCKER if holder is not None else None
        used = f", with repository {inert(holder.name, 60)}" if holder is not None else ""
        fix = f"export a directory beside {inert(path.rstrip('/'), 120)} for the pool, not above or below it"
        return bad(
            f"{wanted.export} and {inert(path.rstrip('/'), 120)} overlap{used}", fix=fix, severity=severity
        )
    return ok(f"{len(systems)} exports of {wanted.server} in Manager, none overlaps")


@_check(
    "storage.nfs.busy",
    rules=("R051",),
    severity=Severity.WARNING,
    title="The NFS server of the pool file system holds no repository",
    why="imports and clones delay the heartbeat's writes: servers restart",
    fix="use another NFS server, or a small LUN",
    source="server-pools R051 (Concepts 3.3, storage for clusters)",
)
def nfs_busy(ctx: Ctx) -> Finding:
    """Hit when a repository in Manager lies on the same NFS server."""
    wanted = _nas(ctx)
    if wanted is None:
        return not_applicable("the pool file system is not on NFS")
    _, systems = _on_host(ctx, wanted.server)
    repositories = _repositories(ctx)
    busy = [inert(repositories[one.id].name, 60) for one in systems if one.id in repositories]
    if busy:
        fix = f"take another NFS server than {wanted.server} for the pool file system, or a small LUN"
        return bad(f"{wanted.server} also holds {joined(busy[:4])}", fix=fix)
    return ok(f"no repository on {wanted.server}")


@_check(
    "storage.nfs.registered",
    severity=Severity.WARNING,
    title="Manager knows the NFS server under one name only",
    why="the export is registered twice, and refreshes and presentations go to the wrong one",
    fix="keep one file server; the other can go once no pool and no repository lies on it",
    source="server-pools R077, R019",
)
def nfs_registered(ctx: Ctx) -> Finding:
    """Hit when Manager has two file servers of the wanted host, or one that calls its exports non-uniform."""
    wanted = _nas(ctx)
    if wanted is None:
        return not_applicable("the pool file system is not on NFS")
    servers, _ = _on_host(ctx, wanted.server)
    if len(servers) > 1:
        names = joined(inert(one.name, 60) for one in servers)
        fix = f"keep one of {names}; the others can go once no pool and no repository lies on them"
        return bad(f"{wanted.server} is {len(servers)} file servers in Manager", fix=fix)
    odd = [one for one in servers if one.uniform is False and wanted.uniform]
    if odd:
        fix = "set pool.file_system.uniform to false, or correct the file server in Manager"
        return bad(
            f"Manager calls the exports of {inert(odd[0].name, 60)} non-uniform, the spec uniform", fix=fix
        )
    return ok(f"{len(servers)} file servers of that host in Manager")


@_check(
    "storage.repository.bound",
    rules=("R120",),
    severity=Severity.INFO,
    title="No repository on a LUN waits for another pool",
    why="a repository on a LUN belongs to one clustered pool and cannot be presented to this one",
    fix="hand it over: takeOwnership Repository with the new pool named",
    source="server-pools R120 (CLI 3.4, takeOwnership; Concepts 3.3, repositories)",
)
def repository_bound(ctx: Ctx) -> Finding:
    """Hit when a repository in Manager names a pool that Manager does not list any more."""
    pools = {pool.id for pool in of_manager(ctx, manager(ctx).pools, "pools in Manager")}
    found = of_manager(ctx, manager(ctx).repositories, "repositories in Manager")
    orphans = [one for one in found if one.pool and one.pool not in pools]
    if orphans:
        shown = joined(inert(one.name, 60) for one in orphans[:4])
        fix = f"after the pool is made: `takeOwnership Repository name={inert(orphans[0].name, 60)} "
        fix += f"serverPool={inert(ctx.spec.pool.name, 60)}`, then refresh"
        return bad(f"repositories of pools that are gone: {shown}", fix=fix)
    return ok(f"{len(found)} repositories, none of a pool that is gone")


@_check(
    "storage.lun.online",
    rules=("R074",),
    severity=Severity.BLOCKER,
    title="The LUN is online in Manager",
    why="`Physical disk is Offline`; it cannot be chosen",
    fix="rescan, refresh, acknowledge the event",
    source="server-pools R074 (Installation Guide 3.4, missing disks)",
    unknown_severity=Severity.WARNING,
)
def lun_online(ctx: Ctx) -> Finding:
    """Hit when an open event says that the LUN, or a disk without a name, went offline."""
    wanted = ctx.spec.pool.file_system
    if not ctx.spec.pool.clustered or not isinstance(wanted, LunFileSystem):
        return not_applicable("the pool file system is on no LUN")
    disks = {one.id.lower(): one for one in of_manager(ctx, manager(ctx).disks, "disks in Manager")}
    events = of_manager(ctx, manager(ctx).events, "events in Manager")
    for event in events:
        text = f"{event.kind} {event.text}".lower()
        disk = disks.get(event.object_id.lower())
        concerns = wanted.wwid.lower() in text or (
            disk is not None and disk.page83.lower() == wanted.wwid.lower()
        )
        if concerns and ("offline" in text or "down" in text):
            fix = f"rescan on the servers, refresh the disk in Manager, then `ackEvent id={inert(event.id, 40)}`"
            return bad(f"Manager: {inert(event.text or event.kind, 120)}", fix=fix)
    return ok("no open event of this LUN")


@ovm.check(
    "input.clustered.limits",
    rules=("R062",),
    scope=Scope.INPUT,
    severity=Severity.WARNING,
    title="An unclustered pool will do",
    why="no HA, and repositories on NFS only; it cannot be made clustered afterwards",
    fix="set pool.clustered to true and name a pool file system",
    source="server-pools R062 (Concepts 3.3 and User's Guide 3.2, unclustered pools)",
    planes=("input",),
    spec_only=True,
    touches=("pool.clustered",),
)
def clustered_limits(ctx: Ctx) -> Finding:
    """Hit when the pool shall not be clustered."""
    if ctx.spec.pool.clustered:
        return ok("clustered")
    fix = "set pool.clustered to true with a pool file system, if guests shall restart by themselves one day"
    return bad("unclustered: guests are restarted by hand, repositories lie on NFS only", fix=fix)
