"""Pool membership and the pool file system (agent-rpc 4.3 and 4.5)."""

from __future__ import annotations

from core.lab import operations
from core.lab.agent import documents
from core.lab.agent.calls.base import Call, agent_call
from core.lab.operations import CallRefusedError


@agent_call
def create_server_pool(
    call: Call,
    pool_alias: str,
    pool_uuid: str,
    pool_virtual_ip: str,
    node_number: int,
    server_hostname: str,
    server_ip: str,
    roles: str,
) -> None:
    _check_names(call, server_ip)
    operations.create_pool_on_server(
        call.world,
        call.server,
        alias=pool_alias,
        pool_uuid=pool_uuid,
        vip=pool_virtual_ip,
        node_number=node_number,
    )
    operations.set_roles(call.world, call.server, tuple(roles.split(",")))


@agent_call
def join_server_pool(
    call: Call,
    pool_alias: str,
    pool_uuid: str,
    pool_virtual_ip: str,
    node_number: int,
    server_hostname: str,
    server_ip: str,
    roles: str,
) -> None:
    _check_names(call, server_ip)
    operations.join_pool_on_server(
        call.world,
        call.server,
        alias=pool_alias,
        pool_uuid=pool_uuid,
        vip=pool_virtual_ip,
        node_number=node_number,
    )
    operations.set_roles(call.world, call.server, tuple(roles.split(",")))


@agent_call
def leave_server_pool(call: Call, pool_uuid: str) -> None:
    operations.leave_pool_on_server(call.world, call.server, pool_uuid)


@agent_call
def destroy_server_pool(call: Call, pool_uuid: str) -> None:
    operations.leave_pool_on_server(call.world, call.server, pool_uuid)


@agent_call
def set_pool_member_ip_list(call: Call, ip_list: list[str]) -> None:
    _needs_pool(call)
    operations.set_member_list(call.world, call.server, [str(item) for item in ip_list])


@agent_call
def set_server_pool_alias(call: Call, pool_alias: str) -> None:
    _needs_pool(call)
    call.server.pool_alias = pool_alias


@agent_call
def update_pool_virtual_ip(call: Call, new_pool_vip: str) -> None:
    _needs_pool(call)
    if call.server.is_master:
        operations.configure_vip(call.world, call.server, new_pool_vip)
    call.server.pool_vip = new_pool_vip


@agent_call
def discover_server_pool(call: Call) -> str | None:
    return call.document(documents.discover_server_pool(call.world, call.server))


@agent_call
def create_pool_filesystem(
    call: Call,
    poolfs_type: str,
    poolfs_target: str,
    cluster_name: str,
    poolfs_uuid: str,
    poolfs_nfsbase_uuid: str,
    manager_uuid: str,
    pool_uuid: str,
    block_size: object = None,
    cluster_size: object = None,
    journal_size: object = None,
) -> None:
    call.needs_owner()
    operations.create_pool_filesystem(
        call.world,
        call.server,
        kind=poolfs_type,
        target=poolfs_target,
        cluster=cluster_name,
        poolfs_uuid=poolfs_uuid,
        nfsbase_uuid=poolfs_nfsbase_uuid,
        manager_uuid=manager_uuid,
        pool_uuid=pool_uuid,
    )


@agent_call
def destroy_pool_filesystem(
    call: Call, poolfs_type: str, poolfs_target: str, poolfs_uuid: str, poolfs_nfsbase_uuid: str
) -> None:
    call.needs_owner()
    if call.server.is_cluster_online:
        raise CallRefusedError("Pool filesystem is in use by the cluster")  # text invented
    operations.destroy_pool_filesystem(call.world, poolfs_type, poolfs_target)
    if call.server.poolfs is not None and call.server.poolfs["target"] == poolfs_target:
        call.server.poolfs = None


@agent_call
def discover_pool_filesystem(call: Call) -> str | None:
    return call.document(documents.discover_pool_filesystem(call.world, call.server))


@agent_call
def ocfs2_get_meta_data(call: Call, device: str, filename: str) -> None:
    """Shape not recorded anywhere: nil."""


def _needs_pool(call: Call) -> None:
    if call.server.pool is None:
        raise CallRefusedError("Server is not a member of any pool")  # text invented


def _check_names(call: Call, server_ip: str) -> None:
    call.needs_owner()
    if server_ip != call.server.address:
        raise CallRefusedError(f"Invalid server ip: {server_ip}")  # text invented
