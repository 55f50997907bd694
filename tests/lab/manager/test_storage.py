from __future__ import annotations

import pytest

from core.lab.world import LabExport, LabLun
from tests.lab.manager.conftest import MakeCli
from tests.lab.manager.support import EXPORT, FS_ID, LUN_ID, WWID

pytestmark = pytest.mark.asyncio
NFS = 'plugin="Oracle Generic Network File System" accessHost=nas1'


async def test_file_systems_appear_and_get_a_size_by_refresh(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.ok(f"create FileServer {NFS} adminServers=ovs1 name=fs")
    assert await cli.ok("list FileSystem") == []
    await cli.ok("refresh FileServer name=fs")
    assert await cli.ok("list FileSystem") == [(FS_ID, f"nfs:{EXPORT}")]
    assert "Size (GiB)" not in await cli.show("FileSystem", f"id={FS_ID}")
    await cli.ok('refresh FileSystem name="nfs://export//poolfs"')
    assert (await cli.show("FileSystem", f"id={FS_ID}"))["Size (GiB)"] == "100.0"


async def test_two_file_servers_with_one_path_need_the_id(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    for name in ("a", "b"):
        await cli.ok(f"create FileServer {NFS} adminServers=ovs1 name={name}")
        await cli.ok(f"refresh FileServer name={name}")
    found = await cli.ok("list FileSystem")
    assert len({key for key, _ in found}) == 2
    assert len({name for _, name in found}) == 1
    assert "use the id" in await cli.fails('refresh FileSystem name="nfs://export//poolfs"')


async def test_uniform_and_other_file_servers_need_their_servers(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.ok(
        f"create FileServer {NFS} adminServers=ovs1,ovs2 refreshServers=ovs2 uniformedExports=no name=fs"
    )
    cli.world.servers["ovs2"].run_state = "STOPPED"
    assert "Attempt to send command" in await cli.fails("refresh FileServer name=fs")
    await cli.ok("edit FileServer name=fs uniformedExports=yes")
    await cli.ok("refresh FileServer name=fs")


async def test_exports_differ_by_server(make_cli: MakeCli) -> None:
    cli = make_cli()
    nas = cli.world.nas["nas1"]
    nas.exports.append(LabExport("/export/two", "u2", "f2", seen_by=frozenset({"ovs2"})))
    await cli.own(1, 2)
    await cli.ok(f"create FileServer {NFS} adminServers=ovs1 refreshServers=ovs1 name=fs")
    await cli.ok("refresh FileServer name=fs")
    assert len(await cli.ok("list FileSystem")) == 1
    await cli.ok("addRefreshServer FileServer name=fs server=ovs2")
    await cli.ok("refreshStorageLayer Server name=ovs2")
    assert len(await cli.ok("list FileSystem")) == 2


@pytest.mark.parametrize("why", ["away", "unknown"])
async def test_a_file_server_that_does_not_answer(make_cli: MakeCli, why: str) -> None:
    cli = make_cli()
    await cli.own(1)
    cli.world.nas["nas1"].is_up = why != "away"
    line = f"create FileServer {NFS} adminServers=ovs1 name=fs"
    error = await cli.fails(line if why == "away" else line.replace("nas1", "nosuch"))
    assert "OVMAPI_9999E" in error
    assert "storage_plugin_getStatus" in error


async def test_luns_appear_by_refresh_and_only_where_seen(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.luns[LUN_ID].seen_by = frozenset({"ovs1"})
    await cli.own(1, 2)
    assert LUN_ID not in dict(await cli.ok("list PhysicalDisk"))
    assert "no admin or refresh server" in await cli.fails(
        "refresh StorageArray name='Unmanaged FibreChannel Storage Array'"
    )
    await cli.lun(1, 2)
    assert LUN_ID in dict(await cli.ok("list PhysicalDisk"))
    first, second = await cli.show("Server", "ovs1"), await cli.show("Server", "ovs2")
    assert any(value.startswith(LUN_ID) for value in first.values())
    assert not any(value.startswith(LUN_ID) for value in second.values())
    shown = await cli.show("PhysicalDisk", f"id={LUN_ID}")
    assert shown["Page83 ID"] == WWID
    assert shown["VolumeGroup"] == (
        "Generic_SAN_Volume_Group @ Unmanaged FibreChannel Storage Array  [FibreChannel Volume Group]"
    )
    local = await cli.show("PhysicalDisk", "name=35001")
    assert local["VolumeGroup"].startswith("Local_Storage_Volume_Group")


async def test_iscsi_luns_wait_for_initiator_access_group_and_chap(make_cli: MakeCli) -> None:
    cli = make_cli()
    key = "0004fb00001800002222222222222222"
    cli.world.luns[key] = LabLun(key, "ISCSI (1)", "14945540000", 12 * 2**30, "iscsi")
    cli.world.switches.extra["chap"] = ("user", "secret-chap")
    cli.world.switches.extra["iscsi_portals"] = ["203.0.113.210"]
    await cli.own(1)
    create = (
        "create StorageArray name=san plugin='Oracle Generic SCSI Plugin' storageType=ISCSI accessPort=3260"
    )
    assert "needs an access host" in await cli.fails(create)
    await cli.ok(f"{create} accessHost=203.0.113.210 useChap=yes accessUsername=user accessPassword=wrong")
    await cli.ok("addAdminServer StorageArray name=san server=ovs1")
    assert "failed authorization" in await cli.fails("validate StorageArray name=san")
    await cli.ok("delete StorageArray name=san")
    await cli.ok(
        f"{create} accessHost=203.0.113.210 useChap=yes accessUsername=user accessPassword=secret-chap"
    )
    await cli.ok("addAdminServer StorageArray name=san server=ovs1")
    await cli.ok("validate StorageArray name=san")
    await cli.ok("refresh StorageArray name=san")
    assert key not in dict(await cli.ok("list PhysicalDisk"))
    iqn = cli.world.servers["ovs1"].initiator
    await cli.ok(f"add StorageInitiator id='{iqn}' to AccessGroup name='Default access group @ san'")
    await cli.ok("refresh StorageArray name=san")
    assert key in dict(await cli.ok("list PhysicalDisk"))


async def test_builtin_arrays_and_local_file_servers_stay(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    assert "built in" in await cli.fails("delete StorageArray name='Unmanaged iSCSI Storage Array'")
    assert "belongs to its server" in await cli.fails("delete FileServer name='Local FS ovs1'")


async def test_what_a_pool_stands_on_cannot_be_deleted(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.pool(f"fileSystem={await cli.nfs()}")
    assert "used by server pool p1" in await cli.fails(f"delete FileSystem id={FS_ID}")
    assert "used by server pool p1" in await cli.fails("delete FileServer name=fs")
    line = f"create ServerPool clusterEnable=Yes fileSystem={FS_ID} virtualIP=203.0.113.101 name=p2"
    assert "another server pool" in await cli.fails(line)


async def test_ocfs2_file_systems_need_a_cluster(make_cli: MakeCli) -> None:
    cli = make_cli()
    key = "0004fb00001800003333333333333333"
    cli.world.luns[key] = LabLun(key, "LAB (2)", "3600000000000000002", 50 * 2**30)
    await cli.own(1)
    await cli.lun(1)
    line = f"create FileSystem name=ocfs physicalDisk={key} on FileServer name='Local FS ovs1'"
    assert "OVMRU_002030E" in await cli.fails(line)
    await cli.pool(f"physicalDisk={LUN_ID}")
    await cli.add(1)
    made = (await cli.ok(line))[0][0]
    await cli.ok(f"refresh FileSystem id={made}")
    await cli.ok(f"create Repository name=repo on FileSystem id={made}")
    assert (await cli.show("Repository", "repo"))["File System"] == f"{made}  [ocfs]"
    await cli.ok("add Server name=ovs1 to Repository name=repo")
    assert "presented" in await cli.fails("delete Repository name=repo")
    await cli.ok("remove Server name=ovs1 from Repository name=repo")
    await cli.ok("delete Repository name=repo")
    await cli.ok(f"delete FileSystem id={made}")
    assert cli.world.luns[key].content == ""


async def test_late_objects_come_after_the_reply(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.speed = 100.0
    cli.world.faults["settle-late"] = {"seconds": 10}
    await cli.own(1)
    await cli.ok(f"create FileServer {NFS} adminServers=ovs1 name=fs")
    await cli.ok("refresh FileServer name=fs")
    assert await cli.ok("list FileSystem") == []
    for task in list(cli.engine.tasks):
        await task
    assert len(await cli.ok("list FileSystem")) == 1
