"""The sessions of a run: side by side when asked for, jobs told while they run, refusals in Manager's words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core.engine.step import Seen
from core.errors import LoginRefused, StepError
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.trust import TrustStore
from tests.lab.steps.support import LIMITS, running, undo, walk

SLOW_S = 1500.0  # simulated; Manager ends a session after 1800 without traffic
EAGER = replace(LIMITS, manager_poll_s=0.005)


@pytest.mark.asyncio
async def test_two_sessions_discover_side_by_side() -> None:
    async with running("healthy-nfs", servers=3) as run:
        manager = run.spec.manager.model_copy(update={"sessions": 2})
        run.spec = run.spec.model_copy(update={"manager": manager})
        plan = await run.plan()
        run.lab.world.faults["slow-command"] = {
            "verb": "discoverServer",
            "seconds": SLOW_S,
        }
        async with run.world(plan) as world:
            steps = [STEP_KINDS[one.kind](one) for one in plan.steps if one.kind == "own_server"]
            records = await asyncio.gather(*(step.do(world) for step in steps))
            looks = [await step.verify(world, record) for step, record in zip(steps, records, strict=True)]
        assert [look.seen for look in looks] == [Seen.THERE] * 3
        assert run.sent.count("set OutputMode=Verbose") <= 3  # two to work, one to watch
        assert run.sent.count("set OutputMode=Verbose") >= 2


@pytest.mark.asyncio
async def test_jobs_are_told_while_a_command_runs() -> None:
    async with running("unclustered", servers=1, limits=EAGER) as run:
        plan = await run.plan()
        run.lab.world.faults["slow-command"] = {"verb": "create", "seconds": SLOW_S}
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        assert any(step == "create_pool:pool" and line.startswith("job ") for step, line in run.said)


@pytest.mark.asyncio
async def test_a_refused_discovery_names_the_server_and_leaves_nothing() -> None:
    async with running("healthy-nfs") as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        run.lab.world.servers["ovs02"].password = "another"
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "own_server:203.0.113.12"
            assert "203.0.113.12" in walked.why
            assert "agent password" in walked.why
            await undo(world, walked)
        assert walked.residue == []
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
async def test_a_wrong_manager_password_is_tried_once() -> None:
    async with running("healthy-nfs", servers=1) as run:
        plan = await run.plan()
        run.access = Access(TrustStore(None), Secrets({"manager": "wrong-one", "agent": "x"}), LIMITS)
        for _ in range(2):
            with pytest.raises(LoginRefused):
                async with run.world(plan):
                    pass


@pytest.mark.asyncio
async def test_a_hanging_command_ends_in_time_and_is_read_back() -> None:
    limits = replace(LIMITS, manager_command_s=1.0, manager_settle_s=0.3)
    async with running("unclustered", servers=1, limits=limits) as run:
        plan = await run.plan()
        run.lab.world.faults["hang-command"] = {"verb": "create", "type": "ServerPool", "count": 1}
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        assert any("no answer within 1 s" in line for _, line in run.said)


@pytest.mark.asyncio
async def test_two_pools_of_one_name_are_not_guessed_at() -> None:
    async with running("unclustered", servers=1) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
            (pool,) = run.lab.world.of_type("serverpool")
            twin = replace(pool, id="0004fb0000020000ffffffffffffffff", attrs=dict(pool.attrs))
            run.lab.world.objects[twin.id] = twin
            world.records.clear()
            step = STEP_KINDS["join_server"](plan.steps[-1])
            with pytest.raises(StepError, match="2 pools have that name"):
                await step.look(world)
