"""Manager's objects out of `show` replies, whatever a release calls an attribute (manager-cli 3.3-3.16). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.platforms.oracle_vm.facts import (
    ManagedAccessGroup,
    ManagedArray,
    ManagedCpuGroup,
    ManagedDisk,
    ManagedFileServer,
    ManagedFileSystem,
    ManagedGuest,
    ManagedJob,
    ManagedNetwork,
    ManagedPool,
    ManagedRepository,
    ManagedServer,
)
from core.platforms.oracle_vm.manager_cli.parse import Item, Reference, Reply

GIB = 2**30
LOCAL_FILE_SERVER = "Local FS "  # manager-cli 3.8
LOCAL_DISK_GROUP = "local_storage_volume_group"  # manager-cli 3.10
VIRTUAL_IP = ("Virtual Ip", "Virtual IP Address", "VIP", "Pool Virtual IP")
CLUSTERED = ("Cluster Enable", "Clustered", "Cluster Enabled", "Clustered Server Pool")
POOL_STORAGE = ("PoolFileSystem", "Pool File System", "Pool Filesystem", "Pool Physical Disk")
KEYMAP = ("Keymap", "Key Map", "Keymap Name")
SECURE_MIGRATION = ("Vm Migrate Using SSL", "Migrate Using SSL", "Secure VM Migration", "Secure Migration")
START_POLICY = ("Vm Start Policy", "Start Policy")
POLICY_MODE = ("Policy Mode",)
POLICY_THRESHOLD = ("Policy Cpu Threshold",)
POLICY_PERIOD = ("Policy Period",)
POLICY_SERVERS = ("Policy Server",)
OWNER = ("Manager UUID", "Owner", "Manager Id")


def server_of(item: Item, shown: Reply) -> ManagedServer:
    """A server; an owner that is not shown stays None (partly discovered servers lack attributes)."""
    pool = shown.reference("Server Pool")
    group = shown.reference("Cpu Compatibility Group")
    return ManagedServer(
        id=item.id,
        name=shown.name or item.name,
        address=(shown.get("Ip Address", "IpAddress") or "").strip(),
        hostname=(shown.get("Host Name", "Hostname") or "").strip(),
        owner=_id(shown.reference(*OWNER)),
        pool_id=_id(pool),
        pool_name=pool.name or None if pool else None,
        cpu_group=_id(group),
        state=(shown.get("Status", "Server Run State", "Run State") or "").strip(),
        maintenance=shown.flag("Maintenance Mode"),
        release=(shown.get("OVM Version", "Version") or "").strip(),
        hypervisor=(shown.get("Hypervisor Type", "Hypervisor") or "").strip(),
        processor_type=(shown.get("Processor Type", "Server Architecture Type") or "").strip(),
        roles=tuple(value.strip() for value in shown.numbered("Role", "Roles")),
        disks=_ids(shown.references("Physical Disk")),
        locked=shown.flag("Locked"),
        guests=_guests(shown),
        is_shown=shown.is_success,
    )


def is_taken(shown: Reply) -> bool | None:
    """3.2 says of a server whether this Manager owns it (`TakeOwnership = yes`); None where nothing is said."""
    return shown.flag("TakeOwnership", "Take Ownership")


def pool_of(item: Item, shown: Reply) -> ManagedPool:
    """A server pool."""
    virtual_ip = (shown.get(*VIRTUAL_IP) or "").strip()
    return ManagedPool(
        id=item.id,
        name=shown.name or item.name,
        virtual_ip=None if virtual_ip.casefold() in ("", "none", "null") else virtual_ip,
        members=_ids(shown.references("Server")),
        master=_id(shown.reference("Master Server")),
        clustered=shown.flag(*CLUSTERED),
        file_system=_id(shown.reference(*POOL_STORAGE)),
        guests=_guests(shown),
        is_shown=shown.is_success,
    )


def _guests(shown: Reply) -> tuple[str, ...]:
    return tuple(one.name or one.id for one in shown.references("Vm"))


def file_server_of(item: Item, shown: Reply) -> ManagedFileServer:
    """An NFS file server, or a server's own local one."""
    hosts = [value.strip() for value in shown.numbered("Access Host", "AccessHost")]
    plugin = shown.reference("FileServer Plugin", "File Server Plugin", "Plugin")
    return ManagedFileServer(
        id=item.id,
        name=shown.name or item.name,
        access_host=hosts[0] if hosts else "",
        plugin=(plugin.name or plugin.id) if plugin else "",
        is_local=item.name.startswith(LOCAL_FILE_SERVER),
        uniform=shown.flag("Uniformed Exports", "Uniform Exports"),
        admin_servers=_ids(shown.references("Admin Server")),
        refresh_servers=_ids(shown.references("Refresh Server", "Nfs Refresh Server")),
        file_systems=_ids(shown.references("FileSystem", "File System")),
    )


def file_system_of(item: Item, shown: Reply) -> ManagedFileSystem:
    """A file system; sizes stay None until it was refreshed."""
    name = shown.name or item.name
    path = (shown.get("Path", "Export Path") or "").strip()
    return ManagedFileSystem(
        id=item.id,
        name=name,
        path=path or export_of(name),
        file_server=_id(shown.reference("FileServer", "File Server")),
        size_bytes=_bytes(shown, "Size (GiB)", "File System Size (GiB)"),
        free_bytes=_bytes(shown, "Free (GiB)", "Free Size (GiB)", "File System Free (GiB)"),
    )


def disk_of(item: Item, shown: Reply) -> ManagedDisk:
    """A physical disk; `page83` as Manager prints it (see same_wwid)."""
    group = shown.get("VolumeGroup", "Volume Group") or ""
    array = shown.reference("San Server", "Storage Array", "StorageArray")
    users = (*shown.references("VmDiskMapping"), *shown.references("FileSystem", "File System"))
    is_local = LOCAL_DISK_GROUP in group.casefold() if group else None
    if array and "local storage array" in (array.name or array.id).casefold():
        is_local = True
    return ManagedDisk(
        id=item.id,
        name=shown.name or item.name,
        page83=(shown.get("Page83 ID", "Page83 Id", "Page 83 ID") or "").strip(),
        size_bytes=_bytes(shown, "Size (GiB)"),
        is_local=is_local,
        array=_id(array),
        volume_group=group,
        state=(shown.get("State", "Status") or "").strip(),
        shareable=shown.flag("Shareable"),
        in_use_by=_ids(users),
    )


def array_of(item: Item, shown: Reply) -> ManagedArray:
    """A storage array."""
    hosts = (value.strip() for value in shown.numbered("Access Host", "AccessHost", "Storage Path"))
    return ManagedArray(
        id=item.id,
        name=shown.name or item.name,
        kind=(shown.get("Storage Type", "StorageType", "Type") or "").strip(),
        access_hosts=tuple(host for host in hosts if host),
        admin_servers=_ids(shown.references("Admin Server")),
    )


def access_group_of(item: Item, shown: Reply) -> ManagedAccessGroup:
    """An access group with its initiators."""
    held = shown.references("Storage Initiator", "StorageInitiator")
    return ManagedAccessGroup(
        id=item.id, name=shown.name or item.name, initiators=tuple(one.id or one.name for one in held)
    )


def network_of(item: Item, shown: Reply) -> ManagedNetwork:
    """A network with its roles."""
    roles = tuple(value.strip() for value in shown.numbered("Role", "Roles"))
    return ManagedNetwork(
        id=item.id, name=shown.name or item.name, roles=roles, ports=_ids(shown.references("Port"))
    )


def group_of(item: Item, shown: Reply) -> ManagedCpuGroup:
    """A processor compatibility group."""
    return ManagedCpuGroup(id=item.id, name=shown.name or item.name, servers=_ids(shown.references("Server")))


def repository_of(item: Item, shown: Reply) -> ManagedRepository:
    """A repository."""
    return ManagedRepository(
        id=item.id,
        name=shown.name or item.name,
        file_system=_id(shown.reference("File System", "FileSystem")),
        pool=_id(shown.reference("Server Pool", "Owner Server Pool")),
        presented=_ids(shown.references("Presented Server")),
        is_shown=shown.is_success,
    )


def guest_of(item: Item) -> ManagedGuest:
    """A virtual machine, as far as a list tells."""
    return ManagedGuest(id=item.id, name=item.name)


def job_of(item: Item, shown: Reply) -> ManagedJob:
    """A job."""
    done = shown.flag("Summary Done")
    return ManagedJob(
        id=item.id,
        name=item.name,
        state=(shown.get("Summary State", "Run State") or "").strip(),
        done=shown.flag("Done") if done is None else done,
    )


def generic_plugin(kind: str, plugins: Iterable[tuple[str, str]]) -> str | None:
    """Id of the generic NFS or SCSI plug-in among `(id, name)` of that kind; None without one (manager-cli 3.8)."""
    for id_, name in plugins:
        is_nfs = "network" in name.casefold() or "nfs" in id_.casefold()
        if "eneric" in name and (is_nfs if kind == "FileServerPlugin" else "SCSI" in name):
            return id_
    return None


def export_of(name: str) -> str:
    """The export in a file system's name: `nfs:/vol/poolfs` and, doubled, `nfs://vol//poolfs` (manager-cli 3.9)."""
    path = re.sub(r"^nfs:", "", name.strip(), flags=re.IGNORECASE)
    return re.sub(r"/{2,}", "/", path) if path.startswith("/") else ""


def same_export(one: str, other: str) -> bool:
    """Two spellings of one exported path."""
    return _export(one) == _export(other) != ""


def _export(path: str) -> str:
    return re.sub(r"/{2,}", "/", "/" + path.strip().strip("/")) if path.strip() else ""


def same_wwid(one: str, other: str) -> bool:
    """Two spellings of one page 0x83 id: with or without the type digit that scsi_id puts in front, any letter case."""
    return _wwid(one) == _wwid(other) != ""


def _wwid(text: str) -> str:
    word = re.sub(r"[^0-9a-z]", "", text.strip().rsplit("/", 1)[-1].casefold().removeprefix("0x"))
    return word[1:] if len(word) in (17, 33) and word[0] == "3" else word


def _id(reference: Reference | None) -> str | None:
    return reference.id or None if reference else None


def _ids(references: tuple[Reference, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.id for one in references if one.id))


def _bytes(shown: Reply, *names: str) -> int | None:
    size_gib = shown.number(*names)
    return None if size_gib is None else int(size_gib * GIB)
