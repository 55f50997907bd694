"""The scenario `disaster`: every planted fault is found, told as one cause, and nothing is invented."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from core.lab.fleet import Lab
from tests.whole.job import SPEED

HEALTHY = ("203.0.113.11", "203.0.113.12")
# What is planted in core/lab/scenarios/disaster.toml -> the check that must tell it, and about whom.
FAULTS: dict[str, tuple[str, str]] = {
    "somebody answers for the virtual IP": ("network.vip.unused", "pool"),
    "an empty pool of the wanted name is left over": ("manager.pool.leftover", "manager"),
    "a job is at work": ("manager.jobs.idle", "manager"),
    "a critical event is open": ("manager.events.clear", "manager"),
    "the share is too small": ("storage.size.minimum", "pool"),
    "the share holds the image of an earlier pool": ("storage.nfs.empty", "pool"),
    "the share is not exported to 12": ("storage.visible.all", "203.0.113.22"),
    "3 has its name on the loopback line": ("server.hostname.loopback", "203.0.113.13"),
    "3 runs no NTP": ("server.ntp.running", "203.0.113.13"),
    "4 is 90 s ahead": ("pair.clock.skew", "203.0.113.14"),
    "4 is in another time zone": ("pair.timezone.same", "203.0.113.14"),
    "4 resolves a peer elsewhere": ("pair.names.resolve", "203.0.113.14"),
    "5 belongs to another Manager": ("server.owner.this_manager", "203.0.113.15"),
    "5 runs a guest": ("server.guests.none", "203.0.113.15"),
    "5 is configured for an old cluster": ("server.cluster.stale", "203.0.113.15"),
    "5 carries the virtual IP of a pool that is gone": ("server.vip.orphan", "203.0.113.15"),
    "6 has another agent password": ("server.agent.password", "203.0.113.16"),
    "6 drops the cluster's port": ("network.o2net.port", "203.0.113.16"),
    "6 runs a kernel that does not wait for lost paths": ("server.kernel.lost_paths", "203.0.113.16"),
    "7 has the UUID of 8": ("pair.uuid.unique", "203.0.113.17"),
    "7 has a dead leg in a bond": ("network.bond.legs", "203.0.113.17"),
    "7 has a bond in an unsupported mode": ("network.bond.mode", "203.0.113.17"),
    "7 asks an NTP server that is not there": ("network.ntp.answers", "203.0.113.17"),
    "8 has jumbo frames on the bridge alone": ("network.mtu.layers", "203.0.113.18"),
    "8 has another gateway": ("pair.gateway.same", "203.0.113.18"),
    "8 has errors in the agent's log": ("server.agent.log", "203.0.113.18"),
    "8 has I/O errors": ("server.kernel.log", "203.0.113.18"),
    "9 has no hardware virtualization": ("server.hvm.enabled", "203.0.113.19"),
    "9 has an old BIOS": ("pair.bios.same", "203.0.113.19"),
    "9 is in maintenance mode": ("server.maintenance.off", "203.0.113.19"),
    "9 has a bond of one leg": ("network.bond.redundant", "203.0.113.19"),
    "9 has half the memory": ("pool.servers.alike", "203.0.113.19"),
    "10 has another processor model": ("pair.cpu.model", "203.0.113.20"),
    "10 is of an older release": ("pair.release.same", "203.0.113.20"),
    "10 follows its own clock": ("server.ntp.source", "203.0.113.20"),
    "10 and 11 share an initiator name": ("pair.initiator.unique", "203.0.113.21"),
    "10 and 11 share a storage address": ("pair.address.unique", "203.0.113.21"),
    "10 and 11 share a MAC": ("pair.mac.unique", "203.0.113.21"),
    "11 drops live migration's port": ("server.firewall.agent", "203.0.113.21"),
    "11 will boot another kernel": ("server.boot.pending", "203.0.113.21"),
    "11 has other o2cb values": ("pair.o2cb.same", "203.0.113.21"),
    "11 is up for 600 days": ("server.uptime.sane", "203.0.113.21"),
    "12 has no agent": ("network.agent.port", "203.0.113.22"),
    "12 gets its address by DHCP": ("server.address.static", "203.0.113.22"),
    "12 cannot reach Manager": ("network.manager.callback", "203.0.113.22"),
    "12 asks another name server": ("pair.dns.same", "203.0.113.22"),
}


async def check_json(lab: Lab, folder: Path) -> dict[str, Any]:
    """`poolwright check --json` in a process of its own."""
    lab.write_ready(folder / "ready.json")
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    passwords.write_text("".join(f"{name}: {value}\n" for name, value in lab.passwords.items()))
    words = ["check", str(folder / "ready.json.spec.yaml"), "--json", "--password-file", str(passwords)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "core.cli.main", *words, "--state-dir", str(folder / "state"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2], env=dict(os.environ),
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 1, err.decode()
    document: dict[str, Any] = json.loads(out)
    return document


def is_about(told: dict[str, Any], target: str) -> bool:
    """Whether a result or cause speaks of this server; one of the pool or Manager by its target."""
    return (
        target in (*told.get("targets", [told.get("target")]), *told["servers"]) or target in told["detail"]
    )


@pytest.mark.asyncio
async def test_every_planted_fault_is_found_and_is_one_cause_and_nothing_is_invented(tmp_path: Path) -> None:
    async with Lab.from_scenario("disaster", servers=12, speed=SPEED) as lab:
        before = lab.snapshot()
        document = await check_json(lab, tmp_path)
        assert lab.snapshot() == before
    assert len(FAULTS) >= 40
    assert len(set(FAULTS.values())) == len(FAULTS)
    hits = [row for row in document["results"] if row["verdict"] in ("fail", "warn", "info")]
    for fault, (id_, target) in FAULTS.items():
        told = [row for row in hits if row["id"] == id_ and is_about(row, target)]
        assert told, f"not found: {fault} ({id_}); reported: {sorted(row['id'] for row in hits)}"
        assert all(row["fix"] for row in told)
    causes = [cause for cause in document["causes"] if cause["verdict"] in ("fail", "warn")]
    planted = {id_ for id_, _ in FAULTS.values()}
    assert {cause["id"] for cause in causes} <= planted
    assert len(causes) == len({cause["id"] for cause in causes}) <= len(FAULTS)
    for cause in document["causes"]:
        assert not set(HEALTHY) & {*cause["servers"], *cause["targets"]}, cause
    on_healthy = [row for row in document["results"] if row["target"] in HEALTHY]
    assert {row["verdict"] for row in on_healthy} <= {"pass", "not_applicable"}, on_healthy
    assert document["summary"]["may_apply"] is False
    assert document["coverage"]["servers"][HEALTHY[0]]["score_pct"] == 100
