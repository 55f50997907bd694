"""What an earlier failure left behind, for scenarios of sweeping: a pool that is half there, or only its traces."""

from __future__ import annotations

from core.lab import operations
from core.lab.scenario import DeadPool, Scenario
from core.lab.world import ClusterNode, LabObject, LabServer, World


def leave_dead_pool(world: World, scenario: Scenario, target: str, export_id: str) -> None:
    """Put the left-overs into a world; `target` and `export_id` are the pool file system's share."""
    wish = scenario.dead_pool
    if wish is None:
        return
    servers = list(world.servers.values())
    uuid = world.new_id("0002")
    for number in wish.owned:
        _own(world, servers[number - 1])
    joined = [servers[number - 1] for number in wish.joined]
    if wish.is_listed:
        attrs = {
            "virtual_ip": scenario.pool.virtual_ip,
            "clustered": True,
            "servers": [item.name for item in joined],
            "storage_kind": "nfs",
            "storage_target": target,
            "storage_id": export_id,
            "poolfs_uuid": world.new_id("0005"),
        }
        world.objects[uuid] = LabObject(uuid, "serverpool", wish.name, attrs)
    for number in dict.fromkeys((*wish.joined, *wish.agent_db)):
        _believe(world, scenario, servers[number - 1], uuid, wish, joined)
    for number in wish.clusters:
        server = servers[number - 1]
        server.cluster = operations.cluster_name(uuid)
        server.cluster_nodes = [ClusterNode(number - 1, server.name, server.address)]
        server.poolfs = {"type": "nfs", "target": target, "uuid": uuid, "pool_uuid": uuid,
                         "nfsbase_uuid": "", "manager_uuid": world.manager_uuid}  # fmt: skip
    if wish.vip_on:
        server = servers[wish.vip_on - 1]
        server.pool_vip, server.has_vip = scenario.pool.virtual_ip, True
    found = operations.find_export(world, target)
    if wish.has_pool_fs and found is not None:
        found[1].files.extend(operations.POOLFS_FILES)
        found[1].poolfs_cluster = operations.cluster_name(uuid)


def _own(world: World, server: LabServer) -> None:
    server.owner, server.is_known = world.manager_uuid, True
    operations.configure_owned(world, server)


def _believe(
    world: World,
    scenario: Scenario,
    server: LabServer,
    uuid: str,
    wish: DeadPool,
    joined: list[LabServer],
) -> None:
    """The agent's own data base names the pool."""
    server.pool, server.pool_alias = uuid, wish.name
    server.pool_vip = scenario.pool.virtual_ip
    server.node_number = 0
    server.pool_members = [item.address for item in joined]
    server.is_master = bool(joined) and server is joined[0]
    if server in joined:
        _own(world, server)
