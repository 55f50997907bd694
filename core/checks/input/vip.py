"""R012, the part that the spec alone tells: what no virtual IP can be."""

from __future__ import annotations

import ipaddress

from core.checks.reading import Ctx
from core.checks.registry import shared, spec_value
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok


@shared.check(
    "input.vip.sane",
    rules=("R012",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The virtual IP can be one",
    why="an address that belongs to something else, or to nothing that can be reached, breaks the pool's master",
    fix="choose a spare IPv4 address in the servers' management subnet",
    source="server-pools R012 (Getting Started 3.3, create server pool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.virtual_ip", "servers", "manager.host"),
)
def vip_sane(ctx: Ctx) -> Finding:
    """Hit for IPv6, loopback, link-local, multicast, 0.0.0.0, a broadcast, a server's or the controller's address."""
    vip = spec_value(ctx.spec, "pool.virtual_ip")
    if not vip:
        return not_applicable("no virtual IP is given")
    why = _why_not(str(vip))
    fix = "choose a spare IPv4 address in the servers' management subnet"
    if why:
        return bad(f"{vip} {why}", fix=fix)
    if vip in ctx.spec.server_names:
        return bad(f"{vip} is the address of server {vip}", fix=fix, servers=(str(vip),))
    if vip == spec_value(ctx.spec, "manager.host"):
        return bad(f"{vip} is the address of Manager", fix=fix)
    return ok(f"{vip} is an ordinary IPv4 address")


def _why_not(text: str) -> str:
    """Why a text cannot be a virtual IP, '' when it can."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "is no IPv4 address"
    if address.version != 4:
        return "is an IPv6 address"
    kinds = {
        "is 0.0.0.0": address.is_unspecified,
        "is a loopback address": address.is_loopback,
        "is a link-local address": address.is_link_local,
        "is a multicast address": address.is_multicast,
        "is reserved": address.is_reserved,
        "is the broadcast address": text == "255.255.255.255",
        "is in network 0.0.0.0/8": address in ipaddress.IPv4Network("0.0.0.0/8"),
    }
    return next((words for words, holds in kinds.items() if holds), "")
