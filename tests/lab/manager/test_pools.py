from __future__ import annotations

import asyncio

import pytest

from core.lab.operations import cluster_conf, cluster_name, visible_luns, world_fingerprint
from core.lab.world import World
from tests.lab.manager.conftest import MakeCli
from tests.lab.manager.support import EXPORT, LUN_ID, VIP, WWID, Cli, make_server, make_world

pytestmark = pytest.mark.asyncio
RELEASES = ("3.2", "3.3", "3.4")


async def tear_down(cli: Cli, *numbers: int) -> None:
    """As Oracle's kit does it: members, master last, pool, ownership, servers, file server."""
    for number in reversed(numbers):
        if f"ovs{number}" in str(await cli.ask("show ServerPool name=p1")):
            await cli.ok(f"remove Server name=ovs{number} from ServerPool name=p1")
    if any(name == "p1" for _, name in await cli.ok("list ServerPool")):
        await cli.ok("delete ServerPool name=p1")
    for key, name in await cli.ok("list FileServer"):
        if not name.startswith("Local FS"):
            await cli.ok(f"delete FileServer id={key}")
    for number in numbers:
        old = cli.world.release == "3.2"
        await cli.ok(
            f"edit Server name=ovs{number} takeOwnership=no"
            if old
            else f"releaseOwnership Server name=ovs{number}"
        )
        await cli.ok(f"delete Server name=ovs{number}")


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("kind", ["nfs", "lun", "none"])
async def test_a_pool_is_built_and_taken_apart_without_a_trace(
    make_cli: MakeCli, version: str, kind: str
) -> None:
    cli = make_cli(version)
    cli.world.switches.release_keeps_ntp = False
    before = world_fingerprint(cli.world)
    await cli.own(1, 2, 3)
    storage = ""
    if kind == "nfs":
        storage = f"fileSystem={await cli.nfs()}"
    elif kind == "lun":
        storage = f"physicalDisk={await cli.lun(1, 2, 3)}"
    uuid = await cli.pool(storage)
    for number in (1, 2, 3):
        await cli.add(number)
    servers = [cli.world.servers[f"ovs{number}"] for number in (1, 2, 3)]
    assert [server.pool for server in servers] == [uuid] * 3
    assert [server.is_master for server in servers] == [True, False, False]
    assert [server.has_vip for server in servers] == [True, False, False]
    assert [server.node_number for server in servers] == [0, 1, 2]
    assert all(server.pool_members == ["203.0.113.1", "203.0.113.2", "203.0.113.3"] for server in servers)
    if kind == "none":
        assert not any(server.is_cluster_online for server in servers)
    else:
        assert all(server.is_cluster_online and server.cluster == cluster_name(uuid) for server in servers)
        assert cluster_conf(servers[0]) == cluster_conf(servers[2])
        assert cluster_conf(servers[0]).count("node:") == 3
        assert f"name = {uuid[-16:]}" in cluster_conf(servers[0])
        assert all(any(mount["kind"] == "ocfs2" for mount in server.mounts) for server in servers)
    if kind == "nfs":
        files = cli.world.nas["nas1"].exports[0].files
        assert {"ovspoolfs.img", ".ovspoolfs"} <= set(files)
    if kind == "lun":
        lun = cli.world.luns[LUN_ID]
        assert (lun.content, lun.cluster) == ("poolfs", uuid[-16:])
    await tear_down(cli, 1, 2, 3)
    if kind == "lun":
        for array in cli.world.of_type("storagearray"):
            array.attrs["admin_servers"].clear()
    assert world_fingerprint(cli.world) == before


@pytest.mark.parametrize("version", RELEASES)
async def test_show_has_the_attributes_of_the_release(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    await cli.own(1, 2)
    more = {} if version == "3.2" else {"clusterTimeout": "60"}
    uuid = await cli.pool(f"fileSystem={await cli.nfs()}", **more)
    await cli.add(1)
    await cli.add(2)
    shown = await cli.show("ServerPool", "p1")
    assert shown["Id"] == uuid
    assert shown["Virtual Ip"] == VIP
    assert shown["Cluster Enable"] == "Yes"
    assert shown["Cluster Timeout"] == ("120" if version == "3.2" else "60")
    assert shown["PoolFileSystem"].endswith(f"  [nfs:{EXPORT}]")
    assert shown["Server 2"] == f"{cli.world.servers['ovs2'].uuid}  [ovs2]"
    assert shown["Master Server"].endswith("[ovs1]")
    assert ("Server Count" in shown) == (version == "3.2")
    assert (await cli.show("Server", "ovs2"))["Server Pool"] == f"{uuid}  [p1]"
    assert cli.world.servers["ovs1"].cluster_timeout_s == (120 if version == "3.2" else 60)


async def test_a_host_name_on_loopback_fails_with_the_known_text(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs1"].hosts_lines = ["127.0.0.1 localhost ovs1 ovs1.lab.example"]
    await cli.own(1)
    await cli.pool()
    error = await cli.fails("add Server name=ovs1 to ServerPool name=p1")
    assert "Attempt to send command: create_server_pool to server: ovs1 failed." in error
    assert "<type 'exceptions.Exception'>:Invalid hostname resolution: ovs1 -> 127.0.0.1 [" in error
    assert cli.world.servers["ovs1"].pool is None


async def test_faults_at_create_when_the_switch_says_so(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.switches.create_fails_at = "create"
    cli.world.servers["ovs1"].hosts_lines = ["127.0.0.1 localhost ovs1"]
    await cli.own(1)
    error = await cli.fails(f"create ServerPool clusterEnable=No virtualIP={VIP} name=p1")
    assert "Invalid hostname resolution" in error
    assert await cli.ok("list ServerPool") == []


async def test_a_half_made_pool_stays_when_manager_does_not_clean(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.switches.create_fails_at, cli.world.switches.cleans_failed_pool = "create", False
    cli.world.faults["create-fails"] = {}
    await cli.own(1)
    await cli.fails(f"create ServerPool clusterEnable=No virtualIP={VIP} name=p1")
    assert [name for _, name in await cli.ok("list ServerPool")] == ["p1"]
    assert "exists already" in await cli.fails(f"create ServerPool clusterEnable=No virtualIP={VIP} name=p1")


@pytest.mark.parametrize("cleans", [True, False])
async def test_a_failed_first_add_leaves_nothing_or_the_storage(make_cli: MakeCli, cleans: bool) -> None:
    cli = make_cli()
    cli.world.switches.cleans_failed_pool = cleans
    cli.world.faults["create-fails"] = {"reason": "no luck today"}
    await cli.own(1)
    await cli.pool(f"fileSystem={await cli.nfs()}")
    before = world_fingerprint(cli.world)
    assert "no luck today" in await cli.fails("add Server name=ovs1 to ServerPool name=p1")
    after = world_fingerprint(cli.world)
    assert after["servers"] == before["servers"]
    assert after["exports"][f"nas1:{EXPORT}"] == (
        [] if cleans else [".generic_fs_stamp", ".ovspoolfs", "ovspoolfs.img"]
    )


async def test_a_failed_join_leaves_the_pool_as_it_was(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.faults["join-fails"] = {"server": "ovs3"}
    await cli.own(1, 2, 3)
    await cli.pool(f"fileSystem={await cli.nfs()}")
    await cli.add(1)
    await cli.add(2)
    before = world_fingerprint(cli.world)
    assert "join_server_pool" in await cli.fails("add Server name=ovs3 to ServerPool name=p1")
    assert world_fingerprint(cli.world) == before


async def test_a_failed_cluster_join_is_undone_on_every_member(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.pool(f"physicalDisk={await cli.lun(1, 2)}")
    await cli.add(1)
    before = world_fingerprint(cli.world)
    cli.world.luns[LUN_ID].seen_by = frozenset({"ovs1"})
    error = await cli.fails("add Server name=ovs2 to ServerPool name=p1")
    assert "join_cluster" in error
    assert "Heartbeat region could not be found" in error
    assert world_fingerprint(cli.world) == before


def taken_by_server(world: World) -> None:
    world.servers["ovs3"].address = VIP


def taken_by_neighbour(world: World) -> None:
    world.neighbours[VIP] = "00:11:22:33:44:55"


@pytest.mark.parametrize("taken", [taken_by_server, taken_by_neighbour])
async def test_a_virtual_ip_in_use_is_refused(make_cli: MakeCli, taken: object) -> None:
    cli = make_cli()
    assert callable(taken)
    taken(cli.world)
    await cli.own(1)
    await cli.pool()
    assert "already in use" in await cli.fails("add Server name=ovs1 to ServerPool name=p1")


async def test_a_virtual_ip_outside_the_subnet_is_refused(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.ok("create ServerPool clusterEnable=No virtualIP=198.51.100.9 name=p1")
    assert "not in the management network" in await cli.fails("add Server name=ovs1 to ServerPool name=p1")
    assert "not an IPv4 address" in await cli.fails("create ServerPool clusterEnable=No virtualIP=x name=p2")


async def test_no_virtual_ip_on_3_4(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.ok("create ServerPool clusterEnable=No name=p1")
    await cli.add(1)
    server = cli.world.servers["ovs1"]
    assert (server.is_master, server.has_vip) == (True, False)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("clusterEnable=Yes", "either a file system or a physical disk"),
        ("clusterEnable=No fileSystem=FS", "takes no file system"),
        (f"clusterEnable=Yes fileSystem=FS physicalDisk={LUN_ID}", "either a file system or a physical disk"),
        ("clusterEnable=Yes fileSystem=nosuch", "No FileSystem found"),
        ("clusterEnable=Yes physicalDisk=nosuch", "No PhysicalDisk found"),
        ("clusterEnable=Yes physicalDisk=35001", "local disk"),
    ],
)
async def test_storage_of_a_pool(make_cli: MakeCli, options: str, why: str) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.lun(1)
    options = options.replace("FS", await cli.nfs())
    assert why in await cli.fails(f"create ServerPool {options} virtualIP={VIP} name=p1")


async def test_storage_must_be_refreshed_first(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    key = await cli.nfs()
    cli.world.objects[key].attrs["size_bytes"] = None
    assert "was not refreshed" in await cli.fails(
        f"create ServerPool clusterEnable=Yes fileSystem={key} virtualIP={VIP} name=p"
    )
    await cli.lun(1)
    cli.world.luns[LUN_ID].is_refreshed = False
    line = f"create ServerPool clusterEnable=Yes physicalDisk={LUN_ID} virtualIP={VIP} name=p"
    assert "was not refreshed" in await cli.fails(line)


async def test_a_lun_of_another_cluster_is_refused_and_kept(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.lun(1)
    lun = cli.world.luns[LUN_ID]
    lun.content, lun.cluster = "ocfs2", "feedfacefeedface"
    await cli.pool(f"physicalDisk={LUN_ID}")
    assert "already in a cluster: feedfacefeedface" in await cli.fails(
        "add Server name=ovs1 to ServerPool name=p1"
    )
    await cli.ok("delete ServerPool name=p1")
    assert lun.cluster == "feedfacefeedface"


async def test_stale_files_on_the_export_are_refused_and_kept(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    cli.world.nas["nas1"].exports[0].files = [".ovspoolfs", "ovspoolfs.img"]
    await cli.pool(f"fileSystem={await cli.nfs()}")
    await cli.fails("add Server name=ovs1 to ServerPool name=p1")
    await cli.ok("delete ServerPool name=p1")
    assert cli.world.nas["nas1"].exports[0].files == [".ovspoolfs", "ovspoolfs.img"]


@pytest.mark.parametrize(
    ("change", "why"), [("is_writable", "Read-only"), ("squashes_root", "Permission denied")]
)
async def test_an_export_that_root_cannot_write_is_refused(make_cli: MakeCli, change: str, why: str) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.pool(f"fileSystem={await cli.nfs()}")
    setattr(cli.world.nas["nas1"].exports[0], change, change == "squashes_root")
    assert why in await cli.fails("add Server name=ovs1 to ServerPool name=p1")


async def test_sparc_pools_stand_on_nfs_alone(make_cli: MakeCli) -> None:
    cli = make_cli()
    for server in cli.world.servers.values():
        server.cpu.arch = "sparc"
    await cli.own(1, 2)
    await cli.pool(f"fileSystem={await cli.nfs()}", clusterTimeout=60)
    await cli.add(1)
    server = cli.world.servers["ovs1"]
    assert server.is_cluster_online
    assert server.cluster_timeout_s == 120  # ignored
    assert "ovspoolfs.img" not in cli.world.nas["nas1"].exports[0].files
    assert ".ovspoolfs" in cli.world.nas["nas1"].exports[0].files


async def test_sparc_on_a_lun_and_mixed_architectures_are_refused(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs1"].cpu.arch = "sparc"
    await cli.own(1, 2)
    await cli.pool(f"physicalDisk={await cli.lun(1, 2)}")
    assert "not supported on SPARC" in await cli.fails("add Server name=ovs1 to ServerPool name=p1")
    await cli.add(2)
    assert "architecture" in await cli.fails("add Server name=ovs1 to ServerPool name=p1")


async def test_a_server_must_be_ours_free_and_not_in_maintenance(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs3"].owner = "0004fb0000010000ffffffffffffffff"
    await cli.own(1, 2, 3)
    await cli.pool()
    await cli.ok("create ServerPool clusterEnable=No virtualIP=203.0.113.101 name=p2")
    await cli.add(1)
    assert "in server pool p1 already" in await cli.fails("add Server name=ovs1 to ServerPool name=p2")
    assert "not owned" in await cli.fails("add Server name=ovs3 to ServerPool name=p1")
    await cli.ok("setMaintenanceMode Server name=ovs2 mode=on")
    assert "maintenance" in await cli.fails("add Server name=ovs2 to ServerPool name=p1")
    cli.world.servers["ovs2"].maintenance, cli.world.servers["ovs2"].pool = False, "f00"
    assert "Server already a member of pool: f00" in await cli.fails(
        "add Server name=ovs2 to ServerPool name=p1"
    )


@pytest.mark.parametrize("version", RELEASES)
async def test_the_master_goes_last(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    await cli.own(1, 2)
    await cli.pool()
    await cli.add(1)
    await cli.add(2)
    line = "remove Server name=ovs1 from ServerPool name=p1"
    if version == "3.4":
        await cli.ok(line)
        assert cli.world.servers["ovs2"].is_master
        assert cli.world.servers["ovs2"].has_vip
    else:
        assert "is the master" in await cli.fails(line)
    assert "has servers" in await cli.fails("delete ServerPool name=p1")


async def test_leaves_pool_fs_keeps_it_on_the_storage(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.switches.leaves_pool_fs = True
    await cli.own(1)
    uuid = await cli.pool(f"physicalDisk={await cli.lun(1)}")
    await cli.add(1)
    await tear_down(cli, 1)
    assert cli.world.luns[LUN_ID].cluster == uuid[-16:]
    assert WWID in world_fingerprint(cli.world)["luns"]


@pytest.mark.parametrize(("clustered", "limit"), [(True, 32), (False, 64)])
async def test_limits_of_members(make_cli: MakeCli, clustered: bool, limit: int) -> None:
    world = make_world(servers=1)
    for number in range(2, limit + 2):
        world.servers[f"ovs{number}"] = make_server(number)
    world.speed = 1e6
    cli = make_cli(world=world)
    for server in world.servers.values():
        server.is_known, server.owner = True, world.manager_uuid
    await cli.pool(f"fileSystem={await cli.nfs()}" if clustered else "")
    for number in range(1, limit + 1):
        await cli.add(number)
    assert f"has {limit} servers" in await cli.fails(f"add Server name=ovs{limit + 1} to ServerPool name=p1")


async def test_edit_moves_master_and_virtual_ip(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.pool()
    await cli.add(1)
    await cli.add(2)
    await cli.ok("edit ServerPool name=p1 masterServer=ovs2")
    await cli.ok("edit ServerPool name=p1 virtualIP=203.0.113.120 migrateUsingSsl=yes policyMode=drs")
    shown = await cli.show("ServerPool", "p1")
    assert (shown["Virtual Ip"], shown["Vm Migrate Using SSL"], shown["Policy Mode"]) == (
        "203.0.113.120",
        "Yes",
        "DRS",
    )
    second = cli.world.servers["ovs2"]
    assert (second.is_master, second.has_vip, second.pool_vip) == (True, True, "203.0.113.120")
    cli.world.neighbours["203.0.113.121"] = "aa"
    assert "already in use" in await cli.fails("edit ServerPool name=p1 virtualIP=203.0.113.121")
    await cli.ok("addPolicyServer ServerPool name=p1 server=ovs2")
    assert (await cli.show("ServerPool", "p1"))["Policy Server 1"].endswith("[ovs2]")


async def test_a_member_that_is_away_cannot_be_removed(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.pool(f"fileSystem={await cli.nfs()}")
    await cli.add(1)
    await cli.add(2)
    cli.world.servers["ovs2"].run_state = "STOPPED"
    before = world_fingerprint(cli.world)
    await cli.fails("remove Server name=ovs2 from ServerPool name=p1")
    assert world_fingerprint(cli.world) == before
    assert (await cli.show("Server", "ovs2"))["Status"] == "Stopped"


async def test_two_adds_at_once_wait_for_each_other(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.pool()
    other = cli.another()
    first, second = await asyncio.gather(
        cli.ask("add Server name=ovs1 to ServerPool name=p1"),
        other.answer("add Server name=ovs2 to ServerPool name=p1"),
    )
    assert "Status: Success" in first
    assert "Status: Success" in second
    assert sorted(server.node_number or 0 for server in cli.world.servers.values() if server.pool) == [0, 1]
    assert LUN_ID in [lun.id for lun in visible_luns(cli.world, cli.world.servers["ovs1"])]
