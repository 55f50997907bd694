"""YAML as plain data with places: merge keys work, and no text is too hostile for one clear answer that comes soon."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import SpecError
from core.yaml_file import Source, read_text
from tests.examples import examples

MERGED = """\
ssh: &login
  user: root
  key_file: id
jump:
  <<: *login
  user: hop
servers:
  - &first {address: ovs1, comment: one}
  - <<: [*first, *login]
    address: ovs2
  - *first
"""


def read(text: str) -> Source:
    return read_text(text, "pool.yaml")


def refused(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        read(text)
    (problem,) = caught.value.problems
    return str(problem)


def test_merge_keys_and_aliases_are_what_they_name() -> None:
    source = read(MERGED)
    assert source.data["jump"] == {"user": "hop", "key_file": "id"}
    assert source.data["servers"] == [
        {"address": "ovs1", "comment": "one"},
        {"address": "ovs2", "comment": "one", "user": "root", "key_file": "id"},
        {"address": "ovs1", "comment": "one"},
    ]


def test_what_was_merged_keeps_the_place_where_it_stands() -> None:
    source = read(MERGED)
    assert source.place(("jump", "user")) == (6, 3)
    assert source.place(("jump", "key_file")) == (3, 3)
    assert source.place(("servers", 1, "comment")) == (8, 28)
    assert source.place(("servers", 1, "address")) == (10, 5)
    assert source.place(("servers", 2)) == (11, 5)
    assert source.place(("servers", 1, "no such key")) == (9, 5)


DOUBLED = "a0: &a0 {k: 1, j: 1}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 4)}]\n" for level in range(1, 14)
)
HOSTILE = {
    "a: *x\n": "there is no anchor '&x'",
    "x: &x\n  <<: *x\n": "stands within what it names",
    "x: &x [*x]\n": "stands within what it names",
    "x: &x 1\ny:\n  <<: *x\n": "pool.yaml:3:3: y.<<: only a mapping",
    "x: &x [1]\ny:\n  <<: *x\n": "only a mapping",
    DOUBLED: "remove the aliases",
    "a: " + "[" * 50_000 + "]" * 50_000: "pool.yaml:1:24: the file: too much or too deep",
    "a: " + "{a: " * 20_000: "too much or too deep",
    "- " * 20_000: "too much or too deep",
    "".join(f"k{number}: 1\n" for number in range(20_001)): "too much or too deep",
    "? [a, b]\n: 1\n": "a key is no plain word",
    "a: 1\na: 2\n": "pool.yaml:2:1: the file: cannot be read as YAML: key 'a' stands in line 1",
    "a: !!python/object/apply:os.system ['id']\n": "carries a tag",
    "a: !!binary aGVsbG8=\n": "carries a tag",
    "a: !!set {x, y}\n": "carries a tag",
    "a: !!bool x\n": "is no bool",
    "a: 2001-99-14\n": "pool.yaml:1:4: the file: is no timestamp; put text in quotes",
    f"a: {'9' * 5000}\n": "a number of 5000 characters",
    f"a: 0x{'9' * 5000}\n": "a number of 5002 characters",
    'a: "\\UFFFFFFFF"\n': "cannot be read as YAML",
    'a: "\\ud800"\n': "half a character",
    "a: 1\nb: \x07\n": "pool.yaml:2:1: the file: cannot be read as YAML: it holds a control character",
    "a: 1\n---\nb: 1\n": "holds a second document",
    "a:\n\tb: 1\n": "pool.yaml:2:1: the file: cannot be read as YAML",
    "%YAML 9.9\n---\na: 1\n": "incompatible YAML",
    "~\n": "is not a mapping",
    "\n \n": "is empty",
}


@pytest.mark.parametrize(("text", "why"), HOSTILE.items(), ids=list(HOSTILE.values()))
def test_hostile_text_is_told_by_place(text: str, why: str) -> None:
    assert why in refused(text)


WORDS = st.sampled_from(
    ["a", "b: ", "<<: ", "*x", "&x ", "- ", "[", "]", "{", "}", ", ", "\n", "\n  ", "!t ", "!!int ", "'", '"',
     "? ", ": ", "1", "0x", "1e9", "~", "|\n", "#", "---\n", "\ufeff", "\\", "\ud800", "\x00", "%", "2001-01-01", "\t"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=40).map("".join))
@example("&x <<: *x")
@example("- &x")
@examples(300)
def test_every_text_is_data_or_one_problem_with_a_line(text: str) -> None:
    lines: list[int] = []
    try:
        lines = [line for line, _ in read(text).places.values()]
    except SpecError as error:
        lines = [problem.line for problem in error.problems]
    assert all(1 <= line <= text.count("\n") + 2 for line in lines)


TREES = st.recursive(
    st.integers(0, 99) | st.sampled_from(["x", "no", ""]),
    lambda inner: st.dictionaries(st.sampled_from("abcde"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abcde"), TREES), st.dictionaries(st.sampled_from("abcde"), TREES))
@examples(100)
def test_a_merge_is_the_union_in_which_own_keys_win(base: dict[str, Any], own: dict[str, Any]) -> None:
    import json  # every JSON text of these is YAML too

    rest = "".join(f"  {json.dumps(key)}: {json.dumps(value)}\n" for key, value in own.items())
    source = read(f"base: &b {json.dumps(base)}\nmade:\n  <<: *b\n{rest}")
    assert source.data == {"base": base, "made": {**base, **own}}
