"""What the checks make of every scenario, over real sockets."""

from __future__ import annotations

import pytest

from core.models.results import Severity, Verdict
from tests.lab.collect.looking import looking, odd, stopped

ONLY_A_WRITE = {("storage.nfs.writable", "pool"), ("storage.nfs.root", "pool")}


UNSEEN = {  # by scenario: what cannot be seen there, and is no blocker
    "healthy-3.2": {("manager.events.clear", "manager")},  # 3.2 has no such query
    "sparc-nfs": {("pair.network.mtu", "pool")},  # no ping of Solaris keeps a packet whole
    "already-owned": {("pair.agent.same", "pool")},  # the agent of an owned server takes no password
}


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
        "already-owned",
    ],
)
async def test_a_healthy_fleet_has_no_finding_and_may_be_applied(scenario: str) -> None:
    async with looking(scenario) as look:
        results = await look.judged(await look.collect())
    found = odd(results)
    if scenario == "unclustered":
        assert found.pop(("input.clustered.limits", "pool")) is Verdict.WARN
    assert set(found) <= ONLY_A_WRITE | UNSEEN.get(scenario, set()), found
    assert set(found.values()) <= {Verdict.UNKNOWN}
    assert not any(result.severity is Severity.BLOCKER for result in results if result.key in found)
    assert stopped(results) == (set(), set())


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", ["healthy-nfs", "healthy-lun"])
async def test_32_healthy_servers_have_no_finding(scenario: str) -> None:
    async with looking(scenario, servers=32) as look:
        fleet = await look.collect()
        results = await look.judged(fleet)
    assert set(odd(results)) <= ONLY_A_WRITE, odd(results)
    assert len(results) > 32 * 40


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scenario", "rule", "server", "fix"),
    [
        ("wrong-password", "R009", "203.0.113.12", "ovs-agent-passwd"),
        ("owned-elsewhere", "R004", "203.0.113.12", "release it there"),
        ("own-ignored", "R004", "203.0.113.12", "release it there"),
        ("vip-taken", "R010", "", "spare address"),
        ("sparc-lun", "R124", "203.0.113.11", "NFS"),
        ("mixed-arch", "R036", "203.0.113.13", "another pool"),
        ("hostname-loopback", "R001", "203.0.113.12", "/etc/hosts"),
    ],
)
async def test_a_broken_fleet_is_refused_by_its_rule_with_server_and_fix(
    scenario: str, rule: str, server: str, fix: str
) -> None:
    async with looking(scenario) as look:
        before = look.lab.snapshot()
        results = await look.judged(await look.collect())
        assert look.lab.snapshot() == before
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    assert {one for result in failed for one in result.rules} & {rule}
    assert rule in stopped(results)[0]
    told = next(result for result in failed if rule in result.rules)
    assert server in f"{told.target} {told.detail} {told.fix} {told.servers}"
    assert fix in told.fix


@pytest.mark.asyncio
async def test_mixed_vendors_wait_for_a_word_and_mixed_models_only_warn() -> None:
    async with looking("mixed-vendor") as look:
        results = await look.judged(await look.collect())
    assert stopped(results) == (set(), {"R028"})
    async with looking("mixed-cpu") as look:
        results = await look.judged(await look.collect())
    assert stopped(results) == (set(), set())
    assert odd(results)["pair.cpu.model", "pool"] is Verdict.WARN
    assert odd(results)["pool.servers.alike", "pool"] is Verdict.INFO


@pytest.mark.asyncio
async def test_without_ssh_what_only_dom0_tells_is_unknown_and_says_what_would_settle_it() -> None:
    async with looking(drop=("ssh",)) as look:
        fleet = await look.collect()
        results = await look.judged(fleet)
    assert all("ssh" not in facts.planes for facts in fleet.servers.values())
    unknown = {result.id: result for result in results if result.verdict is Verdict.UNKNOWN}
    assert {
        "server.hostname.loopback",
        "network.vip.unused",
        "storage.nfs.empty",
        "pair.names.resolve",
    } <= set(unknown)
    assert all("add `ssh:`" in unknown[id_].fix for id_ in ("network.vip.unused", "storage.nfs.empty"))
    assert not any(result.verdict is Verdict.FAIL for result in results)
    assert "R003" in stopped(results)[0]  # what could destroy data cannot be accepted unseen
    assert "R010" in stopped(results)[1]


@pytest.mark.asyncio
async def test_old_cryptography_is_refused_by_default_and_named_where_it_is_allowed() -> None:
    async with looking("old-crypto", servers=1) as look:
        fleet = await look.collect()
        assert {facts.plane("agent").state.value for facts in fleet.servers.values()} == {"old_crypto"}
        assert fleet.controller.state.value == "old_crypto"
        results = await look.judged(fleet)
        assert {"R008", "R115"} <= stopped(results)[0]
    allowed = {"allow_old_crypto": ["manager", "agent", "ssh"]}
    async with looking("old-crypto", servers=1, change=allowed) as look:
        results = await look.judged(await look.collect())
    warned = {result.id: result.detail for result in results if result.verdict is Verdict.WARN}
    assert {"server.crypto.old", "manager.crypto.old"} <= set(warned)
    assert "group1-sha1" in warned["manager.crypto.old"]
    assert stopped(results) == (set(), set())
