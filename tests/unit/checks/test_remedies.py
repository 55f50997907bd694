"""Fixes as commands: with this server's own names, in the release's words, and never with a hostile word."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from core.checks.runner import run_checks
from core.models.facts import Address, Bond, BondPort
from core.models.results import CheckResult, FixCommand
from core.platforms.oracle_vm.facts import OvmServerFacts, StoredCluster
from tests.unit.checks.builders import LUN, OTHER, REGISTRY, context, lun, manager, nfs, server

FIRST = "203.0.113.11"


async def commands_of(check_id: str, *servers: OvmServerFacts, **how: object) -> tuple[FixCommand, ...]:
    """The commands of the first result of this check."""
    ctx = context(*servers, **how)  # type: ignore[arg-type]
    results: list[CheckResult] = [one for one in await run_checks(REGISTRY, ctx) if one.id == check_id]
    return next((one.commands for one in results if one.commands), ())


def test_every_remedy_belongs_to_a_check() -> None:
    assert set(REGISTRY.remedies) <= set(REGISTRY.checks)
    assert len(REGISTRY.remedies) >= 20


@pytest.mark.asyncio
async def test_the_hosts_file_is_mended_by_the_very_commands(tmp_path: Path) -> None:
    """They are run here, on a copy, by a real shell."""
    on_loopback = ("localhost", "ovs01.example.com", "ovs01")
    made = await commands_of(
        "server.hostname.loopback", server(1, hostname="ovs01", loopback_names=on_loopback), server(2)
    )
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "127.0.0.1   ovs01.example.com ovs01 localhost localhost.localdomain\n"
        "::1 localhost ovs01\n203.0.113.99 ovs011\n"
    )
    for one in made[:-1]:
        assert (one.where, one.withheld) == (FIRST, "")
        text = one.text.replace("/etc/hosts", shlex.quote(str(hosts)))
        done = await asyncio.create_subprocess_exec("/bin/sh", "-c", text)
        assert await done.wait() == 0
    lines = [line.split() for line in hosts.read_text().splitlines()]
    assert lines == [
        ["127.0.0.1", "localhost", "localhost.localdomain"],
        ["::1", "localhost"],
        ["203.0.113.99", "ovs011"],
        [FIRST, "ovs01.example.com", "ovs01"],
    ]


@pytest.mark.asyncio
async def test_release_of_a_server_is_told_in_the_words_of_the_release() -> None:
    new = await commands_of("server.owner.this_manager", server(1, owner=OTHER), server(2))
    assert [one.text for one in new] == ["releaseOwnership Server name=ovs01"]
    old = await commands_of(
        "server.owner.this_manager", server(1, owner=OTHER), server(2), manager_facts=manager(release="3.2")
    )
    assert [one.text for one in old] == ["edit Server name=ovs01 takeOwnership=no"]


@pytest.mark.asyncio
async def test_an_orphaned_virtual_ip_is_taken_off_its_own_device_with_a_warning() -> None:
    own = Address(interface="cb007100", address=FIRST, prefix=24)
    left = Address(interface="cb007100", address="203.0.113.60", prefix=32)
    (one,) = await commands_of("server.vip.orphan", server(1, addresses=(own, left)), server(2))
    assert one.text == "ip addr del 203.0.113.60/32 dev cb007100"
    assert one.warning


@pytest.mark.asyncio
async def test_what_destroys_carries_a_warning() -> None:
    wipe = await commands_of(
        "storage.lun.clean",
        server(1, pool_lun=lun(signatures=("ocfs2",))),
        server(2),
        pool={"file_system": LUN},
    )
    assert [bool(one.warning) for one in wipe] == [False, True]
    assert "DESTROYS" in wipe[1].warning
    left = await commands_of(
        "storage.nfs.empty", server(1, pool_nfs=nfs(entries=("ovspoolfs.img",))), server(2)
    )
    assert left[1].text == "rm -ri /export/poolfs/ovspoolfs.img"
    assert left[1].warning


HOSTILE = "eth0;reboot"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("check_id", "facts"),
    [
        ("server.hostname.loopback", {"hostname": "ovs01$(reboot)", "own_name_addresses": ("127.0.0.1",)}),
        ("server.cluster.stale", {"stored_cluster": StoredCluster(name="x`reboot`")}),
        (
            "network.bond.legs",
            {"bonds": (Bond(name="bond0", mode=1, ports=(BondPort(name=HOSTILE, is_up=False),)),)},
        ),
        ("storage.lun.clean", {"pool_lun": lun(signatures=("ocfs2",), device="/dev/sdb && reboot")}),
        ("server.owner.this_manager", {"hostname": "ovs01 ; delete", "owner": OTHER}),
    ],
)
async def test_a_hostile_word_never_reaches_a_command(check_id: str, facts: dict[str, object]) -> None:
    how = {"pool": {"file_system": LUN}} if check_id == "storage.lun.clean" else {}
    made = await commands_of(check_id, server(1, **facts), server(2), **how)
    assert made
    assert any(one.withheld for one in made)
    assert not any("reboot" in one.text or "delete" in one.text for one in made)
