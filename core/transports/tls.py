"""HTTPS with a pinned certificate: nothing is written before the finished handshake showed the pinned one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.transports.base import Access, Endpoint
from core.transports.jump import Jump
from core.transports.limits import Limits
from core.transports.trust import Identity


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP answer; `reason` is inert, header names are lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


async def fetch_certificate(endpoint: Endpoint, limits: Limits, jump: Jump | None = None) -> Identity:
    """What certificate the endpoint shows; a handshake and not one byte more. State NEW or UNREACHABLE."""
    raise NotImplementedError


class HttpsClient:
    """HTTP/1.1 requests to one endpoint, a new connection for each."""

    def __init__(self, endpoint: Endpoint, access: Access, jump: Jump | None = None) -> None:
        raise NotImplementedError

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old TLS or plain http, each one sentence; filled by the first request."""
        raise NotImplementedError

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"", limit_s: float
    ) -> HttpReply:
        """One request and its whole answer within limit_s; TrustError, IdentityChanged, OldCryptoNeeded,
        ConnectFailed, CommandTimeout, BadReply."""
        raise NotImplementedError
