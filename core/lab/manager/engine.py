"""The Manager behind its CLI: jobs, locks and events over one world. Knows no commands and no sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from core.lab import operations
from core.lab.manager.texts import ManagerError, agent_failed, error_time, invented, unreachable
from core.lab.world import LabObject, LabServer, World

Result = TypeVar("Result")
LOCK_POLL_S = 1.0  # simulated seconds between two tries for a locked object
DEFAULT_COMMAND_TIMEOUT_MIN = 45  # minutes, RECALL (manager-cli 1.8)


class Job:
    """One running job: progress, abort, and the pause that lets simulated time pass."""

    def __init__(self, engine: Engine, record: LabObject) -> None:
        self.engine, self.record = engine, record

    async def step(self, text: str, seconds: float = 0.0) -> None:
        """Report what the job does now, then let it take its time. Raises ManagerError once it was
        aborted.
        """
        self.record.attrs["progress"] = text
        await operations.pause(self.engine.world, seconds)
        if self.record.attrs.get("aborted"):
            raise invented(f"Job {self.record.id} was aborted by user {self.record.attrs['aborted']}")


Work = Callable[[Job], Awaitable[Result]]


class Engine:
    """Runs jobs against the world; one per Manager, shared by its sessions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.locks: dict[str, str] = {}  # object id -> job id
        self.tasks: set[asyncio.Task[Any]] = set()
        self._last_id = 0

    def now(self) -> datetime:
        """Manager's clock; `extra` of the switches moves it (`manager_clock_offset_s`, `manager_time_zone`)."""
        extra = self.world.switches.extra
        zone = ZoneInfo(str(extra.get("manager_time_zone", "UTC")))
        return datetime.now(zone) + timedelta(seconds=float(extra.get("manager_clock_offset_s", 0.0)))

    def next_id(self) -> str:
        """An id of a job or event: epoch milliseconds, never twice."""
        self._last_id = max(self._last_id + 1, int(self.now().timestamp() * 1000))
        return str(self._last_id)

    def event(
        self, kind: str, object_type: str, object_id: str, summary: str, severity: str = "INFORMATIONAL"
    ) -> None:
        """File one event, e.g. kind `lifecycle.create`."""
        key = self.next_id()
        attrs = {
            "severity": severity,
            "object_type": object_type,
            "object_id": object_id,
            "summary": summary,
            "acked": False,
            "time": self.now(),
        }
        self.world.objects[f"event {key}"] = LabObject(key, "event", kind, attrs)

    def spawn(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run something that outlives the command that began it; ended by `close`."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Like `spawn`, for work nobody waits for."""
        self.spawn(work).get_name()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the job's record holds it; nobody need wait for the task

    async def close(self) -> None:
        """End everything that still runs."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def new_job(self, name: str, user: str) -> LabObject:
        """A job as it stands in the list before it runs."""
        key = self.next_id()
        attrs = {
            "state": "Created",
            "progress": "",
            "user": user,
            "start": self.now(),
            "end": None,
            "error": "",
        }
        record = LabObject(key, "job", name, attrs)
        self.world.objects[f"job {key}"] = record
        return record

    async def carry_out(
        self, record: LabObject, locked: Sequence[str], work: Work[Result], *, timeout_s: float
    ) -> Result:
        """Take the locks, do the work, write down how it ended. Raises ManagerError with the dated text."""
        job = Job(self, record)
        try:
            with await self._lock(job, locked, timeout_s):
                record.attrs["state"] = "Running"
                result = await work(job)
        except ManagerError as error:
            text = f"{error} [{error_time(self.now())}]"
            self._end(record, "Failure", text)
            self.event("job.failed", "Job", record.id, text, severity="CRITICAL")
            raise ManagerError(text) from error
        except asyncio.CancelledError:
            self._end(record, "Failure", "Manager was stopped")
            raise
        self._end(record, "Success", "")
        return result

    def call_agent(self, server: LabServer, call: str, effect: Callable[[], Result]) -> Result:
        """Send one call to a server's agent. Raises ManagerError in the 4010E form when it fails."""
        world = self.world
        if not operations.is_agent_up(world, server):
            raise unreachable(server.address, server.name, call)
        is_multiline = bool(world.switches.extra.get("multiline_errors", True))
        try:
            params = operations.fault(world, "agent-fault", server=server, call=call)
            if params is not None:
                raise operations.CallRefusedError(str(params.get("text", "made to fail")))
            return effect()
        except operations.CallRefusedError as error:
            raise agent_failed(server, call, error, is_multiline=is_multiline) from error

    async def _lock(
        self, job: Job, wanted: Sequence[str], timeout_s: float
    ) -> contextlib.AbstractContextManager[None]:
        """Wait until all of them are free, trying again like the CLI's synchronous mode does."""
        waited_s = 0.0
        while True:
            holder = self._conflict(wanted, waited_s)
            if holder is None:
                return self._hold(wanted, job.record.id)
            if waited_s >= timeout_s:
                raise invented(f"The object is locked by job {holder}")
            await job.step(f"Waiting for job {holder}", LOCK_POLL_S)
            waited_s += LOCK_POLL_S

    def _conflict(self, wanted: Sequence[str], waited_s: float) -> str | None:
        for key in wanted:
            if key in self.locks:
                return self.locks[key]
            params = operations.fault(self.world, "lock-conflict", peek=True, object=self._label(key))
            if params is None:
                params = operations.fault(self.world, "lock-conflict", peek=True, object=key)
            if params is not None and waited_s < float(params.get("seconds", 30.0)):
                return "1000000000000"
        return None

    def _label(self, key: str) -> str:
        server = self.world.server_by(key)
        if server is not None:
            return server.name
        return self.world.objects[key].name if key in self.world.objects else key

    @contextlib.contextmanager
    def _hold(self, wanted: Sequence[str], job_id: str) -> Iterator[None]:
        held = [key for key in wanted if key not in self.locks]
        self.locks.update(dict.fromkeys(held, job_id))
        try:
            yield
        finally:
            for key in held:
                self.locks.pop(key, None)

    def _end(self, record: LabObject, state: str, error: str) -> None:
        record.attrs.update(state=state, error=error, end=self.now())
