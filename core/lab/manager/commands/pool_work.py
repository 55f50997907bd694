"""Making and unmaking a pool on the servers: the agent calls of agent-rpc 9, in order, undone when one
fails.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.lab import operations
from core.lab.manager.engine import Engine, Job
from core.lab.manager.objects import members
from core.lab.manager.texts import ManagerError, invented
from core.lab.world import ClusterNode, LabObject, LabServer, World

MAX_CLUSTERED, MAX_UNCLUSTERED = 32, 64  # server-pools 2d
Undo = list[Callable[[], object]]


def check_candidate(world: World, pool: LabObject, server: LabServer) -> None:
    """What Manager itself looks at before it asks the agent. Texts invented."""
    current = members(world, pool)
    if server.owner != world.manager_uuid:
        raise invented(f"Server {server.name} is not owned by this Manager")
    if server.maintenance:
        raise invented(f"Server {server.name} is in maintenance mode")
    limit = MAX_CLUSTERED if pool.attrs["clustered"] else MAX_UNCLUSTERED
    if len(current) >= limit:
        raise invented(f"Server pool {pool.name} has {limit} servers already")
    if any(item.cpu.arch != server.cpu.arch for item in current):
        raise invented(f"Server {server.name} has another processor architecture than the pool")


async def add_first(engine: Engine, job: Job, pool: LabObject, server: LabServer) -> None:
    """The first server: pool file system, pool, virtual IP, cluster; it becomes master."""
    undo: Undo = []
    try:
        await _add_first(engine, job, pool, server, undo)
    except ManagerError:
        _roll_back(engine, undo)
        raise
    pool.attrs["servers"].append(server.name)


async def _add_first(engine: Engine, job: Job, pool: LabObject, server: LabServer, undo: Undo) -> None:
    world, attrs = engine.world, pool.attrs
    if attrs["clustered"]:
        await job.step("Creating the pool file system", 6.0)
        make_pool_storage(engine, pool, server, undo)
    await job.step("Creating the server pool", 3.0)
    create = partial(
        operations.create_pool_on_server,
        world,
        server,
        alias=pool.name,
        pool_uuid=pool.id,
        vip=attrs["virtual_ip"],
        node_number=0,
    )
    engine.call_agent(server, "create_server_pool", create)
    undo.append(partial(operations.leave_pool_on_server, world, server, pool.id))
    operations.set_member_list(world, server, [server.address])
    if attrs["clustered"]:
        await job.step("Starting the cluster", 5.0)
        _start_cluster(engine, pool, server, _nodes([server]), undo, call="create_cluster")


def make_pool_storage(engine: Engine, pool: LabObject, server: LabServer, undo: Undo) -> None:
    """Mount the export and make the pool file system through one server."""
    world, attrs = engine.world, pool.attrs
    kind, target, cluster = attrs["storage_kind"], attrs["storage_target"], operations.cluster_name(pool.id)
    if kind == "nfs":
        undo.append(partial(_forget_storage, world, server, target))
        engine.call_agent(
            server, "storage_plugin_mount", lambda: operations.mount_export(world, server, target)
        )
    create = partial(
        operations.create_pool_filesystem,
        world,
        server,
        kind=kind,
        target=target,
        cluster=cluster,
        poolfs_uuid=attrs["poolfs_uuid"],
        nfsbase_uuid=attrs["nfsbase_uuid"],
        manager_uuid=world.manager_uuid,
        pool_uuid=pool.id,
    )
    engine.call_agent(server, "create_pool_filesystem", create)
    if world.switches.cleans_failed_pool:
        undo.append(partial(operations.destroy_pool_filesystem, world, kind, target, cluster=cluster))
    undo.append(partial(_forget_storage, world, server, target))


def _forget_storage(world: World, server: LabServer, target: str) -> None:
    server.poolfs = None
    found = operations.find_export(world, target)
    if found is not None:
        operations.unmount(server, operations.mount_point(found[1]))


async def add_next(engine: Engine, job: Job, pool: LabObject, server: LabServer) -> None:
    """A further server: it joins through the master, then cluster.conf is the same everywhere."""
    current = members(engine.world, pool)
    undo: Undo = []
    try:
        await _add_next(engine, job, pool, server, current, undo)
    except ManagerError:
        _roll_back(engine, undo)
        raise
    pool.attrs["servers"].append(server.name)


async def _add_next(
    engine: Engine, job: Job, pool: LabObject, server: LabServer, current: list[LabServer], undo: Undo
) -> None:
    world, attrs = engine.world, pool.attrs
    master = next((item for item in current if item.is_master), current[0])
    await job.step("Joining the server pool", 4.0)
    engine.call_agent(master, "dispatch", lambda: None)
    if attrs["clustered"] and attrs["storage_kind"] == "nfs":
        undo.append(partial(_forget_storage, world, server, attrs["storage_target"]))
        mount = partial(operations.mount_export, world, server, attrs["storage_target"])
        engine.call_agent(server, "storage_plugin_mount", mount)
    taken = {item.node_number for item in current}
    number = next(n for n in range(255) if n not in taken)
    join = partial(
        operations.join_pool_on_server,
        world,
        server,
        alias=pool.name,
        pool_uuid=pool.id,
        vip=attrs["virtual_ip"],
        node_number=number,
    )
    engine.call_agent(server, "join_server_pool", join)
    undo.append(partial(operations.leave_pool_on_server, world, server, pool.id))
    undo.append(partial(_tell_members, world, current, current))
    _tell_members(world, [*current, server], [*current, server])
    if attrs["clustered"]:
        await job.step("Joining the cluster", 4.0)
        nodes = _nodes([*current, server])
        _start_cluster(engine, pool, server, nodes, undo, call="join_cluster")
        undo.append(partial(_update_nodes, world, current, _nodes(current)))
        _update_nodes(world, current, nodes)


def _start_cluster(
    engine: Engine, pool: LabObject, server: LabServer, nodes: list[ClusterNode], undo: Undo, *, call: str
) -> None:
    world, attrs = engine.world, pool.attrs
    poolfs = {
        "type": attrs["storage_kind"],
        "target": attrs["storage_target"],
        "uuid": attrs["poolfs_uuid"],
        "nfsbase_uuid": attrs["nfsbase_uuid"],
        "manager_uuid": world.manager_uuid,
        "pool_uuid": pool.id,
    }
    configure = partial(
        operations.configure_for_cluster,
        world,
        server,
        cluster=operations.cluster_name(pool.id),
        timeout_s=attrs["timeout_s"],
        nodes=nodes,
        poolfs=poolfs,
    )
    engine.call_agent(server, "configure_server_for_cluster", configure)
    undo.append(partial(operations.deconfigure_cluster, world, server))
    engine.call_agent(server, call, lambda: operations.start_cluster(world, server))


async def remove_member(engine: Engine, job: Job, pool: LabObject, server: LabServer) -> None:
    """Take one server out; the others' member lists and cluster.conf follow."""
    world = engine.world
    others = [item for item in members(world, pool) if item is not server]
    if server.guests:
        raise invented(f"Server {server.name} has virtual machines: {', '.join(server.guests)}")
    if server.is_master and others and world.release != "3.4":
        raise invented(f"Server {server.name} is the master; remove all other servers first")
    if server.cpu.arch == "sparc":
        for other in others:  # a DLM member that is away would panic later (server-pools R117)
            engine.call_agent(other, "update_clusterConfiguration", lambda: None)
    await job.step("Leaving the cluster", 4.0)
    was_master = server.is_master
    if pool.attrs["clustered"]:
        engine.call_agent(server, "leave_cluster", lambda: operations.stop_cluster(world, server))
        operations.deconfigure_cluster(world, server)
    await job.step("Leaving the server pool", 3.0)
    leave = partial(operations.leave_pool_on_server, world, server, pool.id)
    engine.call_agent(server, "leave_server_pool" if others else "destroy_server_pool", leave)
    pool.attrs["servers"].remove(server.name)
    if server.name in pool.attrs["policy_servers"]:
        pool.attrs["policy_servers"].remove(server.name)
    if was_master and others:
        operations.make_master(world, others, others[0], pool.attrs["virtual_ip"])
    _tell_members(world, others, others)
    if pool.attrs["clustered"]:
        _update_nodes(world, others, _nodes(others))


def probe_creation(engine: Engine, pool: LabObject) -> None:
    """Switch create_fails_at=create: what first add would complain about is told when the pool is made."""
    world = engine.world
    free = (item for item in world.servers.values() if item.owner == world.manager_uuid and item.pool is None)
    server = next((item for item in free if operations.is_agent_up(world, item)), None)
    if server is None:
        return
    undo: Undo = []
    try:
        if pool.attrs["clustered"]:
            make_pool_storage(engine, pool, server, undo)
        vip = pool.attrs["virtual_ip"]
        engine.call_agent(server, "create_server_pool", lambda: operations.check_create(world, server, vip))
    except ManagerError:
        _roll_back(engine, undo)
        raise
    _forget_storage(world, server, pool.attrs["storage_target"])


def wipe_storage(world: World, pool: LabObject) -> None:
    """delete ServerPool takes its own file system off the storage, unless the switch says that it stays."""
    attrs = pool.attrs
    if attrs["clustered"] and not world.switches.leaves_pool_fs:
        operations.destroy_pool_filesystem(
            world, attrs["storage_kind"], attrs["storage_target"], cluster=operations.cluster_name(pool.id)
        )


def _nodes(servers: list[LabServer]) -> list[ClusterNode]:
    return [ClusterNode(item.node_number or 0, item.name, item.address) for item in servers]


def _tell_members(world: World, servers: list[LabServer], listed: list[LabServer]) -> None:
    for item in servers:
        operations.set_member_list(world, item, [member.address for member in listed])


def _update_nodes(world: World, servers: list[LabServer], nodes: list[ClusterNode]) -> None:
    """A member that is away misses the update (agent-rpc 9.2)."""
    for item in servers:
        if operations.is_agent_up(world, item):
            operations.update_cluster_nodes(world, item, nodes)


def _roll_back(engine: Engine, undo: Undo) -> None:
    for step in reversed(undo):
        step()
    engine.event("lifecycle.modify", "Server", "", "The failed operation was taken back")
