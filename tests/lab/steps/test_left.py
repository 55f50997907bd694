"""What a run leaves is told with commands that a person can type as they stand; none ends what is in use.

Typed in their order they harm nothing, and a rollback of the run then ends what they had to leave.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.checks.fixes import DESTROYS
from core.engine.control import Control, Wish
from core.engine.executor import Executor
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.errors import ReplyLost
from core.models.events import EventKind, Outcome, RunEvent, StepState
from core.models.plan import Plan
from core.paths import StatePaths
from core.platforms.oracle_vm.endpoints import manager_endpoint
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.session import open_manager
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.world import OvmWorld
from tests.lab.steps.support import IMPATIENT, TIMING, Run, running


class Killed(BaseException):
    """The process is dead: nobody handles this."""


ONCE = EngineLimits(read_attempts=1, undo_attempts=1, retry_delay_s=0)


def executor(journal: Journal, world: OvmWorld, run: Run, plan: Plan, control: Control) -> Executor:
    steps = {step.id: PLATFORM.step_kinds[step.kind](step) for step in plan.steps}
    return Executor(
        journal, steps, world, lambda: PLATFORM.verify(world, run.spec, plan), control=control, limits=ONCE
    )


async def left_at(run: Run, folder: Path, step: str, state: StepState) -> list[str]:
    """Run until a step reaches a state, then leave everything as it stands: the commands that are told, in order."""
    plan, control = await run.plan(), Control()
    journal = Journal.create(StatePaths.of(folder / "state"), plan, spec={})

    def leave(event: RunEvent) -> None:
        if (event.kind, event.step, event.state) == (EventKind.STEP_STATE, step, state):
            control.ask(Wish.LEAVE)

    journal.subscribe(leave)
    async with run.world(plan) as world:
        outcome = await executor(journal, world, run, plan, control).run()
    assert outcome is Outcome.NEEDS_HUMAN
    told = [line for _, left in journal.now.residue.values() for line in left.commands]
    journal.close()
    return told


async def roll_back(run: Run, folder: Path) -> None:
    """Take the run back that was left."""
    (name,) = [path.parent.name for path in (folder / "state").glob("runs/*/journal.db")]
    journal = Journal.open(StatePaths.of(folder / "state"), name)
    async with run.world(journal.head.plan) as world:
        outcome = await executor(journal, world, run, journal.head.plan, Control()).roll_back("asked for")
    left = dict(journal.now.residue)
    journal.close()
    assert outcome is Outcome.NEEDS_HUMAN  # there is no SSH here, so nobody can look at the storage
    assert {one.id for _, one in left.values()} == {"create_pool:pool:storage"}, left
    assert ending([line for _, one in left.values() for line in one.commands]) == []


def ending(lines: list[str]) -> list[str]:
    """Those lines that end something."""
    return [line for line in lines if not line.startswith("#") and DESTROYS.search(line.partition("#")[0])]


async def type_them(run: Run, lines: list[str]) -> None:
    """As a person does it, who reads the remarks and types the rest."""
    opening = open_manager(
        manager_endpoint(run.spec), user=run.spec.manager.user, access=run.access, timing=TIMING
    )
    async with opening as session:
        for line in lines:
            command = line.partition("#")[0].strip()
            if not command:
                continue
            await session.write(Command((command,), is_write=not command.startswith(("list", "show"))))


def is_exact(line: str) -> bool:
    return not any(mark in line for mark in ("<", ">", "\u27e8", "UNCONFIRMED"))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("release", "step"),
    [("3.4", "create_pool:pool"), ("3.4", "join_server:{}"), ("3.2", "prepare_nfs:pool"), ("3.2", "join_server:{}")],
)  # fmt: skip
async def test_what_was_left_on_purpose_ends_with_the_printed_commands(
    release: str, step: str, tmp_path: Path
) -> None:
    scenario = {"3.4": "healthy-nfs", "3.2": "healthy-3.2"}[release]
    async with running(scenario, servers=2) as run:
        before = run.lab.snapshot()
        last = step.format(run.spec.master_first[-1])
        told = await left_at(run, tmp_path, last, StepState.DONE)
        assert told
        assert all(is_exact(line) for line in told)
        assert run.lab.snapshot() != before
        joined = step.startswith("join")
        assert not [line for line in ending(told) if joined and not line.startswith("remove Server ")], told
        assert ending(told)
        await type_them(run, told)
        assert (run.lab.snapshot() == before) != joined  # what had servers in it was held back
        if joined:
            await roll_back(run, tmp_path)
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("step", ["own_server:{}", "prepare_nfs:pool", "create_pool:pool", "join_server:{}"])
async def test_a_step_that_died_before_its_record_is_looked_up(step: str, tmp_path: Path) -> None:
    """Its intent is on disk, its effect is there, its ids are known to Manager alone."""
    async with running("healthy-nfs", servers=2) as run:
        before = run.lab.snapshot()
        wanted = step.format(run.spec.master_first[0])
        folder, plan = tmp_path / "state", await run.plan()
        journal = Journal.create(StatePaths.of(folder), plan, spec={})
        async with run.world(plan) as world:
            steps = {one.id: PLATFORM.step_kinds[one.kind](one) for one in plan.steps}
            dying = steps[wanted]
            do = dying.do

            async def die(one: OvmWorld) -> dict[str, Any]:
                await do(one)
                raise Killed

            dying.do = die  # type: ignore[method-assign, assignment]
            with pytest.raises(Killed):
                await Executor(journal, steps, world, list, limits=ONCE).run()  # type: ignore[arg-type]
        journal.close()
        journal = Journal.open(StatePaths.of(folder), journal.head.run)
        control = Control()
        control.ask(Wish.LEAVE)
        async with run.world(plan) as world:
            assert await executor(journal, world, run, plan, control).run() is Outcome.NEEDS_HUMAN
        told = [line for _, left in journal.now.residue.values() for line in left.commands]
        journal.close()
        assert all(is_exact(line) for line in told), told
        await type_them(run, told)
        if wanted.startswith("join"):
            await roll_back(run, tmp_path)
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
async def test_nobody_to_ask_gives_no_command_that_ends_anything(tmp_path: Path) -> None:
    """Manager does not answer any more: nobody knows who uses what was made, so it is only listed."""
    async with running("healthy-nfs", servers=2, limits=IMPATIENT) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            world.talk = _silent(world)  # type: ignore[method-assign, assignment]
            told = {}
            for planned in plan.steps:
                step = PLATFORM.step_kinds[planned.kind](planned)
                record = {"known_before": False, "existed": False, "was_free": True}
                told[planned.kind] = await step.commands_left(world, record)
    lines = [line for each in told.values() for line in each]
    assert ending(lines) == []
    assert all(is_exact(line) for line in lines), told
    for kind in ("own_server", "prepare_nfs", "create_pool", "join_server"):
        assert any("Manager cannot be asked" in line for line in told[kind]), told
    assert told["create_pool"][0].startswith("list ServerPool")


def _silent(world: OvmWorld) -> Callable[[str], Any]:
    real = world.talk

    def talk(step: str) -> Any:
        one = real(step)

        async def lost(*_: object, **__: object) -> Any:
            raise ReplyLost("Manager", "manager", "list", "not connected", may_have_run=False)

        one.list = one.show = lost  # type: ignore[method-assign]
        return one

    return talk
