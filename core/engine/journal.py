"""The journal of one run: one SQLite file, one writer, the truth from which every state folds.

One file a run, not one for all: each has exactly one writer for its whole life (no lock is ever waited for while a
step is half done), damage or a full check touches one run only, and an ended run is archived by moving its folder.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets as random_source
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from core.engine import database
from core.engine.fold import TELLING, RunNow
from core.engine.masking import Masker
from core.errors import JournalError
from core.models.events import EventKind, RunEvent
from core.models.plan import JsonDict, Plan
from core.paths import StatePaths, private_dir, state_root

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"  # no l and o: ids are read aloud
_CHUNK = 500  # events read at once, so that a long history never stops the runner
DAMAGED = "restore it from a backup, or move its folder away"
Listener = Callable[[RunEvent], None]


class Entry(NamedTuple):
    """One event before it has a number. `data["record"]` of a step is kept readable for its undo."""

    kind: EventKind
    text: str = ""
    step: str = ""
    state: str = ""
    data: JsonDict = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True, slots=True)
class Head:
    """The first page of a journal: what the run shall do and who asked for it."""

    run: str
    platform: str
    pool: str
    spec: JsonDict
    plan: Plan
    extra: JsonDict
    user: str
    made_at: str


def new_run_id(now: datetime) -> str:
    """A short id that sorts by time (UTC): 261122-150445-k3."""
    return f"{now:%y%m%d-%H%M%S}-{''.join(random_source.choice(_ALPHABET) for _ in range(2))}"


class Journal:
    """The writing side. After a failed write it stays refused: no effect may follow without a record."""

    def __init__(self, path: Path, db: sqlite3.Connection, masker: Masker) -> None:
        self.path, self._db, self._masker = path, db, masker
        self.head = _read_head(db, path)
        self.now = _fold(db, self.head, path)
        self.broken: JournalError | None = None
        self._listeners: list[Listener] = []
        _compare(db, self.now, path)

    @classmethod
    def create(
        cls,
        paths: StatePaths,
        plan: Plan,
        *,
        spec: JsonDict,
        extra: JsonDict | None = None,
        secrets: Iterable[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Journal:
        """Begin the journal of a new run; everything that can be wrong with the place is found here."""
        state_root(paths.root)
        private_dir(paths.runs)
        database.check_place(paths.runs)
        run = _claim(paths, now)
        path = paths.journal(run)
        try:
            database.make(path)
            return cls._begun(path, run, plan, spec, extra or {}, list(secrets), now())
        except BaseException:
            _discard(paths.run(run))
            raise

    @classmethod
    def _begun(
        cls,
        path: Path,
        run: str,
        plan: Plan,
        spec: JsonDict,
        extra: JsonDict,
        secrets: list[str],
        at: datetime,
    ) -> Journal:
        db = database.open_writer(path)
        try:
            texts = [json.dumps(spec), plan.model_dump_json(), json.dumps(extra)]
            with database.translated(path, "write"):
                db.execute(
                    "INSERT INTO run (id, platform, pool, spec, plan, extra, user, made_at, state, pid)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'created_run', ?)",
                    (run, plan.platform, plan.pool, *texts, _user(), at.isoformat(), os.getpid()),
                )
            return cls(path, db, Masker(secrets, "\n".join(texts[:2])))
        except BaseException:
            db.close()
            raise

    @classmethod
    def open(cls, paths: StatePaths, run: str, secrets: Iterable[str] = ()) -> Journal:
        """Continue the journal of a run whose runner is gone; the caller holds the run's lock."""
        database.check_place(paths.run(run))
        path = paths.journal(run)
        db = database.open_writer(path)
        try:
            spec, plan = _one(db, "SELECT spec, plan FROM run", path)
            journal = cls(path, db, Masker(secrets, f"{spec}\n{plan}"))
            with database.translated(path, "write"):
                db.execute("UPDATE run SET pid = ?", (os.getpid(),))
        except BaseException:
            db.close()
            raise
        return journal

    def close(self) -> None:
        """Let go of the file; also merges the write-ahead log into it."""
        self._db.close()

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every event once it is on disk; it must not block or raise."""
        self._listeners.append(listener)

    def write(self, *entries: Entry) -> tuple[RunEvent, ...]:
        """Commit events together and fold them; returns once they are on disk.

        Raises JournalError on a forbidden change (nothing written), and on any failed write, for ever after.
        """
        if self.broken is not None:
            raise self.broken
        events = [self._event(entry, self.now.seq + index) for index, entry in enumerate(entries, 1)]
        try:
            self._commit(events)
        except JournalError as error:
            self.broken = error
            raise
        for event in events:
            for listener in self._listeners:
                listener(event)
        return tuple(events)

    def _event(self, entry: Entry, seq: int) -> RunEvent:
        data = {key: value for key, value in entry.data.items() if key != "record"}
        data = self._masker.data(data)
        if "record" in entry.data:
            data["record"] = self._masker.record(entry.data["record"])
        return RunEvent(
            run=self.head.run,
            seq=seq,
            at=datetime.now(UTC),
            kind=entry.kind,
            step=entry.step,
            state=entry.state,
            text=self._masker.text(entry.text),
            data=json.loads(json.dumps(data)),
        )

    def _commit(self, events: list[RunEvent]) -> None:
        with database.translated(self.path, "write"):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for event in events:
                    self._insert(event)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self.now = _fold(self._db, self.head, self.path)  # as if nothing had been said
                raise

    def _insert(self, event: RunEvent) -> None:
        self.now.apply(event)
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                event.seq,
                event.at.isoformat(),
                event.kind,
                event.step,
                event.state,
                event.text,
                json.dumps(event.data),
            ),
        )
        if event.kind is EventKind.STEP_STATE:
            step = self.now.steps[event.step]
            self._db.execute(
                "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)",
                (event.step, step.state, json.dumps(step.record), step.seq),
            )
        elif event.kind in (EventKind.RUN_STATE, EventKind.OUTCOME):
            self._db.execute(
                "UPDATE run SET state = ?, outcome = ?, started_at = ?, ended_at = ?, message = ?",
                (self.now.state, self.now.outcome, self.now.started_at, self.now.ended_at, self.now.message),
            )


class JournalReader:
    """The reading side, for front ends and for replays beside a living writer; use with `closing`."""

    def __init__(self, paths: StatePaths, run: str) -> None:
        self.path = paths.journal(run)
        self._db = database.open_reader(self.path)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def head(self) -> Head:
        """What the run shall do."""
        return _read_head(self._db, self.path)

    def now(self) -> RunNow:
        """The state, folded from all events."""
        return _fold(self._db, self.head(), self.path)

    def events(self, since: int = 0, limit: int = _CHUNK) -> list[RunEvent]:
        """Up to `limit` events after `since`, in order."""
        with database.translated(self.path, "read"):
            run = _one(self._db, "SELECT id FROM run", self.path)[0]
            return list(_events(self._db, run, since, limit))


def run_ids(paths: StatePaths) -> list[str]:
    """Runs that have a journal below this state folder, newest first."""
    if not paths.runs.is_dir():
        return []
    return sorted((path.parent.name for path in paths.runs.glob("*/journal.db")), reverse=True)


def read_run(paths: StatePaths, run: str) -> tuple[Head, RunNow]:
    """First page and folded state of one run."""
    with closing(JournalReader(paths, run)) as reader:
        return reader.head(), reader.now()


def _claim(paths: StatePaths, now: Callable[[], datetime]) -> str:
    for _ in range(50):
        run = new_run_id(now())
        try:
            paths.run(run).mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            raise JournalError(f"cannot make a folder below {paths.runs}: {error.strerror}") from error
        return run
    raise JournalError(f"cannot find a free run id below {paths.runs}", fix="wait a second and start again")


def _discard(folder: Path) -> None:
    """Take away what a failed begin left: our own new folder with nothing but journal files in it."""
    try:
        for path in folder.glob("journal.db*"):
            path.unlink()
        folder.rmdir()
    except OSError:
        pass  # a left-over folder without a begun journal is listed as such, and harms nothing


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _one(db: sqlite3.Connection, query: str, path: Path) -> tuple[Any, ...]:
    with database.translated(path, "read"):
        row = db.execute(query).fetchone()
    if row is None:
        raise JournalError(f"cannot read the journal {path}: it was never begun")
    return tuple(row)


def _read_head(db: sqlite3.Connection, path: Path) -> Head:
    run, platform, pool, spec, plan, extra, user, made_at = _one(
        db, "SELECT id, platform, pool, spec, plan, extra, user, made_at FROM run", path
    )
    try:
        return Head(
            run,
            platform,
            pool,
            json.loads(spec),
            Plan.model_validate_json(plan),
            json.loads(extra),
            user,
            made_at,
        )
    except ValueError as error:
        raise JournalError(f"cannot read the journal {path}: its first page is damaged: {error}") from error


_COLUMNS = "SELECT seq, at, kind, step, state, text, data FROM events"


def _events(db: sqlite3.Connection, run: str, since: int, limit: int) -> Iterator[RunEvent]:
    for row in db.execute(f"{_COLUMNS} WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)):
        yield _event(run, row)


def _event(run: str, row: tuple[Any, ...]) -> RunEvent:
    seq, at, kind, step, state, text, data = row
    return RunEvent(
        run=run,
        seq=seq,
        at=datetime.fromisoformat(at),
        kind=EventKind(kind),
        step=step,
        state=state,
        text=text,
        data=json.loads(data),
    )


def _fold(db: sqlite3.Connection, head: Head, path: Path) -> RunNow:
    """Fold what tells a state; the rest (commands, notes: nearly all of a long history) is only counted."""
    now = RunNow.of(head.run, head.plan)
    telling = ", ".join(f"'{kind}'" for kind in TELLING)
    try:
        with database.translated(path, "read"):
            rows = db.execute(f"{_COLUMNS} WHERE kind IN ({telling}) ORDER BY seq").fetchall()
            count, last = db.execute("SELECT count(*), ifnull(max(seq), 0) FROM events").fetchone()
        for row in rows:
            now.take(_event(head.run, row))
    except ValueError as error:
        raise JournalError(
            f"cannot read the journal {path}: an event is damaged: {error}", fix=DAMAGED
        ) from error
    if count != last:
        raise JournalError(
            f"cannot use the journal {path}: {last - count} of its events are missing", fix=DAMAGED
        )
    now.seq = last
    return now


def _compare(db: sqlite3.Connection, now: RunNow, path: Path) -> None:
    """The tables made from the events must say the same as the events."""
    with database.translated(path, "read"):
        kept = {row[0]: row[1:] for row in db.execute("SELECT id, state, record, seq FROM steps")}
        state = db.execute("SELECT state, outcome FROM run").fetchone()
    told = {
        id_: (step.state.value, json.dumps(step.record), step.seq)
        for id_, step in now.steps.items()
        if id_ in kept or step.seq
    }
    if kept != told or state != (now.state.value, now.outcome.value if now.outcome else None):
        raise JournalError(
            f"cannot use the journal {path}: its events and its states disagree, it is damaged",
            fix=DAMAGED,
        )
