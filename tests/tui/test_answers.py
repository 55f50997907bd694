"""Answers: kept, saved without secrets, restored; damaged files are no answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tui.fakes import SPEC
from tui.answers import Answers


def test_saved_answers_come_back(tmp_path: Path) -> None:
    answers = Answers(SPEC)
    answers.set("pool.name", "other")
    answers.accepted.append("server.clock.close")
    path = tmp_path / "deep" / "wizard.json"
    answers.save(path)
    answers.save(path)
    again = Answers.restore(path)
    assert again is not None
    assert (again.base, again.flat, again.accepted) == (SPEC, {"pool.name": "other"}, ["server.clock.close"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["wizard.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "other/1"}', '{"schema": "poolwright.answers/1", "base": []}']
)
def test_damaged_answers_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wizard.json"
    path.write_text(text)
    assert Answers.restore(path) is None
    assert Answers.restore(tmp_path / "nothing.json") is None


def test_a_server_keeps_what_is_known_of_it() -> None:
    answers = Answers(
        {"servers": [{"address": "a", "comment": "first", "connect": {"ssh": "127.0.0.1:1"}}, "b"]}
    )
    answers.set_servers(["c", "a", "c"])
    assert answers.base["servers"] == [
        {"address": "c"},
        {"address": "a", "comment": "first", "connect": {"ssh": "127.0.0.1:1"}},
    ]
    assert answers.servers == ["c", "a"]


def test_the_caller_s_data_is_never_changed() -> None:
    before = json.dumps(SPEC)
    answers = Answers(SPEC)
    answers.set_servers(["x"])
    answers.add_waiver({"check": "c", "target": "*", "reason": "r", "who": "w", "until": "2030-01-01"})
    answers.add_waiver({"check": "c", "target": "*", "reason": "again", "who": "w", "until": "2030-01-01"})
    assert json.dumps(SPEC) == before
    assert [each["reason"] for each in answers.base["waivers"]] == ["again"]
