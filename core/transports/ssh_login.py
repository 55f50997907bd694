"""Logging in over SSH: pin first, then each credential once, and no credential that was refused before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
from typing_extensions import override

from core import files
from core.errors import BadReply, ConnectFailed, ConnectTrouble, LoginRefused, SecretError
from core.files import FileError
from core.paths import expanded
from core.text import inert
from core.transports import algorithms
from core.transports.base import Access, Endpoint
from core.transports.fingerprints import Shown
from core.transports.logins import LoginKey
from core.transports.ssh_probe import (
    fetch_offers,
    hush_deprecations,
    no_ambient,
    offered_to,
    old_crypto_or_failed,
    other_key_types,
    shown_key,
)
from core.transports.trust import TrustState, not_confirmed
from core.transports.wire import connect_failed, trouble_of, why

if TYPE_CHECKING:
    from core.transports.jump import Jump

_KEEPALIVE_S, _KEEPALIVE_MAX = 15, 3  # asyncssh's own default is off
_KEY_FILE_MAX = 64 * 1024
_TRIED = "check user, password and key; they were tried once and will not be tried again in this run"


class _Client(asyncssh.SSHClient):
    """Answers asyncssh's questions: is this host key the pinned one, and what is the password (once a method)."""

    def __init__(self, endpoint: Endpoint, access: Access, password: str | None, deadline: _Deadline) -> None:
        self._endpoint, self._access = endpoint, access
        self._password = password
        self._deadline = deadline
        self._asked: set[str] = set()
        self.shown: Shown | None = None

    @override
    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._deadline.reached()

    @override
    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = shown_key(key)
        return self._access.trust.judge(self._endpoint, self.shown).state is TrustState.KNOWN

    @override
    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return False

    @override
    def public_key_auth_requested(self) -> None:
        return None  # the key file, if any, was given to the connection

    @override
    def password_auth_requested(self) -> str | None:
        return self._once("password")

    @override
    def kbdint_auth_requested(self) -> str | None:
        return "" if self._once("keyboard-interactive") else None

    @override
    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        if not prompts:
            return []
        hidden = [echo for _, echo in prompts]
        if self._password is None or hidden != [False] or "answered" in self._asked:
            return None  # only the one question whose answer is not echoed is for the password
        self._asked.add("answered")
        return [self._password]

    @override
    def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        raise asyncssh.PermissionDenied("the password has expired")

    @property
    def has_tried(self) -> bool:
        """The server asked for the password in some way."""
        return bool(self._asked)

    def _once(self, method: str) -> str | None:
        if method in self._asked:
            return None
        self._asked.add(method)
        return self._password


class _Deadline:
    """Two limits in one timeout: until TCP stands, then until the login is done."""

    def __init__(self, timeout: asyncio.Timeout, login_s: float) -> None:
        self._timeout, self._login_s = timeout, login_s

    def reached(self) -> None:
        """TCP stands: the login's own limit begins."""
        self._timeout.reschedule(asyncio.get_running_loop().time() + self._login_s)


async def log_in(
    endpoint: Endpoint,
    *,
    user: str,
    access: Access,
    secret: str,
    key_file: str | None,
    jump: Jump | None,
    login_s: float | None,
) -> tuple[asyncssh.SSHClientConnection, list[str]]:
    """An authenticated connection and warnings about it; every error is ours. See ssh.open_ssh."""
    limits, trust = access.limits, access.trust
    pins = trust.pins(endpoint)
    if not (pins.strong or pins.weak):
        raise not_confirmed(endpoint, authority=pins.authority)
    password = access.secrets.get(secret)
    keys = _client_keys(key_file, access.secrets.get(f"{secret}_key"))
    if password is None and not keys:
        raise SecretError(
            f"cannot log in to {endpoint.server} ({endpoint.plane}): no {secret} password and no key file"
        )
    if login_s is None:
        login_s = limits.manager_login_s if endpoint.plane == "manager" else 2 * limits.connect_s
    ledger = access.logins.key(endpoint.plane, endpoint.host, endpoint.port, user, f"{password}\0{key_file}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(access.logins.trying(ledger))
        if (refused := access.logins.refusal(ledger)) is not None:
            raise _refused(endpoint, user, f"{refused}; not tried again")
        await stack.enter_async_context(access.logins.entry(limits, jump is not None))
        connection, prefer, only = await _connect_pinned(
            endpoint, user, access, password, keys, jump, login_s, ledger
        )
    access.logins.prove(ledger)
    return connection, await _warnings(endpoint, jump, limits.connect_s, prefer, only)


async def _connect_pinned(
    endpoint: Endpoint,
    user: str,
    access: Access,
    password: str | None,
    keys: list[asyncssh.SSHKeyPair],
    jump: Jump | None,
    login_s: float,
    ledger: LoginKey,
) -> tuple[asyncssh.SSHClientConnection, tuple[str, ...], bool]:
    """Connect asking for the pinned key's type; a bare fingerprint is looked for in every type, one after another."""
    pins = access.trust.pins(endpoint)
    tries: list[tuple[tuple[str, ...], bool]] = [(pins.algorithms, False)]
    first: Shown | None = None
    while tries:
        prefer, only = tries.pop(0)
        clients: list[_Client] = []
        try:
            connection = await _connect(
                endpoint, user, access, password, keys, jump, login_s, (prefer, only), clients
            )
        except asyncssh.HostKeyNotVerifiable as error:
            seen = clients[-1].shown if clients else None
            if seen is None:
                raise connect_failed(
                    endpoint, access.safe(why(error)), trouble=ConnectTrouble.HANDSHAKE
                ) from error
            if first is None and pins.any_type:
                limit_s = access.limits.connect_s
                kinds = await other_key_types(endpoint, limit_s=limit_s, jump=jump, but=seen.algorithm)
                tries = [((kind,), True) for kind in kinds]
            first = first or seen
        except asyncssh.PermissionDenied as error:
            if not keys and not clients[-1].has_tried:
                raise _refused(endpoint, user, "it takes no password", fix="give a key file") from error
            access.logins.refuse(ledger, "it was refused before")
            raise _refused(endpoint, user, access.safe(error.reason)) from error
        except asyncssh.DisconnectError as error:
            if clients and clients[-1].shown is not None:
                raise connect_failed(endpoint, access.safe(why(error)), trouble=trouble_of(error)) from error
            raise await old_crypto_or_failed(endpoint, jump, access.limits.connect_s, error) from error
        except Exception as error:  # hostile bytes may raise anything inside the library
            is_silent = isinstance(error, TimeoutError) and bool(clients)  # the port took the connection
            trouble = ConnectTrouble.SILENT if is_silent else trouble_of(error)
            raise connect_failed(endpoint, access.safe(why(error)), trouble=trouble) from error
        else:
            return connection, prefer, only
    if first is None:
        raise connect_failed(endpoint, "it shows no host key")
    access.trust.demand(endpoint, first)  # raises: nothing that was shown is pinned
    raise not_confirmed(endpoint, first.fingerprint)


async def _connect(
    endpoint: Endpoint,
    user: str,
    access: Access,
    password: str | None,
    keys: list[asyncssh.SSHKeyPair],
    jump: Jump | None,
    login_s: float,
    wanted: tuple[tuple[str, ...], bool],
    clients: list[_Client],
) -> asyncssh.SSHClientConnection:
    tunnel: dict[str, Any] = {} if jump is None else {"tunnel": jump.tunnel}
    hush_deprecations()
    async with asyncio.timeout(access.limits.connect_s) as timeout:

        def client() -> _Client:
            clients.append(_Client(endpoint, access, password, _Deadline(timeout, login_s)))
            return clients[-1]

        options = {**no_ambient(), **offered_to(endpoint, *wanted), "client_keys": keys or None}
        return await asyncssh.connect(
            endpoint.host,
            endpoint.port,
            username=user,
            client_factory=client,
            known_hosts=([], [], []),  # trusts nobody by itself; validate_host_public_key decides
            preferred_auth=["publickey", "password", "keyboard-interactive"],
            password_auth=password is not None,
            kbdint_auth=password is not None,
            public_key_auth=bool(keys),
            login_timeout=login_s,
            keepalive_interval=_KEEPALIVE_S,
            keepalive_count_max=_KEEPALIVE_MAX,
            **options,
            **tunnel,
        )


async def _warnings(
    endpoint: Endpoint, jump: Jump | None, limit_s: float, prefer: tuple[str, ...], only: bool
) -> list[str]:
    """Obsolete algorithms of a session that was allowed them, by what the server offers."""
    if not endpoint.allow_old_crypto:
        return []
    try:
        theirs = await fetch_offers(endpoint, limit_s=limit_s, jump=jump)
    except (ConnectFailed, BadReply):
        return [
            f"{endpoint.server} ({endpoint.plane}): old cryptography is allowed; what is in use could not be seen"
        ]
    old = algorithms.old_in_use(theirs, prefer, only)
    return [f"{endpoint.server} ({endpoint.plane}): old cryptography in use: {', '.join(old)}"] if old else []


def _client_keys(key_file: str | None, passphrase: str | None) -> list[asyncssh.SSHKeyPair]:
    """The private key to offer; SecretError when the file cannot be used. Its content never enters an error."""
    if key_file is None:
        return []
    path = expanded(Path(key_file))
    try:
        key = asyncssh.import_private_key(files.read_bytes(path, _KEY_FILE_MAX), passphrase)
    except FileError as error:
        raise SecretError(f"cannot read the key file {path}: {error.why}") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        raise SecretError(
            f"cannot use the key file {path}: it is no private key, or needs a passphrase"
        ) from None  # their texts may quote the file
    return list(asyncssh.load_keypairs([key]))


def _refused(endpoint: Endpoint, user: str, reason: str, *, fix: str = _TRIED) -> LoginRefused:
    return LoginRefused(
        endpoint.server,
        endpoint.plane,
        f"cannot log in to {endpoint.server} ({endpoint.plane}) as {inert(user, 64)}: {reason}",
        fix=fix,
    )
