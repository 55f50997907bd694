"""One run at a time: on one run, on one pool of one controller, on one server; whoever on this machine runs it.

Run: a record lock on a file in its folder, held for the life of its runner. Pool and server: abstract unix sockets
named by a hash, seen by all users; the kernel tells who holds one, and frees it when that process ends.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import pwd
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from typing_extensions import override

from core.errors import RunnerError
from core.models.spec import BaseSpec
from core.transports.base import Endpoint

_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid (fcntl(2))
_UCRED = "3i"  # pid, uid, gid (unix(7))
_ASK_S = 0.5


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
        try:
            fcntl.fcntl(self._handle, fcntl.F_OFD_SETLK, _whole_file())
        except OSError as error:
            os.close(self._handle)
            raise RunnerError(
                f"cannot work on this run: its runner lives (pid {holder(path)})", fix="attach to it instead"
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let go."""
        os.close(self._handle)


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


class Pins(Protocol):
    """The part of the trust store that is needed here."""

    def lookup(self, endpoint: Endpoint) -> str | None:
        """Pinned fingerprint, None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """Something only one run may work on: its key, and what to call it."""

    key: str
    what: str


def claims_of(spec: BaseSpec, pool: str, endpoints: Sequence[Endpoint], pins: Pins) -> list[Claim]:
    """What a run works on. The pinned identity names a server or controller, since its address may be an alias."""
    claims: dict[str, Claim] = {}
    for endpoint in endpoints:
        if endpoint.plane == "jump":
            continue  # a way, not something worked on
        identity = pins.lookup(endpoint) or f"{endpoint.host}:{endpoint.port}"
        if endpoint.server in spec.server_names:
            claim = Claim(f"server {identity}", f"server {endpoint.server}")
        else:
            claim = Claim(f"pool {identity} {pool}", f"pool {pool} on {endpoint.address or endpoint.server}")
        claims[claim.key] = claim
    return list(claims.values())


class Claims:
    """Holds claims for as long as it is open, and tells whoever asks which run holds them."""

    def __init__(self, claims: Iterable[Claim], told: str) -> None:
        self._claims, self._told = list(claims), told
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for claim in self._claims:
                server = await asyncio.start_unix_server(self._tell, sock=_bind(claim))
                stack.callback(server.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._told.encode())
        writer.close()


def _address(claim: Claim) -> str:
    return "\0poolwright-" + hashlib.sha256(claim.key.encode()).hexdigest()[:40]


def _bind(claim: Claim) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.bind(_address(claim))
        sock.listen(16)
    except OSError as error:
        sock.close()
        if error.errno != errno.EADDRINUSE:
            raise RunnerError(f"cannot claim {claim.what}: {error.strerror}") from error
        raise RunnerError(
            f"cannot work on {claim.what}: {_owner(claim)} works on it",
            fix="wait for that run, or attach to it",
        ) from error
    return sock


def _owner(claim: Claim) -> str:
    """Who holds a claim; the kernel's word for the process, its own word for the run."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_ASK_S)
            sock.connect(_address(claim))
            peer = peer_of(sock)
            try:
                told = "".join(
                    char for char in sock.recv(200).decode("ascii", "ignore") if char.isprintable()
                )
            except OSError:
                told = ""
            return f"{peer}{', ' + told if told else ''}"
    except OSError:
        return "another run"
