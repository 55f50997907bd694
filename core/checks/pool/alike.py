"""R036 and the advice to take identical servers."""

from __future__ import annotations

from core.checks.reading import Ctx, gather, gather_fact, grouped, in_words, joined
from core.checks.registry import shared
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_CLOSE_PCT = 2  # firmware keeps a little more or less of the same memory


@shared.check(
    "pool.arch.same",
    rules=("R036",),
    scope=Scope.POOL,
    severity=Severity.BLOCKER,
    title="One processor architecture",
    why="x86 and SPARC servers run different hypervisors and cannot share a pool",
    fix="make one pool for each architecture",
    source="server-pools R036, C01",
    planes=("agent", "ssh", "manager"),
    acceptable=False,
    touches=("servers",),
)
def arch_same(ctx: Ctx) -> Finding:
    """Hit when x86 and SPARC servers are named together; never accepted."""
    gathered = gather(ctx, _arch, "processor architecture")
    by_arch = grouped(gathered.values)
    if len(by_arch) > 1:
        few = min(by_arch.values(), key=len)
        return bad(
            f"several architectures: {in_words(by_arch)}",
            fix=f"leave {joined(few)} out and make another pool of it",
            servers=list(gathered.values),
        )
    gathered.require_all()
    return ok(f"{next(iter(by_arch))} on all servers")


def _arch(facts: ServerFacts) -> str:
    arch = known(facts.cpu, "processor").arch
    if arch is Arch.UNKNOWN:
        raise FactMissing("processor architecture", "the processor description does not name it")
    return arch.value


@shared.check(
    "pool.servers.alike",
    scope=Scope.POOL,
    severity=Severity.INFO,
    title="Identical servers are recommended",
    why="a pool of unlike servers works; the smallest one decides what can be restarted or evacuated",
    fix="nothing to do, or use servers of one kind",
    source="Getting Started 3.3, create server pool: identical servers are recommended, not required",
    planes=("agent", "ssh"),
    touches=("servers",),
)
def servers_alike(ctx: Ctx) -> Finding:
    """Hit, as an information, when cores, memory or local disks differ; lists the differences."""
    if len(ctx.spec.server_names) < 2:
        return not_applicable("one server has no peers")
    cores = gather(ctx, _cores, "processor cores")
    memory = gather_fact(ctx, lambda facts: facts.memory_mib, "memory")
    disks = gather(ctx, _local_disks, "local disks")
    differences = []
    if len(by_cores := grouped(cores.values)) > 1:
        differences.append(f"cores: {in_words(by_cores)}")
    if memory.values and _spread_pct(memory.values) > _CLOSE_PCT:
        by_size = grouped({name: f"{round(mib / 1024)} GiB" for name, mib in memory.values.items()})
        differences.append(f"memory: {in_words(by_size)}")
    if len(by_disks := grouped(disks.values)) > 1:
        differences.append(f"local disks: {in_words(by_disks)}")
    if differences:
        return bad(
            "; ".join(differences),
            fix="nothing to do, or use servers of one kind",
            servers=list(cores.values),
        )
    cores.require_all()
    memory.require_all()
    seen = "cores, memory and local disks" if not disks.gaps else "cores and memory"
    return ok(f"the same {seen} on all servers")


def _cores(facts: ServerFacts) -> int:
    cpu = known(facts.cpu, "processor")
    if cpu.sockets and cpu.cores_per_socket:
        return cpu.sockets * cpu.cores_per_socket
    if cpu.logical_cpus:
        return cpu.logical_cpus
    raise FactMissing("processor cores", "their number was not seen")


def _local_disks(facts: ServerFacts) -> str:
    local = [disk for disk in known(facts.disks, "disks") if disk.is_local]
    sizes = sorted(round((disk.size_bytes or 0) / 10**9) for disk in local)
    return f"{len(local)} ({', '.join(f'{size} GB' for size in sizes)})" if local else "none"


def _spread_pct(values: dict[str, int]) -> float:
    largest = max(values.values())
    return 100.0 * (largest - min(values.values())) / largest if largest else 0.0
