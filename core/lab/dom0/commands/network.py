"""Interfaces, routes, neighbours, ports, firewall: ip, ifconfig, ethtool, arping, ping, netstat, ss, iptables."""

from __future__ import annotations

import asyncio
import ipaddress

from core.lab import view
from core.lab.dom0 import reach
from core.lab.dom0.command import Command, command
from core.lab.world import LabInterface

LOOPBACK = LabInterface("lo", "loopback", "00:00:00:00:00:00", mtu=16436, address="127.0.0.1", prefix=8)


def interfaces(c: Command) -> list[tuple[int, LabInterface]]:
    """Every device with its index, the loopback first."""
    return list(enumerate([LOOPBACK, *c.server.interfaces], start=1))


def carries_vip(c: Command, item: LabInterface) -> bool:
    """Does this device hold the pool's virtual address?"""
    return bool(c.server.has_vip and c.server.pool_vip and item.address == c.server.address)


@command("ip", solaris=False)
def ip(c: Command) -> int:
    args = c.args
    oneline, family = False, ""
    while args and args[0].startswith("-"):
        oneline = oneline or args[0] in ("-o", "-oneline")
        family = {"-4": "4", "-6": "6"}.get(args[0], family)
        args = args[2:] if args[0] in ("-f", "-family") else args[1:]
    words = {
        "a": "addr",
        "address": "addr",
        "l": "link",
        "r": "route",
        "ro": "route",
        "n": "neigh",
        "neighbour": "neigh",
    }
    what = words.get(args[0], args[0]) if args else ""
    rest = [word for word in args[1:] if word not in ("show", "list", "ls", "sh", "s")]
    if what == "addr":
        return _addresses(c, rest, oneline=oneline, family=family)
    if what == "link":
        return _links(c, rest, oneline=oneline)
    if what == "route":
        return _routes(c, rest)
    if what == "neigh":
        return _neighbours(c)
    return c.say(
        f'Object "{what}" is unknown, try "ip help".'
        if what
        else "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }",
        255,
    )


def _chosen(c: Command, rest: list[str]) -> list[tuple[int, LabInterface]] | None:
    names = [
        word for at, word in enumerate(rest) if word not in ("dev", "up", "scope", "global", "type", "to")
    ]
    up_only = "up" in rest
    found = [(at, item) for at, item in interfaces(c) if not names or item.name in names]
    if names and not found:
        c.say(f'Device "{names[0]}" does not exist.')
        return None
    return [(at, item) for at, item in found if item.is_up or not up_only]


def _flags(c: Command, item: LabInterface) -> tuple[str, str]:
    owner = view.master_of(c.server, item)
    is_slave = owner is not None and owner.kind == "bond"
    if item.kind == "loopback":
        return "LOOPBACK,UP,LOWER_UP", "UNKNOWN"
    flags = "BROADCAST,MULTICAST"
    flags += ",SLAVE" if is_slave else ",MASTER" if item.kind == "bond" else ""
    return (f"{flags},UP,LOWER_UP", "UP") if item.is_up else (f"NO-CARRIER,{flags},UP", "DOWN")


def _head(c: Command, at: int, item: LabInterface) -> str:
    flags, state = _flags(c, item)
    owner = view.master_of(c.server, item)
    master = f" master {owner.name}" if owner is not None else ""
    queue = "noqueue" if item.kind in ("loopback", "bond", "bridge", "vlan") else "mq"
    name = f"{item.name}@{item.ports[0]}" if item.kind == "vlan" and item.ports else item.name
    length = "" if item.kind == "loopback" else " qlen 1000" if item.kind == "nic" else ""
    return f"{at}: {name}: <{flags}> mtu {item.mtu} qdisc {queue}{master} state {state}{length}"


def _ether(item: LabInterface) -> str:
    if item.kind == "loopback":
        return "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"
    return f"    link/ether {item.mac} brd ff:ff:ff:ff:ff:ff"


def _inet(c: Command, item: LabInterface) -> list[str]:
    """Address lines without indentation."""
    lines = []
    if item.address is not None:
        brd = "" if item.kind == "loopback" else f" brd {view.subnet(item).broadcast_address}"
        scope = "host" if item.kind == "loopback" else "global"
        lines.append(f"inet {item.address}/{item.prefix}{brd} scope {scope} {item.name}")
    if carries_vip(c, item):
        network = view.subnet(item)
        same = f"/{item.prefix} brd {network.broadcast_address} scope global secondary {item.name}:0"
        lines.append(f"inet {c.server.pool_vip}{same}")
    return lines


def _addresses(c: Command, rest: list[str], *, oneline: bool, family: str) -> int:
    chosen = _chosen(c, rest)
    if chosen is None:
        return 1
    for at, item in chosen:
        inet = _inet(c, item) if family != "6" else []
        if oneline:
            c.print(
                *(
                    f"{at}: {item.name}    {line}\\       valid_lft forever preferred_lft forever"
                    for line in inet
                )
            )
        elif inet or not family:
            c.print(
                _head(c, at, item), *([] if family else [_ether(item)]), *(f"    {line}" for line in inet)
            )
    return 0


def _links(c: Command, rest: list[str], *, oneline: bool) -> int:
    chosen = _chosen(c, rest)
    if chosen is None:
        return 1
    for at, item in chosen:
        if oneline:
            c.print(f"{_head(c, at, item)} \\{_ether(item)}")
        else:
            c.print(_head(c, at, item), _ether(item))
    return 0


def _routes(c: Command, rest: list[str]) -> int:
    holders = [item for item in c.server.interfaces if item.address is not None]
    if rest[:1] == ["get"]:
        return _route_get(c, rest[1] if len(rest) > 1 else "", holders)
    mine = view.management(c.server)
    wants_default = rest[:1] == ["default"]
    if not wants_default:
        for item in holders:
            c.print(f"{view.subnet(item)} dev {item.name}  proto kernel  scope link  src {item.address} ")
    if mine is not None and c.server.gateway:
        c.print(f"default via {c.server.gateway} dev {mine.name} ")
    return 0


def _route_get(c: Command, target: str, holders: list[LabInterface]) -> int:
    try:
        address = ipaddress.IPv4Address(target)
    except ValueError:
        return c.say(f'RTNETLINK answers: Invalid argument ("{target}")', 2)
    if str(address) in reach.own_addresses(c.server) or address.is_loopback:
        c.print(
            f"local {target} dev lo  src {target} ", "    cache <local>  mtu 16436 advmss 16396 hoplimit 64"
        )
        return 0
    for item in holders:
        if address in view.subnet(item):
            c.print(
                f"{target} dev {item.name}  src {item.address} ",
                "    cache  mtu 1500 advmss 1460 hoplimit 64",
            )
            return 0
    mine = view.management(c.server)
    if mine is None or not c.server.gateway:
        return c.say("RTNETLINK answers: Network is unreachable", 2)
    c.print(
        f"{target} via {c.server.gateway} dev {mine.name}  src {mine.address} ",
        "    cache  mtu 1500 advmss 1460 hoplimit 64",
    )
    return 0


def _neighbours(c: Command) -> int:
    mine = view.management(c.server)
    for peer in c.world.servers.values():
        if peer is not c.server and mine is not None:
            device = view.management(peer)
            c.print(f"{peer.address} dev {mine.name} lladdr {device.mac if device else ''} REACHABLE")
    return 0


@command("ifconfig", solaris=False)
def ifconfig(c: Command) -> int:
    names = [word for word in c.args if not word.startswith("-")]
    found = [item for _, item in interfaces(c) if not names or item.name in names]
    if names and not found:
        return c.say(f"{names[0]}: error fetching interface information: Device not found")
    for item in found:
        kind = "Local Loopback" if item.kind == "loopback" else f"Ethernet  HWaddr {item.mac.upper()}"
        c.print(f"{item.name:<9} Link encap:{kind}  ")
        if item.address is not None:
            network = view.subnet(item)
            brd = "" if item.kind == "loopback" else f"  Bcast:{network.broadcast_address}"
            c.print(f"          inet addr:{item.address}{brd}  Mask:{network.netmask}")
        c.print(f"          UP BROADCAST RUNNING MULTICAST  MTU:{item.mtu}  Metric:1", "")
        if carries_vip(c, item):
            network = view.subnet(item)
            c.print(
                f"{item.name + ':0':<9} Link encap:{kind}  ",
                f"          inet addr:{c.server.pool_vip}  Bcast:{network.broadcast_address}  Mask:{network.netmask}",
                "",
            )
    return 0


@command("route", solaris=False)
def route(c: Command) -> int:
    return _kernel_routes(c)


def _kernel_routes(c: Command) -> int:
    c.print(
        "Kernel IP routing table",
        "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface",
    )
    for item in c.server.interfaces:
        if item.address is not None:
            network = view.subnet(item)
            tail = f"U     0      0        0 {item.name}"
            c.print(f"{network.network_address!s:<15} 0.0.0.0         {network.netmask!s:<15} {tail}")
    mine = view.management(c.server)
    if mine is not None:
        c.print(f"0.0.0.0         {c.server.gateway:<15} 0.0.0.0         UG    0      0        0 {mine.name}")
    return 0


@command("ethtool", solaris=False)
def ethtool(c: Command) -> int:
    options, names = c.options()
    item = next((found for found in c.server.interfaces if names and found.name == names[0]), None)
    if item is None:
        return c.say("Cannot get device settings: No such device\nNo data available", 75)
    if "i" in options:
        c.print(
            f"driver: {'igb' if item.speed_mbps <= 1000 else 'ixgbe'}",
            "version: 5.0.5",
            "bus-info: 0000:01:00.0",
        )
        return 0
    up = item.is_up
    c.print(
        f"Settings for {item.name}:",
        f"\tSupported link modes:   {item.speed_mbps}baseT/Full",
        "\tSupports auto-negotiation: Yes",
        f"\tSpeed: {item.speed_mbps}Mb/s" if up else "\tSpeed: Unknown!",
        "\tDuplex: Full" if up else "\tDuplex: Unknown! (255)",
        "\tPort: Twisted Pair",
        "\tAuto-negotiation: on",
        *(
            ["\tSupports Wake-on: pumbg", f"\tWake-on: {'g' if item.wakes_on_lan else 'd'}"]
            if item.kind == "nic"
            else []
        ),
        f"\tLink detected: {'yes' if up else 'no'}",
    )
    return 0


@command("arping", solaris=False)
async def arping(c: Command) -> int:
    options, rest = c.options("IcwsW")
    if not rest:
        return c.say(
            "Usage: arping [-fqbDUAV] [-c count] [-w timeout] [-I device] [-s source] destination", 2
        )
    target = (view.resolve(c.world, c.server, rest[0]) or [""])[0]
    device = options.get("I") or (mine.name if (mine := view.management(c.server)) else "eth0")
    item = next((found for found in c.server.interfaces if found.name == device), None)
    if item is None:
        return c.say(f"arping: unknown iface {device}", 2)
    if not target:
        return c.say(f"arping: unknown host {rest[0]}", 2)
    probes = int(options.get("c") or 3)
    source = "0.0.0.0" if "D" in options else item.address or "0.0.0.0"
    c.print(f"ARPING {target} from {source} {device}")
    owner = view.address_owner(c.world, target)
    is_local = item.address is not None and ipaddress.IPv4Address(target) in view.subnet(item)
    if owner is None or not is_local or (owner[1] is c.server and "D" not in options):
        await asyncio.sleep(probes / c.world.speed)
        c.print(f"Sent {probes} probes ({probes} broadcast(s))", "Received 0 response(s)")
        return 0 if "D" in options else 1
    c.print(f"Unicast reply from {target} [{owner[0].upper()}]  0.612ms")
    sent = 1 if "D" in options or "f" in options else probes
    c.print(f"Sent {sent} probes ({1} broadcast(s))", f"Received {sent} response(s)")
    return 1 if "D" in options else 0


@command("ping", "ping6")
async def ping(c: Command) -> int:
    options, rest = c.options("ciwWsIMtQ" if not c.shell.is_solaris else "I")
    names = [word for word in rest if word not in ("do", "want", "dont")]
    if not names:
        return c.say("Usage: ping [-LRUbdfnqrvVaA] [-c count] [-i interval] [-w deadline] destination", 2)
    found = view.resolve(c.world, c.server, names[0])
    if not found:
        return c.say(f"ping: unknown host {names[0]}", 2)
    if c.shell.is_solaris:
        alive = reach.answers_ping(c.world, found[0])
        if "s" in options:
            return _ping_solaris(c, names, found[0], alive=alive)
        c.print(f"{names[0]} is alive" if alive else f"no answer from {names[0]}")
        return 0 if alive else 1
    count, size = int(options.get("c") or 4), int(options.get("s") or 56)
    return await _ping(c, names[0], found[0], count, size, options)


def _ping_solaris(c: Command, words: list[str], address: str, *, alive: bool) -> int:
    """`ping -s HOST [SIZE [COUNT]]` as Solaris prints it."""
    size, count = (
        int(word) if word.isdigit() else default
        for word, default in zip([*words[1:3], "", ""], (56, 4), strict=False)
    )
    average = float(c.world.switches.extra.get("ping_ms", 0.18))
    c.print(f"PING {words[0]}: {size} data bytes")
    if alive:
        lines = (
            f"{size + 8} bytes from {words[0]} ({address}): icmp_seq={n}. time={average:.3f} ms"
            for n in range(count)
        )
        c.print(*lines)
    received = count if alive else 0
    loss = 0 if alive else 100
    c.print("", f"----{words[0]} PING Statistics----")
    c.print(f"{count} packets transmitted, {received} packets received, {loss}% packet loss")
    if alive:
        c.print(
            f"round-trip (ms)  min/avg/max/stddev = {average * 0.9:.3f}/{average:.3f}/{average * 1.2:.3f}/0.021"
        )
    return 0 if alive else 1


async def _ping(c: Command, name: str, address: str, count: int, size: int, options: dict[str, str]) -> int:
    c.print(f"PING {name} ({address}) {size}({size + 28}) bytes of data.")
    mtu = min((item.mtu for item in c.server.interfaces if item.address), default=1500)
    too_long = options.get("M") == "do" and size + 28 > mtu
    alive = reach.answers_ping(c.world, address) and not too_long
    interval = float(options.get("i") or 1.0)
    await asyncio.sleep(min(count * interval, 30.0) / c.world.speed / (10 if alive else 1))
    loss = 0 if alive else 100
    average = float(c.world.switches.extra.get("ping_ms", 0.18))
    if too_long:
        c.print(*(f"ping: local error: Message too long, mtu={mtu}" for _ in range(count)))
    elif alive and "q" not in options:
        c.print(
            *(
                f"{size + 8} bytes from {address}: icmp_seq={n} ttl=64 time={average:.3f} ms"
                for n in range(1, count + 1)
            )
        )
    c.print("", f"--- {name} ping statistics ---")
    received = count if alive else 0
    c.print(
        f"{count} packets transmitted, {received} received, {loss}% packet loss, time {int(count * interval * 1000)}ms"
    )
    if alive:
        c.print(f"rtt min/avg/max/mdev = {average * 0.9:.3f}/{average:.3f}/{average * 1.2:.3f}/0.021 ms")
    return 0 if alive else 1


def connections(c: Command) -> list[tuple[str, int, str, int]]:
    """Established TCP connections: local address and port, peer address and port."""
    found = [(c.server.address, 22, c.world.manager_address, 51234)]
    if c.server.owner is not None:
        found.append((c.server.address, 8899, c.world.manager_address, 48211))
    if c.server.is_cluster_online and not c.shell.is_solaris:
        for number, node in enumerate(c.server.cluster_nodes):
            peer = c.world.server_by(node.address)
            if peer is not None and peer is not c.server and peer.is_cluster_online:
                mine = next((n.number for n in c.server.cluster_nodes if n.name == c.server.name), 0)
                ports = (7777, 40000 + number) if mine < node.number else (40000 + mine, 7777)
                found.append((c.server.address, ports[0], node.address, ports[1]))
    return found


@command("netstat", solaris=False)
def netstat(c: Command) -> int:
    options, _ = c.options("f")
    if "r" in options:
        return _kernel_routes(c)
    listening = reach.listening(c.world, c.server) if "l" in options or "a" in options else []
    c.print(
        f"Active Internet connections ({'only servers' if 'l' in options else 'w/o servers'})",
        "Proto Recv-Q Send-Q Local Address               Foreign Address             State       "
        + ("PID/Program name" if "p" in options else ""),
    )
    for port in listening:
        who = f"{1000 + port}/python" if port == 8899 else "-"
        c.print(
            f"tcp        0      0 {f'0.0.0.0:{port}':<27} {'0.0.0.0:*':<27} LISTEN      {who if 'p' in options else ''}"
        )
    if "l" not in options:
        for local, port, peer, other in connections(c):
            c.print(f"tcp        0      0 {f'{local}:{port}':<27} {f'{peer}:{other}':<27} ESTABLISHED ")
    return 0


@command("ss", solaris=False)
def ss(c: Command) -> int:
    options, _ = c.options()
    c.print("State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port ")
    if "l" in options or "a" in options:
        for port in reach.listening(c.world, c.server):
            c.print(f"LISTEN     0      128       {f'*:{port}':>24}  {'*:*':>24} ")
    if "l" not in options:
        for local, port, peer, other in connections(c):
            c.print(f"ESTAB      0      0         {f'{local}:{port}':>24}  {f'{peer}:{other}':>24} ")
    return 0


@command("iptables", "iptables-save", "ip6tables", solaris=False)
def iptables(c: Command) -> int:
    rules = (
        c.server.firewall
        if c.name != "ip6tables"
        else ["-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT"]
    )
    if c.name == "iptables-save":
        chains = [f":{line.split()[1]} {line.split()[2]} [0:0]" for line in rules if line.startswith("-P")]
        c.print(
            "# Generated by iptables-save v1.4.7",
            "*filter",
            *chains,
            *(line for line in rules if line.startswith("-A")),
            "COMMIT",
        )
        return 0
    if "-S" in c.args or any(word.startswith("-S") for word in c.args):
        c.print(*rules)
        return 0
    if any("L" in word for word in c.args if word.startswith("-")):
        for line in rules:
            if not line.startswith("-P"):
                continue
            _, chain, policy = line.split()
            c.print(
                f"Chain {chain} (policy {policy})",
                "target     prot opt source               destination         ",
            )
            for rule in rules:
                words = rule.split()
                if words[:2] == ["-A", chain]:
                    c.print(_listed_rule(words))
            c.print("")
        return 0
    return c.say(
        "iptables v1.4.7: no command specified\nTry `iptables -h' or 'iptables --help' for more information.",
        2,
    )


def _listed_rule(words: list[str]) -> str:
    def after(flag: str, default: str) -> str:
        return words[words.index(flag) + 1] if flag in words else default

    ports = f"tcp dpt:{after('--dport', '')}" if "--dport" in words else ""
    where = "0.0.0.0/0"
    return f"{after('-j', ''):<10} {after('-p', 'all'):<4} --  {after('-s', where):<20} {after('-d', where):<20}{ports}"


@command("brctl", solaris=False)
def brctl(c: Command) -> int:
    c.print("bridge name\tbridge id\t\tSTP enabled\tinterfaces")
    for item in c.server.interfaces:
        if item.kind == "bridge":
            c.print(
                f"{item.name}\t\t8000.{item.mac.replace(':', '')}\tno\t\t{item.ports[0] if item.ports else ''}"
            )
    return 0


@command("nc", "telnet", "curl", "wget", "openssl")
async def tcp_clients(c: Command) -> int:
    """Connection tests; no protocol is spoken."""
    _, rest = c.options("wom")
    if c.name not in ("nc", "telnet") or len(rest) < 2:
        return c.say(f"{c.name}: cannot connect", 1)
    refusal = await reach.connect(c.shell, rest[0], rest[1])
    if refusal is None:
        c.print(f"Connection to {rest[0]} {rest[1]} port [tcp/*] succeeded!")
        return 0
    return c.say(f"nc: connect to {rest[0]} port {rest[1]} (tcp) failed: {refusal}")
