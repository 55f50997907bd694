"""The agent's calls by topic (agent-rpc section 4). Importing this package fills the table in base.py."""

from core.lab.agent.calls import cluster, general, host, network, ownership, pool, storage, vms
from core.lab.agent.calls.base import TABLE, Call, run_call

__all__ = [
    "TABLE",
    "Call",
    "cluster",
    "general",
    "host",
    "network",
    "ownership",
    "pool",
    "run_call",
    "storage",
    "vms",
]
