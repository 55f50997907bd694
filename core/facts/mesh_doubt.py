"""Second questions about the mesh: what a starved machine or one lost packet may have made up. Pure.

A port that did not answer is tried again with more time, and lost packets are counted again over more of them, on a
few ways that stand for the rest. Where a second answer takes the first one back, this server is too busy to be
believed: what was not asked again is then not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from core.facts.batch import Section
from core.facts.mesh import PairLook, Peer, PortState, ping_command, ping_of, port_command, port_state

AGAIN = "d"  # what the names of these commands begin with
PORT_AGAIN_S = 6  # a lost SYN is sent again after 1 s and 3 s
PINGS_AGAIN = 10
PING_AGAIN_S = 12
SAMPLE = 3  # ways asked again, of each kind


class Way(NamedTuple):
    """One way from the server that looked: to whom, and what was seen."""

    peer: Peer
    look: PairLook


def doubts(ways: Sequence[Way], *, is_solaris: bool = False) -> tuple[dict[str, str], dict[str, int]]:
    """(commands, limits) of the second questions; both empty where nothing is in doubt."""
    commands: dict[str, str] = {}
    limits: dict[str, int] = {}
    silent = sorted(_silent(ways), key=lambda way: not ways[way[0]].look.is_reached)
    for index, port in silent[:SAMPLE]:
        name = f"{AGAIN}{index}.port-{port}"
        commands[name] = port_command(ways[index].peer.address, port)
        limits[name] = PORT_AGAIN_S
    for index in (
        [] if is_solaris else [index for index, way in enumerate(ways) if _has_loss(way.look)][:SAMPLE]
    ):
        name = f"{AGAIN}{index}.ping"
        commands[name] = ping_command(ways[index].peer.address, PINGS_AGAIN)
        limits[name] = PING_AGAIN_S
    return commands, limits


def settle(ways: Sequence[Way], sections: Mapping[str, Section]) -> list[Way]:
    """The ways with what the second questions told; never raises."""
    ports: dict[tuple[int, int], PortState] = {}
    looks = {index: way.look for index, way in enumerate(ways)}
    is_slow_for_ports = is_slow_for_pings = False
    pinged: set[int] = set()
    for name, section in sections.items():
        index, what = int(name.removeprefix(AGAIN).split(".", 1)[0]), name.split(".", 1)[1]
        if what == "ping":
            again = ping_of(section)
            if again is None:
                continue
            pinged.add(index)
            is_slow_for_pings |= not again.received < again.sent
            looks[index] = looks[index].model_copy(update={"ping": again})
        else:
            state = port_state(section)
            ports[index, int(what.removeprefix("port-"))] = state
            is_slow_for_ports |= state not in (PortState.TIMEOUT, PortState.UNKNOWN)
    for index, look in looks.items():
        if is_slow_for_pings and index not in pinged and _has_loss(look):
            look = look.model_copy(update={"ping": None})
        changed = {
            port: _state(state, ports.get((index, port)), is_slow_for_ports)
            for port, state in look.ports.items()
        }
        looks[index] = look.model_copy(update={"ports": changed})
    return [Way(way.peer, looks[index]) for index, way in enumerate(ways)]


def _silent(ways: Sequence[Way]) -> Iterator[tuple[int, int]]:
    """(way, port) of what did not answer; of a peer that seems dead one port will do."""
    for index, (_, look) in enumerate(ways):
        ports = [port for port, state in look.ports.items() if state is PortState.TIMEOUT]
        for port in ports if look.is_reached else ports[:1]:
            yield index, port


def _has_loss(look: PairLook) -> bool:
    return look.ping is not None and look.ping.received < look.ping.sent


def _state(first: PortState, second: PortState | None, is_slow: bool) -> PortState:
    if first is not PortState.TIMEOUT:
        return first
    if second is not None and second is not PortState.UNKNOWN:
        return second
    return PortState.UNKNOWN if is_slow else first
