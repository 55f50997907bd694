"""HTTPS with a pin: what is sent when, limits on what comes back, plain http only on demand."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadReply, CommandTimeout, ConnectFailed, ConnectTrouble, IdentityChanged, TrustError
from core.transports.base import Endpoint
from core.transports.certificates import fetch_shown_certificate
from core.transports.limits import Limits
from core.transports.tls import HttpsClient, fetch_certificate
from core.transports.tls_stream import read_certificate
from core.transports.trust import TrustState
from core.transports.wire import trouble_of
from tests.transports.fakes import (
    Handler,
    access_with,
    http_answer,
    https_server,
    tcp_server,
    tls_context,
    trusting,
)

SECRET = {"Authorization": "Basic Y2FuYXJ5"}


@pytest.mark.asyncio
@pytest.mark.parametrize("curve", [False, True])
async def test_a_pinned_server_answers(tmp_path: Path, *, curve: bool) -> None:
    async with https_server(http_answer("200 OK", b"hello"), tls_context(tmp_path, curve=curve)) as (
        endpoint,
        record,
    ):
        client = HttpsClient(endpoint, await trusting(endpoint))
        await client.request("POST", "/RPC2", headers=SECRET, body=b"<x/>", limit_s=30)
        reply = await client.request("POST", "/RPC2", headers=SECRET, body=b"<x/>", limit_s=30)
        assert (reply.status, reply.reason, reply.body) == (200, "OK", b"hello")
        assert reply.headers["content-type"] == "text/xml"
        assert client.warnings == ()
    asked = [one for one in record.received if one]
    assert len(asked) == 2  # a new connection for each
    assert asked[0].startswith(b"POST /RPC2 HTTP/1.1\r\n")
    assert b"Content-Length: 4" in asked[0]
    assert asked[0].endswith(b"\r\n\r\n<x/>")


@pytest.mark.asyncio
async def test_fetching_the_certificate_sends_no_byte_of_http(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b""), tls_context(tmp_path)) as (endpoint, record):
        seen = await fetch_certificate(endpoint, Limits())
    assert (seen.state, seen.algorithm) == (TrustState.NEW, "x509 RSA 2048")
    assert seen.fingerprint.startswith("SHA256:")
    assert "BEGIN CERTIFICATE" in seen.material
    assert b"".join(record.received) == b""


@pytest.mark.asyncio
async def test_an_unknown_or_swapped_certificate_receives_no_byte(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b""), tls_context(tmp_path)) as (first, _):
        access = await trusting(first)
        pinned = access.trust.lookup(first)
    async with https_server(http_answer("200 OK", b""), tls_context(tmp_path)) as (second, record):
        with pytest.raises(IdentityChanged) as changed:
            await HttpsClient(replace(second, pinned=pinned), access).request(
                "POST", "/", headers=SECRET, limit_s=30
            )
        with pytest.raises(TrustError, match="not confirmed"):
            await HttpsClient(second, access_with()).request("POST", "/", headers=SECRET, limit_s=30)
    assert changed.value.pinned == pinned
    assert b"".join(record.received) == b""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http_answer("200 OK", b"x" * 5000), BadReply),
        (http_answer("200 OK", b"x" * 5000, length=False), BadReply),
        (http_answer("200 OK", b"", extra="X: " + "y" * 100_000 + "\r\n"), BadReply),
        (b"SSH-2.0-OpenSSH\r\n\r\n", BadReply),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", BadReply),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, BadReply),
        (b"", ConnectFailed),
        (b"\x00" * 300, BadReply),
    ],
)
async def test_bad_answers_are_errors_with_the_server_s_name(
    tmp_path: Path, answer: bytes, error: type[Exception]
) -> None:
    async with https_server(answer, tls_context(tmp_path, curve=True)) as (endpoint, _):
        client = HttpsClient(endpoint, await trusting(endpoint, limits=Limits(reply_max_bytes=4096)))
        with pytest.raises(error, match="ovs01"):
            await client.request("GET", "/", headers={}, limit_s=30)


@pytest.mark.asyncio
async def test_reason_text_is_inert(tmp_path: Path) -> None:
    reason = "Unauthorized access attempt from ('203.0.113.9', 1)!"
    async with https_server(http_answer(f"403 {reason}", b"<html>"), tls_context(tmp_path, curve=True)) as (
        endpoint,
        _,
    ):
        reply = await HttpsClient(endpoint, await trusting(endpoint)).request(
            "POST", "/", headers={}, limit_s=30
        )
    assert (reply.status, reply.reason) == (403, reason)


@pytest.mark.asyncio
async def test_a_body_without_a_length_ends_with_the_connection(tmp_path: Path) -> None:
    async with https_server(http_answer("200 OK", b"all of it", length=False), tls_context(tmp_path)) as (
        endpoint,
        _,
    ):
        reply = await HttpsClient(endpoint, await trusting(endpoint)).request(
            "GET", "/", headers={}, limit_s=30
        )
    assert reply.body == b"all of it"


@pytest.mark.asyncio
async def test_a_dripping_answer_ends_at_the_limit(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with tcp_server(drip, tls_context(tmp_path, curve=True)) as port:
        endpoint = Endpoint("ovs01", "agent", "203.0.113.11", "127.0.0.1", port, "tls")
        client = HttpsClient(endpoint, await trusting(endpoint))
        with pytest.raises(CommandTimeout, match=r"no answer within 0\.3 s"):
            await client.request("POST", "/", headers={}, limit_s=0.3)


@pytest.mark.asyncio
async def test_plain_http_only_where_the_endpoint_says_so_and_loudly() -> None:
    async with https_server(http_answer("200 OK", b"hi"), None) as (endpoint, record):
        client = HttpsClient(endpoint, access_with())
        reply = await client.request("POST", "/", headers={}, body=b"q", limit_s=30)
        assert reply.body == b"hi"
        assert "PLAIN HTTP" in client.warnings[0]
        as_tls = replace(endpoint, kind="tls")
        seen = await fetch_certificate(as_tls, Limits(connect_s=0.3))
        assert seen.state is TrustState.UNREACHABLE
    assert all(b"Authorization" not in one for one in record.received)


@pytest.mark.asyncio
async def test_an_answer_in_plain_http_to_a_handshake_is_explained() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http_answer("400 Bad request", b""))
        await writer.drain()

    async with tcp_server(plain) as port:
        endpoint = Endpoint("ovs01", "agent", "203.0.113.11", "127.0.0.1", port, "tls")
        seen = await fetch_certificate(endpoint, Limits())
    assert "does not speak TLS" in seen.reason
    assert "ssl=enable" in seen.reason


@given(st.binary(max_size=300))
def test_no_certificate_breaks_the_reading(der: bytes) -> None:
    found = read_certificate(der)
    assert found.shown.fingerprint.startswith("SHA256:")
    assert found.is_weak


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


async def _stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass


async def _speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await _stay_silent(reader, writer)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("handler", "trouble"),
    [
        (_hang_up, ConnectTrouble.HUNG_UP),
        (_stay_silent, ConnectTrouble.SILENT),
        (_speak_http, ConnectTrouble.NO_TLS),
    ],
)
async def test_what_was_seen_of_a_failed_connection_is_told_as_data(
    handler: Handler, trouble: ConnectTrouble
) -> None:
    async with tcp_server(handler) as port:
        endpoint = Endpoint("s1", "agent", "203.0.113.11", "127.0.0.1", port, "tls")
        with pytest.raises(ConnectFailed) as failed:
            await fetch_shown_certificate(endpoint, Limits(connect_s=1.0))
    assert failed.value.trouble is trouble


@pytest.mark.asyncio
async def test_a_closed_port_is_one_on_which_nobody_listens() -> None:
    async with tcp_server(_hang_up) as port:
        pass
    endpoint = Endpoint("s1", "agent", "203.0.113.11", "127.0.0.1", port, "tls")
    with pytest.raises(ConnectFailed) as failed:
        await fetch_shown_certificate(endpoint, Limits())
    assert failed.value.trouble is ConnectTrouble.NOBODY_LISTENS


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (socket.gaierror(-2, "Name or service not known"), ConnectTrouble.NO_NAME),
        (TimeoutError(), ConnectTrouble.NO_ANSWER),
        (OSError(errno.EHOSTUNREACH, "No route to host"), ConnectTrouble.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), ConnectTrouble.NO_ROUTE),
        (ConnectionResetError(), ConnectTrouble.HUNG_UP),
        (ssl.SSLError(1, "handshake failure"), ConnectTrouble.HANDSHAKE),
        (OSError(errno.EMFILE, "Too many open files"), ConnectTrouble.OWN_LIMIT),
        (
            asyncssh.ChannelOpenError(2, "Connection refused"),
            ConnectTrouble.OTHER,
        ),  # the jump host's words only
    ],
)
def test_the_type_of_an_error_says_what_was_seen(error: Exception, trouble: ConnectTrouble) -> None:
    assert trouble_of(error) is trouble
