"""The cluster's own network, where Manager's tags name one: looked at apart, and its faults told as its own."""

from __future__ import annotations

import pytest

from core.facts.mesh import PairLook, PortState
from core.models.results import Verdict
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.look_mesh import HEARTBEAT
from tests.lab.collect.looking import Look, looking

SERVERS = ("203.0.113.11", "203.0.113.12")


def split_networks(look: Look) -> None:
    """As on servers that a Manager owned: the heartbeat has a network of its own, beside the management's."""
    world = look.lab.world
    world.objects["cb007100"].attrs["roles"] = ["MANAGEMENT"]
    world.objects["c6336400"].attrs["roles"] = ["CLUSTER_HEARTBEAT", "STORAGE"]
    for server in world.servers.values():
        for item in server.interfaces:
            if item.address is not None:
                item.network = "c6336400" if item.address.startswith("198.51.100.") else "cb007100"


def apart(fleet: OvmFleet, name: str) -> list[PairLook]:
    facts = fleet.ovm_server(name)
    assert facts is not None
    return [one for one in facts.peer_looks.value or () if one.network == HEARTBEAT]


@pytest.mark.asyncio
async def test_the_heartbeat_network_is_looked_at_apart() -> None:
    async with looking("healthy-nfs", servers=2) as look:
        split_networks(look)
        fleet = await look.collect()
        results = await look.judged(fleet)
    for name, other in (SERVERS, SERVERS[::-1]):
        (one,) = apart(fleet, name)
        assert (one.target, one.ports) == (other, {7777: PortState.REFUSED})
        assert one.path_mtu == one.mtu_tried
    told = {one.id: one.verdict for one in results}
    assert (told["pair.port.heartbeat"], told["pair.network.mtu"]) == (Verdict.PASS, Verdict.PASS)


@pytest.mark.asyncio
async def test_a_server_without_a_foot_there_is_not_called_good() -> None:
    async with looking("healthy-nfs", servers=2) as look:
        split_networks(look)
        for item in look.lab.world.servers["ovs02"].interfaces:
            if item.network == "c6336400":
                item.address = None
        fleet = await look.collect()
        results = await look.judged(fleet)
    (one,) = apart(fleet, SERVERS[0])
    assert "its address there is not known" in one.missing
    told = {one.id: one.verdict for one in results}
    assert told["pair.port.heartbeat"] is Verdict.UNKNOWN


@pytest.mark.asyncio
async def test_servers_that_no_manager_owned_have_one_network() -> None:
    async with looking("healthy-nfs", servers=2) as look:
        fleet = await look.collect()
    assert [apart(fleet, name) for name in SERVERS] == [[], []]
