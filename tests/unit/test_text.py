"""Hostile text becomes inert: what a server sends can move no cursor, hide nothing and grow without end nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import inert, is_inert, listed


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain ünïcode 漢字", "plain ünïcode 漢字"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bPdcs\x1b\\x", "x"),
        ("\x1b(Bx\x1bcy", "xy"),
        ("a\x00b\x08c", "a\\x00b\\x08c"),
        ("a\x7fb", "a\\x7fb"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half\ud800", "half\\ud800"),
        ("one\r\ntwo\n\rthree\u2028four", "one two three four"),
        ("tab\tand   blanks", "tab and blanks"),
        ("", ""),
    ],
)
def test_inert(given_text: str, shown: str) -> None:
    assert inert(given_text) == shown


def test_lines_may_be_kept() -> None:
    assert inert("a\r\nb\n\rc\x85d\te", keep_lines=True) == "a\nb\nc\nd e"


@given(st.text(max_size=400), st.integers(0, 60), st.booleans())
def test_always_inert_and_never_longer_than_asked(text: str, limit: int, keep: bool) -> None:
    shown = inert(text, limit, keep_lines=keep)
    assert is_inert(shown)
    assert len(shown) <= limit
    assert keep or "\n" not in shown


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z")), max_size=60))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert inert(text, 60) == text


@given(st.text(max_size=300))
def test_inert_twice_is_inert_once(text: str) -> None:
    assert inert(inert(text)) == inert(text)


def test_a_cut_text_says_so() -> None:
    assert inert("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    "evil", ["\x1b]" * 500_000, "\x1b[" + "0;" * 500_000, "\x1b" * 1_000_000, "\u202e" * 1_000_000]
)
def test_a_megabyte_of_malice_takes_no_time(evil: str) -> None:
    assert is_inert(inert(evil))
    assert is_inert(inert(evil, 8_000_000, keep_lines=True).replace("\n", ""))


def test_listed_counts_the_tail() -> None:
    assert listed(["a", "b\n", "c"], 2) == "a, b and 1 more"
