"""Pool membership as the agent of one server keeps it: member list, master, virtual IP."""

from __future__ import annotations

import ipaddress

from core.lab import view
from core.lab.operations.reach import CallRefusedError, fault
from core.lab.world import LabServer, World


def create_pool_on_server(
    world: World, server: LabServer, *, alias: str, pool_uuid: str, vip: str, node_number: int = 0
) -> None:
    """create_server_pool on the first server: it becomes master and carries the VIP.

    Raises CallRefusedError.
    """
    check_create(world, server, vip)
    _enter(server, alias=alias, pool_uuid=pool_uuid, vip=vip, node_number=node_number)
    server.is_master, server.has_vip = True, bool(vip)
    world.audit.append(f"{server.name}: created pool {pool_uuid}")


def check_create(world: World, server: LabServer, vip: str) -> None:
    """Everything create_server_pool looks at, without doing it. Raises CallRefusedError."""
    params = fault(world, "create-fails", server=server)
    if params is not None:
        raise CallRefusedError(str(params.get("reason", "create_server_pool failed (made to fail)")))
    _check_join(world, server)
    if vip:
        _check_vip(world, server, vip)


def join_pool_on_server(
    world: World, server: LabServer, *, alias: str, pool_uuid: str, vip: str, node_number: int
) -> None:
    """join_server_pool on a further server. Raises CallRefusedError."""
    params = fault(world, "join-fails", server=server)
    if params is not None:
        raise CallRefusedError(str(params.get("reason", "join_server_pool failed (made to fail)")))
    _check_join(world, server)
    _enter(server, alias=alias, pool_uuid=pool_uuid, vip=vip, node_number=node_number)
    world.audit.append(f"{server.name}: joined pool {pool_uuid}")


def leave_pool_on_server(world: World, server: LabServer, pool_uuid: str) -> None:
    """leave_server_pool and destroy_server_pool: this server forgets its pool and drops the VIP.

    Raises CallRefusedError.
    """
    if server.pool != pool_uuid:
        raise CallRefusedError(f"Server is not a member of pool: {pool_uuid}")  # text invented
    server.pool, server.node_number, server.pool_alias, server.pool_vip = None, None, "", ""
    server.is_master = server.has_vip = False
    server.pool_members = []
    world.audit.append(f"{server.name}: left pool {pool_uuid}")


def set_member_list(world: World, server: LabServer, addresses: list[str]) -> None:
    """set_pool_member_ip_list: the full list, to every member."""
    server.pool_members = list(addresses)


def configure_vip(world: World, server: LabServer, vip: str) -> None:
    """configure_virtual_ip; refused when the address is taken or outside the management subnet.

    Raises CallRefusedError.
    """
    _check_vip(world, server, vip)
    server.pool_vip, server.has_vip = vip, True


def deconfigure_vip(world: World, server: LabServer, vip: str) -> None:
    """deconfigure_virtual_ip; not carrying it is fine."""
    if server.pool_vip == vip:
        server.has_vip = False


def make_master(world: World, members: list[LabServer], master: LabServer, vip: str) -> None:
    """Move mastership and VIP to one of the members."""
    for item in members:
        item.is_master = item is master
        item.has_vip = item is master and bool(vip)
        item.pool_vip = vip


def subnet_of(server: LabServer) -> ipaddress.IPv4Network:
    """The management subnet of a server (/24 when no device carries its address)."""
    prefix = next((item.prefix for item in server.interfaces if item.address == server.address), 24)
    return ipaddress.IPv4Network(f"{server.address}/{prefix}", strict=False)


def vip_holder(world: World, vip: str, *, pool_uuid: str | None = None) -> str | None:
    """Who answers at this address now, None when it is free; the pool's own master does not count."""
    for item in world.servers.values():
        if item.address == vip or any(device.address == vip for device in item.interfaces):
            return item.name
        if item.has_vip and item.pool_vip == vip and item.pool != pool_uuid:
            return item.name
    if vip == world.manager_address:
        return world.manager_name
    nas = next((nas.host for nas in world.nas.values() if nas.address == vip), None)
    return nas or world.neighbours.get(vip)


def _check_join(world: World, server: LabServer) -> None:
    if server.pool is not None:
        raise CallRefusedError(f"Server already a member of pool: {server.pool}")
    found = view.resolve(world, server, server.name)
    loopback = next((item for item in found if ipaddress.ip_address(item).is_loopback), None)
    if not found or loopback is not None:
        raise CallRefusedError(f"Invalid hostname resolution: {server.name} -> {loopback or 'unknown'}")


def _check_vip(world: World, server: LabServer, vip: str) -> None:
    """Texts invented: none is known (manager-cli 5.4)."""
    try:
        address = ipaddress.IPv4Address(vip)
    except ValueError:
        raise CallRefusedError(f"Invalid virtual ip: {vip}") from None
    if address not in subnet_of(server):
        raise CallRefusedError(f"Virtual ip {vip} is not in the management network {subnet_of(server)}")
    holder = vip_holder(world, vip, pool_uuid=server.pool)
    if holder is not None:
        raise CallRefusedError(f"Virtual ip {vip} is already in use by {holder}")


def _enter(server: LabServer, *, alias: str, pool_uuid: str, vip: str, node_number: int) -> None:
    server.pool, server.pool_alias, server.pool_vip, server.node_number = pool_uuid, alias, vip, node_number
    server.is_master = server.has_vip = False
    server.pool_members = [server.address]
