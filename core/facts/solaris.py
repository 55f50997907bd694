"""Pure parsers of what a Solaris control domain tells (server-pools 8)."""

from __future__ import annotations

import ipaddress
import re

from core.facts.linux import lines_of
from core.models.facts import Address, Bond, Interface


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


def parse_aggregations(text: str) -> tuple[Bond, ...]:
    """`dladm show-aggr`: link aggregations; mode 4 where LACP is active or passive, None where it is off."""
    found: list[Bond] = []
    for line in lines_of(text):
        words = line.split()
        if len(words) >= 5 and words[0] != "LINK":
            activity = {"active", "passive", "short", "long"} & {word.lower() for word in words}
            is_lacp = bool(activity & {"active", "passive"})
            found.append(Bond(name=words[0][:32], mode=4 if is_lacp else None))
    return tuple(found)


def parse_links(text: str) -> tuple[Interface, ...]:
    """`dladm show-link`: links with kind, MTU and state."""
    kinds = {"phys": "nic", "aggr": "bond", "vlan": "vlan", "bridge": "bridge"}
    found: list[Interface] = []
    for line in lines_of(text):
        match = re.match(r"^(\S{1,32})\s+(\w+)\s+(\d{1,6})\s+(\w+)", line)
        if match:
            is_up = {"up": True, "down": False}.get(match[4].lower())
            found.append(
                Interface(name=match[1], kind=kinds.get(match[2], ""), mtu=int(match[3]), is_up=is_up)
            )
    return tuple(found)


def parse_service_domains(text: str) -> tuple[str, ...]:
    """Domains that give services in `ldm list-services` (VDS and VSW sections): the second column."""
    found: list[str] = []
    section = ""
    for line in lines_of(text):
        if line in ("VCC", "VSW", "VDS", "VSAN"):
            section = line
            continue
        words = line.split()
        if section in ("VSW", "VDS") and len(words) >= 2 and words[0] != "NAME" and line[:4].strip() == "":
            found.append(words[1][:64])
    if not section:
        raise ValueError("ldm listed no services")
    return tuple(dict.fromkeys(found))


def parse_ldm_version(text: str) -> str:
    """`ldm -V`: the version of Logical Domains Manager."""
    match = re.search(r"Logical Domains Manager \(v\.? ?([\d.]{1,30})\)", text)
    if match is None:
        raise ValueError("ldm told no version")
    return match[1]


def parse_dlm_package(text: str) -> str | None:
    """Name and version of an installed DLM package in `pkg list`, None when there is none."""
    match = re.search(r"^(\S*\bdlm\S*)\s+(?:\([^)]*\)\s+)?(\S+)\s+i", text, re.MULTILINE | re.IGNORECASE)
    return f"{match[1]} {match[2]}"[:120] if match else None


def parse_nfs_versions(text: str) -> tuple[int, ...]:
    """NFS versions in `rpcinfo -p` (Linux, Solaris): program 100003; ValueError when no list came."""
    if "100000" not in text and "100003" not in text:
        raise ValueError("rpcinfo gave no list of programs")
    return tuple(
        sorted({int(number) for number in re.findall(r"^[ \t]*100003\s+(\d)\s", text, re.MULTILINE)})
    )
