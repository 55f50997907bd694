"""One server's looks at all its peers in one channel: the commands of every pair side by side in one batch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.facts.batch import Section
from core.facts.commands import LOOKUP_S, is_host, lookup
from core.facts.mesh import PORT_S, Peer, absent_pair, pair_commands, read_pair
from core.facts.mesh_doubt import Way

PAIR_S = 4.0  # what a healthy pair takes at most, beyond its own limits
ROW_MAX_S = 150.0


def row_commands(
    peers: Sequence[Peer], ports: Iterable[int], mtu: int | None, *, is_solaris: bool = False
) -> tuple[dict[str, str], dict[str, int]]:
    """(commands, limits) of a batch that looks at every peer; a peer without a usable address is only looked up."""
    wanted = tuple(dict.fromkeys(ports))
    commands: dict[str, str] = {}
    limits: dict[str, int] = {}
    for index, peer in enumerate(peers):
        for key, command in _pair(peer, wanted, mtu, is_solaris=is_solaris).items():
            name = f"p{index}.{key}"
            commands[name] = command
            limits[name] = LOOKUP_S if key.startswith("name-") else PORT_S if key.startswith("port-") else 8
    return commands, limits


def _pair(peer: Peer, ports: tuple[int, ...], mtu: int | None, *, is_solaris: bool) -> dict[str, str]:
    try:
        return pair_commands(peer, ports, None if is_solaris else mtu, is_solaris=is_solaris)
    except ValueError:
        names = [name for name in peer.names if is_host(name)]
        return {f"name-{index}": lookup(name, is_solaris=is_solaris) for index, name in enumerate(names)}


def read_row(
    source: str, peers: Sequence[Peer], sections: Mapping[str, Section], mtu: int | None
) -> list[Way]:
    """What the source sees of each peer, in their order."""
    found: list[Way] = []
    for index, peer in enumerate(peers):
        prefix = f"p{index}."
        own = {key.removeprefix(prefix): one for key, one in sections.items() if key.startswith(prefix)}
        if all(section.status is None for section in own.values()):
            reason = next(iter(own.values())).why_not if own else "nothing could be asked"
            found.append(Way(peer, absent_pair(source, peer.name, reason)))
        else:
            found.append(Way(peer, read_pair(source, peer, own, mtu)))
    return found


def row_limit_s(count: int, spare_s: float) -> float:
    """Seconds a row may take before it is cut."""
    return min(spare_s + PAIR_S * count, ROW_MAX_S)
