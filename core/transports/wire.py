"""Bytes to an endpoint, directly or through the jump host, with a deadline. Turns every network error into ours."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import asyncssh

from core import own_limit
from core.errors import ConnectFailed, ConnectTrouble
from core.text import inert
from core.transports.base import Endpoint

if TYPE_CHECKING:
    from core.transports.jump import Jump

NETWORK_ERRORS = (OSError, asyncssh.Error, EOFError)


class Reader(Protocol):
    """The reading half of a byte stream."""

    async def read(self, n: int = -1, /) -> bytes: ...


class Writer(Protocol):
    """The writing half of a byte stream."""

    def write(self, data: bytes, /) -> None: ...
    async def drain(self) -> None: ...
    def close(self) -> None: ...


def why(error: BaseException) -> str:
    """A network error in a few plain words, inert."""
    if is_own_limit(error):
        return own_limit.reason()
    match error:
        case socket.gaierror():
            return "its name cannot be resolved"
        case ConnectionRefusedError():
            return "connection refused, nothing listens on that port"
        case TimeoutError():
            return "no answer in time"
        case asyncssh.ChannelOpenError():
            return f"no channel ({inert(error.reason, 200)})"
        case asyncssh.ConnectionLost() | ConnectionResetError() | BrokenPipeError() | EOFError():
            return "it closed the connection"
        case ssl.SSLError():
            return f"TLS: {inert((error.reason or str(error)).replace('_', ' ').lower(), 200)}"
        case OSError() if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return "no route to it"
        case OSError() if error.errno:
            return os.strerror(error.errno).lower()
        case asyncssh.Error():
            return inert(error.reason, 200)
        case _:
            return f"{type(error).__name__}: {inert(str(error), 200)}"


def trouble_of(error: BaseException) -> ConnectTrouble:
    """The same as data: what was seen, by the error's type alone. Through a jump host only its words tell: OTHER."""
    if is_own_limit(error):
        return ConnectTrouble.OWN_LIMIT
    match error:
        case socket.gaierror():
            return ConnectTrouble.NO_NAME
        case ConnectionRefusedError():
            return ConnectTrouble.NOBODY_LISTENS
        case TimeoutError():
            return ConnectTrouble.NO_ANSWER
        case asyncssh.ConnectionLost() | ConnectionResetError() | BrokenPipeError() | EOFError():
            return ConnectTrouble.HUNG_UP
        case OSError() if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return ConnectTrouble.NO_ROUTE
        case ssl.SSLError() | asyncssh.DisconnectError():
            return ConnectTrouble.HANDSHAKE
        case _:
            return ConnectTrouble.OTHER


def is_own_limit(error: BaseException) -> bool:
    """Whether it was this machine that could not open anything more, so that nobody else is to blame."""
    if own_limit.has_run_out(error):
        own_limit.note()
        return True
    has_answer = isinstance(error, (TimeoutError, asyncssh.Error, EOFError, ssl.SSLError)) or (
        isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror)
    )
    if has_answer or not _is_exhausted():  # lookups, several tries at once and libraries hide the reason
        return False
    own_limit.note()
    return True


def _is_exhausted() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def hung_up(error: BaseException) -> bool:
    """Whether somebody answered and then closed the line, so that another try may succeed."""
    return isinstance(
        error.__cause__, (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError, EOFError)
    )


def connect_failed(
    endpoint: Endpoint,
    error: BaseException | str,
    *,
    fix: str = "",
    trouble: ConnectTrouble | None = None,
) -> ConnectFailed:
    """ConnectFailed that names the server, the plane and where we really went; `trouble` None: what the error says."""
    reason = error if isinstance(error, str) else why(error)
    if trouble is None:
        trouble = ConnectTrouble.OTHER if isinstance(error, str) else trouble_of(error)
    if trouble is ConnectTrouble.OWN_LIMIT:
        fix = own_limit.FIX
    there = f"{endpoint.host}:{endpoint.port}"
    return ConnectFailed(
        endpoint.server,
        endpoint.plane,
        f"cannot connect to {endpoint.server} ({endpoint.plane}, {there}): {reason}",
        fix=fix,
        trouble=trouble,
    )


@asynccontextmanager
async def open_stream(
    endpoint: Endpoint, jump: Jump | None, limit_s: float
) -> AsyncIterator[tuple[Reader, Writer]]:
    """A byte stream to the endpoint, closed on leaving; ConnectFailed when there is none within limit_s."""
    reader: Reader
    writer: Writer
    try:
        async with asyncio.timeout(limit_s):
            if jump is None:
                reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            else:
                reader, writer = await jump.open_stream(endpoint.host, endpoint.port)
    except NETWORK_ERRORS as error:
        raise connect_failed(endpoint, error) from error
    try:
        yield reader, writer
    finally:
        with suppress(*NETWORK_ERRORS):
            _abort(writer)


def _abort(writer: Writer) -> None:
    """Close at once: a peer that reads nothing must not keep the socket."""
    transport = getattr(writer, "transport", None) or getattr(writer, "channel", None)
    (transport.abort if transport is not None else writer.close)()
