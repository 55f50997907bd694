"""Trust: identities (SSH host keys, TLS certificates) that the operator confirmed.

An identity is never accepted silently: it is known from the spec, known_hosts or an earlier pin, or it is shown and
confirmed. A changed one stops everything.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import IdentityChanged, PoolwrightError, TrustError
from core.transports.base import Access, Endpoint
from core.transports.certificates import fetch_shown_certificate
from core.transports.fingerprints import Shown
from core.transports.limits import Limits
from core.transports.pins import KnownHosts, Pin, PinFile, Pins, spec_pin
from core.transports.ssh_probe import fetch_host_key, other_key_types

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
        self.path, self.known_hosts = path, known_hosts
        self._file = PinFile(path)
        self._known_hosts = None if known_hosts is None else KnownHosts.read(known_hosts)
        self._types: dict[str, str] = {}  # fingerprint -> key type, learnt while looking

    def pins(self, endpoint: Endpoint) -> Pins:
        """Everything held about an endpoint: the spec's alone when it names one, else known_hosts and our pins."""
        known = Pins()
        if endpoint.kind == "ssh" and self._known_hosts is not None:
            known = self._known_hosts.pins(endpoint)
        if (given := spec_pin(endpoint)) is not None:
            typed = Pin(given.fingerprint, self._types.get(given.fingerprint, ""), given.origin)
            return Pins(strong=(typed,), revoked=known.revoked)
        own = self._file.get(endpoint)
        return Pins(known.strong + ((own,) if own else ()), known.weak, known.revoked, known.authority)

    def lookup(self, endpoint: Endpoint) -> str | None:
        """Pinned fingerprint of an endpoint: the spec's first, then known_hosts, then the store's."""
        return next((pin.fingerprint for pin in self.pins(endpoint).strong), None)

    def judge(self, endpoint: Endpoint, shown: Shown) -> Identity:
        """How what an endpoint shows stands against the pins."""
        pins = self.pins(endpoint)
        seen = Identity(endpoint, TrustState.NEW, shown.fingerprint, shown.algorithm, shown.material)
        if (pin := pins.match(shown.fingerprint)) is not None:
            self._types[shown.fingerprint] = shown.algorithm
            return _restated(seen, TrustState.KNOWN, origin=pin.origin)
        if shown.fingerprint in pins.revoked:
            return _restated(seen, TrustState.CHANGED, pinned="revoked in known_hosts")
        if pins.strong:
            return _restated(seen, TrustState.CHANGED, pinned=pins.strong[0].fingerprint)
        return dataclasses.replace(seen, reason=_not_used(pins.authority)) if pins.authority else seen

    def demand(self, endpoint: Endpoint, shown: Shown) -> None:
        """Raise unless this identity is pinned: IdentityChanged, or TrustError when nobody confirmed it yet."""
        identity = self.judge(endpoint, shown)
        if identity.state is TrustState.CHANGED:
            raise IdentityChanged(endpoint.server, endpoint.plane, identity.pinned, identity.fingerprint)
        if identity.state is TrustState.NEW:
            raise not_confirmed(endpoint, shown.fingerprint, self.pins(endpoint).authority)

    def add(self, identities: list[Identity]) -> None:
        """Pin identities the operator confirmed; refuses CHANGED ones with IdentityChanged, all or nothing."""
        new: dict[str, Pin] = {}
        for identity in identities:
            shown = Shown(identity.fingerprint, identity.algorithm, identity.material)
            if identity.state is TrustState.UNREACHABLE or not identity.fingerprint:
                continue
            now = self.judge(identity.endpoint, shown)
            if TrustState.CHANGED in (identity.state, now.state):
                held = now.pinned or identity.pinned
                raise IdentityChanged(
                    identity.endpoint.server, identity.endpoint.plane, held, identity.fingerprint
                )
            if now.state is TrustState.NEW:
                key = PinFile.key(identity.endpoint)
                new[key] = Pin(identity.fingerprint, identity.algorithm, "pin", identity.material)
        if new:
            self._file.put(new)


def _not_used(authority: str) -> str:
    return f"@cert-authority is not supported ({authority}): the key itself must be confirmed"


def not_confirmed(endpoint: Endpoint, fingerprint: str = "", authority: str = "") -> TrustError:
    """The error for an identity nobody confirmed yet; `authority` is the @cert-authority line that is not used."""
    what = "host key" if endpoint.kind == "ssh" else "certificate"
    shows = f" (it shows {fingerprint})" if fingerprint else ""
    return TrustError(
        f"cannot log in to {endpoint.server} ({endpoint.plane}): its {what} is not confirmed yet{shows}"
        + (f"; {_not_used(authority)}" if authority else ""),
        fix="confirm it in the trust table, or give its fingerprint in the spec or a known hosts file",
    )


async def see(endpoints: Sequence[Endpoint], access: Access, jump: Jump | None = None) -> list[Identity]:
    """Look at every endpoint's identity, in their order; never raises for one, sends no secret."""

    async def one(endpoint: Endpoint) -> Identity:
        async with access.logins.entry(access.limits, jump is not None):
            return await _see_one(endpoint, access, jump)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(endpoint)) for endpoint in endpoints]
    return [task.result() for task in tasks]


async def _see_one(endpoint: Endpoint, access: Access, jump: Jump | None) -> Identity:
    try:
        if endpoint.kind == "http":
            reason = "plain http: nothing proves who answers"
            return Identity(endpoint, TrustState.KNOWN, algorithm="none", origin="spec", reason=reason)
        if endpoint.kind == "tls":
            return access.trust.judge(endpoint, await fetch_shown_certificate(endpoint, access.limits, jump))
        return await _see_host_key(endpoint, access.trust, access.limits, jump)
    except PoolwrightError as error:
        return Identity(endpoint, TrustState.UNREACHABLE, reason=str(error))


async def _see_host_key(endpoint: Endpoint, trust: TrustStore, limits: Limits, jump: Jump | None) -> Identity:
    """The host key of a pinned type if there is one; a spec's bare fingerprint is looked for in every type."""
    pins = trust.pins(endpoint)
    shown = await fetch_host_key(endpoint, limit_s=limits.connect_s, jump=jump, prefer=pins.algorithms)
    first = trust.judge(endpoint, shown)
    if first.state is not TrustState.CHANGED or not pins.any_type:
        return first
    kinds = await other_key_types(endpoint, limit_s=limits.connect_s, jump=jump, but=shown.algorithm)
    for kind in kinds:
        other = await fetch_host_key(endpoint, limit_s=limits.connect_s, jump=jump, prefer=(kind,), only=True)
        identity = trust.judge(endpoint, other)
        if identity.state is TrustState.KNOWN:
            return identity
    return first


def _restated(seen: Identity, state: TrustState, *, pinned: str = "", origin: str = "") -> Identity:
    return Identity(seen.endpoint, state, seen.fingerprint, seen.algorithm, seen.material, pinned, origin)
