"""R007, R042: every server reaches the pool's storage, and it is large enough."""

from __future__ import annotations

from core.checks.reading import Ctx, joined, lacking, not_yet, said_by
from core.checks.registry import shared
from core.checks.storage.reading import (
    STORAGE_FIELDS,
    gather_lun,
    gather_nfs,
    lun_look,
    nfs_look,
    share_of,
    wants,
    wwid_of,
)
from core.models.facts import FactMissing
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_STORAGE = "the pool's storage"
MIN_BYTES = 10 * 10**9  # 10 GB recommended (server-pools R042)


@shared.check(
    "storage.visible.all",
    rules=("R007",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="Every server reaches the pool file system's storage",
    why="the first server succeeds, later ones cannot join and fall back to Unassigned",
    fix="correct exports, zoning, LUN masking or the iSCSI access group, rescan, check again",
    source="server-pools R007 (Concepts 3.3, storage uniformity)",
    planes=("ssh",),
    touches=STORAGE_FIELDS,
)
def visible_all(ctx: Ctx) -> Finding:
    """Hit when a server is not shown the export, cannot mount it, or does not see the LUN."""
    if wants(ctx, "nfs"):
        return _nfs_visible(ctx)
    if wants(ctx, "lun"):
        return _lun_visible(ctx)
    return not_applicable("no pool file system is wanted that these servers could use")


def _nfs_visible(ctx: Ctx) -> Finding:
    share = share_of(ctx)
    wrong: dict[str, str] = {}
    gaps: dict[str, FactMissing] = {}
    for facts in ctx.servers:
        try:
            look = nfs_look(facts)
        except FactMissing as gap:
            gaps[facts.name] = gap
            continue
        if look.entries is not None:
            continue
        if look.is_exported is False:
            wrong[facts.name] = "the export is not in the list the NFS server shows"
        elif look.mount_error:
            wrong[facts.name] = look.mount_error
        elif look.answers is False:
            wrong[facts.name] = "the NFS server does not answer"
        else:
            gaps[facts.name] = FactMissing(_STORAGE, "the share could not be looked into")
    if wrong:
        fix = f"export {share} to {joined(wrong)} (rw, no_root_squash), open the NFS ports, check again"
        return bad(f"{share} is not reached: {said_by(wrong)}", fix=fix, servers=list(wrong))
    return _all_or_missing(ctx, gaps, f"{share} is reached by all servers")


def _lun_visible(ctx: Ctx) -> Finding:
    wwid = wwid_of(ctx)
    unseen: list[str] = []
    gaps: dict[str, FactMissing] = {}
    for facts in ctx.servers:
        try:
            if not lun_look(facts).is_seen:
                unseen.append(facts.name)
        except FactMissing as gap:
            gaps[facts.name] = gap
    if unseen:
        fix = f"present LUN {wwid} to {joined(unseen)} (zoning, masking, access group), rescan there, check again"
        return bad(f"LUN {wwid} is not seen by {joined(unseen)}", fix=fix, servers=unseen)
    return _all_or_missing(ctx, gaps, f"LUN {wwid} is seen by all servers")


def _all_or_missing(ctx: Ctx, gaps: dict[str, FactMissing], good: str) -> Finding:
    for name in ctx.spec.server_names:
        if name not in ctx.fleet.servers:
            gaps[name] = not_yet(_STORAGE)
    if gaps:
        raise lacking(_STORAGE, gaps)
    return ok(good)


@shared.check(
    "storage.size.minimum",
    rules=("R042",),
    scope=Scope.STORAGE,
    severity=Severity.WARNING,
    title="The pool file system has 10 GB or more",
    why="smaller ones work in labs, but nobody stands behind them",
    fix="enlarge the share or LUN to 10 GB or more",
    source="server-pools R042 (Getting Started 3.3, create server pool)",
    planes=("ssh", "manager"),
    leans_on=("storage.visible.all",),
    touches=STORAGE_FIELDS,
)
def size_minimum(ctx: Ctx) -> Finding:
    """Hit when the storage is smaller than 10 GB; one server's look is enough."""
    if wants(ctx, "nfs"):
        sizes, what = gather_nfs(ctx, lambda look: look.size_bytes, "size", "it was not shown"), share_of(ctx)
    elif wants(ctx, "lun"):
        sizes, what = gather_lun(ctx, lambda look: look.size_bytes, "size", "it was not shown"), wwid_of(ctx)
    else:
        return not_applicable("no pool file system is wanted that these servers could use")
    if not sizes.values:
        sizes.require_all()
    smallest = min(sizes.values.values())
    shown = f"{what} has {smallest / 10**9:.1f} GB"
    if smallest < MIN_BYTES:
        return bad(shown, fix=f"enlarge {what} to 10 GB or more")
    return ok(shown)
