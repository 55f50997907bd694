from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lab.manager.grammar import (
    CliSyntaxError,
    Word,
    join_continued,
    listed,
    split_commands,
    undouble,
    words,
)

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=30)


def compose(pairs: list[tuple[str, str]]) -> str:
    return " ".join(f'{key}="{value}"' for key, value in pairs)


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6))
def test_words_give_back_what_was_quoted(pairs: list[tuple[str, str]]) -> None:
    assert words(compose(pairs)) == [Word(value, key, True) for key, value in pairs]


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3), st.integers(1, 4))
def test_split_keeps_quoted_semicolons(pairs: list[tuple[str, str]], count: int) -> None:
    line = f"list {compose(pairs)}"
    assert split_commands(";".join([line] * count)) == [line] * count


@given(st.text(st.characters(exclude_characters="\0"), max_size=30))
def test_doubled_slashes_come_back_single(name: str) -> None:
    assert undouble(name.replace("/", "//")) == name


@given(st.text(max_size=200))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        found = words(line)
    except CliSyntaxError:
        return
    assert all(isinstance(word.value, str) for word in found)


def test_single_quotes_hold_double_ones() -> None:
    assert words("name='a \"b\" c' x=") == [Word('a "b" c', "name", True), Word("", "x")]


def test_an_open_quote_is_refused() -> None:
    with pytest.raises(CliSyntaxError, match="closing quote"):
        words("list Server name='x")


def test_a_key_keeps_later_equal_signs() -> None:
    assert words("description=a=b") == [Word("a=b", "description")]


def test_single_slash_in_a_name_is_refused() -> None:
    with pytest.raises(CliSyntaxError, match="doubled"):
        undouble("nfs:/mnt/vol1")
    assert undouble("nfs://mnt//vol1") == "nfs:/mnt/vol1"


def test_a_backslash_at_the_line_end_goes_on() -> None:
    assert join_continued("create ServerPool \\\r\n  name=x") == "create ServerPool    name=x"
    assert split_commands("list \\\nServer\nlist Job") == ["list  Server", "list Job"]


def test_lists_are_comma_separated() -> None:
    assert listed("a, b,,c") == ["a", "b", "c"]
    assert listed("") == []
