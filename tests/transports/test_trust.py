"""The trust table: what is known, new, changed; where pins come from; what a changed one stops."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IdentityChanged, TrustError
from core.transports.base import Endpoint
from core.transports.fingerprints import fingerprint_of, normal_fingerprint
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from core.transports.trust import Identity, TrustState, TrustStore, see
from tests.transports.fakes import (
    PASSWORD,
    access_with,
    http_answer,
    https_server,
    ssh_server,
    tcp_server,
    tls_context,
)

ED = asyncssh.generate_private_key("ssh-ed25519")
OTHER = asyncssh.generate_private_key("ssh-ed25519")
ECDSA = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
ENDPOINT = Endpoint("ovs01", "ssh", "203.0.113.11", "203.0.113.11", 22, "ssh")


def line_of(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def print_of(key: asyncssh.SSHKey) -> str:
    return fingerprint_of(key.public_data)


def identity(endpoint: Endpoint, key: asyncssh.SSHKey, state: TrustState = TrustState.NEW) -> Identity:
    return Identity(endpoint, state, print_of(key), "ssh-ed25519", line_of(key))


@given(st.binary(min_size=32, max_size=32))
def test_every_spelling_of_a_fingerprint_is_the_same(digest: bytes) -> None:
    import base64

    normal = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    colons = ":".join(f"{byte:02X}" for byte in digest)
    for text in (
        normal,
        normal + "=",
        digest.hex(),
        colons,
        f"SHA256:{colons}",
        f"sha256 Fingerprint={colons}",
    ):
        assert normal_fingerprint(text) == normal


@pytest.mark.parametrize(
    "text", ["", "SHA256:", "MD5:aa:bb", "abcd", "SHA256:!!!", "z" * 64, "SHA256:" + "A" * 42]
)
def test_what_is_no_fingerprint_is_none(text: str) -> None:
    assert normal_fingerprint(text) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_fingerprints(text: str) -> None:
    assert normal_fingerprint(text) is None or len(normal_fingerprint(text) or "") == 50


def test_fingerprints_agree_with_openssh() -> None:
    assert print_of(ED) == ED.get_fingerprint("sha256")


def test_pins_survive_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "pins.json"
    TrustStore(path).add([identity(ENDPOINT, ED)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TrustStore(path).lookup(ENDPOINT) == print_of(ED)
    assert [name for name in path.parent.iterdir() if name.suffix not in (".json", ".lock")] == []


def test_two_stores_on_one_file_keep_each_other_s_pins(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    one, two = TrustStore(path), TrustStore(path)
    one.add([identity(ENDPOINT, ED)])
    two.add([identity(replace(ENDPOINT, plane="agent"), OTHER)])
    assert len(json.loads(path.read_text())["pins"]) == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 9, "pins": {}}', '{"version": 1, "pins": {"a": 1}}']
)
def test_a_broken_pin_file_stops_with_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pins.json"
    path.write_text(content)
    with pytest.raises(TrustError, match="cannot read the pins"):
        TrustStore(path)


def test_add_refuses_a_changed_one_and_pins_nothing_of_the_lot(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "pins.json")
    store.add([identity(ENDPOINT, ED)])
    second = replace(ENDPOINT, server="ovs02", address="203.0.113.12")
    with pytest.raises(IdentityChanged) as changed:
        store.add([identity(second, OTHER), identity(ENDPOINT, OTHER, TrustState.CHANGED)])
    assert (changed.value.pinned, changed.value.seen) == (print_of(ED), print_of(OTHER))
    assert store.lookup(second) is None


def test_a_changed_one_told_to_be_new_is_still_refused() -> None:
    store = TrustStore(None)
    store.add([identity(ENDPOINT, ED)])
    with pytest.raises(IdentityChanged):
        store.add([identity(ENDPOINT, OTHER, TrustState.NEW)])


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("port", [22, 2222])
def test_known_hosts_plain_and_hashed(tmp_path: Path, *, hashed: bool, port: int) -> None:
    endpoint = replace(ENDPOINT, port=port)
    name = "203.0.113.11" if port == 22 else "[203.0.113.11]:2222"
    entry = _hashed(name) if hashed else f"{name},other"
    path = tmp_path / "known_hosts"
    path.write_text(f"# a comment\nnonsense\n@odd x y\n{entry} {line_of(ED)}\n")
    store = TrustStore(None, path)
    assert store.lookup(endpoint) == print_of(ED)
    assert store.lookup(replace(endpoint, address="203.0.113.99", host="203.0.113.99")) is None
    assert store.lookup(replace(endpoint, kind="tls")) is None


def _hashed(name: str) -> str:
    import base64
    import hmac

    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), "sha1").digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def test_the_key_of_port_22_does_not_contradict_another_port(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"203.0.113.11 {line_of(ED)}\n")
    store = TrustStore(None, path)
    manager = replace(ENDPOINT, plane="manager", port=10000)
    assert store.judge(manager, _shown(OTHER)).state is TrustState.NEW
    assert store.judge(manager, _shown(ED)).state is TrustState.KNOWN
    assert store.judge(ENDPOINT, _shown(OTHER)).state is TrustState.CHANGED


def test_a_revoked_key_is_never_known(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"203.0.113.11 {line_of(ED)}\n@revoked * {line_of(ED)}\n")
    store = TrustStore(None, path)
    assert store.judge(ENDPOINT, _shown(ED)).state is TrustState.CHANGED
    assert store.judge(replace(ENDPOINT, pinned=print_of(ED)), _shown(ED)).state is TrustState.CHANGED


def test_the_spec_comes_before_everything_else() -> None:
    store = TrustStore(None)
    store.add([identity(ENDPOINT, ED)])
    given_hex = replace(ENDPOINT, pinned=OTHER.get_fingerprint("sha256"))
    assert store.judge(given_hex, _shown(OTHER)).origin == "spec"
    assert store.judge(given_hex, _shown(ED)).state is TrustState.CHANGED
    with pytest.raises(TrustError, match="cannot read the fingerprint"):
        store.judge(replace(ENDPOINT, pinned="MD5:00"), _shown(ED))


def _shown(key: asyncssh.SSHKey):  # type: ignore[no-untyped-def]
    from core.transports.ssh_probe import shown_key

    return shown_key(key)


@pytest.mark.asyncio
async def test_new_then_known_then_changed() -> None:
    async with ssh_server(ED) as (endpoint, _):
        access = access_with()
        (first,) = await see([endpoint], access)
        access.trust.add([first])
        (second,) = await see([endpoint], access)
    assert (first.state, first.fingerprint, first.material) == (TrustState.NEW, print_of(ED), line_of(ED))
    assert (second.state, second.origin) == (TrustState.KNOWN, "pin")
    async with ssh_server(OTHER) as (now, _):
        (third,) = await see([replace(now, pinned=print_of(ED))], access)
    assert (third.state, third.pinned, third.fingerprint) == (
        TrustState.CHANGED,
        print_of(ED),
        print_of(OTHER),
    )


@pytest.mark.asyncio
async def test_known_hosts_of_another_type_makes_us_ask_for_that_type(tmp_path: Path) -> None:
    """The server has ed25519 too, which would be negotiated first: it must not look changed."""
    async with ssh_server(ED, ECDSA) as (endpoint, _):
        path = tmp_path / "known_hosts"
        path.write_text(f"[127.0.0.1]:{endpoint.port} {line_of(ECDSA)}\n")
        access = access_with(trust=TrustStore(None, path))
        (seen,) = await see([endpoint], access)
        assert (seen.state, seen.origin, seen.algorithm) == (
            TrustState.KNOWN,
            "known_hosts",
            "ecdsa-sha2-nistp256",
        )
        async with open_ssh(endpoint, user="root", access=access) as session:
            assert (await session.run("hi", limit_s=30)).stdout == "hi"


@pytest.mark.asyncio
async def test_a_bare_fingerprint_of_any_type_is_found() -> None:
    async with ssh_server(ED, ECDSA) as (endpoint, record):
        pinned = replace(endpoint, pinned=print_of(ECDSA))
        access = access_with()
        async with open_ssh(pinned, user="root", access=access):
            pass
        assert record.tries == [("password", PASSWORD)]
        (seen,) = await see([pinned], access)
        assert seen.state is TrustState.KNOWN


@pytest.mark.asyncio
async def test_a_swapped_host_key_receives_no_secret() -> None:
    async with ssh_server(OTHER) as (endpoint, record):
        with pytest.raises(IdentityChanged):
            async with open_ssh(replace(endpoint, pinned=print_of(ED)), user="root", access=access_with()):
                pass
        with pytest.raises(TrustError):
            async with open_ssh(endpoint, user="root", access=access_with()):
                pass
    assert record.tries == []


@pytest.mark.asyncio
async def test_a_revoked_host_key_receives_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"* {line_of(ED)}\n@revoked * {line_of(ED)}\n")
    async with ssh_server(ED) as (endpoint, record):
        with pytest.raises(TrustError):
            async with open_ssh(endpoint, user="root", access=access_with(trust=TrustStore(None, path))):
                pass
    assert record.tries == []


@pytest.mark.asyncio
async def test_one_dead_server_delays_none(tmp_path: Path) -> None:
    waiting, most = set(), 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        waiting.add(writer)
        most = max(most, len(waiting))
        await reader.read()
        waiting.discard(writer)

    limits = Limits(connect_s=3.0)
    async with (
        ssh_server(ED) as (good, _),
        https_server(http_answer("200 OK", b""), tls_context(tmp_path)) as (agent, _),
        tcp_server(silent) as port,
    ):
        dead = [replace(good, server=f"dead{i}", port=port) for i in range(10)]
        seen = await see([*dead, good, agent], access_with(limits))
    assert [one.state for one in seen] == [TrustState.UNREACHABLE] * 10 + [TrustState.NEW] * 2
    assert [one.endpoint.server for one in seen] == [f"dead{i}" for i in range(10)] + ["ovs01"] * 2
    assert "no answer in time" in seen[0].reason
    assert most == 10  # all were waited for at once


@pytest.mark.asyncio
async def test_at_most_as_many_at_once_as_the_limit_says() -> None:
    now = most = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await reader.read()
        now -= 1

    async with tcp_server(count) as port:
        endpoints = [Endpoint(f"s{i}", "ssh", "203.0.113.1", "127.0.0.1", port, "ssh") for i in range(12)]
        await see(endpoints, access_with(Limits(connect_s=0.5, logins_at_once=4)))
    assert most == 4


@pytest.mark.asyncio
async def test_plain_http_says_loudly_that_nothing_is_proven() -> None:
    (seen,) = await see([Endpoint("ovs01", "agent", "203.0.113.1", "127.0.0.1", 9, "http")], access_with())
    assert (seen.algorithm, seen.fingerprint) == ("none", "")
    assert "nothing proves" in seen.reason


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "garbage", [b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 64, b"HTTP/1.0 400\r\n\r\n", b"\0" * 9000]
)
async def test_hostile_greetings_are_reasons_not_crashes(garbage: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        await writer.drain()

    async with tcp_server(greet) as port:
        ssh = Endpoint("ovs01", "ssh", "203.0.113.1", "127.0.0.1", port, "ssh")
        tls = replace(ssh, plane="agent", kind="tls")
        seen = await see([ssh, tls], access_with(Limits(connect_s=2)))
    assert [one.state for one in seen] == [TrustState.UNREACHABLE] * 2
    assert all(one.reason.startswith("cannot connect to ovs01") for one in seen)
