"""Attributes of Manager's objects under every name a release gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.parse import Item, Reply, parse_reply
from core.platforms.oracle_vm.manager_cli.read import events_of
from core.platforms.oracle_vm.steps.common import roles_of
from tests.unit.manager_cli.render import render, shown

ITEM = Item("03:aa", "ovs1")
OWN = "0004fb000001000078b1f88e034c8105"


def reply(*pairs: tuple[str, str]) -> Reply:
    return parse_reply(render(shown(*pairs)))


def test_a_server_of_3_2_and_of_3_4() -> None:
    old = objects.server_of(
        ITEM,
        reply(
            ("Name", "ovs1"),
            ("Status", "Running"),
            ("IP Address", "203.0.113.11"),
            ("Version", "3.2.11-775"),
            ("Maintenance Mode", "No"),
            ("TakeOwnership", "Yes"),
            ("Manager UUID", OWN),
            ("CPU Compatibility Group", "Default_Intel_F6_M60  [Default_Intel_Family:6_Model:60]"),
        ),
    )
    new = objects.server_of(
        ITEM,
        reply(
            ("Ip Address", "203.0.113.11"),
            ("OVM Version", "3.4.6-2105"),
            ("Maintenance Mode", "Off"),
            ("Manager UUID", f"{OWN}  [ovmm]"),
            ("Server Pool", "0004fb00  [pool [1]]"),
            ("Role 1", "Utility"),
            ("Role 2", "Vm"),
            ("Physical Disk 1", "0004fb0000180000aa  [x]"),
            ("Locked", "false"),
        ),
    )
    assert (old.address, old.release, old.owner, old.maintenance) == (
        "203.0.113.11",
        "3.2.11-775",
        OWN,
        False,
    )
    assert old.cpu_group == "Default_Intel_F6_M60"
    assert (new.owner, new.pool_id, new.pool_name, new.locked) == (OWN, "0004fb00", "pool [1]", False)
    assert new.roles == ("Utility", "Vm")
    assert new.disks == ("0004fb0000180000aa",)


def test_a_partly_discovered_server_lacks_what_it_lacks() -> None:
    server = objects.server_of(ITEM, reply(("Name", "ovs1"), ("Manager UUID", "")))
    assert (server.owner, server.pool_id, server.cpu_group, server.maintenance) == (None, None, None, None)
    assert server.state == ""


@pytest.mark.parametrize("name", objects.VIRTUAL_IP)
def test_a_pool_under_each_name_of_its_virtual_ip(name: str) -> None:
    pool = objects.pool_of(
        Item("P", "pool1"),
        reply(
            (name, "203.0.113.200"),
            ("Master Server", "03:ab  [b]"),
            ("Server 1", "03:aa  [a]"),
            ("Clustered", "true"),
        ),
    )
    assert (pool.virtual_ip, pool.master, pool.members, pool.clustered) == (
        "203.0.113.200",
        "03:ab",
        ("03:aa",),
        True,
    )


def test_local_disks_and_file_servers_are_told_apart() -> None:
    local = objects.disk_of(Item("D", "d"), reply(("VolumeGroup", "Local_Storage_Volume_Group @ x  [y]")))
    shared = objects.disk_of(
        Item("D", "d"), reply(("VolumeGroup", "Generic_SAN_Volume_Group @ x  [y]"), ("Size (GiB)", "5"))
    )
    assert (local.is_local, shared.is_local, shared.size_bytes) == (True, False, 5 * 2**30)
    assert objects.file_server_of(Item("F", "Local FS ovs1"), reply()).is_local


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("3600601601110190080a4f954c48de311", "600601601110190080A4F954C48DE311", True),
        ("/dev/mapper/3600601601110190080a4f954c48de311", "3600601601110190080a4f954c48de311", True),
        ("350014ee65ae7247a", "50014ee65ae7247a", True),
        ("3600601601110190080a4f954c48de311", "3600601601110190080a4f954c48de312", False),
        ("", "", False),
    ],
)
def test_wwids(one: str, other: str, same: bool) -> None:
    assert objects.same_wwid(one, other) is same


@given(st.text(max_size=60), st.text(max_size=60))
def test_exports_and_wwids_compare_alike_both_ways(one: str, other: str) -> None:
    assert objects.same_wwid(one, other) == objects.same_wwid(other, one)
    assert objects.same_export(one, other) == objects.same_export(other, one)


def test_names_of_nfs_file_systems_are_exports() -> None:
    assert objects.export_of("nfs:/mnt/vol1/poolfs01") == "/mnt/vol1/poolfs01"
    assert objects.export_of("nfs://mnt//vol1//poolfs01") == "/mnt/vol1/poolfs01"
    assert objects.export_of("my fs") == ""


def test_roles_in_every_spelling() -> None:
    assert (
        roles_of(["Utility", "Vm"]) == roles_of(["xen,utility"]) == roles_of(["VIRTUAL_MACHINE", "UTILITY"])
    )
    assert roles_of(["Virtual Machine"]) == {"vm"}


def test_events_one_attribute_a_line_and_in_runs() -> None:
    lines = reply(
        ("id", "1"), ("type", "storage.device.online"), ("severity", "WARNING"), ("summary", "up"),
        ("id", "2"), ("type", "lifecycle.create"), ("severity", "CRITICAL"), ("objId", "03:aa"),
    )  # fmt: skip
    runs = parse_reply(
        render(shown(command="getEvents")).replace(
            "OVM> ", "  id:3  type:StorageDeviceUpEvent  severity:WARNING  summary:a: b\n"
        )
    )
    assert [(one.id, one.kind) for one in events_of(lines)] == [
        ("1", "storage.device.online"),
        ("2", "lifecycle.create"),
    ]
    assert events_of(lines)[1].object_id == "03:aa"
    assert [(one.id, one.kind, one.text) for one in events_of(runs)] == [
        ("3", "StorageDeviceUpEvent", "a: b")
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Server 1", "Role 1", "Id", "Size (GiB)", "Locked", "x"]), st.text(max_size=20)
        )
    )
)
def test_no_reply_breaks_an_object(pairs: list[tuple[str, str]]) -> None:
    seen = parse_reply(render(shown(*pairs)))
    for make in (
        objects.server_of, objects.pool_of, objects.file_server_of, objects.file_system_of, objects.disk_of,
        objects.array_of, objects.network_of, objects.group_of, objects.repository_of, objects.job_of,
    ):  # fmt: skip
        assert make(ITEM, seen) is not None
    assert isinstance(events_of(seen), tuple)
