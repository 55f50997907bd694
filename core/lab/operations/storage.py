"""What a lab server sees of the shared storage, and mounting it."""

from __future__ import annotations

from core.lab import view
from core.lab.operations.reach import CallRefusedError
from core.lab.world import LabExport, LabLun, LabNas, LabServer, World

POOLFS_FILES = ("ovspoolfs.img", ".ovspoolfs", ".generic_fs_stamp")  # agent-rpc 4.5, 4.8
SPARC_POOLFS_FILES = (
    "dlm",
    ".ovspoolfs",
    ".generic_fs_stamp",
)  # no image there: server-pools 8; names invented


def visible_luns(world: World, server: LabServer) -> list[LabLun]:
    """The LUNs and local disks this server sees, shared ones first, in the order they were described."""
    shared = [
        lun
        for lun in world.luns.values()
        if lun.local_to is None and not lun.is_offline and (lun.seen_by is None or server.name in lun.seen_by)
    ]
    return shared + [lun for lun in world.luns.values() if lun.local_to == server.name]


def find_lun(world: World, text: str) -> LabLun | None:
    """A LUN by Manager id, WWID or device path (`/dev/mapper/<wwid>`)."""
    key = text.removeprefix("/dev/mapper/")
    return next((lun for lun in world.luns.values() if key in (lun.id, lun.page83)), None)


def find_nas(world: World, host: str) -> LabNas | None:
    """An NFS server by name, short name or address."""
    return view.nas_by(world, host)


def find_export(world: World, target: str) -> tuple[LabNas, LabExport] | None:
    """The export `host:/path`."""
    return view.export_by(world, target.rstrip("/"))


def visible_exports(world: World, server: LabServer, nas: LabNas) -> list[LabExport]:
    """The exports this NFS server offers to this server; none while it is down."""
    if not nas.is_up:
        return []
    return [item for item in nas.exports if item.seen_by is None or server.name in item.seen_by]


def mount_point(export: LabExport) -> str:
    """Where the agent mounts an export: `/nfsmnt/<dashed uuid>`."""
    return f"/nfsmnt/{export.fs_uuid}"


def mount_export(world: World, server: LabServer, target: str, path: str | None = None) -> None:
    """storage_plugin_mount: mount `host:/path`; mounting twice changes nothing. Raises CallRefusedError."""
    found = find_export(world, target)
    if found is None or not found[0].is_up:
        raise command_failed(["mount", "-t", "nfs", target], 32, "mount.nfs: Connection timed out")
    nas, export = found
    if export not in visible_exports(world, server, nas):
        raise command_failed(
            ["mount", "-t", "nfs", target], 32, f"mount.nfs: access denied by server while mounting {target}"
        )
    where = path or mount_point(export)
    if any(item["path"] == where for item in server.mounts):
        return
    options = "rw,relatime,vers=3,hard,tcp" if 3 in nas.versions else "rw,relatime,vers=4,hard,tcp"
    server.mounts.append({"device": target, "path": where, "kind": "nfs", "options": options})


def unmount(server: LabServer, path: str) -> None:
    """Take a mount away; none there is fine."""
    server.mounts[:] = [item for item in server.mounts if item["path"] != path]


def command_failed(argv: list[str], code: int, stderr: str) -> CallRefusedError:
    """The agent's fault for a shell command that failed (agent-rpc 6.2)."""
    return CallRefusedError(
        f"Command: {argv} failed ({code}): stderr: {stderr}", exception="exceptions.RuntimeError"
    )
