"""R124, R129: what SPARC servers cannot do."""

from __future__ import annotations

from core.checks.reading import Gathered, gather, joined
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, ovm


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


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
