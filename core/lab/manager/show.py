"""Attributes that `show` prints, one function a type; names as clients read them, else assumed (manager-
cli 3).
"""

from __future__ import annotations

from collections.abc import Callable

from core.lab import operations
from core.lab.manager.engine import Engine
from core.lab.manager.objects import (
    FILE_SERVER_PLUGINS,
    STORAGE_ARRAY_PLUGINS,
    Item,
    array_of,
    guests_of,
    items,
    members,
    pool_item,
    pool_of,
    server_item,
    volume_group,
)
from core.lab.manager.show_server import Attributes, numbered, show_server
from core.lab.manager.texts import reply_time
from core.lab.world import LabObject, World

ROLE_WORDS = {
    "MANAGEMENT": "Management",
    "LIVE_MIGRATE": "Live_Migrate",
    "CLUSTER_HEARTBEAT": "Cluster_Heartbeat",
    "VIRTUAL_MACHINE": "Virtual_Machine",
    "STORAGE": "Storage",
}


def show(engine: Engine, item: Item) -> Attributes:
    """All attributes of one object, in the server-defined order."""
    attributes = _SHOWN.get(item.type, _show_plain)(engine, item)
    if engine.world.switches.id_with_name:
        return [(name, item.reference if name == "Id" else value) for name, value in attributes]
    return attributes


def yes(value: object) -> str:
    return "Yes" if value else "No"


def gib(size_bytes: int) -> str:
    """Bytes as GiB in float text (`200.0`)."""
    return str(round(size_bytes / 2**30, 2))


def _head(engine: Engine, item: Item) -> Attributes:
    text = item.thing.attrs.get("description", "") if isinstance(item.thing, LabObject) else ""
    locked = "true" if item.id in engine.locks else "false"
    return [("Name", item.name), ("Id", item.id), ("Description", str(text)), ("Locked", locked)]


def _show_plain(engine: Engine, item: Item) -> Attributes:
    return _head(engine, item)


def _servers(world: World, names: list[str]) -> list[Item]:
    return [server_item(world.servers[name]) for name in names if name in world.servers]


def _show_pool(engine: Engine, item: Item) -> Attributes:
    world, attrs = engine.world, item.thing.attrs
    found = _head(engine, item)
    found += [
        ("Virtual Ip", attrs["virtual_ip"]),
        ("Cluster Enable", yes(attrs["clustered"])),
        ("Keymap", attrs["keymap"]),
        ("Vm Migrate Using SSL", yes(attrs["ssl"])),
        ("Vm Start Policy", attrs["start_policy"]),
    ]
    if attrs["clustered"]:
        found.append(("Cluster Timeout", str(attrs["timeout_s"])))
        found.append(("PoolFileSystem", pool_storage_reference(world, item.thing)))
    if world.release != "3.2":
        found.append(("Policy Mode", attrs["policy_mode"]))
        found += [(name, attrs[key]) for name, key in _POLICY_ATTRIBUTES if attrs.get(key)]
        found += numbered("Policy Server", _servers(world, attrs["policy_servers"]))
    servers = members(world, item.thing)
    master = next((server for server in servers if server.is_master), None)
    if master is not None:
        found.append(("Master Server", server_item(master).reference))
    if world.release == "3.2":
        found.append(("Server Count", str(len(servers))))
    found += numbered("Server", map(server_item, servers))
    return found + numbered("Vm", (guest for server in servers for guest in guests_of(server)))


_POLICY_ATTRIBUTES = (
    ("Policy Cpu Enable", "policy_cpu"),
    ("Policy Period", "policy_period"),
    ("Policy Cpu Threshold", "policy_threshold"),
)


def pool_storage_reference(world: World, pool: LabObject) -> str:
    """The pool file system as `<id>  [<name>]`: the NFS file system, or the OCFS2 made on the LUN."""
    ref = pool.attrs["storage_id"]
    if pool.attrs["storage_kind"] == "nfs":
        thing = world.objects.get(ref)
        return f"{ref}  [{thing.name}]" if thing is not None else ref
    lun = operations.find_lun(world, ref)
    return (
        f"{pool.attrs['poolfs_uuid']}  [fs on {lun.name}]" if lun is not None else pool.attrs["poolfs_uuid"]
    )


def _show_file_server(engine: Engine, item: Item) -> Attributes:
    world, attrs = engine.world, item.thing.attrs
    found = _head(engine, item)
    plugin = attrs["plugin"]
    found.append(("FileServer Plugin", f"{plugin}  [{FILE_SERVER_PLUGINS.get(plugin, plugin)}]"))
    if attrs["kind"] == "nfs":
        found += [("Access Host", attrs["access_host"]), ("Uniformed Exports", yes(attrs["uniform"]))]
    found += numbered("Admin Server", _servers(world, attrs["admin_servers"]))
    found += numbered("Refresh Server", _servers(world, attrs["refresh_servers"]))
    systems = [entry for entry in items(world, "filesystem") if entry.thing.attrs["file_server"] == item.id]
    return found + numbered("FileSystem", systems)


def _show_file_system(engine: Engine, item: Item) -> Attributes:
    world, attrs = engine.world, item.thing.attrs
    owner = world.objects.get(attrs["file_server"])
    found = [*_head(engine, item), ("Path", attrs["path"]), ("Type", attrs["kind"].upper())]
    if attrs.get("size_bytes") is not None:
        found += [("Size (GiB)", gib(attrs["size_bytes"])), ("Free (GiB)", gib(attrs["free_bytes"]))]
    if owner is not None:
        found.append(("FileServer", f"{owner.id}  [{owner.name}]"))
    repositories = [
        entry for entry in items(world, "repository") if entry.thing.attrs["file_system"] == item.id
    ]
    pools = [pool for pool in world.of_type("serverpool") if pool.attrs["storage_id"] == item.id]
    return found + numbered("Repository", repositories) + numbered("Server Pool", map(pool_item, pools))


def _show_disk(engine: Engine, item: Item) -> Attributes:
    lun = item.thing
    array = array_of(engine.world, lun)
    found = [
        ("Name", item.name),
        ("Id", item.id),
        ("Size (GiB)", gib(lun.size_bytes)),
        ("Shareable", yes(lun.shareable)),
        ("Page83 ID", lun.page83),
        ("Thin Provision", "No" if lun.local_to else "Yes"),
        ("VolumeGroup", volume_group(engine.world, lun).reference),
        ("San Server", array.name if array is not None else ""),
    ]
    if engine.world.release == "3.4":
        found += [
            ("State", "Offline" if lun.is_offline else "Online"),
            ("Device Name", f"/dev/mapper/{lun.page83}"),
            ("User-Friendly Device Name", lun.name),
        ]
    return found


def _show_array(engine: Engine, item: Item) -> Attributes:
    world, attrs = engine.world, item.thing.attrs
    plugin = attrs["plugin"]
    word = {"fc": "FIBRECHANNEL", "iscsi": "ISCSI", "local": "LOCAL"}.get(attrs["kind"], "UNKNOWN")
    found = [
        *_head(engine, item),
        ("Storage Type", word),
        ("StorageArray Plugin", f"{plugin}  [{STORAGE_ARRAY_PLUGINS.get(plugin, plugin)}]"),
    ]
    found += [(f"Access Host {n}", host) for n, host in enumerate(attrs.get("access_hosts", ()), 1)]
    found += numbered("Admin Server", _servers(world, attrs["admin_servers"]))
    groups = [entry for entry in items(world, "accessgroup") if entry.thing.attrs["owner"] == item.id]
    disks = [entry for entry in items(world, "physicaldisk") if array_of(world, entry.thing) is item.thing]
    return found + numbered("Access Group", groups) + numbered("Physical Disk", disks)


def _show_access_group(engine: Engine, item: Item) -> Attributes:
    world, attrs = engine.world, item.thing.attrs
    owner = world.objects.get(attrs["owner"])
    found = _head(engine, item)
    if owner is not None:
        found.append(
            ("Storage Array" if owner.type == "storagearray" else "FileServer", f"{owner.id}  [{owner.name}]")
        )
    found += [(f"Storage Initiator {n}", f"{key}  [{key}]") for n, key in enumerate(attrs["initiators"], 1)]
    found += numbered("Server", _servers(world, attrs["servers"]))
    return found + [(f"Physical Disk {n}", key) for n, key in enumerate(attrs.get("disks", ()), 1)]


def _show_network(engine: Engine, item: Item) -> Attributes:
    found = _head(engine, item)
    found += [
        (f"Role {n}", ROLE_WORDS.get(role, role)) for n, role in enumerate(item.thing.attrs["roles"], 1)
    ]
    ports = [
        entry
        for kind in ("bondport", "port")
        for entry in items(engine.world, kind)
        if entry.thing[1].network == item.id
    ]
    return found + numbered("Port", ports)


def _show_port(engine: Engine, item: Item) -> Attributes:
    server, device = item.thing
    found = [*_head(engine, item), ("MAC Address", device.mac), ("MTU", str(device.mtu))]
    found.append(("Server", server_item(server).reference))
    network = engine.world.objects.get(device.network or "")
    if network is not None:
        found.append(("Network", f"{network.id}  [{network.name}]"))
    return found


def _show_group(engine: Engine, item: Item) -> Attributes:
    """CPU compatibility groups, tags and update groups: whoever is in them."""
    world = engine.world
    default = [
        server.name for server in world.servers.values() if server.cpu_group == item.id and server.is_known
    ]
    return _head(engine, item) + numbered(
        "Server", _servers(world, item.thing.attrs.get("servers") or default)
    )


def _show_job(engine: Engine, item: Item) -> Attributes:
    attrs = item.thing.attrs
    state, is_done = attrs["state"], attrs["end"] is not None
    found = [
        ("Name", item.name),
        ("Id", item.id),
        ("Description", item.name),
        ("User", attrs["user"]),
        ("Run State", state),
        ("Summary State", state),
        ("Done", yes(is_done)),
        ("Summary Done", yes(is_done)),
        ("Progress Message", attrs["progress"]),
        ("Latest Summary Progress Message", attrs["progress"]),
        ("Start Time", reply_time(attrs["start"])),
    ]
    if is_done:
        found.append(("End Time", reply_time(attrs["end"])))
    if attrs["error"]:
        found.append(("Error", " ".join(attrs["error"].split())))
    if attrs.get("result"):
        found.append(("Result Id", attrs["result"]))
    if attrs.get("aborted"):
        found.append(("Aborted By User", attrs["aborted"]))
    return found


def _show_manager(engine: Engine, item: Item) -> Attributes:
    is_starting = operations.fault(engine.world, "manager-starting", peek=True) is not None
    return [
        ("Name", item.name),
        ("Id", item.id),
        ("Version", engine.world.manager_version),
        ("Status", "Starting" if is_starting else "Running"),
        ("Ip Address", engine.world.manager_address),
    ]


def _show_repository(engine: Engine, item: Item) -> Attributes:
    attrs = item.thing.attrs
    system = engine.world.objects.get(attrs["file_system"])
    found = _head(engine, item)
    if system is not None:
        found.append(("File System", f"{system.id}  [{system.name}]"))
        if system.attrs.get("free_bytes") is not None:
            found.append(("File System Free (GiB)", gib(system.attrs["free_bytes"])))
            found.append(("File System Total (GiB)", gib(system.attrs["size_bytes"])))
    found.append(("Manager UUID", engine.world.manager_uuid))
    return found + numbered("Presented Server", _servers(engine.world, attrs["servers"]))


def _show_vm(engine: Engine, item: Item) -> Attributes:
    found = [("Name", item.name), ("Id", item.id), ("Status", "Running"), ("Locked", "false")]
    if isinstance(item.thing, LabObject):  # in the unassigned folder
        return found
    server, _ = item.thing
    found.append(("Server", server_item(server).reference))
    pool = pool_of(engine.world, server)
    if pool is not None:
        found.append(("Server Pool", pool_item(pool).reference))
    return found


_SHOWN: dict[str, Callable[[Engine, Item], Attributes]] = {
    "server": show_server,
    "serverpool": _show_pool,
    "fileserver": _show_file_server,
    "filesystem": _show_file_system,
    "physicaldisk": _show_disk,
    "storagearray": _show_array,
    "accessgroup": _show_access_group,
    "network": _show_network,
    "port": _show_port,
    "bondport": _show_port,
    "cpucompatibilitygroup": _show_group,
    "tag": _show_group,
    "serverupdategroup": _show_group,
    "job": _show_job,
    "manager": _show_manager,
    "repository": _show_repository,
    "vm": _show_vm,
}
