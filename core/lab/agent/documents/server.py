"""discover_server (agent-rpc 5.1)."""

from __future__ import annotations

from core.lab import view
from core.lab.agent.xmltree import Node, node
from core.lab.world import LabServer, World

CAPABILITIES: dict[str, str] = {
    "ISCSI": "True",
    "BOND_MODE_LINK_AGGREGATION": "True",
    "POWER_ON_WOL": "True",
    "ALL_VM_CPU_OVERSUBSCRIBE": "True",
    "HVM_MAX_VNICS": "8",
    "FIBRE_CHANNEL": "True",
    "MAX_CONCURRENT_MIGRATION_OUT": "1",
    "LOCAL_STORAGE_ELEMENT": "True",
    "CLUSTERS": "True",
    "CONCURRENT_MIGRATION": "False",
    "VM_MEMORY_ALIGNMENT": "1048576",
    "MIGRATION_SETUP": "False",
    "PER_VM_CPU_OVERSUBSCRIBE": "True",
    "BOND_MODE_ACTIVE_BACKUP": "True",
    "NFS": "True",
    "VM_VNC_CONSOLE": "True",
    "MTU_CONFIGURATION": "True",
    "HIGH_AVAILABILITY": "True",
    "MAX_CONCURRENT_MIGRATION_IN": "1",
    "VM_SERIAL_CONSOLE": "True",
    "BOND_MODE_ADAPTIVE_LOAD_BALANCING": "True",
    "VM_SUSPEND": "True",
    "YUM_PACKAGE_MANAGEMENT": "True",
}
SPARC_CAPABILITIES = {  # no recording: UNCONFIRMED; what a SPARC server has no words for is left out
    **{
        name: value
        for name, value in CAPABILITIES.items()
        if not name.startswith(("BOND_MODE", "YUM", "HVM"))
    },
    "BOND_MODE_LINK_AGGREGATION": "True",
}
CLUSTER_READY = "DLM_Ready"  # UNCONFIRMED; agent-rpc 5.1


def discover_server(world: World, server: LabServer) -> Node:
    """The whole document."""
    in_pool = server.pool is not None
    return node(
        "Discover_Server_Result",
        node(
            "Server",
            node("Unique_Id", server.uuid),
            node("Boot_Time", view.boot_time(world, server)),
            node("Date_Time", node("Time_Zone", server.time_zone), node("UTC", "True")),
            node(
                "NTP",
                node(
                    "Local_Time_Source", str(any(item.startswith("127.127.") for item in server.ntp_servers))
                ),
                node("Is_NTP_Running", str(server.is_ntp_running)),
            ),
            node("Agent_Version", server.agent_version),
            node("RPM_Version", server.agent_version),
            node("OVM_Version", server.release),
            *_system(server),
            node("Pool_Unique_Id", server.pool or "none"),
            node("Manager_Unique_Id", server.owner or "none"),
            node("Hostname", server.name),
            node("Registered_IP", server.address) if in_pool else None,
            node("Node_Number", server.node_number or 0) if in_pool else None,
            node("Server_Roles", ",".join(roles_in_order(world, server))),
            node("Is_Current_Master", "true" if server.is_master else "false"),
            node("Master_Virtual_Ip", server.pool_vip) if in_pool else None,
            node("Manager_Core_API_Version", world.manager_version),
            node("Membership_State", membership(server)),
            node("Cluster_State", cluster_state(world, server)),
            node("Statistic", node("Interval", server.statistic_interval_s)),
            node("Exports"),
            _capabilities(server),
        ),
    )


def roles_in_order(world: World, server: LabServer) -> list[str]:
    """Roles are a set: the switch `roles_reversed` shows them the other way round."""
    roles = list(server.roles)
    return roles[::-1] if world.switches.extra.get("roles_reversed") else roles


def membership(server: LabServer) -> str:
    """Unowned, Owned (UNCONFIRMED) or Pooled."""
    if server.pool is not None:
        return "Pooled"
    return "Owned" if server.owner is not None else "Unowned"


def cluster_state(world: World, server: LabServer) -> str:
    """Offline, or what the switch `cluster_state_online` says a working cluster reads."""
    online = str(world.switches.extra.get("cluster_state_online", CLUSTER_READY))
    return online if server.is_cluster_online else "Offline"


def xen_capabilities(server: LabServer) -> str:
    """Xen's list, as `xm info` shows it too."""
    words = ["xen-3.0-x86_64", "xen-3.0-x86_32p"]
    if server.cpu.has_hvm:
        words += ["hvm-3.0-x86_32", "hvm-3.0-x86_32p", "hvm-3.0-x86_64"]
    return " ".join(words)


def _system(server: LabServer) -> list[Node]:
    sparc = view.is_sparc(server)
    return [
        node("CPU_Type", "sparc" if sparc else server.cpu.arch),
        node("OS_Type", "SunOS" if sparc else "Linux"),
        node("OS_Name", "Oracle Solaris" if sparc else "Oracle VM Server"),
        node("OS_Major_Version", server.os_version[0]),
        node("OS_Minor_Version", server.os_version[1]),
        node("Hypervisor_Type", "ldoms" if sparc else "xen"),
        node("Hypervisor_Name", "Logical Domains" if sparc else "Xen"),
        node("Host_Kernel_Release", server.kernel),
        node("Host_Kernel_Version", view.kernel_build(server)),
        _vmm(server),
    ]


def _vmm(server: LabServer) -> Node:
    major, minor, extra = server.xen
    compiler, date = view.xen_build(server)
    return node(
        "VMM",
        node("Version", node("Major", major), node("Minor", minor), node("Extra", extra)),
        node(
            "Compile_Information",
            node("Compiler", compiler),
            node("By", "mockbuild"),
            node("Domain", "us.oracle.com"),
            node("Date", date),
        ),
        node("Capabilities", "" if view.is_sparc(server) else xen_capabilities(server)),
    )


def _capabilities(server: LabServer) -> Node:
    table = SPARC_CAPABILITIES if view.is_sparc(server) else CAPABILITIES
    return node("Capabilities", *(node(name, value) for name, value in table.items()))
