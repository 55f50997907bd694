"""The o2cb cluster (agent-rpc 4.6 and 8)."""

from __future__ import annotations

import re
from typing import Any

from core.lab import operations
from core.lab.agent import documents
from core.lab.agent.calls.base import Call, agent_call
from core.lab.operations import CallRefusedError
from core.lab.world import ClusterNode

_STANZA = re.compile(r"^(\w+):\n((?:[ \t]+.*\n?)*)", re.MULTILINE)


@agent_call
def configure_server_for_cluster(
    call: Call,
    o2cb_conf: dict[str, str],
    cluster_conf: dict[str, Any],
    poolfs_type: str,
    poolfs_target: str,
    poolfs_uuid: str,
    poolfs_nfsbase_uuid: str,
) -> None:
    call.needs_owner()
    threshold = int(o2cb_conf["O2CB_HEARTBEAT_THRESHOLD"])
    operations.configure_for_cluster(
        call.world,
        call.server,
        cluster=str(cluster_conf["cluster"][0]["name"]),
        timeout_s=(threshold - 1) * 2,
        nodes=_nodes(cluster_conf),
        poolfs={
            "type": poolfs_type,
            "target": poolfs_target,
            "uuid": poolfs_uuid,
            "nfsbase_uuid": poolfs_nfsbase_uuid,
            "manager_uuid": call.server.owner or "",
            "pool_uuid": call.server.pool or "",
        },
    )


@agent_call
def deconfigure_server_for_cluster(call: Call, poolfs_uuid: str) -> None:
    call.needs_owner()
    operations.deconfigure_cluster(call.world, call.server)


@agent_call
def create_cluster(call: Call, poolfs_uuid: str) -> None:
    _check(call, poolfs_uuid)
    operations.start_cluster(call.world, call.server)


@agent_call
def join_cluster(call: Call, poolfs_uuid: str) -> None:
    _check(call, poolfs_uuid)
    operations.start_cluster(call.world, call.server)


@agent_call
def leave_cluster(call: Call, poolfs_uuid: str) -> None:
    _check(call, poolfs_uuid)
    operations.stop_cluster(call.world, call.server)


@agent_call
def destroy_cluster(call: Call, poolfs_uuid: str) -> None:
    _check(call, poolfs_uuid)
    operations.stop_cluster(call.world, call.server)


@agent_call
def update_clusterConfiguration(call: Call, cluster_conf: dict[str, Any] | str) -> None:  # noqa: N802 - its name
    call.needs_owner()
    conf = parse_cluster_conf(cluster_conf) if isinstance(cluster_conf, str) else cluster_conf
    operations.update_cluster_nodes(call.world, call.server, _nodes(conf))


@agent_call
def is_cluster_online(call: Call) -> bool:
    return call.server.is_cluster_online


@agent_call
def discover_cluster(call: Call) -> str | None:
    return call.document(documents.discover_cluster(call.world, call.server))


def parse_cluster_conf(text: str) -> dict[str, list[dict[str, str]]]:
    """cluster.conf as lists of stanzas by kind."""
    conf: dict[str, list[dict[str, str]]] = {}
    for kind, body in _STANZA.findall(text):
        pairs = (line.partition("=") for line in body.splitlines() if "=" in line)
        conf.setdefault(kind, []).append({key.strip(): value.strip() for key, _, value in pairs})
    return conf


def _nodes(conf: dict[str, Any]) -> list[ClusterNode]:
    return [
        ClusterNode(int(item["number"]), str(item["name"]), str(item["ip_address"])) for item in conf["node"]
    ]


def _check(call: Call, poolfs_uuid: str) -> None:
    call.needs_owner()
    poolfs = call.server.poolfs
    if poolfs is None or poolfs["uuid"].replace("-", "") != poolfs_uuid.replace("-", "").lower():
        raise CallRefusedError(f"No such pool filesystem: {poolfs_uuid}")  # text invented
