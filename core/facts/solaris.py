"""Pure parsers of what a Solaris control domain tells (server-pools 8)."""

from __future__ import annotations

import ipaddress
import re

from core.facts.linux import lines_of
from core.models.facts import Address


def parse_ipadm(text: str) -> tuple[Address, ...]:
    """`ipadm show-addr -p -o addrobj,addr`: IPv4 addresses, loopback included; `\\:` escapes a colon."""
    found: list[Address] = []
    for line in lines_of(text):
        name, _, rest = line.replace("\\:", "\0").partition(":")
        try:
            interface = ipaddress.IPv4Interface(rest.replace("\0", ":").strip())
        except ValueError:
            continue
        device = name.split("/", 1)[0]
        found.append(Address(interface=device, address=str(interface.ip), prefix=interface.network.prefixlen))
    return tuple(found)


def parse_arp(text: str) -> str | None:
    """`arp ADDRESS` after a ping: the holder's MAC, None for `no entry`; ValueError when it tells neither."""
    match = re.search(r"\bat\s+((?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2})\b", text)
    if match:
        return ":".join(f"{int(part, 16):02x}" for part in match[1].split(":"))
    if "no entry" in text or "incomplete" in text:
        return None
    raise ValueError("arp told neither a holder nor that there is none")


def parse_prtconf_mib(text: str) -> int:
    """`Memory size: N Megabytes` of prtconf; ValueError when it is not there."""
    match = re.search(r"^Memory size:\s*(\d{1,9})\s*Megabytes", text, re.MULTILINE)
    if match is None:
        raise ValueError("prtconf gave no memory size")
    return int(match[1])
