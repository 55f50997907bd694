"""Pure parsers of a server's network set-up: bonds, interface files, NTP peers, resolver, wake-up."""

from __future__ import annotations

import re

from core.facts.linux import lines_of
from core.models.addresses import is_address
from core.models.facts import Bond, BondPort, NtpPeer

_MODES = {
    "round-robin": 0,
    "active-backup": 1,
    "xor": 2,
    "broadcast": 3,
    "802.3ad": 4,
    "transmit load": 5,
    "adaptive load": 6,
}


def parse_bonds(text: str) -> tuple[Bond, ...]:
    """`grep -sH . /proc/net/bonding/*`: every bond with its legs."""
    by_bond: dict[str, list[str]] = {}
    for line in lines_of(text):
        match = re.match(r"^/proc/net/bonding/([\w.-]{1,32}):(.*)$", line)
        if match:
            by_bond.setdefault(match[1], []).append(match[2].strip())
    return tuple(_bond(name, lines) for name, lines in by_bond.items())


def _bond(name: str, lines: list[str]) -> Bond:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("Slave Interface:"):
            parts.append([])
        parts[-1].append(line)
    mode = _after(parts[0], "Bonding Mode")
    number = next((value for word, value in _MODES.items() if word in mode.lower()), None)
    return Bond(name=name, mode=number, ports=tuple(_port(part) for part in parts[1:]))


def _port(lines: list[str]) -> BondPort:
    status, duplex = _after(lines, "MII Status"), _after(lines, "Duplex").lower()
    speed = re.match(r"(\d{1,7})", _after(lines, "Speed"))
    failures = re.match(r"(\d{1,9})", _after(lines, "Link Failure Count"))
    return BondPort(
        name=_after(lines, "Slave Interface")[:32],
        is_up=status == "up" if status else None,
        speed_mbps=int(speed[1]) if speed else None,
        is_full_duplex=duplex == "full" if duplex in ("full", "half") else None,
        failures=int(failures[1]) if failures else None,
        aggregator=_after(lines, "Aggregator ID")[:8],
    )


def _after(lines: list[str], key: str) -> str:
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{key}:")), "")


def parse_ifcfg(text: str) -> dict[str, str]:
    """`grep -sH BOOTPROTO ifcfg-*`: interface -> protocol, lower case; '' where the file leaves it empty."""
    found: dict[str, str] = {}
    for line in lines_of(text):
        match = re.match(r"""^\S*/ifcfg-([\w.:-]{1,32}):\s*BOOTPROTO\s*=\s*["']?(\w{0,16})""", line)
        if match:
            found[match[1]] = match[2].lower()
    return found


def parse_wakes(text: str) -> dict[str, bool]:
    """`== NIC` headings, each with its `ethtool` output: which NICs a magic packet wakes."""
    found: dict[str, bool] = {}
    name = ""
    for line in lines_of(text):
        head = re.match(r"^== ([\w.:-]{1,32})$", line)
        wake = re.match(r"^\s+Wake-on:\s*([a-z]{1,10})\s*$", line)
        if head:
            name = head[1]
        elif wake and name:
            found[name] = "g" in wake[1]
    return found


def parse_ntpq(text: str) -> tuple[NtpPeer, ...]:
    """`ntpq -pn`: one peer a line; `*` marks the chosen one (`o` when it follows a pulse)."""
    found: list[NtpPeer] = []
    pattern = re.compile(
        r"^([ *+#o.x-]?)(\S{1,60})\s+(\S+)\s+(\d{1,2})\s+\S\s+\S+\s+\S+\s+([0-7]{1,3})\s+\S+\s+(-?[\d.]{1,16})"
    )
    for line in lines_of(text):
        match = pattern.match(line)
        if match and not line.startswith("="):
            found.append(
                NtpPeer(
                    address=match[2],
                    is_chosen=match[1] in ("*", "o"),
                    stratum=int(match[4]),
                    reach=int(match[5], 8),
                    offset_ms=_number(match[6]),
                )
            )
    if not found and "remote" not in text:
        raise ValueError("ntpq gave no list of peers")
    return tuple(found)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def parse_resolv(text: str) -> tuple[str, ...]:
    """Name servers of /etc/resolv.conf, those that are addresses."""
    found = re.findall(r"^[ \t]*nameserver\s+(\S{1,60})", text, re.MULTILINE)
    return tuple(dict.fromkeys(one for one in found if is_address(one)))


def parse_nsswitch(text: str) -> tuple[str, ...]:
    """Sources of `hosts:` in /etc/nsswitch.conf, in order; reactions in brackets are dropped."""
    match = re.search(r"^[ \t]*hosts:(.*)$", text, re.MULTILINE)
    if match is None:
        raise ValueError("nsswitch.conf has no hosts line")
    return tuple(re.sub(r"\[[^\]]*\]|#.*", " ", match[1]).split()[:8])


def parse_reverse(text: str) -> tuple[str, ...]:
    """Names in `getent hosts ADDRESS`, lower case."""
    found: list[str] = []
    for line in lines_of(text):
        words = line.split()
        if len(words) > 1 and is_address(words[0]):
            found += [word.lower() for word in words[1:]]
    return tuple(dict.fromkeys(found))
