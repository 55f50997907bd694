"""Is the end of a run one of the promised ones? Looks at the lab itself, never at what poolwright says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.engine.fold import RunNow
from core.lab.fleet import Lab
from core.models.events import Outcome, Residue
from core.models.plan import Plan
from core.platforms.oracle_vm.spec import PoolSpec


def judge(lab: Lab, spec: PoolSpec, plan: Plan, now: RunNow, before: dict[str, Any]) -> list[str]:
    """What is wrong with the end; empty when it is one of the promised ones."""
    after = lab.snapshot()
    differing = dict(differences(lab, spec, before, after))
    left = [residue for _, residue in now.residue.values()]
    match now.outcome:
        case Outcome.CREATED:
            accepted = {item.id for item in plan.unobservable}
            holds = [f"not verified: {item.title}" for item in now.verification.values()
                     if item.is_essential and not item.holds
                     and (item.holds is False or item.id not in accepted)]  # fmt: skip
            return [*holds, *(["verified by nobody"] if not now.verification else []), *whole(lab, spec)]
        case Outcome.CREATED_UNVERIFIED:
            return list(whole(lab, spec))
        case Outcome.ROLLED_BACK | Outcome.REFUSED:
            return [f"{now.outcome}, but {what} differs: {how}" for what, (how, _) in differing.items()]
        case Outcome.NEEDS_HUMAN:
            return list(_unnamed(lab, spec, left, differing))
    return ["the run did not end"]


def whole(lab: Lab, spec: PoolSpec) -> Iterator[str]:
    """What is missing to the pool that was asked for."""
    world = lab.world
    pools = [pool for pool in world.of_type("serverpool") if pool.name == spec.pool.name]
    if len(pools) != 1:
        yield f"created, but there are {len(pools)} pools called {spec.pool.name}"
        return
    members = [server for server in world.servers.values() if server.pool == pools[0].id]
    if len(members) != len(spec.servers) or sorted(pools[0].attrs["servers"]) != sorted(
        server.name for server in members
    ):
        yield f"created, but {len(members)} of {len(spec.servers)} servers are members"
    if sum(server.is_master for server in members) != 1:
        yield "created, but the pool has not one master"
    if any(server.owner != world.manager_uuid for server in members):
        yield "created, but a member is not owned"
    if spec.pool.virtual_ip and sum(server.has_vip for server in members) != 1:
        yield "created, but the virtual IP is not on one server"
    if spec.pool.clustered and not all(server.is_cluster_online for server in members):
        yield "created, but a member is not in the cluster"


def differences(
    lab: Lab, spec: PoolSpec, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """(what differs, (how, words of which the operator must be told one))."""
    storage = spec.pool.file_system
    places = (
        tuple(str(value) for value in storage.model_dump().values() if isinstance(value, str))
        if storage
        else ()
    )
    for name, was in before["servers"].items():
        now = after["servers"][name]
        if now != was:
            server = lab.world.servers[name]
            changed = {key: (was[key], now[key]) for key in was if was[key] != now[key]}
            of_pool = set(changed) <= {"pool", "is_master", "vip", "cluster", "is_cluster_online", "cluster_nodes",
                                       "poolfs", "mounts"}  # fmt: skip
            words = (server.address, server.fqdn, *((spec.pool.name,) if of_pool else ()))
            yield f"server {name}", (str(changed), words)
    for item in [item for item in after["objects"] if item not in before["objects"]]:
        words = (
            item["name"],
            str(item.get("access_host", "?")),
            *(places if item["type"] != "serverpool" else ()),
        )
        words += tuple(server.address for server in lab.world.servers.values() if server.name in item["name"])
        yield f"new {item['type']} {item['name']}", (str(item), words)
    for item in [item for item in before["objects"] if item not in after["objects"]]:
        yield f"gone {item['type']} {item['name']}", (str(item), (item["name"], *places))
    for kind in ("exports", "luns"):
        for place in before[kind]:
            if before[kind][place] != after[kind].get(place):
                path = place.partition(":")[2] or place
                yield f"{kind} {place}", (f"{before[kind][place]} -> {after[kind].get(place)}", (path, place))


def _unnamed(
    lab: Lab, spec: PoolSpec, left: list[Residue], differing: dict[str, tuple[str, tuple[str, ...]]]
) -> Iterator[str]:
    if not left:
        yield "needs a human, and names nothing"
    for residue in left:
        open_ids = [line for line in residue.commands if "<id of" in line or "UNCONFIRMED form" in line]
        yield from (f"{residue.what}: nobody can type `{line}`" for line in open_ids)
    if any(residue.id == "verification" for residue in left):
        yield from whole(lab, spec)
        return
    texts = [f"{residue.what} {residue.where} {residue.why} {' '.join(residue.commands)}" for residue in left]
    for what, (how, words) in differing.items():
        if not any(word in text for word in words for text in texts):
            yield f"{what} differs and nobody tells: {how}; told: {texts}"
