"""Who owns a lab server, and what ownership changes on it: NTP, network metadata, roles."""

from __future__ import annotations

import ipaddress

from core.lab.operations.reach import CallRefusedError
from core.lab.world import LabInterface, LabObject, LabServer, World

ROLES = ("xen", "utility")
MANAGEMENT_ROLES = ("MANAGEMENT", "LIVE_MIGRATE", "CLUSTER_HEARTBEAT")  # of a fresh network, manager-cli 3.12


def apply_ownership(world: World, server: LabServer, manager_uuid: str) -> None:
    """The agent's take_ownership: only the owner changes.

    Raises CallRefusedError when another Manager owns the server.
    """
    if server.owner not in (None, manager_uuid):
        raise CallRefusedError(f"Server is owned by manager: {server.owner}")  # text invented (agent-rpc 11)
    server.owner = manager_uuid
    world.audit.append(f"{server.name}: owned by {manager_uuid}")
    restart = world.agent_restarts.get(server.name)
    if restart is not None:
        restart()


def clear_ownership(world: World, server: LabServer, manager_uuid: str) -> None:
    """The agent's release_ownership. Raises CallRefusedError for a stranger and for a pool member."""
    if server.owner is None:
        raise CallRefusedError("Server is not owned by any manager")  # text invented
    if server.owner != manager_uuid:
        raise CallRefusedError(f"Server is owned by manager: {server.owner}")  # text invented
    if server.pool is not None:
        raise CallRefusedError(f"Server already a member of pool: {server.pool}")
    server.owner = None
    world.audit.append(f"{server.name}: ownership released")


def set_roles(world: World, server: LabServer, roles: tuple[str, ...]) -> None:
    """update_server_roles; anything but xen and utility is refused as recorded."""
    if not roles or set(roles) - set(ROLES):
        raise CallRefusedError(f"Invalid roles: set({list(roles)!r})")
    server.roles = roles
    world.audit.append(f"{server.name}: roles {','.join(roles)}")


def has_own_clock_only(server: LabServer) -> bool:
    """Whether NTP on this server points at nothing but its own clock, as on a fresh installation (R031)."""
    return all(item.startswith("127.127.") for item in server.ntp_servers)


def management_interface(server: LabServer) -> LabInterface | None:
    """The device that carries the management address."""
    return next((item for item in server.interfaces if item.address == server.address), None)


def tagged_interface(server: LabServer) -> LabInterface | None:
    """The device that carries Manager's network tag: the port under the management bridge, else that device."""
    device = management_interface(server)
    if device is None or device.kind != "bridge":
        return device
    return next((item for item in server.interfaces if item.name in device.ports), device)


def management_network(world: World, server: LabServer) -> LabObject:
    """Manager's network object for the subnet of this server, made when it is missing (id = address in
    hex).
    """
    device = management_interface(server)
    prefix = device.prefix if device is not None else 24
    subnet = ipaddress.ip_network(f"{server.address}/{prefix}", strict=False)
    name = str(subnet.network_address)
    key = f"{int(ipaddress.ip_address(name)):08x}"
    if key not in world.objects:
        attrs = {"roles": list(MANAGEMENT_ROLES), "subnet": str(subnet), "builtin": True}
        world.objects[key] = LabObject(key, "network", name, attrs)
    return world.objects[key]


def network_metadata(world: World, interface: LabInterface) -> str | None:
    """The tag Manager keeps in `meta-<interface>`: `ethernet:<id>{<name>}:<ROLE>,...`; None when
    untouched.
    """
    network = world.objects.get(interface.network or "")
    if network is None:
        return None
    return f"ethernet:{network.id}{{{network.name}}}:{','.join(network.attrs.get('roles', ()))}"


def configure_owned(world: World, server: LabServer) -> None:
    """What Manager does on a server right after it took it: NTP (only over its own clock) and network
    metadata.
    """
    if server.before_ownership:
        return
    before: dict[str, object] = {"networks": {item.name: item.network for item in server.interfaces}}
    if has_own_clock_only(server):
        before["ntp"] = (server.ntp_servers, server.is_ntp_running)
        server.ntp_servers, server.is_ntp_running = (world.manager_address,), True
    network = management_network(world, server)
    device = tagged_interface(server)
    if device is not None:
        device.network = network.id
    server.before_ownership = before


def deconfigure_owned(world: World, server: LabServer) -> None:
    """Put back what `configure_owned` changed, but for NTP as the switch says; twice is fine."""
    before, server.before_ownership = server.before_ownership, {}
    if "ntp" in before and not world.switches.release_keeps_ntp:
        server.ntp_servers, server.is_ntp_running = before["ntp"]
    networks = before.get("networks", {})
    for item in server.interfaces:
        if item.name in networks:
            item.network = networks[item.name]
