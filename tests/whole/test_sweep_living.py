"""Nothing that lives is swept: every scenario, with the pool that it makes, whatever our journal or a list says."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from core.errors import PoolwrightError
from core.lab import operations
from core.lab.fleet import Lab
from core.lab.scenario import load_scenario, scenario_names
from core.models.past import PastRun
from core.models.plan import Plan
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.runner.client import past_runs
from core.secrets import Secrets
from core.service import Service
from tests.unit.checks.builders import absent
from tests.whole.job import SPEED
from tests.whole.test_scenarios import CREATED
from tests.whole.test_sweep import found, run

pytestmark = [pytest.mark.timeout(1200), pytest.mark.asyncio]
ENDING = (
    "ip addr del",
    "mv -i",
    "rm -",
    "dd if",
    "o2cb offline",
    "delete ",
    "remove ",
    "release",
    "ovs-agent stop",
)
UNREAD = absent("Manager did not answer")


def endings(plan: Plan) -> list[str]:
    """Everything that a plan would end, or tells a person to end."""
    by_hand = [line for one in plan.by_hand for line in one.commands if not line.startswith("#")]
    return [step.id for step in plan.steps] + [
        line for line in by_hand if any(word in line for word in ENDING)
    ]


def looks(fleet: OvmFleet) -> dict[str, OvmFleet]:
    """The fleet as it was read, and with lists that could not be read."""
    assert fleet.manager is not None

    def without(*lists: str) -> OvmFleet:
        assert fleet.manager is not None
        unread = fleet.manager.model_copy(update=dict.fromkeys(lists, UNREAD))
        return fleet.model_copy(update={"manager": unread})

    return {
        "all read": fleet,
        "no guests": without("guests"),
        "no repositories": without("repositories"),
        "neither": without("guests", "repositories"),
    }


def quick(names: list[str], *quick_ones: str) -> list[ParameterSet]:
    """All of them, those beside the quick ones marked slow."""
    return [pytest.param(name, marks=() if name in quick_ones else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("scenario", quick(CREATED, "healthy-nfs"))
async def test_a_pool_that_was_just_made_is_kept(scenario: str, tmp_path: Path) -> None:
    """By the spec that made it and by one with more servers, with our journal and without one."""
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        service = Service(tmp_path / "state")
        lab.write_ready(tmp_path / "ready.json")
        whole = service.load(tmp_path / "ready.json.spec.yaml")
        assert isinstance(whole, PoolSpec)
        part = whole.model_copy(update={"servers": whole.servers[:2]})
        secrets = Secrets(lab.passwords)
        service.trust(await service.identities(whole, secrets))
        started = await service.start(part, service.plan(part, await service.check(part, secrets)), secrets)
        async for _event in service.follow(started):
            pass
        assert service.show(started).outcome == "created", service.show(started)
        journal, _ = past_runs(tmp_path / "state", "oracle_vm")
        assert [one.run for one in journal] == [started]
        for spec in (whole, part):
            fleet = (await service.check(spec, secrets)).fleet
            assert isinstance(fleet, OvmFleet)
            for what, look in looks(fleet).items():
                pasts: list[tuple[PastRun, ...]] = [journal, ()]
                for past in pasts:
                    plan = PLATFORM.sweep_plan(spec, look, "", past)
                    assert endings(plan) == [], (what, plan.warnings)
                    assert any("pool pool1 is kept: " in said.text for said in plan.warnings), plan.warnings


@pytest.mark.parametrize(
    "scenario",
    quick([one for one in scenario_names() if not one.startswith("sweep-")], "already-owned", "vip-taken"),
)
async def test_nothing_is_planned_where_no_run_has_failed(scenario: str, tmp_path: Path) -> None:
    servers = max(3, load_scenario(scenario)[1].min_servers)
    async with Lab.from_scenario(scenario, servers=servers, speed=SPEED) as lab:
        service = Service(tmp_path / "state")
        lab.write_ready(tmp_path / "ready.json")
        spec = service.load(tmp_path / "ready.json.spec.yaml")
        secrets = Secrets(lab.passwords)
        service.trust(await service.identities(spec, secrets))
        checked = await service.check(spec, secrets)
        if scenario == "old-crypto":  # nothing is asked of a Manager that only speaks what was not allowed
            with pytest.raises(PoolwrightError, match="cannot look for left-overs"):
                service.sweep_plan(spec, checked)
            return
        plan = service.sweep_plan(spec, checked)
        assert endings(plan) == [], plan.warnings


@pytest.mark.parametrize("sign", quick(["cluster", "vip", "guest"], "cluster"))
async def test_what_comes_alive_after_the_plan_is_refused_by_every_step(sign: str, tmp_path: Path) -> None:
    async with found("sweep-half-made", tmp_path) as (lab, service, plan):
        assert [step.kind for step in plan.steps] == ["sweep_member", "sweep_pool", *["sweep_server"] * 3]
        member = lab.world.servers["ovs01"]
        if sign == "cluster":
            member.cluster = operations.cluster_name(member.pool or "")
            member.is_cluster_online = True
        elif sign == "vip":
            lab.world.neighbours["203.0.113.10"] = "00:21:f6:aa:bb:cc"
        else:
            member.guests.append("0004fb00000600001b2c3d4e5f607182")
        before = lab.snapshot()
        view = await run(lab, service, plan, tmp_path)
        assert view.outcome == "needs_human", view
        states = {step.id: (step.state.value, step.text) for step in view.steps}
        assert states["sweep_member:203.0.113.11"][0] == "failed", states
        assert not [id_ for id_, (state, _) in states.items() if state not in ("failed", "skipped")]
        assert lab.snapshot() == before
