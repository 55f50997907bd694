"""What one server sees of another: name, round trip, ports, path MTU. Commands and parsers; pure.

Every command ends by itself within a few seconds and leaves nothing behind: pings, look-ups, and TCP connections that
are closed at once (server-pools 5, R014, R016, R049, R053, R079, R083).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.facts import linux
from core.facts.batch import Section
from core.facts.commands import is_host, lookup
from core.models.base import Frozen
from core.text import inert

PORT_S = 3  # a server on the same network answers within milliseconds; a lost SYN is sent again after 1 s
HEADERS = 28  # IPv4 and ICMP in front of a ping's data
MIN_MTU = 576  # every IPv4 host takes this (RFC 791)
_PINGS = 5


class PortState(StrEnum):
    """What became of a TCP connection from one server to another."""

    OPEN = "open"
    REFUSED = "refused"  # nobody listens there yet: the way is free (R016)
    TIMEOUT = "timeout"  # dropped on the way, or the host is gone
    NO_ROUTE = "no_route"  # a firewall's reject, or no such host or network
    UNKNOWN = "unknown"  # could not be tried


@dataclass(frozen=True, slots=True)
class Peer:
    """A server as the others shall reach it: the model's name, the address, the names to look up.

    `address` may be a host name, which the looking server then resolves itself. `heartbeat` is its address on the
    cluster's network where that is apart from the one it is managed by, "" where it is not or is not known.
    """

    name: str
    address: str
    names: tuple[str, ...] = ()
    heartbeat: str = ""


class Ping(Frozen):
    """A ping's figures; None where not one packet came back."""

    sent: int
    received: int
    rtt_ms: float | None = None  # the average
    rtt_min_ms: float | None = None
    rtt_max_ms: float | None = None

    @property
    def loss_pct(self) -> float:
        return 100.0 * (1 - self.received / self.sent) if self.sent else 100.0


class PairLook(Frozen):
    """What `source` sees of `target`. None means 'not known'; `missing` says why nothing at all is.

    `resolved`: name -> addresses there. `path_mtu`: the largest IPv4 packet in bytes that passes unfragmented, one
    way and back, None where not even MIN_MTU did; `mtu_tried` is the size that was hoped for. `network` is "" for the
    network it is managed by.
    """

    source: str
    target: str
    network: str = ""
    resolved: dict[str, tuple[str, ...]] = {}
    ping: Ping | None = None
    ports: dict[int, PortState] = {}
    path_mtu: int | None = None
    mtu_tried: int | None = None
    missing: str = ""

    @property
    def is_reached(self) -> bool | None:
        """Whether anything of the target answered; None when it was not tried."""
        if self.ping is not None and self.ping.received:
            return True
        if any(state in (PortState.OPEN, PortState.REFUSED) for state in self.ports.values()):
            return True
        return None if self.ping is None and not self.ports else False


def rounds(names: Sequence[str]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Every ordered pair (source, target) in N-1 rounds: in each, everyone asks once and is asked once.

    A Latin square: in round k the server at place i asks the one at place i+k. Repeated names count once.
    """
    unique = tuple(dict.fromkeys(names))
    size = len(unique)
    return tuple(
        tuple((unique[place], unique[(place + step) % size]) for place in range(size))
        for step in range(1, size)
    )


def targets_of(source: str, names: Sequence[str]) -> tuple[str, ...]:
    """Whom one server asks, in the order of the rounds."""
    return tuple(target for one in rounds(names) for asker, target in one if asker == source)


def pair_commands(
    peer: Peer, ports: Iterable[int], mtu: int | None, *, is_solaris: bool = False
) -> dict[str, str]:
    """What one server runs to look at a peer, as a batch. ValueError for an address that cannot stand in a command.

    The ports need limits of their own (PORT_S).
    """
    if not is_host(peer.address):
        raise ValueError(f"not an address: {inert(peer.address, 80)}")
    address = peer.address
    found = {
        f"name-{index}": lookup(name, is_solaris=is_solaris)
        for index, name in enumerate(name for name in peer.names if is_host(name))
    }
    found["ping"] = f"ping -s {address} 56 {_PINGS}" if is_solaris else ping_command(address, _PINGS)
    found |= {f"port-{port}": port_command(address, port) for port in ports}
    if mtu is not None and not is_solaris:
        found["mtu"] = mtu_command(address, mtu)
    return found


def ping_command(address: str, count: int) -> str:
    """`count` pings (Linux), each waited for one second."""
    return f"ping -n -q -c {count} -i 0.2 -W 1 {address}"


def port_command(address: str, port: int) -> str:
    """A TCP connection that is closed at once; it needs a limit of its own, since a lost SYN says nothing."""
    return f"bash -c '</dev/tcp/{address}/{_port(port)}'"


def mtu_command(address: str, mtu: int) -> str:
    """Whether packets of `mtu` bytes pass whole (Linux): two tries, so that one lost packet decides nothing."""
    size = min(max(mtu, MIN_MTU), 65535) - HEADERS
    return f"ping -n -q -c 2 -i 0.2 -w 1 -M do -s {size} {address}"


def read_pair(source: str, peer: Peer, sections: Mapping[str, Section], mtu: int | None = None) -> PairLook:
    """The sections of pair_commands; never raises for what a server said."""
    names = [name for name in peer.names if is_host(name)]
    resolved = {
        name: linux.parse_getent(section.text)[:16]
        for index, name in enumerate(names)
        if (section := sections.get(f"name-{index}")) is not None and section.status not in (None, 126, 127)
    }
    ports = {
        int(key.removeprefix("port-")): port_state(section)
        for key, section in sections.items()
        if key.startswith("port-")
    }
    passed = mtu_passes(sections.get("mtu"))
    return PairLook(
        source=source,
        target=peer.name,
        resolved=resolved,
        ping=ping_of(sections.get("ping")),
        ports=ports,
        path_mtu=mtu if passed else None,
        mtu_tried=mtu if passed is not None else None,
    )


def port_state(section: Section) -> PortState:
    """What one `</dev/tcp/...` attempt tells."""
    text = section.text.lower()
    if section.status == 0:
        return PortState.OPEN
    if "refused" in text:
        return PortState.REFUSED
    if section.status in (124, 137, 143) or "timed out" in text or section.status is None:
        return PortState.TIMEOUT if section.status is not None or "timed out" in text else PortState.UNKNOWN
    if "no route" in text or "unreachable" in text or "not permitted" in text or "prohibited" in text:
        return PortState.NO_ROUTE
    return PortState.UNKNOWN


def parse_ping(text: str) -> Ping:
    """The closing lines of a ping (iputils, busybox, Solaris); ValueError when there are none."""
    counts = re.search(r"(\d{1,9}) packets transmitted, (\d{1,9}) (?:packets )?received", text)
    if counts is None:
        raise ValueError("ping gave no figures")
    times = re.search(
        r"(?:rtt|round-trip)\s*(?:\(ms\)\s*)?min/avg/max(?:/(?:mdev|stddev))?\s*=\s*([\d.]{1,12})/([\d.]{1,12})/([\d.]{1,12})",
        text,
    )
    sent, received = int(counts[1]), int(counts[2])
    try:
        least, average, longest = (float(times[at]) for at in (1, 2, 3)) if times else (None, None, None)
    except ValueError:
        least = average = longest = None
    return Ping(sent=sent, received=min(received, sent), rtt_ms=average, rtt_min_ms=least, rtt_max_ms=longest)


def mtu_passes(section: Section | None) -> bool | None:
    """Whether the packets passed; None when this ping could not be run."""
    if section is None or section.status in (None, 126, 127):
        return None
    if section.worked:
        return True
    text = section.text.lower()
    if "message too long" in text or "frag needed" in text:
        return False
    try:
        return parse_ping(section.text).received > 0
    except ValueError:
        return None


class Bisection:
    """Finds the largest MTU that passes, within [MIN_MTU, hoped for], in at most 24 tries.

    Ask `size` and tell `answer` until `size` is None; then `found` is the MTU, None when not even MIN_MTU passed.
    The size hoped for has failed already. Usual values are tried first: a path is 1500 or 1400 far more often
    than 1437.
    """

    _USUAL = (1500, 1450, 9000, 1492, 1476, 1400)

    def __init__(self, hoped: int) -> None:
        self._low, self._high = MIN_MTU - 1, max(hoped, MIN_MTU)  # passes (or below all), does not pass
        self._usual = [size for size in self._USUAL if size < hoped]

    @property
    def size(self) -> int | None:
        """The next size to try."""
        if self._high - self._low <= 1:
            return None
        if self._low < MIN_MTU:
            return MIN_MTU
        while self._usual:
            if self._low < self._usual[0] < self._high:
                return self._usual[0]
            if self._usual[0] == self._low and self._low + 1 < self._high:
                return self._low + 1  # a usual value passed: it is the one, if the next byte does not
            self._usual.pop(0)
        return (self._low + self._high) // 2

    def answer(self, passes: bool) -> None:
        """What became of `size`."""
        size = self.size
        if size is None:
            return
        if passes:
            self._low = size
        else:
            self._high = size
            if size == MIN_MTU:
                self._low = size - 1

    @property
    def found(self) -> int | None:
        """The largest size that passed, None when none did."""
        return self._low if self._low >= MIN_MTU else None


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One question for the time: when it left and came back here, what the server said; epoch seconds."""

    sent_s: float
    received_s: float
    told_s: float
    coarse_s: float = 0.0  # half the resolution of what was told


def clock_offset(samples: Sequence[ClockSample]) -> tuple[float, float]:
    """(offset, error) of a clock against ours, in seconds: where all samples' intervals meet; ValueError without any.

    A sample says that the offset lies in [told - received, told - sent]. Intervals that do not meet (the clock was
    set between two questions) are not averaged: the one of the quickest answer stands.
    """
    if not samples:
        raise ValueError("no clock sample")
    spans = [
        (one.told_s - one.received_s - one.coarse_s, one.told_s - one.sent_s + one.coarse_s)
        for one in samples
    ]
    low, high = max(span[0] for span in spans), min(span[1] for span in spans)
    if low > high:
        low, high = min(spans, key=lambda span: span[1] - span[0])
    return (low + high) / 2, (high - low) / 2


def clock_between(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """(offset, error) of one server's clock against another's, from each one's (offset, error) against ours."""
    return one[0] - other[0], one[1] + other[1]


def ping_of(section: Section | None) -> Ping | None:
    """The figures of a ping, None when it could not be run or told none."""
    if section is None or section.status in (None, 126, 127):
        return None
    try:
        return parse_ping(section.text)
    except ValueError:
        return None


def _port(port: int) -> int:
    if not 0 < port < 65536:
        raise ValueError("not a TCP port")
    return port


def absent_pair(source: str, target: str, reason: str) -> PairLook:
    """A pair that could not be looked at."""
    return PairLook(source=source, target=target, missing=inert(reason, 300))
