"""Documents of the agent, field by field: own-written ones for every branch, recorded ones for truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.platforms.oracle_vm.agent_rpc.documents import PARSERS, parse_document
from tests.unit.agent_rpc import samples

RECORDED = Path(__file__).parents[3] / "../shared/data/agent-replies"
needs_recordings = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded replies beside the checkout")


def recorded(name: str) -> dict[str, Any]:
    return parse_document(name.split("-")[0], (RECORDED / name).read_text("utf-8"))


def subset(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in wanted}


def test_an_unowned_server() -> None:
    found = parse_document("discover_server", samples.SERVER_UNOWNED)
    wanted = {
        "unique_id": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "hostname": "ovs01",
        "ovm_version": "3.4.6-2105",
        "hypervisor_version": "4.4.4OVM",
        "vmm_capabilities": ["xen-3.0-x86_64", "hvm-3.0-x86_64"],
        "pool_id": None,
        "manager_id": None,
        "is_owned": False,
        "membership_state": "Unowned",
        "registered_ip": None,
        "node_number": None,
        "roles": ["utility", "xen"],
        "is_master": False,
        "ntp_is_running": True,
        "local_time_source": False,
        "capabilities": {"CLUSTERS": True, "HVM_MAX_VNICS": 8, "MIGRATION_SETUP": False, "ODD": "maybe"},
    }
    assert subset(found, wanted) == wanted


@pytest.mark.parametrize(
    ("inner", "owned"),
    [
        ("", None),
        ("<Manager_Unique_Id>none</Manager_Unique_Id>", False),
        ("<Manager_Unique_Id>0004fb</Manager_Unique_Id>", True),
        ("<Membership_State>Pooled</Membership_State>", True),
        ("<Membership_State>Unowned</Membership_State>", False),
        ("<Manager_Unique_Id>0004fb</Manager_Unique_Id><Membership_State>Unowned</Membership_State>", True),
    ],
)
def test_ownership_is_unknown_when_nothing_is_said(inner: str, owned: bool | None) -> None:
    text = f"<Discover_Server_Result><Server>{inner}</Server></Discover_Server_Result>"
    assert parse_document("discover_server", text)["is_owned"] is owned


def test_hardware() -> None:
    found = parse_document("discover_hardware", samples.HARDWARE)
    assert (found["logical_cpus"], found["memory_mib"], found["free_memory_mib"]) == (48, 131072, 4)
    assert found["hw_caps"] == ["0x00", "0x02", "0x0a"]  # by number, not as sent
    assert subset(found["cpus"][0], {"family": 0, "model": 0, "flags": 0}) == {
        "family": 6,
        "model": 63,
        "flags": ["fpu", "vme"],
    }
    assert found["scsi_hosts"] == [
        {"num": "3", "driver": "qla2xxx", "state": "Online", "wwns": {"port_name": "0x2100001b32a1b2c3"}}
    ]
    assert (found["initiator"], found["bios"]["version"]) == ("iqn.2026-01.example:ovs01", "2.8.0")


def test_logical_cpus_are_unknown_without_all_four_counts() -> None:
    text = samples.HARDWARE.replace("<Nodes>2</Nodes>", "")
    assert parse_document("discover_hardware", text)["logical_cpus"] is None


def test_network() -> None:
    found = parse_document("discover_network", samples.NETWORK)
    port, bond, bridge = found["ports"][0], found["bonds"][0], found["bridges"][0]
    assert (port["is_up"], port["is_slave"], port["mtu"], port["speed_mbps"]) == (False, True, 9000, None)
    assert (bond["mode"], bond["network_id"], bond["roles"]) == (
        "802.3ad",
        "cb007100",
        ["MANAGEMENT", "STORAGE"],
    )
    assert bond["network_name"] == "mgmt net"
    assert bond["slaves"] == [{"name": "eth0", "is_up": False, "speed_mbps": 10000, "mac": None}]
    assert (bridge["address"], bridge["prefix"], bridge["is_management"]) == ("203.0.113.11", 24, True)
    assert (found["bridges"][1]["address"], found["bridges"][1]["is_management"]) == (None, False)
    assert found["management_bridge"] == "cb007100"
    assert found["addresses"] == [{"interface": "cb007100", "address": "203.0.113.11", "prefix": 24}]


def test_a_cluster_may_be_named_by_its_boot_line_alone() -> None:
    found = parse_document("discover_cluster", samples.CLUSTER)
    assert (found["is_configured"], found["name"], found["is_enabled"]) == (True, "ba9aaf00ae5e2d73", True)
    assert parse_document("discover_cluster", "<Discover_Cluster_Result/>")["is_configured"] is False


def test_pool_file_system_on_a_lun_with_its_optional_parts_missing() -> None:
    found = parse_document("discover_pool_filesystem", samples.POOL_FS)
    assert (found["exists"], found["type"], found["target"]) == (True, "lun", "/dev/mapper/36001")
    assert (found["manager_uuid"], found["pool_uuid"], found["version"]) == (None, None, None)


def test_mounts_of_several_kinds() -> None:
    assert parse_document("discover_mounted_file_systems", samples.MOUNTS)["mounts"] == [
        {"device": "nas:/x", "path": "/nfsmnt/a", "kind": "nfs", "options": ""},
        {"device": "/dev/mapper/c", "path": "/poolfsmnt/b", "kind": "ocfs2", "options": "rw"},
    ]


def test_luns_whatever_their_names() -> None:
    found = parse_document("discover_physical_luns", samples.LUNS)
    assert [(disk["name"], disk["wwid"], disk["size_bytes"]) for disk in found["disks"]] == [
        ("sdb", "3600a", 10737418240),
        ("sdc", "3600b", None),
    ]
    assert found["iscsi_targets"] == [{"name": "iqn.x"}]


@pytest.mark.parametrize("method", sorted(PARSERS))
def test_an_empty_document_nil_and_another_call_s_document(method: str) -> None:
    root = "_".join(word.capitalize() for word in method.split("_")) + "_Result"
    assert parse_document(method, f"<{root}/>") == parse_document(
        method, f"<{root.lower()}></{root.lower()}>"
    )
    assert parse_document(method, None) == {}
    with pytest.raises(ValueError, match="its root is no"):
        parse_document(method, "<Another_Result/>")


@needs_recordings
def test_the_recorded_server() -> None:
    found = recorded("discover_server-3.2.1-pooled-master.xml")
    wanted = {
        "unique_id": "1d:d5:e8:91:d9:d0:ed:bd:81:c2:a6:9a:b3:d1:b7:ea",
        "boot_time_s": 1413834408,
        "time_zone": "Europe/Amsterdam",
        "agent_version": "3.2.1-183",
        "ovm_version": "3.2.1-517",
        "os_version": "5.7",
        "hypervisor_version": "4.1.3OVM",
        "vmm_capabilities": ["xen-3.0-x86_64", "xen-3.0-x86_32p"],
        "pool_id": "f12842eb-f5ed-3fe7-8da1-eb0e17f5ede8",
        "manager_id": "d1a749d4295041fb99854f52ea4dea97",
        "is_owned": True,
        "registered_ip": "192.168.1.64",
        "node_number": 1,
        "roles": ["utility", "xen"],
        "is_master": True,
        "master_virtual_ip": "192.168.1.230",
        "membership_state": "Pooled",
        "cluster_state": "Offline",
        "statistic_interval_s": 20,
    }
    assert subset(found, wanted) == wanted
    assert len(found["capabilities"]) == 23
    assert found["capabilities"]["VM_MEMORY_ALIGNMENT"] == 1048576


@needs_recordings
def test_the_recorded_hardware() -> None:
    found = recorded("discover_hardware-3.2.1-kvm-guest.xml")
    assert (found["logical_cpus"], found["cpu_khz"], found["memory_mib"]) == (2, 3392400, 4095)
    assert found["hw_caps"][0] == "0x0f8bf3ff"
    assert len(found["hw_caps"]) == 8
    assert [(cpu["id"], cpu["family"], cpu["model"], cpu["stepping"]) for cpu in found["cpus"]] == [
        (0, 6, 2, 3),
        (1, 6, 2, 3),
    ]
    assert len(found["scsi_hosts"]) == 8
    assert found["initiator"] == "iqn.1988-12.com.oracle:3b3f5e2f59cb"
    assert found["system"]["uuid"] == "1d:d5:e8:91:d9:d0:ed:bd:81:c2:a6:9a:b3:d1:b7:ea"


@needs_recordings
def test_the_recorded_networks() -> None:
    found = recorded("discover_network-bonded-management.xml")
    assert found["management_bridge"] == "c0a80100"
    assert found["bonds"][0]["roles"] == [
        "MANAGEMENT",
        "CLUSTER_HEARTBEAT",
        "LIVE_MIGRATE",
        "VIRTUAL_MACHINE",
        "STORAGE",
    ]
    assert found["ports"][0]["speed_mbps"] == 1000
    found = recorded("discover_network-two-bridges.xml")
    assert [bridge["name"] for bridge in found["bridges"]] == ["xenbr0", "xenbr1", "control0", "xenbr0.200"]
    assert found["bridges"][3]["ports"] == ["bond1.200"]
    assert found["addresses"] == [{"interface": "xenbr0", "address": "192.168.1.64", "prefix": 24}]
    assert recorded("discover_network-empty.xml")["bridges"] == []


@needs_recordings
def test_the_other_recorded_documents() -> None:
    cluster = recorded("discover_cluster-one-node.xml")
    assert (cluster["name"], cluster["heartbeat_threshold"]) == ("ba9aaf00ae5e2d73", 61)
    assert cluster["heartbeats"] == [
        {"region": "0004FB0000050000E70FBDDEB802208F", "cluster": "ba9aaf00ae5e2d73"}
    ]
    assert cluster["nodes"][0]["address"] == "192.168.1.64"
    pool = recorded("discover_server_pool-two-members.xml")
    assert (pool["alias"], pool["members"]) == ("Pool 0", ["192.168.1.64", "192.168.1.65"])
    assert recorded("discover_server_pool-empty.xml")["in_pool"] is False
    assert recorded("discover_pool_filesystem-nfs.xml")["version"] == "3.0"
    assert recorded("discover_pool_filesystem-empty.xml")["exists"] is False
    mounts = recorded("discover_mounted_file_systems-nfs-two-mounts.xml")["mounts"]
    assert [mount["kind"] for mount in mounts] == ["nfs", "nfs"]
    plugins = recorded("discover_storage_plugins-three.xml")["plugins"]
    assert [plugin["type"] for plugin in plugins] == ["ifs", "isa", "ifs"]
    assert plugins[0]["needs_cluster"] is True
    (entry,) = recorded("discover_repository_db-mounted.xml")["repositories"]
    assert (entry["alias"], entry["status"], entry["kind"]) == ("OVS Repository", "Mounted", "nfs")
    (full,) = recorded("discover_repositories-full.xml")["repositories"]
    assert (len(full["virtual_machines"]), len(full["disks"]), full["isos"]) == (5, 4, ["systemvm.iso"])
