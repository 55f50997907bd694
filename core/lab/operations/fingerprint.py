"""The state of a lab that a rollback must restore, as comparable JSON; ids, jobs, events and times are left
out.
"""

from __future__ import annotations

from typing import Any

from core.lab.world import LabObject, LabServer, World

# Things Manager files by itself from what it discovers; they come and go with the servers.
_DERIVED = frozenset({"job", "event", "server", "port", "bondport", "manager", "filesystem", "physicaldisk"})


def world_fingerprint(world: World) -> dict[str, Any]:
    """Owner, pool, cluster, mounts, VIP, NTP, roles and network tags of every server; Manager's objects;
    storage.
    """
    return {
        "servers": {name: _server(world, item) for name, item in sorted(world.servers.items())},
        "objects": sorted(
            (_object(world, item) for item in world.objects.values() if _counts(item)), key=repr
        ),
        "exports": {
            f"{nas.host}:{export.path}": sorted(export.files)
            for nas in world.nas.values()
            for export in nas.exports
        },
        "luns": {lun.page83: [lun.content, lun.cluster, lun.label] for lun in world.luns.values()},
    }


def _server(world: World, server: LabServer) -> dict[str, Any]:
    return {
        "owner": server.owner,
        "is_known": server.is_known,
        "pool": server.pool,
        "is_master": server.is_master,
        "vip": server.pool_vip if server.has_vip else "",
        "cluster": server.cluster,
        "is_cluster_online": server.is_cluster_online,
        "cluster_nodes": sorted(node.name for node in server.cluster_nodes),
        "poolfs": server.poolfs["target"] if server.poolfs else None,
        "mounts": sorted(f"{item['device']} {item['path']}" for item in server.mounts),
        "ntp": [list(server.ntp_servers), server.is_ntp_running],
        "roles": sorted(server.roles),
        "networks": {item.name: item.network for item in server.interfaces},
        "maintenance": server.maintenance,
        "guests": sorted(server.guests),
    }


def _counts(item: LabObject) -> bool:
    """Built-in objects and default CPU groups are Manager's own affair, unless someone put servers into
    them.
    """
    if item.type in _DERIVED:
        return False
    if item.attrs.get("builtin"):
        return bool(item.attrs.get("admin_servers") or item.attrs.get("refresh_servers"))
    return True


def _object(world: World, item: LabObject) -> dict[str, Any]:
    kept = {
        key: sorted(map(str, value)) if isinstance(value, (list, set, tuple)) else str(value)
        for key, value in item.attrs.items()
        if key
        in ("access_host", "admin_servers", "refresh_servers", "servers", "initiators", "roles", "virtual_ip")
        and value
    }
    return {"type": item.type, "name": item.name, **kept}
