"""The fleet without sockets: stand-ins at the transports' protocol that talk to the lab's own Manager session, agents
and dom0 shells. What happens on a line (cut, half a reply, slowness) happens here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from unittest.mock import patch

import asyncssh

from core.errors import CommandTimeout, LoginRefused
from core.lab.agent import http
from core.lab.agent.server import AgentServer
from core.lab.dom0.command import Input, Io
from core.lab.dom0.ssh_server import Dom0Server, _CutError
from core.lab.fleet import Lab
from core.lab.keys import TlsIdentity, tls_identity
from core.lab.manager.adopt import settle
from core.lab.manager.engine import Engine
from core.lab.manager.server import _Login, _Logins
from core.lab.manager.session import Session
from core.lab.operations import is_agent_up
from core.lab.world import World
from core.transports.base import Access, Completed, Endpoint
from core.transports.wire import connect_failed

HOP_S = 0.002  # one way over the line
CHUNK = 65536


@cache
def _identity() -> TlsIdentity:
    """One for all: nobody looks at it here."""
    return tls_identity("memory", "127.0.0.1")


@cache
def _ssh_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


class Line:
    """One connection, seen from both ends; cut means that neither end hears the other any more."""

    def __init__(self) -> None:
        self.to_server = bytearray()
        self.to_client = bytearray()
        self.changed = asyncio.Event()
        self.is_cut = False
        self.cut_after_bytes: int | None = None  # of what goes to the client
        self.delay_s = 0.0  # slowness of this line

    def cut(self) -> None:
        """Both ends find it broken at their next use."""
        self.is_cut = True
        self.wake()

    def wake(self) -> None:
        """Something changed."""
        self.changed.set()
        self.changed = asyncio.Event()

    def tell_client(self, data: bytes) -> None:
        """From the server; BrokenPipeError once it is cut."""
        if self.is_cut:
            raise BrokenPipeError
        if self.cut_after_bytes is not None:
            data, left = data[: self.cut_after_bytes], self.cut_after_bytes - len(data)
            self.cut_after_bytes = left
            if left < 0:
                self.to_client += data
                self.cut()
                raise BrokenPipeError
        self.to_client += data
        self.wake()


class _Stdin:
    def __init__(self, line: Line) -> None:
        self._line = line

    def at_eof(self) -> bool:
        return self._line.is_cut

    async def read(self, size: int) -> bytes:
        line = self._line
        while not line.to_server:
            if line.is_cut:
                return b""
            await line.changed.wait()
        await asyncio.sleep(HOP_S + line.delay_s)
        data = bytes(line.to_server[:size])
        del line.to_server[:size]
        return data


class _Stdout:
    def __init__(self, line: Line) -> None:
        self._line = line

    def write(self, data: bytes) -> None:
        self._line.tell_client(data)

    async def drain(self) -> None:
        if self._line.is_cut:
            raise BrokenPipeError


class _Process:
    """What the lab's Session needs of an SSH channel."""

    subsystem: str | None = None
    command: str | None = None

    def __init__(self, line: Line, user: str) -> None:
        self._line, self._user = line, user
        self.stdin, self.stdout = _Stdin(line), _Stdout(line)
        self.channel = self

    def get_extra_info(self, _name: str) -> str:
        return self._user

    def get_terminal_type(self) -> str:
        return "dumb"

    def get_connection(self) -> _Process:
        return self

    def send_packet(self, *_parts: object) -> None:
        """The words before a disconnect; the client hears them as the end."""

    def abort(self) -> None:
        self._line.cut()

    def close(self) -> None:
        self._line.cut()

    def exit(self, _status: int) -> None:
        self._line.cut()


class MemoryShell:
    """The client's end of a line to Manager; satisfies ShellLike."""

    def __init__(self, endpoint: Endpoint, line: Line) -> None:
        self.endpoint, self._line = endpoint, line

    async def read(self, limit_s: float) -> str:
        line = self._line
        try:
            async with asyncio.timeout(limit_s):
                while not line.to_client:
                    if line.is_cut:
                        return ""
                    await line.changed.wait()
                await asyncio.sleep(HOP_S + line.delay_s)
        except TimeoutError as error:
            raise CommandTimeout(self.endpoint.server, self.endpoint.plane, "(reading)", limit_s) from error
        data = bytes(line.to_client[:CHUNK])
        del line.to_client[:CHUNK]
        return data.decode("utf-8", "replace")

    async def write(self, text: str) -> None:
        if self._line.is_cut:
            raise connect_failed(self.endpoint, "the session has ended")
        self._line.to_server += text.encode()
        self._line.wake()


class _ManagerSsh:
    warnings: tuple[str, ...] = ()

    def __init__(self, fleet: MemoryFleet, endpoint: Endpoint, user: str) -> None:
        self._fleet, self._endpoint, self._user = fleet, endpoint, user

    @asynccontextmanager
    async def shell(self, term: str | None = None, *, size: tuple[int, int]) -> AsyncIterator[MemoryShell]:
        line = Line()
        self._fleet.lines.append(line)
        session = Session(self._fleet.engine, cast(Any, _Process(line, self._user)))
        serving = asyncio.create_task(session.run(), name="manager session")
        self._fleet.serving.add(serving)
        serving.add_done_callback(self._fleet.serving.discard)
        try:
            yield MemoryShell(self._endpoint, line)
        finally:
            line.cut()
            self._fleet.lines.remove(line)


class _Dom0Ssh:
    """Commands on one server's own system; satisfies CommandSession."""

    def __init__(self, fleet: MemoryFleet, endpoint: Endpoint, dom0: Dom0Server) -> None:
        self.server, self._endpoint, self._fleet, self._dom0 = endpoint.server, endpoint, fleet, dom0
        self.warnings: tuple[str, ...] = ()
        self.is_closed = False

    async def run(self, argv: Any, *, limit_s: float, stdin: str | None = None) -> Completed:
        out, err = bytearray(), bytearray()
        if self.is_closed or not self._fleet.is_reachable(self._endpoint):
            self.is_closed = True
            raise connect_failed(self._endpoint, "the connection was lost")
        io = Io(Input((stdin or "").encode()), out.extend, err.extend)
        text = argv if isinstance(argv, str) else " ".join(argv)
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.sleep(HOP_S)
                status = await self._dom0.shell().run_text(text, io)
        except TimeoutError as error:
            raise CommandTimeout(self.server, self._endpoint.plane, text[:80], limit_s) from error
        except _CutError as error:
            self.is_closed = True
            raise connect_failed(self._endpoint, "the connection was lost") from error
        return Completed(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


class _AgentStream:
    """What an agent writes an answer to."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_aborted = False
        self.peer = ("203.0.113.9", 40000)

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        """Nothing to wait for."""

    def abort(self) -> None:
        self.is_aborted = True


@dataclass(slots=True)
class _Pipe:
    """A connection to an agent as HttpsClient uses it."""

    write: Callable[[bytes], Awaitable[None]]
    read: Callable[[], Awaitable[bytes]]


@dataclass(eq=False)
class MemoryFleet:
    """One lab without sockets. `down` holds what cannot be reached now: plane, server, or `plane:server`."""

    lab: Lab
    engine: Engine = field(init=False)
    lines: list[Line] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    down: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.engine = Engine(self.world)
        settle(self.world)
        self._logins = _Logins()
        for name, agent in self.lab.agents.items():
            self.world.agent_restarts[name] = agent.restart

    @property
    def world(self) -> World:
        return self.lab.world

    def is_reachable(self, endpoint: Endpoint) -> bool:
        """The network between here and there works."""
        words = {endpoint.plane, endpoint.server, f"{endpoint.plane}:{endpoint.server}"}
        return not words & self.down

    def cut_all(self) -> None:
        """Every open line to Manager breaks."""
        for line in list(self.lines):
            line.cut()

    def restart_agent(self, name: str) -> None:
        """The agent of one server restarts, as it does after a change of owner."""
        self.lab.agents[name].restart()

    @asynccontextmanager
    async def open_ssh(
        self, endpoint: Endpoint, *, user: str, access: Access, secret: str = "ssh", **_more: Any
    ) -> AsyncIterator[_ManagerSsh | _Dom0Ssh]:
        """In place of core.transports.ssh.open_ssh."""
        if not self.is_reachable(endpoint):
            await asyncio.sleep(access.limits.connect_s)
            raise connect_failed(endpoint, "no route to host")
        password = access.secrets.get(secret) or ""
        if endpoint.plane == "manager":
            if not await _Login(self.world, self._logins, set())._accept(user, password):
                raise LoginRefused(endpoint.server, endpoint.plane, f"cannot log in to {endpoint.server}")
            yield _ManagerSsh(self, endpoint, user)
            return
        server = self.world.server_by(endpoint.server)
        assert server is not None
        dom0 = self.lab.dom0s[server.name]
        if dom0._strikes("ssh-down", peek=True) is not None:
            raise connect_failed(endpoint, "connection refused")
        if password != server.ssh_password:
            raise LoginRefused(endpoint.server, endpoint.plane, f"cannot log in to {endpoint.server}")
        yield _Dom0Ssh(self, endpoint, dom0)

    @asynccontextmanager
    async def agent_pipe(self, endpoint: Endpoint) -> AsyncIterator[_Pipe]:
        """In place of a pinned TLS connection to an agent."""
        server = self.world.server_by(endpoint.server)
        assert server is not None
        agent = self.lab.agents[server.name]
        is_up = is_agent_up(self.world, server) and asyncio.get_running_loop().time() >= agent._restart_until
        if not is_up or not self.is_reachable(endpoint):
            raise connect_failed(endpoint, "connection refused")
        sent = asyncio.StreamReader()
        stream = _AgentStream()
        answered = asyncio.Event()

        async def write(data: bytes) -> None:
            sent.feed_data(data)
            sent.feed_eof()
            await asyncio.sleep(HOP_S)
            await _answer(agent, sent, stream)
            answered.set()

        async def read() -> bytes:
            await answered.wait()
            data = bytes(stream.data[:CHUNK])
            del stream.data[:CHUNK]
            if stream.is_aborted:
                raise ConnectionResetError("reset by peer")
            return data

        yield _Pipe(write, read)

    async def close(self) -> None:
        """End Manager's work and every line."""
        self.cut_all()
        tasks = list(self.serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.close()


async def _answer(agent: AgentServer, sent: asyncio.StreamReader, stream: _AgentStream) -> None:
    @dataclass
    class Given:
        reader: asyncio.StreamReader

        def write(self, _data: bytes, /) -> None:
            """100-continue goes nowhere."""

    request = await http.read_request(Given(sent))
    assert request is not None
    agent.requests += 1
    reply, name = await agent._answer(request, stream.peer)
    data = http.render(reply, request, agent._server_line, keep=False, only_1_0=agent._only_1_0)
    await agent._send(cast(Any, stream), data, name)


def make_lab(scenario: str, *, servers: int, seed: int = 1) -> Lab:
    """A lab that is never started; its keys are shared, its spec has addresses and ports that look right."""
    with (
        patch("core.lab.agent.server.tls_identity", lambda *_args, **_more: _identity()),
        patch("core.lab.keys.ssh_host_key", lambda **_more: _ssh_key()),
    ):
        lab = Lab.from_scenario(scenario, servers=servers, seed=seed)
    lab.manager.port, lab.manager.fingerprint = 10000, _ssh_key().get_fingerprint()
    for agent in lab.agents.values():
        agent.port = 8899
    for dom0 in lab.dom0s.values():
        dom0.port = 22
    return lab


@contextmanager
def connected(fleet: MemoryFleet) -> Iterator[None]:
    """Every transport of Oracle VM leads to this fleet while inside."""

    @asynccontextmanager
    async def pinned(client: Any) -> AsyncIterator[_Pipe]:
        async with fleet.agent_pipe(client.endpoint) as pipe:
            yield pipe

    with ExitStack() as stack:
        for place in ("manager_cli.session", "world", "collect"):
            stack.enter_context(patch(f"core.platforms.oracle_vm.{place}.open_ssh", fleet.open_ssh))
        stack.enter_context(patch("core.transports.tls.HttpsClient._pinned", pinned))
        yield
