"""What a whole pool can do: sets that exchange guests, fewest pools, baseline, drag, starting places, evacuation.

All answers are about moves that work for every guest kind of the matrix, and none depends on the order of servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.cpu import sets as graph
from core.cpu.compat import Disagreeing
from core.cpu.matrix import Matrix, natural
from core.cpu.verdict import CellVerdict, Guest

POOL_LIMIT = 32  # servers a clustered pool may have (server-pools facts, section 2d)


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one server in MiB; None is not known."""

    total_mib: int | None
    free_mib: int | None

    @property
    def used_mib(self) -> int | None:
        return (
            None
            if self.total_mib is None or self.free_mib is None
            else max(0, self.total_mib - self.free_mib)
        )


@dataclass(frozen=True, slots=True)
class Drag:
    """What the pool would gain without these servers (all of one class): features for guests, and working pairs."""

    class_id: str
    servers: tuple[str, ...]
    flags: tuple[str, ...]
    pairs: int  # ordered server pairs that do not work because of them


@dataclass(frozen=True, slots=True)
class Evacuation:
    """Can this server's guests all go to its compatible peers? `fits` None: some memory is not known."""

    server: str
    peers: int
    used_mib: int | None
    free_mib: int | None
    fits: bool | None


@dataclass(frozen=True, slots=True)
class Start:
    """Guests started on these servers may move to `reaches` of the `others`."""

    servers: tuple[str, ...]
    reaches: int
    others: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The vendor rule and the features disagree for moves between two classes."""

    source: str
    target: str
    guests: tuple[Guest, ...]
    text: Disagreeing


@dataclass(frozen=True, slots=True)
class _Unit:
    """Servers that certainly exchange guests: a class, or one server of a class that cannot vouch for itself."""

    number: int  # of the class
    servers: tuple[str, ...]


class PoolView:
    """Answers about one matrix, each computed when first asked."""

    def __init__(self, matrix: Matrix, memory: Mapping[str, Memory] | None = None) -> None:
        self.matrix = matrix
        self.memory = memory or {}
        self._works = matrix.works()
        self._units = self._split()
        self._edges = self._unit_edges()

    def _split(self) -> list[_Unit]:
        units: list[_Unit] = []
        for number, item in enumerate(self.matrix.classes):
            if self._works[number] >> number & 1 or len(item.servers) == 1:
                units.append(_Unit(number, item.servers))
            else:
                units.extend(_Unit(number, (server,)) for server in item.servers)
        return units

    def _unit_edges(self) -> list[int]:
        by_class: dict[int, int] = {}
        for position, unit in enumerate(self._units):
            by_class[unit.number] = by_class.get(unit.number, 0) | 1 << position
        found = []
        for position, unit in enumerate(self._units):
            mask = 0
            for number in graph.nodes(self._works[unit.number]):
                mask |= by_class[number]
            found.append(mask | 1 << position)
        return found

    def _names(self, mask: int) -> tuple[str, ...]:
        found = [server for position in graph.nodes(mask) for server in self._units[position].servers]
        return tuple(sorted(found, key=natural))

    def _lists(self, masks: Iterable[int]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            sorted((self._names(mask) for mask in masks), key=lambda names: (-len(names), natural(names[0])))
        )

    @cached_property
    def sets(self) -> tuple[tuple[str, ...], ...]:
        """Strongly connected sets: inside one, every guest can get everywhere (perhaps by several moves)."""
        return self._lists(graph.strongly_connected(self._edges))

    @cached_property
    def one_way(self) -> tuple[tuple[str, str], ...]:
        """Classes (from, to) where moves work in this direction only."""
        ids = [item.id for item in self.matrix.classes]
        pairs: list[tuple[str, str]] = []
        for i, mask in enumerate(self._works):
            pairs.extend(
                (ids[i], ids[j]) for j in graph.nodes(mask) if i != j and not self._works[j] >> i & 1
            )
        return tuple(pairs)

    @cached_property
    def _mutual(self) -> list[int]:
        return graph.mutual(self._edges)

    @cached_property
    def _largest(self) -> graph.Bounded:
        return graph.largest_clique(self._mutual, [len(unit.servers) for unit in self._units])

    @property
    def largest(self) -> tuple[str, ...]:
        """The largest subset in which all pairs work, both ways."""
        return self._names(self._largest.members)

    @property
    def largest_bound(self) -> int:
        """No such subset has more servers than this; equal to the size when the search was exact."""
        return self._largest.bound

    @cached_property
    def _partition(self) -> graph.Partition:
        return graph.fewest_cliques(self._mutual)

    @cached_property
    def partition(self) -> tuple[tuple[str, ...], ...]:
        """Fewest pools in which all pairs work, both ways; every server is in exactly one."""
        return self._lists(self._partition.parts)

    @property
    def partition_bound(self) -> int:
        """Fewer pools than this are impossible; equal to the number of parts when the search was exact."""
        return self._partition.bound

    @cached_property
    def _guest_flags(self) -> list[int | None]:
        """Guest-visible flags of each class, None where they are not known."""
        space = self.matrix.space
        reach = 0
        for guest in self.matrix.guests:
            reach |= space.reach(guest)
        return [
            item.effective.flags & reach
            if item.effective is not None and item.effective.knows_flags
            else None
            for item in self.matrix.classes
        ]

    def _common(self, skip: int | None = None, *, strict: bool) -> int:
        common = -1
        for number, value in enumerate(self._guest_flags):
            if number == skip:
                continue
            if value is None:
                if strict:
                    return 0
                continue
            common &= value
        return max(common, 0)

    @cached_property
    def baseline(self) -> tuple[str, ...]:
        """What a guest may use on every server; empty when one server's features are not known."""
        return self.matrix.space.bits.names(self._common(strict=True))

    @cached_property
    def baseline_of_known(self) -> tuple[str, ...]:
        """The same over those servers whose features are known."""
        return self.matrix.space.bits.names(self._common(strict=False))

    @cached_property
    def drag(self) -> tuple[Drag, ...]:
        """What each class costs the pool, the dearest first; classes that cost nothing are left out."""
        classes = self.matrix.classes
        common = self._common(strict=False)
        found = []
        for number, item in enumerate(classes):
            alone = self._common(number, strict=False) if len(classes) > 1 else common
            gained = self.matrix.space.bits.names(alone & ~common)
            pairs = self._bad_pairs(number)
            if len(classes) > 1 and (gained or pairs):
                found.append(Drag(item.id, item.servers, gained, pairs))
        return tuple(
            sorted(found, key=lambda drag: (-drag.pairs / len(drag.servers), -len(drag.flags), drag.class_id))
        )

    def _bad_pairs(self, number: int) -> int:
        classes = self.matrix.classes
        size = len(classes[number].servers)
        count = 0 if self._works[number] >> number & 1 else size * (size - 1)
        for other, item in enumerate(classes):
            if other != number:
                bad = (not self._works[number] >> other & 1) + (not self._works[other] >> number & 1)
                count += bad * size * len(item.servers)
        return count

    @cached_property
    def start(self) -> tuple[Start, ...]:
        """Where to start guests so that they may move to as many servers as possible, best place first."""
        total = len(self.matrix.servers)
        places: dict[int, list[str]] = {}
        for position, unit in enumerate(self._units):
            reached = sum(len(self._units[other].servers) for other in graph.nodes(self._edges[position])) - 1
            places.setdefault(reached, []).extend(unit.servers)
        return tuple(
            Start(tuple(sorted(names, key=natural)), reached, total - 1)
            for reached, names in sorted(places.items(), reverse=True)
        )

    @cached_property
    def evacuation(self) -> tuple[Evacuation, ...]:
        """For each server with known memory: do its guests fit into the free memory of those they may move to?"""
        free: list[int | None] = []
        for unit in self._units:
            values = [self.memory[server].free_mib for server in unit.servers if server in self.memory]
            known = [value for value in values if value is not None]
            free.append(sum(known) if len(known) == len(unit.servers) else None)
        found: list[Evacuation] = []
        for position, unit in enumerate(self._units):
            targets = graph.nodes(self._edges[position])
            peers = sum(len(self._units[other].servers) for other in targets) - 1
            room = [free[other] for other in targets]
            found.extend(self._evacuate(server, peers, room) for server in unit.servers)
        return tuple(sorted(found, key=lambda item: natural(item.server))) if self.memory else ()

    def _evacuate(self, server: str, peers: int, room: Sequence[int | None]) -> Evacuation:
        memory = self.memory.get(server, Memory(None, None))
        if memory.free_mib is None or any(value is None for value in room):
            return Evacuation(server, peers, memory.used_mib, None, None if peers else False)
        left = sum(value for value in room if value is not None) - memory.free_mib
        fits = None if memory.used_mib is None else memory.used_mib <= left and peers > 0
        return Evacuation(server, peers, memory.used_mib, left, fits)

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Pairs of classes where Manager's rule and the features say different things."""
        found: dict[tuple[str, str, Disagreeing], list[Guest]] = {}
        classes = self.matrix.classes
        for guest in self.matrix.guests:
            for i, a in enumerate(classes):
                for j, b in enumerate(classes):
                    if (
                        a.effective is None
                        or b.effective is None
                        or i == j
                        or self._plainly_agree(guest, i, j)
                    ):
                        continue
                    kind = self.matrix.cell(i, j, guest).disagreement
                    if kind is not None:
                        found.setdefault((a.id, b.id, kind), []).append(guest)
        disagreements = []
        for (one, other, text), guests in found.items():
            if text is Disagreeing.SUFFICE and (other, one, text) not in found:
                text = Disagreeing.SUFFICE_ONE_WAY
            disagreements.append(Disagreement(one, other, tuple(guests), text))
        return tuple(disagreements)

    def _plainly_agree(self, guest: Guest, i: int, j: int) -> bool:
        """Cheap test that leaves out the many pairs that work, or whose vendors differ."""
        verdict = self.matrix.verdicts[guest][i][j]
        one, two = self.matrix.classes[i].effective, self.matrix.classes[j].effective
        vendors_differ = one is not None and two is not None and one.vendor != two.vendor
        return verdict.works or verdict is CellVerdict.UNKNOWN or vendors_differ
