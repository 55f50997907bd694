"""discover_network -> facts (agent-rpc 5.5). Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from xml.etree.ElementTree import Element

from core.platforms.oracle_vm.agent_rpc.walk import attribute, children, every, int_at, one, text_at, words_at

_META = re.compile(r"\A(?P<kind>[^:]*):(?P<id>[^{]*)\{(?P<name>[^}]*)\}:(?P<roles>.*)\Z")
_HEX_BRIDGE = re.compile(r"\A[0-9a-f]{8}\Z")
_SPEED = re.compile(r"\A([0-9]{1,9})")


def network(root: Element) -> dict[str, Any]:
    """Facts of /Discover_Network_Result/Network/Active: ports, bonds, bridges, the management bridge."""
    active = one(root, "Network/Active")
    bridges = [_bridge(device) for device in every(active, "Bridges/Device")]
    return {
        "ports": [_port(device) for device in every(active, "Network/Device")],
        "bonds": [_bond(device) for device in every(active, "Bonding/Device")],
        "bridges": bridges,
        "management_bridge": next((bridge["name"] for bridge in bridges if bridge["is_management"]), None),
        "addresses": [
            {"interface": bridge["name"], "address": bridge["address"], "prefix": bridge["prefix"]}
            for bridge in bridges
            if bridge["address"] is not None
        ],
    }


def _port(device: Element) -> dict[str, Any]:
    flags = words_at(device, "Flags")
    return {
        "name": attribute(device, "Name"),
        "mac": text_at(device, "MAC"),
        "flags": [word for word in flags if not word.startswith("(")],
        "is_up": _is_up(device, flags),
        "is_slave": "IFF_SLAVE" in flags,
        "link": text_at(device, "MII/Link") or text_at(device, "ETHTOOL/Link"),
        "speed_mbps": _speed(text_at(device, "SysFS/speed")),
        "mtu": int_at(device, "SysFS/mtu"),
        "boot_proto": text_at(device, "BootProto"),
        **_meta(device),
    }


def _bond(device: Element) -> dict[str, Any]:
    return {
        "name": attribute(device, "Name"),
        "mode": text_at(device, "Bonding_Mode"),
        "active": text_at(device, "Currently_Active_Slave"),
        "is_up": {"up": True, "down": False}.get((text_at(device, "MII_Status") or "").lower()),
        "slaves": [
            {
                "name": attribute(slave, "Name"),
                "is_up": {"up": True, "down": False}.get((text_at(slave, "MII_Status") or "").lower()),
                "speed_mbps": _speed(text_at(slave, "Speed")),
                "mac": text_at(slave, "Permanent_HW_addr"),
            }
            for slave in children(device, "Slave_Interface")
        ],
        "mtu": int_at(_family(device), "mtu"),
        **_addresses(device),
        "boot_proto": text_at(device, "BootProto"),
        **_meta(device),
    }


def _bridge(device: Element) -> dict[str, Any]:
    name = attribute(device, "Name") or ""
    address = _addresses(device)
    return {
        "name": name,
        **address,
        "ports": [(port.text or "").strip() for port in every(device, "Interfaces/PhyInterface")],
        "boot_proto": text_at(device, "BootProto"),
        "is_management": _is_management(name, address["address"], address["prefix"]),
        **_meta(device),
    }


def _family(device: Element) -> Element | None:
    """The IPv4 block of a device."""
    families = children(device, "Family")
    return next(
        (family for family in families if (attribute(family, "Type") or "AF_INET") == "AF_INET"), None
    )


def _addresses(device: Element) -> dict[str, Any]:
    """MAC, IPv4 address and prefix length of a device; None for what it has not, or what is no address."""
    family = _family(device)
    address, netmask = text_at(family, "Address"), text_at(family, "Netmask")
    try:
        interface = ipaddress.IPv4Interface(f"{address}/{netmask}") if address and netmask else None
    except ValueError:
        interface = None
    return {
        "mac": text_at(family, "MAC"),
        "address": None if interface is None else str(interface.ip),
        "prefix": None if interface is None else interface.network.prefixlen,
    }


def _is_management(name: str, address: str | None, prefix: int | None) -> bool:
    """The management bridge is named by its network address in hex: 192.168.1.0 gives c0a80100."""
    if not _HEX_BRIDGE.match(name) or address is None:
        return False
    return int(ipaddress.IPv4Interface(f"{address}/{prefix}").network.network_address) == int(name, 16)


def _meta(device: Element) -> dict[str, Any]:
    """Network id, its name and roles as Manager tagged the device; empty on one no Manager has touched."""
    match = _META.match(text_at(device, "MetaData") or "")
    if match is None:
        return {"network_id": None, "network_name": None, "roles": []}
    roles = [role.strip() for role in match["roles"].split(",") if role.strip()]
    return {"network_id": match["id"] or None, "network_name": match["name"] or None, "roles": roles}


def _is_up(device: Element, flags: list[str]) -> bool | None:
    """Administratively up with a carrier; None when neither flags nor state are told."""
    state = (text_at(device, "SysFS/operstate") or "").lower()
    if state in ("up", "down"):
        return state == "up"
    return "IFF_UP" in flags if flags else None


def _speed(text: str | None) -> int | None:
    match = _SPEED.match(text or "")
    return int(match[1]) if match else None
