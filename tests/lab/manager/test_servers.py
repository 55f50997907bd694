from __future__ import annotations

import asyncio

import pytest

from core.lab.operations import accepts_password, world_fingerprint
from core.lab.world import LabServer
from tests.lab.manager.conftest import MakeCli
from tests.lab.manager.support import AGENT_PASSWORD, VIP

pytestmark = pytest.mark.asyncio
RELEASES = ("3.2", "3.3", "3.4")
FOREIGN = "0004fb0000010000ffffffffffffffff"


async def release(version: str, number: int) -> str:
    return (
        f"edit Server name=ovs{number} takeOwnership=no"
        if version == "3.2"
        else f"releaseOwnership Server name=ovs{number}"
    )


@pytest.mark.parametrize("version", RELEASES)
async def test_discovery_owns_and_release_puts_everything_back(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    cli.world.switches.release_keeps_ntp = False
    before = world_fingerprint(cli.world)
    await cli.own(1, 2)
    server = cli.world.servers["ovs1"]
    assert server.owner == cli.world.manager_uuid
    assert server.ntp_servers == (cli.world.manager_address,)
    assert server.interfaces[1].network == "cb007100"
    assert server.cpu_group == "Default_Intel_F6_M63"
    names = [name for _, name in await cli.ok("list FileServer")]
    assert names == ["Local FS ovs1", "Local FS ovs2"]
    assert world_fingerprint(cli.world) != before
    for number in (1, 2):
        await cli.ok(await release(version, number))
        await cli.ok(f"delete Server name=ovs{number}")
    assert world_fingerprint(cli.world) == before


@pytest.mark.parametrize("version", RELEASES)
async def test_a_release_leaves_the_time_source_that_manager_set(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    await cli.own(1)
    await cli.ok(await release(version, 1))
    server = cli.world.servers["ovs1"]
    assert server.owner is None
    assert server.ntp_servers == (cli.world.manager_address,)


@pytest.mark.parametrize("version", RELEASES)
async def test_show_has_the_attributes_of_the_release(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    await cli.discover(1)
    shown = await cli.show("Server", "ovs1")
    assert shown["Status"] == "Running"
    assert shown["Manager UUID"] == cli.world.manager_uuid
    assert shown["Ethernet Port 1"].endswith("  [eth0 on ovs1]")
    assert "Server Pool" not in shown
    if version == "3.2":
        assert shown["IP Address"] == "203.0.113.1"
        assert (shown["Version"], shown["Memory (GiB)"], shown["TakeOwnership"]) == (
            "3.2.11-775",
            "128.0",
            "Yes",
        )
        assert {
            "Sockets Filled",
            "Processor Family",
            "Server Architecture Type",
            "L3 Cache Size",
        } <= shown.keys()
        assert not {"Ip Address", "OVM Version", "Host Name", "Memory (MB)"} & shown.keys()
    else:
        assert (shown["Ip Address"], shown["Host Name"]) == ("203.0.113.1", "ovs1")
        assert (shown["Memory (MB)"], shown["Processors"], shown["Processor Type"]) == (
            "131072",
            "48",
            "X86_64",
        )
        assert shown["Cpu Compatibility Group"] == "Default_Intel_F6_M63  [Default_Intel_Family:6_Model:63]"
        assert not {"IP Address", "Version", "TakeOwnership"} & shown.keys()


async def test_a_foreign_server_is_taken_silently_not_at_all(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs1"].owner = FOREIGN
    await cli.discover(1)
    assert cli.world.servers["ovs1"].owner == FOREIGN
    shown = await cli.show("Server", "ovs1")
    assert (shown["Status"], shown["Manager UUID"]) == ("Unknown", FOREIGN)
    assert not any(name.startswith(("Ethernet Port", "Cpu Comp", "Physical Disk")) for name in shown)
    await cli.ok(f"takeOwnership Server name=ovs1 password={AGENT_PASSWORD}")
    assert cli.world.servers["ovs1"].owner == FOREIGN
    cli.world.servers["ovs1"].owner = None  # the other Manager lets go
    await cli.ok("rediscoverServer Server name=ovs1")
    await cli.ok(f"takeOwnership Server name=ovs1 password={AGENT_PASSWORD}")
    assert cli.world.servers["ovs1"].owner == cli.world.manager_uuid


async def test_ownership_replaces_the_password(make_cli: MakeCli) -> None:
    cli = make_cli()
    server = cli.world.servers["ovs1"]
    assert accepts_password(cli.world, server, "oracle", AGENT_PASSWORD)
    await cli.discover(1)
    assert not accepts_password(cli.world, server, "oracle", AGENT_PASSWORD)
    cli.world.switches.password_after_ownership = True
    assert accepts_password(cli.world, server, "oracle", AGENT_PASSWORD)


async def test_a_wrong_password_is_told_in_the_agent_form(make_cli: MakeCli) -> None:
    cli = make_cli()
    error = await cli.fails("discoverServer ipAddress=203.0.113.1 password=wrong takeOwnership=Yes")
    assert error.startswith(
        "Job failed on Core: OVMAPI_4010E Attempt to send command: discover_server to server: ovs1"
    )
    assert "OVMAPI_4004E Sync command failed on server: 203.0.113.1." in error
    assert not cli.world.servers["ovs1"].is_known


@pytest.mark.parametrize("how", ["state", "fault", "nobody"])
async def test_an_agent_that_does_not_answer_fails_discovery(make_cli: MakeCli, how: str) -> None:
    cli = make_cli()
    address = "203.0.113.77" if how == "nobody" else "203.0.113.1"
    if how == "state":
        cli.world.servers["ovs1"].run_state = "STOPPED"
    elif how == "fault":
        cli.world.servers["ovs1"].faults.add("agent-down")
    error = await cli.fails(f"discoverServer ipAddress={address} password=x takeOwnership=Yes")
    assert "Connection refused" in error
    assert "OVMAPI_9999E" in error  # invented, so marked


async def test_discovery_twice_changes_nothing(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    once = world_fingerprint(cli.world)
    await cli.discover(1)
    assert world_fingerprint(cli.world) == once
    assert len(await cli.ok("list Server")) == 1


async def test_discovery_without_ownership_leaves_the_server_alone(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.ok(f"discoverServer ipAddress=ovs2.lab.example password={AGENT_PASSWORD} takeOwnership=No")
    server = cli.world.servers["ovs2"]
    assert (server.is_known, server.owner, server.ntp_servers) == (True, None, ("127.127.1.0",))


async def test_ntp_of_a_server_with_own_sources_is_kept(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs1"].ntp_servers = ("203.0.113.251",)
    await cli.discover(1)
    assert cli.world.servers["ovs1"].ntp_servers == ("203.0.113.251",)


async def test_own_ignored_succeeds_and_changes_nothing(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.faults["own-ignored"] = {"server": "ovs2"}
    await cli.own(1, 2)
    assert cli.world.servers["ovs1"].owner is not None
    assert cli.world.servers["ovs2"].owner is None


async def test_delete_without_release_leaves_the_owner_on_the_server(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    await cli.ok("delete Server name=ovs1")
    assert cli.world.servers["ovs1"].owner == cli.world.manager_uuid
    assert await cli.ok("list Server") == []


async def test_members_cannot_be_released_or_deleted(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1)
    await cli.pool()
    await cli.add(1)
    assert "remove it from the pool" in await cli.fails("releaseOwnership Server name=ovs1")
    assert "remove it from the pool" in await cli.fails("delete Server name=ovs1")


async def test_roles_and_maintenance_reach_the_server(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.own(1, 2)
    await cli.pool()
    await cli.add(1)
    await cli.add(2)
    await cli.ok("edit Server name=ovs2 roles=UTILITY")
    assert cli.world.servers["ovs2"].roles == ("utility",)
    await cli.ok("setMaintenanceMode Server name=ovs1 mode=on")
    assert (await cli.show("Server", "ovs1"))["Maintenance Mode"] == "On"
    assert cli.world.servers["ovs2"].has_vip
    assert (await cli.show("ServerPool", "p1"))["Master Server"].endswith("[ovs2]")


async def test_twins_by_id_are_not_managed_together(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs2"].uuid = cli.world.servers["ovs1"].uuid
    await cli.discover(1)
    assert "already has the id" in await cli.fails(
        f"discoverServer ipAddress=203.0.113.2 password={AGENT_PASSWORD} takeOwnership=Yes"
    )


async def test_a_fresh_server_is_locked_while_manager_looks_around(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.speed = 200.0
    await cli.discover(1)
    shown = await cli.show("Server", "ovs1")
    while shown["Locked"] != "true":  # the follow-up job has just been started
        await asyncio.sleep(0)
        shown = await cli.show("Server", "ovs1")
    await cli.ok("edit Server name=ovs1 description=x")  # waits for the lock
    assert (await cli.show("Server", "ovs1"))["Locked"] == "false"


async def test_sparc_servers_get_a_group_of_their_own(make_cli: MakeCli) -> None:
    cli = make_cli()
    server: LabServer = cli.world.servers["ovs1"]
    server.cpu.arch = "sparc"
    await cli.discover(1)
    assert (server.cpu_group or "").startswith("Default_SPARC_")
    assert (await cli.show("Server", "ovs1"))["Processor Type"] == "SPARC"
    assert VIP not in str(await cli.show("Server", "ovs1"))
