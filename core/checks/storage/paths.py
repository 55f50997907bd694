"""R045, R065-R071, R075, R076: paths to the storage, and how long it may take to fail over."""

from __future__ import annotations

from functools import partial

from core.checks.pair.duplicates import is_iscsi
from core.checks.pair.equal import Equal
from core.checks.reading import Ctx, gather, gather_fact, grouped, in_words, joined
from core.checks.registry import shared, spec_value
from core.checks.storage.reading import STORAGE_FIELDS, gather_lun, gather_nfs, share_of, wants, wwid_of
from core.facts.storage import normal_wwid
from core.models.facts import FactMissing, MultipathMap, MultipathSettings, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_check = partial(shared.check, scope=Scope.STORAGE, planes=("ssh",), touches=STORAGE_FIELDS)
_NOT_LUN = "the pool file system is on no LUN that these servers could use"
SHORT_S, USUAL_S = 60, 120  # R045: some arrays ask for 128 s; 120 s is the default


def _no_lun(ctx: Ctx) -> str:
    return "" if wants(ctx, "lun") else _NOT_LUN


def settings(facts: ServerFacts) -> MultipathSettings:
    """multipath.conf; FactMissing when it was not read or is not there."""
    return known(facts.multipath_settings, "multipath.conf")


def map_of(facts: ServerFacts, wwid: str) -> MultipathMap:
    """The server's multipath map of a LUN; FactMissing when it has none."""
    for one in known(facts.multipath, "multipath maps"):
        if normal_wwid(one.wwid) == normal_wwid(wwid):
            return one
    raise FactMissing("multipath maps", f"none of {facts.name} is of LUN {wwid}")


Equal(
    "pair.multipath.conf",
    "multipath.conf",
    lambda facts: settings(facts).digest,
    Severity.WARNING,
    title="One multipath.conf on all servers",
    why="devices are handled differently; one server loses paths that the others keep",
    fix="copy /etc/multipath.conf of {most} to {few}, `service multipathd reload`",
    source="server-pools R065 (Administrator's Guide 3.4, multipath)",
    planes=("ssh",),
    rules=("R065",),
    x86_only=True,
    when=_no_lun,
    touches=STORAGE_FIELDS,
).register(shared)


@_check(
    "storage.multipath.names",
    rules=("R066",),
    severity=Severity.BLOCKER,
    title="Disks are named by their WWID",
    why="as `mpathN` they have other names on every server",
    fix="set `user_friendly_names no`",
    source="server-pools R066 (Administrator's Guide 3.4, multipath)",
    unknown_severity=Severity.WARNING,
)
def multipath_names(ctx: Ctx) -> Finding:
    """Hit when user_friendly_names is on; not set at all is a warning, since some releases default to yes."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    found = gather(ctx, lambda facts: settings(facts).has_friendly_names, "multipath.conf")
    friendly = [name for name, value in found.values.items() if value]
    unset = [name for name, value in found.values.items() if value is None]
    wrong = friendly or unset
    if wrong:
        fix = f"on {joined(wrong)}, set `user_friendly_names no` in /etc/multipath.conf, reload multipathd, rescan"
        how = "on" if friendly else "not set"
        severity = None if friendly else Severity.WARNING
        return bad(
            f"user_friendly_names is {how} on {joined(wrong)}", fix=fix, servers=wrong, severity=severity
        )
    found.require_all()
    return ok("user_friendly_names is off everywhere")


@_check(
    "storage.multipath.sections",
    rules=("R067",),
    severity=Severity.WARNING,
    title="multipath.conf has no `multipaths` section and blacklists local disks",
    why="aliases are not supported, and local disks appear as shared ones",
    fix="remove the section, blacklist the system disks",
    source="server-pools R067 (Administrator's Guide 3.4, multipath)",
)
def multipath_sections(ctx: Ctx) -> Finding:
    """Hit for a multipaths section and for a missing blacklist."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    found = gather(ctx, settings, "multipath.conf")
    aliases = [name for name, one in found.values.items() if one.has_multipaths_section]
    bare = [name for name, one in found.values.items() if not one.has_blacklist]
    if aliases:
        fix = f"remove the `multipaths {{ }}` section from /etc/multipath.conf of {joined(aliases)}, reload"
        return bad(f"a multipaths section on {joined(aliases)}", fix=fix, servers=aliases)
    if bare:
        fix = f"blacklist the system disks in /etc/multipath.conf of {joined(bare)}, reload"
        return bad(f"no blacklist on {joined(bare)}", fix=fix, servers=bare)
    found.require_all()
    return ok("no multipaths section, local disks are blacklisted")


@_check(
    "storage.paths.two",
    rules=("R068",),
    severity=Severity.WARNING,
    title="Every server has two active paths to the LUN",
    why="the loss of one path restarts the server",
    fix="correct zoning and cabling",
    source="server-pools R068 (Concepts 3.3, multipath)",
    needs=("storage.visible.all",),
)
def paths_two(ctx: Ctx) -> Finding:
    """Hit under two active paths."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    found = gather(ctx, lambda facts: map_of(facts, wwid_of(ctx)), "multipath maps")
    few = {name: one.active for name, one in found.values.items() if one.active < 2}
    if few:
        fix = f"correct zoning, cabling or iSCSI portals of {joined(few)} for LUN {wwid_of(ctx)}, rescan"
        return bad(
            joined(f"{name} has {count} active paths" for name, count in few.items()),
            fix=fix,
            servers=list(few),
        )
    found.require_all()
    return ok(f"{min(one.active for one in found.values.values())} active paths or more everywhere")


@_check(
    "storage.paths.failed",
    rules=("R068",),
    severity=Severity.WARNING,
    title="No path to the LUN has failed, and all servers have equally many",
    why="a path that is gone already is missing when the next one fails",
    fix="mend the failed paths",
    source="server-pools R068",
    needs=("storage.visible.all",),
)
def paths_failed(ctx: Ctx) -> Finding:
    """Hit for failed paths and for different numbers of paths."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    found = gather(ctx, lambda facts: map_of(facts, wwid_of(ctx)), "multipath maps")
    failed = {name: one.paths - one.active for name, one in found.values.items() if one.active < one.paths}
    if failed:
        shown = joined(f"{name}: {count} failed" for name, count in failed.items())
        fix = f"see `multipath -ll` on {joined(failed)}; mend HBA, cable, switch or portal"
        return bad(shown, fix=fix, servers=list(failed))
    counts = grouped({name: one.paths for name, one in found.values.items()})
    if len(counts) > 1:
        fix = f"give all servers equally many paths to LUN {wwid_of(ctx)} (zoning, portals)"
        return bad(
            f"paths: {in_words(counts)}", fix=fix, servers=[n for names in counts.values() for n in names]
        )
    found.require_all()
    return ok(f"{next(iter(counts))} paths on every server")


@_check(
    "storage.lun.remapped",
    rules=("R069",),
    severity=Severity.WARNING,
    title="No LUN was exchanged under a running server",
    why="refreshing the storage hangs, or data of another LUN is seen",
    fix="unmap properly, rescan, refresh",
    source="server-pools R069 (bug 18421164; Concepts 3.3, storage guidelines)",
    needs=("storage.visible.all",),
)
def lun_remapped(ctx: Ctx) -> Finding:
    """Hit when the kernel noticed changed LUNs, or a map has another size than its device."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    lines = gather_fact(ctx, lambda facts: facts.kernel_trouble, "kernel log")
    changed = [
        name
        for name, told in lines.values.items()
        if any("LUN" in line and "changed" in line for line in told)
    ]
    if changed:
        fix = f"on {joined(changed)}: `iscsiadm -m node -R` or rescan the HBA, `multipath -r`, then refresh in Manager"
        return bad(f"LUN assignments changed under {joined(changed)}", fix=fix, servers=changed)
    lines.require_all()
    return ok("no kernel noticed changed LUNs")


@_check(
    "storage.lun.sas",
    rules=("R070",),
    severity=Severity.BLOCKER,
    title="The LUN is not shared SAS behind an expander",
    why="it is not supported as shared storage, and not offered",
    fix="use FC, iSCSI or NFS",
    source="server-pools R070 (bug 13409094)",
    unknown_severity=Severity.WARNING,
    needs=("storage.visible.all",),
)
def lun_sas(ctx: Ctx) -> Finding:
    """Hit where a server has SAS expanders and the wanted LUN is neither FC nor iSCSI by its paths."""
    if not wants(ctx, "lun"):
        return not_applicable(_NOT_LUN)
    found = gather_fact(ctx, lambda facts: facts.sas_expanders, "SAS expanders")
    local = gather_lun(ctx, lambda look: look.is_local, "kind of the disk", "it was not told")
    wrong = [
        name for name, expanders in found.values.items() if expanders and local.values.get(name) is not False
    ]
    if wrong:
        fix = f"use an FC or iSCSI LUN, or NFS, instead of {wwid_of(ctx)}"
        return bad(
            f"{joined(wrong)}: SAS expanders, and {wwid_of(ctx)} may stand behind one", fix=fix, servers=wrong
        )
    found.require_all()
    return ok("no SAS expander in the way")


@_check(
    "storage.iscsi.sessions",
    rules=("R071",),
    severity=Severity.BLOCKER,
    title="Every server has a session with the iSCSI portal, or can reach it",
    why="the LUN is missing on some servers",
    fix="open TCP 3260 and put every initiator into the array's access group",
    source="server-pools R071",
    unknown_severity=Severity.WARNING,
)
def iscsi_sessions(ctx: Ctx) -> Finding:
    """Hit when a server has neither a session nor an open way to the portal."""
    if not wants(ctx, "lun") or not is_iscsi(ctx):
        return not_applicable("no iSCSI LUN is wanted")
    host = str(spec_value(ctx.spec, "pool.file_system.access_host") or "")
    port = int(spec_value(ctx.spec, "pool.file_system.access_port") or 3260)
    found = gather(ctx, lambda facts: _portal(facts, host, port), "iSCSI portal")
    wrong = {name: state for name, state in found.values.items() if state not in ("session", "open")}
    if wrong:
        fix = f"on {joined(wrong)}: open TCP {port} to {host}; on the array: add their initiators to the access group"
        shown = joined(f"{name}: {state}" for name, state in wrong.items())
        return bad(f"portal {host or '(not named)'}: {shown}", fix=fix, servers=list(wrong))
    found.require_all()
    return ok("every server reaches the portal")


def _portal(facts: ServerFacts, host: str, port: int) -> str:
    sessions = known(facts.iscsi_sessions, "iSCSI sessions")
    if any(not host or one.startswith(f"{host}:") for one in sessions):
        return "session"
    reached = known(facts.ports_reached, "the way to the portal").get(f"{host}:{port}") if host else None
    return reached or "no session"


@_check(
    "storage.failover.timeout",
    rules=("R045",),
    severity=Severity.WARNING,
    title="The cluster timeout outlasts a failover of the storage",
    why="every server restarts when a controller or path fails over; a later change costs an outage",
    fix="give pool.timeout_s 120 or more, and more than the array's own failover time",
    source="server-pools R045 (MOS 2217229.1; vendors ask for up to 128 s)",
)
def failover_timeout(ctx: Ctx) -> Finding:
    """Hit under 60 s (warning) and under the usual 120 s (information)."""
    if not wants(ctx, "nfs") and not wants(ctx, "lun"):
        return not_applicable("no pool file system is wanted")
    timeout_s = int(spec_value(ctx.spec, "pool.timeout_s") or 0)
    if timeout_s < USUAL_S:
        severity = None if timeout_s < SHORT_S else Severity.INFO
        fix = "give pool.timeout_s 120, or prove that the storage fails over in less"
        return bad(f"{timeout_s} s is less than many arrays take to fail over", fix=fix, severity=severity)
    return ok(f"{timeout_s} s; compare it with the failover time that the storage's vendor names")


@_check(
    "storage.nfs.reach",
    rules=("R075",),
    severity=Severity.BLOCKER,
    title="Every server reaches the NFS server",
    why="the mount hangs, and with it the server's agent",
    fix="open TCP 2049 (and 111, mountd for v3)",
    source="server-pools R075",
    unknown_severity=Severity.WARNING,
)
def nfs_reach(ctx: Ctx) -> Finding:
    """Hit when TCP 2049 is not open from a server; a closed 111 is a warning (v3 alone needs it)."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    host = str(spec_value(ctx.spec, "pool.file_system.server"))
    found = gather(ctx, lambda facts: _ways(facts, host), "the way to the NFS server")
    closed = {name: ways[0] for name, ways in found.values.items() if ways[0] != "open"}
    if closed:
        fix = f"open TCP 2049 from {joined(closed)} to {host} (route, firewall, NFS service)"
        shown = joined(f"{name}: {state}" for name, state in closed.items())
        return bad(f"TCP 2049 of {host}: {shown}", fix=fix, servers=list(closed))
    no_rpc = [name for name, ways in found.values.items() if ways[1] not in ("open", "")]
    if no_rpc and not _has_v4_only(ctx):
        fix = f"open TCP 111 and mountd of {host} to {joined(no_rpc)}, or use NFSv4 throughout"
        return bad(
            f"TCP 111 of {host} is closed to {joined(no_rpc)}",
            fix=fix,
            servers=no_rpc,
            severity=Severity.WARNING,
        )
    found.require_all()
    return ok(f"TCP 2049 of {host} is open to all servers")


def _ways(facts: ServerFacts, host: str) -> tuple[str, str]:
    reached = known(facts.ports_reached, "the way to the NFS server")
    state = reached.get(f"{host}:2049")
    if state is None or state == "unknown":
        raise FactMissing("the way to the NFS server", "it could not be tried")
    return state, reached.get(f"{host}:111", "")


def _has_v4_only(ctx: Ctx) -> bool:
    looks = gather_nfs(ctx, lambda look: look.versions, "NFS versions", "")
    return bool(looks.values) and all(3 not in versions for versions in looks.values.values())


@_check(
    "storage.nfs.version",
    rules=("R076",),
    severity=Severity.INFO,
    title="The NFS server offers version 3",
    why="a pool file system over v3 is the well-trodden way on x86; v4 alone is untested",
    fix="enable version 3 on the NFS server, or use a LUN",
    source="server-pools R076",
)
def nfs_version(ctx: Ctx) -> Finding:
    """Hit when x86 servers are offered no version 3."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.versions, "NFS versions", "the NFS server did not tell them")
    without = [name for name, versions in looks.values.items() if 3 not in versions]
    if without:
        fix = f"enable version 3 for {share_of(ctx)}, or use a LUN"
        return bad(f"{joined(without)} are offered no version 3 of {share_of(ctx)}", fix=fix, servers=without)
    looks.require_all()
    return ok("version 3 is offered")


@_check(
    "storage.nfs.same",
    severity=Severity.BLOCKER,
    title="The share is the same one on every server",
    why="behind one name lie two file systems: each half of the pool heartbeats to itself",
    fix="correct DNS, the export or its cluster's replication",
    source="practice; server-pools R007, R077",
    needs=("storage.visible.all",),
    unknown_severity=Severity.WARNING,
)
def nfs_same(ctx: Ctx) -> Finding:
    """Hit when servers see another size or other names in the share."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    sizes = gather_nfs(ctx, lambda look: look.size_bytes, "size", "it was not shown")
    names = gather_nfs(ctx, lambda look: look.entries, "content of the share", "it could not be looked into")
    by_size = grouped({name: f"{size / 10**9:.1f} GB" for name, size in sizes.values.items()})
    by_names = grouped({name: tuple(sorted(entries)) for name, entries in names.values.items()})
    if len(by_size) > 1 or len(by_names) > 1:
        shown = in_words(by_size) if len(by_size) > 1 else "different names lie in it"
        fix = f"find out what {share_of(ctx)} leads to on {joined(sizes.values or names.values)} (getent, mount, ls)"
        return bad(
            f"{share_of(ctx)} is not one share: {shown}", fix=fix, servers=list(sizes.values or names.values)
        )
    sizes.require_all()
    return ok("one size and one content on all servers")


@_check(
    "storage.nfs.space",
    severity=Severity.WARNING,
    title="The share has room for the pool's image",
    why="the image of the pool file system (about 10 GB) cannot be written in full",
    fix="free space on the share",
    source="practice; server-pools R042",
    needs=("storage.visible.all",),
)
def nfs_space(ctx: Ctx) -> Finding:
    """Hit under 10 GB free where the share itself is large enough."""
    if not wants(ctx, "nfs"):
        return not_applicable("the pool file system is not on NFS")
    looks = gather_nfs(ctx, lambda look: look.free_bytes, "free space", "it was not shown")
    if not looks.values:
        looks.require_all()
    smallest = min(looks.values.values())
    if smallest < 10 * 10**9:
        return bad(
            f"{share_of(ctx)} has {smallest / 10**9:.1f} GB left", fix=f"free space on {share_of(ctx)}"
        )
    return ok(f"{smallest / 10**9:.1f} GB left")
