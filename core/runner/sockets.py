"""Unix sockets in private folders, also where the folder's path is longer than a socket's may be."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from core.errors import RunnerError
from core.paths import SOCKET_PATH_MAX_BYTES


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for `path` of less than 100 bytes, valid while inside (through the folder's open handle)."""
    if len(os.fsencode(path)) < SOCKET_PATH_MAX_BYTES:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


def listen(path: Path, *, mode: int = 0o600) -> socket.socket:
    """A listening socket; replaces one that a dead runner left. The caller holds the lock that goes with it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        with short(path) as name:
            sock.bind(name)
        path.chmod(mode)
        sock.listen(64)
    except OSError as error:
        sock.close()
        raise RunnerError(
            f"cannot listen at {path}: {error.strerror}", fix="choose another --state-dir"
        ) from error
    return sock


def connect(path: Path) -> socket.socket:
    """A connected socket; OSError when nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with short(path) as name:
            sock.connect(name)
    except BaseException:
        sock.close()
        raise
    return sock
