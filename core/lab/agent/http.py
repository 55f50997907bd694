"""The agent's HTTP, as Python's BaseHTTPServer speaks it, over asyncio streams; it knows no calls.

HTTP/1.0 requests are answered and closed; HTTP/1.1 ones may keep the connection, send chunks, expect 100-continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from html import escape
from typing import Protocol

HEADER_MAX_BYTES = 64 * 1024
BODY_MAX_BYTES = 8 * 1024 * 1024
_ERROR_PAGE = """<head>
<title>Error response</title>
</head>
<body>
<h1>Error response</h1>
<p>Error code {code}.
<p>Message: {message}.
<p>Error code explanation: {code} = {explain}.
</body>
"""
# the standard reasons and explanations of BaseHTTPServer's table
EXPLAIN: Mapping[int, tuple[str, str]] = {
    200: ("OK", "Request fulfilled, document follows"),
    400: ("Bad Request", "Bad request syntax or unsupported method"),
    403: ("Forbidden", "Request forbidden -- authorization will not help"),
    404: ("Not Found", "Nothing matches the given URI"),
    411: ("Length Required", "Client must specify Content-Length."),
    413: ("Request Entity Too Large", "Entity is too large."),
    500: ("Internal Server Error", "Server got itself in trouble"),
    501: ("Not Implemented", "Server does not support this operation"),
}


@dataclass(slots=True)
class Request:
    """One request, its body complete."""

    method: str
    path: str
    version: str
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        return "close" not in wish if self.version == "HTTP/1.1" else "keep-alive" in wish


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; `reason` replaces the standard reason phrase."""

    code: int
    body: bytes
    kind: str = "text/xml"
    reason: str = ""


class BadRequestError(Exception):
    """A request that cannot be read; carries the reply for it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


def error_reply(code: int, message: str = "") -> Reply:
    """BaseHTTPServer's HTML error page; `message` is its reason phrase too."""
    short, explain = EXPLAIN[code]
    page = _ERROR_PAGE.format(code=code, message=escape(message or short, quote=False), explain=explain)
    return Reply(code, page.encode(), "text/html", message or short)


class Stream(Protocol):
    """What a connection offers."""

    reader: asyncio.StreamReader

    def write(self, data: bytes, /) -> None:
        """Queue bytes for the peer."""


async def read_request(stream: Stream) -> Request | None:
    """The next request of a connection, None at its end; raises BadRequestError."""
    reader = stream.reader
    try:
        line = await reader.readline()
    except ValueError as error:
        raise BadRequestError(error_reply(400, "Bad request syntax")) from error
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise BadRequestError(error_reply(400, f"Bad request syntax ({' '.join(words)!r})"[:200]))
    request = Request(words[0], words[1], words[2], await _read_headers(reader))
    if request.headers.get("expect", "").lower() == "100-continue":
        stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.body = await _read_body(reader, request)
    return request


def render(reply: Reply, request: Request, server_line: str, *, keep: bool, only_1_0: bool) -> bytes:
    """The bytes of a reply; a HEAD request gets no body."""
    version = "HTTP/1.1" if request.version == "HTTP/1.1" and not only_1_0 else "HTTP/1.0"
    reason = (reply.reason or EXPLAIN[reply.code][0]).replace("\r", " ").replace("\n", " ")
    lines = [
        f"{version} {reply.code} {reason}",
        f"Server: {server_line}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {reply.kind}",
        f"Content-Length: {len(reply.body)}",
    ]
    if version == "HTTP/1.1" or reply.code != 200:
        lines.append("Connection: keep-alive" if keep else "Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if request.method == "HEAD" else head + reply.body


def with_length(head: bytes, length: int) -> bytes:
    """The head of a reply with another Content-Length, the empty line included."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % length]) + b"\r\n\r\n"


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    total = 0
    while True:
        try:
            line = await reader.readline()
        except ValueError as error:
            raise BadRequestError(error_reply(400, "Line too long")) from error
        total += len(line)
        if total > HEADER_MAX_BYTES:
            raise BadRequestError(error_reply(400, "Too many headers"))
        if line in (b"\r\n", b"\n", b""):
            return headers
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()


async def _read_body(reader: asyncio.StreamReader, request: Request) -> bytes:
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if request.method != "POST" and "content-length" not in request.headers:
        return b""
    text = request.headers.get("content-length", "")
    if not text.isdigit():
        raise BadRequestError(error_reply(411))
    if int(text) > BODY_MAX_BYTES:
        raise BadRequestError(error_reply(413))
    return await reader.readexactly(int(text))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        try:
            size = int((await reader.readline()).split(b";")[0].strip(), 16)
        except ValueError as error:
            raise BadRequestError(error_reply(400, "Bad chunk")) from error
        if size < 0 or len(body) + size > BODY_MAX_BYTES:
            raise BadRequestError(error_reply(413))
        body += await reader.readexactly(size)
        await reader.readline()
        if size == 0:
            return bytes(body)
