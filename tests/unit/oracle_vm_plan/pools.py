"""Fleets with a dead or living pool, as facts: everything was read, and every answer can be replaced."""

from __future__ import annotations

from typing import Any

from core.facts.looks import VolumeLook
from core.models.facts import Address, Fact, PlaneFact, PlaneState
from core.platforms.oracle_vm.facts import (
    LunLook,
    ManagedPool,
    ManagedServer,
    ManagerFacts,
    NfsLook,
    OvmFleet,
    OvmServerFacts,
)
from tests.unit.oracle_vm_plan.test_planner import OWN, seen

POOL = "0004fb0000020000aaaabbbbccccdddd"
OTHER = "0004fb0000020000111122223333444f"
NAMES = ("203.0.113.11", "203.0.113.12")
VIP = "203.0.113.200"
OK = PlaneFact(state=PlaneState.OK)


def server(name: str, **facts: Any) -> OvmServerFacts:
    """A free server that told everything over agent and SSH; facts replace parts, `planes` the planes."""
    planes = facts.pop("planes", {"agent": OK, "ssh": OK})
    told: dict[str, Any] = {
        "server_uuid": f"{name.rpartition('.')[2]}:00", "owner": None, "pool_id": None, "stored_cluster": None,
        "mounts": (), "running_guests": (), "repositories": (), "cluster_online": False, "cluster_running": False,
        "addresses": (Address(interface="bond0", address=name, prefix=24),), "vip_holder_mac": None,
        "master_vip": None, "pool_nfs": NfsLook(export="nas1:/vol/poolfs", entries=()),
        "pool_lun": LunLook(wwid="w", is_seen=True, signatures=(), volume=VolumeLook()),
    } | facts  # fmt: skip
    for own, merged in {
        "db_owner": "owner",
        "db_pool_id": "pool_id",
        "conf_cluster": "stored_cluster",
    }.items():
        told.setdefault(own, told[merged])
    known = {key: value if isinstance(value, Fact) else seen(value) for key, value in told.items()}
    return OvmServerFacts(name=name, address=name, planes=planes, **known)


def member(name: str, **facts: Any) -> OvmServerFacts:
    """A server that this Manager owns and that believes to be in the pool."""
    return server(name, **({"owner": OWN, "pool_id": POOL} | facts))


def entry(name: str, **more: Any) -> ManagedServer:
    """Manager's entry of it, owned by this Manager."""
    values = {"owner": OWN, "state": "Running", "address": name} | more
    return ManagedServer(id=f"{name.rpartition('.')[2]}:00", name=name, **values)


def pool(*members: str, **more: Any) -> ManagedPool:
    """The pool of the spec's name in Manager; members are ids."""
    return ManagedPool(**{"id": POOL, "name": "pool1", "members": members, "clustered": True} | more)


def fleet(*servers: OvmServerFacts, **manager: Any) -> OvmFleet:
    """Manager told every list; a list given as a Fact stands as it is."""
    empty = ("pools", "servers", "file_servers", "file_systems", "arrays", "repositories", "guests")
    lists: dict[str, Any] = {"uuid": OWN, "release": "3.4"} | dict.fromkeys(empty, ()) | manager
    facts = {key: value if isinstance(value, Fact) else seen(value) for key, value in lists.items()}
    told = servers or tuple(server(name) for name in NAMES)
    return OvmFleet(servers={one.name: one for one in told}, manager=ManagerFacts(plane=OK, **facts))


def half_made(**more: Any) -> OvmFleet:
    """A pool with the first of two servers in it, and nothing alive."""
    return fleet(
        more.pop("first", member(NAMES[0])),
        more.pop("second", server(NAMES[1])),
        **{"pools": (pool("11:00"),), "servers": (entry(NAMES[0], pool_id=POOL),)} | more,
    )
