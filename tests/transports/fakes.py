"""In-process servers with real keys on loopback: SSH, TLS, HTTP. They remember every byte and every try."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from typing_extensions import override

from core.secrets import Secrets
from core.transports.base import Access, Endpoint
from core.transports.limits import Limits
from core.transports.trust import TrustStore, see

PASSWORD = "canary-Xylophone-42"
OLD_SSH: dict[str, Any] = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-cbc"],
    "mac_algs": ["hmac-sha1"],
}


@dataclass
class SshRecord:
    """What one fake SSH server saw."""

    tries: list[tuple[str, str]] = field(default_factory=list)  # method, password
    commands: list[str | None] = field(default_factory=list)
    logins: int = 0
    connections: int = 0


class FakeServer(asyncssh.SSHServer):
    """Takes PASSWORD by the methods it was told, and writes down what is tried."""

    def __init__(self, record: SshRecord, methods: Sequence[str]) -> None:
        self._record, self._methods = record, methods

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._record.connections += 1

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def password_auth_supported(self) -> bool:
        return "password" in self._methods

    @override
    def validate_password(self, username: str, password: str) -> bool:
        return self._judge("password", password)

    @override
    def kbdint_auth_supported(self) -> bool:
        return "kbdint" in self._methods

    @override
    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return ("", "", "en", [("Password: ", False)])

    @override
    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return self._judge("kbdint", responses[0])

    def _judge(self, method: str, password: str) -> bool:
        self._record.tries.append((method, password))
        self._record.logins += password == PASSWORD
        return password == PASSWORD


async def serve_process(process: asyncssh.SSHServerProcess[str], record: SshRecord) -> None:
    """`hang` hangs, `flood` floods, anything else is echoed; a shell answers each line."""
    record.commands.append(process.command)
    with contextlib.suppress(BrokenPipeError, asyncssh.Error, ConnectionError):
        if (process.command or "").startswith("hang"):
            await process.stdin.read()
            await process.wait_closed()
        elif process.command == "flood":
            while not process.stdout.is_closing():
                process.stdout.write("x" * 65536)
                await asyncio.sleep(0)
        elif process.command is None:
            process.stdout.write("OVM> ")
            async for line in process.stdin:
                process.stdout.write(f"said {line.rstrip()}\n\rOVM> ")
                if line.strip() == "exit":
                    break
        else:
            process.stdout.write(process.command)
    process.exit(0)


@asynccontextmanager
async def ssh_server(
    *keys: asyncssh.SSHKey, methods: Sequence[str] = ("password",), **options: Any
) -> AsyncIterator[tuple[Endpoint, SshRecord]]:
    """A running SSH server and its endpoint (plane ssh, model address 203.0.113.11)."""
    record = SshRecord()
    server = await asyncssh.create_server(
        lambda: FakeServer(record, methods),
        "127.0.0.1",
        0,
        server_host_keys=list(keys) or [asyncssh.generate_private_key("ssh-ed25519")],
        process_factory=lambda process: serve_process(process, record),
        **options,
    )
    try:
        yield (
            Endpoint("ovs01", "ssh", "203.0.113.11", "127.0.0.1", server.sockets[0].getsockname()[1], "ssh"),
            record,
        )
    finally:
        server.close()
        await server.wait_closed()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A TCP or TLS server; its connections end with it."""
    open_ones: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones[task] = writer
        try:
            await handler(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            del open_ones[task]
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_ones.values():
            writer.transport.abort()
        await asyncio.gather(*open_ones)
        await server.wait_closed()


def tls_context(folder: Path, *, bits: int = 2048, curve: bool = False, old: bool = False) -> ssl.SSLContext:
    """A server context with a fresh self-signed certificate; `old` speaks TLS 1.0 alone, as agents of 3.2 do."""
    key: Any = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ovs01")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=4000))
        .not_valid_after(now - dt.timedelta(days=1))  # expired: a pin does not ask
        .sign(key, hashes.SHA256())
    )
    path = folder / f"tls-{certificate.serial_number}.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if old or bits < 2048:
        context.set_ciphers("ALL:@SECLEVEL=0")
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(path)
    return context


@dataclass
class HttpRecord:
    """Decrypted bytes that a fake HTTP server received, one entry a connection."""

    received: list[bytes] = field(default_factory=list)


def http_answer(status: str, body: bytes, *, length: bool = True, extra: str = "") -> bytes:
    """An HTTP/1.0 answer as Python's old server writes it; without a length the end of the stream is the end."""
    head = f"HTTP/1.0 {status}\r\nServer: BaseHTTP/0.3 Python/2.4.3\r\nContent-type: text/xml\r\n{extra}"
    return (head + (f"Content-length: {len(body)}\r\n" if length else "") + "\r\n").encode() + body


@asynccontextmanager
async def https_server(
    answer: bytes | Callable[[bytes], bytes], context: ssl.SSLContext | None
) -> AsyncIterator[tuple[Endpoint, HttpRecord]]:
    """An HTTP server behind a TLS context (or none): one request, one answer, closed."""
    record = HttpRecord()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = len(record.received)
        record.received.append(b"")
        while not _is_whole(record.received[at]):
            chunk = await reader.read(65536)
            if not chunk:
                return
            record.received[at] += chunk
        writer.write(answer if isinstance(answer, bytes) else answer(record.received[at]))
        await writer.drain()
        if context is None:
            writer.write_eof()
        else:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async with tcp_server(handle, context) as port:
        kind = "http" if context is None else "tls"
        yield Endpoint("ovs01", "agent", "203.0.113.11", "127.0.0.1", port, kind), record


def _is_whole(request: bytes) -> bool:
    head, found, body = request.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return True


def access_with(limits: Limits | None = None, trust: TrustStore | None = None, **secrets: str) -> Access:
    """An Access of its own; secrets by name, PASSWORD for every plane when none is named."""
    given = secrets or {"ssh": PASSWORD, "agent": PASSWORD, "jump": PASSWORD, "manager": PASSWORD}
    return Access(trust or TrustStore(None), Secrets(given), limits or Limits())


async def trusting(*endpoints: Endpoint, limits: Limits | None = None, **secrets: str) -> Access:
    """An Access that trusts these endpoints as they are now."""
    access = access_with(limits, None, **secrets)
    access.trust.add(await see(endpoints, access))
    return access
