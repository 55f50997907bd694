"""R028, R029: one processor vendor, one family and model. Only live migration depends on it; what it costs is named."""

from __future__ import annotations

from core.checks.reading import Ctx, gather, grouped, in_words, joined
from core.checks.registry import shared
from core.cpu.compat import Guest, groups, pair
from core.models.cpu import Arch, CpuProfile
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_SHOWN_PAIRS = 6


@shared.check(
    "pair.cpu.vendor",
    rules=("R028",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="One processor vendor",
    why="the pool can be made, but live migration, evacuation, DRS and DPM fail between the vendors",
    fix="make one pool for each vendor, or accept R028",
    source="server-pools R028, C02 (Getting Started 3.3, create server pool)",
    planes=("agent", "ssh", "manager"),
    needs=("pool.arch.same",),
    touches=("servers", "accept"),
    must_accept=True,
)
def cpu_vendor(ctx: Ctx) -> Finding:
    """Hit when the servers have processors of several vendors; needs an acceptance of R028."""
    gathered = gather(ctx, _vendor, "processor vendor")
    by_vendor = grouped(gathered.values)
    if len(by_vendor) > 1:
        few = min(by_vendor.values(), key=len)
        return bad(
            f"processors of several vendors: {in_words(by_vendor)}",
            fix=f"leave {joined(few)} out and make another pool of it, or accept R028 (`accept: [R028]`)",
            servers=list(gathered.values),
        )
    gathered.require_all()
    return ok(f"{next(iter(by_vendor))} on all servers")


@shared.check(
    "pair.cpu.model",
    rules=("R029",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="One processor family and model",
    why="Manager refuses live migration between its processor compatibility groups",
    fix="make one pool for each group, or live with cold moves between them",
    source="server-pools R029, C03, C04 (Concepts 3.4, CPU compatibility)",
    planes=("agent", "ssh", "manager"),
    needs=("pool.arch.same",),
    touches=("servers",),
)
def cpu_model(ctx: Ctx) -> Finding:
    """Hit when the servers fall into more than one default compatibility group."""
    gathered = gather(ctx, _keyed, "processor family and model")
    if all(profile.arch is Arch.SPARC for profile in gathered.values.values()) and gathered.values:
        return not_applicable("SPARC has no such groups; see the LDoms rules")
    found = groups(gathered.values)
    if len(found) > 1:
        shown = "; ".join(f"{group.name}: {joined(group.servers)}" for group in found)
        smallest = min(found, key=lambda group: len(group.servers))
        most = max(len(group.servers) for group in found)
        odd = [name for group in found if len(group.servers) < most for name in group.servers]
        return bad(
            f"{len(found)} processor groups: {shown}",
            fix=f"put {joined(smallest.servers)} into another pool, or accept cold moves between the groups",
            servers=odd or list(gathered.values),
        )
    gathered.require_all()
    return ok(f"all servers in {found[0].name}" if found else "one group")


@shared.check(
    "pair.cpu.features",
    rules=("R101",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="Guests can move both ways within a processor group",
    why="Manager lets such a guest move, and it fails or crashes where a feature is missing",
    fix="align BIOS settings and microcode, or make separate pools",
    source="server-pools R101, C06-C12",
    planes=("agent", "ssh"),
    needs=("pool.arch.same",),
    touches=("servers",),
)
def cpu_features(ctx: Ctx) -> Finding:
    """Hit for pairs of one group where a guest would lose features in one direction."""
    gathered = gather(ctx, _keyed, "processor family and model")
    profiles = {name: value for name, value in gathered.values.items() if value.flags}
    if len(ctx.spec.server_names) < 2:
        return not_applicable("one server has no peers")
    found: list[str] = []
    concerned: set[str] = set()
    for group in groups(profiles):
        for a in group.servers:
            for b in group.servers:
                cell = pair(profiles[a], profiles[b], Guest.PVHVM) if a != b else None
                if cell is not None and cell.missing:
                    rows, missing = "/".join(cell.rows), joined(cell.missing[:6])
                    found.append(f"{a} -> {b}: {cell.verdict.value} ({rows}; loses {missing})")
                    concerned |= {a, b}
    if found:
        more = f" and {len(found) - _SHOWN_PAIRS} more" if len(found) > _SHOWN_PAIRS else ""
        fix = f"align BIOS settings and microcode of {joined(sorted(concerned))}, or make separate pools"
        return bad("; ".join(found[:_SHOWN_PAIRS]) + more, fix=fix, servers=sorted(concerned))
    lacking = set(ctx.spec.server_names) - set(profiles)
    if lacking:
        names = sorted(lacking)
        reason = f"{joined(names)}: no list of features was seen"
        raise FactMissing("processor features", reason, servers=names)
    return ok("no direction loses a feature")


def _vendor(facts: ServerFacts) -> str:
    profile = known(facts.cpu, "processor")
    if profile.vendor is None:
        raise FactMissing("processor vendor", "the processor description names none")
    return profile.vendor


def _keyed(facts: ServerFacts) -> CpuProfile:
    profile = known(facts.cpu, "processor")
    if profile.key is None and profile.arch is not Arch.SPARC:
        raise FactMissing("processor family and model", "the processor description does not name them")
    return profile
