"""Collection: bounded, streamed, and no server delays, breaks or betrays another."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from core.models.facts import PlaneState
from core.models.results import Verdict
from core.platforms.oracle_vm.facts import AgentLogin, OvmServerFacts
from core.text import is_inert
from core.transports.ssh import SshSession
from tests.lab.collect.looking import PATIENT, QUICK, looking, stopped

FIRST, SECOND, THIRD = "203.0.113.11", "203.0.113.12", "203.0.113.13"


@pytest.mark.asyncio
async def test_every_fact_of_a_healthy_server_has_its_source_and_time() -> None:
    async with looking() as look:
        fleet = await look.collect()
    facts = fleet.servers[FIRST]
    assert isinstance(facts, OvmServerFacts)
    not_asked = {"pool_lun", "dlm_package", "service_domains", "ldoms_version"}  # NFS; no SPARC
    for name in type(facts).model_fields:
        if name in ("name", "address", "planes", "observed_at") or name in not_asked:
            continue
        fact = getattr(facts, name)
        assert fact.is_known, (name, fact.missing)
        assert fact.source.startswith(("agent ", "ssh ")), name
    assert facts.owner.value is None
    assert facts.agent_login.value is AgentLogin.ACCEPTED
    assert facts.own_name_addresses.value == (FIRST,)
    assert {"ovs02", "ovs02.lab.example", "ovs03"} <= set(facts.peer_addresses.value or ())
    assert abs(facts.clock_offset_s.value or 0.0) <= (facts.clock_error_s.value or 0.0) + 0.5
    assert fleet.manager is not None
    assert fleet.manager.release.value == "3.4"
    assert list(fleet.servers) == [FIRST, SECOND, THIRD]


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", ["healthy-nfs", "healthy-lun", "sparc-nfs"])
async def test_the_full_set_takes_three_channels_a_server(
    scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    run = SshSession.run

    async def counted(self: SshSession, *args: Any, **how: Any) -> Any:
        opened[self.server] += 1
        return await run(self, *args, **how)

    monkeypatch.setattr(SshSession, "run", counted)
    async with looking(scenario) as look:
        await look.collect()
    assert dict(opened) == {FIRST: 3, SECOND: 3, THIRD: 3}


@pytest.mark.asyncio
async def test_a_command_that_hangs_loses_nothing_but_its_own_facts() -> None:
    async with looking("healthy-nfs") as look:
        nas = next(iter(look.lab.world.nas.values()))
        nas.is_up = False  # showmount, rpcinfo and mount wait until their limit over there
        fleet = await look.collect()
    facts = fleet.servers[FIRST]
    assert isinstance(facts, OvmServerFacts)
    assert facts.own_name_addresses.value == (FIRST,)
    assert facts.vip_holder_mac.is_known
    assert (facts.ports_reached.value or {})["nas01.lab.example:2049"] == "timeout"
    assert facts.pool_nfs.value is None or facts.pool_nfs.value.entries is None


@pytest.mark.asyncio
async def test_a_server_is_streamed_when_it_is_ready_and_when_it_is_final() -> None:
    async with looking() as look:
        fleet = await look.collect()
    last = {facts.name: facts for facts in look.streamed}
    assert set(last) == {FIRST, SECOND, THIRD}
    assert all(facts.peer_addresses.is_known for facts in last.values())
    assert last[FIRST].hostname == fleet.servers[FIRST].hostname


DEAD = {"ovs03": {"ssh-hangs", "agent-hangs"}}
IMPATIENT = replace(
    QUICK, connect_s=3.0, agent_read_s=3.0, agent_discover_s=3.0, ssh_command_s=6.0, server_total_s=25.0
)
HANGS = 500.0  # of the lab's speed: what hangs there hangs for 7.2 s


@pytest.mark.asyncio
async def test_dead_hanging_and_lying_servers_leave_the_others_whole() -> None:
    async with looking("hostile", limits=IMPATIENT, faults=DEAD, speed=HANGS) as look:
        fleet = await look.collect()
        results = await look.judged(fleet)
    assert fleet.servers[FIRST].planes["agent"].state is PlaneState.OK
    assert fleet.servers[FIRST].cpu.is_known
    assert fleet.servers[FIRST].own_name_addresses.value == (FIRST,)
    assert fleet.servers[THIRD].planes["agent"].state is not PlaneState.OK
    assert fleet.servers[THIRD].planes["ssh"].state is not PlaneState.OK
    shown = [facts.plane(name).reason for facts in fleet.servers.values() for name in ("agent", "ssh")]
    shown += [f"{result.detail}{result.fix}" for result in results]
    assert all(is_inert(text) for text in shown)
    assert "R008" in stopped(results)[0]
    assert stopped(results)[1]


@pytest.mark.asyncio
async def test_a_healthy_server_is_told_before_a_dead_one_has_ended() -> None:
    for_long = replace(PATIENT, connect_s=300.0)
    async with looking(limits=for_long, faults={"ovs02": {"ssh-hangs"}}) as look:
        whole = asyncio.create_task(look.collect())
        while not {FIRST, THIRD} <= {facts.name for facts in look.streamed}:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)
        told = {facts.name for facts in look.streamed}
        whole.cancel()
        with suppress(asyncio.CancelledError):
            await whole
    assert told == {FIRST, THIRD}


@pytest.mark.asyncio
async def test_only_looks_at_some_servers_again_and_keeps_the_rest() -> None:
    async with looking() as look:
        base = await look.collect()
        look.lab.world.servers["ovs02"].hosts_lines = ["127.0.0.1 localhost ovs02", f"{SECOND} x"]
        again = await look.collect(only=[SECOND], base=base)
        results = {result.key: result for result in await look.judged(again)}
    assert again.servers[FIRST] is base.servers[FIRST]
    assert again.servers[SECOND].observed_at != base.servers[SECOND].observed_at
    assert results["server.hostname.loopback", SECOND].verdict is Verdict.FAIL
    assert "ovs01" in (again.servers[SECOND].peer_addresses.value or {})
    assert list(again.servers) == [FIRST, SECOND, THIRD]


@pytest.mark.asyncio
async def test_an_identity_that_nobody_confirmed_gets_no_secret() -> None:
    async with looking() as look:
        servers = [server.model_copy(update={"fingerprints": {}}) for server in look.spec.servers]
        look.spec = look.spec.model_copy(update={"servers": tuple(servers)})
        fleet = await look.collect()
        results = await look.judged(fleet)
    for facts in fleet.servers.values():
        assert facts.plane("agent").state is PlaneState.UNTRUSTED
        assert facts.plane("ssh").state is PlaneState.UNTRUSTED
        assert not facts.hostname.is_known
    assert {r.verdict for r in results if r.id == "network.agent.port"} == {Verdict.FAIL}


@pytest.mark.asyncio
async def test_a_wrong_agent_password_is_sent_once_to_each_server_even_over_two_looks() -> None:
    async with looking(secrets={"agent": "wrong-one"}, drop=("ssh",)) as look:
        fleet = await look.collect()
        await look.collect(base=fleet, only=[FIRST])
        asked = {name: agent.requests for name, agent in look.lab.agents.items()}
    assert {facts.plane("agent").state for facts in fleet.servers.values()} == {PlaneState.REFUSED}
    assert set(asked.values()) == {1}


@pytest.mark.asyncio
async def test_a_manager_that_cannot_be_reached_is_a_finding_and_the_servers_are_still_read() -> None:
    async with looking() as look:
        await look.lab.manager.close()
        fleet = await look.collect()
        results = {result.id: result for result in await look.judged(fleet)}
    assert fleet.controller.state is PlaneState.UNREACHABLE
    assert results["manager.cli.reachable"].verdict is Verdict.FAIL
    assert results["manager.pool.name"].verdict is Verdict.BLOCKED
    assert fleet.servers[FIRST].cpu.is_known


@pytest.mark.asyncio
async def test_escape_sequences_of_a_server_never_reach_its_facts() -> None:
    async with looking(faults={"ovs02": {"agent-escape", "ssh-escape"}}, speed=HANGS) as look:
        fleet = await look.collect()
    text = fleet.servers[SECOND].model_dump_json()
    assert "\\u001b" not in text
    assert "\u202e" not in text
    assert "\x9b" not in text
