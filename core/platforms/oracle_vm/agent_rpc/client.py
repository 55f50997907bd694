"""Read-only client of the agent: XML-RPC over pinned HTTPS, methods by allow-list."""

from __future__ import annotations

from typing import Any

from core.transports.base import Access, Endpoint
from core.transports.jump import Jump

READ_ONLY: frozenset[str] = frozenset(
    """echo get_api_version discover_server discover_hardware discover_server_pool discover_pool_filesystem
    discover_network discover_cluster is_cluster_online discover_mounted_file_systems discover_physical_luns
    discover_storage_plugins discover_repository_db discover_repositories get_last_boot_time get_datetime get_timezone
    get_ntp list_vms list_vm get_vm_config get_system_disk_space""".split()
)


class AgentClient:
    """Calls to one server's agent. The password is access.secrets' `agent`."""

    def __init__(self, endpoint: Endpoint, access: Access, user: str = "oracle", jump: Jump | None = None) -> None:
        raise NotImplementedError

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old TLS or plain http in use."""
        raise NotImplementedError

    async def call(self, method: str, *args: Any) -> Any:
        """One read-only call; the unmarshalled value (str, int, bool, list, dict, None).

        Raises ValueError for a method not on READ_ONLY, LoginRefused (HTTP 403, never retried), CommandFailed (a fault:
        its message), CommandTimeout, ConnectFailed, BadReply, TrustError.
        """
        raise NotImplementedError

    async def document(self, method: str, *args: Any) -> dict[str, Any]:
        """Call a discover_* method and parse its document with documents.parse_document; {} for nil."""
        raise NotImplementedError
