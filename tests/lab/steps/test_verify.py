"""The verification of a finished pool, and whole runs by the engine, against the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.executor import Executor
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.models.events import Outcome, RunEvent, StepState, Verified
from core.paths import StatePaths
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from core.platforms.oracle_vm.verify import verify_pool
from core.platforms.oracle_vm.verifying import titles
from tests.lab.steps.support import IMPATIENT, Run, running, walk

QUICK = EngineLimits(read_attempts=2, undo_attempts=2, retry_delay_s=0.01)


async def verified(run: Run) -> dict[str, Verified]:
    plan = await run.plan()
    async with run.world(plan) as world:
        walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        items = await verify_pool(world, run.spec, plan)
    assert len({item.id for item in items}) == len(items)
    return {item.id: item for item in items}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario",
    [
        "healthy-nfs",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("unclustered", "healthy-3.2", "healthy-3.4-no-vip")
        ),
    ],
)
async def test_without_a_login_to_the_servers_at_least_six_items_hold(scenario: str) -> None:
    async with running(scenario) as run:
        items = await verified(run)
        plan = await run.plan()
    holding = [item for item in items.values() if item.holds is True]
    assert len(holding) >= 6
    assert not any(item.holds is False for item in items.values())
    named = {item.id: item.title for item in plan.unobservable}
    unseen = {item.id: item.title for item in items.values() if item.holds is None and item.is_essential}
    assert unseen.items() <= named.items(), "what the plan did not name was not seen"
    if run.spec.pool.clustered:
        assert items["cluster.threshold"].holds is None
        assert "no SSH login" in items["cluster.threshold"].detail


@pytest.mark.asyncio
async def test_with_a_login_the_cluster_is_seen_on_every_server() -> None:
    async with running("healthy-nfs", ssh=True) as run:
        items = await verified(run)
    assert {id_ for id_, item in items.items() if item.holds is not True} <= {"agents.membership"}
    assert items["pool.vip_holder"].detail == "on 203.0.113.11"
    assert items["cluster.threshold"].detail == "61"
    assert items["agent.password"].detail.startswith("refused by")


@pytest.mark.asyncio
async def test_the_virtual_ip_is_found_on_a_control_domain() -> None:
    async with running("sparc-nfs", ssh=True) as run:
        items = await verified(run)
    assert items["pool.vip_holder"].detail == "on 203.0.113.11"
    assert (items["cluster.online"].holds, items["cluster.online"].is_essential) == (None, False)


@pytest.mark.asyncio
async def test_a_password_that_is_still_accepted_is_told_and_used() -> None:
    async with running("healthy-nfs", switches={"password_after_ownership": True}) as run:
        items = await verified(run)
    assert items["agent.password"].detail == "still accepted by 203.0.113.11, 203.0.113.12"
    assert items["agents.membership"].holds is True
    assert items["cluster.online"].holds is True


@pytest.mark.asyncio
async def test_what_is_broken_afterwards_does_not_hold() -> None:
    async with running("healthy-nfs", ssh=True, limits=IMPATIENT) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
            first, second = run.lab.world.servers.values()
            second.cluster_timeout_s = 60
            second.mounts = []
            second.has_vip = True
            second.pool_vip = first.pool_vip
            items = {item.id: item for item in await verify_pool(world, run.spec, plan)}
    assert [id_ for id_, item in items.items() if item.holds is False] == [
        "pool.vip_holder",
        "cluster.threshold",
        "cluster.mounted",
    ]
    assert "203.0.113.12" in items["cluster.mounted"].detail
    assert items["agent.password"].detail.startswith("refused by 203.0.113.11, 203.0.113.12")


@pytest.mark.asyncio
async def test_a_pool_that_vanished_does_not_hold() -> None:
    async with running("healthy-nfs", limits=IMPATIENT) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            (item,) = await verify_pool(world, run.spec, plan)
    assert (item.id, item.holds) == ("pool.exists", False)


class Blackout:
    """Takes every channel of the servers' SSH away once a step is done, right before the verification."""

    def __init__(self, run: Run, step: str) -> None:
        self.run, self.step = run, step

    def __call__(self, event: RunEvent) -> None:
        if (event.step, event.state) == (self.step, StepState.DONE):
            self.run.lab.world.faults["ssh-no-exec"] = {}


@pytest.mark.asyncio
async def test_a_login_that_dies_during_the_run_leaves_the_pool_unverified_until_a_later_look(
    tmp_path: Path,
) -> None:
    async with running("healthy-nfs", ssh=True, limits=IMPATIENT) as run:
        plan = await run.plan()
        assert [item.id for item in plan.unobservable] == ["agents.membership"]
        journal = Journal.create(StatePaths(tmp_path), plan, spec={}, secrets=run.access.secrets.values())
        journal.subscribe(Blackout(run, plan.steps[-1].id))
        steps = {step.id: STEP_KINDS[step.kind](step) for step in plan.steps}
        async with run.world(plan) as world:
            executor = Executor(
                journal, steps, world, lambda: verify_pool(world, run.spec, plan), limits=QUICK
            )
            assert await executor.run() is Outcome.CREATED_UNVERIFIED
        assert journal.now.message.startswith(f"Created, not verified: {titles.VIP_HOLDER}: ")
        unseen = [id_ for id_, item in journal.now.verification.items() if item.holds is None]
        assert {"pool.vip_holder", "cluster.threshold", "cluster.conf", "cluster.mounted"} <= set(unseen)
        assert len(run.lab.world.of_type("serverpool")) == 1
        run.lab.world.faults.clear()
        async with run.world(plan) as world:
            executor = Executor(
                journal, steps, world, lambda: verify_pool(world, run.spec, plan), limits=QUICK
            )
            assert await executor.verify_again() is Outcome.CREATED
        assert journal.now.message == (
            f"Created. {len(journal.now.verification) - 1} of {len(journal.now.verification)}"
            " verifications passed, 1 could not be checked."
        )
        journal.close()


async def execute(run: Run, folder: Path) -> tuple[Outcome, Journal]:
    plan = await run.plan()
    journal = Journal.create(StatePaths(folder), plan, spec={}, secrets=run.access.secrets.values())
    steps = {step.id: STEP_KINDS[step.kind](step) for step in plan.steps}
    async with run.world(plan) as world:
        executor = Executor(journal, steps, world, lambda: verify_pool(world, run.spec, plan), limits=QUICK)
        outcome = await executor.run()
    journal.close()
    return outcome, journal


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("healthy-lun", Outcome.CREATED),
        pytest.param("join-fails", Outcome.ROLLED_BACK, marks=pytest.mark.slow),
        ("create-fails", Outcome.ROLLED_BACK),
        pytest.param("create-fails-dirty", Outcome.NEEDS_HUMAN, marks=pytest.mark.slow),
        ("join-fails-dirty", Outcome.NEEDS_HUMAN),
    ],
)
async def test_the_engine_ends_as_the_scenario_expects(
    scenario: str, expected: Outcome, tmp_path: Path
) -> None:
    async with running(scenario, servers=3, ssh=True, limits=IMPATIENT) as run:
        before = run.lab.snapshot()
        outcome, journal = await execute(run, tmp_path)
        after = run.lab.snapshot()
    assert outcome is expected, journal.now.message
    residue = [left for _, left in journal.now.residue.values()]
    if expected is Outcome.ROLLED_BACK:
        assert after == before
        assert not residue
    if expected is Outcome.NEEDS_HUMAN:
        (left,) = residue
        storage = run.spec.pool.file_system
        assert storage is not None
        assert (storage.export if storage.kind == "nfs" else storage.wwid) in left.where
        assert left.commands
        assert {**after, "luns": 0, "exports": 0} == {**before, "luns": 0, "exports": 0}
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())  # noqa: ASYNC240
    assert written
    assert not any(secret.encode() in written for secret in run.lab.passwords.values())
