"""R061, R105, R106: how many servers, how much they can take over, how fast they count."""

from __future__ import annotations

from core.checks.reading import Ctx, gather, gather_fact, joined
from core.checks.registry import shared, spec_value
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

CLOSE_PCT = 1.0  # C13: calibration noise


@shared.check(
    "pool.servers.count",
    rules=("R061",),
    scope=Scope.POOL,
    severity=Severity.WARNING,
    title="Three servers or more",
    why="of two, the half with the lowest node number survives a network split and the other restarts",
    fix="name three or more servers, best an odd number",
    source="server-pools R061 (Concepts 3.3, HA; fs/ocfs2/cluster/quorum.c)",
    planes=("input",),
    spec_only=True,
    touches=("servers", "pool.clustered"),
)
def servers_count(ctx: Ctx) -> Finding:
    """Hit for two servers of a clustered pool; one is an information."""
    if spec_value(ctx.spec, "pool.clustered") is False:
        return not_applicable("an unclustered pool has no votes")
    count = len(set(ctx.spec.server_names))
    if count == 1:
        text = "one server: nothing can be restarted or moved elsewhere"
        return bad(text, fix="name a second and third server, now or later", severity=Severity.INFO)
    if count == 2:
        text = f"two servers: on a network split one of {joined(ctx.spec.server_names)} restarts, with all its guests"
        return bad(text, fix="name a third server, or know that split")
    return ok(f"{count} servers")


@shared.check(
    "pool.memory.headroom",
    rules=("R106",),
    scope=Scope.POOL,
    severity=Severity.INFO,
    title="The pool survives the loss of its largest server",
    why="guests of that server cannot all be restarted or evacuated",
    fix="add memory to the others, or keep that much free",
    source="server-pools R106",
    planes=("agent", "ssh"),
    touches=("servers",),
)
def memory_headroom(ctx: Ctx) -> Finding:
    """Hit when one server has more memory than all others together."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    sizes = gather_fact(ctx, lambda facts: facts.memory_mib, "memory").require_all()
    largest = max(sizes, key=lambda name: sizes[name])
    rest = sum(sizes.values()) - sizes[largest]
    if sizes[largest] > rest:
        text = f"{largest} has {sizes[largest] // 1024} GiB, all others together {rest // 1024} GiB"
        fix = f"keep at most {rest // 1024} GiB of {largest} for guests that must survive it, or add memory elsewhere"
        return bad(text, fix=fix, servers=[largest])
    return ok(f"{rest // 1024} GiB remain without {largest}")


@shared.check(
    "pair.cpu.clock",
    rules=("R105",),
    scope=Scope.PAIR,
    severity=Severity.INFO,
    title="Processor clocks are close",
    why="after a move to another rate the hypervisor emulates the time stamp counter: right, but slower",
    fix="mind the guests' clock source",
    source="server-pools R105, C13, C14 (xen-tscmode)",
    planes=("agent", "ssh"),
    touches=("servers",),
)
def cpu_clock(ctx: Ctx) -> Finding:
    """Hit when the slowest and the fastest differ by more than 1 %."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    rates = gather(ctx, _khz, "processor clock").require_all()
    slow, fast = min(rates, key=lambda name: rates[name]), max(rates, key=lambda name: rates[name])
    apart_pct = 100.0 * (rates[fast] - rates[slow]) / rates[fast]
    if apart_pct > CLOSE_PCT:
        text = f"{slow} runs at {rates[slow] // 1000} MHz, {fast} at {rates[fast] // 1000} MHz ({apart_pct:.1f} %)"
        fix = f"set the guests' clock source with care where they move between {slow} and {fast}"
        return bad(text, fix=fix, servers=[slow, fast])
    return ok(f"{rates[slow] // 1000} MHz, {apart_pct:.1f} % apart")


def _khz(facts: ServerFacts) -> int:
    khz = known(facts.cpu, "processor").khz
    if not khz:
        raise FactMissing("processor clock", "the processor description does not tell it")
    return khz
