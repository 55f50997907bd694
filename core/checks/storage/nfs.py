"""R003, R017, R018, R019: the NFS share is empty, writable for root, and shown alike to every server."""

from __future__ import annotations

from core.checks.reading import Ctx, joined
from core.checks.registry import shared
from core.checks.storage.reading import STORAGE_FIELDS, gather_nfs, share_of, wants
from core.models.gaps import GapKind
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

# What pools, Managers and repositories leave at the top of a share (server-pools R003)
LEFTOVERS = frozenset({"ovspoolfs.img", ".ovspoolfs", ".generic_fs_stamp", ".ovsrepo"})
_NO_LOOK = "it could not be looked into"
_INTRUSIVE = "only a write would tell, and none is made; the refresh in Manager will show it"
_WRITE = GapKind.NEEDS_WRITE


def is_leftover(name: str) -> bool:
    """Whether a name at the top of a share belongs to an earlier pool, Manager or repository."""
    return name in LEFTOVERS or name.startswith(".ovspoolfs")


@shared.check(
    "storage.nfs.empty",
    rules=("R003",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The NFS share carries nothing of an earlier pool",
    why="another pool may live there; creation fails, or the share is claimed by an unknown pool",
    fix="take a fresh directory; whose pool lies there must be settled before anything is cleared",
    source="server-pools R003, 7e",
    planes=("ssh",),
    leans_on=("storage.visible.all",),
    acceptable=False,
    touches=STORAGE_FIELDS,
)
def nfs_empty(ctx: Ctx) -> Finding:
    """Hit when pool images, markers or stamps lie in the share; one server's look is enough, never waived."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.entries, "content of the share", _NO_LOOK)
    left = sorted({name for names in looks.values.values() for name in names if is_leftover(name)})
    share = share_of(ctx)
    if left:
        return bad(
            f"{share} holds {joined(left)}",
            fix=f"take a fresh directory instead of {share}; whose pool lies there must be settled before anything is "
            "cleared: no server of any Manager may have it mounted (mounted.ocfs2 -f, mount)",
        )
    if not looks.values:
        looks.require_all()
    return ok(f"nothing of an earlier pool in {share}; seen from {joined(looks.values)}")


@shared.check(
    "storage.nfs.writable",
    rules=("R017",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The NFS share can be written by every server",
    why="the pool's image cannot be created",
    fix="export it rw to every server",
    source="server-pools R017 (Concepts 3.3, storage uniformity)",
    planes=("ssh",),
    leans_on=("storage.visible.all",),
    unknown_severity=Severity.WARNING,
    touches=STORAGE_FIELDS,
)
def nfs_writable(ctx: Ctx) -> Finding:
    """Hit when a server was seen unable to write; unknown (a warning) as long as nobody wrote."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(
        ctx, lambda look: look.is_writable, "whether the share can be written", _INTRUSIVE, _WRITE
    )
    denied = [name for name, writable in looks.values.items() if not writable]
    share = share_of(ctx)
    if denied:
        return bad(
            f"{share} is read-only for {joined(denied)}",
            fix=f"export {share} rw to {joined(denied)}",
            servers=denied,
        )
    looks.require_all()
    return ok(f"{share} can be written by all servers")


@shared.check(
    "storage.nfs.root",
    rules=("R018",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The NFS share keeps root as root",
    why="servers create files there as root; a squashed root gets `Permission denied`",
    fix="export it with rw,no_root_squash for each server",
    source="server-pools R018 (Concepts 3.3, repositories)",
    planes=("ssh",),
    leans_on=("storage.visible.all",),
    unknown_severity=Severity.WARNING,
    touches=STORAGE_FIELDS,
)
def nfs_root(ctx: Ctx) -> Finding:
    """Hit when root was seen to be squashed; unknown (a warning) as long as nobody wrote."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.keeps_root, "whether root stays root", _INTRUSIVE, _WRITE)
    squashed = [name for name, kept in looks.values.items() if not kept]
    share = share_of(ctx)
    if squashed:
        fix = f"export {share} with rw,no_root_squash for {joined(squashed)}"
        return bad(f"{share} squashes root of {joined(squashed)}", fix=fix, servers=squashed)
    looks.require_all()
    return ok(f"{share} keeps root as root")


@shared.check(
    "storage.nfs.uniform",
    rules=("R019",),
    scope=Scope.STORAGE,
    severity=Severity.WARNING,
    title="All servers are shown the same exports",
    why="members that see other exports cannot mount what the pool uses",
    fix="align the export lists, then refresh the servers",
    source="server-pools R019 (Concepts 3.3, storage uniformity)",
    planes=("ssh",),
    touches=STORAGE_FIELDS,
)
def nfs_uniform(ctx: Ctx) -> Finding:
    """Hit when export lists differ: a blocker for the pool's own export, a warning for others."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.exports, "list of exports", "the NFS server showed none")
    everywhere = set.intersection(*(set(one) for one in looks.values.values())) if looks.values else set()
    somewhere = {path for one in looks.values.values() for path in one}
    odd = sorted(somewhere - everywhere)
    if odd:
        lacking = [name for name, one in looks.values.items() if set(odd) - set(one)]
        own = share_of(ctx).partition(":")[2]
        fix = f"export {joined(odd)} alike to {joined(looks.values)}, or not at all, then refresh the servers"
        return bad(
            f"not shown to all servers: {joined(odd)} (missing on {joined(lacking)})",
            fix=fix,
            servers=lacking,
            severity=Severity.BLOCKER if own in odd else None,
        )
    looks.require_all()
    return ok(f"{len(somewhere)} exports, shown to all servers")
