"""Read journals: their first page, their events, the state these fold to. Writes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.engine import database
from core.engine.fold import TELLING, RunNow
from core.errors import JournalError, PoolwrightError
from core.models.events import EventKind, RunEvent
from core.models.past import PastRun, PastStep
from core.models.plan import JsonDict, Plan
from core.paths import RUN_ID, StatePaths, readable_root

DAMAGED = "restore it from a backup, or move its folder away"
_CHUNK = 500  # events read at once, so that a long history never stops the runner


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
        return read_head(self._db, self.path)

    def now(self) -> RunNow:
        """The state, folded from all events."""
        return fold_all(self._db, self.head(), self.path)

    def events(self, since: int = 0, limit: int = _CHUNK) -> list[RunEvent]:
        """Up to `limit` events after `since`, in order."""
        with intact(self.path, "an event"), database.translated(self.path, "read"):
            run = one_row(self._db, "SELECT id FROM run", self.path)[0]
            return list(read_events(self._db, run, since, limit))


@contextmanager
def intact(path: Path, what: str) -> Iterator[None]:
    """Damage can make any line that reads fail in any way: what is no error of ours is a JournalError too."""
    try:
        yield
    except PoolwrightError:
        raise
    except Exception as error:
        why = type(error).__name__  # its words quote the file
        raise JournalError(
            f"cannot read the journal {path}: {what} is damaged ({why})", fix=DAMAGED
        ) from error


def run_ids(paths: StatePaths) -> list[str]:
    """Runs below this state folder, newest first, also those whose journal is gone.

    PathsError when the folder cannot be read, or is another user's.
    """
    if not readable_root(paths.root) or not paths.runs.exists():
        return []
    try:
        names = [path.name for path in paths.runs.iterdir() if RUN_ID.match(path.name)]
    except OSError as error:
        raise JournalError(f"cannot list the runs in {paths.runs}: {error.strerror}") from error
    return sorted(names, reverse=True)


def read_run(paths: StatePaths, run: str) -> tuple[Head, RunNow]:
    """First page and folded state of one run."""
    with closing(JournalReader(paths, run)) as reader:
        return reader.head(), reader.now()


def past_run(paths: StatePaths, run: str, *, is_live: bool) -> PastRun:
    """What one run did; JournalError when its journal cannot be read."""
    head, now = read_run(paths, run)
    steps = [
        PastStep(kind=planned.kind, state=now.steps[planned.id].state, record=now.steps[planned.id].record)
        for planned in head.plan.steps
    ]
    return PastRun(
        run=run,
        platform=head.platform,
        aim=head.plan.aim,
        outcome=now.outcome,
        is_live=is_live,
        steps=tuple(steps),
        objects=tuple(id_ for _, left in now.residue.values() for id_ in left.objects),
    )


def one_row(db: sqlite3.Connection, query: str, path: Path) -> tuple[Any, ...]:
    with database.translated(path, "read"):
        row = db.execute(query).fetchone()
    if row is None:
        raise JournalError(f"cannot read the journal {path}: it was never begun")
    return tuple(row)


def read_head(db: sqlite3.Connection, path: Path) -> Head:
    run, platform, pool, spec, plan, extra, user, made_at = one_row(
        db, "SELECT id, platform, pool, spec, plan, extra, user, made_at FROM run", path
    )
    with intact(path, "its first page"):
        if run != path.parent.name:
            raise ValueError(f"it names the run {run!r}")
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


_COLUMNS = "SELECT seq, at, kind, step, state, text, data FROM events"


def read_events(db: sqlite3.Connection, run: str, since: int, limit: int) -> Iterator[RunEvent]:
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


def fold_all(db: sqlite3.Connection, head: Head, path: Path) -> RunNow:
    """Fold what tells a state; the rest (commands, notes: nearly all of a long history) is only counted."""
    now = RunNow.of(head.run, head.plan)
    telling = ", ".join(f"'{kind}'" for kind in TELLING)
    with intact(path, "an event"):
        with database.translated(path, "read"):
            rows = db.execute(f"{_COLUMNS} WHERE kind IN ({telling}) ORDER BY seq").fetchall()
            count, last = db.execute("SELECT count(*), ifnull(max(seq), 0) FROM events").fetchone()
        for row in rows:
            now.take(_event(head.run, row))
    if count != last:
        raise JournalError(
            f"cannot use the journal {path}: {last - count} of its events are missing", fix=DAMAGED
        )
    now.seq = last
    return now


def compare(db: sqlite3.Connection, now: RunNow, path: Path) -> None:
    """The tables made from the events must say the same as the events."""
    with intact(path, "its table of steps"), database.translated(path, "read"):
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
