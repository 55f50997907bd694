"""Whatever line arrives, the Manager answers with a block; and what it answers never breaks its own rules."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lab.manager.dialects import Param, Syntax, dialect_of
from core.lab.manager.objects import items
from core.lab.operations import cluster_name, world_fingerprint
from core.lab.world import World
from tests.examples import examples
from tests.lab.manager.support import AGENT_PASSWORD, FS_ID, LUN_ID, Cli, make_world

RELEASES = ("3.2", "3.3", "3.4")


@examples(150)
@given(
    st.sampled_from(RELEASES),
    st.text(max_size=120),
    st.sampled_from(["", "list ", "create ServerPool ", "edit "]),
)
def test_any_text_is_answered(release: str, text: str, start: str) -> None:
    async def run() -> str:
        return await Cli(make_world(release, 1)).ask(start + text)

    reply = asyncio.run(run())
    assert "Status: " in reply or not reply.startswith("Command")


def some_value(chance: random.Random, world: World, param: Param) -> str:
    if param.choices:
        return chance.choice(param.choices)
    if param.is_integer:
        return str(chance.choice([8899, 30, 60, 1500, 0]))
    by_name = {
        "ipAddress": [server.address for server in world.servers.values()],
        "password": [AGENT_PASSWORD],
        "username": ["oracle"],
        "server": list(world.servers),
        "nfsRefreshServer": list(world.servers),
        "adminServers": list(world.servers),
        "masterServer": list(world.servers),
        "destServer": list(world.servers),
        "plugin": ["Oracle Generic Network File System", "Oracle Generic SCSI Plugin"],
        "accessHost": ["nas1"],
        "virtualIP": ["203.0.113.100", "203.0.113.101"],
        "fileSystem": [item.id for item in items(world, "FileSystem")] or ["none"],
        "physicalDisk": [item.id for item in items(world, "PhysicalDisk")] or ["none"],
        "name": ["one", "two", "three"],
    }
    return chance.choice(by_name.get(param.name, ["", "x y"]))


def some_line(chance: random.Random, world: World, form: Syntax) -> str:
    type_ = chance.choice(form.types) if form.types else ""
    words = [form.verb, type_]
    if form.has_ref:
        words.append(some_ref(chance, world, type_))
    words += [
        f"{param.name}='{some_value(chance, world, param)}'"
        for param in form.params
        if param.is_mandatory or chance.random() < 0.3
    ]
    if form.preposition:
        clause = chance.choice(form.clause_types)
        words += [form.preposition, clause, some_ref(chance, world, clause)]
    return " ".join(filter(None, words))


def some_ref(chance: random.Random, world: World, type_: str) -> str:
    known = [item.id for item in items(world, type_)]
    return f"id='{chance.choice(known)}'" if known else "name=none"


def check_world(world: World, *, missed_updates: bool) -> None:
    """What must hold however the world came to be; a member that was away has an older cluster.conf."""
    for pool in world.of_type("serverpool"):
        members = [world.servers[name] for name in pool.attrs["servers"]]
        assert all(server.pool == pool.id for server in members)
        assert sum(server.is_master for server in members) == bool(members)
        assert sum(server.has_vip for server in members) == bool(members and pool.attrs["virtual_ip"])
        assert len({server.node_number for server in members}) == len(members)
        assert len({tuple(server.pool_members) for server in members}) <= 1
        if pool.attrs["clustered"]:
            assert all(server.cluster == cluster_name(pool.id) for server in members)
            assert missed_updates or len({tuple(server.cluster_nodes) for server in members}) <= 1
    pooled = {name for pool in world.of_type("serverpool") for name in pool.attrs["servers"]}
    for server in world.servers.values():
        assert (server.pool is not None) == (server.name in pooled)
        assert server.pool is None or server.owner == world.manager_uuid
        assert server.is_cluster_online == (server.cluster is not None)
    world_fingerprint(world)


def pool_line(chance: random.Random, world: World) -> str:
    """A command of the kind that makes and unmakes pools, with storage and members that may or may not
    fit.
    """
    server = f"name={chance.choice(list(world.servers))}"
    pools = [item.name for item in items(world, "ServerPool")]
    pool = f"name={chance.choice(pools)}" if pools else "name=none"
    storage = chance.choice(
        [
            "clusterEnable=no",
            f"clusterEnable=yes fileSystem={FS_ID}",
            f"clusterEnable=yes physicalDisk={LUN_ID}",
        ]
    )
    return chance.choice(
        [
            f"create ServerPool {storage} virtualIP=203.0.113.{chance.randint(100, 103)} name=p{chance.randint(1, 3)}",
            *[f"add Server {server} to ServerPool {pool}"] * 4,
            *[f"remove Server {server} from ServerPool {pool}"] * 2,
            f"delete ServerPool {pool}",
            f"edit ServerPool {pool} masterServer={chance.choice(list(world.servers))}",
            f"edit ServerPool {pool} virtualIP=203.0.113.{chance.randint(100, 103)}",
        ]
    )


def disturb(chance: random.Random, world: World) -> None:
    """Something on the fleet changes under Manager's feet."""
    server = chance.choice(list(world.servers.values()))
    fault = chance.choice(["join-fails", "create-fails", "agent-down", "agent-fault", "none", "none"])
    world.faults = {} if fault == "none" else {fault: {"server": server.name}}
    hidden = frozenset(world.servers) - {server.name}
    world.luns[LUN_ID].seen_by = chance.choice([None, None, hidden])
    world.nas["nas1"].exports[0].seen_by = chance.choice([None, None, hidden])


BARE = frozenset({"help", "showversion", "showobjtypes", "showcustomcmds", "showallcustomcmds"})


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("seed", range(6))
def test_random_walks_keep_the_rules(release: str, seed: int) -> None:
    chance = random.Random(seed)
    world = make_world(release, 3, speed=1e9)
    forms = [form for form in dialect_of(release).syntaxes if form.verb not in ("exit", "set")]

    async def walk() -> int:
        cli, clustered = Cli(world), 0
        await cli.own(1, 2, 3)
        await cli.nfs()
        await cli.lun(1, 2, 3)
        await cli.pool(f"fileSystem={FS_ID}")
        await cli.add(1)
        await cli.add(2)
        missed_updates = False
        for _ in range(300):
            if chance.random() < 0.1:
                disturb(chance, world)
            form = chance.choice(forms)
            is_pool = chance.random() < 0.7
            reply = await cli.ask(pool_line(chance, world) if is_pool else some_line(chance, world, form))
            assert is_pool or form.verb in BARE or "Status: " in reply, reply
            missed_updates |= "agent-down" in world.faults
            check_world(world, missed_updates=missed_updates)
            clustered = max(clustered, sum(server.is_cluster_online for server in world.servers.values()))
        await cli.close()
        return clustered

    assert asyncio.run(walk()) >= 2
