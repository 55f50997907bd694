"""The documents carry every element of the recorded ones, in both layouts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from core.lab.agent import documents
from core.lab.agent.xmltree import node, render
from core.lab.build import build_world
from core.lab.scenario import load_scenario
from core.lab.world import ClusterNode, LabServer, World
from tests.lab.fleet.helpers import paths

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "agent-replies"


def pooled_world(scenario: str = "healthy-nfs") -> tuple[World, LabServer]:
    """A world whose first server is in a clustered pool, with a mount and a repository."""
    _, found = load_scenario(scenario)
    world = build_world(found, servers=2, seed=1)
    server = world.servers["ovs01"]
    server.owner, server.pool = world.manager_uuid, "0004fb0000020000ba9aaf00ae5e2d73"
    server.pool_alias, server.pool_vip, server.pool_members = (
        "Pool 0",
        "203.0.113.10",
        ["203.0.113.11", "203.0.113.12"],
    )
    server.node_number, server.is_master, server.has_vip = 0, True, True
    server.cluster, server.is_cluster_online = "ba9aaf00ae5e2d73", True
    server.cluster_nodes = [ClusterNode(0, "ovs01", "203.0.113.11")]
    server.poolfs = {
        "type": "nfs",
        "target": "nas01.lab.example:/export/poolfs",
        "uuid": "0004fb0000050000e70fbddeb802208f",
        "nfsbase_uuid": "b8ca41cb-3469-4f74-a086-dddffe37dc2d",
        "manager_uuid": world.manager_uuid,
        "pool_uuid": server.pool,
    }
    repository = "/OVS/Repositories/1"
    server.mounts.append(
        {"device": "nas01.lab.example:/export/repo1", "path": repository, "kind": "nfs", "options": "rw"}
    )
    server.repositories.append(
        {"uuid": "1", "alias": "r", "mount_point": repository, "fs_location": "nas01:/x", "templates": "t", "vms": "v",
         "disks": "d", "isos": "i"}
    )  # fmt: skip
    for interface in server.interfaces:
        if interface.name == "bond0":
            interface.network = "cb007100"
    return world, server


CASES = {
    "discover_server-3.2.1-pooled-master": lambda w, s: documents.discover_server(w, s),
    "discover_hardware-3.2.1-kvm-guest": lambda w, s: documents.discover_hardware(w, s),
    "discover_network-bonded-management": lambda w, s: documents.discover_network(w, s),
    "discover_cluster-one-node": lambda w, s: documents.discover_cluster(w, s),
    "discover_pool_filesystem-nfs": lambda w, s: documents.discover_pool_filesystem(w, s),
    "discover_server_pool-two-members": lambda w, s: documents.discover_server_pool(w, s),
    "discover_mounted_file_systems-nfs-two-mounts": lambda w, s: documents.discover_mounted_file_systems(
        w, s, "nfs"
    ),
    "discover_repositories-full": lambda w, s: documents.discover_repositories(w, s, "1"),
    "discover_repository_db-mounted": lambda w, s: documents.discover_repository_db(w, s),
    "discover_storage_plugins-three": lambda w, s: documents.discover_storage_plugins(w, s),
}


@pytest.mark.parametrize("name", CASES)
def test_documents_have_every_element_of_the_recorded_ones(name: str) -> None:
    recorded = RECORDED / f"{name}.xml"
    if not recorded.is_file():
        pytest.skip("the recorded replies are not here")
    world, server = pooled_world()
    ours = paths(ET.fromstring(render(CASES[name](world, server))))
    theirs = paths(ET.parse(recorded).getroot())
    assert theirs - ours == set()


@pytest.mark.parametrize("indented", [True, False])
@pytest.mark.parametrize("short_empty", [True, False])
def test_layouts_hold_the_same_content(indented: bool, short_empty: bool) -> None:
    world, server = pooled_world()
    text = render(documents.discover_server(world, server), indented=indented, short_empty=short_empty)
    assert ("<Exports/>" in text) == short_empty
    assert ("\n" in text) == indented
    root = ET.fromstring(text)
    assert root.findtext("Server/Hostname") == "ovs01"
    assert root.findtext("Server/Capabilities/CLUSTERS") == "True"


def test_a_free_server_says_none_and_leaves_pool_elements_out() -> None:
    _, scenario = load_scenario("healthy-nfs")
    world = build_world(scenario, servers=1, seed=1)
    server = ET.fromstring(render(documents.discover_server(world, world.servers["ovs01"])))[0]
    assert server.findtext("Pool_Unique_Id") == "none"
    assert server.findtext("Manager_Unique_Id") == "none"
    assert server.findtext("Membership_State") == "Unowned"
    assert [server.find(tag) for tag in ("Registered_IP", "Node_Number", "Master_Virtual_Ip")] == [None] * 3
    for call in (
        documents.discover_server_pool,
        documents.discover_pool_filesystem,
        documents.discover_cluster,
    ):
        assert list(ET.fromstring(render(call(world, world.servers["ovs01"])))) == []


def test_a_sparc_server_says_so() -> None:
    world, server = pooled_world("sparc-nfs")
    found = ET.fromstring(render(documents.discover_server(world, server)))[0]
    assert found.findtext("CPU_Type") == "sparc"
    assert found.findtext("Hypervisor_Type") == "ldoms"
    assert found.findtext("OS_Type") == "SunOS"
    hardware = ET.fromstring(render(documents.discover_hardware(world, server)))
    assert len(list(hardware.iter("CPU"))) == 256


def test_text_is_escaped_once() -> None:
    assert render(node("A", "<&>"), indented=False) == '<?xml version="1.0" ?><A>&lt;&amp;&gt;</A>'


def test_role_order_follows_the_switch() -> None:
    world, server = pooled_world()
    world.switches.extra["roles_reversed"] = True
    assert (
        ET.fromstring(render(documents.discover_server(world, server))).findtext("Server/Server_Roles")
        == "utility,xen"
    )
