"""No secret leaves this room but to the server it is for: not in errors, reprs, logs, nor back from an echo."""

from __future__ import annotations

import logging
import traceback
import xmlrpc.client
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from typing_extensions import override

from core import log
from core.errors import PoolwrightError
from core.platforms.oracle_vm.agent_rpc.client import AgentClient
from core.secrets import Secrets
from core.transports.base import Access, Endpoint
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from tests.transports.fakes import PASSWORD, http_answer, https_server, ssh_server, tls_context, trusting


def told(error: BaseException) -> str:
    """All that an error says of itself, our own part of the chain."""
    attributes = {name: value for name, value in vars(error).items() if name != "__notes__"}
    return f"{error} {error!r} {error.args} {attributes}"


async def raised(action: Callable[[], Awaitable[Any]]) -> str:
    with pytest.raises(PoolwrightError) as caught:
        await action()
    return told(caught.value)


async def ssh_errors(endpoint: Endpoint, access: Access) -> list[str]:
    async def login(at: Endpoint) -> None:
        async with open_ssh(at, user="root", access=access) as session:
            await session.run(f"hang --password={PASSWORD}", limit_s=0.1)

    bare = replace(access, trust=type(access.trust)(None))
    wrong = replace(access, secrets=access.secrets.with_("ssh", PASSWORD + "-wrong"))

    async def refused() -> None:
        async with open_ssh(endpoint, user="root", access=wrong):
            pass

    async def untrusted() -> None:
        async with open_ssh(endpoint, user="root", access=bare):
            pass

    changed = replace(endpoint, pinned="ab" * 32)
    gone = replace(endpoint, port=1, pinned="ab" * 32)
    actions = [refused, untrusted, lambda: login(changed), lambda: login(gone), lambda: login(endpoint)]
    return [await raised(action) for action in actions]


@pytest.mark.asyncio
async def test_no_secret_in_errors_reprs_or_logs(tmp_path: Path) -> None:
    path = tmp_path / "all.log"
    before = logging.raiseExceptions, logging.getLogger().level
    log.setup_logging(path, level="DEBUG")
    logging.getLogger("asyncssh").setLevel(logging.DEBUG)
    asyncssh.set_debug_level(2)
    try:
        async with ssh_server(methods=("password", "kbdint")) as (endpoint, record):
            access = await trusting(endpoint)
            log.guard(access.secrets)
            texts = [repr(access), str(access.secrets), *await ssh_errors(endpoint, access)]
            assert ("password", PASSWORD) in record.tries  # it was really used
    finally:
        asyncssh.set_debug_level(1)
        log.setup_logging(None)
        logging.raiseExceptions = before[0]
        logging.getLogger().setLevel(before[1])
    written = path.read_text()
    assert "asyncssh" in written
    for text in (*texts, written):
        assert PASSWORD not in text


ECHOES = [
    lambda request: http_answer(f"403 no {PASSWORD}", b""),
    lambda request: http_answer("500 " + request.decode("latin-1").split("Basic ")[1].split("\r\n")[0], b""),
    lambda request: request,
    lambda request: b"HTTP/1.0 200 OK\r\n" + request,
    lambda request: http_answer("200 OK", request),
    lambda request: http_answer(
        "200 OK", xmlrpc.client.dumps(xmlrpc.client.Fault(1, f"x:{PASSWORD}")).encode()
    ),
    lambda request: b"Basic " + request.split(b"Basic ")[1],
]


@pytest.mark.asyncio
@pytest.mark.parametrize("echo", ECHOES)
async def test_an_agent_that_echoes_us_gets_nothing_into_our_errors(
    tmp_path: Path, echo: Callable[[bytes], bytes]
) -> None:
    async with https_server(echo, tls_context(tmp_path, curve=True)) as (endpoint, record):
        access = await trusting(endpoint, limits=Limits(agent_read_s=2))
        client = AgentClient(endpoint, access)
        text = await raised(lambda: client.call("echo", "x"))
        token = record.received[-1].split(b"Basic ")[1].split(b"\r\n")[0].decode()
    assert PASSWORD not in text + repr(client)
    assert token not in text


@pytest.mark.asyncio
async def test_a_disconnect_that_echoes_the_password_is_masked() -> None:
    class Echo(asyncssh.SSHServer):
        @override
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self.conn = conn

        @override
        def begin_auth(self, username: str) -> bool:
            return True

        @override
        def password_auth_supported(self) -> bool:
            return True

        @override
        def validate_password(self, username: str, password: str) -> bool:
            raise asyncssh.DisconnectError(2, f"{username} said {password}")

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(Echo, "127.0.0.1", 0, server_host_keys=[key])
    endpoint = Endpoint("ovs01", "ssh", "203.0.113.1", "127.0.0.1", server.sockets[0].getsockname()[1], "ssh")
    access = await trusting(endpoint)

    async def login() -> None:
        async with open_ssh(endpoint, user="root", access=access):
            pass

    text = await raised(login)
    server.close()
    await server.wait_closed()
    assert "root said ********" in text
    assert PASSWORD not in text


def test_a_traceback_through_the_log_filter_is_clean() -> None:
    log.guard(Secrets({"ssh": PASSWORD}))
    with pytest.raises(ValueError, match=PASSWORD) as caught:
        raise ValueError(PASSWORD)
    record = logging.makeLogRecord({"msg": "failed", "exc_info": (caught.type, caught.value, caught.tb)})
    assert PASSWORD in "".join(traceback.format_exception(caught.value))
    log.RedactingFilter().filter(record)
    text = logging.Formatter().format(record)
    assert PASSWORD not in text
    assert "Traceback" in text
