"""The machine in between (ProxyJump): one SSH connection that carries the tunnels of all planes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from core.models.spec import JumpHost
from core.transports.base import Access, Endpoint
from core.transports.ssh import SshSession, open_ssh
from core.transports.wire import Reader, Writer

PLANE = "jump"


class Jump:
    """An open connection to the jump host; hand it to open_ssh, HttpsClient, AgentClient and trust.see."""

    def __init__(self, session: SshSession) -> None:
        self.session = session
        self.tunnel = _Tunnel(session.connection)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old algorithms in use on the way to the jump host itself."""
        return self.session.warnings

    async def open_stream(self, host: str, port: int) -> tuple[Reader, Writer]:
        """A byte stream from the jump host to host:port; raises asyncssh's and network errors (wire maps them)."""
        reader, writer = await self.tunnel.patiently(
            self.tunnel.connection.open_connection(host, port, encoding=None),
            lambda pair: pair[1].channel.abort(),
        )
        return reader, writer


class _Tunnel:
    """What asyncssh.connect takes as `tunnel`: opens channels, and closes those that open after we gave up.

    A cancelled open would leave a channel in asyncssh's table for good, and this connection is shared by all.
    """

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection
        self.logger = connection.logger
        self.late: set[asyncio.Future[Any]] = set()

    async def create_connection(
        self, session_factory: Callable[[], Any], remote_host: str, remote_port: int
    ) -> tuple[Any, Any]:
        """A TCP channel through the jump host, for asyncssh."""
        opening = self.connection.create_connection(session_factory, remote_host, remote_port)
        channel, session = await self.patiently(opening, lambda pair: pair[0].abort())
        return channel, session

    async def patiently(self, opening: Any, drop: Callable[[Any], None]) -> Any:
        """Await an open; when cancelled, let it finish by itself and drop its result."""
        task = asyncio.ensure_future(opening)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.late.add(task)
            task.add_done_callback(lambda done: self._arrived_late(done, drop))
            raise

    def _arrived_late(self, done: asyncio.Future[Any], drop: Callable[[Any], None]) -> None:
        self.late.discard(done)
        if not done.cancelled() and done.exception() is None:
            drop(done.result())


def jump_endpoint(spec: JumpHost, *, allow_old_crypto: bool = False) -> Endpoint:
    """The jump host as an endpoint (plane `jump`), for the trust table."""
    return Endpoint(
        server=spec.host,
        plane=PLANE,
        address=spec.host,
        host=spec.host,
        port=spec.port,
        kind="ssh",
        allow_old_crypto=allow_old_crypto,
        pinned=spec.fingerprint,
    )


@asynccontextmanager
async def open_jump(
    spec: JumpHost | None, access: Access, *, allow_old_crypto: bool = False
) -> AsyncIterator[Jump | None]:
    """Log in to the jump host (secret `jump` or its key file); yields None when there is none in the spec."""
    if spec is None:
        yield None
        return
    endpoint = jump_endpoint(spec, allow_old_crypto=allow_old_crypto)
    secret = PLANE  # the name of its password in access.secrets
    async with open_ssh(
        endpoint, user=spec.user, access=access, secret=secret, key_file=spec.key_file
    ) as session:
        jump = Jump(session)
        try:
            yield jump
        finally:
            for task in list(jump.tunnel.late):
                task.cancel()
