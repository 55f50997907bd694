"""What Manager files about itself at start and about each server it takes or gives up; no agent calls."""

from __future__ import annotations

from typing import Any

from core.lab import operations
from core.lab.manager.faults import HOSTILE_TEXT, PROMPT_TEXT
from core.lab.manager.objects import FILE_SERVER_PLUGINS, STORAGE_ARRAY_PLUGINS, UNMANAGED, is_ours, made_id
from core.lab.world import LabCpu, LabObject, LabServer, World

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}
OCFS2_PLUGIN, NFS_PLUGIN = FILE_SERVER_PLUGINS
SCSI_PLUGIN = next(iter(STORAGE_ARRAY_PLUGINS))
# Attributes every object of a type has, for scenarios that bring objects with fewer.
DEFAULTS: dict[str, dict[str, Any]] = {
    "serverpool": {
        "servers": [],
        "virtual_ip": "",
        "clustered": False,
        "timeout_s": 120,
        "keymap": "en-us",
        "ssl": False,
        "start_policy": "CURRENT_SERVER",
        "policy_mode": "OFF",
        "policy_servers": [],
        "storage_kind": "",
        "storage_id": "",
        "storage_target": "",
        "poolfs_uuid": "",
        "nfsbase_uuid": "",
    },
    "fileserver": {
        "kind": "nfs",
        "plugin": NFS_PLUGIN,
        "access_host": "",
        "uniform": True,
        "admin_servers": [],
        "refresh_servers": [],
    },
    "filesystem": {"kind": "nfs", "file_server": "", "path": "", "size_bytes": None, "free_bytes": None},
    "storagearray": {"kind": "fc", "plugin": SCSI_PLUGIN, "admin_servers": [], "access_hosts": []},
    "accessgroup": {"owner": "", "initiators": [], "servers": [], "disks": []},
    "network": {"roles": []},
    "repository": {"file_system": "", "servers": []},
    "cpucompatibilitygroup": {"servers": []},
    "tag": {"servers": []},
    "serverupdategroup": {"servers": []},
}


def file_object(world: World, type_: str, key: str, name: str, **attrs: Any) -> LabObject:
    """File an object with the default attributes of its type; an object of that id is kept as it is."""
    if key not in world.objects:
        defaults = {
            name: list(value) if isinstance(value, list) else value
            for name, value in DEFAULTS.get(type_, {}).items()
        }
        world.objects[key] = LabObject(key, type_, name, {**defaults, **attrs})
    return world.objects[key]


def drop_object(world: World, item: LabObject) -> None:
    """Take an object out of Manager's files."""
    for key in [key for key, value in world.objects.items() if value is item]:
        del world.objects[key]


def settle(world: World) -> None:
    """Bring a world to the state in which a Manager that has run for a while would have it; twice is fine."""
    for item in list(world.objects.values()):
        for key, value in DEFAULTS.get(item.type, {}).items():
            item.attrs.setdefault(key, list(value) if isinstance(value, list) else value)
    for kind, name in UNMANAGED.items():
        array = file_object(world, "storagearray", made_id("0009", name), name, kind=kind, builtin=True)
        _default_access_group(world, array)
    for server in world.servers.values():
        if is_ours(world, server):
            file_server_objects(world, server)
    _plant_traps(world)


def add_array(world: World, name: str, **attrs: Any) -> LabObject:
    """A storage array with the access group every array has."""
    array = file_object(world, "storagearray", world.new_id("0009"), name, **attrs)
    _default_access_group(world, array)
    return array


def _default_access_group(world: World, array: LabObject) -> None:
    name = f"Default access group @ {array.name}"
    file_object(world, "accessgroup", made_id("0031", array.id), name, owner=array.id, builtin=True)


def adopt(world: World, server: LabServer) -> None:
    """Everything that comes with ownership: NTP, network data, local objects, CPU group, local disks."""
    operations.configure_owned(world, server)
    file_server_objects(world, server)


def file_server_objects(world: World, server: LabServer) -> None:
    """The objects Manager keeps per owned server: local file server and array, default CPU group, local
    disks.
    """
    operations.management_network(world, server)
    common = {"kind": "local", "local_to": server.name, "builtin": True, "admin_servers": [server.name]}
    file_object(
        world,
        "fileserver",
        made_id("0009", server.uuid, "fs"),
        f"Local FS {server.name}",
        plugin=OCFS2_PLUGIN,
        **common,
    )
    file_object(
        world,
        "storagearray",
        made_id("0009", server.uuid, "array"),
        f"Generic Local Storage Array @ {server.name}",
        **common,
    )
    key, name = cpu_group_of(server.cpu)
    file_object(world, "cpucompatibilitygroup", key, name, builtin=True)
    server.cpu_group = key
    for lun in world.luns.values():
        if lun.local_to == server.name:
            lun.is_known = True


def cpu_group_of(cpu: LabCpu) -> tuple[str, str]:
    """Id and name of the default CPU compatibility group (agent-rpc 5.2)."""
    vendor = "SPARC" if cpu.arch == "sparc" else _VENDORS.get(cpu.vendor, cpu.vendor)
    return (
        f"Default_{vendor}_F{cpu.family}_M{cpu.model}",
        f"Default_{vendor}_Family:{cpu.family}_Model:{cpu.model}",
    )


def forget_server_objects(world: World, server: LabServer) -> None:
    """Take back what `adopt` filed, and the server out of everything that names it."""
    for item in list(world.objects.values()):
        if item.attrs.get("local_to") == server.name:
            drop_object(world, item)
            continue
        for key in ("admin_servers", "refresh_servers", "servers", "policy_servers"):
            if server.name in item.attrs.get(key, ()):
                item.attrs[key].remove(server.name)
        if server.initiator and server.initiator in item.attrs.get("initiators", ()):
            item.attrs["initiators"].remove(server.initiator)
    for lun in world.luns.values():
        if lun.local_to == server.name:
            lun.is_known = False
    group, server.cpu_group = world.objects.get(server.cpu_group or ""), None
    is_used = (
        any(other.cpu_group == group.id for other in world.servers.values()) if group is not None else True
    )
    if group is not None and group.attrs.get("builtin") and not is_used:
        drop_object(world, group)


def _plant_traps(world: World) -> None:
    """Names and descriptions that try a client's patience, when the faults ask for them."""
    for fault, default in (("prompt-in-name", PROMPT_TEXT), ("hostile-names", HOSTILE_TEXT)):
        params = operations.fault(world, fault, peek=True)
        if params is None:
            continue
        text = str(params.get("text", default))
        for type_ in ("network", "tag"):
            file_object(
                world, type_, made_id("00ff", type_, text), f"trap {text}", builtin=True, description=text
            )
        for server in world.servers.values():
            server.description = f"rack 4 {text}"
