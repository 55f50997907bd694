"""Open a SQLite file so that nothing is touched unless it can be trusted: place, rights, room, schema, integrity.

Every refusal and every later failure is a JournalError that says what to do; sqlite3's own errors stay here.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.engine import migrations
from core.errors import JournalError
from core.paths import sync_dir
from core.text import inert

ROOM_MIN_BYTES = 8 * 1024 * 1024  # a run of 64 servers writes below 4 MiB
BUSY_MS = 5000
# WAL keeps its index in memory shared through the file system: no network, no user-space one (sqlite.org/wal.html)
NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "coda",
        "glusterfs",
        "gpfs",
        "lustre",
        "beegfs",
    }
    | {"ncpfs", "ocfs2", "gfs2", "virtiofs", "vboxsf"}
)
LOCAL_FUSE = "fuse.fuse-overlayfs"  # containers without root
_OCTAL = re.compile(r"\\([0-7]{3})")


def file_system(path: Path) -> str:
    """Type of the file system a path is on, empty when the kernel does not tell."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return file_system_in(lines, path.resolve())


def file_system_in(mountinfo: list[str], path: Path) -> str:
    """The same, from the lines of /proc/self/mountinfo (proc(5)): the longest mount point wins, of equals the last."""
    best, kind = -1, ""
    for line in mountinfo:
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) < 5:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4]))  # blanks are written \040
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), kinds[0]
    return kind


def check_place(folder: Path, *, room_bytes: int = ROOM_MIN_BYTES) -> None:
    """Raise JournalError when journals below this folder could not be trusted or written."""
    fix = "choose a folder on a local disk by --state-dir"
    kind = file_system(folder)
    if kind in NETWORK_TYPES or (kind.startswith("fuse.") and kind != LOCAL_FUSE):
        raise JournalError(f"cannot keep a journal in {folder}: {kind} is not safe for it", fix=fix)
    try:
        status = os.statvfs(folder)
    except OSError as error:
        raise JournalError(f"cannot keep a journal in {folder}: {error.strerror}", fix=fix) from error
    if status.f_flag & os.ST_RDONLY:
        raise JournalError(f"cannot keep a journal in {folder}: the file system is read-only", fix=fix)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise JournalError(f"cannot keep a journal in {folder}: no right to write there", fix=fix)
    if status.f_bavail * status.f_frsize < room_bytes:
        free = status.f_bavail * status.f_frsize // 2**20
        raise JournalError(
            f"cannot keep a journal in {folder}: {free} MiB free, needs {room_bytes // 2**20} MiB",
            fix="make room, or " + fix,
        )


_LOOK = "look at the disk and its mount"
# Beginnings of names of SQLite's results (sqlite.org/rescode.html) and of the system's errors -> what to do
_FIXES: dict[tuple[str, ...], str] = {
    ("SQLITE_FULL", "ENOSPC", "EDQUOT"): "make room on that file system, then resume the run",
    ("SQLITE_READONLY", "EROFS", "EACCES"): "make it writable, or choose another folder by --state-dir",
    (
        "SQLITE_CORRUPT",
        "SQLITE_NOTADB",
    ): "the file is damaged: restore it from a backup, or move its folder away",
    ("SQLITE_BUSY", "SQLITE_LOCKED"): "another process holds it: wait for it to end",
}


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into JournalError with the next action."""
    try:
        yield
    except (
        sqlite3.Error,
        UnicodeError,
    ) as error:  # UnicodeError: what a damaged file is called in SQLite's own words
        why = str(error)
        if not hasattr(error, "sqlite_errorname"):  # raised by Python, which quotes the file's content
            is_of_text = isinstance(error, UnicodeError | sqlite3.OperationalError)
            why = "text in it is not UTF-8" if is_of_text else type(error).__name__
        raise JournalError(
            f"cannot {doing} the journal {path}: {inert(why, 120)}", fix=_fix(error)
        ) from error


def _fix(error: sqlite3.Error | UnicodeError | OSError) -> str:
    if isinstance(error, OSError):
        name = errno.errorcode.get(error.errno or 0, "")
    else:  # text that cannot be decoded has no code of SQLite's
        name = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")
    return next((fix for names, fix in _FIXES.items() if name.startswith(names)), _LOOK)


def make(path: Path) -> None:
    """Create an empty file of mode 0600 that nobody else ever could read; it must not exist."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        sync_dir(path.parent)
    except OSError as error:
        raise JournalError(f"cannot create the journal {path}: {error.strerror}", fix=_fix(error)) from error


class OpenFiles:
    """The files behind an open journal, as they were when it was opened.

    SQLite goes on writing to a file that was deleted or replaced meanwhile: nobody would ever read what it says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marks = {each: _mark(each) for each in (path, path.with_name(f"{path.name}-wal"))}

    def demand(self) -> None:
        """JournalError unless all of them are still there, and the same."""
        for path, mark in self._marks.items():
            found = _mark(path)
            if found != mark:
                what = "is gone" if found is None else "was replaced"
                raise JournalError(
                    f"cannot write the journal {self._path}: {path.name} {what} while the run was at work",
                    fix="put the run's folder back as it was, then resume the run",
                )


def _mark(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name; None when there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def open_writer(path: Path) -> sqlite3.Connection:
    """The one writing connection: checked whole, migrated, WAL, synchronous FULL."""
    _check_file(path)
    with translated(path, "open"):
        db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        with translated(path, "open"):
            _check_schema(db, path)
            _check_whole(db, path)
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise JournalError(
                    f"cannot open the journal {path}: this file system cannot keep a write-ahead log",
                    fix="choose a folder on a local disk by --state-dir",
                )
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA trusted_schema = OFF")
            migrations.migrate(db)
            db.execute("BEGIN IMMEDIATE")  # can it be written at all? known before anything is touched
            db.execute("ROLLBACK")
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that never writes; several may live beside the writer."""
    _check_file(path)
    with translated(path, "read"):
        db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        with translated(path, "read"):
            db.execute("PRAGMA query_only = ON")
            _check_schema(db, path)
            if migrations.version(db) == 0:
                raise JournalError(f"cannot read the journal {path}: it was never begun")
    except BaseException:
        db.close()
        raise
    return db


def _check_file(path: Path) -> None:
    try:
        status = path.lstat()
    except OSError as error:
        why = "it is gone" if isinstance(error, FileNotFoundError) else error.strerror
        raise JournalError(
            f"cannot open the journal {path}: {why}", fix="restore it from a backup"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise JournalError(
            f"cannot open the journal {path}: it is no plain file", fix="restore it from a backup"
        )
    if status.st_uid != os.geteuid():
        raise JournalError(f"cannot open the journal {path}: it belongs to uid {status.st_uid}")
    if status.st_mode & 0o077:
        raise JournalError(
            f"cannot open the journal {path}: others may read or write it",
            fix=f"chmod 600 {path}, find out why",
        )


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    found = migrations.version(db)
    if found > migrations.NEWEST:
        raise JournalError(
            f"cannot use the journal {path}: its schema {found} is newer than {migrations.NEWEST}",
            fix="use the version of poolwright that wrote it",
        )
    if found and db.execute("PRAGMA application_id").fetchone()[0] != migrations.APPLICATION_ID:
        raise JournalError(f"cannot use the journal {path}: it is another program's file")


def _check_whole(db: sqlite3.Connection, path: Path) -> None:
    answer = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if answer != "ok":
        raise JournalError(
            f"cannot use the journal {path}: it is damaged ({answer})",
            fix="restore it from a backup, or move its folder away",
        )
