"""Every scenario from its spec to its end: what is made is verified, what is refused or rolled back left nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.models.results import Verdict
from tests.whole.job import SPEED, whole_job

CREATED = [
    "healthy-nfs", "healthy-lun", "healthy-3.2", "healthy-3.3", "healthy-3.4-no-vip", "unclustered", "sparc-nfs",
    "already-owned", "mixed-cpu",
]  # fmt: skip
REFUSED = {
    "wrong-password": "R009", "owned-elsewhere": "R004", "vip-taken": "R010", "sparc-lun": "R124",
    "mixed-vendor": "R028", "mixed-arch": "R036", "own-ignored": "R004",
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", CREATED)
async def test_a_pool_is_created_and_verified(scenario: str, tmp_path: Path) -> None:
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "created", (job.stopped, job.view)
        assert job.view is not None
        assert len(job.view.verification) >= 6
        assert all(item.holds is not False for item in job.view.verification if item.is_essential)
        assert not job.view.residue
        pools = lab.world.of_type("serverpool")
        assert [pool.name for pool in pools] == [job.view.pool]
        assert {server.pool for server in lab.world.servers.values()} == {pools[0].id}
        assert sum(server.is_master for server in lab.world.servers.values()) == 1


@pytest.mark.asyncio
async def test_one_vendor_and_two_models_warn_before_the_pool_is_made(tmp_path: Path) -> None:
    async with Lab.from_scenario("mixed-cpu", servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        warned = {
            rule for result in job.checked.results if result.verdict is Verdict.WARN for rule in result.rules
        }
        assert "R029" in warned


@pytest.mark.asyncio
@pytest.mark.parametrize(("scenario", "rule"), REFUSED.items())
async def test_what_cannot_work_is_refused_and_nothing_is_changed(
    scenario: str, rule: str, tmp_path: Path
) -> None:
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "refused"
        hits = [result for result in job.stopped if rule in result.rules]
        assert hits, [(result.id, result.detail) for result in job.stopped]
        assert all(result.fix for result in hits)
        if rule not in ("R010", "R124"):
            assert any(
                name in f"{hit.target} {hit.detail} {hit.fix} {hit.servers}"
                for hit in hits
                for name in spec_names(lab)
            )
        assert job.after == job.before


def spec_names(lab: Lab) -> list[str]:
    """Every way a server may be named to the operator."""
    return [name for server in lab.world.servers.values() for name in (server.name, server.address)]


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", ["join-fails", "create-fails"])
async def test_a_failure_is_rolled_back_and_leaves_the_lab_as_it_was(scenario: str, tmp_path: Path) -> None:
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "rolled_back", job.view
        assert job.view is not None
        assert not job.view.residue
        assert job.after == job.before


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", ["join-fails-dirty", "create-fails-dirty"])
async def test_storage_left_dirty_needs_a_person_and_names_the_place(scenario: str, tmp_path: Path) -> None:
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "needs_human", job.view
        assert job.view is not None
        assert job.view.residue
        places = {export.path for nas in lab.world.nas.values() for export in nas.exports}
        places |= {lun.page83 for lun in lab.world.luns.values()}
        assert any(place in f"{left.what} {left.where}" for left in job.view.residue for place in places)
        assert all(left.commands for left in job.view.residue)
        assert job.after["servers"] == job.before["servers"]


@pytest.mark.asyncio
async def test_a_mix_of_vendors_is_made_once_somebody_accepts_it(tmp_path: Path) -> None:
    async with Lab.from_scenario("mixed-vendor", servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path, accept=("R028",))
        assert job.outcome == "created", (job.stopped, job.view)


@pytest.mark.asyncio
async def test_x86_with_sparc_is_refused_whatever_is_accepted(tmp_path: Path) -> None:
    async with Lab.from_scenario("mixed-arch", servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path, accept=("R036", "R028"))
        assert job.outcome == "refused"
        assert any("R036" in result.rules for result in job.stopped)
