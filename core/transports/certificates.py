"""TLS connections to an endpoint and the certificates they show. Compares no pin and sends no data."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from core.errors import ConnectFailed, ConnectTrouble, OldCryptoNeeded
from core.transports.base import Endpoint
from core.transports.fingerprints import Shown
from core.transports.limits import Limits
from core.transports.tls_stream import TlsStream, client_context
from core.transports.wire import NETWORK_ERRORS, connect_failed, open_stream

if TYPE_CHECKING:
    from core.transports.jump import Jump

_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")


@asynccontextmanager
async def open_tls(endpoint: Endpoint, limits: Limits, jump: Jump | None) -> AsyncIterator[TlsStream]:
    """A finished handshake, nothing written after it; OldCryptoNeeded or ConnectFailed when there is none."""
    try:
        async with _shaken(endpoint, limits, jump, endpoint.allow_old_crypto) as stream:
            if not endpoint.allow_old_crypto and (old := stream.old_in_use()):
                raise _old_needed(endpoint, old, stream.version)
            yield stream
    except _HandshakeError as failed:
        raise await _explained(endpoint, limits, jump, failed.error) from failed.error


async def fetch_shown_certificate(endpoint: Endpoint, limits: Limits, jump: Jump | None = None) -> Shown:
    """What certificate the endpoint shows; a handshake and not one byte more."""
    async with open_tls(endpoint, limits, jump) as stream:
        certificate = stream.certificate
    if certificate is None:
        raise connect_failed(endpoint, "it shows no certificate")
    return certificate.shown


class _HandshakeError(Exception):
    """The bytes flowed but TLS did not come about."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


@asynccontextmanager
async def _shaken(
    endpoint: Endpoint, limits: Limits, jump: Jump | None, old: bool
) -> AsyncIterator[TlsStream]:
    async with open_stream(endpoint, jump, limits.connect_s) as (reader, writer):
        stream = TlsStream(reader, writer, client_context(old))
        try:
            async with asyncio.timeout(limits.connect_s):
                await stream.handshake()
        except NETWORK_ERRORS as error:
            raise _HandshakeError(error) from error
        yield stream


async def _explained(
    endpoint: Endpoint, limits: Limits, jump: Jump | None, error: BaseException
) -> ConnectFailed:
    """Why a handshake failed: shake hands the old way, without sending anything, and name what was agreed."""
    reason = error.reason or "" if isinstance(error, ssl.SSLError) else ""
    if reason in _PLAIN_HTTP:
        return connect_failed(
            endpoint,
            "it does not speak TLS",
            fix="set ssl=enable in its agent.ini, or check the port",
            trouble=ConnectTrouble.NO_TLS,
        )
    if not endpoint.allow_old_crypto and not isinstance(error, TimeoutError):
        try:
            async with _shaken(endpoint, limits, jump, old=True) as stream:
                old = stream.old_in_use() or [f"{stream.version} with {stream.cipher}"]
                return _old_needed(endpoint, old, stream.version)
        except (_HandshakeError, ConnectFailed):
            pass
    is_silent = isinstance(error, TimeoutError)  # the port took the connection
    return connect_failed(endpoint, error, trouble=ConnectTrouble.SILENT if is_silent else None)


def _old_needed(endpoint: Endpoint, old: list[str], version: str) -> OldCryptoNeeded:
    return OldCryptoNeeded(
        endpoint.server,
        endpoint.plane,
        ", ".join(old),
        fix=f"set allow_old_crypto: [{endpoint.plane}]",
        tls_version=version,
    )
