"""Values of the agent's calls that answer with lists or structs -> facts with names (agent-rpc 4). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def facts_of_value(method: str, value: Any) -> dict[str, Any]:
    """Named facts of a call's value; {} for a call unknown here or a value of another shape."""
    reader = _READERS.get(method)
    if reader is None:
        return {}
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
        {key: domain.get(key) for key in ("name", "uuid", "domid", "state", "memory", "maxmem", "vcpus")}
        for domain in value
        if isinstance(domain, dict)
    ]
    guests = [domain["name"] for domain in domains if domain["name"] != "Domain-0"]
    return {"domains": domains, "guests": guests}


def vm_config(value: Any) -> dict[str, Any]:
    """list_vm and get_vm_config: what identifies a guest."""
    keys = ("name", "uuid", "OVM_simple_name", "OVM_domain_type", "OVM_cpu_compat_group", "memory", "vcpus")
    return {key.removeprefix("OVM_"): value[key] for key in keys if key in value}


def file_record(value: Any) -> dict[str, Any]:
    """storage_plugin_create and getFileInfo: sizes are decimal strings, maybe empty."""
    return {
        "path": value.get("file_path"),
        "kind": value.get("fr_type"),
        "fs_uuid": value.get("fs_uuid"),
        "size_bytes": _bytes(value.get("file_sz")),
        "on_disk_bytes": _bytes(value.get("ondisk_sz")),
    }


def file_system_record(value: Any) -> dict[str, Any]:
    """storage_plugin_mount and getFileSystemInfo: the mounted export."""
    return {
        "name": value.get("name"),
        "access_path": value.get("access_path"),
        "uuid": value.get("uuid"),
        "ss_uuid": value.get("ss_uuid"),
        "size_bytes": _bytes(value.get("size")),
        "free_bytes": _bytes(value.get("free_sz")),
    }


def _bytes(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 20 else None


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "get_api_version": lambda value: {"api_versions": [int(number) for number in value]},
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
}
