"""Damage in one journal is that journal's: every other run is still listed, and the damaged one says why."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.cli.main import main
from core.engine import history
from core.engine.journal import Entry, Journal
from core.errors import JournalError, PoolwrightError
from core.models.events import EventKind, Outcome, RunState, StepState
from core.models.fleet import FleetFacts
from core.models.past import PastRun
from core.models.plan import Plan
from core.models.spec import BaseSpec, ServerTarget
from core.paths import PathsError, StatePaths
from core.platforms import catalog
from core.runner import client
from core.service import Checked, Service
from tests.engine.toys import toy_plan
from tests.examples import examples


def ended(paths: StatePaths) -> str:
    """A run with some history that has ended; its id."""
    journal = Journal.create(paths, toy_plan("a > b"), spec={"servers": ["a"]})
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    for name in ("a", "b"):
        journal.write(Entry(EventKind.STEP_STATE, "at it", name, StepState.DOING, {"record": {"id": name}}))
        journal.write(Entry(EventKind.STEP_STATE, "is there", name, StepState.DONE, {"record": {"id": name}}))
    journal.write(Entry(EventKind.OUTCOME, "made", state=Outcome.CREATED))
    run = journal.head.run
    journal.close()
    return run


class Two:
    """A good run, and one whose journal each example damages anew."""

    def __init__(self, root: Path) -> None:
        self.paths = StatePaths(root)
        self.good, self.bad = ended(self.paths), ended(self.paths)
        self.whole = self.paths.journal(self.bad).read_bytes()

    def damage(self, content: bytes) -> None:
        """The bad run's journal has this content now."""
        self.paths.journal(self.bad).write_bytes(content)

    def listed(self) -> str:
        """The damage that the list tells of the bad run, after the good one was found as it is."""
        views = {view.run: view for view in client.list_runs(self.paths.root)}
        assert views[self.good].outcome is Outcome.CREATED
        assert views[self.good].damage == ""
        return views[self.bad].damage


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    return Two(tmp_path_factory.mktemp("place") / "state")


@given(st.integers(0, 2**20), st.integers(1, 255))
@example(3790, 128)
@examples(400)
def test_no_byte_of_one_journal_hides_another_run(two: Two, at: int, bits: int) -> None:
    harmed = bytearray(two.whole)
    harmed[at % len(harmed)] ^= bits
    two.damage(bytes(harmed))
    if two.listed():  # else a byte that nobody reads, or text that may say anything
        with pytest.raises(PoolwrightError):
            client.show_run(two.paths.root, two.bad)


@given(st.integers(0, 40_000), st.binary(max_size=64))
@example(0, b"")
@example(1, b"")
@examples(100)
def test_no_cut_and_no_foreign_end_hides_another_run(two: Two, length: int, more: bytes) -> None:
    two.damage(two.whole[:length] + more)
    two.listed()


VALUES = st.sampled_from(
    [None, 0, -1, 2**40, 1.5, "", "x", "{}", "[]", "null", '"x"', "[" * 2000, b"\xff\xfe", b"\x00"]
)
COLUMNS = st.sampled_from(
    [
        ("run", name)
        for name in ("id", "platform", "pool", "spec", "plan", "extra", "user", "made_at", "state")
    ]
    + [("events", name) for name in ("at", "kind", "step", "state", "text", "data")]
)


@given(COLUMNS, VALUES)
@example(("run", "id"), 0)
@examples(250)
def test_no_value_of_any_type_hides_another_run(two: Two, column: tuple[str, str], value: object) -> None:
    two.damage(two.whole)
    table, name = column
    with closing(sqlite3.connect(two.paths.journal(two.bad), isolation_level=None)) as db:
        try:
            db.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = 1", (value,))
        except sqlite3.IntegrityError:
            return
    two.listed()


@pytest.mark.parametrize("raw", [b"\x1b[31mHERE", b"\xe2\x80\xaeHERE", b"HERE" * 500])
@pytest.mark.parametrize("column", ["data", "text", "state"])
def test_why_a_damaged_journal_cannot_be_read_shows_nothing_of_its_content(
    column: str, raw: bytes, two: Two
) -> None:
    """SQLite's own words came with a piece of the file: raw bytes, escapes."""
    two.damage(two.whole)
    with closing(sqlite3.connect(two.paths.journal(two.bad), isolation_level=None)) as db:
        db.execute(f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE seq = 2", (raw + b"\xff",))
    told = two.listed()
    assert "text in it is not UTF-8" in told
    assert "HERE" not in told
    assert told.isprintable()


@pytest.mark.parametrize(
    "column", ["run.id", "run.spec", "run.plan", "run.extra", "events.data", "events.state", "events.at"]
)
def test_a_value_that_cannot_be_is_not_quoted(column: str, two: Two) -> None:
    two.damage(two.whole)
    table, name = column.split(".")
    with closing(sqlite3.connect(two.paths.journal(two.bad), isolation_level=None)) as db:
        db.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = 1", ("\x1b[31m\u202eHERE",))
    told = two.listed()
    assert "is damaged" in told
    assert "HERE" not in told
    assert told.isprintable()


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
def test_nothing_is_written_once_the_file_is_another_one(name: str, tmp_path: Path) -> None:
    journal = Journal.create(StatePaths(tmp_path / "state"), toy_plan("a"), spec={})
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    journal.path.with_name(name).unlink()
    with closing(journal):
        for _ in range(2):
            with pytest.raises(JournalError, match=f"{name} is gone while the run was at work"):
                journal.write(Entry(EventKind.NOTE, "more"))
        assert journal.now.seq == 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "gone", "empty", "of others"])
def test_a_journal_that_is_no_file_is_told_as_such(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = StatePaths(tmp_path / "state")
    good, bad = ended(paths), ended(paths)
    path = paths.journal(bad)
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(paths.journal(good))
        case "empty":
            path.touch(0o600)
        case "of others":
            path.touch(0o666)
            path.chmod(0o666)
    assert main(["runs", "--state-dir", str(paths.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in sorted(lines)] == sorted([[good, "created"], [bad, "damaged"]])
    assert main(["runs", "--state-dir", str(paths.root), "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)["runs"]}
    assert str(path) in rows[bad]["damage"]
    assert rows[good]["damage"] == ""
    assert main(["show", bad, "--state-dir", str(paths.root)]) == 2


def test_a_sweep_uses_no_journal_while_one_cannot_be_read(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Sweeping:
        name = "toy"

        def sweep_plan(self, _spec: object, _fleet: object, _pool: str, past: tuple[PastRun, ...]) -> Plan:
            asked.append(len(past))
            return Plan(platform="toy", pool="toypool", steps=())

    monkeypatch.setattr(catalog, "platform", lambda _name: Sweeping())
    service, checked = Service(two.paths.root), Checked(FleetFacts(), ())
    spec = BaseSpec(platform="toy", servers=(ServerTarget(address="a"),))
    two.damage(two.whole)
    assert service.sweep_plan(spec, checked).warnings == ()
    two.damage(b"")
    (warning,) = service.sweep_plan(spec, checked).warnings
    assert two.bad in warning.text
    assert asked == [2, 0]


def test_a_state_folder_that_cannot_be_used_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StatePaths(tmp_path / "state")
    assert history.run_ids(paths) == []
    ended(paths)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PathsError, match="belongs to uid"):
        history.run_ids(paths)
    monkeypatch.undo()
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(PathsError, match="it is no folder"):
        history.run_ids(StatePaths(in_the_way))
    with pytest.raises(PathsError, match="not a directory"):
        history.run_ids(StatePaths(in_the_way / "state"))
