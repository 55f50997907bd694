"""R002, R022, R023, R073: the LUN is shared, the same everywhere, carries nothing and is used by nobody.

What lies there is told by the LUN's own first bytes where these could be read, by a server's tools otherwise.
"""

from __future__ import annotations

from core.checks.reading import Ctx, grouped, in_words, joined, said_by
from core.checks.registry import shared
from core.checks.storage.reading import STORAGE_FIELDS, gather_lun, lun_look, wants, wwid_of
from core.facts.looks import LunLook
from core.models.facts import FactMissing, ServerFacts
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_NOT_LUN = "the pool file system is on no LUN that these servers could use"


@shared.check(
    "storage.lun.clean",
    rules=("R002",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The LUN carries no earlier volume",
    why="another pool may live there; mkfs and mount refuse, or its data is destroyed",
    fix="take another LUN; whose data lies on this one must be settled before it is cleared",
    source="server-pools R002, 7e",
    planes=("ssh",),
    needs=("storage.visible.all",),
    acceptable=False,
    touches=STORAGE_FIELDS,
)
def lun_clean(ctx: Ctx) -> Finding:
    """Hit when OCFS2, LVM, a partition table or any other signature lies on it; never accepted or waived."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    wwid = wwid_of(ctx)
    looks = gather_lun(ctx, lambda look: look.signatures, "content of the LUN", "it could not be looked at")
    found = sorted({text for one in looks.values.values() for text in one})
    if found:
        return bad(
            f"LUN {wwid} carries {joined(found)}{_whose(ctx)}",
            fix=f"take another LUN; whose data lies on {wwid} must be settled before it is cleared: no server of any "
            "Manager may use it (mounted.ocfs2 -f)",
        )
    if not looks.values:
        looks.require_all()
    return ok(f"no signature on LUN {wwid}; seen from {joined(looks.values)}")


def _whose(ctx: Ctx) -> str:
    """' of cluster X, label L, uuid U; nodes 0, 1 are alive': what the servers read of the volume, "" without any."""
    looks = [look for facts in ctx.servers if (look := _known_look(facts)) is not None]
    clusters = {look.cluster for look in looks} - {""}
    volumes = [look.volume for look in looks if look.volume is not None]
    ids = sorted({look.content_id for look in looks} - {""})
    labels = sorted({volume.label for volume in volumes} - {"", *clusters})
    alive = sorted({str(node) for volume in volumes for node in volume.alive})
    return (
        (f" of cluster {joined(sorted(clusters))}" if clusters else "")
        + (f", label {joined(labels)}" if labels else "")
        + (f", uuid {joined(ids)}" if ids else "")
        + (f"; its heart beats now (node {joined(alive)})" if alive else "")
    )


def _known_look(facts: ServerFacts) -> LunLook | None:
    try:
        return lun_look(facts)
    except FactMissing:
        return None


@shared.check(
    "storage.lun.blank",
    rules=("R002",),
    scope=Scope.STORAGE,
    severity=Severity.WARNING,
    title="The LUN's first bytes are empty",
    why="a raw disk of a database, an encrypted or a damaged volume has no signature, and mkfs destroys it too",
    fix="find out whose LUN this is; take another one until its owner has emptied it",
    source="server-pools R002; what counts as empty is poolwright's",
    planes=("ssh",),
    needs=("storage.visible.all",),
    must_accept=True,
    unknown_severity=Severity.INFO,
    touches=STORAGE_FIELDS,
)
def lun_blank(ctx: Ctx) -> Finding:
    """Hit by bytes that no parser and no tool knows; what is recognised is told by storage.lun.clean."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    wwid = wwid_of(ctx)
    looks = gather_lun(
        ctx,
        lambda look: True if look.signatures else look.is_blank,
        "first bytes of the LUN",
        "they could not be read",
    )
    unknown = [name for name, is_told in looks.values.items() if not is_told]
    if unknown:
        return bad(
            f"LUN {wwid} is not empty, and nothing that is known here lies on it; seen from {joined(unknown)}",
            fix=f"find out whose data lies on {wwid} before anything is made there; an empty one begins with 2 MB of "
            "zeros",
        )
    if not looks.values:
        looks.require_all()
    return ok(f"nothing unknown in the first bytes of LUN {wwid}")


@shared.check(
    "storage.lun.free",
    rules=("R073",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="No server uses the LUN",
    why="`is apparently in use by the system; will not make a ocfs2 volume here!`, or somebody's data is lost",
    fix="unmount it, take it out of LVM, device-mapper and swap on every server",
    source="server-pools R073",
    planes=("ssh",),
    needs=("storage.visible.all",),
    acceptable=False,
    touches=STORAGE_FIELDS,
)
def lun_free(ctx: Ctx) -> Finding:
    """Hit when a server has it mounted, in LVM, below another device or as swap; never accepted or waived."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    wwid = wwid_of(ctx)
    looks = gather_lun(ctx, lambda look: look.holders, "users of the LUN", "they could not be looked at")
    used = {name: joined(holders) for name, holders in looks.values.items() if holders}
    if used:
        fix = f"on {joined(used)}, unmount LUN {wwid} or take it out of LVM, device-mapper and swap"
        return bad(f"LUN {wwid} is in use: {said_by(used)}", fix=fix, servers=list(used))
    looks.require_all()
    return ok(f"no server uses LUN {wwid}")


@shared.check(
    "storage.lun.shared",
    rules=("R022",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="The LUN is no local disk",
    why="a local disk is refused, or only one server can join",
    fix="take a shared LUN",
    source="server-pools R022 (CLI 3.2, create ServerPool)",
    planes=("ssh", "agent", "manager"),
    needs=("storage.visible.all",),
    touches=STORAGE_FIELDS,
)
def lun_shared(ctx: Ctx) -> Finding:
    """Hit when a server says it is a local disk; one WWID on several servers is shared by its nature."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    wwid = wwid_of(ctx)
    local: list[str] = []
    seen: list[str] = []
    remote: list[str] = []
    for facts in ctx.servers:
        try:
            look = lun_look(facts)
        except FactMissing:
            continue
        if look.is_seen:
            seen.append(facts.name)
        if look.is_local is not None:
            (local if look.is_local else remote).append(facts.name)
    if local:
        fix = f"take a LUN that all servers share instead of {wwid}"
        return bad(f"{wwid} is a local disk of {joined(local)}", fix=fix, servers=local)
    if len(seen) > 1:
        return ok(f"seen by {joined(seen)}")
    if remote:
        return ok(f"{joined(remote)} sees it over a storage network")
    raise FactMissing("kind of the disk", "not enough servers saw it to tell")


@shared.check(
    "storage.lun.same",
    rules=("R023",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="The LUN is one and the same on all servers",
    why="the joining server cannot find the heartbeat region; an id that means two LUNs is masking gone wrong",
    fix="correct masking, rescan on every server",
    source="server-pools R023 (Concepts 3.3, multipath)",
    planes=("ssh",),
    needs=("storage.visible.all",),
    touches=STORAGE_FIELDS,
)
def lun_same(ctx: Ctx) -> Finding:
    """Hit when servers see different sizes, or different volumes, behind one WWID."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    sizes = gather_lun(ctx, lambda look: look.size_bytes, "size of the LUN", "it was not shown")
    groups = grouped(sizes.values)
    if len(groups) > 1:
        shown = "; ".join(f"{size / 10**9:.1f} GB on {joined(names)}" for size, names in groups.items())
        fix = f"correct the masking of {wwid_of(ctx)}, rescan on every server, check again"
        return bad(shown, fix=fix, servers=list(sizes.values))
    volumes = gather_lun(ctx, lambda look: look.content_id or None, "uuid on the LUN", "there is none")
    others = grouped(volumes.values)
    if len(others) > 1:
        fix = f"correct the masking of {wwid_of(ctx)}: one WWID leads to two LUNs; rescan on every server"
        return bad(f"different volumes: {in_words(others)}", fix=fix, servers=list(volumes.values))
    sizes.require_all()
    return ok(f"{next(iter(groups)) / 10**9:.1f} GB on all servers")
