"""R010, R011, R012: the virtual IP is free, in the servers' subnet, and nobody else's."""

from __future__ import annotations

import ipaddress

from core.checks.reading import Ctx, Gathered, gather, grouped, joined, management_address, network_of
from core.checks.registry import shared, spec_value
from core.models.facts import Address, FactMissing, ServerFacts
from core.models.gaps import GapKind
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_FIX = "choose a spare address in {network} and reserve it"


def vip_of(ctx: Ctx) -> str | None:
    """The virtual IP of the spec, None when there is none or it is no IPv4 address (input.vip.sane says so)."""
    vip = spec_value(ctx.spec, "pool.virtual_ip")
    try:
        return str(ipaddress.IPv4Address(str(vip))) if vip else None
    except ValueError:
        return None


def _managed(ctx: Ctx) -> Gathered[Address]:
    return gather(ctx, management_address, "management network")


@shared.check(
    "network.vip.subnet",
    rules=("R011",),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="The virtual IP lies in the management subnet",
    why="creation is refused, or the address cannot be reached from elsewhere",
    fix="choose an address of the servers' management subnet",
    source="server-pools R011 (User's Guide 3.3, create server pool)",
    planes=("agent", "ssh"),
    needs=("input.vip.sane",),
    touches=("pool.virtual_ip", "servers"),
)
def vip_subnet(ctx: Ctx) -> Finding:
    """Hit when a server's management network does not hold the virtual IP."""
    vip = vip_of(ctx)
    if vip is None:
        return not_applicable("no virtual IP is given")
    gathered = _managed(ctx)
    networks = {name: network_of(address) for name, address in gathered.values.items()}
    outside = [name for name, network in networks.items() if ipaddress.IPv4Address(vip) not in network]
    if outside:
        shown = "; ".join(
            f"{joined(names)} in {network}"
            for network, names in grouped({n: networks[n] for n in outside}).items()
        )
        fix = _FIX.format(network=networks[outside[0]])
        return bad(f"{vip} lies outside: {shown}", fix=fix, servers=outside)
    gathered.require_all()
    return ok(f"{vip} lies in {joined(sorted({str(network) for network in networks.values()}))}")


@shared.check(
    "network.vip.clash",
    rules=("R012",),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="The virtual IP is no address of the network itself",
    why="the address belongs to a server, the gateway or the network itself",
    fix="choose a spare address in the servers' management subnet",
    source="server-pools R012",
    planes=("agent", "ssh", "manager"),
    needs=("input.vip.sane",),
    touches=("pool.virtual_ip", "servers"),
)
def vip_clash(ctx: Ctx) -> Finding:
    """Hit when the virtual IP is a server's own address, a gateway, or its network's first or last address."""
    vip = vip_of(ctx)
    if vip is None:
        return not_applicable("no virtual IP is given")
    gathered = _managed(ctx)
    for name, address in gathered.values.items():
        network = network_of(address)
        if vip in (str(network.network_address), str(network.broadcast_address)) and network.prefixlen < 31:
            which = "network" if vip == str(network.network_address) else "broadcast"
            return bad(
                f"{vip} is the {which} address of {network}", fix=_FIX.format(network=network), servers=[name]
            )
    for facts in ctx.servers:
        network_text = (
            str(network_of(gathered.values[facts.name])) if facts.name in gathered.values else "the subnet"
        )
        owned = {address.address for address in facts.addresses.value or ()} | {facts.address}
        if vip in owned:
            text = f"{facts.name} has {vip} itself"
            fix = f"choose another address in {network_text}, or take {vip} off {facts.name} (left by an old pool?)"
            return bad(text, fix=fix, servers=[facts.name])
        if vip == facts.default_gateway.value:
            return bad(f"{vip} is the gateway of {facts.name}", fix=_FIX.format(network=network_text))
    gathered.require_all()
    return ok(f"{vip} is no server's and no gateway's address")


@shared.check(
    "network.vip.unused",
    rules=("R010",),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="Nobody uses the virtual IP",
    why="two holders of one address: the master is reached now and then, or creation fails",
    fix="choose a spare address and reserve it",
    source="server-pools R010 (User's Guide 3.3, create server pool)",
    planes=("ssh",),
    needs=("input.vip.sane",),
    touches=("pool.virtual_ip", "ssh"),
)
def vip_unused(ctx: Ctx) -> Finding:
    """Hit when somebody answered ARP for the virtual IP; one server on its segment that heard nobody is proof."""
    vip = vip_of(ctx)
    if vip is None:
        return not_applicable("no virtual IP is given")
    asked = [facts for facts in ctx.servers if facts.vip_holder_mac.is_known]
    answered = [facts for facts in asked if facts.vip_holder_mac.value]
    if answered:
        mac = answered[0].vip_holder_mac.value or ""
        owner = _owner_of(ctx, mac)
        text = f"{vip} is in use: {mac}{f' ({owner})' if owner else ''} answered {joined(f.name for f in answered)}"
        network = _segment(answered[0])
        return bad(text, fix=_FIX.format(network=network), servers=[owner] if owner else ())
    if not asked:
        facts_by_server = {facts.name: facts.vip_holder_mac for facts in ctx.servers}
        first = next((fact.missing or "" for fact in facts_by_server.values()), "no server was looked at")
        gaps = [gap.on(name) for name, fact in facts_by_server.items() for gap in fact.why_missing]
        raise FactMissing(f"who holds {vip}", first, gaps, kind=GapKind.NOT_ASKED)
    return ok(f"nobody answered for {vip}; asked from {joined(facts.name for facts in asked)}")


def _owner_of(ctx: Ctx, mac: str) -> str:
    """The server of the spec that has this MAC, '' when none has."""
    for facts in ctx.servers:
        if any(interface.mac == mac for interface in facts.interfaces.value or ()):
            return facts.name
    return ""


def _segment(facts: ServerFacts) -> str:
    try:
        return str(network_of(management_address(facts)))
    except FactMissing:
        return "the management subnet"
