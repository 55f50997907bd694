"""Documents of the agent's discover_* calls -> plain dicts with typed values (agent-rpc 5). Pure.

Ids that read `none` become None, missing elements None, sizes int, flags bool (None when not there or not readable).
Element names are matched without regard to case: one client lower-cases them (agent-rpc 5.8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from core.platforms.oracle_vm.agent_rpc.hardware import hardware
from core.platforms.oracle_vm.agent_rpc.luns import physical_luns
from core.platforms.oracle_vm.agent_rpc.network import network
from core.platforms.oracle_vm.agent_rpc.walk import (
    attribute,
    bool_at,
    children,
    every,
    id_at,
    int_at,
    one,
    text_at,
    typed,
    words_at,
)
from core.platforms.oracle_vm.agent_rpc.xml_tree import read_xml


def parse_document(method: str, text: str | None) -> dict[str, Any]:
    """Facts of one discover_* document, keys as in the function of its name below; {} for nil.

    ValueError when it is no such document: not XML, or the root of another call.
    """
    if text is None:
        return {}
    return facts_of(method, read_xml(text))


def facts_of(method: str, root: Element) -> dict[str, Any]:
    """Facts of an already parsed document; ValueError for the root of another call. {} for a method unknown here."""
    if method not in PARSERS:
        return {}
    if root.tag.lower() != f"{method}_result":
        raise ValueError(f"its root is no {method}_result")
    return PARSERS[method](root)


def server(root: Element) -> dict[str, Any]:
    """discover_server (5.1)."""
    top = one(root, "Server")
    owner, state = id_at(top, "Manager_Unique_Id"), text_at(top, "Membership_State")
    version = [text_at(top, f"VMM/Version/{part}") for part in ("Major", "Minor")]
    extra = text_at(top, "VMM/Version/Extra") or ""
    capabilities = one(top, "Capabilities")
    return {
        "unique_id": id_at(top, "Unique_Id"),
        "hostname": text_at(top, "Hostname"),
        "boot_time_s": int_at(top, "Boot_Time"),
        "time_zone": text_at(top, "Date_Time/Time_Zone"),
        "clock_is_utc": bool_at(top, "Date_Time/UTC"),
        "local_time_source": bool_at(top, "NTP/Local_Time_Source"),
        "ntp_is_running": bool_at(top, "NTP/Is_NTP_Running"),
        "agent_version": text_at(top, "Agent_Version"),
        "rpm_version": text_at(top, "RPM_Version"),
        "ovm_version": text_at(top, "OVM_Version"),
        "cpu_type": text_at(top, "CPU_Type"),
        "os_type": text_at(top, "OS_Type"),
        "os_name": text_at(top, "OS_Name"),
        "os_version": _dotted(text_at(top, "OS_Major_Version"), text_at(top, "OS_Minor_Version")),
        "hypervisor_type": text_at(top, "Hypervisor_Type"),
        "hypervisor_name": text_at(top, "Hypervisor_Name"),
        "hypervisor_version": None if version[0] is None else f"{_dotted(*version)}{extra}",
        "vmm_capabilities": words_at(top, "VMM/Capabilities"),
        "kernel": text_at(top, "Host_Kernel_Release"),
        "kernel_version": text_at(top, "Host_Kernel_Version"),
        "pool_id": id_at(top, "Pool_Unique_Id"),
        "manager_id": owner,
        "is_owned": _is_owned(top, owner, state),
        "membership_state": state,
        "registered_ip": id_at(top, "Registered_IP"),
        "node_number": int_at(top, "Node_Number"),
        "roles": sorted(words_at(top, "Server_Roles")),
        "is_master": bool_at(top, "Is_Current_Master"),
        "master_virtual_ip": id_at(top, "Master_Virtual_Ip"),
        "manager_api_version": text_at(top, "Manager_Core_API_Version"),
        "cluster_state": text_at(top, "Cluster_State"),
        "statistic_interval_s": int_at(top, "Statistic/Interval"),
        "capabilities": {child.tag: typed((child.text or "").strip()) for child in children(capabilities)},
    }


def server_pool(root: Element) -> dict[str, Any]:
    """discover_server_pool (5.3); `in_pool` False when the document is empty."""
    pool = one(root, "Server_Pool")
    return {
        "in_pool": pool is not None,
        "pool_id": id_at(pool, "Unique_Id"),
        "alias": text_at(pool, "Pool_Alias"),
        "virtual_ip": id_at(pool, "Master_Virtual_Ip"),
        "members": [
            ip for member in every(pool, "Member_List/Member") if (ip := text_at(member, "Registered_IP"))
        ],
    }


def pool_filesystem(root: Element) -> dict[str, Any]:
    """discover_pool_filesystem (5.4); `exists` False when the document is empty."""
    found = one(root, "Pool_Filesystem")
    names = ("type", "target", "uuid", "nfsbase_uuid", "manager_uuid", "version", "pool_uuid")
    return {"exists": found is not None, **{name: id_at(found, f"Pool_Filesystem_{name}") for name in names}}


def cluster(root: Element) -> dict[str, Any]:
    """discover_cluster (5.6); `is_configured` False when neither a stored cluster nor a boot cluster is named."""
    o2cb, stored = one(root, "O2CB_Config"), one(root, "Cluster_Information/Stored")
    clusters = [
        {
            "name": text_at(item, "Name"),
            "node_count": int_at(item, "Node_Count"),
            "heartbeat_mode": text_at(item, "Heartbeat_Mode"),
        }
        for item in every(stored, "Clusters/Cluster")
    ]
    boot = id_at(o2cb, "O2CB_BOOTCLUSTER")
    return {
        "is_configured": bool(clusters or boot),
        "name": next((item["name"] for item in clusters if item["name"]), boot),
        "is_enabled": bool_at(o2cb, "O2CB_ENABLED"),
        "stack": text_at(o2cb, "O2CB_STACK"),
        "heartbeat_threshold": int_at(o2cb, "O2CB_HEARTBEAT_THRESHOLD"),
        "idle_timeout_ms": int_at(o2cb, "O2CB_IDLE_TIMEOUT_MS"),
        "keepalive_delay_ms": int_at(o2cb, "O2CB_KEEPALIVE_DELAY_MS"),
        "reconnect_delay_ms": int_at(o2cb, "O2CB_RECONNECT_DELAY_MS"),
        "clusters": clusters,
        "heartbeats": [
            {"region": text_at(item, "Region"), "cluster": text_at(item, "Cluster")}
            for item in every(stored, "Heartbeats/Heartbeat")
        ],
        "nodes": [
            {
                "number": int_at(item, "Number"),
                "name": text_at(item, "Name"),
                "address": text_at(item, "IP_Address"),
                "port": int_at(item, "IP_Port"),
                "cluster": text_at(item, "Cluster_Name"),
            }
            for item in every(stored, "Nodes/Node")
        ],
    }


def mounted_file_systems(root: Element) -> dict[str, Any]:
    """discover_mounted_file_systems (5.7): mounts with device, path, kind, options."""
    return {
        "mounts": [
            {
                "device": text_at(mount, "Device"),
                "path": attribute(mount, "Dir"),
                "kind": attribute(group, "Type"),
                "options": text_at(mount, "Mount_Options") or "",
            }
            for group in children(root, "Filesystem")
            for mount in children(group, "Mount")
        ]
    }


def storage_plugins(root: Element) -> dict[str, Any]:
    """discover_storage_plugins (5.9): one entry a plug-in, `abilities` as sent."""
    return {
        "plugins": [
            {
                "implementation": attribute(plugin, "plugin_impl_name"),
                "name": text_at(plugin, "plugin_name"),
                "description": text_at(plugin, "plugin_desc"),
                "version": text_at(plugin, "plugin_version"),
                "type": text_at(plugin, "plugin_type"),
                "vendor": text_at(plugin, "vendor_name"),
                "file_system": id_at(plugin, "filesys_name"),
                "storage_types": words_at(plugin, "storage_types"),
                "is_generic": bool_at(plugin, "generic_plugin"),
                "needs_cluster": bool_at(plugin, "cluster_required"),
                "abilities": {
                    child.tag: (child.text or "").strip() for child in children(one(plugin, "abilities"))
                },
            }
            for plugin in every(root, "storage_plugin_info_list/storage_plugin_info")
        ]
    }


def repository_db(root: Element) -> dict[str, Any]:
    """discover_repository_db (5.10): what the server's own data base says of repositories."""
    return {
        "repositories": [
            {
                "uuid": attribute(item, "Uuid"),
                "location": text_at(item, "Fs_location"),
                "mount_point": text_at(item, "Mount_point"),
                "kind": text_at(item, "Filesystem_type"),
                "version": text_at(item, "Version"),
                "alias": text_at(item, "Alias"),
                "manager_uuid": id_at(item, "Manager_uuid"),
                "status": text_at(item, "Status"),
            }
            for item in every(root, "RepositoryDbList/Repository")
        ]
    }


def repositories(root: Element) -> dict[str, Any]:
    """discover_repositories (5.10): content of repositories, names and files."""
    return {
        "repositories": [
            {
                "name": attribute(item, "Name"),
                "uuid": id_at(item, "Repository_UUID"),
                "alias": text_at(item, "Repository_Alias"),
                "manager_uuid": id_at(item, "Manager_UUID"),
                "version": text_at(item, "Version"),
                "assemblies": [attribute(one_, "Name") for one_ in every(item, "Assemblies/Assembly")],
                "templates": [attribute(one_, "Name") for one_ in every(item, "Templates/Template")],
                "virtual_machines": [
                    attribute(one_, "Name") for one_ in every(item, "VirtualMachines/VirtualMachine")
                ],
                "disks": [(one_.text or "").strip() for one_ in every(item, "VirtualDisks/Disk")],
                "isos": [(one_.text or "").strip() for one_ in every(item, "ISOs/ISO")],
            }
            for item in every(root, "RepositoryList/Repository")
        ]
    }


PARSERS: dict[str, Callable[[Element], dict[str, Any]]] = {
    "discover_server": server,
    "discover_hardware": hardware,
    "discover_server_pool": server_pool,
    "discover_pool_filesystem": pool_filesystem,
    "discover_network": network,
    "discover_cluster": cluster,
    "discover_mounted_file_systems": mounted_file_systems,
    "discover_physical_luns": physical_luns,
    "discover_storage_plugins": storage_plugins,
    "discover_repository_db": repository_db,
    "discover_repositories": repositories,
}


def _is_owned(top: Element | None, owner: str | None, state: str | None) -> bool | None:
    """Owned when a Manager is named or the state says more than Unowned; None when neither is told."""
    if owner is not None:
        return True
    if state is not None:
        return state.lower() != "unowned"
    return None if text_at(top, "Manager_Unique_Id") is None else False


def _dotted(*parts: str | None) -> str | None:
    present = [part for part in parts if part is not None]
    return ".".join(present) or None
