"""What one run knows of its logins: which secrets were refused, which are proven, how many run at once.

Keeps no secret: only a keyed digest, so that a refused one is recognised and never sent a second time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from core.transports.limits import Limits


@dataclass(frozen=True, slots=True)
class LoginKey:
    """One secret of one user at one endpoint, without the secret."""

    plane: str
    host: str
    port: int
    user: str
    digest: bytes


class Logins:
    """Ledger and gate of one run's logins; one per Access. What it knows outlives an event loop, its gates do not."""

    def __init__(self) -> None:
        self._salt = os.urandom(32)
        self._refused: dict[LoginKey, str] = {}
        self._proven: set[LoginKey] = set()
        self._locks: defaultdict[LoginKey, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gates: dict[bool, asyncio.Semaphore] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    def __repr__(self) -> str:
        return f"Logins(proven={len(self._proven)}, refused={len(self._refused)})"

    def key(self, plane: str, host: str, port: int, user: str, secret: str) -> LoginKey:
        """The ledger's key of one secret at one endpoint."""
        digest = hmac.new(self._salt, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return LoginKey(plane, host, port, user, digest)

    def refusal(self, key: LoginKey) -> str | None:
        """Why this secret was refused before, None when it was not."""
        return self._refused.get(key)

    def refuse(self, key: LoginKey, reason: str) -> None:
        """Remember a refused secret; it is never sent there again in this run."""
        self._proven.discard(key)
        self._refused[key] = reason

    def prove(self, key: LoginKey) -> None:
        """Remember a secret that was taken."""
        self._proven.add(key)

    def forget(self, host: str, port: int) -> None:
        """Drop what is known of one endpoint: the run itself changed there what a login means (ownership)."""
        self._refused = {
            key: why for key, why in self._refused.items() if (key.host, key.port) != (host, port)
        }
        self._proven = {key for key in self._proven if (key.host, key.port) != (host, port)}

    @asynccontextmanager
    async def trying(self, key: LoginKey) -> AsyncIterator[None]:
        """Guard of one login: an unproven secret is tried by one task at a time, a proven one freely."""
        if key in self._proven:
            yield
            return
        self._enter_loop()
        async with self._locks[key]:
            yield

    @asynccontextmanager
    async def entry(self, limits: Limits, via_jump: bool) -> AsyncIterator[None]:
        """A place for one connection being made: logins_at_once over the fleet, fewer through the jump host."""
        self._enter_loop()
        size = limits.logins_through_jump if via_jump else limits.logins_at_once
        async with self._gates.setdefault(via_jump, asyncio.Semaphore(size)):
            yield

    def _enter_loop(self) -> None:
        """Locks and gates belong to one event loop: a new one gets new ones."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._locks.clear()
            self._gates.clear()
