"""Play one seed: a run in its weather from start to outcome, processes dying and coming back, and a verdict."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from core.checks.runner import run_checks
from core.engine.control import Control
from core.engine.history import read_run
from core.engine.journal import Journal
from core.errors import JournalError
from core.models.events import Outcome, RunEvent
from core.models.plan import Plan
from core.models.spec import BaseSpec
from core.paths import StatePaths
from core.platforms.guards import NoGuards
from core.platforms.oracle_vm.endpoints import manager_endpoint
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.manager_cli.read import read_manager
from core.platforms.oracle_vm.manager_cli.session import open_manager
from core.platforms.oracle_vm.planner import make_plan
from core.platforms.oracle_vm.platform import PLATFORM, OracleVm
from core.platforms.oracle_vm.spec import PoolSpec
from core.runner import process
from core.runner.protocol import RunDocument, Task
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore
from tests.storm.clock import Clock, VirtualLoop, run_virtually, virtual
from tests.storm.judge import judge
from tests.storm.memory import MemoryFleet, connected, make_lab
from tests.storm.weather import Fault, Weather, after, weather_of

PROCESSES_MAX = 15
HEALED_AFTER = 5  # processes; from then on only what is broken for good stays broken
BETWEEN_S = 45.0  # until somebody resumes
LATE_S = 7200.0  # what Manager still has under way ends within this


class Killed(BaseException):
    """The process is dead: nobody handles this."""


@dataclass
class Disk:
    """What the journal's disk does, and when the process that writes it dies."""

    loop: VirtualLoop
    die: Callable[[], None]
    slow_s: float = 0.0
    is_full: bool = False
    is_dead: bool = False
    writes: int = 0
    die_at: int | None = None
    is_after: bool = False

    def before(self) -> None:
        """Ahead of a commit."""
        if self.is_dead:
            raise Killed
        if self.is_full:
            raise JournalError("cannot write the journal: database or disk is full")
        if self.slow_s:
            self.loop.advance(self.slow_s)
        self.writes += 1
        self._maybe(is_after=False)

    def after(self) -> None:
        """Right behind a commit."""
        self._maybe(is_after=True)

    def _maybe(self, *, is_after: bool) -> None:
        if self.writes == self.die_at and self.is_after == is_after:
            self.die()
            raise Killed


class StormJournal(Journal):
    """A journal on such a disk."""

    disk: Disk

    @override
    def _commit(self, events: list[RunEvent]) -> None:
        self.disk.before()
        super()._commit(events)
        self.disk.after()


@dataclass
class Played:
    """What came of a seed; clean without problems."""

    weather: Weather
    outcome: str = "unfinished"
    problems: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    virtual_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not self.problems

    @property
    def digest(self) -> str:
        """Same story, same digest."""
        return hashlib.sha256("\n".join(self.story).encode()).hexdigest()

    @override
    def __str__(self) -> str:
        return "\n".join(
            [str(self.weather), f"ended {self.outcome}", *(f"  {text}" for text in self.problems)]
        )


def play(seed: int) -> Played:
    """Play one seed."""
    return play_weather(weather_of(seed))


def play_weather(weather: Weather, check: Callable[[Stage, Played], None] | None = None) -> Played:
    """Play what was drawn; `check` may look at the stage when all is over."""
    played = Played(weather)
    folder = Path(tempfile.mkdtemp(prefix="storm-", dir=_fast_folder()))
    state = random.getstate()
    random.seed(weather.seed)
    try:
        with virtual() as (loop, clock):
            stage = Stage(weather, loop, clock, folder)
            loop.set_exception_handler(lambda _loop, context: _unexpected(played, context))
            run_virtually(loop, stage.play(played))
            played.virtual_s = loop.time()
            if check is not None:
                check(stage, played)
    finally:
        random.setstate(state)
        shutil.rmtree(folder, ignore_errors=True)
    return played


def _fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class _Unguarded(NoGuards, OracleVm):
    """Oracle VM without its looks before and after a run, which cost ten times as much as the run."""


class Stage:
    """The fleet, the plan and the processes that work on it, one after the other."""

    def __init__(self, weather: Weather, loop: VirtualLoop, clock: Clock, folder: Path) -> None:
        self.weather, self.loop, self.clock = weather, loop, clock
        self.paths = StatePaths(folder / "state")
        lab = make_lab(weather.scenario, servers=weather.servers, seed=weather.seed)
        lab.world.started_at = clock.time()
        self.fleet = MemoryFleet(lab)
        self.work: asyncio.Task[Outcome | None] | None = None
        self.disk = Disk(loop, self.kill)
        self.run = ""
        self.before: dict[str, Any] = {}

    async def play(self, played: Played) -> None:
        """Plan in good weather, then the run in its own."""
        faults = dict(self.fleet.world.faults)
        self.fleet.world.faults.clear()
        spec = PLATFORM.spec_model.model_validate(self.fleet.lab.spec_data())
        assert isinstance(spec, PoolSpec)
        try:
            with connected(self.fleet):
                plan = await self.plan(spec)
                self.before = self.fleet.lab.snapshot()
                self.fleet.world.faults.update(faults)
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(job) for job in self._weather()]
                    outcome = await self._to_the_end(spec, plan)
                    for task in tasks:
                        task.cancel()
                await asyncio.sleep(LATE_S)
                played.outcome = str(outcome) if outcome else "unfinished"
                self._tell(played)
                _, now = read_run(self.paths, self.run)
                played.problems += judge(self.fleet.lab, spec, plan, now, self.before)
        finally:
            await self.fleet.close()

    async def plan(self, spec: PoolSpec) -> Plan:
        """Look, judge and plan."""
        if not self.weather.is_guarded:
            return await self._plan_by_manager(spec)
        fleet = await PLATFORM.collect(spec, self.access())
        results = await run_checks(PLATFORM.checks, PLATFORM.context(spec, fleet, datetime.now(UTC)))
        return PLATFORM.plan(spec, fleet, results)

    async def _plan_by_manager(self, spec: PoolSpec) -> Plan:
        """The same from Manager's side alone, which costs a tenth."""
        opening = open_manager(manager_endpoint(spec), user=spec.manager.user, access=self.access())
        async with opening as session:
            return make_plan(spec, OvmFleet(manager=await read_manager(session)), [])

    def access(self) -> Access:
        """What a new process starts with."""
        return Access(TrustStore(None), Secrets(self.fleet.lab.passwords), Limits())

    async def _to_the_end(self, spec: PoolSpec, plan: Plan) -> Outcome | None:
        for number in range(PROCESSES_MAX):
            if number == HEALED_AFTER:
                self.heal()
            outcome = await self.process(spec, plan, Task.RESUME if self.run else Task.START)
            if outcome is not None:
                return outcome
            await asyncio.sleep(BETWEEN_S)
        return None

    async def process(self, spec: BaseSpec, plan: Plan, task: Task) -> Outcome | None:
        """One process's part; None when it died, was stopped or could not go on."""
        self.disk.is_dead = False
        secrets = Secrets(self.fleet.lab.passwords)
        document = RunDocument.of(spec, plan)
        StormJournal.disk = Disk(self.loop, self.kill)  # making a journal is not what is tried here
        try:
            if self.run:
                journal: Journal = StormJournal.open(self.paths, self.run, secrets.values())
            else:
                journal = StormJournal.create(self.paths, plan, spec=document.spec, secrets=secrets.values())
        finally:
            StormJournal.disk = self.disk
        self.run = journal.head.run
        if journal.now.outcome is not None and task is not Task.ROLLBACK:
            journal.close()
            return journal.now.outcome
        steps = {planned.id: PLATFORM.step_kinds[planned.kind](planned) for planned in plan.steps}
        platform = PLATFORM if self.weather.is_guarded else _Unguarded()
        job = process.Job(platform, spec, plan, document, steps, self.access(), self.paths)
        self.work = asyncio.create_task(process._work(task, job, journal, Control(), process.ENGINE))
        try:
            await asyncio.wait([self.work])
            if self.work.cancelled():
                return None
            error = self.work.exception()
            if error is not None and not _is_death(error):
                raise error
            return None if error is not None else self.work.result()
        finally:
            self.fleet.down.discard("dead")
            journal.close()

    def kill(self) -> None:
        """SIGKILL, as far as one process can have it: no further write, no further byte."""
        if self.work is None or self.work.done():
            return
        self.disk.is_dead = True
        self.fleet.cut_all()
        self.work.cancel()

    def heal(self) -> None:
        """The weather ends; a server that is down for good stays down."""
        faults = self.fleet.world.faults
        for name in list(faults):
            if name not in ("join-fails", "create-fails") and faults[name].get("for_s") != 1e9:
                del faults[name]
        self.fleet.down.clear()
        self.disk.slow_s, self.disk.is_full, self.disk.die_at = 0.0, False, None

    def _weather(self) -> list[Any]:
        jobs = []
        for fault in self.weather.faults:
            if fault.kind.startswith("lab:"):
                self._set_lab_fault(fault)
            elif fault.kind == "kill-at-write":
                self.disk.die_at, self.disk.is_after = fault.args["write"], fault.args["is_after"]
            else:
                jobs.append(after(fault.at_s, lambda fault=fault: self._strike(fault)))  # type: ignore[misc]
                if "for_s" in fault.args:
                    end = fault.at_s + fault.args["for_s"]
                    jobs.append(after(end, lambda fault=fault: self._end(fault)))  # type: ignore[misc]
        return jobs

    def _set_lab_fault(self, fault: Fault) -> None:
        params = dict(fault.args)
        if "after_s" in params:
            params["after_s"] += self.clock.time() - self.fleet.world.started_at
        self.fleet.world.faults[fault.kind.removeprefix("lab:")] = params

    def _strike(self, fault: Fault) -> None:
        args = fault.args
        match fault.kind:
            case "cut":
                self.fleet.cut_all()
            case "half":
                for line in self.fleet.lines:
                    line.cut_after_bytes = args["bytes"]
            case "slow-line":
                for line in self.fleet.lines:
                    line.delay_s = args["seconds"]
            case "down":
                self.fleet.down.add(self._address(args["what"]))
                if args["what"] == "manager":
                    self.fleet.cut_all()
            case "agent-restart":
                self.fleet.restart_agent(args["server"])
            case "our-clock":
                self.clock.wall_jump_s += args["seconds"]
                self.fleet.world.started_at += args["seconds"]  # the lab's faults go by its own clock
            case "manager-clock":
                self.fleet.world.switches.extra["manager_clock_offset_s"] = args["seconds"]
            case "slow-disk":
                self.disk.slow_s = args["seconds"]
            case "full-disk":
                self.disk.is_full = True
            case "kill":
                self.kill()
            case _:
                raise ValueError(fault.kind)

    def _end(self, fault: Fault) -> None:
        match fault.kind:
            case "down":
                self.fleet.down.discard(self._address(fault.args["what"]))
            case "slow-disk":
                self.disk.slow_s = 0.0
            case "full-disk":
                self.disk.is_full = False
            case _:
                raise ValueError(fault.kind)

    def _address(self, what: str) -> str:
        """Servers are known to the transports by the operator's names."""
        plane, _, name = what.partition(":")
        return f"{plane}:{self.fleet.world.servers[name].address}" if name else plane

    def _tell(self, played: Played) -> None:
        from core.engine.history import JournalReader

        reader = JournalReader(self.paths, self.run)
        try:
            events = reader.events(0, 100_000)
        finally:
            with suppress(Exception):
                reader.close()
        played.story = [f"{event.kind} {event.step} {event.state} {event.text}" for event in events]


def _unexpected(played: Played, context: dict[str, Any]) -> None:
    """An error that nobody waited for: a bug, unless its task was killed."""
    error = context.get("exception")
    if error is None or not _is_death(error):
        played.problems.append(f"{context.get('message')}: {error!r}")


def _is_death(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_death(one) for one in error.exceptions)
    return isinstance(error, (Killed, JournalError, asyncio.CancelledError))
