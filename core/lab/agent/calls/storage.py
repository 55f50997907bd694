"""Mounts, LUNs, storage plug-ins, repositories (agent-rpc 4.7 to 4.9)."""

from __future__ import annotations

from typing import Any

from core.lab import operations, view
from core.lab.agent import documents
from core.lab.agent.calls.base import Call, agent_call
from core.lab.operations import CallRefusedError

PLUGINS = (
    "oracle.generic.NFSPlugin.GenericNFSPlugin",
    "oracle.generic.SCSIPlugin.GenericPlugin",
    "oracle.ocfs2.OCFS2.OCFS2Plugin",
)
STAMP = ".generic_fs_stamp"
Record = dict[str, Any]


@agent_call
def discover_mounted_file_systems(call: Call, kind: str) -> str | None:
    return call.document(documents.discover_mounted_file_systems(call.world, call.server, kind))


@agent_call
def discover_physical_luns(call: Call, args: str) -> str | None:
    return call.document(documents.discover_physical_luns(call.world, call.server))


@agent_call
def discover_storage_plugins(call: Call) -> str | None:
    return call.document(documents.discover_storage_plugins(call.world, call.server))


@agent_call
def storage_plugin_mount(
    call: Call, plugin: str, server: Record, fs: Record, point: str, text: str, flag: bool, options: list[str]
) -> Record | None:
    """Mount an export under its dashed uuid and stamp it; nil when it is mounted already."""
    _check_plugin(plugin)
    target = str(fs["access_path"])
    if any(item["path"] == point for item in call.server.mounts):
        return None
    operations.mount_export(call.world, call.server, target, point)
    found = view.export_by(call.world, target)
    if found is not None and found[1].is_writable and STAMP not in found[1].files:
        found[1].files.append(STAMP)
    return _record(call, fs, with_sizes=not call.world.switches.extra.get("mount_sizes_empty"))


@agent_call
def storage_plugin_unmount(
    call: Call, plugin: str, server: Record, fs: Record, point: str, flag: bool
) -> None:
    _check_plugin(plugin)
    operations.unmount(call.server, point)


@agent_call
def storage_plugin_getFileSystemInfo(call: Call, plugin: str, server: Record, fs: Record) -> Record:  # noqa: N802
    _check_plugin(plugin)
    return _record(call, fs, with_sizes=True)


@agent_call
def storage_plugin_listFileSystems(call: Call, plugin: str, server: Record) -> list[Record]:  # noqa: N802
    """Shape UNCONFIRMED: a list of file system records."""
    _check_plugin(plugin)
    nas = view.nas_by(call.world, str(server["access_host"]))
    if nas is None or not nas.is_up:
        raise operations.command_failed(
            ["/usr/sbin/showmount", "-e", str(server["access_host"])], 1, "clnt_create: RPC"
        )
    return [
        _record(
            call,
            {
                "uuid": item.fs_uuid,
                "ss_uuid": str(server.get("uuid", "")),
                "access_path": f"{nas.host}:{item.path}",
            },
            with_sizes=True,
        )
        for item in nas.exports
        if view.sees_export(call.server, item)
    ]


@agent_call
def storage_plugin_listMountPoints(call: Call, plugin: str, server: Record) -> list[Record]:  # noqa: N802
    _check_plugin(plugin)
    host = str(server["access_host"])
    points = []
    for item in call.server.mounts:
        found = view.export_by(call.world, item["device"])
        if found is not None and host in (found[0].host, found[0].address):
            points.append({"status": "mounted", "fs_uuid": found[1].fs_uuid, "mount_point": item["path"]})
    return points


@agent_call
def storage_plugin_create(
    call: Call, plugin: str, server: Record, fs: Record, path: str, kind: str, size: int
) -> Record:
    """Create a file in a mounted file system; an existing one is the recorded fault."""
    _check_plugin(plugin)
    files = _mounted_files(call, path)
    name = path.rpartition("/")[2]
    if name in files:
        raise CallRefusedError(f"[Errno 17] File exists: '{path}'", exception="exceptions.OSError")
    files.append(name)
    return _file(fs, path, kind, size)


@agent_call
def storage_plugin_getFileInfo(  # noqa: N802 - its name
    call: Call, plugin: str, server: Record, fs: Record, file: Record
) -> Record:
    _check_plugin(plugin)
    path = str(file["file_path"])
    if path.rpartition("/")[2] not in _mounted_files(call, path):
        raise _no_file(path)
    return _file(fs, path, str(file.get("fr_type", "File")), int(file.get("file_sz") or 0))


@agent_call
def storage_plugin_destroy(call: Call, plugin: str, server: Record, fs: Record, file: Record) -> None:
    _check_plugin(plugin)
    path = str(file["file_path"])
    files = _mounted_files(call, path)
    if path.rpartition("/")[2] not in files:
        raise _no_file(path)
    files.remove(path.rpartition("/")[2])


@agent_call
def discover_repository_db(call: Call) -> str | None:
    return call.document(documents.discover_repository_db(call.world, call.server))


@agent_call
def discover_repositories(call: Call, repo_id: str) -> str | None:
    return call.document(documents.discover_repositories(call.world, call.server, repo_id))


@agent_call
def create_repository(
    call: Call, fs_location: str, mount_point: str, repo_uuid: str, repo_alias: str
) -> None:
    call.needs_owner()
    if any(item.get("fs_location") == fs_location for item in call.server.repositories):
        raise CallRefusedError("Repository already exists")
    call.server.repositories.append(
        {
            "uuid": repo_uuid,
            "fs_location": fs_location,
            "mount_point": mount_point,
            "alias": repo_alias,
            "manager_uuid": call.server.owner or "",
        }
    )
    mount_repository_fs(call, fs_location, mount_point)


@agent_call
def add_repository(call: Call, fs_location: str, mount_point: str) -> None:
    mount_repository_fs(call, fs_location, mount_point)


@agent_call
def mount_repository_fs(call: Call, fs_location: str, mount_point: str) -> None:
    operations.mount_export(call.world, call.server, fs_location, mount_point)


@agent_call
def unmount_repository_fs(call: Call, mount_point: str) -> None:
    operations.unmount(call.server, mount_point)


@agent_call
def delete_repository(call: Call, repo_uuid: str, erase: bool) -> None:
    call.server.repositories[:] = [item for item in call.server.repositories if item.get("uuid") != repo_uuid]


def _check_plugin(name: str) -> None:
    if name not in PLUGINS:
        raise CallRefusedError(f"No such plugin: {name}")  # text invented


def _record(call: Call, fs: Record, *, with_sizes: bool) -> Record:
    found = view.export_by(call.world, str(fs["access_path"]))
    if found is None or not view.sees_export(call.server, found[1]) or not found[0].is_up:
        raise operations.command_failed(
            ["mount", str(fs["access_path"])], 32, "mount.nfs: access denied by server"
        )
    export = found[1]
    return {
        "status": "",
        "uuid": str(fs.get("uuid", export.fs_uuid)),
        "ss_uuid": str(fs.get("ss_uuid", "")),
        "size": str(export.size_bytes) if with_sizes else "",
        "free_sz": str(export.free_bytes) if with_sizes else "",
        "state": "1",
        "mount_options": [],
        "access_grp_names": [],
        "access_path": str(fs["access_path"]),
        "name": str(fs.get("name") or f"nfs:{export.path}"),
    }


def _file(fs: Record, path: str, kind: str, size: int) -> Record:
    return {
        "fr_type": kind,
        "ondisk_sz": "0",
        "fs_uuid": str(fs.get("uuid", "")),
        "file_path": path,
        "file_sz": str(size),
    }


def _mounted_files(call: Call, path: str) -> list[str]:
    for item in call.server.mounts:
        found = view.export_by(call.world, item["device"])
        if found is not None and path.startswith(item["path"] + "/"):
            return found[1].files
    raise _no_file(path)


def _no_file(path: str) -> CallRefusedError:
    return CallRefusedError(f"[Errno 2] No such file or directory: '{path}'", exception="exceptions.OSError")
