"""The machine in between (ProxyJump): one SSH connection that carries the tunnels of all planes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.models.spec import JumpHost
from core.transports.base import Access, Endpoint


class Jump:
    """An open connection to the jump host; hand it to open_ssh, HttpsClient, AgentClient and trust.see."""


def jump_endpoint(spec: JumpHost) -> Endpoint:
    """The jump host as an endpoint (plane `jump`), for the trust table."""
    raise NotImplementedError


@asynccontextmanager
async def open_jump(spec: JumpHost | None, access: Access) -> AsyncIterator[Jump | None]:
    """Log in to the jump host (secret `jump` or its key file); yields None when there is none in the spec."""
    raise NotImplementedError
    yield  # pragma: no cover
