"""Documents about mounts, LUNs, storage plug-ins and repositories (agent-rpc 5.7 to 5.10)."""

from __future__ import annotations

from core.lab import view
from core.lab.agent.xmltree import Node, node
from core.lab.world import LabServer, World

_UNSUPPORTED = [
    "resize_is_sync",
    "clone_is_sync",
    "custom_clone_name",
    "require_storage_name",
    "custom_snap_name",
    "snapshot",
    "splitclone",
    "snap_is_sync",
    "snapclone",
    "splitclone_is_sync",
    "clone",
    "resize",
    "snapclone_is_sync",
]
_OCFS2_ABILITIES = {
    "resize_is_sync": "YES",
    "clone_is_sync": "YES",
    "access_control": "NO",
    "custom_clone_name": "YES",
    "require_storage_name": "NO",
    "backing_device_type": "DEVICE_SINGLE",
    "splitclone_while_open": "NO",
    "custom_snap_name": "YES",
    "snapshot": "ONLINE",
    "splitclone": "UNSUPPORTED",
    "snap_is_sync": "YES",
    "snapclone": "ONLINE",
    "splitclone_is_sync": "NO",
    "clone": "ONLINE",
    "resize": "ONLINE",
    "snapclone_is_sync": "YES",
}


def discover_mounted_file_systems(world: World, server: LabServer, kind: str) -> Node:
    """Mounts of one type, or one Filesystem per type for `all`; no mount of that type: the root alone."""
    mounts = view.all_mounts(world, server)
    kinds = list(dict.fromkeys(item["kind"] for item in mounts)) if kind == "all" else [kind]
    systems = []
    for name in kinds:
        found = [item for item in mounts if item["kind"] == name]
        if found:
            entries = (
                node(
                    "Mount",
                    node("Device", item["device"]),
                    node("Mount_Options", item["options"]),
                    Dir=item["path"],
                )
                for item in found
            )
            systems.append(node("Filesystem", *entries, Type=name))
    return node("Discover_Mounted_File_Systems_Result", *systems)


def discover_physical_luns(world: World, server: LabServer) -> Node:
    """SCSI disks and iSCSI targets; the children are INVENTED (agent-rpc 5.8)."""
    disks = []
    targets: dict[str, None] = {}
    for lun in view.luns_of(world, server):
        if lun.is_offline:
            continue
        disks.append(
            node(
                "Disk",
                node("Name", f"/dev/mapper/{lun.page83}" if lun.local_to is None else "/dev/sda"),
                node("Page83_Id", lun.page83),
                node("Size", lun.size_bytes),
                node("Vendor", lun.vendor),
                node("Product", lun.product),
            )
        )
        if lun.transport == "iscsi":
            targets[lun.array or "iqn.2013-01.lab.example:array1"] = None
    return node(
        "Discover_Physical_Luns_Result",
        node("SCSI", *disks),
        *(node("ISCSI_Target", node("Name", name)) for name in targets),
    )


def discover_storage_plugins(world: World, server: LabServer) -> Node:
    """OCFS2 (x86 only), generic SCSI and generic NFS plug-ins."""
    version = "0.1.0-38" if server.release.startswith("3.2") else "0.1.0-42.1"
    plugins = [] if view.is_sparc(server) else [_file_plugin("oracle.ocfs2.OCFS2.OCFS2Plugin", version)]
    plugins += [_scsi_plugin(), _file_plugin("oracle.generic.NFSPlugin.GenericNFSPlugin", "1.1.0")]
    return node("Discover_Storage_Plugins_Result", node("storage_plugin_info_list", *plugins))


def discover_repositories(world: World, server: LabServer, wanted: str) -> Node:
    """Content of one repository, or an empty list for an unknown one."""
    found = [_repository(item) for item in server.repositories if item.get("uuid") == wanted]
    return node("Discover_Repositories_Result", node("RepositoryList", *found))


def discover_repository_db(world: World, server: LabServer) -> Node:
    """Repositories the agent's data base knows."""
    mounted = {item["path"] for item in server.mounts}
    entries = (
        node(
            "Repository",
            node("Fs_location", item.get("fs_location", "")),
            node("Mount_point", item.get("mount_point", "")),
            node("Filesystem_type", item.get("filesystem", "nfs")),
            node("Version", item.get("version", "3.0")),
            node("Alias", item.get("alias", "")),
            node("Manager_uuid", item.get("manager_uuid", "")),
            node("Status", "Mounted" if item.get("mount_point") in mounted else "Unmounted"),
            Uuid=item.get("uuid", ""),
        )
        for item in server.repositories
    )
    return node("Discover_Repository_Db_Result", node("RepositoryDbList", *entries))


def _file_plugin(name: str, version: str) -> Node:
    is_ocfs2 = "OCFS2" in name
    abilities = _OCFS2_ABILITIES if is_ocfs2 else {
        **dict.fromkeys((*_UNSUPPORTED, "backing_device_type", "splitclone_while_open"), "UNSUPPORTED"),
        "access_control": "NO",
        "require_storage_name": "NO",
    }  # fmt: skip
    kind = "OCFS2 File system" if is_ocfs2 else "Generic Network File System"
    values = {
        "fs_api_version": "1,2,7",
        "generic_plugin": str(not is_ocfs2),
        "plugin_version": version,
        "filesys_type": "LocalFS" if is_ocfs2 else "NetworkFS",
        "extended_api_version": "None",
        "plugin_desc": f"Oracle {kind} Storage Connect Plugin",
        "cluster_required": str(is_ocfs2),
        "plugin_name": f"Oracle {kind}",
        "fs_extra_info_help": "None",
        "required_api_vers": "1,2,7",
        "file_extra_info_help": "None",
        "ss_extra_info_help": "None",
        "filesys_name": "ocfs2" if is_ocfs2 else "NFS",
        "vendor_name": "Oracle",
        "plugin_type": "ifs",
    }
    return _plugin(name, values, abilities)


def _scsi_plugin() -> Node:
    values = {
        "storage_types": "SAN,iSCSI",
        "generic_plugin": "True",
        "plugin_version": "1.1.0",
        "extended_api_version": "1,2,9",
        "plugin_desc": "Oracle Storage Connect Plugin for Generic FC and iSCSI",
        "plugin_name": "Oracle Generic SCSI Plugin",
        "sa_api_version": "1,2,7",
        "required_api_vers": "1,2,7",
        "ss_extra_info_help": "None",
        "se_extra_info_help": "None",
        "vendor_name": "Oracle",
        "plugin_type": "isa",
    }
    abilities = {**dict.fromkeys(_UNSUPPORTED, "UNSUPPORTED"), "access_control": "NO"}
    return _plugin("oracle.generic.SCSIPlugin.GenericPlugin", values, abilities)


def _plugin(name: str, values: dict[str, str], abilities: dict[str, str]) -> Node:
    return node(
        "storage_plugin_info",
        *(node(key, value) for key, value in values.items()),
        node("abilities", *(node(key, value) for key, value in abilities.items())),
        plugin_impl_name=name,
    )


def _repository(item: dict[str, str]) -> Node:
    def listed(key: str) -> list[str]:
        return [name for name in item.get(key, "").split(",") if name]

    return node(
        "Repository",
        node("Version", item.get("version", "3.0")),
        node("Manager_UUID", item.get("manager_uuid", "")),
        node("Repository_UUID", item.get("uuid", "")),
        node("Repository_Alias", item.get("alias", "")),
        node("Assemblies"),
        node(
            "Templates",
            *(node("Template", node("File", f"{name}.raw"), Name=name) for name in listed("templates")),
        ),
        node(
            "VirtualMachines",
            *(node("VirtualMachine", node("File", "vm.cfg"), Name=n) for n in listed("vms")),
        ),
        node("VirtualDisks", *(node("Disk", name) for name in listed("disks"))),
        node("ISOs", *(node("ISO", name) for name in listed("isos"))),
        Name=item.get("uuid", ""),
    )
