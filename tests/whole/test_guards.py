"""Around a run: how the world was, drift, what a release leaves, and an ended run that is taken back or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.engine.journal import read_run
from core.errors import ApprovalError, DriftError
from core.lab.fleet import Lab
from core.models.plan import Plan
from core.models.spec import BaseSpec
from core.models.views import RunView
from core.secrets import Secrets
from core.service import Checked, Service
from tests.whole.job import SPEED

pytestmark = pytest.mark.timeout(1200)  # runners in processes of their own, on a machine that may be busy


@dataclass
class Ready:
    """A lab that was looked at, and a plan for it."""

    lab: Lab
    service: Service
    spec: BaseSpec
    secrets: Secrets
    checked: Checked
    plan: Plan

    async def run(self) -> RunView:
        """Start and follow to the end."""
        run = await self.service.start(self.spec, self.plan, self.secrets)
        return await self.follow(run)

    async def follow(self, run: str, since: int = 0) -> RunView:
        async for _event in self.service.follow(run, since):
            pass
        return self.service.show(run)

    async def rollback(self, view: RunView) -> RunView:
        return await self.follow(await self.service.rollback(view.run, self.secrets), view.last_seq)

    def notes(self, run: str) -> list[str]:
        """What the journal noted."""
        from contextlib import closing

        from core.engine.history import JournalReader

        with closing(JournalReader(self.service.paths, run)) as reader:
            return [event.text for event in reader.events(0, 5000) if event.kind.value == "note"]


@asynccontextmanager
async def ready(
    folder: Path, scenario: str = "healthy-nfs", servers: int = 2, **change: Any
) -> AsyncIterator[Ready]:
    lab = Lab.from_scenario(scenario, servers=servers, speed=SPEED)
    for server in lab.world.servers.values():
        for name, value in change.items():
            setattr(server, name, value)
    async with lab:
        service = Service(folder / "state")
        lab.write_ready(folder / "ready.json")
        spec = service.load(folder / "ready.json.spec.yaml")
        secrets = Secrets(lab.passwords)
        service.trust(await service.identities(spec, secrets))
        checked = await service.check(spec, secrets)
        verdicts = service.judge(spec, checked)
        assert verdicts.may_apply, verdicts
        yield Ready(lab, service, spec, secrets, checked, service.plan(spec, checked))


@pytest.mark.asyncio
async def test_an_ended_run_is_taken_back_and_all_is_as_it_was(tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        before = job.lab.snapshot()
        made = await job.run()
        assert made.outcome == "created", made.message
        undone = await job.rollback(made)
        assert undone.outcome == "rolled_back", undone.residue
        assert job.lab.snapshot() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("use", ["guest", "repository", "offline", "stranger"])
async def test_a_pool_in_use_is_not_taken_back(use: str, tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        made = await job.run()
        assert made.outcome == "created", made.message
        words = _use(job.lab, use)
        before = job.lab.snapshot()
        kept = await job.rollback(made)
        assert kept.outcome == "created"
        assert words in job.notes(made.run)[-1]
        assert "nothing was changed" in job.notes(made.run)[-1]
        assert job.lab.snapshot() == before


def _use(lab: Lab, use: str) -> str:
    """Bring the pool into use; words that the refusal must hold."""
    world = lab.world
    first, second = world.servers.values()
    if use == "guest":
        second.guests.append("0004fb00000600001122334455667788")
        return "VMs live in it"
    if use == "repository":
        from core.lab.world import LabObject

        attrs = {
            "file_system": "",
            "servers": [first.name],
        }  # Manager tells whose it is by where it is presented
        world.objects["0004fb0000030000aa"] = LabObject("0004fb0000030000aa", "repository", "repo1", attrs)
        return "repositories live in it: repo1"
    if use == "offline":
        second.run_state = "STOPPED"
        return "R117"
    pool = world.of_type("serverpool")[0]
    stranger = lab.world.servers["ovs02"]
    from copy import deepcopy

    other = deepcopy(stranger)
    other.name, other.address, other.uuid = "ovs99", "203.0.113.99", "99" + stranger.uuid[2:]
    world.servers["ovs99"] = other
    pool.attrs["servers"].append("ovs99")
    return "did not bring"


@pytest.mark.asyncio
async def test_time_sources_that_a_release_leaves_are_told_before_and_after(tmp_path: Path) -> None:
    change = {"ntp_servers": ("127.127.1.0",)}
    async with ready(tmp_path, "healthy-nfs", 3, **change) as job:
        notes = [step.undo_note for step in job.plan.steps if step.kind == "own_server"]
        assert all("a release does not" in note and "ntp.conf" in note for note in notes)
        job.lab.world.faults["join-fails"] = {"server": "ovs03"}
        view = await job.run()
        assert view.outcome == "needs_human"
        changed = {left.where: left for left in view.residue}
        assert set(changed) == {f"203.0.113.{n} (NTP)" for n in (11, 12, 13)}
        one = changed["203.0.113.11 (NTP)"]
        assert one.id == "changed:server:203.0.113.11:NTP"
        assert "was own clock only, is 203.0.113.250" in one.why
        assert "server 127.127.1.0" in one.commands[0]


@pytest.mark.asyncio
async def test_what_nobody_can_read_after_a_rollback_is_not_clean(tmp_path: Path) -> None:
    async with ready(tmp_path, "healthy-nfs", 3) as job:
        job.lab.world.faults["join-fails"] = {"server": "ovs03"}
        run = await job.service.start(job.spec, job.plan, job.secrets)
        async for event in job.service.follow(run):
            if event.state == "rolling_back":
                job.lab.world.faults["ssh-down"] = {"server": "ovs02"}
        view = job.service.show(run)
        assert view.outcome == "needs_human", view.residue
        assert any(left.id == "unknown:server:203.0.113.12:network_metadata" for left in view.residue)


@pytest.mark.asyncio
async def test_drift_is_named_by_the_front_end_and_by_the_runner(tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        job.service.require_fit(job.spec, job.plan, job.checked)
        job.lab.world.servers["ovs02"].owner = "0004fb0000010000ffeeddccbbaa9988"
        before = job.lab.snapshot()
        checked = await job.service.check(job.spec, job.secrets)
        with pytest.raises(DriftError, match=r"owner of 203\.0\.113\.12: was nobody, is 0004fb") as caught:
            job.service.require_fit(job.spec, job.plan, checked)
        assert caught.value.exit_code == 1
        view = await job.run()
        assert view.outcome == "refused"
        assert "owner of 203.0.113.12: was nobody, is 0004fb" in view.message
        assert job.lab.snapshot() == before


@pytest.mark.asyncio
async def test_another_pool_description_is_drift_too(tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        other = job.service.parse(
            {
                **job.spec.model_dump(mode="json"),
                "pool": {**job.spec.model_dump(mode="json")["pool"], "timeout_s": 90},
            }
        )
        with pytest.raises(DriftError, match="not the one that was planned"):
            job.service.require_fit(other, job.plan, job.checked)


@pytest.mark.asyncio
async def test_two_person_mode_asks_the_runner_itself(tmp_path: Path) -> None:
    from core.runner.approvals import approve

    folder = tmp_path / "approvals"
    folder.mkdir()
    async with ready(tmp_path) as job:
        job.service.approvals = folder
        with pytest.raises(Exception, match="nobody else approved it"):
            await job.run()
        approve(job.plan, folder)
        with pytest.raises(Exception, match="a second user is needed"):
            await job.run()
        assert job.service.runs() == []
        assert ApprovalError.exit_code == 1


@pytest.mark.asyncio
async def test_the_fingerprint_is_in_the_journal_before_the_first_step(tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        view = await job.run()
        _, now = read_run(job.service.paths, view.run)
        taken = now.fingerprint
        assert taken is not None
        keys = {item.key for item in taken.items}
        for what in ("owner", "pool", "cluster", "mounts", "virtual_IP", "NTP", "roles", "network_metadata"):
            assert f"server:203.0.113.11:{what}" in keys
        assert "file_server:nas01.lab.example" in keys
        assert "storage:nas01.lab.example:/export/poolfs" in keys
        assert any("jobs" in words for words in taken.left_out)


@pytest.mark.asyncio
async def test_an_undo_that_was_refused_once_is_tried_again(tmp_path: Path) -> None:
    async with ready(tmp_path, servers=3) as job:
        before = job.lab.snapshot()
        job.lab.world.faults["join-fails"] = {"server": "ovs03"}
        job.lab.world.faults["job-fails"] = {"verb": "delete", "type": "ServerPool", "count": 1}
        view = await job.run()
        assert view.outcome == "rolled_back", view.residue
        assert job.lab.snapshot() == before


@pytest.mark.slow
@pytest.mark.asyncio
async def test_an_undo_that_is_always_refused_leaves_the_exact_commands(tmp_path: Path) -> None:
    async with ready(tmp_path, servers=3) as job:
        job.lab.world.faults["join-fails"] = {"server": "ovs03"}
        job.lab.world.faults["job-fails"] = {"verb": "delete", "type": "ServerPool"}
        view = await job.run()
        assert view.outcome == "needs_human"
        (pool,) = job.lab.world.of_type("serverpool")
        told = [left for left in view.residue if left.commands == (f"delete ServerPool id={pool.id}",)]
        assert len(told) == 1
