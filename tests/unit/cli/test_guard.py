"""The outermost guard: any bug is one line with the path of a report that holds no secret, exit code 70."""

from __future__ import annotations

import argparse
import errno
import json
import re
import stat
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from typing_extensions import override

from core.cli import main as door
from core.cli.main import COMMANDS, main
from core.errors import ExitCode, JournalError
from core.log import guard
from core.secrets import Secrets

CANARY = "Kanarie-0815-zwitscher"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, early: bool = False) -> None:
    """From now on every command fails like this: when its arguments are declared, or when it runs."""

    def fails(_: object) -> ExitCode:
        raise error

    def declares(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("words", nargs="*")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--state-dir")

    command = SimpleNamespace(add_arguments=fails if early else declares, run=fails)
    monkeypatch.setattr(door, "_command", lambda _name: command)


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, Path]:
    """The one line on standard error, and the report it names."""
    shown = capsys.readouterr()
    assert not shown.out
    (line,) = shown.err.splitlines()
    named = re.search(r"the report is in (\S+)", line)
    assert named, line
    return line, Path(named[1])


@pytest.mark.parametrize("early", [False, True], ids=["running", "declaring"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_bug_in_any_command_is_one_line_and_a_report(
    name: str,
    early: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    guard(Secrets({"manager": CANARY}))
    broken(monkeypatch, ZeroDivisionError(f"by {CANARY}"), early=early)
    assert main([name, "a word", CANARY]) is ExitCode.INTERNAL
    line, report = told(capsys)
    assert "internal error: ZeroDivisionError: by ********" in line
    text = report.read_text()
    assert report.parent == tmp_path / "state"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "Traceback" in text
    assert f"command: poolwright {name} 'a word' ********" in text
    assert "poolwright " in text.splitlines()[0]
    assert CANARY not in text


def test_a_script_gets_the_error_as_a_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(monkeypatch, KeyError("x"))
    assert main(["runs", "--json"]) is ExitCode.INTERNAL
    error = json.loads(capsys.readouterr().out)
    assert (error["schema"], error["code"], error["exit_code"]) == ("poolwright.error/1", "PW900", 70)


def test_where_the_state_folder_cannot_be_written_the_report_goes_to_the_temporary_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken(monkeypatch, ValueError("x"))
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert main(["show", "r", "--state-dir", str(in_the_way)]) is ExitCode.INTERNAL
    _, report = told(capsys)
    assert report.parent == tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(in_the_way))
    assert main(["show", "r", f"--state-dir={in_the_way}"]) is ExitCode.INTERNAL
    assert "no report could be written" in capsys.readouterr().err


def test_an_error_of_ours_inside_a_group_is_told_as_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = JournalError("cannot read it", fix="look there")
    broken(monkeypatch, ExceptionGroup("outer", [ExceptionGroup("inner", [ours])]))
    assert main(["attach", "r"]) is ours.exit_code
    assert "cannot read it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "limit of this process"),
        (MemoryError(), "out of memory"),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError"),
        (ExceptionGroup("two", [JournalError("x"), TypeError("y")]), "TypeError: y"),
    ],
    ids=["descriptors", "memory", "recursion", "group"],
)
def test_what_the_machine_lacks_is_said_in_words(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(monkeypatch, error)
    assert main(["runs"]) is ExitCode.INTERNAL
    assert words in told(capsys)[0]


def test_an_exception_that_cannot_be_printed_is_reported_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Mute(Exception):
        @override
        def __str__(self) -> str:
            raise RuntimeError("no text")

    broken(monkeypatch, Mute())
    assert main(["runs"]) is ExitCode.INTERNAL
    assert "Mute" in told(capsys)[0]
