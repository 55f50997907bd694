"""Fix commands over every scenario: those of the cause that was seen, and none that ends what somebody uses."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from core.checks.fixes import DESTROYS
from core.lab.fleet import Lab
from core.lab.scenario import load_scenario, scenario_names
from core.models.results import CheckResult, FixCommand
from tests.lab.collect.looking import looking

QUICK = ("healthy-nfs", "sweep-traces")
_IN_TICKS = re.compile(r"`([^`]*)`")


def users_of(lab: Lab, one: FixCommand) -> list[str]:
    """Who uses what a command would end, as the simulated world itself knows it."""
    world = lab.world
    if one.where == "manager":
        return [
            name
            for pool in world.of_type("serverpool")
            if pool.id in one.text or pool.name in one.text
            for name in pool.attrs.get("servers", ())
        ]
    servers = [server for server in world.servers.values() if server.address == one.where]
    assert len(servers) == 1, one
    server = servers[0]
    users = [*server.guests, *([server.pool] if server.pool else [])]
    users += ["cluster"] if server.is_cluster_online else []
    return users + [server.owner for _ in (1,) if server.owner not in (None, "", world.manager_uuid)]


def ended(results: Sequence[CheckResult]) -> list[FixCommand]:
    """Commands of all findings that end something."""
    return [one for result in results for one in result.commands if DESTROYS.search(one.text)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in scenario_names()
        if name != "hostile"
    ],
)
async def test_no_command_ends_what_somebody_uses(scenario: str) -> None:
    servers = max(3, load_scenario(scenario)[1].min_servers)
    async with looking(scenario, servers=servers) as look:
        results = await look.judged(await look.collect())
        for one in ended(results):
            assert one.destroys, one
            assert users_of(look.lab, one) == [], one
    for result in results:
        if result.id != "storage.trial.clean":
            assert not [one for one in _IN_TICKS.findall(result.fix) if DESTROYS.search(one)], result


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        ("agent-down", ["service ovs-agent status", "service ovs-agent start"]),
        ("agent-no-tls", ["grep -n ssl /etc/ovs-agent/agent.ini"]),
    ],
)
async def test_an_agent_that_does_not_answer_gets_what_fits(fault: str, texts: list[str]) -> None:
    async with looking(servers=2, faults={"ovs02": {fault}}) as look:
        results = await look.judged(await look.collect())
    told = [one for one in results if one.id == "network.agent.port" and one.target == "203.0.113.12"]
    assert [one.text for one in told[0].commands] == texts


@pytest.mark.asyncio
async def test_an_agent_with_old_tls_is_neither_started_nor_let_through_a_firewall() -> None:
    async with looking("old-crypto", servers=2) as look:
        results = await look.judged(await look.collect())
    told = [one for one in results if one.id == "network.agent.port"]
    assert len(told) == 2
    for one in told:
        assert one.commands == ()
        assert "allow_old_crypto" in one.fix
        assert "start" not in one.fix
