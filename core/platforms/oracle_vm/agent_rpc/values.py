"""Values of the agent's calls that answer with lists or structs -> facts with names (agent-rpc 4). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def facts_of_value(method: str, value: Any) -> dict[str, Any]:
    """Named facts of a call's value; a bare value under `value`, {} for what is unknown here or of another shape."""
    reader = _READERS.get(method)
    if reader is None:
        return {"value": value} if isinstance(value, (bool, int, float, str)) else {}
    try:
        return reader(value)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return {}


def ntp(value: Any) -> dict[str, Any]:
    """get_ntp: list of servers, local_time_source, is_ntp_running."""
    servers, local, running = value
    return {
        "ntp_servers": [str(name) for name in servers],
        "local_time_source": bool(local),
        "ntp_is_running": bool(running),
    }


def timezone(value: Any) -> dict[str, Any]:
    """get_timezone: zone name and whether the hardware clock is UTC."""
    zone, utc = value
    return {"time_zone": str(zone), "clock_is_utc": bool(utc)}


def boot_time(value: Any) -> dict[str, Any]:
    """get_last_boot_time: both epoch seconds; local_time is the server's clock when it answered."""
    return {"boot_time_s": int(value["last_boot_time"]), "local_time_s": int(value["local_time"])}


def date_and_time(value: Any) -> dict[str, Any]:
    """get_datetime: year, month, day, hour, minute, second."""
    return dict(
        zip(("year", "month", "day", "hour", "minute", "second"), (int(part) for part in value), strict=True)
    )


def virtual_machines(value: Any) -> dict[str, Any]:
    """list_vms: every domain, and the guests among them (all but Domain-0)."""
    domains = [
        {
            **{key: domain.get(key) for key in ("name", "uuid", "state")},
            **{
                key: _number(domain.get(key))
                for key in ("domid", "memory", "maxmem", "vcpus", "online_vcpus")
            },
        }
        for domain in value
        if isinstance(domain, dict)
    ]
    guests = [domain["name"] for domain in domains if domain["name"] != "Domain-0"]
    return {"domains": domains, "guests": guests}


def vm_config(value: Any) -> dict[str, Any]:
    """list_vm and get_vm_config: what identifies a guest."""
    keys = (
        *("name", "uuid", "OVM_simple_name", "OVM_domain_type", "OVM_cpu_compat_group", "OVM_os_type"),
        *("OVM_high_availability", "memory", "maxmem", "vcpus", "maxvcpus", "disk", "vif"),
    )
    return {key.removeprefix("OVM_"): value[key] for key in keys if key in value}


def log_texts(value: Any) -> dict[str, Any]:
    """get_log: how many lines came of each log; the texts themselves stay in the raw part."""
    return {"log_lines": {str(name): len(str(text).splitlines()) for name, text in value.items()}}


def mount_points(value: Any) -> dict[str, Any]:
    """storage_plugin_listMountPoints: status and file system of each (other members UNCONFIRMED)."""
    return {
        "mount_points": [
            {key: one.get(key) for key in ("fs_uuid", "status", "mount_point")} for one in _records(value)
        ]
    }


def file_systems(value: Any) -> dict[str, Any]:
    """storage_plugin_listFileSystems: one record, or a list of them (UNCONFIRMED which)."""
    return {"file_systems": [file_system_record(one) for one in _records(value)]}


def storage_server_record(value: Any) -> dict[str, Any]:
    """What plug-in calls answer of a storage server; shapes UNCONFIRMED, names as in agent-rpc 4.8."""
    keys = ("uuid", "name", "access_host", "storage_type", "status")
    return {"storage_servers": [{key: one.get(key) for key in keys} for one in _records(value)]}


def action(value: Any) -> dict[str, Any]:
    """ovs_*_bridge and friends: on success the text begins with the action, or with `Added` since 3.3."""
    text = str(value).strip()
    return {"answer": text, "action": text.split(None, 1)[0].rstrip(":").lower() if text else ""}


def _records(value: Any) -> list[dict[str, Any]]:
    """One struct or a list of structs."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _number(value: Any) -> int | None:
    """A number sent as such or as text; None for anything else (one recording lost its single digits)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else None


def file_record(value: Any) -> dict[str, Any]:
    """storage_plugin_create and getFileInfo: sizes are decimal strings, maybe empty."""
    return {
        "path": value.get("file_path"),
        "kind": value.get("fr_type"),
        "fs_uuid": value.get("fs_uuid"),
        "size_bytes": _number(value.get("file_sz")),
        "on_disk_bytes": _number(value.get("ondisk_sz")),
    }


def file_system_record(value: Any) -> dict[str, Any]:
    """storage_plugin_mount and getFileSystemInfo: the mounted export."""
    return {
        "name": value.get("name"),
        "access_path": value.get("access_path"),
        "uuid": value.get("uuid"),
        "ss_uuid": value.get("ss_uuid"),
        "size_bytes": _number(value.get("size")),
        "free_bytes": _number(value.get("free_sz")),
    }


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "get_api_version": lambda value: {"api_versions": [int(number) for number in value]},
    "echo": lambda value: {"message": value} if isinstance(value, str) else {},
    "get_log": log_texts,
    "get_ntp": ntp,
    "get_timezone": timezone,
    "get_last_boot_time": boot_time,
    "get_datetime": date_and_time,
    "is_cluster_online": lambda value: {"is_cluster_online": value} if isinstance(value, bool) else {},
    "list_vms": virtual_machines,
    "list_vm": vm_config,
    "get_vm_config": vm_config,
    "storage_plugin_create": file_record,
    "storage_plugin_getFileInfo": file_record,
    "storage_plugin_mount": file_system_record,
    "storage_plugin_getFileSystemInfo": file_system_record,
    "storage_plugin_listFileSystems": file_systems,
    "storage_plugin_listMountPoints": mount_points,
    "storage_plugin_getInfo": storage_server_record,
    **dict.fromkeys(
        (
            *("ovs_ip_config", "ovs_if_meta", "ovs_bond_mode", "ovs_bond_op", "ovs_bond_config"),
            *("ovs_change_mtu", "ovs_vlan_config", "ovs_br_config", "ovs_local_config", "ovs_vlan_bridge"),
            *("ovs_async_bond", "ovs_async_bridge"),
        ),
        action,
    ),
}
