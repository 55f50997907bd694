"""Pure parsers of what Linux tells about itself: names, network, clock, memory. Whatever comes, they never hang.

A parser returns what it could read and leaves the rest out; it raises ValueError only where nothing at all fits.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from core.models.addresses import is_address
from core.models.facts import Address, Interface, Mount

_MAX_LINES = 20_000  # more than any of these files has; a hostile one is cut here
_LINK = re.compile(r"^\d+:\s+(?P<name>[^:@\s]+)(?:@\S+)?:\s+<(?P<flags>[^>]*)>(?P<rest>.*)$")
_MAC = re.compile(r"link/ether\s+([0-9A-Fa-f:]{17})")


class Uname(NamedTuple):
    """`uname -srm`: system (Linux, SunOS), kernel release, machine."""

    system: str
    release: str
    machine: str


def lines_of(text: str) -> list[str]:
    """The lines of a text without trailing blanks, at most `_MAX_LINES` of them."""
    return [line.rstrip() for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]]


def parse_uname(text: str) -> Uname:
    """`uname -srm`; ValueError when there are not three words."""
    words = text.split()
    if len(words) < 3:
        raise ValueError("uname gave no three words")
    return Uname(words[0], words[1], words[-1])


def parse_hosts(text: str) -> tuple[tuple[str, str], ...]:
    """/etc/hosts as (address, name) pairs in file order, comments dropped."""
    pairs: list[tuple[str, str]] = []
    for line in lines_of(text):
        words = line.split("#", 1)[0].split()
        if len(words) >= 2 and is_address(words[0]):
            pairs.extend((words[0], name) for name in words[1:])
    return tuple(pairs)


def loopback_names(hosts: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Names that stand on loopback lines (127.x, ::1), without repeats."""
    found = [name for address, name in hosts if ipaddress.ip_address(address).is_loopback]
    return tuple(dict.fromkeys(found))


def parse_getent(text: str) -> tuple[str, ...]:
    """Addresses of `getent ahostsv4 NAME` or `getent hosts NAME`, in order, without repeats."""
    found: list[str] = []
    for line in lines_of(text):
        words = line.split()
        if words and is_address(words[0]):
            found.append(words[0])
    return tuple(dict.fromkeys(found))


def parse_ip_addr(text: str) -> tuple[Address, ...]:
    """`ip -o -4 addr show`: every IPv4 address with its interface and prefix."""
    found: list[Address] = []
    for line in lines_of(text):
        match = re.match(r"^\d+:\s+(\S+)\s+inet\s+([\d.]+)(?:\s+peer\s+[\d.]+)?/(\d{1,2})\b", line)
        if match and is_address(match[2]) and int(match[3]) <= 32:
            found.append(Address(interface=match[1].split("@")[0], address=match[2], prefix=int(match[3])))
    return tuple(found)


def parse_ip_link(text: str) -> tuple[Interface, ...]:
    """`ip -o link show`: devices with MAC, MTU, state; the kind is read from the name where Oracle VM names it."""
    found: list[Interface] = []
    for line in lines_of(text):
        match = _LINK.match(line)
        if match is None or match["name"] == "lo":
            continue
        mac, mtu = _MAC.search(match["rest"]), re.search(r"\bmtu (\d{1,6})\b", match["rest"])
        flags = match["flags"].split(",")
        found.append(
            Interface(
                name=match["name"],
                kind=_kind_of(match["name"], flags),
                mac=mac[1].lower() if mac else None,
                mtu=int(mtu[1]) if mtu else None,
                is_up="UP" in flags and "NO-CARRIER" not in flags,
            )
        )
    return tuple(found)


def parse_default_gateway(text: str) -> str | None:
    """Gateway of the default route in `ip -4 route show` or `netstat -rn`, None when there is none."""
    for line in lines_of(text):
        match = re.match(r"^(?:default\s+via|default|0\.0\.0\.0)\s+([\d.]+)\b", line)
        if match and is_address(match[1]) and match[1] != "0.0.0.0":  # noqa: S104 - compared, not bound
            return match[1]
    return None


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """/proc/mounts; octal escapes of blanks are undone."""
    found: list[Mount] = []
    for line in lines_of(text):
        words = line.split()
        if len(words) >= 4:
            device, path = (_unescape(word) for word in words[:2])
            found.append(Mount(device=device, path=path, kind=words[2], options=words[3]))
    return tuple(found)


def parse_swaps(text: str) -> tuple[str, ...]:
    """Devices in /proc/swaps."""
    return tuple(line.split()[0] for line in lines_of(text)[1:] if line.startswith("/"))


def parse_epoch(text: str) -> tuple[float, float]:
    """`date +%s.%N` as (seconds, half the resolution); a date without %N gives whole seconds, so half a second."""
    match = re.match(r"^[ \t]*(\d{9,11})(?:\.(\d{1,9}))?", text)
    if match is None:
        raise ValueError("date gave no number")
    if match[2] is None:
        return int(match[1]) + 0.5, 0.5
    return float(f"{match[1]}.{match[2]}"), 0.0


def parse_arping(text: str, status: int | None) -> str | None:
    """Who holds the address asked for with `arping -D`: its MAC, None when nobody answered.

    ValueError when the output tells neither (no such device, not permitted).
    """
    match = re.search(r"\[([0-9A-Fa-f:]{17})\]", text)
    if match:
        return match[1].lower()
    if status == 0 and re.search(r"Received 0 (?:response|repl)", text):
        return None
    raise ValueError("arping told neither an answer nor silence")


def parse_initiator(text: str) -> str | None:
    """InitiatorName of /etc/iscsi/initiatorname.iscsi, None when the file names none."""
    match = re.search(r"^[ \t]*InitiatorName\s*=\s*(\S{1,223})\s*$", text, re.MULTILINE)
    return match[1] if match else None


def parse_ntp_conf(text: str) -> tuple[str, ...]:
    """Hosts of the server and peer lines of /etc/ntp.conf."""
    return tuple(re.findall(r"^[ \t]*(?:server|peer|pool)\s+(\S{1,253})", text, re.MULTILINE))


def _kind_of(name: str, flags: list[str]) -> str:
    """Oracle VM names the management bridge after its network in hex (agent-rpc 5.5); VLANs carry a dot."""
    if "." in name:
        return "vlan"
    if name.startswith("bond") or "MASTER" in flags:
        return "bond"
    if re.fullmatch(r"[0-9a-f]{8}|xenbr\d+|virbr\d+|br\d+", name):
        return "bridge"
    return "nic" if name.startswith(("eth", "en", "em", "p")) else ""


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
