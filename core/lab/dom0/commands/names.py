"""Name lookups: getent, host, nslookup, dig."""

from __future__ import annotations

from core.lab import view
from core.lab.dom0.command import Command, command
from core.models.addresses import is_address


@command("getent")
def getent(c: Command) -> int:
    if not c.args:
        return c.say("Usage: getent [-s CONFIG] database [key ...]", 1)
    database, names = c.args[0], c.args[1:]
    if database == "passwd":
        c.print("root:x:0:0:root:/root:/bin/bash")
        return 0
    if database not in ("hosts", "ahosts", "ahostsv4", "ahostsv6", "ipnodes"):
        return c.say(f"Unknown database: {database}", 1)
    if not names and database == "hosts":
        c.print(*(f"{address:<15} {' '.join(known)}" for address, known in view.hosts_entries(c.server)))
        return 0
    status = 0
    for name in names:
        if not (_hosts(c, name) if database in ("hosts", "ipnodes") else _ahosts(c, name, database)):
            status = 2
    return status


def _hosts(c: Command, name: str) -> bool:
    if is_address(name):
        found = view.reverse(c.world, c.server, name)
        if found:
            c.print(f"{name:<15} {' '.join(found)}")
        return bool(found)
    addresses = view.resolve(c.world, c.server, name)
    for address in addresses:
        known = [names for at, names in view.hosts_entries(c.server) if at == address and name in names]
        shown = known[0] if known else (view.reverse(c.world, c.server, address) or [name])
        c.print(f"{address:<15} {' '.join(shown)}")
    return bool(addresses)


def _ahosts(c: Command, name: str, database: str) -> bool:
    if database == "ahostsv6":
        return False
    addresses = [name] if is_address(name) else view.resolve(c.world, c.server, name)
    if database == "ahostsv4":
        addresses = [address for address in addresses if ":" not in address]
    for address in addresses:
        canonical = name if is_address(name) else (view.reverse(c.world, c.server, address) or [name])[0]
        c.print(f"{address:<15} STREAM {canonical}", f"{address:<15} DGRAM  ", f"{address:<15} RAW    ")
    return bool(addresses)


@command("host", "nslookup", "dig")
def host(c: Command) -> int:
    """DNS alone, without the hosts file."""
    _, rest = c.options("tx")
    names = [word for word in rest if not word.startswith(("+", "@")) and word not in ("A", "PTR", "IN")]
    if "-x" in c.args:
        names = [c.args[c.args.index("-x") + 1]]
    if not names:
        return 1
    name = names[0]
    known = dict(view.dns_names(c.world, c.server))
    if is_address(name):
        answer = next((full for full, address in known.items() if address == name), None)
        pointer = ".".join(reversed(name.split("."))) + ".in-addr.arpa"
        shown = f"{pointer} domain name pointer {answer}."
    else:
        answer = known.get(name)
        shown = f"{name} has address {answer}"
    if c.name == "dig":
        if answer:
            c.print(answer if not is_address(name) else f"{answer}.")
        return 0
    if answer is None:
        c.print(f"Host {name} not found: 3(NXDOMAIN)")
        return 1
    if c.name == "nslookup":
        c.print(
            f"Server:\t\t{c.world.dns_address}",
            f"Address:\t{c.world.dns_address}#53",
            "",
            f"Name:\t{name}",
            f"Address: {answer}",
            "",
        )
    else:
        c.print(shown)
    return 0
