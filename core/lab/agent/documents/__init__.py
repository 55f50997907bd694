"""The documents of discover_* calls, made from the world field by field (agent-rpc section 5)."""

from core.lab.agent.documents.cluster import (
    discover_cluster,
    discover_pool_filesystem,
    discover_server_pool,
)
from core.lab.agent.documents.hardware import discover_hardware
from core.lab.agent.documents.network import discover_network
from core.lab.agent.documents.server import discover_server
from core.lab.agent.documents.storage import (
    discover_mounted_file_systems,
    discover_physical_luns,
    discover_repositories,
    discover_repository_db,
    discover_storage_plugins,
)

__all__ = [
    "discover_cluster",
    "discover_hardware",
    "discover_mounted_file_systems",
    "discover_network",
    "discover_physical_luns",
    "discover_pool_filesystem",
    "discover_repositories",
    "discover_repository_db",
    "discover_server",
    "discover_server_pool",
    "discover_storage_plugins",
]
