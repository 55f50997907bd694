"""Servers that speak obsolete cryptography and nothing else: refused in clear words, usable by explicit setting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import OldCryptoNeeded
from core.text import is_inert
from core.transports.algorithms import Offers, host_key_algorithms, missing, old_in_use
from core.transports.base import Endpoint
from core.transports.ssh import open_ssh
from core.transports.ssh_probe import parse_kexinit
from core.transports.tls import HttpsClient, fetch_certificate
from core.transports.trust import TrustState, see
from tests.transports.fakes import (
    OLD_SSH,
    access_with,
    http_answer,
    https_server,
    ssh_server,
    tls_context,
    trusting,
)


def allowing(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, allow_old_crypto=True)


@pytest.mark.asyncio
async def test_old_ssh_is_refused_with_what_it_offers_and_the_setting() -> None:
    key = asyncssh.generate_private_key("ssh-dss")
    async with ssh_server(key, **OLD_SSH) as (endpoint, record):
        access = access_with()
        (seen,) = await see([endpoint], access)
        assert seen.state is TrustState.UNREACHABLE
        with pytest.raises(OldCryptoNeeded) as refused:
            async with open_ssh(replace(endpoint, pinned="SHA256:" + "A" * 43), user="root", access=access):
                pass
    for text in (seen.reason, str(refused.value)):
        for word in ("ssh-dss", "diffie-hellman-group1-sha1", "aes128-cbc", "allow_old_crypto: [ssh]"):
            assert word in text
    assert record.tries == []
    assert "kex-strict" not in seen.reason


@pytest.mark.asyncio
async def test_old_ssh_works_with_the_setting_and_warns_by_name() -> None:
    key = asyncssh.generate_private_key("ssh-dss")
    async with ssh_server(key, **OLD_SSH) as (endpoint, _):
        old = allowing(endpoint)
        access = access_with()
        identities = await see([old], access)
        assert (identities[0].state, identities[0].algorithm) == (TrustState.NEW, "ssh-dss")
        access.trust.add(identities)
        async with open_ssh(old, user="root", access=access) as session:
            assert (await session.run(["echo", "hi"], limit_s=10)).stdout == "echo hi"
            (warning,) = session.warnings
    for word in ("ovs01 (ssh)", "ssh-dss", "diffie-hellman-group1-sha1", "aes128-cbc"):
        assert word in warning
    assert "hmac" not in warning  # HMAC-SHA1 is not among the obsolete ones


def offers(**lists: str) -> Offers:
    today = {
        "kex": "curve25519-sha256",
        "host_keys": "ssh-ed25519",
        "ciphers": "aes128-ctr",
        "macs": "hmac-sha1",
    }
    return Offers(**{word: tuple(names.split()) for word, names in {**today, **lists}.items()})


@pytest.mark.parametrize(
    ("theirs", "lacks", "uses"),
    [
        (offers(), [], []),
        (offers(host_keys="ssh-rsa ssh-dss"), ["host key ssh-rsa ssh-dss"], ["host key ssh-rsa"]),
        (offers(host_keys="ssh-rsa rsa-sha2-256"), [], []),
        (
            offers(kex="diffie-hellman-group14-sha1 diffie-hellman-group1-sha1"),
            ["key exchange diffie-hellman-group14-sha1 diffie-hellman-group1-sha1"],
            ["key exchange diffie-hellman-group14-sha1"],
        ),
        (offers(ciphers="aes128-cbc arcfour"), ["cipher aes128-cbc arcfour"], ["cipher aes128-cbc"]),
        (offers(ciphers="aes128-gcm@openssh.com", macs="hmac-md5"), [], []),
        (offers(macs="hmac-md5"), ["MAC hmac-md5"], ["MAC hmac-md5"]),
        (offers(macs=""), ["MAC (none)"], []),
    ],
)
def test_what_is_missing_and_what_old_would_be_used(
    theirs: Offers, lacks: list[str], uses: list[str]
) -> None:
    assert missing(theirs) == lacks
    assert old_in_use(theirs) == uses


def test_a_pinned_old_key_type_is_asked_for_first_only_where_old_is_allowed() -> None:
    assert host_key_algorithms(True, ("ssh-dss",))[0] == "ssh-dss"
    assert "ssh-dss" not in host_key_algorithms(False, ("ssh-dss",))
    assert host_key_algorithms(False, ("ssh-rsa",), True) == ("rsa-sha2-512", "rsa-sha2-256")


@given(st.binary(max_size=400))
def test_no_greeting_breaks_the_reading_of_offers(payload: bytes) -> None:
    for data in (payload, b"\x14" + payload):
        try:
            found = parse_kexinit(data)
        except ValueError:
            continue
        assert all(is_inert(name) for names in (found.kex, found.host_keys) for name in names)


@pytest.mark.asyncio
async def test_tls_1_0_with_a_1024_bit_key_is_refused_by_default(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b"x"), tls_context(tmp_path, bits=1024, old=True)) as (
        endpoint,
        record,
    ):
        access = access_with()
        seen = await fetch_certificate(endpoint, access.limits)
        assert seen.state is TrustState.UNREACHABLE
        with pytest.raises(OldCryptoNeeded) as refused:
            await HttpsClient(endpoint, access).request("POST", "/", headers={}, body=b"secret", limit_s=30)
    for text in (seen.reason, str(refused.value)):
        for word in ("TLS 1.0", "x509 RSA 1024", "allow_old_crypto: [agent]"):
            assert word in text
    assert b"".join(record.received) == b""


@pytest.mark.asyncio
async def test_tls_1_0_works_with_the_setting_and_warns_by_name(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b"hi"), tls_context(tmp_path, bits=1024, old=True)) as (
        endpoint,
        _,
    ):
        old = allowing(endpoint)
        client = HttpsClient(old, await trusting(old))
        reply = await client.request("POST", "/", headers={}, body=b"x", limit_s=30)
        (warning,) = client.warnings
    assert (reply.status, reply.body) == (200, b"hi")
    for word in ("ovs01 (agent)", "TLS 1.0", "x509 RSA 1024", "SHA"):
        assert word in warning


@pytest.mark.asyncio
async def test_a_short_key_alone_needs_the_setting(tmp_path: Path) -> None:
    """TLS 1.3 with a 1024-bit certificate: OpenSSL itself would not object to a key it does not verify."""
    async with https_server(http_answer("200 OK", b""), tls_context(tmp_path, bits=1024)) as (endpoint, _):
        seen = await fetch_certificate(endpoint, access_with().limits)
        allowed = await fetch_certificate(allowing(endpoint), access_with().limits)
    assert "x509 RSA 1024" in seen.reason
    assert allowed.algorithm == "x509 RSA 1024"


@pytest.mark.asyncio
async def test_today_s_servers_warn_of_nothing_even_when_old_is_allowed(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b""), tls_context(tmp_path, curve=True)) as (endpoint, _):
        client = HttpsClient(allowing(endpoint), await trusting(endpoint))
        await client.request("GET", "/", headers={}, limit_s=30)
        assert client.warnings == ()
