"""What an SSH server shows before any login: its host key of a type, and the algorithms it offers. No secret, ever."""

from __future__ import annotations

import asyncio
import struct
import warnings
from typing import TYPE_CHECKING, Any

import asyncssh
from cryptography.utils import CryptographyDeprecationWarning

from core.errors import BadReply, ConnectFailed, OldCryptoNeeded
from core.text import inert
from core.transports import algorithms
from core.transports.algorithms import Offers
from core.transports.base import Endpoint
from core.transports.fingerprints import Shown, fingerprint_of
from core.transports.wire import NETWORK_ERRORS, Reader, connect_failed, open_stream

if TYPE_CHECKING:
    from core.transports.jump import Jump

CLIENT_VERSION = "poolwright"
_KEXINIT = 20  # RFC 4253, 12
_PACKET_MAX = 35_000  # RFC 4253, 6.1
_BANNER_MAX = 16 * 1024


def no_ambient() -> dict[str, Any]:
    """asyncssh options that keep the operator's own files, agents and environment out of every connection."""
    return {
        "config": None,
        "agent_path": None,
        "client_keys": None,
        "client_certs": [],
        "pkcs11_provider": None,
        "gss_host": None,
        "gss_kex": False,
        "gss_auth": False,
        "host_based_auth": False,
        "proxy_command": None,
        "client_username": "poolwright",
        "client_version": CLIENT_VERSION,
        "compression_algs": ["none"],
    }


def hush_deprecations() -> None:
    """Keep cryptography's remarks on Diffie-Hellman, DSA and CBC off the screen; our warnings name what is old."""
    warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)


def offered_to(endpoint: Endpoint, prefer: tuple[str, ...] = (), only: bool = False) -> dict[str, list[str]]:
    """asyncssh's algorithm options for one endpoint."""
    mine = algorithms.ours(endpoint.allow_old_crypto, prefer, only)
    return {
        "kex_algs": list(mine.kex),
        "server_host_key_algs": list(mine.host_keys),
        "encryption_algs": list(mine.ciphers),
        "mac_algs": list(mine.macs),
    }


async def fetch_host_key(
    endpoint: Endpoint,
    *,
    limit_s: float,
    jump: Jump | None = None,
    prefer: tuple[str, ...] = (),
    only: bool = False,
) -> Shown:
    """The host key the server shows when asked for these key types first (or only); proven by the key exchange."""
    tunnel: dict[str, Any] = {} if jump is None else {"tunnel": jump.tunnel}
    options = {**no_ambient(), **offered_to(endpoint, prefer, only)}
    options.pop("config")
    kex, host_keys = options.pop("kex_algs"), options.pop("server_host_key_algs")
    hush_deprecations()
    try:
        async with asyncio.timeout(limit_s):
            key = await asyncssh.get_server_host_key(
                endpoint.host,
                endpoint.port,
                config=None,
                client_version=options.pop("client_version"),
                kex_algs=kex,
                server_host_key_algs=host_keys,
                options=asyncssh.SSHClientConnectionOptions(config=None, **options),
                **tunnel,
            )
    except asyncssh.DisconnectError as error:  # a server without a common host key just hangs up
        raise await old_crypto_or_failed(endpoint, jump, limit_s, error) from error
    except Exception as error:  # hostile bytes may raise anything inside the library
        raise connect_failed(endpoint, error) from error
    if key is None:
        raise connect_failed(endpoint, "it shows no host key")
    return shown_key(key)


def shown_key(key: asyncssh.SSHKey) -> Shown:
    """Fingerprint, type and OpenSSH line of a public key."""
    line = key.export_public_key("openssh").decode("ascii").strip()
    return Shown(fingerprint_of(key.public_data), key.get_algorithm(), " ".join(line.split()[:2]))


async def old_crypto_or_failed(
    endpoint: Endpoint, jump: Jump | None, limit_s: float, error: BaseException
) -> ConnectFailed:
    """The error for a failed key exchange: OldCryptoNeeded with what is offered, when the setting would help."""
    if not endpoint.allow_old_crypto:
        try:
            theirs = await fetch_offers(endpoint, limit_s=limit_s, jump=jump)
        except (ConnectFailed, BadReply):
            return connect_failed(endpoint, error)
        needs = algorithms.missing(theirs)
        helps = all(algorithms.chosen(algorithms.ours(True), theirs).values())
        if needs and helps:
            return OldCryptoNeeded(
                endpoint.server,
                endpoint.plane,
                ", ".join(needs),
                fix=f"set allow_old_crypto: [{endpoint.plane}]",
            )
    return connect_failed(endpoint, error)


async def other_key_types(
    endpoint: Endpoint, *, limit_s: float, jump: Jump | None, but: str
) -> tuple[str, ...]:
    """Key types that the server says it has and that may be asked for, without `but`."""
    theirs = await fetch_offers(endpoint, limit_s=limit_s, jump=jump)
    return tuple(
        kind
        for kind in algorithms.key_types(endpoint.allow_old_crypto)
        if kind != but
        and set(algorithms.host_key_algorithms(endpoint.allow_old_crypto, (kind,), True))
        & set(theirs.host_keys)
    )


async def fetch_offers(endpoint: Endpoint, *, limit_s: float, jump: Jump | None = None) -> Offers:
    """The server's own algorithm lists (its KEXINIT), read without agreeing on anything."""
    async with open_stream(endpoint, jump, limit_s) as (reader, writer):
        try:
            async with asyncio.timeout(limit_s):
                writer.write(f"SSH-2.0-{CLIENT_VERSION}\r\n".encode())
                await writer.drain()
                return parse_kexinit(await _first_packet(reader))
        except NETWORK_ERRORS as error:
            raise connect_failed(endpoint, error) from error
        except ValueError as error:
            raise BadReply(
                endpoint.server, endpoint.plane, f"cannot read the greeting of {endpoint.server}: {error}"
            ) from error


async def _first_packet(reader: Reader) -> bytes:
    """Payload of the first packet after the version line; ValueError when it is no such thing."""
    buffer = b""
    while True:
        line, found, rest = buffer.partition(b"\n")
        if found and line.startswith(b"SSH-"):
            buffer = rest
            break
        if found:
            buffer = rest
            continue
        if len(buffer) > _BANNER_MAX:
            raise ValueError("no SSH version line")
        buffer += await _more(reader)
    while len(buffer) < 5:
        buffer += await _more(reader)
    length, padding = struct.unpack_from(">IB", buffer)
    if not 1 + padding < length <= _PACKET_MAX:
        raise ValueError("a packet of impossible length")
    while len(buffer) < 4 + length:
        buffer += await _more(reader)
    return buffer[5 : 4 + length - padding]


async def _more(reader: Reader) -> bytes:
    chunk = await reader.read(4096)
    if not chunk:
        raise EOFError
    return chunk


def parse_kexinit(payload: bytes) -> Offers:
    """Algorithm lists of a KEXINIT payload (RFC 4253, 7.1), names inert; ValueError when malformed."""
    if not payload or payload[0] != _KEXINIT:
        raise ValueError("not a key exchange offer")
    at, lists = 17, []
    for _ in range(10):
        if at + 4 > len(payload):
            raise ValueError("a truncated key exchange offer")
        (size,) = struct.unpack_from(">I", payload, at)
        if at + 4 + size > len(payload):
            raise ValueError("a truncated key exchange offer")
        names = payload[at + 4 : at + 4 + size].decode("ascii", "replace")
        lists.append(tuple(inert(name, 64) for name in names.split(",") if name))
        at += 4 + size
    kex, host_keys, _ciphers_out, ciphers_in, _macs_out, macs_in, *_ = lists
    return Offers(kex=kex, host_keys=host_keys, ciphers=ciphers_in, macs=macs_in)
