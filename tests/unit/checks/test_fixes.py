"""Fix commands: a server's word stays one word, or no command is offered."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.checks import fixes
from core.models.results import FixCommand
from core.reports.text import commands_text

KINDS = {
    fixes.host: "ovs01.example.com", fixes.address: "203.0.113.11", fixes.interface: "bond0.7:1",
    fixes.device: "/dev/mapper/360a98000a648a7dd", fixes.path: "/export/pool-fs_1", fixes.wwid: "360a98000a648a7dd",
    fixes.uuid: "0004fb00-0001-0000-a1b2-c3d4e5f60718", fixes.mac: "00:21:f6:aa:bb:cc", fixes.number: "24",
    fixes.name: "pool_1",
}  # fmt: skip
HOSTILE = [
    "", "-rf", "--", "a b", "a;b", "$(id)", "`id`", "a\nb", "a\x1b[2J", "a'b", 'a"b', "a\\b", "a|b", "a>b", "~root",
    "a&b", "*", "a?b", "{a,b}", "#a", "!a", "ovs01\u202e", "é", "٣", "/dev/../etc/passwd", "/../x", "[bold]", "a\tb",
    "a\x00b",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_usual_word_of_its_kind_is_offered_as_it_is(kind: object) -> None:
    word = kind(KINDS[kind])  # type: ignore[operator,index]
    made = fixes.command("s1", "do {it}", it=word)
    assert (made.text, made.withheld) == (f"do {KINDS[kind]}", "")  # type: ignore[index]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_word_withholds_the_command_and_says_so(kind: object, text: str) -> None:
    made = fixes.command("s1", "do {it}", it=kind(text))  # type: ignore[operator]
    assert made.text == ""
    assert "no command is offered" in made.withheld
    assert not text.strip() or len(text) < 3 or text not in made.withheld


@given(st.sampled_from(sorted(KINDS, key=lambda kind: kind.__name__)), st.text(max_size=40))
@example(fixes.device, "/dev/sda\n/dev/sdb")
@example(fixes.path, "/a/..")
def test_whatever_is_offered_is_one_word_and_no_option(kind: object, text: str) -> None:
    made = fixes.command("s1", "do '{it}' {it}", it=kind(text))  # type: ignore[operator]
    if made.text:
        assert shlex.split(made.text) == ["do", text, text]
        assert not text.startswith("-")
        assert text.isprintable()
    else:
        assert made.withheld


def test_a_place_without_a_word_is_a_mistake_of_the_check() -> None:
    with pytest.raises(KeyError, match="device"):
        fixes.command("s1", "wipe {device}", name=fixes.name("x"))


def test_a_destructive_command_stands_below_its_warning_and_nothing_is_wrapped() -> None:
    long = FixCommand(where="s1", text="x" * 200)
    wipe = FixCommand(where="s1", text="dd of=/dev/sdb", warning="destroys what lies on it")
    withheld = fixes.command("s2", "do {it}", it=fixes.host("$(id)"))
    lines = commands_text([long, wipe, withheld], "  ")
    assert lines[0] == "  on s1:"
    assert lines[1].strip() == "x" * 200
    assert lines[2].strip() == "# CAREFUL: destroys what lies on it"
    assert lines[3].strip() == "dd of=/dev/sdb"
    assert lines[4] == "  on s2:"
    assert "no command is offered" in lines[5]
