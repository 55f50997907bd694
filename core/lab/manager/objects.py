"""The objects Manager's CLI can list, with ids and names; many are derived from servers, ports, LUNs and
guests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core.lab import operations
from core.lab.manager.dialects import Ref
from core.lab.manager.texts import invented
from core.lab.world import LabInterface, LabLun, LabObject, LabServer, World

# agent-rpc 5.9 and the REST samples; ids hold a blank
FILE_SERVER_PLUGINS = {
    "oracle.ocfs2.OCFS2.OCFS2Plugin (0.1.0-42.1)": "Oracle OCFS2 File system",
    "oracle.generic.NFSPlugin.GenericNFSPlugin (1.1.0)": "Oracle Generic Network File System",
}
STORAGE_ARRAY_PLUGINS = {"oracle.generic.SCSIPlugin.GenericPlugin (1.1.0)": "Oracle Generic SCSI Plugin"}
UNMANAGED = {"fc": "Unmanaged FibreChannel Storage Array", "iscsi": "Unmanaged iSCSI Storage Array"}
VOLUME_GROUPS = {
    "fc": ("Generic_SAN_Volume_Group @ Unmanaged FibreChannel Storage Array", "FibreChannel Volume Group"),
    "iscsi": ("Generic_iSCSI_Volume_Group @ Unmanaged iSCSI Storage Array", "iSCSI Volume Group"),
}
# the type words that one release calls otherwise, as the world files them
_STORED_AS = {
    "sanserver": "storagearray",
    "sanserverplugin": "storagearrayplugin",
    "nfsaccessgroup": "accessgroup",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One object as the CLI addresses it; `thing` is what stands behind it in the world."""

    type: str
    id: str
    name: str
    thing: Any

    @property
    def reference(self) -> str:
        """How another object's attribute shows it: `<id>  [<name>]`."""
        return f"{self.id}  [{self.name}]"


def stored_type(type_: str) -> str:
    """The world's name of a CLI type word of any release."""
    return _STORED_AS.get(type_.lower(), type_.lower())


def items(world: World, type_: str) -> list[Item]:
    """Every object of one type that Manager knows; empty for types the lab has none of."""
    kind = stored_type(type_)
    derive = _DERIVED.get(kind)
    found = list(derive(world)) if derive is not None else []
    if kind not in ("server", "port", "bondport"):
        found += [Item(kind, thing.id, thing.name, thing) for thing in world.of_type(kind)]
    return sorted(found, key=lambda item: item.id, reverse=True) if kind == "job" else found


def find(world: World, type_: str, ref: Ref) -> Item:
    """The one object a reference means. Raises ManagerError when there is none, or several of that name."""
    key = "id" if stored_type(type_) == "job" else ref.key  # a job's name= is taken as id, manager-cli 3.15
    found = [item for item in items(world, type_) if (item.id if key == "id" else item.name) == ref.value]
    if not found:
        raise invented(f"No {type_} found with {ref.key}: {ref.value}")
    if len(found) > 1:
        raise invented(f"More than one {type_} has the {ref.key}: {ref.value}; use the id")
    return found[0]


def find_any(world: World, type_: str, text: str, *, is_doubled: bool = False) -> Item:
    """An object by id or name, as parameter values give it; a name may come with its slashes doubled."""
    texts = {text, text.replace("//", "/")} if is_doubled else {text}
    found = [item for item in items(world, type_) if item.id == text]
    found = found or [item for item in items(world, type_) if item.name in texts]
    if not found:
        raise invented(f"No {type_} found: {text}")
    if len(found) > 1:
        raise invented(f"More than one {type_} is named: {text}; use the id")
    return found[0]


def find_server(world: World, text: str) -> LabServer:
    """A server Manager knows, by id, name, host name or address. Raises ManagerError."""
    for item in items(world, "server"):
        server: LabServer = item.thing
        if text in (item.id, item.name, server.name, server.fqdn, server.address):
            return server
    raise invented(f"No Server found: {text}")


def server_item(server: LabServer) -> Item:
    """A server as Manager lists it."""
    return Item("server", server.uuid, server.manager_name or server.name, server)


def is_ours(world: World, server: LabServer) -> bool:
    """Known to this Manager and owned by it; anything else is at best partly discovered."""
    return server.is_known and server.owner == world.manager_uuid


def our_servers(world: World) -> list[LabServer]:
    """Servers this Manager owns."""
    return [server for server in world.servers.values() if is_ours(world, server)]


def made_id(kind: str, *parts: str) -> str:
    """A stable id in Manager's form for something derived, from the parts that make it what it is."""
    return f"0004fb00{kind}0000{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def port_item(server: LabServer, device: LabInterface) -> Item:
    """A port or bond of a server, named as Manager does: `eth0 on <server>`."""
    kind = "bondport" if device.kind == "bond" else "port"
    name = f"{device.name} on {server_item(server).name}"
    return Item(kind, made_id("2000", server.uuid, device.name), name, (server, device))


def ports_of(server: LabServer, kind: str) -> list[Item]:
    """The ports (kind nic) or bonds (kind bond) of a server."""
    return [port_item(server, device) for device in server.interfaces if device.kind == kind]


def initiators_of(server: LabServer) -> list[Item]:
    """The storage initiators of a server, its iSCSI name first when it has one."""
    local = f"storage.LocalStorageInitiator in {server.uuid}"
    found = [Item("storageinitiator", local, local, server)]
    if server.initiator:
        found.insert(0, Item("storageinitiator", server.initiator, server.initiator, server))
    return found


def disks_of(world: World, server: LabServer) -> list[Item]:
    """The disks Manager knows this server sees."""
    return [
        disk_item(lun)
        for lun in operations.visible_luns(world, server)
        if lun.is_known and is_presented(world, lun, server)
    ]


def disk_item(lun: LabLun) -> Item:
    return Item("physicaldisk", lun.id, lun.name, lun)


def guests_of(server: LabServer) -> list[Item]:
    """The virtual machines of a server."""
    return [Item("vm", made_id("0600", guest), guest, (server, guest)) for guest in server.guests]


def pool_item(pool: LabObject) -> Item:
    return Item("serverpool", pool.id, pool.name, pool)


def pool_of(world: World, server: LabServer) -> LabObject | None:
    """The pool object Manager has a server in."""
    return next((pool for pool in world.of_type("serverpool") if server.name in pool.attrs["servers"]), None)


def members(world: World, pool: LabObject) -> list[LabServer]:
    """The servers of a pool in the order they came."""
    return [world.servers[name] for name in pool.attrs["servers"] if name in world.servers]


def array_of(world: World, lun: LabLun) -> LabObject | None:
    """The storage array a LUN belongs to."""
    if lun.local_to is not None:
        return next(
            (item for item in world.of_type("storagearray") if item.attrs.get("local_to") == lun.local_to),
            None,
        )
    arrays = world.of_type("storagearray")
    named = next((item for item in arrays if lun.array and lun.array in (item.id, item.name)), None)
    if named is not None:
        return named
    if lun.transport == "iscsi":
        made = next(
            (item for item in arrays if item.attrs["kind"] == "iscsi" and not item.attrs.get("builtin")), None
        )
        if made is not None:
            return made
    return next((item for item in arrays if item.name == UNMANAGED.get(lun.transport, "")), None)


def is_presented(world: World, lun: LabLun, server: LabServer) -> bool:
    """Whether the server sees the LUN; iSCSI only with its initiator in an access group of the array."""
    if lun not in operations.visible_luns(world, server):
        return False
    if lun.transport != "iscsi":
        return True
    array = array_of(world, lun)
    groups = [
        item for item in world.of_type("accessgroup") if array is not None and item.attrs["owner"] == array.id
    ]
    return any(server.initiator in group.attrs["initiators"] for group in groups)


def volume_group(world: World, lun: LabLun) -> Item:
    """The volume group a LUN is shown in (names as in the transcripts)."""
    array = array_of(world, lun)
    if lun.local_to is not None:
        name = f"Local_Storage_Volume_Group @ {array.name if array else lun.local_to}"
        return Item("volumegroup", name, "Local Storage Volume Group", array)
    if array is None or array.attrs.get("builtin"):
        key, name = VOLUME_GROUPS.get(lun.transport, VOLUME_GROUPS["fc"])
        return Item("volumegroup", key, name, array)
    return Item(
        "volumegroup", f"Generic_iSCSI_Volume_Group @ {array.id}", "Generic_iSCSI_Volume_Group", array
    )


def _servers(world: World) -> Iterator[Item]:
    return (server_item(server) for server in world.servers.values() if server.is_known)


def _disks(world: World) -> Iterator[Item]:
    return (disk_item(lun) for lun in world.luns.values() if lun.is_known)


def _ports(kind: str) -> Callable[[World], Iterator[Item]]:
    return lambda world: (item for server in our_servers(world) for item in ports_of(server, kind))


def _initiators(world: World) -> Iterator[Item]:
    return (item for server in our_servers(world) for item in initiators_of(server))


def _guests(world: World) -> Iterator[Item]:
    return (item for server in our_servers(world) for item in guests_of(server))


def _manager(world: World) -> Iterator[Item]:
    yield Item("manager", world.manager_uuid, world.manager_name, None)


def _volume_groups(world: World) -> Iterator[Item]:
    found = {
        item.id: item for lun in world.luns.values() if lun.is_known for item in [volume_group(world, lun)]
    }
    for key, name in VOLUME_GROUPS.values():
        found.setdefault(key, Item("volumegroup", key, name, None))
    return iter(found.values())


def _plugins(kind: str, plugins: dict[str, str]) -> Callable[[World], Iterator[Item]]:
    return lambda world: (Item(kind, key, name, None) for key, name in plugins.items())


_DERIVED: dict[str, Callable[[World], Iterator[Item]]] = {
    "server": _servers,
    "physicaldisk": _disks,
    "port": _ports("nic"),
    "bondport": _ports("bond"),
    "storageinitiator": _initiators,
    "vm": _guests,
    "manager": _manager,
    "volumegroup": _volume_groups,
    "fileserverplugin": _plugins("fileserverplugin", FILE_SERVER_PLUGINS),
    "storagearrayplugin": _plugins("storagearrayplugin", STORAGE_ARRAY_PLUGINS),
}
