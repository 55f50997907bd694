"""An undo looks before it touches: what VMs or repositories live on stays whole, and no command names it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from core.engine.control import Control
from core.engine.journal import Journal
from core.errors import PoolwrightError
from core.lab.fleet import Lab
from core.lab.world import LabObject
from core.models.events import Outcome
from core.paths import StatePaths
from core.platforms.oracle_vm.world import Talk
from tests.lab.steps.support import running, undo, walk
from tests.lab.steps.test_left import executor

REPOSITORY = "0004fb0000030000aa"


def use(lab: Lab, how: str) -> None:
    """Somebody begins to use the pool."""
    first = next(iter(lab.world.servers.values()))
    if how == "vm":
        first.guests.append("0004fb00000600001122334455667788")
        return
    attrs = {"file_system": "", "servers": [first.name]}
    lab.world.objects[REPOSITORY] = LabObject(REPOSITORY, "repository", "repo1", attrs)


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["vm", "repository"])
async def test_what_is_in_use_stays_whole(how: str) -> None:
    async with running() as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert not walked.failed, walked.why
            use(run.lab, how)
            before = run.lab.snapshot()
            run.said.clear()
            await undo(world, walked)
            assert run.lab.snapshot() == before
            harm = [line for line in run.sent if line.split()[0] in ("remove", "delete", "releaseOwnership")]
            assert not [
                line for line in harm if "FileServer" not in line
            ]  # the engine keeps what is built upon
            told = {left.id: left for left in walked.residue}
            assert {"create_pool:pool", f"join_server:{run.spec.servers[0].address}"} <= set(told)
            assert ("VMs" if how == "vm" else "repo1") in told["create_pool:pool"].why
            assert told["create_pool:pool"].commands == ()


@pytest.mark.asyncio
async def test_a_rollback_tells_no_command_for_what_stands_below_either(tmp_path: Path) -> None:
    """Use began after the run's guard had looked: the pool, its servers and its storage stay, and are told so."""
    async with running() as run:
        plan = await run.plan()
        with closing(Journal.create(StatePaths.of(tmp_path / "state"), plan, spec={})) as journal:
            async with run.world(plan) as world:
                assert await executor(journal, world, run, plan, Control()).run() is Outcome.CREATED
                use(run.lab, "vm")
                before = run.lab.snapshot()
                outcome = await executor(journal, world, run, plan, Control()).roll_back("asked for")
            assert outcome is Outcome.NEEDS_HUMAN
            assert run.lab.snapshot() == before
            left = dict(journal.now.residue.values())
            assert set(left) == {step.id for step in plan.steps if step.kind != "set_policy"}
            assert [one for one in left.values() if not one.is_in_use or one.commands] == []


@pytest.mark.asyncio
async def test_a_list_that_cannot_be_read_is_no_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            before = run.lab.snapshot()
            asked = Talk.list

            async def busy(self: Talk, type_: str, *, quiet: bool = False) -> object:
                if type_ == "Repository":
                    raise PoolwrightError("Manager is busy")
                return await asked(self, type_, quiet=quiet)

            monkeypatch.setattr(Talk, "list", busy)
            joined = next(one for one in reversed(walked.done) if one[0].kind == "join_server")
            with pytest.raises(
                PoolwrightError, match="busy"
            ):  # the engine tries again, then tells it as left
                await joined[0].undo(world, joined[1])
            assert run.lab.snapshot() == before
