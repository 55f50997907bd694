"""The journal: refused before anything is touched, honest after a failed write, silent about secrets."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.engine import database, migrations
from core.engine.database import file_system_in
from core.engine.history import JournalReader, read_run, run_ids
from core.engine.journal import Entry, Journal, new_run_id
from core.errors import JournalError
from core.masking import Masker
from core.models.events import EventKind, RunState, StepState
from core.paths import PathsError, StatePaths
from tests.engine.toys import toy_plan

PLAN = toy_plan("a > b")
CANARY = 'Kanarie "4711" & co'


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return StatePaths(tmp_path / "state")


def begun(paths: StatePaths, **more: object) -> Journal:
    return Journal.create(paths, PLAN, spec={"servers": ["a"]}, **more)  # type: ignore[arg-type]


def step(name: str, state: StepState, **data: object) -> Entry:
    return Entry(EventKind.STEP_STATE, "", name, state, dict(data))


def test_what_is_written_is_read_back_in_order(paths: StatePaths) -> None:
    journal = begun(paths)
    heard: list[int] = []
    journal.subscribe(lambda event: heard.append(event.seq))
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    journal.write(
        step("a", StepState.DOING, record={"before": 1}), Entry(EventKind.COMMAND, "list Server", "a")
    )
    journal.write(step("a", StepState.DONE, record={"id": "x"}))
    with closing(JournalReader(paths, journal.head.run)) as reader:  # beside the living writer
        events = reader.events()
        assert [event.seq for event in events] == heard == [1, 2, 3, 4]
        assert reader.events(since=2, limit=1) == events[2:3]
        assert reader.head().spec == {"servers": ["a"]}
        assert reader.head().plan == PLAN
        assert reader.now() == journal.now
    run = journal.head.run
    journal.close()
    again = Journal.open(paths, run)
    assert again.now == journal.now
    assert again.now.steps["a"].record == {"id": "x"}
    again.close()


def test_every_file_is_private_from_its_first_byte(paths: StatePaths) -> None:
    old = os.umask(0)
    try:
        journal = begun(paths)
        journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
        files = list(paths.run(journal.head.run).iterdir())
        assert {path.name for path in files} == {"journal.db", "journal.db-wal", "journal.db-shm"}
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert {
            path.stat().st_mode & 0o777 for path in (paths.root, paths.runs, paths.run(journal.head.run))
        } == {0o700}
    finally:
        os.umask(old)
    with closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    journal.close()


def test_others_rights_on_the_file_are_refused(paths: StatePaths) -> None:
    journal = begun(paths)
    journal.close()
    journal.path.chmod(0o640)
    with pytest.raises(JournalError, match="others may read"):
        Journal.open(paths, journal.head.run)


def test_a_forbidden_change_is_not_written_and_ends_all_writing(paths: StatePaths) -> None:
    journal = begun(paths)
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    with pytest.raises(JournalError, match="from waiting to done"):
        journal.write(Entry(EventKind.NOTE, "with it"), step("a", StepState.DONE))
    assert journal.now.seq == 1
    assert journal.now.steps["a"].state is StepState.WAITING
    with pytest.raises(JournalError):
        journal.write(Entry(EventKind.NOTE, "after it"))
    with closing(JournalReader(paths, journal.head.run)) as reader:
        assert len(reader.events()) == 1
    journal.close()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("PRAGMA user_version = 99", "newer"),
        ("PRAGMA application_id = 1", "another program"),
        ("DELETE FROM events WHERE seq = 2", "missing"),
        ("UPDATE events SET state = 'dancing' WHERE seq = 2", "damaged"),
        ("UPDATE events SET data = '{' WHERE seq = 2", "damaged"),
        ("UPDATE steps SET state = 'done'", "disagree"),
        ("UPDATE run SET plan = '{}'", "damaged"),
        ("DELETE FROM run", "never begun"),
    ],
)
def test_a_journal_that_was_changed_is_refused(paths: StatePaths, harm: str, told: str) -> None:
    journal = begun(paths)
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    journal.write(step("a", StepState.DOING), Entry(EventKind.NOTE, "more"))
    journal.close()
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute(harm)
        db.commit()
    with pytest.raises(JournalError, match=told):
        Journal.open(paths, journal.head.run)


def test_a_damaged_page_is_refused(paths: StatePaths) -> None:
    journal = begun(paths)
    journal.write(*(Entry(EventKind.NOTE, "x" * 500) for _ in range(100)))
    journal.close()
    raw = bytearray(journal.path.read_bytes())
    raw[4096 * 5 : 4096 * 8] = os.urandom(4096 * 3)
    journal.path.write_bytes(raw)
    with pytest.raises(JournalError, match=r"damaged|malformed"):
        Journal.open(paths, journal.head.run)


def test_older_schemas_are_migrated_one_number_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    database.make(path)
    database.open_writer(path).close()
    ran: list[str] = []
    later = (*migrations.MIGRATIONS, lambda db: ran.append("2"), lambda db: ran.append("3"))
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    monkeypatch.setattr(migrations, "NEWEST", len(later))
    for _ in range(2):
        with closing(database.open_writer(path)) as db:
            assert migrations.version(db) == 3
    assert ran == ["2", "3"]


def test_a_failing_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    database.make(path)
    database.open_writer(path).close()

    def breaks(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        error = sqlite3.OperationalError("cannot go on")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, breaks))
    monkeypatch.setattr(migrations, "NEWEST", 2)
    with pytest.raises(JournalError, match="make room"):
        database.open_writer(path)
    with closing(sqlite3.connect(path)) as db:
        assert migrations.version(db) == 1
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("SQLITE_FULL", "make room"),
        ("SQLITE_READONLY_DBMOVED", "make it writable"),
        ("SQLITE_CORRUPT_INDEX", "restore it"),
        ("SQLITE_NOTADB", "restore it"),
        ("SQLITE_BUSY_SNAPSHOT", "another process"),
        ("SQLITE_IOERR", "look at the disk"),
    ],
)
def test_what_to_do_follows_from_sqlites_code_whatever_its_words(tmp_path: Path, name: str, fix: str) -> None:
    error = sqlite3.OperationalError("full malformed locked readonly")
    error.sqlite_errorname = name
    with pytest.raises(JournalError, match=fix), database.translated(tmp_path / "journal.db", "write"):
        raise error


def test_a_full_disk_is_named_when_a_journal_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(JournalError, match="make room"):
        database.make(tmp_path / "journal.db")


# full, read-only and network file systems -------------------------------------------------------------------------


def write_much(journal: Journal) -> None:
    for _ in range(200):
        journal.write(Entry(EventKind.NOTE, "x" * 4000))


def fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as fill, contextlib.suppress(OSError):
        while True:
            fill.write(b"x" * 4096)


def test_a_journal_that_fills_its_disk_stops_for_good_and_keeps_what_was_committed(paths: StatePaths) -> None:
    journal = begun(paths)
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(JournalError, match=r"full.*make room"):
        write_much(journal)
    kept = journal.now.seq
    with pytest.raises(JournalError):
        journal.write(Entry(EventKind.NOTE, "small"))
    run = journal.head.run
    journal.close()
    again = Journal.open(paths, run)  # with room again it goes on where it was
    assert again.now.seq == kept
    again.write(step("a", StepState.DOING))
    again.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 12 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small tmpfs")
    point = tmp_path / "small"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", point], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    yield point
    subprocess.run(["mount", "-o", "remount,rw", point], check=False)
    subprocess.run(["umount", point], check=True)


@pytest.mark.real
def test_on_a_really_full_disk_no_effect_is_without_a_record(small_disk: Path) -> None:
    paths = StatePaths(small_disk / "state")
    journal = begun(paths)
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    fill_up(small_disk / "fill")
    with pytest.raises(JournalError, match="cannot write"):
        write_much(journal)
    kept = journal.now.seq
    with pytest.raises(JournalError, match="MiB free, needs 8"):
        begun(paths)
    assert run_ids(paths) == [journal.head.run]
    (small_disk / "fill").unlink()
    journal.close()
    again = Journal.open(paths, journal.head.run)
    assert again.now.seq == kept
    again.close()


@pytest.mark.real
def test_a_read_only_file_system_is_told_as_such(small_disk: Path) -> None:
    paths = StatePaths(small_disk / "state")
    journal = begun(paths)
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(JournalError, match="read-only"):
        Journal.open(paths, journal.head.run)
    with pytest.raises((JournalError, PathsError), match=r"[Rr]ead-only"):
        begun(paths)


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw - nfs4 nas:/home rw
31 30 8:2 / /home/ann rw - xfs /dev/sda2 rw
32 22 0:41 / /mnt/two\\040words rw - fuse.sshfs ann@x:/ rw
33 22 0:42 / /mnt/over rw - ext4 /dev/sdb rw
34 22 0:43 / /mnt/over rw - cifs //nas/x rw
short line
""".splitlines()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/bob/.local/state", "nfs4"),
        ("/home/ann/.local/state", "xfs"),
        ("/homework", "ext4"),
        ("/mnt/two words/state", "fuse.sshfs"),
        ("/mnt/over/state", "cifs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    assert file_system_in(MOUNTS, Path(path)) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "ocfs2"])
def test_network_file_systems_are_refused_before_anything_is_made(
    paths: StatePaths, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(database, "file_system", lambda path: kind)
    with pytest.raises(JournalError, match=rf"{kind} is not safe.*--state-dir"):
        begun(paths)
    assert run_ids(paths) == []


# secrets and hostile text -----------------------------------------------------------------------------------------


def test_no_spelling_of_a_secret_reaches_the_file(paths: StatePaths) -> None:
    journal = begun(paths, secrets=[CANARY])
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    said = f"{CANARY} {CANARY!r} password={CANARY} https://oracle:{CANARY}@x/ Kanarie%20%224711%22%20%26%20co"
    journal.write(Entry(EventKind.COMMAND, said, data={"raw": [{CANARY: CANARY}]}))
    journal.write(step("a", StepState.DOING, record={"deep": {"er": [CANARY]}}))
    raw = b"".join(path.read_bytes() for path in paths.run(journal.head.run).iterdir())
    assert b"Kanarie" not in raw
    assert b"4711" not in raw
    assert b"********" in raw
    journal.close()


def test_a_secret_that_is_also_an_open_word_masks_texts_but_keeps_records_usable(paths: StatePaths) -> None:
    journal = Journal.create(paths, PLAN, spec={"agent": {"user": "oracle"}}, secrets=["oracle", "hidden9"])
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    journal.write(Entry(EventKind.NOTE, "logged in as oracle"))
    journal.write(step("a", StepState.DOING, record={"user": "oracle", "other": "hidden9"}))
    assert journal.now.steps["a"].record == {"user": "oracle", "other": "hidden9"}
    with closing(JournalReader(paths, journal.head.run)) as reader:
        assert reader.head().spec == {"agent": {"user": "oracle"}}
        assert reader.events(1)[0].text == "logged in as oracle"
    journal.close()


def test_hostile_text_is_stored_inert_and_bounded(paths: StatePaths) -> None:
    journal = begun(paths)
    (event,) = journal.write(
        Entry(EventKind.COMMAND, "a\x1b[31mb\udc80\x00c" + "y" * 200_000, data={"k\x07": "\x9b2J"})
    )
    assert "\x1b" not in event.text
    assert "\x00" not in event.text
    assert len(event.text) <= 64 * 1024
    with closing(JournalReader(paths, journal.head.run)) as reader:
        assert reader.events() == [event]
    journal.close()


def test_masking_an_empty_or_odd_value_never_fails() -> None:
    masker = Masker(["", "ab", "x-z"])
    assert masker.text("x-z ab") == "******** ab"
    assert masker.data({"a": (1, None, True, 2.5, {"x-z"}, Path("/x-z"))}) == {
        "a": [1, None, True, 2.5, ["********"], "/********"]
    }


def test_run_ids_sort_by_time_and_two_in_a_second_differ(paths: StatePaths) -> None:
    journals = [begun(paths) for _ in range(5)]
    ids = [journal.head.run for journal in journals]
    assert len(set(ids)) == 5
    assert run_ids(paths) == sorted(ids, reverse=True)
    assert new_run_id(datetime(2001, 1, 2, tzinfo=UTC)) < ids[0]
    for journal in journals:
        journal.close()


def test_a_begin_that_was_cut_short_is_listed_and_told(paths: StatePaths) -> None:
    folder = paths.run("261122-150445-k3")
    folder.mkdir(parents=True, mode=0o700)
    database.make(paths.journal(folder.name))
    with pytest.raises(JournalError, match="never begun"):
        read_run(paths, folder.name)
