"""The searches against brute force, and their bounds beyond what brute force can do."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cpu import sets
from tests.examples import examples


@st.composite
def graphs(draw: st.DrawFn) -> list[int]:
    """Symmetric graphs without loops, up to 8 nodes."""
    size = draw(st.integers(1, 8))
    adjacency = [0] * size
    for i, j in itertools.combinations(range(size), 2):
        if draw(st.booleans()):
            adjacency[i] |= 1 << j
            adjacency[j] |= 1 << i
    return adjacency


def is_clique(adjacency: list[int], members: int) -> bool:
    return all(not members & ~(adjacency[node] | 1 << node) for node in sets.nodes(members))


@given(graphs(), st.data())
def test_the_largest_clique_is_the_heaviest_of_all(adjacency: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(adjacency), max_size=len(adjacency)))
    best = max(
        sum(weights[node] for node in sets.nodes(mask))
        for mask in range(1, 1 << len(adjacency))
        if is_clique(adjacency, mask)
    )
    found = sets.largest_clique(adjacency, weights)
    assert is_clique(adjacency, found.members)
    assert found.value == sum(weights[node] for node in sets.nodes(found.members)) == best
    assert found.is_exact


def fewest(adjacency: list[int]) -> int:
    """Fewest cliques that cover everything, over all ways to number parts."""
    size = len(adjacency)
    for count in range(1, size + 1):
        for colours in itertools.product(range(count), repeat=size):
            masks = [sum(1 << node for node in range(size) if colours[node] == part) for part in range(count)]
            if all(is_clique(adjacency, mask) for mask in masks):
                return count
    return size


@examples(40)
@given(graphs().filter(lambda graph: len(graph) <= 6))
def test_the_partition_has_as_few_parts_as_possible(adjacency: list[int]) -> None:
    found = sets.fewest_cliques(adjacency)
    assert sum(found.parts) == (1 << len(adjacency)) - 1
    assert sum(part.bit_count() for part in found.parts) == len(adjacency)
    assert all(is_clique(adjacency, part) for part in found.parts)
    assert found.is_exact
    assert len(found.parts) == fewest(adjacency)


def _random_graph(size: int, share: float, seed: int) -> list[int]:
    source = random.Random(seed)
    adjacency = [0] * size
    for i, j in itertools.combinations(range(size), 2):
        if source.random() < share:
            adjacency[i] |= 1 << j
            adjacency[j] |= 1 << i
    return adjacency


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_32_servers_are_always_exact(share: float) -> None:
    adjacency = _random_graph(32, share, 7)
    assert sets.largest_clique(adjacency, [1] * 32).is_exact
    assert sets.fewest_cliques(adjacency).is_exact


def test_beyond_32_the_bounds_hold() -> None:
    adjacency = _random_graph(90, 0.7, 3)
    clique = sets.largest_clique(adjacency, [1] * 90)
    cover = sets.fewest_cliques(adjacency)
    assert is_clique(adjacency, clique.members)
    assert clique.value <= clique.bound
    assert cover.bound <= len(cover.parts)
    assert sum(part.bit_count() for part in cover.parts) == 90


def test_planted_cliques_are_found_whole() -> None:
    adjacency = [0] * 200
    for start in range(0, 200, 40):
        for node in range(start, start + 40):
            adjacency[node] = ((1 << 40) - 1) << start & ~(1 << node)
    assert sets.largest_clique(adjacency, [1] * 200).value == 40
    assert len(sets.fewest_cliques(adjacency).parts) == 5


def test_a_long_chain_is_no_matter_of_recursion() -> None:
    size = 3_000
    chain = [1 << (node + 1) if node + 1 < size else 0 for node in range(size)]
    assert len(sets.strongly_connected(chain)) == size
    ring = [1 << (node + 1) % size for node in range(size)]
    assert sets.strongly_connected(ring) == [(1 << size) - 1]
