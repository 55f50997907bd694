"""discover_network (agent-rpc 5.5)."""

from __future__ import annotations

from core.lab import view
from core.lab.agent.xmltree import Node, node
from core.lab.operations import network_metadata
from core.lab.world import LabInterface, LabServer, World

BOND_MODES = {1: "active-backup", 4: "802.3ad", 6: "balance-alb"}
_SPEEDS = {
    100: "100baseT-HD 100baseT-FD",
    1000: "10baseT-HD 10baseT-FD 100baseT-HD 100baseT-FD 1000baseT-FD",
    10000: "1000baseT-FD 10000baseT-FD",
}


def discover_network(world: World, server: LabServer) -> Node:
    """The whole document: ports, bonds and bridges as they stand."""
    ports = [_port(world, server, item) for item in view.physical_ports(server)]
    bonds = [_bond(world, server, item) for item in server.interfaces if item.kind == "bond"]
    bridges = [_bridge(world, item) for item in server.interfaces if item.kind == "bridge"]
    if not (ports or bonds or bridges):
        return node("Discover_Network_Result")
    return node(
        "Discover_Network_Result",
        node(
            "Network",
            node(
                "Active",
                node("Network", *ports),
                node("Bonding", *bonds),
                node("Bridges", *bridges),
                node("Infiniband"),
            ),
        ),
    )


def _metadata(world: World, interface: LabInterface) -> Node | None:
    tag = interface.metadata or network_metadata(world, interface)
    return node("MetaData", tag) if tag else None


def _boot_proto(interface: LabInterface) -> Node:
    return node("BootProto", interface.boot_proto or ("static" if interface.address else "none"))


def _port(world: World, server: LabServer, port: LabInterface) -> Node:
    bond = view.master_of(server, port)
    is_slave = bond is not None and bond.kind == "bond"
    flags = "(0x1843) IFF_UP IFF_BROADCAST IFF_RUNNING IFF_SLAVE IFF_MULTICAST"
    if not is_slave:
        flags = "(0x1043) IFF_UP IFF_BROADCAST IFF_RUNNING IFF_MULTICAST"
    if not port.is_up:
        flags = "(0x1002) IFF_BROADCAST IFF_MULTICAST"
    words = _SPEEDS.get(port.speed_mbps, _SPEEDS[1000])
    return node(
        "Device",
        node("MAC", port.mac.upper()),
        node("Flags", flags),
        node(
            "ETHTOOL",
            node(
                "Autonegotiate",
                node("State", "Complete" if port.is_up else "Incomplete"),
                node("Speed", f"{port.speed_mbps}baseT-FD"),
            ),
            node("Link", "ok" if port.is_up else "no link"),
            node("Capabilities", words),
            node("Advertising", words),
        ),
        node("WOL", node("WakeOnLan", "enabled" if port.wakes_on_lan else "disabled")),
        _sysfs(server, port),
        _boot_proto(port),
        _metadata(world, port),
        Name=port.name,
    )


def _sysfs(server: LabServer, port: LabInterface) -> Node:
    index = [item.name for item in server.interfaces].index(port.name) + 2
    values: dict[str, object] = {
        "uevent": f"INTERFACE={port.name}\nIFINDEX={index}",
        "addr_assign_type": 0,
        "addr_len": 6,
        "dev_id": "0x0",
        "ifalias": "",
        "iflink": index,
        "ifindex": index,
        "features": "0x40014ba9",
        "type": 1,
        "link_mode": 0,
        "carrier": int(port.is_up),
        "speed": port.speed_mbps,
        "duplex": "full",
        "dormant": 0,
        "operstate": "up" if port.is_up else "down",
        "mtu": port.mtu,
        "flags": "0x1903" if port.is_up else "0x1002",
        "tx_queue_len": 1000,
        "netdev_group": 0,
    }
    device = {
        "vendor": "0x8086",
        "device": "0x1521" if port.speed_mbps <= 1000 else "0x10fb",
        "subsystem_vendor": "0x108e",
        "subsystem_device": "0x484c",
        "class": "0x020000",
    }
    return node(
        "SysFS",
        *(node(name, str(value)) for name, value in values.items()),
        node("SysFSDev", *(node(name, value) for name, value in device.items())),
    )


def _bond(world: World, server: LabServer, bond: LabInterface) -> Node:
    slaves = [item for item in server.interfaces if item.name in bond.ports]
    active = next((item for item in slaves if item.is_up), None)
    has_primary = bond.bond_mode == 1 and bool(slaves)
    return node(
        "Device",
        node("Bonding_Mode", BOND_MODES.get(bond.bond_mode, str(bond.bond_mode))),
        node("Primary_Slave", f"{slaves[0].name} (primary_reselect always)") if has_primary else None,
        node("Currently_Active_Slave", active.name if active else "None") if bond.bond_mode != 4 else None,
        node("MII_Status", "up" if active else "down"),
        node("MII_Polling_Interval", 250),
        node("Up_Delay", 500),
        node("Down_Delay", 500),
        *(_slave(item) for item in slaves),
        _family(bond, with_mtu=True),
        _boot_proto(bond),
        _metadata(world, bond),
        Name=bond.name,
    )


def _slave(port: LabInterface) -> Node:
    return node(
        "Slave_Interface",
        node("MII_Status", "up" if port.is_up else "down"),
        node("Speed", f"{port.speed_mbps} Mbps" if port.is_up else "Unknown"),
        node("Duplex", "full" if port.is_up else "Unknown"),
        node("Link_Failure_Count", 0 if port.is_up else 1),
        node("Permanent_HW_addr", port.mac),
        Name=port.name,
    )


def _bridge(world: World, bridge: LabInterface) -> Node:
    return node(
        "Device",
        _family(bridge),
        node("Interfaces", *(node("PhyInterface", name) for name in bridge.ports)) if bridge.ports else None,
        _boot_proto(bridge),
        _metadata(world, bridge),
        Name=bridge.name,
    )


def _family(interface: LabInterface, *, with_mtu: bool = False) -> Node:
    family = node("Family", node("MAC", interface.mac.upper()), Type="AF_INET")
    if with_mtu:
        family.children.append(node("mtu", interface.mtu))
    if interface.address is not None:
        network = view.subnet(interface)
        family.children += [
            node("Address", interface.address),
            node("Netmask", str(network.netmask)),
            node("Broadcast", str(network.broadcast_address)),
        ]
    return family
