"""What earlier failures left: found through all planes, printed, and ended as far as Manager can end it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import RunnerError
from core.lab.fleet import Lab
from core.models.plan import Plan
from core.models.views import RunView
from core.secrets import Secrets
from core.service import Service
from tests.whole.job import SPEED, whole_job

pytestmark = pytest.mark.timeout(1200)  # runners in processes of their own, on a machine that may be busy


@asynccontextmanager
async def found(scenario: str, folder: Path) -> AsyncIterator[tuple[Lab, Service, Plan]]:
    """A lab with left-overs, and the plan that ends them."""
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        service = Service(folder / "state")
        lab.write_ready(folder / "ready.json")
        spec = service.load(folder / "ready.json.spec.yaml")
        service.trust(await service.identities(spec, Secrets(lab.passwords)))
        yield lab, service, service.sweep_plan(spec, await service.check(spec, Secrets(lab.passwords)))


async def run(lab: Lab, service: Service, plan: Plan, folder: Path) -> RunView:
    spec = service.load(folder / "ready.json.spec.yaml")
    started = await service.start(spec, plan, Secrets(lab.passwords))
    async for _event in service.follow(started):
        pass
    return service.show(started)


@pytest.mark.asyncio
async def test_a_half_made_pool_is_ended_by_manager_alone(tmp_path: Path) -> None:
    async with found("sweep-half-made", tmp_path) as (lab, service, plan):
        assert [step.kind for step in plan.steps] == ["sweep_member", "sweep_pool", *["sweep_server"] * 3]
        view = await run(lab, service, plan, tmp_path)
        assert view.outcome == "cleaned", view
        assert not lab.world.of_type("serverpool")
        servers = lab.world.servers.values()
        assert not any(server.owner or server.is_known or server.pool for server in servers)
        with pytest.raises(RunnerError, match="a sweep is not taken back"):
            await service.rollback(view.run, Secrets(lab.passwords))


@pytest.mark.asyncio
async def test_traces_on_servers_and_storage_are_printed_and_never_touched(tmp_path: Path) -> None:
    async with found("sweep-traces", tmp_path) as (lab, _service, plan):
        before = lab.snapshot()
        assert plan.steps == ()
        told = {one.id.split(":")[0] for one in plan.by_hand}
        assert told == {"agent_db", "cluster", "vip", "storage"}
        assert all(one.commands for one in plan.by_hand)
        assert any('"ip addr del 203.0.113.10/24 dev cb007100"' in one.commands[0] for one in plan.by_hand)
        assert lab.snapshot() == before


@pytest.mark.asyncio
async def test_what_manager_cannot_end_is_left_to_a_person_with_the_commands(tmp_path: Path) -> None:
    async with found("sweep-mixed", tmp_path) as (lab, service, plan):
        lab.world.switches.leaves_pool_fs = True
        view = await run(lab, service, plan, tmp_path)
        assert view.outcome == "needs_human", view
        assert {left.where for left in view.residue} == {"203.0.113.13", "nas01.lab.example:/export/poolfs"}
        assert all(left.commands for left in view.residue)
        assert not lab.world.of_type("serverpool")
        assert lab.world.servers["ovs03"].cluster
        assert all(export.files for nas in lab.world.nas.values() for export in nas.exports[:1])


@pytest.mark.asyncio
async def test_a_pool_that_stays_keeps_its_servers(tmp_path: Path) -> None:
    async with found("sweep-half-made", tmp_path) as (lab, service, plan):
        lab.world.faults["job-fails"] = {"verb": "delete", "type": "ServerPool"}
        view = await run(lab, service, plan, tmp_path)
        assert view.outcome == "needs_human", view
        states = {step.id: step.state.value for step in view.steps}
        assert states["sweep_member:203.0.113.11"] == "done"
        assert {states[f"sweep_server:203.0.113.{last}"] for last in (11, 12, 13)} == {"skipped"}
        assert any("delete the half-made pool" in left.what for left in view.residue)
        assert lab.world.of_type("serverpool")


@pytest.mark.asyncio
async def test_nothing_is_found_on_a_healthy_fleet(tmp_path: Path) -> None:
    async with found("healthy-nfs", tmp_path) as (_lab, _service, plan):
        assert (plan.steps, plan.by_hand, plan.warnings) == ((), (), ())


@pytest.mark.asyncio
async def test_the_command_changes_nothing_without_the_pools_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    async with found("sweep-half-made", tmp_path) as (lab, _service, _plan):
        secrets = tmp_path / "secrets"
        secrets.write_text("".join(f"{name}: {value}\n" for name, value in lab.passwords.items()))
        secrets.chmod(0o600)
        spec, state = str(tmp_path / "ready.json.spec.yaml"), str(tmp_path / "state")
        words = ["sweep", spec, "--state-dir", state, "--password-file", str(secrets), "--json"]
        before = lab.snapshot()
        assert await asyncio.to_thread(main, words) == 2
        assert await asyncio.to_thread(main, [*words, "--yes", "pool2"]) == 2
        assert lab.snapshot() == before
        capsys.readouterr()
        assert await asyncio.to_thread(main, [*words, "--yes", "pool1"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["run"]["outcome"] == "cleaned"
        assert not lab.world.of_type("serverpool")


@pytest.mark.asyncio
async def test_what_our_own_run_left_is_ended_by_its_journal(tmp_path: Path) -> None:
    """The first server cannot join, and Manager does not delete the pool: the run names what it left, by id."""
    async with Lab.from_scenario("healthy-nfs", servers=3, speed=SPEED) as lab:
        before = lab.snapshot()
        lab.world.faults["create-fails"] = {}
        lab.world.faults["job-fails"] = {"verb": "delete", "type": "ServerPool"}
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "needs_human", job.view
        assert job.view is not None
        (pool,) = lab.world.of_type("serverpool")
        assert [left.objects for left in job.view.residue if left.objects] == [(pool.id,)]
        lab.world.faults.clear()
        service = Service(tmp_path / "state")
        spec = service.load(tmp_path / "ready.json.spec.yaml")
        service.trust(await service.identities(spec, Secrets(lab.passwords)))
        plan = service.sweep_plan(spec, await service.check(spec, Secrets(lab.passwords)))
        assert [step.kind for step in plan.steps] == ["sweep_pool"], plan.warnings  # its servers were let go
        assert {step.args["left_by"] for step in plan.steps} == {job.view.run}
        view = await run(lab, service, plan, tmp_path)
        assert view.outcome == "cleaned", view
        after = lab.snapshot()
        assert after["servers"] == before["servers"]
        assert not lab.world.of_type("serverpool")
