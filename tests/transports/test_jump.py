"""The jump host: every plane through one connection, dead servers behind it cost nobody anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest
from typing_extensions import override

from core.errors import ConnectFailed, IdentityChanged, LoginRefused, TrustError
from core.models.spec import JumpHost
from core.transports.base import Access, Endpoint
from core.transports.jump import Jump, jump_endpoint, open_jump
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from core.transports.tls import HttpsClient
from core.transports.trust import TrustState, see
from tests.transports.fakes import (
    PASSWORD,
    FakeServer,
    SshRecord,
    access_with,
    http_answer,
    https_server,
    ssh_server,
    tls_context,
)


class Forwarding(FakeServer):
    """A jump host; port 1 is a machine that never answers, the rest is really connected to."""

    asked: ClassVar[list[tuple[str, int]]]
    now: ClassVar[int] = 0
    most: ClassVar[int] = 0

    @override
    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        type(self).asked.append((dest_host, dest_port))
        return self._never() if dest_port == 1 else True

    async def _never(self) -> bool:
        cls = type(self)
        cls.now += 1
        cls.most = max(cls.most, cls.now)
        try:
            await asyncio.sleep(600)
        finally:
            cls.now -= 1
        return False


@asynccontextmanager
async def jump_host() -> AsyncIterator[tuple[JumpHost, SshRecord, type[Forwarding]]]:
    record = SshRecord()

    class One(Forwarding):
        asked: ClassVar[list[tuple[str, int]]] = []

    server = await asyncssh.create_server(
        lambda: One(record, ("password",)),
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
    )
    try:
        yield JumpHost(host="127.0.0.1", port=server.sockets[0].getsockname()[1], user="ops"), record, One
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def through(spec: JumpHost, access: Access) -> AsyncIterator[Jump]:
    access.trust.add(await see([jump_endpoint(spec)], access))
    async with open_jump(spec, access) as jump:
        assert jump is not None
        yield jump


@pytest.mark.asyncio
async def test_no_jump_host_is_no_jump() -> None:
    async with open_jump(None, access_with()) as jump:
        assert jump is None


@pytest.mark.asyncio
async def test_all_planes_go_through_one_login(tmp_path: Path) -> None:
    access = access_with()
    async with (
        jump_host() as (spec, record, forwarding),
        ssh_server() as (dom0, _),
        ssh_server() as (manager, _),
        https_server(http_answer("200 OK", b"deep"), tls_context(tmp_path)) as (agent, _),
        through(spec, access) as jump,
    ):
        identities = await see([dom0, manager, agent], access, jump)
        assert [one.state for one in identities] == [TrustState.NEW] * 3
        access.trust.add(identities)
        async with open_ssh(dom0, user="root", access=access, jump=jump) as session:
            assert (await session.run("uname", limit_s=30)).stdout == "uname"
        async with (
            open_ssh(manager, user="admin", access=access, jump=jump) as session,
            session.shell() as shell,
        ):
            assert await shell.read(5) == "OVM> "
        reply = await HttpsClient(agent, access, jump).request("POST", "/", headers={}, limit_s=30)
        assert reply.body == b"deep"
        assert record.logins == 1
        assert {port for _, port in forwarding.asked} == {dom0.port, manager.port, agent.port}


@pytest.mark.asyncio
async def test_dead_servers_behind_it_delay_none_and_leave_nothing_open() -> None:
    access = access_with(Limits(connect_s=2.0, logins_through_jump=3))
    async with jump_host() as (spec, _, forwarding), ssh_server() as (good, _), through(spec, access) as jump:
        dead = [Endpoint(f"dead{i}", plane, "203.0.113.9", "127.0.0.1", 1, kind)
                for i in range(3) for plane, kind in (("ssh", "ssh"), ("agent", "tls"))]  # fmt: skip
        seen = await see([*dead, good], access, jump)
        assert [one.state for one in seen] == [TrustState.UNREACHABLE] * 6 + [TrustState.NEW]
        assert "no answer in time" in seen[0].reason
        assert not jump.session.is_closed  # shared by all: one dead server must not cut it
        assert forwarding.most >= 3
        assert len(jump.tunnel.late) == 6


@pytest.mark.asyncio
async def test_a_channel_that_opens_after_we_gave_up_is_closed() -> None:
    gate = asyncio.Event()
    arrived = asyncio.Event()

    class Slow(FakeServer):
        @override
        async def connection_requested(
            self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
        ) -> Any:
            arrived.set()
            await gate.wait()
            return True

    record = SshRecord()
    server = await asyncssh.create_server(
        lambda: Slow(record, ("password",)),
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
    )
    spec = JumpHost(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    access = access_with(Limits(connect_s=2.0))
    async with ssh_server() as (good, seen), through(spec, access) as jump:
        (one,) = await see([good], access, jump)
        assert one.state is TrustState.UNREACHABLE
        gate.set()
        connection = jump.session.connection
        async with asyncio.timeout(240):
            while connection._channels or jump.tunnel.late:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
        assert arrived.is_set()
        assert seen.tries == []
    server.close()
    await server.wait_closed()


@pytest.mark.asyncio
async def test_an_unknown_or_changed_jump_host_gets_no_password() -> None:
    async with jump_host() as (spec, record, _):
        for given, error in (
            (spec, TrustError),
            (spec.model_copy(update={"fingerprint": "a" * 64}), IdentityChanged),
        ):
            with pytest.raises(error):
                async with open_jump(given, access_with()):
                    pass
        assert record.tries == []


@pytest.mark.asyncio
async def test_a_refused_jump_login_is_told_as_such() -> None:
    async with jump_host() as (spec, record, _):
        access = access_with(jump="wrong-one")
        with pytest.raises(LoginRefused, match="jump"):
            async with through(spec, access):
                pass
        assert record.tries == [("password", "wrong-one")]


@pytest.mark.asyncio
async def test_losing_the_jump_host_is_connect_failed_for_all_behind_it(tmp_path: Path) -> None:
    access = access_with()
    async with (
        jump_host() as (spec, _, _),
        ssh_server() as (dom0, record),
        https_server(http_answer("200 OK", b""), tls_context(tmp_path)) as (agent, _),
        through(spec, access) as jump,
    ):
        access.trust.add(await see([dom0, agent], access, jump))
        async with open_ssh(dom0, user="root", access=access, jump=jump) as session:
            task = asyncio.create_task(session.run("hang", limit_s=30))
            while record.commands != ["hang"]:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.01)
            jump.session.connection.abort()
            with pytest.raises(ConnectFailed):
                await task
        with pytest.raises(ConnectFailed):
            await HttpsClient(agent, access, jump).request("POST", "/", headers={}, limit_s=30)
        assert [one.state for one in await see([dom0, agent], access, jump)] == [TrustState.UNREACHABLE] * 2


@pytest.mark.asyncio
async def test_a_refused_port_behind_the_jump_host_names_the_server() -> None:
    async with ssh_server() as (gone, _):
        pass
    access = access_with()
    async with jump_host() as (spec, _, _), through(spec, access) as jump:
        (seen,) = await see([gone], access, jump)
    assert seen.state is TrustState.UNREACHABLE
    assert seen.reason.startswith("cannot connect to ovs01 (ssh")
    assert PASSWORD not in seen.reason
