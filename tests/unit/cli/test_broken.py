"""Hostile and broken inputs, state and surroundings, one row each: the documented exit code, one clear error that names
what and where, no traceback, no secret, nothing that moves a terminal."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest

from core import files
from core.cli.main import main
from core.errors import ExitCode
from tests.unit.cli import broken
from tests.unit.cli.broken import CANARY, Row

ROWS = broken.rows()
CODES = frozenset(int(code) for code in ExitCode)


def test_the_table_is_as_long_as_was_promised_and_names_each_row_once() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert len(names) >= 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the call happens, with good files, and nothing of this machine's own configuration."""
    broken.place(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "PIPE_WAIT_S", 0.0)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "local"))
    monkeypatch.setenv("POOLWRIGHT_CHAP_PASSWORD", CANARY)
    monkeypatch.setenv("POOLWRIGHT_CONNECT_S", "0.01")
    return tmp_path


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_is_broken_is_told(
    row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row.make(folder)
    for name, value in row.env.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    code = main(list(row.words))
    shown = capsys.readouterr()
    judge(row, code, shown.out, shown.err)


def judge(row: Row, code: int, out: str, err: str) -> None:
    both = out + err
    assert code == row.code, both[-2000:]
    assert code in CODES
    assert "Traceback" not in both
    assert "internal error" not in both, err
    assert CANARY not in both
    for says in row.says:
        assert any(each.lower() in both.lower() for each in says.split("|")), both[-2000:]
    moving = [char for char in both if not char.isprintable() and char != "\n"]
    assert not moving, repr(moving)
    assert len(err) < 20_000
    if code == ExitCode.BAD_INPUT:
        assert re.search(r"^(poolwright: |usage: )", err, re.MULTILINE), err
    if row.is_json:
        document = json.loads(out)
        assert document.get("exit_code", code) == code
