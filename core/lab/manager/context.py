"""What a command handler gets: the call, the session's settings, and a way to run its work as a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from core.lab import operations
from core.lab.manager.dialects import Call, Dialect, dialect_of
from core.lab.manager.engine import DEFAULT_COMMAND_TIMEOUT_MIN, Engine, Job, Work
from core.lab.manager.objects import Item, find, stored_type
from core.lab.manager.reply import Body, Reply
from core.lab.manager.texts import ManagerError, invented
from core.lab.world import World

Made = tuple[str, str] | None  # (id, name) of what a create made


@dataclass(slots=True)
class Settings:
    """The `set` options of one CLI session."""

    output_mode: str = "Verbose"
    command_mode: str = "Synchronous"
    command_timeout_min: int = DEFAULT_COMMAND_TIMEOUT_MIN
    endline: str = "CRLF"
    is_alphabetized: bool = False


@dataclass(slots=True)
class Context:
    """One command of one session."""

    engine: Engine
    call: Call
    settings: Settings
    user: str
    number: int = 1  # of the command in its session
    is_syntax_error: bool = field(default=False, init=False)

    @property
    def world(self) -> World:
        return self.engine.world

    @property
    def dialect(self) -> Dialect:
        return dialect_of(self.world.release)

    def param(self, name: str, default: str = "") -> str:
        """A parameter by its canonical name."""
        return self.call.params.get(name, default)

    def is_yes(self, name: str) -> bool:
        return self.param(name).lower() == "yes"

    def target(self) -> Item:
        """The object the command is about. Raises ManagerError when it does not exist."""
        assert self.call.ref is not None
        return find(self.world, self.call.type, self.call.ref)

    def clause(self) -> Item:
        """The object behind to, from or on."""
        assert self.call.clause_ref is not None
        return find(self.world, self.call.clause_type, self.call.clause_ref)

    async def job(self, name: str, locked: Sequence[str], work: Work[Made]) -> Reply:
        """Run the work as a job: wait for it (Synchronous) or answer at once. Failures raise ManagerError."""
        record = self.engine.new_job(name, self.user)
        timeout_s = self.settings.command_timeout_min * 60.0
        task = self.engine.spawn(
            self.engine.carry_out(record, locked, self._faulty(work), timeout_s=timeout_s)
        )
        job_id = record.id if self.world.release != "3.2" else None
        if self.settings.command_mode == "Asynchronous":
            return Reply(job_id=job_id)
        try:
            made = await asyncio.shield(task)
        except ManagerError as error:
            prefix = "Job failed on Core: " if self._has_prefix() else ""
            return Reply(error=f"{prefix}{error}", job_id=job_id)
        if made is None:
            return Reply(job_id=job_id)
        record.attrs["result"] = made[0]
        return Reply(Body.CREATE, items=[made], job_id=job_id)

    def _has_prefix(self) -> bool:
        return self.world.release != "3.2" and bool(self.world.switches.extra.get("job_failed_prefix", True))

    def _faulty(self, work: Work[Made]) -> Work[Made]:
        params = operations.fault(
            self.world, "job-fails", verb=self.call.verb, type=self.call.type, number=self.number
        )
        if params is None:
            return work
        reason = str(params.get("reason", "made to fail"))

        async def fail(job: Job) -> Made:
            await job.step("Working", 2.0)
            raise invented(f"Job failed: {reason}")

        return fail


Handler = Callable[[Context], Awaitable[Reply]]
HANDLERS: dict[tuple[str, str], Handler] = {}


def command(verb: str, *types: str) -> Callable[[Handler], Handler]:
    """Register the handler of a verb, for these object types or for all when none is given."""

    def register(handler: Handler) -> Handler:
        for type_ in types or ("",):
            HANDLERS[verb, stored_type(type_)] = handler
        return handler

    return register


def handler_of(verb: str, type_: str) -> Handler | None:
    """Who carries out a command, None when the lab knows its syntax but has nothing behind it."""
    return HANDLERS.get((verb, stored_type(type_))) or HANDLERS.get((verb, ""))
