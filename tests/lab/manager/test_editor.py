from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lab.manager.editor import Act, Input, LineEditor


def lines(typed: str, editor: LineEditor | None = None) -> list[str]:
    return [item.text for item in (editor or LineEditor()).feed(typed) if item.act is Act.LINE]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_ends_one_line(end: str) -> None:
    assert lines(f"list Server{end}exit{end}") == ["list Server", "exit"]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("lisst\x7f\x7ft Server\r", "list Server"),
        ("\x08\x08list\r", "list"),
        ("nonsense here\x15list Job\r", "list Job"),
        ("list Servers\x17Job\r", "list Job"),
        ("li\x1b[Cst\x1b[3~\x1bOC Vm\r", "list Vm"),
        ("list\x00 Vm\x07\r", "list Vm"),
    ],
)
def test_editing(typed: str, line: str) -> None:
    assert lines(typed) == [line]


def test_arrow_up_brings_the_line_before() -> None:
    editor = LineEditor()
    assert lines("list Server\rlist Job\r\x1b[A\x1b[A\r\x1b[A\x1b[B\r", editor) == [
        "list Server",
        "list Job",
        "list Server",
        "",
    ]


def test_question_mark_asks_and_keeps_the_text() -> None:
    editor = LineEditor()
    assert list(editor.feed("create SanServer plugin=?"))[-1] == Input(Act.HELP, "create SanServer plugin=")
    assert lines("x\r", editor) == ["create SanServer plugin=x"]


def test_control_d_ends_only_an_empty_line() -> None:
    assert list(LineEditor().feed("\x04")) == [Input(Act.END)]
    assert lines("ab\x04c\r") == ["abc"]


def test_control_c_forgets_the_line() -> None:
    assert lines("delete Server\x03list Job\r") == ["list Job"]


@given(st.text(max_size=300))
def test_whatever_is_typed_the_editor_lives(typed: str) -> None:
    editor = LineEditor()
    found = list(editor.feed(typed))
    assert lines("\x1b\x1b[A\x15", editor) == []
    assert all(
        item.text.isprintable() or set(item.text) <= {"\x08", " ", "\t"}
        for item in found
        if item.act is Act.ECHO
    )


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=40), st.integers(1, 39))
def test_chunks_make_no_difference(text: str, cut: int) -> None:
    editor = LineEditor()
    assert lines(text[:cut], editor) + lines(f"{text[cut:]}\r\n", editor) == [text]
