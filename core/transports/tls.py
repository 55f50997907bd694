"""HTTPS with a pinned certificate: nothing is written before the finished handshake showed the pinned one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

from core.errors import BadReply, CommandTimeout, PoolwrightError
from core.secrets import redact
from core.transports.base import Access, Endpoint
from core.transports.certificates import fetch_shown_certificate, open_tls
from core.transports.limits import Limits
from core.transports.tls_stream import Certificate
from core.transports.trust import Identity, TrustState
from core.transports.wire import NETWORK_ERRORS, connect_failed, open_stream

if TYPE_CHECKING:
    from core.transports.jump import Jump

_HEADERS_MAX = 64 * 1024
_INFORMATIONAL_MAX = 8
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP answer; `reason` is inert, header names are lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


async def fetch_certificate(endpoint: Endpoint, limits: Limits, jump: Jump | None = None) -> Identity:
    """What certificate the endpoint shows; a handshake and not one byte more. State NEW or UNREACHABLE."""
    try:
        shown = await fetch_shown_certificate(endpoint, limits, jump)
    except PoolwrightError as error:
        return Identity(endpoint, TrustState.UNREACHABLE, reason=str(error))
    return Identity(endpoint, TrustState.NEW, shown.fingerprint, shown.algorithm, shown.material)


@dataclass(frozen=True, slots=True)
class _Pipe:
    """An open connection whose other end is known: what HTTP needs of it."""

    write: Callable[[bytes], Awaitable[None]]
    read: Callable[[], Awaitable[bytes]]


class HttpsClient:
    """HTTP/1.1 requests to one endpoint, a new connection for each."""

    def __init__(self, endpoint: Endpoint, access: Access, jump: Jump | None = None) -> None:
        self.endpoint = endpoint
        self._access = access
        self._jump = jump
        self._warnings: tuple[str, ...] = ()
        self.certificate: Certificate | None = None  # as shown in the last handshake
        self.version = ""  # of TLS, then

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old TLS or plain http, each one sentence; filled by the first request."""
        return self._warnings

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"", limit_s: float
    ) -> HttpReply:
        """One request and its whole answer within limit_s; TrustError, IdentityChanged, OldCryptoNeeded,
        ConnectFailed, CommandTimeout, BadReply."""
        endpoint = self.endpoint
        async with AsyncExitStack() as stack:
            async with self._access.logins.entry(self._access.limits, self._jump is not None):
                pipe = await stack.enter_async_context(self._pinned())
            try:
                async with asyncio.timeout(limit_s) as scope:
                    return await self._exchange(self._hurried(pipe, scope), method, path, headers, body)
            except TimeoutError as error:
                raise CommandTimeout(endpoint.server, endpoint.plane, f"{method} {path}", limit_s) from error
            except NETWORK_ERRORS as error:
                raise connect_failed(endpoint, error) from error
            except h11.RemoteProtocolError as error:
                raise self._bad(f"it does not speak HTTP ({self._said(str(error), headers)})") from error

    def _hurried(self, pipe: _Pipe, scope: asyncio.Timeout) -> _Pipe:
        """The same pipe; once the answer has begun it must end within agent_body_s."""
        has_begun = False

        async def receive() -> bytes:
            nonlocal has_begun
            data = await pipe.read()
            if data and not has_begun:
                has_begun = True
                ends_at = asyncio.get_running_loop().time() + self._access.limits.agent_body_s
                scope.reschedule(min(ends_at, scope.when() or ends_at))
            return data

        return _Pipe(pipe.write, receive)

    @asynccontextmanager
    async def _pinned(self) -> AsyncIterator[_Pipe]:
        """A connection on which the request may be written: the certificate is the pinned one."""
        endpoint, limits = self.endpoint, self._access.limits
        if endpoint.kind == "http":
            self._warn(
                "PLAIN HTTP: password and answers can be read on the way, and nothing proves who answers"
            )
            async with open_stream(endpoint, self._jump, limits.connect_s) as (reader, writer):

                async def send(data: bytes) -> None:
                    writer.write(data)
                    await writer.drain()

                yield _Pipe(send, lambda: reader.read(_CHUNK))
            return
        async with open_tls(endpoint, limits, self._jump) as stream:
            if stream.certificate is None:
                raise connect_failed(endpoint, "it shows no certificate")
            self.certificate, self.version = stream.certificate, stream.version
            self._access.trust.demand(endpoint, stream.certificate.shown)
            if old := stream.old_in_use():
                self._warn(f"old cryptography in use: {', '.join(old)} ({stream.version} {stream.cipher})")
            yield _Pipe(stream.write, stream.read)

    async def _exchange(
        self, pipe: _Pipe, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> HttpReply:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEADERS_MAX)
        sent = {
            "Host": _authority(self.endpoint),
            **headers,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        out = http.send(h11.Request(method=method, target=path, headers=list(sent.items()))) or b""
        if body:
            out += http.send(h11.Data(body)) or b""
        await pipe.write(out + (http.send(h11.EndOfMessage()) or b""))
        head = await self._head(http, pipe)
        content = bytearray()
        while not isinstance(event := await self._event(http, pipe), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                content += event.data
            if len(content) > self._access.limits.reply_max_bytes:
                raise self._bad(f"its answer is longer than {self._access.limits.reply_max_bytes} bytes")
        names = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return HttpReply(
            head.status_code, self._said(head.reason.decode("latin-1"), headers), names, bytes(content)
        )

    async def _head(self, http: h11.Connection, pipe: _Pipe) -> h11.Response:
        for _ in range(_INFORMATIONAL_MAX):
            event = await self._event(http, pipe)
            if isinstance(event, h11.Response):
                return event
        raise self._bad("it answers without an end")

    async def _event(self, http: h11.Connection, pipe: _Pipe) -> h11.Event:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                data = await pipe.read()
                if not data and http.their_state is h11.SEND_RESPONSE:
                    raise EOFError
                http.receive_data(data)
            elif isinstance(event, h11.Event) and not isinstance(event, h11.ConnectionClosed):
                return event
            else:
                raise EOFError

    def _said(self, text: str, headers: Mapping[str, str]) -> str:
        """The server's words without our secrets, the login in our own headers included."""
        tokens = [
            value.rpartition(" ")[2] for name, value in headers.items() if name.lower() == "authorization"
        ]
        return self._access.safe(redact(text, tokens))

    def _warn(self, what: str) -> None:
        self._warnings = (f"{self.endpoint.server} ({self.endpoint.plane}): {what}",)

    def _bad(self, what: str) -> BadReply:
        endpoint = self.endpoint
        return BadReply(
            endpoint.server,
            endpoint.plane,
            f"cannot read the answer of {endpoint.server} ({endpoint.plane}): {what}",
        )


def _authority(endpoint: Endpoint) -> str:
    """Host and port as a URL has them."""
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{host}:{endpoint.port}"
