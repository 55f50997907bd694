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
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from core.engine import database
from core.engine.history import compare, fold_all, one_row, read_head
from core.engine.history import read_run as read_run
from core.errors import JournalError
from core.masking import Masker, words_of
from core.models.events import EventKind, RunEvent
from core.models.plan import JsonDict, Plan
from core.paths import StatePaths, private_dir, state_root

_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"  # no l and o: ids are read aloud
Listener = Callable[[RunEvent], None]


class Entry(NamedTuple):
    """One event before it has a number. `data["record"]` of a step is kept as it is: its undo works with it."""

    kind: EventKind
    text: str = ""
    step: str = ""
    state: str = ""
    data: JsonDict = {}


def new_run_id(now: datetime) -> str:
    """A short id that sorts by time (UTC): 261122-150445-k3."""
    return f"{now:%y%m%d-%H%M%S}-{''.join(random_source.choice(_ALPHABET) for _ in range(2))}"


class Journal:
    """The writing side. After a failed write it stays refused: no effect may follow without a record."""

    def __init__(self, path: Path, db: sqlite3.Connection, masker: Masker) -> None:
        self.path, self._db, self._masker = path, db, masker
        self.head = read_head(db, path)
        self.now = fold_all(db, self.head, path)
        self.broken: JournalError | None = None
        self._files = database.OpenFiles(path)
        self._listeners: list[Listener] = []
        compare(db, self.now, path)

    @classmethod
    def create(
        cls,
        paths: StatePaths,
        plan: Plan,
        *,
        spec: JsonDict,
        extra: JsonDict | None = None,
        secrets: Iterable[str] = (),
        public: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Journal:
        """Begin the journal of a new run; everything that can be wrong with the place is found here.

        `secrets` are masked in every text; spec, plan and `public` (what everybody may read) are not, see core.masking.
        """
        state_root(paths.root)
        private_dir(paths.runs)
        database.check_place(paths.runs)
        run = _claim(paths, now)
        path = paths.journal(run)
        try:
            database.make(path)
            return cls._begun(path, run, plan, spec, extra or {}, (list(secrets), public), now())
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
        masked: tuple[list[str], str],
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
            secrets, public = masked
            said = words_of(plan.model_dump(mode="json"))
            return cls(path, db, Masker(secrets, words_of(spec), said, public))
        except BaseException:
            db.close()
            raise

    @classmethod
    def open(cls, paths: StatePaths, run: str, secrets: Iterable[str] = (), public: str = "") -> Journal:
        """Continue the journal of a run whose runner is gone; the caller holds the run's lock."""
        database.check_place(paths.run(run))
        path = paths.journal(run)
        db = database.open_writer(path)
        try:
            spec, plan = one_row(db, "SELECT spec, plan FROM run", path)
            said = [words_of(json.loads(each)) for each in (spec, plan)]
            journal = cls(path, db, Masker(secrets, *said, public))
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

    def shown(self, data: JsonDict) -> JsonDict:
        """Data as the journal shows it, without secrets; what is compared with it later must be masked alike."""
        masked: JsonDict = self._masker.data(data)
        return masked

    def _event(self, entry: Entry, seq: int) -> RunEvent:
        data = self.shown({key: value for key, value in entry.data.items() if key != "record"})
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
                self._files.demand()
                self._db.execute("BEGIN IMMEDIATE")
                for event in events:
                    self._insert(event)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self.now = fold_all(self._db, self.head, self.path)  # as if nothing had been said
                raise
        self._files.demand()  # it may have gone in between: what was just said is not known to anybody then

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
        elif event.kind in (EventKind.RUN_STATE, EventKind.OUTCOME, EventKind.VERIFICATION):
            self._db.execute(
                "UPDATE run SET state = ?, outcome = ?, started_at = ?, ended_at = ?, message = ?",
                (self.now.state, self.now.outcome, self.now.started_at, self.now.ended_at, self.now.message),
            )


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
