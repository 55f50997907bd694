"""R124-R130: what SPARC servers need and cannot do."""

from __future__ import annotations

import re
from functools import partial

from core.checks.reading import Gathered, gather, grouped, in_words, joined
from core.checks.storage.reading import gather_nfs
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, ovm, server
from core.text import inert


def is_sparc(facts: ServerFacts) -> bool:
    """Whether this is a SPARC server; FactMissing when its architecture is not known."""
    arch = known(facts.cpu, "processor").arch
    if arch is Arch.UNKNOWN:
        raise FactMissing("processor architecture", "the processor description does not name it")
    return arch is Arch.SPARC


def sparc_servers(ctx: Ctx) -> Gathered[bool]:
    return gather(ctx, is_sparc, "processor architecture")


@ovm.check(
    "storage.sparc.nfs",
    rules=("R124",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="A pool of SPARC servers keeps its pool file system on NFS",
    why="SPARC clusters have no OCFS2: a LUN is refused",
    fix="choose an NFS export as pool file system",
    source="server-pools R124 (Concepts 3.3, create server pool)",
    planes=("agent", "ssh", "manager"),
    touches=("pool.file_system", "pool.clustered", "servers"),
)
def sparc_nfs(ctx: Ctx) -> Finding:
    """Hit when a LUN is wanted for SPARC servers."""
    lun = ctx.spec.pool.file_system
    if not ctx.spec.pool.clustered or lun is None or lun.kind != "lun":
        return not_applicable("no LUN is wanted")
    gathered = sparc_servers(ctx)
    sparc = [name for name, value in gathered.values.items() if value]
    if sparc:
        fix = "choose an NFS export (NFSv4) as pool.file_system"
        return bad(
            f"{joined(sparc)} {_are(sparc)} SPARC; the pool file system is a LUN", fix=fix, servers=sparc
        )
    gathered.require_all()
    return ok("no SPARC server")


@ovm.check(
    "input.timeout.sparc",
    rules=("R129",),
    scope=Scope.INPUT,
    severity=Severity.INFO,
    title="SPARC servers ignore the cluster timeout",
    why="the value given has no effect",
    fix="nothing to do",
    source="server-pools R129 (CLI 3.4, create ServerPool)",
    planes=("agent", "ssh", "manager"),
    touches=("pool.timeout_s", "servers"),
)
def sparc_timeout(ctx: Ctx) -> Finding:
    """Hit, as an information, when a timeout other than the default is given for SPARC servers."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no cluster timeout")
    gathered = sparc_servers(ctx)
    sparc = [name for name, value in gathered.values.items() if value]
    default_s = type(ctx.spec.pool).model_fields["timeout_s"].default
    if sparc and ctx.spec.pool.timeout_s != default_s:
        text = f"{joined(sparc)} will not use the {ctx.spec.pool.timeout_s} s given"
        return bad(text, fix="nothing to do; leave pool.timeout_s out", servers=sparc)
    gathered.require_all()
    return ok("SPARC, the default stands" if sparc else "no SPARC server")


_server = partial(
    ovm.check,
    scope=Scope.SERVER,
    per_server=True,
    planes=("ssh",),
    touches=("servers", "ssh", "pool.clustered"),
)


def _no_sparc_cluster(facts: ServerFacts, ctx: Ctx) -> str:
    if not ctx.spec.pool.clustered:
        return "an unclustered pool needs none of it"
    return "" if is_sparc(facts) else "only SPARC servers need it"


@_server(
    "server.dlm.package",
    rules=("R126",),
    severity=Severity.BLOCKER,
    title="SPARC: the DLM package is installed",
    why="without it there is no cluster",
    fix="install it from the `ovm` publisher",
    source="server-pools R126 (Concepts 3.3, SPARC clusters)",
    unknown_severity=Severity.WARNING,
)
def dlm_package(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when no DLM package is installed."""
    if reason := _no_sparc_cluster(facts, ctx):
        return not_applicable(reason)
    fact = server(facts).dlm_package
    if not fact.is_known:
        known(fact, "DLM package")
    if fact.value is None:
        fix = f"on {facts.name}: `pkg install dlm` from the ovm publisher, then restart ovs-agent"
        return bad(f"{facts.name} has no DLM package", fix=fix)
    return ok(inert(fact.value, 80))


@_server(
    "server.service.domains",
    rules=("R127",),
    severity=Severity.BLOCKER,
    title="SPARC: one service domain",
    why="more than one prevents clustering",
    fix="make an unclustered pool, or leave one service domain",
    source="server-pools R127 (Concepts 3.3, unclustered pools)",
    unknown_severity=Severity.WARNING,
)
def service_domains(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when more than one domain gives disk or network services."""
    if reason := _no_sparc_cluster(facts, ctx):
        return not_applicable(reason)
    domains = known(server(facts).service_domains, "service domains")
    if len(domains) > 1:
        fix = f"leave one service domain on {facts.name}, or set pool.clustered to false"
        return bad(f"{facts.name} has service domains {joined(inert(one, 40) for one in domains)}", fix=fix)
    return ok(joined(inert(one, 40) for one in domains) or "none")


@_server(
    "network.sparc.aggregation",
    rules=("R130",),
    severity=Severity.WARNING,
    title="SPARC: links are aggregated with LACP",
    why="bonds of other kinds do not exist there",
    fix="use a link aggregation with LACP",
    source="server-pools R130 (Concepts 3.4, bonding)",
)
def sparc_aggregation(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for aggregations without LACP; not applicable without any."""
    if not is_sparc(facts):
        return not_applicable("only SPARC servers have them")
    found = known(facts.bonds, "link aggregations")
    off = [one.name for one in found if one.mode != 4]
    if off:
        fix = f"on {facts.name}: `dladm modify-aggr -L active {inert(off[0], 40)}`, and LACP on the switch"
        return bad(f"{joined(inert(name, 40) for name in off)} of {facts.name} run without LACP", fix=fix)
    if not found:
        return not_applicable(f"{facts.name} has no aggregation")
    return ok(joined(one.name for one in found))


@ovm.check(
    "storage.sparc.nfsv4",
    rules=("R125",),
    scope=Scope.STORAGE,
    severity=Severity.BLOCKER,
    title="SPARC: the NFS server offers version 4",
    why="version 3 locks block the recovery of the cluster; `PROGRAM/VERSION MISMATCH`",
    fix="`sharectl set -p server_versmin=4 nfs`, `sharectl set -p server_delegation=off nfs`",
    source="server-pools R125 (bugs 20443098, 18997487)",
    planes=("ssh",),
    touches=("pool.file_system", "pool.clustered", "servers", "ssh"),
    unknown_severity=Severity.WARNING,
)
def sparc_nfsv4(ctx: Ctx) -> Finding:
    """Hit when SPARC servers are offered no version 4."""
    storage = ctx.spec.pool.file_system
    if not ctx.spec.pool.clustered or storage is None or storage.kind != "nfs":
        return not_applicable("no NFS share is wanted")
    arch = sparc_servers(ctx)
    if not any(arch.values.values()):
        arch.require_all()
        return not_applicable("no SPARC server")
    looks = gather_nfs(ctx, lambda look: look.versions, "NFS versions", "the NFS server did not tell them")
    without = [name for name, versions in looks.values.items() if 4 not in versions and arch.values.get(name)]
    if without:
        fix = f"on {storage.server}: `sharectl set -p server_versmin=4 nfs` and `server_delegation=off`, or its like"
        return bad(
            f"{joined(without)} are offered no version 4 by {storage.server}", fix=fix, servers=without
        )
    looks.require_all()
    return ok("version 4 is offered; see that delegation is off on the NFS server")


@ovm.check(
    "pair.ldoms.same",
    rules=("R128",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="SPARC: one version of Logical Domains Manager",
    why="live migration needs the same or a neighbouring version",
    fix="update the older servers",
    source="server-pools R128 (LDoms, version restrictions for migration)",
    planes=("ssh",),
    touches=("servers", "ssh"),
)
def ldoms_same(ctx: Ctx) -> Finding:
    """Hit for different major and minor versions, and for processors of the T2/T3 and of later generations together."""
    arch = sparc_servers(ctx)
    sparc = [name for name, value in arch.values.items() if value]
    if not sparc:
        arch.require_all()
        return not_applicable("no SPARC server")
    if len(sparc) < 2:
        return not_applicable("one server has no peers")
    found = gather(
        ctx, lambda facts: known(server(facts).ldoms_version, "version of LDoms Manager"), "LDoms Manager"
    )
    groups = grouped({name: ".".join(text.split(".")[:2]) for name, text in found.values.items()})
    if len(groups) > 1:
        few = min(groups.values(), key=len)
        return bad(
            f"LDoms Manager {in_words(groups)}", fix=f"update LDoms Manager on {joined(few)}", servers=few
        )
    old = {name: bool(_OLD_CORES.search(_model(ctx, name))) for name in sparc}
    if len(set(old.values())) > 1:
        few = [name for name, is_old in old.items() if is_old]
        text = (
            f"{joined(few)} have T2 or T3 processors, the others later ones: no live migration between them"
        )
        return bad(
            text,
            fix=f"give {joined(few)} a pool of their own, or set cpu-arch generic on the guests",
            servers=few,
        )
    found.require_all()
    return ok(f"LDoms Manager {next(iter(groups))} on all servers")


_OLD_CORES = re.compile(r"\bT[23]\+?(?!\w)", re.IGNORECASE)


def _model(ctx: Ctx, name: str) -> str:
    cpu = ctx.fleet.servers[name].cpu.value
    return (cpu.model_name or "") if cpu is not None else ""


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
