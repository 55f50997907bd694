"""The journal's schema as numbered steps; a number never changes its meaning, a new need gets a new number."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x506F6F6C  # "Pool": tells our files from other SQLite files


def _001_first(db: sqlite3.Connection) -> None:
    db.execute(
        """CREATE TABLE run (
            id TEXT PRIMARY KEY, platform TEXT NOT NULL, pool TEXT NOT NULL, spec TEXT NOT NULL,
            plan TEXT NOT NULL, extra TEXT NOT NULL,
            user TEXT NOT NULL, made_at TEXT NOT NULL, started_at TEXT NOT NULL DEFAULT '',
            ended_at TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, outcome TEXT, message TEXT NOT NULL DEFAULT '',
            pid INTEGER)"""
    )
    db.execute(
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY CHECK (seq > 0), at TEXT NOT NULL, kind TEXT NOT NULL, step TEXT NOT NULL,
            state TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL)"""
    )
    # made from the events in the same transaction; a journal whose two halves disagree is damaged
    db.execute(
        """CREATE TABLE steps (
            id TEXT PRIMARY KEY, state TEXT NOT NULL, record TEXT NOT NULL, seq INTEGER NOT NULL)"""
    )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_001_first,)
NEWEST = len(MIGRATIONS)


def version(db: sqlite3.Connection) -> int:
    """Number of the last migration this file has seen."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Bring a file to the newest schema, one transaction a migration; each either happened whole or not at all."""
    for number in range(version(db) + 1, NEWEST + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[number - 1](db)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
