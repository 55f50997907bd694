"""A run has one runner: a record lock on a file in its folder, held for the life of that process.

What several runs may not work on at once (a pool, a server) is in core.runner.claims.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from core.errors import RunnerError

_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid (fcntl(2))
_UCRED = "3i"  # pid, uid, gid (unix(7))


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end of a unix socket, as the kernel knows it."""

    pid: int
    uid: int

    @property
    def user(self) -> str:
        """Its user's name, or the number where there is none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"

    @override
    def __str__(self) -> str:
        return f"{self.user} (pid {self.pid})"


def peer_of(sock: socket.socket) -> Peer:
    """Who is at the other end (SO_PEERCRED)."""
    pid, uid, _gid = struct.unpack(
        _UCRED, sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_UCRED))
    )
    return Peer(pid, uid)


class RunLock:
    """Held by the runner of a run; a second runner of the same run is refused.

    A lock of the open file, not of the process: looking at it from the same process does not release it (fcntl(2)).
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not take(self._handle, f"{os.getpid()}\n"):
            os.close(self._handle)
            raise RunnerError(
                f"cannot work on this run: its runner lives (pid {holder(path)})", fix="attach to it instead"
            )

    def close(self) -> None:
        """Let go."""
        os.close(self._handle)


def take(handle: int, text: str) -> bool:
    """Lock a whole open file for as long as the handle lives, and write into it who holds it; False when it is held."""
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _whole_file())
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, fcntl(2)
        return False
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
    return True


def is_held(path: Path) -> bool:
    """Does a runner hold this lock? Takes nothing, so it disturbs nobody."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _whole_file())
    finally:
        os.close(handle)
    return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)


def holder(path: Path) -> int:
    """Process id of the runner that holds this lock; 0 when none does or it did not say yet."""
    try:
        said = path.read_text(encoding="ascii", errors="replace").strip() if is_held(path) else ""
    except OSError:
        return 0
    return int(said) if said.isdigit() else 0


def _whole_file() -> bytes:
    return struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
