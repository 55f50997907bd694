"""Steps against the lab's Manager over real sockets: done, done again, undone, and what the wire breaks in between."""

from __future__ import annotations

import pytest

from core.engine.step import Seen
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from tests.lab.steps.support import running, undo, walk


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario",
    [
        "healthy-nfs",
        "healthy-lun",
        "healthy-3.2",
        "healthy-3.3",
        "healthy-3.4-no-vip",
        "unclustered",
        "sparc-nfs",
    ],
)
async def test_a_plan_makes_the_pool_and_its_undo_takes_everything_back(scenario: str) -> None:
    async with running(scenario) as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
            assert walked.adopted == []
            pools = run.lab.world.of_type("serverpool")
            assert [pool.name for pool in pools] == [run.spec.pool.name]
            assert all(server.pool for server in run.lab.world.servers.values())
            await undo(world, walked)
        assert [left for left in walked.residue if not left.id.endswith(":storage")] == []
        assert all(undone.certain for undone in walked.undone.values())
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", ["healthy-nfs", "healthy-lun", "healthy-3.2"])
async def test_walking_again_adopts_everything(scenario: str) -> None:
    async with running(scenario) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
            after = run.lab.snapshot()
            again = await walk(world, plan)
        assert again.adopted == [step.id for step in plan.steps], again.why
        assert run.lab.snapshot() == after


@pytest.mark.asyncio
async def test_the_commands_of_the_plan_are_those_that_are_sent() -> None:
    async with running("healthy-nfs") as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
        writes = [line for line in run.sent if line.split(" ")[0] not in ("list", "show", "set")]
        planned = [command for step in plan.steps for command in step.commands]
        assert [line.split(" ")[:2] for line in writes] == [line.split(" ")[:2] for line in planned]
        passwords = run.lab.passwords.values()
        assert not any(password in line for _, line in run.said for password in passwords)


@pytest.mark.asyncio
async def test_every_kind_has_a_step() -> None:
    assert set(STEP_KINDS) == {
        "own_server", "prepare_nfs", "prepare_lun", "create_pool", "join_server", "set_policy",
    }  # fmt: skip
    assert Seen.THERE
