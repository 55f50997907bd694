"""R055, R057, R058, R059 and host names: how a server is addressed and named."""

from __future__ import annotations

import re
from functools import partial

from core.checks.reading import Ctx, is_ipv4, joined, management_address, network_of, short
from core.checks.registry import shared, spec_value
from core.checks.server.host import is_sparc
from core.models.facts import FactMissing, Interface, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.text import inert

_check = partial(shared.check, scope=Scope.SERVER, per_server=True, touches=("servers", "ssh"))
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_MAX_NODE = 64  # O2NM_MAX_NAME_LEN of fs/ocfs2/cluster


@_check(
    "server.hostname.valid",
    severity=Severity.BLOCKER,
    title="The host name can be a node's name",
    why="localhost, a name with odd characters or one that is too long cannot name a node of the cluster",
    fix="give the server a proper host name before it is discovered",
    source="practice; RFC 1123; server-pools R015",
    planes=("agent", "ssh"),
    unknown_severity=Severity.WARNING,
)
def hostname_valid(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for localhost, an address as a name, and labels that RFC 1123 does not allow."""
    host = known(facts.hostname, "host name")
    labels = host.rstrip(".").split(".")
    wrong = ""
    if short(host) in ("localhost", "localhost6", "none", "(none)"):
        wrong = "is no name of its own"
    elif is_ipv4(host):
        wrong = "is an address"
    elif not all(_LABEL.fullmatch(label) for label in labels):
        wrong = "has characters that no host name may have"
    elif len(labels[0]) >= _MAX_NODE or len(host) > 253:
        wrong = "is too long"
    if wrong:
        fix = f"set HOSTNAME in /etc/sysconfig/network of {facts.name} and its line in /etc/hosts, then restart it"
        return bad(f"host name {inert(host, 80)!a} of {facts.name} {wrong}", fix=fix)
    return ok(inert(host, 80))


@_check(
    "server.address.static",
    rules=("R057",),
    severity=Severity.WARNING,
    title="The management address is static",
    why="after a change of the lease Manager loses the server",
    fix="make it static, or reserve it in DHCP",
    source="server-pools R057 (Installation Guide 3.3, network)",
    planes=("ssh",),
)
def address_static(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the interface of the management address gets it by DHCP."""
    if is_sparc(facts):
        return not_applicable("a control domain tells it otherwise")
    name = management_address(facts).interface.split(":")[0]
    protocols = known(facts.boot_protocols, "interface files")
    if name not in protocols:
        raise FactMissing("interface files", f"no ifcfg-{inert(name, 40)} tells how {name} gets its address")
    if protocols[name] in ("dhcp", "bootp"):
        fix = f"on {facts.name}, set BOOTPROTO=static with IPADDR and NETMASK in ifcfg-{inert(name, 40)}, "
        return bad(
            f"{facts.name} gets {facts.address} by {protocols[name]}", fix=fix + "or reserve the address"
        )
    return ok(f"{name} is {protocols[name] or 'static'}")


@_check(
    "network.management.single",
    rules=("R055",),
    severity=Severity.WARNING,
    title="One interface carries the management network",
    why="answers leave by another interface than they came in; which one is managed is luck",
    fix="leave the management network on one interface",
    source="server-pools R055 (User's Guide 3.2, network roles)",
    planes=("ssh", "agent"),
)
def management_single(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when two interfaces have addresses in the management subnet."""
    mine = management_address(facts)
    network = network_of(mine)
    devices = {
        address.interface.split(":")[0]
        for address in known(facts.addresses, "network addresses")
        if is_ipv4(address.address)
        and network.overlaps(network_of(address))
        and not address.address.startswith("127.")
    }
    others = sorted(devices - {mine.interface.split(":")[0]})
    if others:
        fix = f"on {facts.name}, take the addresses in {network} off {joined(others)} before it is discovered"
        return bad(f"{facts.name} has {network} on {mine.interface} and on {joined(others)}", fix=fix)
    return ok(f"{network} on {mine.interface} only")


@_check(
    "network.names.dns",
    rules=("R058",),
    severity=Severity.INFO,
    title="Names come from DNS",
    why="with hosts files alone, every new server needs edits on all others",
    fix="enter a DNS server and the servers' A records",
    source="server-pools R058 (Installation Guide 3.3, network)",
    planes=("ssh",),
)
def names_dns(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the server asks no DNS, or knows no DNS server."""
    sources = known(facts.name_sources, "sources of names")
    servers = known(facts.dns_servers, "DNS servers")
    if "dns" not in sources or not servers:
        why = "asks no DNS" if "dns" not in sources else "knows no DNS server"
        fix = f"on {facts.name}, add `dns` to `hosts:` in nsswitch.conf and a nameserver to resolv.conf"
        return bad(f"{facts.name} {why}", fix=fix)
    return ok(f"{facts.name} asks {joined(servers)}")


@_check(
    "network.names.reverse",
    rules=("R059",),
    severity=Severity.WARNING,
    title="The management address leads back to the host name",
    why="slow logins, and certificates and logs under odd names",
    fix="add PTR records",
    source="server-pools R059",
    planes=("ssh",),
)
def names_reverse(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the reverse look-up gives nothing or only other names."""
    names = known(facts.reverse_names, "reverse look-up")
    host = known(facts.hostname, "host name")
    address = management_address(facts).address
    fix = f"add a PTR record {address} -> {inert(host, 80)}, or the line in /etc/hosts of {facts.name}"
    if not names:
        return bad(f"on {facts.name}, {address} leads back to nothing", fix=fix)
    if short(host) not in {short(name) for name in names}:
        shown = joined(inert(name, 80) for name in names[:3])
        return bad(f"on {facts.name}, {address} -> {shown}, not {inert(host, 80)}", fix=fix)
    return ok(f"{address} -> {inert(names[0], 80)}")


@_check(
    "network.bond.legs",
    rules=("R084",),
    severity=Severity.WARNING,
    title="Both legs of every bond are up, equally fast and full duplex",
    why="there is no redundancy: one cable, and the heartbeat is gone",
    fix="mend cable, port or switch",
    source="server-pools R084",
    planes=("ssh",),
)
def bond_legs(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for a leg that is down, half duplex, or of another speed than its siblings."""
    bonds = known(facts.bonds, "bonds")
    if not any(bond.ports for bond in bonds):
        return not_applicable(f"{facts.name} shows no bond with legs")
    wrong: list[str] = []
    for bond in bonds:
        down = [port.name for port in bond.ports if port.is_up is False]
        half = [port.name for port in bond.ports if port.is_full_duplex is False and port.name not in down]
        speeds = {port.speed_mbps for port in bond.ports if port.speed_mbps and port.name not in down}
        wrong += [f"{bond.name}: {joined(down)} down"] if down else []
        wrong += [f"{bond.name}: {joined(half)} half duplex"] if half else []
        wrong += (
            [f"{bond.name}: legs of {joined(f'{one} Mb/s' for one in sorted(speeds))}"]
            if len(speeds) > 1
            else []
        )
    if wrong:
        fix = f"on {facts.name}, mend cable, port or switch port (`ethtool`, /proc/net/bonding), then check again"
        return bad("; ".join(inert(text, 120) for text in wrong), fix=fix)
    return ok(f"{sum(len(bond.ports) for bond in bonds)} legs up")


@_check(
    "network.bond.redundant",
    severity=Severity.WARNING,
    title="Management stands on two ports",
    why="one cable or switch port carries management and heartbeat: its loss is a fencing",
    fix="put a second port into the management bond",
    source="practice; server-pools R084",
    planes=("ssh",),
)
def bond_redundant(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the interface with the management address leads to a bond of one port, or to no bond."""
    if is_sparc(facts):
        return not_applicable("aggregations do not tell their ports here")
    bonds = {bond.name: bond for bond in known(facts.bonds, "bonds")}
    below = _below(facts, management_address(facts).interface.split(":")[0])
    found = next((bonds[name] for name in below if name in bonds), None)
    if found is None:
        if not any(_masters(facts)):
            raise FactMissing(
                "layers of interfaces", "the server does not show which interface stands on which"
            )
        return bad(
            f"management of {facts.name} stands on no bond", fix=f"make bond0 of two ports on {facts.name}"
        )
    if len(found.ports) < 2:
        fix = f"put a second port into {found.name} of {facts.name}, on another switch"
        return bad(f"{found.name} of {facts.name} has {len(found.ports)} port", fix=fix)
    return ok(f"{found.name} has {len(found.ports)} ports")


def _masters(facts: ServerFacts) -> list[Interface]:
    return [one for one in known(facts.interfaces, "interfaces") if one.master]


def _below(facts: ServerFacts, name: str) -> list[str]:
    """An interface and all that stand below it (bridge, VLAN, bond), by name."""
    found = [name]
    for _ in range(4):
        found += [one.name for one in _masters(facts) if one.master in found and one.name not in found]
        found += [part for one in list(found) if "." in one and (part := one.split(".")[0]) not in found]
    return found


@_check(
    "network.mtu.layers",
    rules=("R083",),
    severity=Severity.WARNING,
    title="Bridge, bond and ports have one MTU",
    why="small packets pass, large ones vanish: migrations and NFS hang",
    fix="give all layers of one network the same MTU",
    source="server-pools R083",
    planes=("ssh", "agent"),
)
def mtu_layers(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when an interface has a larger MTU than one that it stands on."""
    by_name = {one.name: one for one in known(facts.interfaces, "interfaces")}
    if not any(one.mtu for one in by_name.values()):
        raise FactMissing("MTU", "no interface tells its own")
    wrong = [
        f"{upper.name} {upper.mtu} on {lower.name} {lower.mtu}"
        for lower in by_name.values()
        if lower.master and (upper := by_name.get(lower.master)) is not None
        if upper.mtu and lower.mtu and lower.mtu < upper.mtu
    ]
    if wrong:
        fix = f"on {facts.name}, set one MTU on all of them (through Manager where it owns the server)"
        return bad(f"{facts.name}: {joined(inert(text, 80) for text in wrong[:4])}", fix=fix)
    return ok("no interface is wider than what it stands on")


@_check(
    "server.wol.enabled",
    rules=("R109",),
    severity=Severity.WARNING,
    title="DPM can wake the server",
    why="servers that the policy powers down do not return",
    fix="enable Wake-on-LAN in the BIOS and on the management NIC, or use DRS",
    source="server-pools R109 (Concepts 3.3, DPM)",
    planes=("ssh", "agent"),
)
def wol_enabled(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit, where DPM is wanted, when no port below management is woken by a magic packet."""
    if str(spec_value(ctx.spec, "pool.policy.mode") or "OFF") != "DPM":
        return not_applicable("DPM is not wanted")
    wakes = known(facts.wakes_on_lan, "Wake-on-LAN")
    below = [
        name for name in _below(facts, management_address(facts).interface.split(":")[0]) if name in wakes
    ]
    considered = {name: wakes[name] for name in below} or wakes
    if not considered:
        raise FactMissing("Wake-on-LAN", "no NIC tells it")
    if not any(considered.values()):
        nic = inert(next(iter(considered)), 40)
        fix = f"on {facts.name}: Wake-on-LAN in the BIOS, `ethtool -s {nic} wol g`; or choose DRS"
        return bad(f"no management port of {facts.name} is woken by a magic packet", fix=fix)
    return ok(f"{joined(name for name, wakes_up in considered.items() if wakes_up)} wake the server")


@_check(
    "server.memory.minimum",
    severity=Severity.WARNING,
    title="Memory for guests is left",
    why="a server that can hold no guest takes part in the cluster's votes and gives nothing",
    fix="add memory, or leave the server out",
    source="practice; server-pools R106, R107",
    planes=("agent", "ssh"),
)
def memory_minimum(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit under 4 GiB in all."""
    memory_mib = known(facts.memory_mib, "memory")
    if memory_mib < 4096:
        return bad(f"{facts.name} has {memory_mib} MiB", fix=f"add memory to {facts.name}, or leave it out")
    return ok(f"{memory_mib // 1024} GiB")


@_check(
    "server.cpu.inside",
    severity=Severity.WARNING,
    title="The processors of one server are alike",
    why="where a guest's thread runs decides which features it sees",
    fix="fit equal processors",
    source="practice; server-pools 4",
    planes=("agent", "ssh"),
)
def cpu_inside(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the processors of one server differ in model, stepping, microcode or features."""
    profile = known(facts.cpu, "processor")
    if profile.differs_inside:
        fix = f"fit equal processors in {facts.name}, with one microcode"
        return bad(f"the processors of {facts.name} are not alike", fix=fix)
    return ok("alike")
