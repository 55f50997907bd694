"""Pool file system and o2cb (SPARC: DLM) cluster as one server's agent makes and unmakes them."""

from __future__ import annotations

from core.lab.operations.reach import CallRefusedError
from core.lab.operations.storage import (
    POOLFS_FILES,
    SPARC_POOLFS_FILES,
    command_failed,
    find_export,
    find_lun,
    mount_export,
    mount_point,
    unmount,
    visible_luns,
)
from core.lab.world import ClusterNode, LabServer, World


def cluster_name(pool_uuid: str) -> str:
    """o2cb's cluster name: the last 16 hex digits of the pool's uuid (agent-rpc 7)."""
    return pool_uuid.replace("-", "").lower()[-16:]


def heartbeat_threshold(timeout_s: int) -> int:
    """O2CB_HEARTBEAT_THRESHOLD of a cluster timeout in seconds."""
    return timeout_s // 2 + 1


def create_pool_filesystem(
    world: World,
    server: LabServer,
    *,
    kind: str,
    target: str,
    cluster: str,
    poolfs_uuid: str,
    nfsbase_uuid: str,
    manager_uuid: str,
    pool_uuid: str,
) -> None:
    """create_pool_filesystem: `kind` nfs (target `host:/path`) or lun (target `/dev/mapper/<wwid>`). Raises
    CallRefusedError.

    Storage that already holds the same cluster's file system is taken over, any other content is refused.
    """
    if server.cpu.arch == "sparc" and kind != "nfs":
        raise CallRefusedError(
            "Pool file system on a physical disk is not supported on SPARC"
        )  # text invented
    if kind == "nfs":
        _make_image(world, server, target, cluster)
    else:
        _format_lun(world, server, target, cluster)
    server.poolfs = {
        "type": kind,
        "target": target,
        "uuid": poolfs_uuid,
        "nfsbase_uuid": nfsbase_uuid,
        "manager_uuid": manager_uuid,
        "pool_uuid": pool_uuid,
    }
    world.audit.append(f"{server.name}: pool file system on {target}")


def destroy_pool_filesystem(world: World, kind: str, target: str, *, cluster: str | None = None) -> None:
    """Take the pool file system off the storage; with `cluster`, only when it is that cluster's."""
    if kind == "nfs":
        found = find_export(world, target)
        if found is None or (cluster is not None and found[1].poolfs_cluster != cluster):
            return
        export = found[1]
        ours = {*POOLFS_FILES, *SPARC_POOLFS_FILES}
        export.files[:] = [name for name in export.files if name not in ours]
        export.poolfs_cluster = ""
    else:
        lun = find_lun(world, target)
        if lun is None or (cluster is not None and lun.cluster != cluster):
            return
        lun.content = lun.cluster = lun.label = ""
    world.audit.append(f"pool file system removed from {target}")


def configure_for_cluster(
    world: World,
    server: LabServer,
    *,
    cluster: str,
    timeout_s: int,
    nodes: list[ClusterNode],
    poolfs: dict[str, str],
) -> None:
    """configure_server_for_cluster: cluster.conf and o2cb settings; the cluster is not started.

    Raises CallRefusedError.
    """
    if server.cluster is not None and server.cluster != cluster:
        raise CallRefusedError("Cluster already exists")  # F11
    if server.cpu.arch != "sparc":
        server.cluster_timeout_s = timeout_s
    server.cluster, server.cluster_nodes, server.poolfs = cluster, list(nodes), dict(poolfs)


def update_cluster_nodes(world: World, server: LabServer, nodes: list[ClusterNode]) -> None:
    """update_clusterConfiguration on a member when one comes or goes."""
    server.cluster_nodes = list(nodes)


def start_cluster(world: World, server: LabServer) -> None:
    """create_cluster and join_cluster: mount the pool file system and go online. Raises CallRefusedError."""
    if server.cluster is None or server.poolfs is None:
        raise CallRefusedError("Cluster is not configured on this server")  # text invented
    poolfs = server.poolfs
    if poolfs["type"] == "nfs":
        mount_export(world, server, poolfs["target"])
        device = "/dev/mapper/ovspoolfs"
    else:
        device = poolfs["target"]
        lun = find_lun(world, device)
        if lun is None or lun not in visible_luns(world, server):
            raise CallRefusedError("Heartbeat region could not be found")  # F12
    if server.cpu.arch != "sparc":
        where = f"/poolfsmnt/{poolfs['uuid']}"
        unmount(server, where)
        options = "rw,relatime,_netdev,heartbeat=global"
        server.mounts.append({"device": device, "path": where, "kind": "ocfs2", "options": options})
    server.is_cluster_online = True
    world.audit.append(f"{server.name}: cluster {server.cluster} online")


def stop_cluster(world: World, server: LabServer) -> None:
    """leave_cluster and destroy_cluster: unmount and go offline; offline already is fine."""
    if server.poolfs is not None:
        unmount(server, f"/poolfsmnt/{server.poolfs['uuid']}")
    server.is_cluster_online = False


def deconfigure_cluster(world: World, server: LabServer) -> None:
    """deconfigure_server_for_cluster: no cluster.conf, no pool file system, no NFS mount of it any more."""
    stop_cluster(world, server)
    if server.poolfs is not None and server.poolfs["type"] == "nfs":
        found = find_export(world, server.poolfs["target"])
        if found is not None:
            unmount(server, mount_point(found[1]))
    server.poolfs, server.cluster = None, None
    server.cluster_nodes = []
    server.cluster_timeout_s = 120


def cluster_conf(server: LabServer) -> str:
    """/etc/ocfs2/cluster.conf as this server holds it; empty without a cluster."""
    if server.cluster is None or server.poolfs is None:
        return ""
    region = server.poolfs["uuid"].replace("-", "").upper()
    stanzas = [
        f"heartbeat:\n\tregion = {region}\n\tcluster = {server.cluster}\n",
    ]
    stanzas += [
        f"node:\n\tip_port = 7777\n\tip_address = {node.address}\n\tnumber = {node.number}\n"
        f"\tname = {node.name}\n\tcluster = {server.cluster}\n"
        for node in server.cluster_nodes
    ]
    count = len(server.cluster_nodes)
    stanzas.append(
        f"cluster:\n\tnode_count = {count}\n\theartbeat_mode = global\n\tname = {server.cluster}\n"
    )
    return "\n".join(stanzas)


def _make_image(world: World, server: LabServer, target: str, cluster: str) -> None:
    mount_export(world, server, target)
    found = find_export(world, target)
    assert found is not None
    export = found[1]
    where = mount_point(export)
    if not export.is_writable:
        unmount(server, where)
        raise CallRefusedError(
            f"[Errno 30] Read-only file system: '{where}/.ovspoolfs'", exception="exceptions.OSError"
        )
    if export.squashes_root:
        unmount(server, where)
        raise CallRefusedError(
            f"[Errno 13] Permission denied: '{where}/.ovspoolfs'", exception="exceptions.OSError"
        )
    if {"ovspoolfs.img", ".ovspoolfs"} & set(export.files) and export.poolfs_cluster != cluster:
        unmount(server, where)
        raise CallRefusedError(f"Pool filesystem already exists on {target}")  # text invented, cf. F39
    names = SPARC_POOLFS_FILES if server.cpu.arch == "sparc" else POOLFS_FILES
    export.files.extend(name for name in names if name not in export.files)
    export.poolfs_cluster = cluster


def _format_lun(world: World, server: LabServer, target: str, cluster: str) -> None:
    lun = find_lun(world, target)
    if lun is None or lun not in visible_luns(world, server):
        raise CallRefusedError("Heartbeat region could not be found")  # F12
    if lun.local_to is not None:
        raise CallRefusedError(f"{target} is not a shared disk")  # text invented
    if lun.cluster and lun.cluster != cluster:
        raise CallRefusedError(
            f"{target} already in a cluster: {lun.cluster}"
        )  # B3, text seen as a picture only
    if lun.content and lun.cluster != cluster:
        raise command_failed(
            ["mkfs.ocfs2", target],
            1,
            f"{target} is apparently in use by the system; will not make a ocfs2 volume here!",
        )  # F06
    lun.content, lun.cluster = "poolfs", cluster
