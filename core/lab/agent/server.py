"""One agent on one loopback socket: login, calls, restart gap and the faults of its transport.

What the calls do stands in calls/; this module never looks into a document.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import socket
import ssl

from core.lab import faults
from core.lab.agent import http, rpc
from core.lab.agent.calls import Call, run_call
from core.lab.agent.tls import TlsStream, peer_of
from core.lab.keys import TlsIdentity, server_context, tls_identity
from core.lab.operations import CallRefusedError, accepts_password, is_agent_up
from core.lab.world import LabServer, World

PATHS = ("/", "/RPC2", "/api/3", "/api/3/")  # agent-rpc 1
RESTART_S = 2.0  # how long connections are refused after take_ownership on 3.3 and later
IDLE_S = 300.0
FOLLOW_S = 0.25  # how often the socket looks whether its server is still up
STREAM_LIMIT = 64 * 1024


class _Plain:
    """A connection without TLS, with the words of a TlsStream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer
        self.peer: tuple[str, int] = peer_of(writer)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()

    def abort(self) -> None:
        self._writer.transport.abort()


class AgentServer:
    """The agent of one lab server. `port` and `fingerprint` stand once it has started."""

    def __init__(self, world: World, server: LabServer, identity: TlsIdentity | None = None) -> None:
        self.world, self.server = world, server
        self.identity = identity or tls_identity(server.fqdn, server.address, old=world.switches.old_tls)
        self.host = "127.0.0.1"
        self.port = 0
        self.requests = 0
        self._context: ssl.SSLContext | None = None
        self._listener: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._restart_until = 0.0
        self._is_closing = False

    @property
    def fingerprint(self) -> str:
        return self.identity.fingerprint

    @property
    def is_listening(self) -> bool:
        return self._listener is not None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind and listen; from then on the socket follows the server's state (down, restarting, up)."""
        self.host = host
        self._bind(port)
        if not self.world.switches.plain_http:
            self._context = await asyncio.to_thread(server_context, self.identity)
        await self._follow()
        self.world.agent_restarts[self.server.name] = self.restart
        self._watch = asyncio.create_task(self._keep_following())

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._is_closing = True
        self.world.agent_restarts.pop(self.server.name, None)
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        self._stop_listening()
        self._drop_connections()
        if self._socket is not None:
            self._socket.close()
        for task in list(self._serving):
            task.cancel()
        while self._serving:
            await asyncio.wait(self._serving)

    def restart(self) -> None:
        """The agent restarts: connections are refused for RESTART_S simulated seconds, beginning now."""
        if self._is_closing or self.server.release.startswith("3.2"):
            return
        loop = asyncio.get_running_loop()
        gap_s = RESTART_S / self.world.speed
        self._restart_until = loop.time() + gap_s
        self._stop_listening()
        loop.call_later(min(0.1, gap_s / 2), self._drop_connections)  # replies under way still leave
        loop.call_later(gap_s + 0.001, self._changed.set)

    def show_certificate(self, identity: TlsIdentity) -> None:
        """Show another certificate from the next connection on."""
        self._context = server_context(identity)

    async def _keep_following(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FOLLOW_S):
                    await self._changed.wait()
            self._changed.clear()
            await self._follow()

    async def _follow(self) -> None:
        """Listen exactly while the agent is up; a bound socket that does not listen refuses connections."""
        is_up = is_agent_up(self.world, self.server)
        is_up = is_up and asyncio.get_running_loop().time() >= self._restart_until
        if is_up and self._listener is None and self._socket is not None:
            self._listener = await asyncio.start_server(
                self._serve, sock=self._socket, limit=STREAM_LIMIT, backlog=128
            )
        elif not is_up and self._listener is not None:
            self._stop_listening()
            self._drop_connections()

    def _bind(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, port))
        self.port = self._socket.getsockname()[1]

    def _stop_listening(self) -> None:
        """Close the listening socket and put one in its place that is only bound: the port stays ours and refuses."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        if not self._is_closing:
            self._bind(self.port)

    def _drop_connections(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._open.add(writer)
        try:
            async with asyncio.timeout(IDLE_S):
                stream = await self._secure(reader, writer)
                try:
                    while await self._serve_one(stream):
                        pass
                finally:
                    if isinstance(stream, TlsStream):
                        await stream.close()
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away or never spoke; ssl.SSLError is an OSError
        except asyncio.CancelledError:
            pass  # only close() cancels; asyncio's streams would log it as an error
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    async def _secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Plain | TlsStream:
        """The connection as it will be spoken on: TLS where it stands, else plain."""
        if self._context is None or self._strikes("agent-no-tls") is not None:
            return _Plain(reader, writer)
        if self._strikes("agent-new-certificate") is not None:
            self.show_certificate(tls_identity(self.server.fqdn, self.server.address))
        stream = TlsStream(reader, writer, self._context)
        await stream.handshake()
        return stream

    async def _serve_one(self, stream: _Plain | TlsStream) -> bool:
        """One request and its reply; True while the connection goes on."""
        try:
            request = await http.read_request(stream)
        except http.BadRequestError as error:
            bad = http.Request("POST", "/", "HTTP/1.0")
            stream.write(http.render(error.reply, bad, self._server_line, keep=False, only_1_0=True))
            await stream.drain()
            return False
        if request is None:
            return False
        self.requests += 1
        reply, name = await self._answer(request, stream.peer)
        keep = request.keeps_alive and reply.code == 200 and not self._only_1_0
        data = http.render(reply, request, self._server_line, keep=keep, only_1_0=self._only_1_0)
        if not await self._send(stream, data, name):
            return False
        if name == "take_ownership" and reply.code == 200:
            return self._restart_until == 0.0
        return keep

    async def _answer(self, request: http.Request, peer: tuple[str, int]) -> tuple[http.Reply, str]:
        if request.method != "POST":
            return http.error_reply(501, f"Unsupported method ({request.method!r})"), ""
        if not self._is_authorized(request):
            return http.error_reply(403, f"Unauthorized access attempt from ({peer[0]!r}, {peer[1]})!"), ""
        if request.path not in PATHS:
            return http.Reply(404, b"No such page", "text/plain"), ""
        try:
            name, arguments = rpc.parse_call(request.body)
        except CallRefusedError as error:
            return http.Reply(200, rpc.fault_reply(error.text(self.server))), ""
        if self._strikes("agent-status", name) is not None:
            return http.error_reply(500), name
        return http.Reply(200, await self._call(name, arguments)), name

    async def _call(self, name: str, arguments: tuple[object, ...]) -> bytes:
        made = self._strikes("agent-fault", name)
        try:
            if made is not None:
                raise CallRefusedError(str(made.get("text", "made to fail")))
            return rpc.reply(await run_call(Call(self.world, self.server, name), name, arguments))
        except CallRefusedError as error:
            return rpc.fault_reply(error.text(self.server))

    def _is_authorized(self, request: http.Request) -> bool:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            user, found, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return bool(found) and accepts_password(self.world, self.server, user, password)

    async def _send(self, stream: _Plain | TlsStream, data: bytes, name: str) -> bool:
        """Send a reply, or what a fault makes of it; False when the connection must end."""
        if (hangs := self._strikes("agent-hangs", name)) is not None:
            await asyncio.sleep(faults.seconds_of(hangs, self.world, 3600.0))
            return False
        if (slow := self._strikes("agent-slow", name)) is not None:
            await asyncio.sleep(faults.seconds_of(slow, self.world))
        if self._strikes("agent-drops", name) is not None:
            stream.abort()
            return False
        if self._strikes("agent-garbage", name) is not None:
            data = (
                b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n" + os.urandom(2048) + b"</methodResponse"
            )
            stream.write(data)
            await stream.drain()
            return False
        if (huge := self._strikes("agent-huge", name)) is not None:
            return await _send_huge(stream, faults.bytes_of(huge))
        if self._strikes("agent-half-reply", name) is not None:
            stream.write(data[: len(data) // 2 + 64])
            await stream.drain()
            return False
        if self._strikes("agent-charset", name) is not None:
            head, _, body = data.partition(b"\r\n\r\n")
            text = (
                body.replace(b"UTF-8", b"UTF-16")
                .replace(b"utf-8", b"UTF-16")
                .replace(b"<string>", b"<string>\xe9\xff\xc3")
            )
            data = http.with_length(head, len(text)) + text
        if self._strikes("agent-short-length", name) is not None:
            head, _, body = data.partition(b"\r\n\r\n")
            data = http.with_length(head, len(body) // 2) + body
        if self._strikes("agent-trickle", name) is not None:
            for index in range(len(data)):
                stream.write(data[index : index + 1])
                await stream.drain()
                await asyncio.sleep(1.0 / self.world.speed)
            return False
        stream.write(data)
        await stream.drain()
        return True

    def _strikes(self, name: str, on: str = "") -> faults.Params | None:
        return faults.active(self.world, name, self.server, on=on)

    @property
    def _only_1_0(self) -> bool:
        return bool(self.world.switches.extra.get("http_1_0"))

    @property
    def _server_line(self) -> str:
        return (
            "BaseHTTP/0.3 Python/2.4.3"
            if self.server.release.startswith("3.2")
            else "BaseHTTP/0.3 Python/2.6.6"
        )


async def _send_huge(stream: _Plain | TlsStream, size: int) -> bool:
    head = "HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n"
    start = f"{rpc.HEAD}<methodResponse><params><param><value><string>".encode()
    end = b"</string></value></param></params></methodResponse>"
    stream.write(head.format(len(start) + size + len(end)).encode() + start)
    block = b"A" * 65536
    for offset in range(0, size, len(block)):
        stream.write(block[: size - offset])
        await stream.drain()
    stream.write(end)
    await stream.drain()
    return False
