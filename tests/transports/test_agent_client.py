"""The agent's client over real TLS: what it sends, what it refuses to send, and how answers are read."""

from __future__ import annotations

import asyncio
import base64
import xmlrpc.client
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadReply, CommandFailed, CommandTimeout, IdentityChanged, LoginRefused, SecretError
from core.platforms.oracle_vm.agent_rpc.client import READ_ONLY, AgentClient
from core.transports.base import Endpoint
from core.transports.limits import Limits
from tests.transports.fakes import (
    PASSWORD,
    HttpRecord,
    http_answer,
    https_server,
    tcp_server,
    tls_context,
    trusting,
)

TOKEN = base64.b64encode(f"oracle:{PASSWORD}".encode())
CHANGING = [
    "take_ownership",
    "release_ownership",
    "update_server_roles",
    "create_server_pool",
    "join_server_pool",
    "destroy_server_pool",
    "create_pool_filesystem",
    "destroy_pool_filesystem",
    "update_agent_password",
    "set_ntp",
    "set_datetime",
    "sys_reboot",
    "dispatch",
    "storage_plugin_mount",
    "start_vm",
    "sleep",
    "ovs_if_meta",
    "get_log",
    "system.listMethods",
]


def reply(value: Any) -> bytes:
    return http_answer("200 OK", xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode())


def fault(text: str) -> bytes:
    return http_answer("200 OK", xmlrpc.client.dumps(xmlrpc.client.Fault(1, text)).encode())


@asynccontextmanager
async def agent(
    answer: bytes | Callable[[bytes], bytes], folder: Path, limits: Limits | None = None, **secrets: str
) -> AsyncIterator[tuple[AgentClient, HttpRecord]]:
    async with https_server(answer, tls_context(folder, curve=True)) as (endpoint, record):
        access = await trusting(endpoint, limits=limits, **secrets)
        record.received.clear()
        yield AgentClient(endpoint, access), record


def methods(record: HttpRecord) -> list[str]:
    return [
        xmlrpc.client.loads(one.split(b"\r\n\r\n", 1)[1].decode())[1] or "" for one in record.received if one
    ]


@pytest.mark.asyncio
async def test_a_call_carries_its_login_unasked_and_its_arguments(tmp_path: Path) -> None:
    async with agent(reply("hello"), tmp_path) as (client, record):
        assert await client.call("echo", "hello") == "hello"
    (sent,) = [one for one in record.received if one]
    assert sent.startswith(b"POST /RPC2 HTTP/1.1\r\n")
    assert b"Authorization: Basic " + TOKEN in sent
    assert xmlrpc.client.loads(sent.split(b"\r\n\r\n", 1)[1].decode()) == (("hello",), "echo")


@pytest.mark.asyncio
@pytest.mark.parametrize("method", CHANGING)
async def test_no_call_that_changes_anything_leaves(tmp_path: Path, method: str) -> None:
    assert method not in READ_ONLY
    async with agent(reply(None), tmp_path) as (client, record):
        with pytest.raises(ValueError, match="only read"):
            await client.call(method)
    assert b"".join(record.received) == b""


@pytest.mark.asyncio
async def test_a_refused_password_is_sent_once_whatever_runs_at_the_same_time(tmp_path: Path) -> None:
    refusal = http_answer("403 Unauthorized access attempt from ('203.0.113.9', 4711)!", b"<html>")
    async with agent(refusal, tmp_path) as (client, record):
        results = await asyncio.gather(*(client.call("echo", "x") for _ in range(6)), return_exceptions=True)
    assert all(isinstance(one, LoginRefused) for one in results)
    assert "HTTP 403 Unauthorized access attempt" in str(results[0])
    assert "owns" in str(results[0])
    assert len([one for one in record.received if one]) == 1


@pytest.mark.asyncio
async def test_paths_are_tried_in_order_on_404_and_the_good_one_is_kept(tmp_path: Path) -> None:
    def answer(request: bytes) -> bytes:
        return reply(True) if request.startswith(b"POST /api/3/ ") else http_answer("404 Not Found", b"")

    async with agent(answer, tmp_path) as (client, record):
        assert await client.call("is_cluster_online") is True
        assert await client.call("is_cluster_online") is True
    paths = [one.split()[1] for one in record.received if one]
    assert paths == [b"/RPC2", b"/", b"/api/3/", b"/api/3/"]


@pytest.mark.asyncio
async def test_a_path_that_no_agent_has_is_a_bad_reply(tmp_path: Path) -> None:
    async with agent(http_answer("404 Not Found", b""), tmp_path) as (client, _):
        with pytest.raises(BadReply, match="HTTP 404"):
            await client.call("echo", "x")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exceptions.Exception:Invalid roles: set(['xen'])", "Invalid roles: set(['xen'])"),
        ("<type 'exceptions.OSError'>:\nname a -> 127.0.0.1", "name a -> 127.0.0.1"),
        ("<class 'agent.lib.LockError'>:Lock file x failed", "Lock file x failed"),
        ("just words", "just words"),
    ],
)  # fmt: skip
async def test_faults_of_both_spellings_keep_their_message(tmp_path: Path, text: str, message: str) -> None:
    async with agent(fault(text), tmp_path) as (client, _):
        with pytest.raises(CommandFailed) as failed:
            await client.call("discover_server")
    assert (failed.value.text, failed.value.command, failed.value.server) == (
        message,
        "discover_server",
        "ovs01",
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"<methodResponse/>", b"<methodResponse>" * 400, b"\xff\xfe\x00", b"<methodCall/>"],
)
async def test_unreadable_answers_are_bad_replies(tmp_path: Path, body: bytes) -> None:
    async with agent(http_answer("200 OK", body), tmp_path) as (client, _):
        with pytest.raises(BadReply, match="ovs01"):
            await client.call("echo", "x")


@pytest.mark.asyncio
async def test_documents_are_parsed_and_nil_is_nothing(tmp_path: Path) -> None:
    text = '<?xml version="1.0" ?><Discover_Server_Pool_Result></Discover_Server_Pool_Result>'
    async with agent(reply(text), tmp_path) as (client, _):
        assert (await client.document("discover_server_pool"))["in_pool"] is False
        with pytest.raises(BadReply, match="root"):
            await client.document("discover_server")
    async with agent(reply(None), tmp_path) as (client, _):
        assert await client.document("discover_server_pool") == {}
    async with agent(reply([1]), tmp_path) as (client, _):
        with pytest.raises(BadReply, match="no document"):
            await client.document("discover_server_pool")


@pytest.mark.asyncio
async def test_each_class_of_calls_has_its_own_limit(tmp_path: Path) -> None:
    async def slow(folder: Path, method: str, limits: Limits) -> float:
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with tcp_server(hang, tls_context(folder, curve=True)) as port:
            endpoint = Endpoint("ovs01", "agent", "203.0.113.11", "127.0.0.1", port, "tls")
            with pytest.raises(CommandTimeout) as late:
                await AgentClient(endpoint, await trusting(endpoint, limits=limits)).call(method)
        return late.value.limit_s

    limits = Limits(agent_read_s=0.1, agent_discover_s=0.2)
    assert await slow(tmp_path, "get_ntp", limits) == 0.1
    assert await slow(tmp_path, "discover_hardware", limits) == 0.2


@pytest.mark.asyncio
async def test_without_a_password_nothing_is_sent(tmp_path: Path) -> None:
    async with agent(reply(1), tmp_path, ssh="x") as (client, record):
        with pytest.raises(SecretError, match="no agent password"):
            await client.call("echo", "x")
    assert b"".join(record.received) == b""


@pytest.mark.asyncio
async def test_a_swapped_agent_gets_no_password(tmp_path: Path) -> None:
    async with https_server(reply(1), tls_context(tmp_path, curve=True)) as (endpoint, record):
        access = await trusting()
        swapped = replace(endpoint, pinned="ab" * 32)
        with pytest.raises(IdentityChanged):
            await AgentClient(swapped, access).call("echo", "x")
    assert b"".join(record.received) == b""
