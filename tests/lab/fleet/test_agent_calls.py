"""Every call of the agent decodes; state changes and the confirmed faults."""

from __future__ import annotations

import time
import xmlrpc.client
from typing import Any

import pytest

from core.lab.agent.calls import TABLE
from core.lab.fleet import Lab
from tests.lab.fleet.helpers import MANAGER, OWNERSHIP, Agent

POOL = "0004fb0000020000ba9aaf00ae5e2d73"
POOLFS = "0004fb0000050000e70fbddeb802208f"
CLUSTER = "ba9aaf00ae5e2d73"
VIP = "203.0.113.10"
STORAGE: dict[str, Any] = {
    "uuid": "0004fb00000900001111111111111111",
    "name": "0004fb00000900001111111111111111",
    "access_host": "nas01.lab.example",
    "storage_type": "FileSys",
}
NFS = "oracle.generic.NFSPlugin.GenericNFSPlugin"


def owned_lab(servers: int = 1, scenario: str = "healthy-nfs") -> Lab:
    """A lab whose servers are owned and still take the password."""
    lab = Lab.from_scenario(scenario, servers=servers, speed=1000)
    lab.world.switches.password_after_ownership = True
    for server in lab.world.servers.values():
        server.owner = MANAGER
    return lab


@pytest.mark.asyncio
async def test_every_read_only_call_without_arguments_decodes() -> None:
    names = [
        name for name in TABLE if name.startswith(("discover_", "get_", "is_", "list_vms", "package_")) and name not in
        ("discover_mounted_file_systems", "discover_physical_luns", "discover_repositories", "get_log", "get_vm_config")
    ]  # fmt: skip
    async with Lab.from_scenario(servers=1) as lab:
        agent = Agent(lab)
        for name in names:
            value = await agent(name)
            assert value is not None, name
            if name.startswith("discover_"):
                assert value.startswith('<?xml version="1.0"'), name
        assert await agent("get_api_version") == [3]
        assert (await agent("get_log", ["ovs-agent"])).keys() == {"ovs-agent"}
        assert (await agent("list_vms"))[0]["name"] == "Domain-0"


@pytest.mark.asyncio
async def test_clock_calls_tell_the_servers_own_time() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        lab.world.servers["ovs01"].clock_offset_s = 90.0
        times = await Agent(lab)("get_last_boot_time")
        assert abs(times["local_time"] - time.time() - 90) < 3
        assert times["last_boot_time"] < times["local_time"]
        lab.world.faults["clock-jump"] = {"seconds": 500}
        assert (await Agent(lab)("get_last_boot_time"))["local_time"] - times["local_time"] >= 499
        await Agent(lab)("set_ntp", ["198.51.100.1"], False)
        await Agent(lab)("disable_ntp")
        assert await Agent(lab)("get_ntp") == [["198.51.100.1"], False, False]
        await Agent(lab)("enable_ntp")
        assert await Agent(lab)("get_timezone") == ["UTC", True]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scenario", "spelling"),
    [("healthy-3.2", "exceptions.Exception:"), ("healthy-3.4-no-vip", "<type 'exceptions.Exception'>:")],
)
async def test_faults_are_spelled_by_release(scenario: str, spelling: str) -> None:
    async with Lab.from_scenario(scenario, servers=1) as lab:
        with pytest.raises(xmlrpc.client.Fault) as caught:
            await Agent(lab)("update_server_roles", "xen,broken_token,utility")
        assert caught.value.faultCode == 1
        assert caught.value.faultString.startswith(f"{spelling}Invalid roles: set([")
        with pytest.raises(xmlrpc.client.Fault) as caught:
            await Agent(lab)("no_such_call")
        assert caught.value.faultString == f'{spelling}method "no_such_call" is not supported'


@pytest.mark.asyncio
async def test_wrong_argument_counts_are_type_errors() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        for args, text in (
            ((), "echo() takes exactly 1 argument (0 given)"),
            ((1, 2), "echo() takes exactly 1 argument (2 given)"),
        ):
            with pytest.raises(xmlrpc.client.Fault) as caught:
                await Agent(lab)("echo", *args)
            assert caught.value.faultString == f"<type 'exceptions.TypeError'>:{text}"
        with pytest.raises(xmlrpc.client.Fault, match=r"take_ownership\(\) takes exactly 1 argument"):
            await Agent(lab)("take_ownership", MANAGER, "")


async def make_pool(lab: Lab, *, kind: str = "nfs") -> None:
    """The calls a Manager makes for a clustered pool of all servers (agent-rpc 9)."""
    servers = list(lab.world.servers.values())
    nas = next(iter(lab.world.nas.values()))
    export = nas.exports[0]
    lun = next(item for item in lab.world.luns.values() if item.local_to is None)
    target = f"{nas.host}:{export.path}" if kind == "nfs" else f"/dev/mapper/{lun.page83}"
    nfsbase = export.fs_uuid if kind == "nfs" else ""
    nodes = [
        {"name": s.name, "cluster": CLUSTER, "number": at, "ip_address": s.address, "ip_port": 7777}
        for at, s in enumerate(servers)
    ]
    o2cb = {
        "O2CB_HEARTBEAT_THRESHOLD": "61",
        "O2CB_RECONNECT_DELAY_MS": "2000",
        "O2CB_KEEPALIVE_DELAY_MS": "2000",
        "O2CB_IDLE_TIMEOUT_MS": "60000",
        "O2CB_BOOTCLUSTER": CLUSTER,
        "O2CB_ENABLED": "true",
        "O2CB_STACK": "o2cb",
    }
    for at, server in enumerate(servers):
        agent = Agent(lab, server.name)
        pool_args = ("pool1", POOL, VIP, at, server.name, server.address, "xen,utility")
        file_system = {
            "uuid": export.fs_uuid,
            "ss_uuid": STORAGE["uuid"],
            "access_path": target,
            "name": f"nfs:{export.path}",
        }
        if kind == "nfs":
            point = f"/nfsmnt/{export.fs_uuid}"
            record = await agent("storage_plugin_mount", NFS, STORAGE, file_system, point, "", True, [])
            assert record["size"] == str(export.size_bytes)
            assert await agent("storage_plugin_mount", NFS, STORAGE, file_system, point, "", True, []) is None
        if at == 0:
            await agent("create_pool_filesystem", kind, target, CLUSTER, POOLFS, nfsbase, MANAGER, POOL)
            assert await agent("create_server_pool", *pool_args) is None
            assert await agent("configure_virtual_ip", VIP, server.address) is None
        else:
            assert await agent("join_server_pool", *pool_args) is None
        conf = {
            "cluster": [{"name": CLUSTER, "node_count": len(nodes), "heartbeat_mode": "global"}],
            "node": nodes,
            "heartbeat": [{"cluster": CLUSTER, "region": POOLFS.upper()}],
        }
        await agent("configure_server_for_cluster", o2cb, conf, kind, target, POOLFS, nfsbase)
        assert await agent("is_cluster_online") is False
        await agent("create_cluster" if at == 0 else "join_cluster", POOLFS)
        await agent("update_clusterConfiguration", conf)
        assert await agent("is_cluster_online") is True
        await agent("set_pool_member_ip_list", [s.address for s in servers])


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["nfs", "lun"])
async def test_a_pool_is_made_and_taken_apart_by_agent_calls_alone(kind: str) -> None:
    async with owned_lab(2) as lab:
        before = lab.snapshot()
        await make_pool(lab, kind=kind)
        first, second = Agent(lab, "ovs01"), Agent(lab, "ovs02")
        server = (await first.document("discover_server"))[0]
        assert server.findtext("Membership_State") == "Pooled"
        assert server.findtext("Pool_Unique_Id") == POOL
        assert server.findtext("Is_Current_Master") == "true"
        assert server.findtext("Master_Virtual_Ip") == VIP
        pool = await second.document("discover_server_pool")
        assert [item.text for item in pool.iter("Registered_IP")] == ["203.0.113.11", "203.0.113.12"]
        poolfs = await second.document("discover_pool_filesystem")
        assert poolfs.findtext("*/Pool_Filesystem_Type") == kind
        cluster = await first.document("discover_cluster")
        assert cluster.findtext("O2CB_Config/O2CB_HEARTBEAT_THRESHOLD") == "61"
        assert [item.text for item in cluster.iter("Name")][1:] == ["ovs01", "ovs02"]
        with pytest.raises(xmlrpc.client.Fault, match=f"Server already a member of pool: {POOL}"):
            await second("join_server_pool", "pool1", POOL, VIP, 1, "ovs02", "203.0.113.12", "xen,utility")
        poolfs_target = lab.world.servers["ovs01"].poolfs
        assert poolfs_target is not None
        target, nfsbase = poolfs_target["target"], poolfs_target["nfsbase_uuid"]
        for agent, leave in ((second, "leave"), (first, "destroy")):
            await agent(f"{leave}_cluster", POOLFS)
            if leave == "destroy":
                await agent("deconfigure_virtual_ip", VIP)
                await agent("destroy_pool_filesystem", kind, target, POOLFS, nfsbase)
            server_state = lab.world.servers["ovs01" if leave == "destroy" else "ovs02"]
            server_state.poolfs = server_state.poolfs or dict(poolfs_target)
            await agent("deconfigure_server_for_cluster", POOLFS)
            await agent(f"{leave}_server_pool", POOL)
        export = next(iter(lab.world.nas.values())).exports[0]
        export.files.clear()
        assert lab.snapshot() == before


@pytest.mark.asyncio
async def test_loopback_name_is_the_recorded_fault() -> None:
    lab = owned_lab(2, "hostname-loopback")
    async with lab:
        with pytest.raises(xmlrpc.client.Fault) as caught:
            await Agent(lab, "ovs02")(
                "create_server_pool", "p", POOL, VIP, 0, "ovs02", "203.0.113.12", "xen,utility"
            )
        wanted = "<type 'exceptions.Exception'>:Invalid hostname resolution: ovs02 -> 127.0.0.1"
        assert caught.value.faultString == wanted


@pytest.mark.asyncio
async def test_owner_rules() -> None:
    async with Lab.from_scenario(servers=1, speed=1000) as lab:
        lab.world.switches.password_after_ownership = True
        agent = Agent(lab)
        with pytest.raises(xmlrpc.client.Fault, match="not owned"):
            await agent("create_server_pool", "p", POOL, VIP, 0, "ovs01", "203.0.113.11", "xen")
        lab.world.servers["ovs01"].owner = "f" * 32
        with pytest.raises(xmlrpc.client.Fault, match="owned by manager"):
            await agent("take_ownership", OWNERSHIP)
        with pytest.raises(xmlrpc.client.Fault, match="owned by manager"):
            await agent("release_ownership", MANAGER)
        assert await agent("release_ownership", "f" * 32) is None
        assert lab.world.servers["ovs01"].owner is None


@pytest.mark.asyncio
async def test_dispatch_runs_on_another_server() -> None:
    async with Lab.from_scenario(servers=2) as lab:
        secret = lab.passwords["agent"]
        uri = f"https://oracle:{secret}@203.0.113.12:8899/api/3/"
        document = await Agent(lab)("dispatch", uri, "discover_server")
        assert "<Hostname>ovs02</Hostname>" in document
        with pytest.raises(xmlrpc.client.Fault, match="403"):
            await Agent(lab)("dispatch", uri.replace(secret, "wrong"), "echo", "x")
        with pytest.raises(xmlrpc.client.Fault, match="Connection refused"):
            await Agent(lab)("dispatch", "https://oracle:x@203.0.113.99:8899/", "echo", "x")


@pytest.mark.asyncio
async def test_agent_password_change_by_release() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        old = lab.passwords["agent"]
        with pytest.raises(xmlrpc.client.Fault, match="takes exactly 3 arguments"):
            await Agent(lab)("update_agent_password", "oracle", "new1234")
        assert await Agent(lab, password=old)("update_agent_password", "oracle", "new1234", old) is None
        assert await Agent(lab, password="new1234")("echo", "x") == "x"


@pytest.mark.asyncio
async def test_storage_plugin_calls() -> None:
    async with Lab.from_scenario(servers=1) as lab:
        agent = Agent(lab)
        records = await agent("storage_plugin_listFileSystems", NFS, STORAGE)
        assert [item["access_path"] for item in records] == [
            "nas01.lab.example:/export/poolfs",
            "nas01.lab.example:/export/repo1",
        ]
        record = records[1]
        point = f"/nfsmnt/{record['uuid']}"
        await agent("storage_plugin_mount", NFS, STORAGE, record, point, "", True, [])
        points = await agent("storage_plugin_listMountPoints", NFS, STORAGE)
        assert [item["fs_uuid"] for item in points] == [record["uuid"]]
        mounts = await agent.document("discover_mounted_file_systems", "nfs")
        assert mounts[0][0].get("Dir") == point
        file = await agent("storage_plugin_create", NFS, STORAGE, record, f"{point}/a.img", "File", 1048576)
        assert file["file_sz"] == "1048576"
        with pytest.raises(xmlrpc.client.Fault, match=r"exceptions.OSError'>:\[Errno 17\] File exists"):
            await agent("storage_plugin_create", NFS, STORAGE, record, f"{point}/a.img", "File", 1048576)
        await agent("storage_plugin_destroy", NFS, STORAGE, record, file)
        await agent("storage_plugin_unmount", NFS, STORAGE, record, point, True)
        assert list(await agent.document("discover_mounted_file_systems", "nfs")) == []
        everything = await agent.document("discover_mounted_file_systems", "all")
        assert {item.get("Type") for item in everything} >= {"ext4", "proc"}


@pytest.mark.asyncio
async def test_busy_bridge_is_the_recorded_fault() -> None:
    async with Lab.from_scenario("healthy-3.2", servers=1) as lab:
        assert (await Agent(lab)("ovs_local_config", "start", "control0")).startswith("start")
        with pytest.raises(xmlrpc.client.Fault) as caught:
            await Agent(lab)("ovs_local_config", "start", "control0")
        assert caught.value.faultString == (
            "exceptions.RuntimeError:Command: ['/etc/xen/scripts/linuxbridge/ovs-local-bridge', 'start', "
            "'bridge=control0'] failed (1): stderr: Start local network: Bridge control0 Is Busy"
        )
