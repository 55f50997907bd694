"""Random operations of an operator and random faults against a small model of pools and ownership.

The model knows one thing: after every run that ended, either the pool is there with all its servers, or nothing of it
is. What lies between (killed, full disk, unreachable) is only that somebody may still go on.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from core.engine.history import read_run
from core.errors import TransportError
from core.models.events import Outcome
from core.models.plan import Plan
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.runner.protocol import Task
from tests.storm.clock import virtual
from tests.storm.judge import whole
from tests.storm.memory import connected
from tests.storm.play import LATE_S, Stage
from tests.storm.weather import Weather

T = TypeVar("T")
SERVERS = 2
COMMAND_FAULTS = ("disconnect-before", "disconnect-after", "disconnect-midway", "half-reply", "job-fails")
VERBS = ("discover", "create", "add", "refresh", "remove", "delete", "release")


class PoolModel(RuleBasedStateMachine):
    """Reference: `is_made` (None while a run is open), and whether somebody owned the servers before us."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(
            tempfile.mkdtemp(prefix="model-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        )
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.loop, clock = self.stack.enter_context(virtual())
        self.stage = Stage(Weather(1, "healthy-nfs", SERVERS, ()), self.loop, clock, self.folder)
        self.stack.enter_context(connected(self.stage.fleet))
        spec = PLATFORM.spec_model.model_validate(self.stage.fleet.lab.spec_data())
        assert isinstance(spec, PoolSpec)
        self.spec: PoolSpec = spec
        self.plan: Plan | None = None
        self.before: dict[str, Any] = {}
        self.is_made: bool | None = False
        self.outcome: Outcome | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Some virtual time."""
        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(work)
        finally:
            asyncio.set_event_loop(None)

    @property
    def is_open(self) -> bool:
        """A run was begun and has not ended."""
        return bool(self.stage.run) and self.outcome is None

    @initialize(owned=st.sets(st.sampled_from(range(SERVERS))))
    def somebody_owned_servers_before(self, owned: set[int]) -> None:
        """Those stay owned whatever happens to our run."""
        for number in owned:
            server = list(self.stage.fleet.world.servers.values())[number]
            self.run(self._own(server.address))
        self.run(asyncio.sleep(120))

    async def _own(self, address: str) -> None:
        from core.platforms.oracle_vm.endpoints import manager_endpoint
        from core.platforms.oracle_vm.manager_cli.session import open_manager
        from core.platforms.oracle_vm.spec import AgentAccess

        opening = open_manager(
            manager_endpoint(self.spec), user=self.spec.manager.user, access=self.stage.access()
        )
        async with opening as session:
            await session.write(session.dialect.discover(address, AgentAccess()))

    # the operator ----------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.is_open and not self.is_made)
    @rule()
    def start(self) -> None:
        """Plan anew and apply."""
        before = self.stage.fleet.lab.snapshot()
        try:
            plan = self.run(self.stage.plan(self.spec))
        except TransportError:  # nobody can look: nothing is begun
            assert self.stage.fleet.lab.snapshot() == before
            return
        self.stage.run, self.outcome, self.plan, self.before = "", None, plan, before
        self._process(Task.START)

    @precondition(lambda self: self.is_open)
    @rule()
    def resume(self) -> None:
        self._process(Task.RESUME)

    @precondition(lambda self: self.is_open or self.outcome is Outcome.CREATED)
    @rule()
    def roll_back(self) -> None:
        self._process(Task.ROLLBACK)

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.run(asyncio.sleep(60.0 * minutes))

    # the faults ------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(COMMAND_FAULTS), verb=st.sampled_from(VERBS), after=st.integers(0, 2))
    def a_command_goes_wrong(self, name: str, verb: str, after: int) -> None:
        world = self.stage.fleet.world
        world.fault_hits.pop(name, None)
        world.faults[name] = {"verb": verb, "after": after, "count": 1, "reason": "made to fail"}

    @rule(write=st.integers(1, 120), is_after=st.booleans())
    def the_next_process_dies(self, write: int, is_after: bool) -> None:
        disk = self.stage.disk
        disk.die_at, disk.is_after = disk.writes + write, is_after

    @rule()
    def an_agent_restarts(self) -> None:
        async def restart() -> None:
            self.stage.fleet.restart_agent(next(iter(self.stage.fleet.world.servers)))

        self.run(restart())

    @rule(is_down=st.booleans())
    def manager_is_out_of_reach(self, is_down: bool) -> None:
        (self.stage.fleet.down.add if is_down else self.stage.fleet.down.discard)("manager")

    # what must hold --------------------------------------------------------------------------------------------

    def _process(self, task: Task) -> None:
        assert self.plan is not None
        self.outcome = self.run(self.stage.process(self.spec, self.plan, task))
        if self.outcome is None:
            self.is_made = None
            return
        self.run(asyncio.sleep(LATE_S))  # what Manager still does
        now = read_run(self.stage.paths, self.stage.run)[1]
        left = [residue.what for _, residue in now.residue.values()]
        after = self.stage.fleet.lab.snapshot()
        if self.outcome.stands:  # what could not be looked at is there all the same
            self.is_made = True
            assert not list(whole(self.stage.fleet.lab, self.spec))
        elif self.outcome is Outcome.NEEDS_HUMAN:
            assert left, "needs a human, and names nothing"
            self.is_made = None if after != self.before else False
            self._a_human_helps()
        else:
            self.is_made = False
            assert after == self.before

    def _a_human_helps(self) -> None:
        """In good weather a rollback of the ended run leaves nothing."""
        assert self.plan is not None
        self.stage.heal()
        self.outcome = self.run(self.stage.process(self.spec, self.plan, Task.ROLLBACK))
        assert self.outcome is Outcome.ROLLED_BACK, read_run(self.stage.paths, self.stage.run)[1].residue
        assert self.stage.fleet.lab.snapshot() == self.before
        self.is_made = False

    @invariant()
    def the_world_is_as_the_model_says(self) -> None:
        pools = self.stage.fleet.world.of_type("serverpool")
        if self.is_made is not None:
            assert len(pools) == int(self.is_made)
        assert len(pools) <= 1

    @override
    def teardown(self) -> None:
        try:
            self._to_an_end()
        finally:
            self.run(self.stage.fleet.close())
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.stack.close()

    def _to_an_end(self) -> None:
        """Whatever is still open ends in good weather."""
        self.stage.heal()
        for _ in range(3):
            if not self.is_open:
                return
            self._process(Task.RESUME)
        assert not self.is_open, "it does not end in good weather"


def test_operators_and_faults_against_the_model() -> None:
    run_state_machine_as_test(
        PoolModel,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
