"""What a refresh finds: NFS exports as file systems, LUNs as physical disks, through the servers that may
look.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.lab import operations
from core.lab.manager.adopt import file_object
from core.lab.manager.engine import Engine
from core.lab.manager.objects import array_of, is_presented
from core.lab.manager.texts import ManagerError, invented
from core.lab.world import LabExport, LabLun, LabObject, LabServer, World


def storage_failed(call: str, storage: str, reason: str) -> ManagerError:
    """A storage plug-in call that failed; the form is from memory, the reason invented (manager-cli 5.4)."""
    return invented(
        f"OVMAPI_B000E Storage plugin command [{call}] failed for storage server: [{storage}] failed with [{reason}]"
    )


async def scan_server(engine: Engine, server: LabServer) -> None:
    """refreshStorageLayer: exports and disks of every file server and array that this server may look
    after.
    """
    world = engine.world
    for owner in world.of_type("fileserver"):
        if server.name in (*owner.attrs["admin_servers"], *owner.attrs["refresh_servers"]):
            find_exports(engine, owner, [server])
    for array in world.of_type("storagearray"):
        if server.name in array.attrs["admin_servers"]:
            find_luns(engine, array, [server])


def find_exports(engine: Engine, owner: LabObject, servers: list[LabServer]) -> None:
    """File one file system per export that one of the servers sees. Raises ManagerError when the NAS is
    away.
    """
    world = engine.world
    if owner.attrs["kind"] != "nfs":
        return
    nas = operations.find_nas(world, owner.attrs["access_host"])
    if nas is None or not nas.is_up:
        raise storage_failed(
            "storage_plugin_listFileSystems", owner.name, "clnt_create: RPC: Unable to receive"
        )
    known = {item.attrs["path"] for item in systems_of(world, owner)}
    seen = {
        export.path: export for server in servers for export in operations.visible_exports(world, server, nas)
    }
    for path, export in seen.items():
        if path not in known:
            _later(engine, partial(_file_export, engine, owner, export))


def _file_export(engine: Engine, owner: LabObject, export: LabExport) -> None:
    world = engine.world
    if owner.id not in world.objects or any(
        item.attrs["path"] == export.path for item in systems_of(world, owner)
    ):
        return
    key = export.fs_id if export.fs_id and export.fs_id not in world.objects else world.new_id("0005")
    system = file_object(
        world,
        "filesystem",
        key,
        f"nfs:{export.path}",
        file_server=owner.id,
        path=export.path,
        target=f"{owner.attrs['access_host']}:{export.path}",
    )
    export.is_known = True
    engine.event("lifecycle.create", "FileSystem", system.id, f"File system {system.name} was found")


def find_luns(engine: Engine, array: LabObject, servers: list[LabServer]) -> None:
    """File every LUN of an array that one of the servers sees."""
    for lun in engine.world.luns.values():
        is_seen = any(is_presented(engine.world, lun, server) for server in servers)
        if not lun.is_known and is_seen and array_of(engine.world, lun) is array:
            _later(engine, partial(_file_lun, engine, lun))


def _file_lun(engine: Engine, lun: LabLun) -> None:
    lun.is_known = True
    kind = "storage.device.online" if engine.world.release != "3.2" else "StorageDeviceCreatedEvent"
    engine.event(kind, "PhysicalDisk", lun.id, f"Physical disk {lun.name} was found")


def systems_of(world: World, owner: LabObject) -> list[LabObject]:
    """The file systems of a file server."""
    return [item for item in world.of_type("filesystem") if item.attrs["file_server"] == owner.id]


def looking_servers(engine: Engine, owner: LabObject) -> list[LabServer]:
    """The servers a refresh goes through. Raises ManagerError when there is none, or one of them must but
    is away.
    """
    world = engine.world
    names = list(dict.fromkeys([*owner.attrs.get("refresh_servers", ()), *owner.attrs["admin_servers"]]))
    found = [world.servers[name] for name in names if name in world.servers]
    if not found:
        raise invented(f"{owner.name} has no admin or refresh server")
    up = [server for server in found if operations.is_agent_up(world, server)]
    must_all = not owner.attrs.get("uniform", True)
    if not up or (must_all and len(up) < len(found)):
        away = next(server for server in found if server not in up)
        engine.call_agent(away, "storage_plugin_refresh", lambda: None)
    return up


def _later(engine: Engine, effect: Callable[[], None]) -> None:
    """Do it now, or some time after the command was answered when the fault says so (manager-cli 5.1)."""
    params = operations.fault(engine.world, "settle-late", peek=True)
    if params is None:
        effect()
        return

    async def wait() -> None:
        await operations.pause(engine.world, float(params.get("seconds", 20.0)))
        effect()

    engine.background(wait())
