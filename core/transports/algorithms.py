"""Which SSH algorithms are spoken: today's by default, obsolete ones only where the operator allows them. Pure.

Refused by default is what current OpenSSH clients refuse (9.2: SHA-1 in key exchange and signatures, DSA, CBC, RC4,
MD5 and truncated MACs); servers of Oracle VM's age may offer nothing else (manager-cli 1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

KEX = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
)
OLD_KEX = ("diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1")
CIPHERS = (
    "aes128-gcm@openssh.com",  # first: our library pays three cipher objects a packet for ChaCha20, one for GCM
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
OLD_CIPHERS = (
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
    "3des-cbc",
    "blowfish-cbc",
    "arcfour256",
    "arcfour128",
    "arcfour",
)
MACS = (
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1",
)
OLD_MACS = ("hmac-sha1-96", "hmac-md5", "hmac-md5-96")
# host key type -> signature algorithms that may prove it, best first
HOST_KEYS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
OLD_HOST_KEYS: dict[str, tuple[str, ...]] = {"ssh-rsa": ("ssh-rsa",), "ssh-dss": ("ssh-dss",)}


@dataclass(frozen=True, slots=True)
class Offers:
    """Algorithm lists of one side, by SSH's four words."""

    kex: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]


LABELS = {"host_keys": "host key", "kex": "key exchange", "ciphers": "cipher", "macs": "MAC"}
_AEAD = ("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com")


def key_types(allow_old: bool) -> tuple[str, ...]:
    """Host key types we can ask for."""
    return tuple(HOST_KEYS) + (("ssh-dss",) if allow_old else ())


def host_key_algorithms(allow_old: bool, prefer: tuple[str, ...] = (), only: bool = False) -> tuple[str, ...]:
    """Signature algorithms for host keys, those of the preferred key types first (or nothing else)."""
    wanted = [kind for kind in prefer if kind in key_types(allow_old)]
    kinds = wanted if only else [*wanted, *(kind for kind in key_types(allow_old) if kind not in wanted)]
    tables = (HOST_KEYS, OLD_HOST_KEYS) if allow_old else (HOST_KEYS,)
    return tuple(name for kind in kinds for table in tables for name in table.get(kind, ()))


def ours(allow_old: bool, prefer: tuple[str, ...] = (), only: bool = False) -> Offers:
    """What we offer; obsolete ones come last, so that they are used only when nothing better is common."""
    return Offers(
        kex=KEX + (OLD_KEX if allow_old else ()),
        host_keys=host_key_algorithms(allow_old, prefer, only),
        ciphers=CIPHERS + (OLD_CIPHERS if allow_old else ()),
        macs=MACS + (OLD_MACS if allow_old else ()),
    )


def chosen(mine: Offers, theirs: Offers) -> dict[str, str | None]:
    """What the two sides agree on per word (RFC 4253, 7.1: first of the client's); None = nothing in common."""
    found = {word: _first(getattr(mine, word), getattr(theirs, word)) for word in LABELS}
    if found["ciphers"] in _AEAD:
        found["macs"] = found["ciphers"]
    return found


def old_in_use(theirs: Offers, prefer: tuple[str, ...] = (), only: bool = False) -> list[str]:
    """Obsolete algorithms that a session with this server uses when they are allowed, each with its word."""
    old = {*OLD_KEX, *OLD_CIPHERS, *OLD_MACS, *(name for names in OLD_HOST_KEYS.values() for name in names)}
    agreed = chosen(ours(True, prefer, only), theirs)
    return [f"{LABELS[word]} {name}" for word, name in agreed.items() if name in old]


def missing(theirs: Offers) -> list[str]:
    """Words in which nothing of today's is offered, each with what is offered instead; empty when all is well."""
    agreed = chosen(ours(False), theirs)
    return [
        f"{LABELS[word]} {' '.join(_real(getattr(theirs, word))[:6]) or '(none)'}"
        for word, name in agreed.items()
        if name is None
    ]


def _real(names: tuple[str, ...]) -> list[str]:
    """Names of algorithms, without the marks that extensions hide among them (RFC 8308, strict kex)."""
    return [name for name in names if not name.startswith(("ext-info-", "kex-strict-"))]


def _first(mine: tuple[str, ...], theirs: tuple[str, ...]) -> str | None:
    return next((name for name in mine if name in theirs), None)
