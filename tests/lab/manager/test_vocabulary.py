"""The rest of the vocabulary: session options, events, jobs, networks, groups, guests, help."""

from __future__ import annotations

import pytest

from core.lab.manager.commands.session_commands import help_lines
from core.lab.manager.context import HANDLERS, handler_of
from core.lab.manager.dialects import dialect_of
from core.lab.world import LabCpu
from tests.lab.manager.conftest import MakeCli

pytestmark = pytest.mark.asyncio
RELEASES = ("3.2", "3.3", "3.4")


@pytest.mark.parametrize("version", RELEASES)
async def test_every_type_can_be_listed(make_cli: MakeCli, version: str) -> None:
    cli = make_cli(version)
    await cli.discover(1)
    for type_ in dialect_of(version).types:
        for key, _ in await cli.ok(f"list {type_.upper()}"):
            assert "  Name = " in await cli.ask(f"show {type_.lower()} id='{key}'")


async def test_every_handler_belongs_to_a_command() -> None:
    forms = [form for version in RELEASES for form in dialect_of(version).syntaxes]
    known = {(form.verb, type_.lower()) for form in forms for type_ in (form.types or ("",))}
    verbs = {form.verb for form in forms}
    assert {verb for verb, _ in HANDLERS} <= verbs
    assert all((verb, type_) in known or not type_ for verb, type_ in HANDLERS)
    assert {form.verb for form in forms if not form.types and handler_of(form.verb, "") is None} == {"exit"}


async def test_bare_commands(make_cli: MakeCli) -> None:
    cli = make_cli()
    assert await cli.ask("ShowVersion") == "3.4.6.2105\n"
    assert "  ServerPool" in await cli.ask("showobjtypes")
    assert "  refreshStorageLayer" in await cli.ask("showcustomcmds Server")
    assert "  Server:" in await cli.ask("showallcustomcmds")
    assert "discoverServer" in await cli.ask("help")
    assert "UTC" in await cli.ask("getManagerTime")


async def test_options_are_of_the_session(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    await cli.ok("set AlphabetizeAttributes=yes")
    shown = await cli.ask("showclisession")
    assert "  AlphabetizeAttributes = Yes\n  CommandMode = Synchronous\n  CommandTimeout = 45\n" in shown
    attributes = list(await cli.show("PhysicalDisk", "name=35001"))
    assert attributes[:-1] == sorted(attributes[:-1])
    assert attributes[-1] == "San Server"
    assert "AlphabetizeAttributes = No" in (await cli.another().answer("showclisession"))


async def test_asynchronous_commands_answer_at_once(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.speed = 100.0
    await cli.ok("set CommandMode=Asynchronous")
    text = await cli.ask("create ServerPool clusterEnable=No name=p")
    job = text.split("JobId: ")[1].split("\n")[0]
    assert await cli.ok("list ServerPool") == []
    assert (await cli.show("Job", f"id={job}"))["Summary Done"] == "No"
    for task in list(cli.engine.tasks):
        await task
    assert (await cli.show("Job", f"id={job}"))["Summary State"] == "Success"
    assert len(await cli.ok("list ServerPool")) == 1


async def test_events_can_be_asked_and_acknowledged(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    uuid = cli.world.servers["ovs1"].uuid
    text = await cli.ask(f"getEvents objType=server objId={uuid} amount=10")
    assert "  type = lifecycle.create\n" in text
    assert "  type = lifecycle.modify\n" in text
    assert "lifecycle" in await cli.ask(f"getEventsForObject objType=Server objId={uuid}")
    assert "lifecycle" not in await cli.ask("getEvents severity=WARNING")
    await cli.ask("discoverServer ipAddress=203.0.113.9 password=x takeOwnership=No")
    critical = await cli.ask("getEvents severity=WARNING")
    assert "job.failed" in critical
    key = critical.split("id = ")[1].split("\n")[0]
    await cli.ok(f"ackEvent eventId={key}")
    assert "job.failed" not in await cli.ask("getEvents severity=WARNING")
    assert "job.failed" in await cli.ask("getEvents severity=WARNING acknowledged=Yes")
    assert "go together" in await cli.fails(f"getEvents objId={uuid}")


async def test_old_events_are_asked_per_object(make_cli: MakeCli) -> None:
    cli = make_cli("3.2")
    await cli.discover(1)
    assert "type:ServerCreatedEvent" in await cli.ask("getEvents Server name=ovs1 type=All amount=5")


async def test_ended_jobs_cannot_be_aborted(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    job = (await cli.ok("list Job"))[-1][0]
    assert "has ended" in await cli.fails(f"abort Job id={job}")


async def test_networks_and_ports(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    shown = await cli.show("Network", "203.0.113.0")
    assert [shown["Role 1"], shown["Role 2"], shown["Role 3"]] == [
        "Management",
        "Live_Migrate",
        "Cluster_Heartbeat",
    ]
    assert shown["Port 1"].endswith("[bond0 on ovs1]")
    key = (await cli.ok("create Network name=vm roles=VIRTUAL_MACHINE"))[0][0]
    port = next(key for key, name in await cli.ok("list Port") if name == "eth0 on ovs1")
    await cli.ok(f"add Port id={port} to Network id={key}")
    assert cli.world.servers["ovs1"].interfaces[0].network == key
    await cli.ok(f"edit Network id={key} roles=virtual_machine,storage")
    assert (await cli.show("Network", "vm"))["Role 2"] == "Storage"
    await cli.ok(f'edit Network id={key} roles=""')
    assert "Role 1" not in await cli.show("Network", "vm")
    await cli.ok("delete Network name=vm")
    assert [device.network for device in cli.world.servers["ovs1"].interfaces] == [None, "cb007100"]
    assert "takes the role" in await cli.fails("create Network name=l roles=STORAGE on Server name=ovs1")


async def test_guests_move_within_a_cpu_group_only(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.servers["ovs2"].cpu = LabCpu(model=79)
    await cli.own(1, 2, 3)
    await cli.pool()
    for number in (1, 2, 3):
        await cli.add(number)
    cli.world.servers["ovs1"].guests.append("web1")
    assert [name for _, name in await cli.ok("list Vm")] == ["web1"]
    assert "incompatible processors" in await cli.fails("migrate Vm name=web1 destServer=ovs2")
    await cli.ok("migrate Vm name=web1 destServer=ovs3")
    assert cli.world.servers["ovs3"].guests == ["web1"]
    await cli.ok("create CpuCompatibilityGroup name=both")
    await cli.ok("add Server name=ovs2 to CpuCompatibilityGroup name=both")
    await cli.ok("add Server name=ovs3 to CpuCompatibilityGroup name=both")
    await cli.ok("migrate Vm name=web1 destServer=ovs2")
    assert "virtual machines: web1" in await cli.fails("remove Server name=ovs2 from ServerPool name=p1")
    await cli.ok("migrate Vm name=web1")
    await cli.ok("migrate Vm name=web1 destServer=ovs1")
    assert cli.world.servers["ovs1"].guests == ["web1"]


async def test_tags_and_groups(make_cli: MakeCli) -> None:
    cli = make_cli()
    await cli.discover(1)
    await cli.ok("create Tag name=rack4 description='second row'")
    await cli.ok("add Tag name=rack4 to Server name=ovs1")
    assert (await cli.show("Tag", "rack4"))["Description"] == "second row"
    await cli.ok("edit Tag name=rack4 name=rack5")
    await cli.ok("delete Tag name=rack5")
    assert "built in" in await cli.fails("delete CpuCompatibilityGroup id=Default_Intel_F6_M63")
    await cli.ok("create ServerUpdateGroup name=u")
    await cli.ok("delete ServerUpdateGroup name=u")


async def test_names_with_everything_in_them(make_cli: MakeCli) -> None:
    cli = make_cli()
    name = "OVM> p; @ (x) [y] // z"
    await cli.ok(f'create ServerPool clusterEnable=No name="{name}"')
    assert [found for _, found in await cli.ok("list ServerPool")] == [name.replace("//", "/")]
    await cli.ok(f'delete ServerPool name="{name}"')


async def test_ids_with_names_and_none_by_switch(make_cli: MakeCli) -> None:
    cli = make_cli()
    cli.world.switches.id_with_name = True
    cli.world.switches.empty_list_none = True
    cli.world.switches.extra["empty_attributes"] = True
    await cli.discover(1)
    shown = await cli.show("Server", "ovs1")
    assert shown["Id"] == f"{cli.world.servers['ovs1'].uuid}  [ovs1]"
    assert shown["Server Pool"] == ""
    assert (await cli.ask("list ServerPool")).endswith("Data: \n  None\n")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("", "                 discoverServer"),
        ("cr", "                 create"),
        ("create ", "                 ServerPool"),
        ("create ServerPool ", "                 *name"),
        ("create serverpool startPolicy=", "BEST_SERVER,BALANCE_SERVER,CURRENT_SERVER"),
        ("add Server ", "                 *to AccessGroup | CpuCompatibilityGroup | Repository | ServerPool"),
    ],
)
async def test_help_of_what_was_typed(make_cli: MakeCli, typed: str, line: str) -> None:
    assert line in help_lines(make_cli().world, typed)


@pytest.mark.parametrize("typed", ["nosuch x", "create Nosuch ", "create ServerPool nosuch=", "=", "x=", " "])
async def test_help_of_nonsense_says_something(make_cli: MakeCli, typed: str) -> None:
    assert help_lines(make_cli().world, typed)
