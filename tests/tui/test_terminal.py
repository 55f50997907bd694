"""Which terminals get screens, and that a subcommand never imports Textual."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import LIMIT_S
from tui.borrow import expand_servers, inert
from tui.terminal import encoding_of, why_plain


@pytest.mark.parametrize(
    ("term", "encoding", "is_plain"),
    [
        ("xterm-256color", "utf-8", False), ("tmux-256color", "UTF-8", False), ("screen", "utf8", False),
        ("linux", "utf-8", False), ("screen.xterm-256color", "utf-8", False), ("st-256color", "utf-8", False),
        ("dumb", "utf-8", True), ("vt100", "utf-8", True), ("", "utf-8", True), ("wyse60", "utf-8", True),
        ("xterm", "ascii", True), ("xterm", "iso-8859-1", True), ("xterm", "no-such-encoding", True),
    ],
)  # fmt: skip
def test_terminals(term: str, encoding: str, is_plain: bool) -> None:
    assert bool(why_plain({"TERM": term}, encoding)) is is_plain


@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "ascii"),
        ({"LC_CTYPE": "de_DE.ISO-8859-1@euro"}, "ISO-8859-1"),
        ({"LANG": "C.UTF-8"}, "UTF-8"),
    ],
)
def test_the_first_locale_word_decides(environ: dict[str, str], encoding: str) -> None:
    assert encoding_of(environ) == encoding


def run_python(code: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("words", [["version"], ["--help"], []])
def test_without_a_terminal_textual_is_never_imported(words: list[str]) -> None:
    code = (
        "import sys\nfrom tui.__main__ import main\ncode = main(sys.argv[1:])\n"
        "print('LOADED', sorted(set(sys.modules) & {'textual', 'rich'}))\nsys.exit(code)"
    )
    done = run_python(code, *words)
    assert "LOADED []" in done.stdout
    assert done.returncode == (0 if words else 2)


def test_the_first_paint_waits_for_nothing_but_textual() -> None:
    heavy = "{'pydantic', 'asyncssh', 'core.service', 'core.models'}"
    code = f"import sys, tui.app\nprint(sorted(set(sys.modules) & {heavy}))"
    assert run_python(code).stdout.strip() == "[]"


def test_lists_of_servers() -> None:
    text = "a, b;c\n d[01-03].example.com # rack 4\n\n#nothing\na e[1,3]"
    names, wrong = expand_servers(text)
    assert names == ["a", "b", "c", "d01.example.com", "d02.example.com", "d03.example.com", "e1", "e3"]
    assert not wrong
    names, wrong = expand_servers("ok bad[1- other[9-1]")
    assert names == ["ok"]
    assert len(wrong) == 2


@given(st.text(max_size=60))
def test_any_pasted_text_is_a_list_or_a_complaint(text: str) -> None:
    names, wrong = expand_servers(text)
    assert len(set(names)) == len(names)
    assert all(isinstance(each, str) for each in wrong)


@given(st.text(max_size=200))
def test_shown_text_is_inert(text: str) -> None:
    assert inert(text).isprintable() or inert(text) == ""
