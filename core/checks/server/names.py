"""R001: a server's own name leads to its management address."""

from __future__ import annotations

import ipaddress

from core.checks.reading import Ctx, is_ipv4, joined, short
from core.checks.registry import shared
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, ok


@shared.check(
    "server.hostname.loopback",
    rules=("R001",),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The server's own name leads to its management address",
    why="create_server_pool fails with `Invalid hostname resolution: <host> -> 127.0.0.1`",
    fix="take the host name off the loopback line of /etc/hosts and give it the management address",
    source="server-pools R001, agent-rpc 6.2",
    planes=("ssh",),
    per_server=True,
    touches=("servers", "ssh"),
)
def hostname_loopback(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the own name means a loopback address, nothing, or another address than the managed one."""
    if is_ipv4(facts.address) and ipaddress.IPv4Address(facts.address).is_loopback:
        return bad(
            f"{facts.name} is named by the loopback address {facts.address}",
            fix="name the server by its management address",
        )
    addresses = known(facts.own_name_addresses, "what its own name means to the server")
    host = facts.hostname.value or facts.name
    fix = _fix(facts, host)
    on_loopback = [name for name in facts.loopback_names.value or () if short(name) == short(host)]
    if on_loopback:
        return bad(f"/etc/hosts of {facts.name} has {joined(on_loopback)} on a loopback line", fix=fix)
    loopback = [address for address in addresses if ipaddress.ip_address(address).is_loopback]
    if loopback:
        return bad(f"on {facts.name}, {host} -> {joined(loopback)}", fix=fix)
    if not addresses:
        return bad(f"on {facts.name}, {host} resolves to nothing", fix=fix)
    return _is_managed_one(facts, host, addresses, fix)


def _is_managed_one(facts: ServerFacts, host: str, addresses: tuple[str, ...], fix: str) -> Finding:
    if is_ipv4(facts.address):
        if facts.address in addresses:
            return ok(f"{host} -> {facts.address}")
        return bad(f"on {facts.name}, {host} -> {joined(addresses)}, not {facts.address}", fix=fix)
    own = {address.address for address in known(facts.addresses, "network addresses")}
    strangers = [address for address in addresses if address not in own]
    if strangers:
        return bad(f"on {facts.name}, {host} -> {joined(strangers)}, which it does not have", fix=fix)
    if not own:
        raise FactMissing("network addresses", "the server showed none")
    return ok(f"{host} -> {joined(addresses)}")


def _fix(facts: ServerFacts, host: str) -> str:
    address = facts.address if is_ipv4(facts.address) else "<its management address>"
    return (
        f"on {facts.name}, edit /etc/hosts: take {short(host)} off the 127.0.0.1 and ::1 lines "
        f"and add `{address} {host}` (full and short name), or correct DNS"
    )
