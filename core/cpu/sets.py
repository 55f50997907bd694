"""Sets of servers that may exchange guests: strongly connected sets, largest all-pairs subset, fewest pools.

Graphs are lists of integer bit sets: bit j of edges[i] means a guest may move from i to j. All answers depend on
the numbering only, so callers number canonically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXACT = 32  # nodes up to which the searches are never cut short
BUDGET = 200_000  # search steps for larger graphs; then the best found stands, with its bound


@dataclass(frozen=True, slots=True)
class Bounded:
    """An answer with the bound that is proven for it: exact when `value == bound`."""

    members: int  # bit set of nodes
    value: int
    bound: int

    @property
    def is_exact(self) -> bool:
        return self.value == self.bound


def nodes(mask: int) -> list[int]:
    """Numbers of the bits in a set, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def mutual(edges: Sequence[int]) -> list[int]:
    """Both directions work: the symmetric part, without loops."""
    back = [0] * len(edges)
    for number, mask in enumerate(edges):
        for other in nodes(mask):
            back[other] |= 1 << number
    return [mask & back[number] & ~(1 << number) for number, mask in enumerate(edges)]


def components(adjacency: Sequence[int]) -> list[int]:
    """Connected components of a symmetric graph, by their smallest node."""
    left = (1 << len(adjacency)) - 1
    found = []
    while left:
        seen = front = left & -left
        while front:
            reached = 0
            for node in nodes(front):
                reached |= adjacency[node]
            front = reached & ~seen
            seen |= front
        found.append(seen)
        left &= ~seen
    return found


def strongly_connected(edges: Sequence[int]) -> list[int]:
    """Sets in which every node reaches every other, by their smallest node (Tarjan, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack = 0
    found: list[int] = []
    for root in range(len(edges)):
        if root in order:
            continue
        work = [(root, edges[root] & ~(1 << root))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack |= 1 << root
        while work:
            node, rest = work.pop()
            if rest:
                bit = rest & -rest
                work.append((node, rest ^ bit))
                child = bit.bit_length() - 1
                if child not in order:
                    order[child] = low[child] = len(order)
                    stack.append(child)
                    on_stack |= bit
                    work.append((child, edges[child] & ~bit))
                elif on_stack & bit:
                    low[node] = min(low[node], order[child])
                continue
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == order[node]:
                mask = 0
                while True:
                    top = stack.pop()
                    mask |= 1 << top
                    if top == node:
                        break
                on_stack &= ~mask
                found.append(mask)
    return sorted(found, key=lambda mask: mask & -mask)


def largest_clique(adjacency: Sequence[int], weights: Sequence[int]) -> Bounded:
    """The heaviest set in which all pairs work; exact for every component of up to 32 nodes."""
    best = Bounded(0, 0, 0)
    bound = 0
    for part in components(adjacency):
        answer = _clique(adjacency, weights, part)
        bound = max(bound, answer.bound)
        if answer.value > best.value:
            best = answer
    return Bounded(best.members, best.value, max(bound, best.value))


def _colour_bound(adjacency: Sequence[int], weights: Sequence[int], part: int) -> int:
    """No clique in `part` weighs more: one node a colour class, each as heavy as its heaviest."""
    total = 0
    while part:
        free, heaviest = part, 0
        while free:
            low = free & -free
            node = low.bit_length() - 1
            heaviest = max(heaviest, weights[node])
            part ^= low
            free &= ~(low | adjacency[node])
        total += heaviest
    return total


def _clique(adjacency: Sequence[int], weights: Sequence[int], part: int) -> Bounded:
    steps = BUDGET if part.bit_count() > EXACT else -1
    best, best_weight = 0, 0
    stack = [(0, 0, part)]
    while stack and steps:
        steps -= 1
        chosen, weight, candidates = stack.pop()
        if weight > best_weight:
            best, best_weight = chosen, weight
        if not candidates or weight + _colour_bound(adjacency, weights, candidates) <= best_weight:
            continue
        inside = nodes(candidates)
        node = max(inside, key=lambda n: ((adjacency[n] & candidates).bit_count(), weights[n], -n))
        bit = 1 << node
        stack.append((chosen, weight, candidates & ~bit))
        stack.append((chosen | bit, weight + weights[node], candidates & adjacency[node]))
    return Bounded(best, best_weight, best_weight if not stack else _colour_bound(adjacency, weights, part))


@dataclass(frozen=True, slots=True)
class Partition:
    """Fewest sets found in which all pairs work, and how few there could be at best."""

    parts: tuple[int, ...]
    bound: int

    @property
    def is_exact(self) -> bool:
        return len(self.parts) == self.bound


def fewest_cliques(adjacency: Sequence[int]) -> Partition:
    """Cover all nodes with as few all-pairs sets as possible; exact for components of up to 32 nodes."""
    parts: list[int] = []
    bound = 0
    for part in components(adjacency):
        answer = _cover(adjacency, part)
        parts.extend(answer.parts)
        bound += answer.bound
    return Partition(tuple(sorted(parts, key=lambda mask: mask & -mask)), bound)


def _greedy_cover(adjacency: Sequence[int], part: int) -> list[int]:
    found: list[int] = []
    weights = [1] * len(adjacency)
    while part:
        if part.bit_count() <= EXACT:
            clique = _clique(adjacency, weights, part).members
        else:
            clique, free = 0, part
            while free:
                node = max(nodes(free), key=lambda n: ((adjacency[n] & free).bit_count(), -n))
                clique |= 1 << node
                free &= adjacency[node]
        found.append(clique)
        part &= ~clique
    return found


def _apart(adjacency: Sequence[int], part: int) -> int:
    """Size of a set of which no pair works: so many parts are needed at least."""
    count = 0
    while part:
        node = min(nodes(part), key=lambda n: ((adjacency[n] & part).bit_count(), n))
        part &= ~(adjacency[node] | 1 << node)
        count += 1
    return count


def _cover(adjacency: Sequence[int], part: int) -> Partition:
    """Branch over which part the most constrained node joins; parts stay cliques all the way."""
    best = _greedy_cover(adjacency, part)
    bound = _apart(adjacency, part)
    steps = BUDGET if part.bit_count() > EXACT else -1
    order = sorted(nodes(part), key=lambda n: ((adjacency[n] & part).bit_count(), n))
    stack: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    while stack and steps and len(best) > bound:
        steps -= 1
        depth, parts = stack.pop()
        if len(parts) >= len(best):
            continue
        if depth == len(order):
            best = list(parts)
            continue
        node = order[depth]
        bit = 1 << node
        if len(parts) + 1 < len(best):
            stack.append((depth + 1, (*parts, bit)))
        for number, members in enumerate(parts):
            if not members & ~adjacency[node]:
                stack.append((depth + 1, (*parts[:number], members | bit, *parts[number + 1 :])))
    return Partition(tuple(best), len(best) if not stack or len(best) == bound else bound)
