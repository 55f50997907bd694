"""Virtual IP and network devices (agent-rpc 4.4)."""

from __future__ import annotations

import ipaddress

from core.lab import operations
from core.lab.agent import documents
from core.lab.agent.calls.base import Call, agent_call
from core.lab.operations import CallRefusedError
from core.lab.world import LabInterface

BOND_MODES = (1, 4, 6)


@agent_call
def configure_virtual_ip(call: Call, virtual_ip: str, base_ip: str) -> None:
    call.needs_owner()
    if base_ip != call.server.address:
        raise CallRefusedError(f"Invalid base ip: {base_ip}")  # text invented
    operations.configure_vip(call.world, call.server, virtual_ip)


@agent_call
def deconfigure_virtual_ip(call: Call, virtual_ip: str) -> None:
    operations.deconfigure_vip(call.world, call.server, virtual_ip)


@agent_call
def discover_network(call: Call) -> str | None:
    return call.document(documents.discover_network(call.world, call.server))


@agent_call
def ovs_if_meta(call: Call, interface: str, data: str) -> str:
    """Write the network tag; leading blanks are refused, an empty one removes it."""
    if data.startswith(" "):
        raise CallRefusedError(f"Invalid meta data: {data!r}")  # text invented
    _interface(call, interface).metadata = data
    return "success"


@agent_call
def ovs_ip_config(call: Call, interface: str, optype: str, ip: str, netmask: str) -> str:
    device = _interface(call, interface)
    if optype not in ("static", "dynamic", "flush"):
        raise CallRefusedError(f"Invalid operation type: {optype}")  # text invented
    if optype == "static":
        network = ipaddress.IPv4Network(f"{ip}/{netmask}", strict=False)
        device.address, device.prefix, device.boot_proto = ip, network.prefixlen, "static"
    else:
        device.address, device.boot_proto = None, "none" if optype == "flush" else "dhcp"
    return optype


@agent_call
def ovs_bond_mode(call: Call, bond: str, mode: str) -> str:
    if not str(mode).isdigit() or int(mode) not in BOND_MODES:
        raise CallRefusedError(f"Invalid bond mode: {mode}")  # text invented
    _interface(call, bond).bond_mode = int(mode)
    return "success"


@agent_call
def ovs_change_mtu(call: Call, interface: str, mtu: int) -> str:
    if not 1500 <= mtu <= 64000:
        raise CallRefusedError(f"Invalid mtu: {mtu}")  # text invented
    _interface(call, interface).mtu = mtu
    return "success"


@agent_call
def ovs_vlan_config(call: Call, action: str, interface: str, vlan: int) -> str:
    if not 2 <= vlan <= 4095 or action not in ("add", "remove"):
        raise CallRefusedError(f"Invalid vlan: {action} {vlan}")  # text invented
    base = _interface(call, interface)
    name = f"{interface}.{vlan}"
    _drop(call, name)
    if action == "add":
        call.server.interfaces.append(LabInterface(name, "vlan", base.mac, mtu=base.mtu, ports=(interface,)))
    return action


@agent_call
def ovs_br_config(call: Call, action: str, bridge: str, device: str = "") -> str:
    return _bridge(call, action, bridge, device)


@agent_call
def ovs_local_config(call: Call, action: str, bridge: str) -> str:
    """A bridge without a port; starting it twice is the recorded fault."""
    if action == "start" and any(item.name == bridge for item in call.server.interfaces):
        argv = ["/etc/xen/scripts/linuxbridge/ovs-local-bridge", action, f"bridge={bridge}"]
        raise operations.command_failed(argv, 1, f"Start local network: Bridge {bridge} Is Busy")
    return _bridge(call, action, bridge, "")


@agent_call
def ovs_vlan_bridge(call: Call, action: str, bridge: str, device: str, vlan: int) -> str:
    text = _bridge(call, action, f"{bridge}.{vlan}", f"{device}.{vlan}")
    is_new = action == "start" and not call.server.release.startswith("3.2")
    return f"Added {text.partition(' ')[2]}" if is_new else text


def _bridge(call: Call, action: str, bridge: str, device: str) -> str:
    if action not in ("start", "stop"):
        raise CallRefusedError(f"Invalid action: {action}")  # text invented
    _drop(call, bridge)
    if action == "start":
        mac = next((item.mac for item in call.server.interfaces if item.name == device), "00:21:f6:00:ff:ff")
        ports = (device,) if device else ()
        call.server.interfaces.append(LabInterface(bridge, "bridge", mac, ports=ports))
    return f"{action} bridge {bridge}"


def _drop(call: Call, name: str) -> None:
    call.server.interfaces[:] = [item for item in call.server.interfaces if item.name != name]


def _interface(call: Call, name: str) -> LabInterface:
    for item in call.server.interfaces:
        if item.name == name:
            return item
    raise operations.command_failed(["/sbin/ip", "link", "show", name], 1, f'Device "{name}" does not exist.')
