"""What every transport shares: where to connect, with what, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from core.masking import Masker
from core.transports.logins import Logins

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.transports.limits import Limits
    from core.transports.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One plane of one server: what it is called, and the host and TCP port really connected to.

    `server` and `address` are the model's words (shown, judged, pinned); `host`:`port` may be a tunnel.
    """

    server: str
    plane: str
    address: str
    host: str
    port: int
    kind: (
        str  # "ssh" or "tls": how its identity is proven; "http": not at all, only where the operator says so
    )
    allow_old_crypto: bool = False
    pinned: str | None = None  # fingerprint from the spec, SHA256:... or hex


class Completed(NamedTuple):
    """A command that ended: exit status (None when the server gave none), output and error text."""

    status: int | None
    stdout: str
    stderr: str


class CommandSession(Protocol):
    """One authenticated connection on which commands run as channels."""

    server: str

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        """Run one command; returns or raises within limit_s and leaves no channel open."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What a front end hands down to reach servers: pins, secrets, limits, and what the run knows of its logins."""

    trust: TrustStore
    secrets: Secrets
    limits: Limits
    logins: Logins = field(default_factory=Logins, repr=False, compare=False)
    masker: Masker | None = field(default=None, repr=False, compare=False)  # None: nothing is public

    def safe(self, text: str, limit: int = 200) -> str:
        """A server's words as they may enter an error: without our secrets (it may echo them), inert, bounded."""
        masker = self.masker or Masker(self.secrets.values())
        return masker.text(text, limit, keep_lines=False)
