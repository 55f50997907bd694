"""Server ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ranges import MAX_SERVERS, expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ovs1", ["ovs1"]),
        ("ovs[01-03].example.com", ["ovs01.example.com", "ovs02.example.com", "ovs03.example.com"]),
        ("ovs[9-11]", ["ovs9", "ovs10", "ovs11"]),
        ("ovs[1,4-5]", ["ovs1", "ovs4", "ovs5"]),
        ("r[1-2]s[1-2]", ["r1s1", "r1s2", "r2s1", "r2s2"]),
        ("203.0.113.[7-8]", ["203.0.113.7", "203.0.113.8"]),
        ("ovs[008-010]", ["ovs008", "ovs009", "ovs010"]),
    ],
)
def test_ranges_expand_in_order(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ovs[3-1]", "backwards"),
        ("ovs[1-", "partner"),
        ("ovs1-3]", "partner"),
        ("ovs[a-c]", "not a range"),
        ("ovs[]", "not a range"),
        ("ovs[1-9999]", "more than"),
        ("a[1-100]b[1-100]", "more than"),
    ],
)
def test_a_range_that_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        expand(text)


@given(st.integers(0, 900), st.integers(0, 90), st.integers(1, 5))
def test_a_range_names_every_number_once(first: int, more: int, width: int) -> None:
    last = first + more
    names = expand(f"s[{first:0{width}d}-{last}]")
    assert [int(name[1:]) for name in names] == list(range(first, last + 1))
    assert len(names) <= MAX_SERVERS
