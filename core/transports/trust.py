"""Trust: identities (SSH host keys, TLS certificates) that the operator confirmed, pinned in one file.

An identity is never accepted silently: it is known from known_hosts, the spec or an earlier pin, or it is shown and
confirmed. A changed one stops everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from core.transports.base import Access, Endpoint

if TYPE_CHECKING:
    from core.transports.jump import Jump


class TrustState(StrEnum):
    """How an identity that was just seen stands against what is pinned."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Identity:
    """What one endpoint shows of itself. `material` is the OpenSSH public key line or the PEM certificate."""

    endpoint: Endpoint
    state: TrustState
    fingerprint: str = ""  # SHA256:... in OpenSSH form, for both kinds
    algorithm: str = ""  # ssh-ed25519, "x509 RSA 2048", ...
    material: str = ""
    pinned: str = ""  # the fingerprint we hold, when another one was seen
    origin: str = ""  # where a known one is known from: spec, known_hosts, pin
    reason: str = ""  # why it could not be seen


class TrustStore:
    """Pins of this operator, keyed by plane, address and port; one JSON file, written atomically, mode 0600."""

    def __init__(self, path: Path | None, known_hosts: Path | None = None) -> None:
        """`path` None keeps pins in memory only; `known_hosts` is an OpenSSH file, read and never written."""
        self.path = path
        raise NotImplementedError  # written next

    def lookup(self, endpoint: Endpoint) -> str | None:
        """Pinned fingerprint of an endpoint: the spec's first, then known_hosts, then the store's."""
        raise NotImplementedError

    def add(self, identities: list[Identity]) -> None:
        """Pin identities the operator confirmed; refuses CHANGED ones with IdentityChanged."""
        raise NotImplementedError


async def see(endpoints: Sequence[Endpoint], access: Access, jump: Jump | None = None) -> list[Identity]:
    """Look at every endpoint's identity, in their order; never raises for one, sends no secret."""
    raise NotImplementedError
