"""Steps against the lab's Manager over real sockets: done, done again, undone, and what the wire breaks in between."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from core.lab.build import poolfs_lun
from core.models.plan import Plan
from core.platforms.oracle_vm.planning import render
from core.platforms.oracle_vm.spec import LunFileSystem
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS
from tests.lab.steps.support import running, undo, walk


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario",
    [
        "healthy-nfs",
        "healthy-lun",
        "healthy-3.2",
        pytest.param("unclustered", marks=pytest.mark.slow),
        pytest.param("healthy-3.3", marks=pytest.mark.slow),
        pytest.param("healthy-3.4-no-vip", marks=pytest.mark.slow),
        pytest.param("sparc-nfs", marks=pytest.mark.slow),
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
@pytest.mark.parametrize("scenario", ["healthy-lun", pytest.param("healthy-3.2", marks=pytest.mark.slow)])
async def test_walking_again_adopts_everything(scenario: str) -> None:
    async with running(scenario) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
            after = run.lab.snapshot()
            again = await walk(world, plan)
        assert again.adopted == [step.id for step in plan.steps], again.why
        assert run.lab.snapshot() == after


def as_sent(planned: str) -> re.Pattern[str]:
    """What a planned line looks like when it is sent: ids that nobody knew before are any id."""
    line = planned.removesuffix("  (UNCONFIRMED form)")
    parts = re.split(r"<id of [^>]*>", line)
    return re.compile(r'"?[A-Za-z0-9][^" ]*"?'.join(map(re.escape, parts)))


EVERYTHING = {
    "description": "all of it", "keymap": "de", "start_policy": "BEST_SERVER", "secure_migration": True,
    "timeout_s": 90, "policy": {"mode": "DRS", "cpu_threshold_pct": 80, "period_min": 5},
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("healthy-nfs", {}), ("healthy-nfs", EVERYTHING), ("healthy-lun", {}), ("healthy-3.2", {}),
        ("healthy-3.3", EVERYTHING),
    ],
)  # fmt: skip
async def test_the_commands_of_the_plan_are_those_that_are_sent(
    scenario: str, settings: dict[str, Any]
) -> None:
    """Word for word, made of the args as they come out of a plan file."""
    async with running(scenario, **settings) as run:
        plan = Plan.model_validate_json((await run.plan()).model_dump_json()).with_lines(render.lines_of)
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
        writes = [line for line in run.sent if line.split(" ")[0] not in ("list", "show", "set")]
        planned = [command for step in plan.steps for command in step.commands]
        assert len(writes) == len(planned)
        assert [
            line for line, told in zip(writes, planned, strict=True) if not as_sent(told).fullmatch(line)
        ] == []
        passwords = run.lab.passwords.values()
        assert not any(password in line for _, line in run.said for password in passwords)


def test_a_kind_is_the_word_of_its_class() -> None:
    assert all(kind.kind == word for word, kind in STEP_KINDS.items())
    assert len(STEP_KINDS) == 9


ISCSI = {"kind": "lun", "transport": "iscsi", "access_host": "203.0.113.240", "chap_user": "chap"}


@pytest.mark.asyncio
async def test_an_iscsi_array_is_made_with_its_chap_password_and_goes_again() -> None:
    scenario = Path(__file__).with_name("iscsi.toml")
    async with running(str(scenario)) as run:
        lun = poolfs_lun(run.lab.world)
        run.spec = run.spec.model_copy(
            update={
                "pool": run.spec.pool.model_copy(
                    update={"file_system": LunFileSystem.model_validate({**ISCSI, "wwid": lun.page83})}
                )
            }
        )
        before = run.lab.snapshot()
        plan = await run.plan()
        shown = "\n".join(command for step in plan.steps for command in step.commands)
        assert 'accessPassword="<CHAP password>"' in shown
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
            assert not any("chap-secret" in line for _, line in run.said)
            await undo(world, walked)
        assert [left for left in walked.residue if not left.id.endswith(":storage")] == []
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", [pytest.param("healthy-nfs", marks=pytest.mark.slow), "healthy-3.3"])
async def test_the_policy_acts_on_every_server(scenario: str) -> None:
    policy = {"mode": "DRS", "cpu_threshold_pct": 80, "period_min": 5}
    async with running(scenario, policy=policy) as run:
        plan = await run.plan()
        assert plan.steps[-1].id == "set_policy:pool"
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        (pool,) = run.lab.world.of_type("serverpool")
        assert (pool.attrs["policy_mode"], sorted(pool.attrs["policy_servers"])) == (
            "DRS",
            ["ovs01", "ovs02"],
        )


@pytest.mark.asyncio
async def test_other_roles_are_set_and_put_back_on_a_server_that_was_ours() -> None:
    async with running("already-owned", roles=("vm",)) as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
            assert walked.adopted == []
            assert run.lab.world.servers["ovs01"].roles == ("xen",)
            await undo(world, walked)
        assert set(run.lab.world.servers["ovs01"].roles) == {"xen", "utility"}
        assert run.lab.snapshot()["servers"]["ovs01"] == before["servers"]["ovs01"]
