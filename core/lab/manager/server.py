"""The lab's Manager on a loopback socket: SSH, logins, and one Session a channel."""

from __future__ import annotations

import asyncio
import hmac
import time
import warnings
from types import TracebackType
from typing import Any, Self

import asyncssh
from asyncssh.auth import KbdIntChallenge, KbdIntResponse
from cryptography.utils import CryptographyDeprecationWarning
from typing_extensions import override

from core.lab import operations
from core.lab.keys import ssh_algorithms, ssh_host_key
from core.lab.manager.adopt import settle
from core.lab.manager.engine import Engine
from core.lab.manager.session import Session
from core.lab.world import World

FIRST_LOGIN_S, LATER_LOGIN_S = 2.0, 0.2  # simulated seconds; connection info is cached (manager-cli 1.1)
LOGIN_CACHE_S = 900.0  # simulated; 15 minutes
RSA_BITS = 2048


class ManagerServer:
    """Oracle VM Manager's CLI for one world. Use as `async with ManagerServer() as m: await
    m.start(world)`.
    """

    def __init__(self) -> None:
        self.port = 0
        self.fingerprint = ""
        self.host_key: asyncssh.SSHKey | None = None
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._engine: Engine | None = None
        self._logins = _Logins()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._sessions: set[asyncio.Task[Any]] = set()

    @property
    def engine(self) -> Engine:
        """The Manager behind the socket: its jobs, locks and events."""
        if self._engine is None:
            raise RuntimeError("the Manager was not started")
        return self._engine

    async def start(
        self, world: World, host: str = "127.0.0.1", port: int = 0, *, host_key: asyncssh.SSHKey | None = None
    ) -> None:
        """Listen; `port` and `fingerprint` (SHA256:..., as OpenSSH prints it) are set when this returns."""
        is_old = world.switches.old_ssh
        if is_old:  # asyncssh reaches into what `cryptography` warns about; that is what this server is for
            warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module=r"asyncssh\.")
        key = host_key or (ssh_host_key(old=True) if is_old else _rsa_key())
        self.host_key, self.fingerprint = key, key.get_fingerprint()
        self._engine = Engine(world)
        settle(world)
        self._acceptor = await asyncssh.listen(
            host,
            port,
            server_factory=self._new_connection,
            process_factory=self._serve,
            server_host_keys=[key],
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            allow_scp=False,
            login_timeout=60,
            **ssh_algorithms(old=is_old),
        )
        self.port = self._acceptor.get_port()

    async def close(self) -> None:
        """Stop listening, end every session and job; twice is fine."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        sessions = list(self._sessions)
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()
        for connection in list(self._connections):
            connection.abort()
            await connection.wait_closed()
        if acceptor is not None:
            await acceptor.wait_closed()  # since Python 3.12 it waits for the connections too

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _new_connection(self) -> asyncssh.SSHServer:
        return _Login(self.engine.world, self._logins, self._connections)

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await Session(self.engine, process).run()
        finally:
            self._sessions.discard(task)


class _Logins:
    """Which users logged in with a password lately; a key is only good after that (manager-cli 1.1)."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note(self, user: str) -> None:
        self._since[user] = time.monotonic()

    def is_cached(self, user: str, speed: float) -> bool:
        since = self._since.get(user)
        return since is not None and (time.monotonic() - since) * speed <= LOGIN_CACHE_S

    def has_been(self, user: str) -> bool:
        return user in self._since


class _Login(asyncssh.SSHServer):
    """Authentication of one connection."""

    def __init__(self, world: World, logins: _Logins, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._world, self._logins, self._connections = world, logins, connections
        self._connection: asyncssh.SSHServerConnection | None = None

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def password_auth_supported(self) -> bool:
        return self._world.switches.password_auth

    @override
    async def validate_password(self, username: str, password: str) -> bool:
        return await self._accept(username, password)

    @override
    def kbdint_auth_supported(self) -> bool:
        return self._world.switches.keyboard_interactive

    @override
    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        return "", "", "", [("Password: ", False)]

    @override
    async def validate_kbdint_response(self, username: str, responses: KbdIntResponse) -> KbdIntChallenge:
        return len(responses) == 1 and await self._accept(username, responses[0])

    @override
    def public_key_auth_supported(self) -> bool:
        return True

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Keys of `switches.extra["authorized_keys"]` (OpenSSH lines), once the user came with the
        password.
        """
        known = [_public(line) for line in self._world.switches.extra.get("authorized_keys", ())]
        return key.public_data in known and self._logins.has_been(username)

    async def _accept(self, user: str, password: str) -> bool:
        world = self._world
        is_cached = self._logins.is_cached(user, world.speed)
        await operations.pause(world, LATER_LOGIN_S if is_cached else FIRST_LOGIN_S)
        slow = operations.fault(world, "login-slow")
        if slow is not None:
            await operations.pause(world, float(slow.get("seconds", 20.0)))
        if operations.fault(world, "manager-starting") is not None:
            return False
        same_user = hmac.compare_digest(user.encode(), world.manager_user.encode())
        is_right = same_user and hmac.compare_digest(password.encode(), world.manager_password.encode())
        if is_right:
            self._logins.note(user)
        return is_right


def _public(line: str) -> bytes:
    return asyncssh.import_public_key(line).public_data


def _rsa_key() -> asyncssh.SSHKey:
    """RSA, the one kind that clients of every age can check; a Java server of the time had nothing newer."""
    return asyncssh.generate_private_key("ssh-rsa", key_size=RSA_BITS)
