"""Faults and idle limits of the Manager's sessions, seen by an asyncssh client on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from core.lab.manager import ManagerServer
from core.lab.manager.faults import FAULT_HOOKS
from core.lab.world import World
from tests.lab.manager.support import AGENT_PASSWORD, MANAGER_PASSWORD, make_world

pytestmark = pytest.mark.asyncio
DISCOVER = f"discoverServer ipAddress=203.0.113.1 password={AGENT_PASSWORD} takeOwnership=Yes"
Start = Callable[[World], Any]


class Talk:
    """A shell without a terminal."""

    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self.process = process

    async def ask(self, line: str) -> str:
        self.process.stdin.write(f"{line}\r")
        return await self.read()

    async def read(self) -> str:
        return str(await self.process.stdout.readuntil("OVM> ")).replace("\r", "")

    async def rest(self) -> str:
        """Everything until the connection ends."""
        try:
            return str(await self.process.stdout.read())
        except asyncssh.Error:
            return ""


def connect(manager: ManagerServer) -> AbstractAsyncContextManager[asyncssh.SSHClientConnection]:
    """Log in with the password and nothing of the developer's; the host key is checked."""
    assert manager.host_key is not None
    connecting: AbstractAsyncContextManager[asyncssh.SSHClientConnection] = asyncssh.connect(
        "127.0.0.1",
        manager.port,
        username="admin",
        password=MANAGER_PASSWORD,
        known_hosts=([manager.host_key.convert_to_public()], [], []),
        config=None,
        client_keys=None,
        agent_path=None,
    )
    return connecting


@pytest_asyncio.fixture
async def shell() -> AsyncIterator[Callable[[World], AbstractAsyncContextManager[Talk]]]:
    @asynccontextmanager
    async def make(world: World) -> AsyncIterator[Talk]:
        async with ManagerServer() as manager:
            await manager.start(world)
            async with connect(manager) as connection, connection.create_process() as process:
                talk = Talk(process)
                await talk.read()
                yield talk

    yield make


Shell = Callable[[World], AbstractAsyncContextManager[Talk]]


@pytest.mark.parametrize(
    ("fault", "is_done"), [("disconnect-before", False), ("disconnect-after", True), ("half-reply", True)]
)
async def test_connections_that_break_around_a_command(shell: Shell, fault: str, is_done: bool) -> None:
    world = make_world()
    world.faults[fault] = {"verb": "discoverServer"}
    async with shell(world) as talk:
        assert "Status: Success" in await talk.ask("list Server")
        talk.process.stdin.write(f"{DISCOVER}\r")
        rest = await talk.rest()
        assert "OVM> " not in rest
        assert ("Command: " in rest) == (fault == "half-reply")
        assert world.servers["ovs1"].is_known == is_done


async def test_a_job_goes_on_when_its_session_breaks(shell: Shell) -> None:
    world = make_world(speed=100.0)
    world.faults["disconnect-midway"] = {"verb": "discoverServer"}
    async with ManagerServer() as manager:
        await manager.start(world)
        async with connect(manager) as connection:
            done = await connection.run(DISCOVER)
            assert done.exit_status is None
        job = world.of_type("job")[0]
        assert job.attrs["state"] == "Running"
        for task in list(manager.engine.tasks):
            await task
        assert job.attrs["state"] == "Success"
        assert world.servers["ovs1"].owner == world.manager_uuid


async def test_the_third_command_of_a_session(shell: Shell) -> None:
    world = make_world()
    world.faults["disconnect-before"] = {"number": 3}
    async with shell(world) as talk:
        await talk.ask("list Server")
        await talk.ask("list Job")
        talk.process.stdin.write("list Tag\r")
        assert "Command" not in await talk.rest()


async def test_job_fails_and_leaves_nothing(shell: Shell) -> None:
    world = make_world()
    world.faults["job-fails"] = {"verb": "create", "type": "ServerPool", "reason": "no memory", "count": 1}
    async with shell(world) as talk:
        line = "create ServerPool clusterEnable=No name=p"
        first = await talk.ask(line)
        assert "Status: Failure" in first
        assert "no memory" in first
        assert "Status: Success" in await talk.ask(line)
        events = await talk.ask("getEvents severity=CRITICAL")
        assert "type = job.failed" in events


async def test_locked_objects_are_tried_again_until_the_timeout(shell: Shell) -> None:
    world = make_world()
    world.faults["lock-conflict"] = {"object": "ovs1", "seconds": 20}
    async with shell(world) as talk:
        assert "Status: Success" in await talk.ask(DISCOVER)
        world.faults["lock-conflict"]["seconds"] = 1e9
        await talk.ask("set CommandTimeout=1")
        refused = await talk.ask("edit Server name=ovs1 description=x")
        assert "Status: Failure" in refused
        assert "locked by job" in refused


async def test_slow_commands_and_floods_end_well(shell: Shell) -> None:
    world = make_world()
    world.faults["slow-command"] = {"seconds": 100}
    world.faults["flood"] = {"bytes": 200_000, "verb": "list"}
    async with shell(world) as talk:
        text = await talk.ask("list Server")
        assert len(text) > 190_000
        assert "Status: Success" in text


async def test_idle_sessions_end(shell: Shell) -> None:
    world = make_world()
    world.faults["idle-timeout"] = {"seconds": 0.2}
    async with shell(world) as talk:
        assert await talk.rest() == ""


async def test_a_command_longer_than_the_idle_limit_ends_the_session(shell: Shell) -> None:
    world = make_world()
    world.faults["slow-command"] = {"seconds": 2000}
    async with shell(world) as talk:
        talk.process.stdin.write("list Server\r")
        assert "Status" not in await talk.rest()


async def test_a_busy_machine_is_no_idle_session(shell: Shell) -> None:
    async with shell(make_world(speed=1e9)) as talk:  # the idle limit has gone by before any work is done
        assert "Status: Success" in await talk.ask(DISCOVER)


async def test_no_prompt_and_hang_say_nothing_more(shell: Shell) -> None:
    for fault, seen in (("no-prompt", "Data: "), ("hang-command", "\n")):
        world = make_world()
        world.faults[fault] = {}
        async with shell(world) as talk:
            talk.process.stdin.write("list Tag\r")
            assert seen in await talk.process.stdout.readuntil(seen)
            talk.process.close()


async def test_prompts_and_escapes_inside_names(shell: Shell) -> None:
    world = make_world()
    world.faults["prompt-in-name"] = {}
    world.faults["hostile-names"] = {}
    async with shell(world) as talk:
        talk.process.stdin.write("list Network\r")
        text = await talk.process.stdout.readuntil("[bold]")
        assert "name:trap OVM> \n" in text.replace("\r", "")
        assert "\x1b]0;owned" in text


async def test_a_manager_that_starts_refuses_logins_for_a_while() -> None:
    world = make_world()
    world.faults["manager-starting"] = {"count": 1}
    async with ManagerServer() as manager:
        await manager.start(world)

        async def log_in() -> str:
            async with connect(manager) as connection:
                return str((await connection.run("showversion", check=True)).stdout)

        with pytest.raises(asyncssh.PermissionDenied):
            await log_in()
        assert "3.4.6" in await log_in()


async def test_many_managers_live_side_by_side() -> None:
    worlds = [make_world(release) for release in ("3.2", "3.3", "3.4")]
    managers = [ManagerServer() for _ in worlds]
    for manager, world in zip(managers, worlds, strict=True):
        await manager.start(world)
    assert len({manager.port for manager in managers}) == 3
    assert len({manager.fingerprint for manager in managers}) == 3
    assert all(manager.fingerprint.startswith("SHA256:") for manager in managers)
    for manager, world in zip(managers, worlds, strict=True):
        async with connect(manager) as connection:
            assert world.manager_version in str((await connection.run("showversion")).stdout)
    for manager in managers:
        await manager.close()
        await manager.close()


async def test_every_fault_is_described() -> None:
    assert all(text and not text.endswith(".") for text in FAULT_HOOKS.values())
