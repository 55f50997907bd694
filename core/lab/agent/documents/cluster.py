"""discover_server_pool, discover_pool_filesystem, discover_cluster (agent-rpc 5.3, 5.4, 5.6)."""

from __future__ import annotations

from core.lab import view
from core.lab.agent.xmltree import Node, node
from core.lab.operations import heartbeat_threshold
from core.lab.world import LabServer, World

IDLE_TIMEOUT_MS = 60000  # agent-rpc 8
DELAY_MS = 2000


def discover_server_pool(world: World, server: LabServer) -> Node:
    """The pool and its members as this server stored them; the root alone outside a pool."""
    if server.pool is None:
        return node("Discover_Server_Pool_Result")
    members = (node("Member", node("Registered_IP", item)) for item in server.pool_members)
    return node(
        "Discover_Server_Pool_Result",
        node(
            "Server_Pool",
            node("Unique_Id", server.pool),
            node("Pool_Alias", server.pool_alias),
            node("Master_Virtual_Ip", server.pool_vip),
            node("Member_List", *members),
        ),
    )


def discover_pool_filesystem(world: World, server: LabServer) -> Node:
    """The pool file system; the root alone without one."""
    if server.poolfs is None:
        return node("Discover_Pool_Filesystem_Result")
    poolfs = server.poolfs
    return node(
        "Discover_Pool_Filesystem_Result",
        node(
            "Pool_Filesystem",
            node("Pool_Filesystem_Type", poolfs["type"]),
            node("Pool_Filesystem_Target", poolfs["target"]),
            node("Pool_Filesystem_Uuid", poolfs["uuid"]),
            node("Pool_Filesystem_Nfsbase_Uuid", poolfs["nfsbase_uuid"]),
            node("Pool_Filesystem_Manager_Uuid", poolfs["manager_uuid"]),
            node("Pool_Filesystem_Version", "3.0"),
            node("Pool_Filesystem_Pool_Uuid", poolfs["pool_uuid"]),
        ),
    )


def o2cb_values(server: LabServer) -> dict[str, str]:
    """/etc/sysconfig/o2cb as name and value, in the agent's order."""
    return {
        "O2CB_HEARTBEAT_THRESHOLD": str(heartbeat_threshold(server.cluster_timeout_s)),
        "O2CB_RECONNECT_DELAY_MS": str(DELAY_MS),
        "O2CB_KEEPALIVE_DELAY_MS": str(DELAY_MS),
        "O2CB_BOOTCLUSTER": server.cluster or "",
        "O2CB_IDLE_TIMEOUT_MS": str(IDLE_TIMEOUT_MS),
        "O2CB_ENABLED": "true",
        "O2CB_STACK": "o2cb",
    }


def discover_cluster(world: World, server: LabServer) -> Node:
    """What cluster.conf stores; the root alone without a cluster (INVENTED), and on SPARC, which has no o2cb."""
    if server.cluster is None or view.is_sparc(server):
        return node("Discover_Cluster_Result")
    name = server.cluster
    region = (server.poolfs or {}).get("uuid", "").replace("-", "").upper()
    return node(
        "Discover_Cluster_Result",
        node("O2CB_Config", *(node(key, value) for key, value in o2cb_values(server).items())),
        node(
            "Cluster_Information",
            node(
                "Stored",
                node(
                    "Clusters",
                    node(
                        "Cluster",
                        node("Name", name),
                        node("Node_Count", len(server.cluster_nodes)),
                        node("Heartbeat_Mode", "global"),
                    ),
                ),
                node("Heartbeats", node("Heartbeat", node("Region", region), node("Cluster", name))),
                node(
                    "Nodes",
                    *(
                        node(
                            "Node",
                            node("Number", item.number),
                            node("IP_Port", 7777),
                            node("IP_Address", item.address),
                            node("Name", item.name),
                            node("Cluster_Name", name),
                        )
                        for item in server.cluster_nodes
                    ),
                ),
            ),
        ),
    )
