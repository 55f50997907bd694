"""One run at a time on one pool of one controller, and on one server, over all state folders of this machine.

A claim is a locked file in a folder of this user's own (`poolwright-UID` below /run/lock, /dev/shm or /tmp), so that
nobody else can hold it; files know no network namespace, and the kernel lets go when the process ends. Beside it a
socket that anybody may connect to says that the holder lives.

Whose claims stop a run: the user's own, root's, and those in the operators' folder `/run/lock/poolwright`, when root
made it and only a group can write there. Another user's claim stops nobody, or any account could stop everybody: it is
told as a note of the run.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from core.errors import RunnerError
from core.models.spec import BaseSpec
from core.paths import default_state_dir, private_dir
from core.runner import sockets
from core.runner.locks import Peer, peer_of, take
from core.text import inert
from core.transports.base import Endpoint

BASES = (Path("/run/lock"), Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - what we make there is checked
OPERATORS = Path("/run/lock/poolwright")  # of a group; root makes it (docs: several operators on one machine)
ROOT = 0
_ASK_S = 0.5
_STRANGERS_MAX = 64
_WAIT = "wait for that run, or attach to it"


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

    @property
    def file(self) -> str:
        """Its name in every folder of claims."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:40]


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
    """Holds claims for as long as it is open, and tells whoever asks which run holds them.

    `notes` (once open): what other users say they work on. RunnerError when a claim is held by somebody who counts.
    """

    def __init__(self, claims: Iterable[Claim], told: str, *, operators: Path = OPERATORS) -> None:
        self._claims, self._told, self._operators = list(claims), told, operators
        self._stack = AsyncExitStack()
        self.notes: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        own = _own_folder()
        shared = self._operators if _is_operators_folder(self._operators) else None
        async with AsyncExitStack() as stack:
            for claim in self._claims:
                self._lock(claim, own / f"{claim.file}.lock", 0o600, stack)
                path = own / claim.file
                server = await asyncio.start_unix_server(self._tell, sock=sockets.listen(path, mode=0o666))
                stack.callback(path.unlink, missing_ok=True)
                stack.callback(server.close)
                if shared is not None:
                    self._lock(claim, shared / f"{claim.file}.lock", 0o660, stack)
            await asyncio.to_thread(self._look_around, own)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._told.encode())
        writer.close()

    def _lock(self, claim: Claim, path: Path, mode: int, stack: AsyncExitStack) -> None:
        try:
            handle = _opened(path, mode)
        except OSError as error:
            raise RunnerError(f"cannot claim {claim.what}: {path}: {error.strerror}") from error
        stack.callback(os.close, handle)
        if not take(handle, f"{Peer(os.getpid(), os.geteuid())}, {self._told}"):
            who = inert(os.pread(handle, 400, 0).decode("utf-8", "replace"), 200)
            raise _taken(claim, who or "another run")

    def _look_around(self, own: Path) -> None:
        """Claims that are held in other folders, after ours are: of two who come at once, one at least is told."""
        counting, strangers = _folders(own)
        for claim in self._claims:
            for folder in counting:
                if (peer := _lives(folder / claim.file)) is not None:
                    raise _taken(claim, peer)
        self.notes = tuple(
            f"{peer} claims {claim.what} too; {_HOW_TO_SHARE}"
            for claim in self._claims
            for folder in strangers
            if (peer := _lives(folder / claim.file, ask=False)) is not None
        )


_HOW_TO_SHARE = f"another user's claim stops nobody unless root has made {OPERATORS} for the operators' group"


def _taken(claim: Claim, who: str) -> RunnerError:
    return RunnerError(f"cannot work on {claim.what}: {who} works on it", fix=_WAIT)


def _opened(path: Path, mode: int) -> int:
    """A handle of the lock file, made where it is missing. What is there is opened without O_CREAT: in a folder of
    several users the kernel may refuse that (fs.protected_regular)."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return os.open(path, flags)
    os.fchmod(handle, mode)  # whatever the umask says: a group shares it
    return handle


def _own_folder() -> Path:
    """The first folder that is, or can be made, this user's own; nobody else can write in it."""
    for base in BASES:
        folder = base / f"poolwright-{os.geteuid()}"
        if not _is_safe_base(base):
            continue
        with suppress(OSError):
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)  # a socket in it can be reached by its name, whatever the umask says
        if _is_of(folder, os.geteuid()):
            return folder
    return private_dir(default_state_dir() / "claims")


def _folders(own: Path) -> tuple[list[Path], list[Path]]:
    """Other folders with claims: (whose count: ours elsewhere and root's, those of strangers)."""
    bases = [base for base in BASES if _is_safe_base(base)]
    named = [(base / f"poolwright-{uid}", uid) for base in bases for uid in {os.geteuid(), ROOT}]
    counting = [folder for folder, uid in named if folder != own and _is_of(folder, uid)]
    if own != (state := default_state_dir() / "claims"):
        counting.append(state)
    strangers: list[Path] = []
    for base in bases:
        for folder in islice(base.glob("poolwright-*"), _STRANGERS_MAX):
            number = folder.name.removeprefix("poolwright-")
            is_other = number.isdecimal() and int(number) not in (os.geteuid(), ROOT)
            if is_other and _is_of(folder, int(number)):
                strangers.append(folder)
    return counting, strangers


def _is_safe_base(base: Path) -> bool:
    """Root's, and nobody can take away what another made there."""
    try:
        status = base.stat()
    except OSError:
        return False
    is_open = bool(status.st_mode & 0o022)
    return status.st_uid == ROOT and (not is_open or bool(status.st_mode & stat.S_ISVTX))


def _is_of(folder: Path, uid: int) -> bool:
    """A real folder of this user in which nobody else can write."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o022


def _is_operators_folder(folder: Path) -> bool:
    """Root made it, others than its group cannot write in it, and we can."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_roots = stat.S_ISDIR(status.st_mode) and status.st_uid == ROOT and not status.st_mode & 0o002
    return is_roots and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _lives(path: Path, *, ask: bool = True) -> str | None:
    """Who holds the claim behind this socket: the kernel's word for the process; its own for the run when asked."""
    try:
        sock = sockets.connect(path)
    except OSError as error:
        return "another run" if error.errno == errno.EAGAIN else None  # so many ask that it cannot answer
    with sock:
        sock.settimeout(_ASK_S)
        told = ""
        with suppress(OSError):  # a stranger is not waited for
            told = "" if not ask else inert(sock.recv(200).decode("utf-8", "replace"), 200)
        return f"{peer_of(sock)}{', ' + told if told else ''}"
