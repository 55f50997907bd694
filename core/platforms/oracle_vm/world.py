"""What the steps of one run share: Manager to work and to watch with, agents and dom0 to read back with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from typing_extensions import override

from core.engine.step import World
from core.errors import LoginRefused, PoolwrightError, ReplyLost, TransportError
from core.models.plan import JsonDict, Plan
from core.platforms.oracle_vm.agent_rpc.client import AgentClient
from core.platforms.oracle_vm.collect import collect_within
from core.platforms.oracle_vm.endpoints import agent_endpoint, manager_endpoint, ssh_endpoint
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import Dialect
from core.platforms.oracle_vm.manager_cli.parse import Item, Reply
from core.platforms.oracle_vm.manager_cli.read import read_manager
from core.platforms.oracle_vm.manager_cli.session import ManagerSession, Narrate, Timing, open_manager
from core.platforms.oracle_vm.planes import plane_of
from core.platforms.oracle_vm.spec import PoolSpec
from core.text import inert
from core.transports.base import Access, CommandSession
from core.transports.jump import Jump, open_jump
from core.transports.limits import Limits
from core.transports.ssh import open_ssh

T = TypeVar("T")
SURVEYED = ("servers", "pools", "storage", "repositories", "guests", "jobs", "networks")
FIRST_POLL = 16  # the first look back comes after this part of manager_poll_s
LATER_POLL = 10  # each further one after this part of the wait so far
WATCHER_GRACE_S = 2.0  # how long a command's end waits for the job read that is under way
RUNNING_JOBS_SHOWN = 5  # newest jobs that are asked whether they still run


class OvmWorld(World):
    """What a step may use. Made by `open_world`; whoever opened it closes it."""

    def __init__(
        self, plan: Plan, spec: PoolSpec, access: Access, narrate: Narrate, jump: Jump | None, timing: Timing
    ) -> None:
        self.plan, self.spec, self.access = plan, spec, access
        self.limits: Limits = access.limits
        self.own_uuid = ""  # of this Manager; empty when it does not tell (3.2 may not)
        self.records: dict[str, JsonDict] = {}
        self.known_servers: dict[str, tuple[str, ...]] = {}  # Manager's id -> addresses and names, lower case
        self._narrate, self._jump, self._timing = narrate, jump, timing
        self._stack = AsyncExitStack()
        self._free: asyncio.LifoQueue[ManagerSession] = asyncio.LifoQueue()
        self._opened = 0
        self._watcher: ManagerSession | None = None
        self._watch_lock = asyncio.Lock()
        self._dom0: dict[str, CommandSession | None] = {}
        self.dialect = Dialect()

    @override
    def remember(self, step_id: str, record: JsonDict) -> None:
        """What a finished step left, for the ones after it; the engine calls this, after a resume too."""
        self.records[step_id] = record

    @override
    async def settle(self, step_id: str) -> None:
        """Wait until no job of an ended process runs; the engine asks before it decides what became of a step."""
        talk = self.talk(step_id)
        await talk.settle(talk.is_idle, limit_s=self.limits.manager_command_s)

    def note(self, step: str, line: str) -> None:
        """One line of narration; the journal masks it."""
        self._narrate(step, line)

    def talk(self, step: str) -> Talk:
        """Manager, for one step."""
        return Talk(self, step)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ManagerSession]:
        """A work session nobody else uses; further ones are opened up to manager.sessions."""
        session = await self._borrow()
        try:
            yield session
        finally:
            self._free.put_nowait(session)

    async def _borrow(self) -> ManagerSession:
        if self._free.empty() and self._opened < self.spec.manager.sessions:
            self._opened += 1
            try:
                return await self._open_session()
            except PoolwrightError:
                self._opened -= 1
                if self._opened == 0:
                    raise
        return await self._free.get()

    async def _open_session(self) -> ManagerSession:
        opening = open_manager(
            manager_endpoint(self.spec),
            user=self.spec.manager.user,
            access=self.access,
            jump=self._jump,
            narrate=self.note,
            timing=self._timing,
        )
        return await self._stack.enter_async_context(opening)

    async def start(self) -> None:
        """Log in and learn who this Manager is."""
        async with self.session() as session:
            self.dialect = session.dialect
            reply = await session.try_read(session.dialect.list_of("Manager"))
            self.own_uuid = reply.items[0].id if reply.is_success and reply.items else ""

    async def close(self) -> None:
        """End all sessions."""
        await self._stack.aclose()

    async def watcher(self) -> ManagerSession:
        """The second session, on which jobs are watched while the first one waits for its reply."""
        async with self._watch_lock:
            if self._watcher is None:
                self._watcher = await self._open_session()
            return self._watcher

    async def survey(self, only: Sequence[str] | None = None) -> OvmFleet:
        """All facts of Manager and servers (`only`: of these) anew; never raises for a server."""
        return await collect_within(self.spec, self.access, self._jump, self._read_manager, only)

    async def _read_manager(self) -> ManagerFacts:
        try:
            async with self.session() as session:
                return await read_manager(session, what=SURVEYED, limit_s=self.limits.server_total_s)
        except PoolwrightError as error:
            return ManagerFacts(plane=plane_of(error), observed_at=datetime.now(UTC))

    def agent(self, server: str) -> AgentClient | None:
        """The agent of a server of the spec; None for a name the spec has not."""
        target = next((one for one in self.spec.servers if one.address == server), None)
        if target is None:
            return None
        return AgentClient(agent_endpoint(self.spec, target), self.access, self.spec.agent.user, self._jump)

    async def dom0(self, server: str) -> CommandSession | None:
        """The own system of a server; None without a login in the spec, raises a TransportError when it fails."""
        if server in self._dom0:
            return self._dom0[server]
        target = next((one for one in self.spec.servers if one.address == server), None)
        endpoint = ssh_endpoint(self.spec, target) if target else None
        if endpoint is None or self.spec.ssh is None:
            return None
        opening = open_ssh(
            endpoint,
            user=self.spec.ssh.user,
            access=self.access,
            key_file=self.spec.ssh.key_file,
            jump=self._jump,
        )
        self._dom0[server] = await self._stack.enter_async_context(opening)
        return self._dom0[server]

    def forget_dom0(self, server: str) -> None:
        """Drop a broken connection, so that the next look makes a new one."""
        self._dom0.pop(server, None)


class Talk:
    """Manager as one step uses it: narrated under its id, with reading back built in."""

    def __init__(self, world: OvmWorld, step: str) -> None:
        self.world, self.step = world, step
        self.dialect = world.dialect

    async def read(self, command: Command, *, quiet: bool = False) -> Reply:
        """A read that must succeed."""
        async with self.world.session() as session:
            return await session.read(command, step=self.step, quiet=quiet)

    async def try_read(self, command: Command, *, quiet: bool = False) -> Reply:
        """A read that may be refused."""
        async with self.world.session() as session:
            return await session.try_read(command, step=self.step, quiet=quiet)

    async def write(self, command: Command) -> Reply:
        """A change, sent once; its job is told about while it runs. Raises as ManagerSession.write."""
        async with self.world.session() as session:
            is_done = asyncio.Event()
            watching = asyncio.create_task(self._watch_jobs(is_done), name=f"watch {self.step}")
            try:
                return await session.write(command, step=self.step)
            finally:
                is_done.set()  # a watcher that is asked to stop keeps its session; a cancelled one would lose it
                await asyncio.wait([watching], timeout=WATCHER_GRACE_S)
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    async def change(self, command: Command, effect: Callable[[], Awaitable[T | None]]) -> T | None:
        """Send a change and wait until its effect can be seen; None when it does not show within the settling time.

        A lost reply is answered by looking alone, as long as jobs run; without an effect ReplyLost goes on to the
        caller.
        """
        lost = await self._send(command)
        seen = await self.settle(effect, while_jobs_run=lost is not None)
        if seen is None and lost is not None:
            raise lost
        return seen

    async def apply(
        self, command: Command, effect: Callable[[], Awaitable[bool | None]] | None = None
    ) -> None:
        """Send a change whose effect is looked at only when the reply was lost; a refresh is then sent once more."""
        lost = await self._send(command)
        if lost is None:
            return
        if effect is not None and await self.settle(effect, while_jobs_run=True):
            return
        if not command.is_repeatable or await self.settle(self.is_idle, while_jobs_run=True) is None:
            raise lost
        await self.write(command)

    async def _send(self, command: Command) -> ReplyLost | None:
        try:
            await self.write(command)
        except ReplyLost as error:
            self.note(f"reply lost ({error.why}), looking at what became of it")
            return error
        return None

    async def settle(
        self,
        probe: Callable[[], Awaitable[T | None]],
        *,
        while_jobs_run: bool = False,
        limit_s: float | None = None,
    ) -> T | None:
        """Repeat a read until it gives something, soon at first, then every manager_poll_s, up to manager_settle_s
        (manager-cli 5.1)."""
        limits = self.world.limits
        begun = time.monotonic()
        soft_s = limits.manager_settle_s if limit_s is None else limit_s
        hard_s = limits.manager_command_s if while_jobs_run else soft_s
        while True:
            found = await probe()
            if found is not None:
                return found
            waited_s = time.monotonic() - begun
            if waited_s >= hard_s or (
                waited_s >= soft_s and not (while_jobs_run and await self.running_jobs())
            ):
                return None
            pause_s = max(limits.manager_poll_s / FIRST_POLL, waited_s / LATER_POLL)
            await asyncio.sleep(min(pause_s, limits.manager_poll_s, max(hard_s - waited_s, 0.01)))

    async def running_jobs(self) -> list[str]:
        """Names of the newest jobs that have not ended; empty when Manager does not tell."""
        reply = await self.try_read(self.dialect.list_of("Job"), quiet=True)
        newest = sorted(reply.items, key=lambda item: item.id, reverse=True)[:RUNNING_JOBS_SHOWN]
        running = []
        for item in newest:
            shown = await self.try_read(self.dialect.show("Job", item.id), quiet=True)
            if shown.is_success and (shown.flag("Summary Done", "Done") is False):
                running.append(item.name)
        return running

    async def is_idle(self) -> bool | None:
        """True when none of the newest jobs runs; None else, for settle."""
        return None if await self.running_jobs() else True

    async def list(self, type_: str, *, quiet: bool = False) -> Sequence[Item]:
        """Objects of a type."""
        return (await self.read(self.dialect.list_of(type_), quiet=quiet)).items

    async def show(self, type_: str, id_: str, *, quiet: bool = False) -> Reply | None:
        """One object; None when Manager does not know it."""
        reply = await self.try_read(self.dialect.show(type_, id_), quiet=quiet)
        return reply if reply.is_success else None

    def note(self, line: str) -> None:
        """Narrate under this step."""
        self.world.note(self.step, line)

    async def _watch_jobs(self, is_done: asyncio.Event) -> None:
        """Tell about the newest job while a long command runs; never disturbs the command itself."""
        told = ""
        with suppress(TransportError, LoginRefused):
            while not await _is_set_within(is_done, 2 * self.world.limits.manager_poll_s):
                line = await self._newest_job()
                if line and line != told:
                    told = line
                    self.note(inert(line, 300))

    async def _newest_job(self) -> str:
        session = await self.world.watcher()
        jobs = await session.try_read(self.dialect.list_of("Job"), quiet=True)
        newest = max(jobs.items, key=lambda item: item.id, default=None)
        if newest is None:
            return ""
        shown = await session.try_read(self.dialect.show("Job", newest.id), quiet=True)
        progress = shown.get("Latest Summary Progress Message", "Progress Message")
        return f"job {newest.name}: {progress or shown.get('Summary State', 'Run State') or 'running'}"


async def _is_set_within(event: asyncio.Event, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            return await event.wait()
    except TimeoutError:
        return False


@asynccontextmanager
async def open_world(
    plan: Plan,
    spec: PoolSpec,
    access: Access,
    narrate: Narrate,
    *,
    timing: Timing = Timing(),  # noqa: B008 - frozen
) -> AsyncIterator[OvmWorld]:
    """Sessions for the steps of one run; raises what logging in to Manager raises."""
    async with open_jump(spec.jump, access) as jump:
        world = OvmWorld(plan, spec, access, narrate, jump, timing)
        try:
            await world.start()
            yield world
        finally:
            await world.close()
