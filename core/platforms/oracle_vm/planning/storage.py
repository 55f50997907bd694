"""Steps that make the pool's share or LUN usable in Manager. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.models.plan import JsonDict, PlannedStep
from core.platforms.oracle_vm.facts import ManagedArray, ManagedFileServer
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.dialect import FC_ARRAY
from core.platforms.oracle_vm.planning.draft import POOL_LANE, Draft
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem


def storage_steps(draft: Draft, needs: list[str]) -> list[PlannedStep]:
    """One step where the pool has a file system, none elsewhere."""
    wanted = draft.spec.pool.file_system if draft.spec.pool.clustered else None
    if isinstance(wanted, NfsFileSystem):
        return [_nfs(draft, wanted, needs)]
    if isinstance(wanted, LunFileSystem):
        return [_lun(draft, wanted, needs)]
    return []


def _nfs(draft: Draft, wanted: NfsFileSystem, needs: list[str]) -> PlannedStep:
    known = known_file_server(draft, wanted.server)
    name = _free_name(f"nfs {wanted.server}", [one.name for one in draft.manager.file_servers.value or ()])
    return PlannedStep(
        id="prepare_nfs:pool",
        kind="prepare_nfs",
        title=f"prepare the export {wanted.server}:{wanted.export}",
        lane=POOL_LANE,
        args={
            "host": wanted.server,
            "export": wanted.export,
            "uniform": wanted.uniform,
            "name": name,
            "servers": draft.all_servers(),
            "plugin": _plugin(draft, "FileServerPlugin"),
            "known": _known(known, refresh_servers=list(known.refresh_servers)) if known else None,
            "file_system": known_file_system(draft, known, wanted.export),
        },
        needs=tuple(needs),
        undo_needs=("no file system of it is in use",),
        undo_note="the file server was registered before and stays" if known else "the share is not touched",
    )


def known_file_server(draft: Draft, host: str) -> ManagedFileServer | None:
    """Manager's entry of an NFS server."""
    servers = draft.manager.file_servers.value or ()
    return next(
        (one for one in servers if not one.is_local and one.access_host.casefold() == host.casefold()),
        None,
    )


def known_file_system(draft: Draft, server: ManagedFileServer | None, export: str) -> str | None:
    """Manager's id of an export that it knows already."""
    if server is None:
        return None
    for one in draft.manager.file_systems.value or ():
        is_there = one.file_server == server.id or one.id in server.file_systems
        if is_there and objects.same_export(one.path or objects.export_of(one.name), export):
            return one.id
    return None


def _known(one: ManagedFileServer | ManagedArray, **more: list[str]) -> JsonDict:
    """What Manager has already, and which servers serve it."""
    return {"id": one.id, "admin_servers": list(one.admin_servers), **more}


def _plugin(draft: Draft, kind: str) -> str | None:
    """The generic plug-in as this Manager names it; None when it told none."""
    plugins = draft.manager.plugins.value or ()
    return objects.generic_plugin(kind, [(one.id, one.name) for one in plugins if one.kind == kind])


def _free_name(wanted: str, taken: Sequence[str]) -> str:
    """A name that no object has: a second one gets a number."""
    plain = "".join(char if char.isalnum() or char in "._- " else "-" for char in wanted)
    numbered = (plain, *(f"{plain} {number}" for number in range(2, 1000)))
    return next(name for name in numbered if name not in taken)


def _lun(draft: Draft, wanted: LunFileSystem, needs: list[str]) -> PlannedStep:
    arrays = draft.manager.arrays.value or ()
    known = next((one for one in arrays if _is_array(one.name, one.id, one.access_hosts, wanted)), None)
    taken = [one.name for one in arrays]
    name = wanted.array or _free_name(f"iscsi {wanted.access_host}", taken)
    is_new = known is None and wanted.transport == "iscsi"
    note = "the LUN stays in Manager's lists; nothing on it is touched"
    if wanted.transport == "iscsi":
        note += "; initiators are put into the array's access group before the refresh"
    return PlannedStep(
        id="prepare_lun:pool",
        kind="prepare_lun",
        title=f"prepare LUN {wanted.wwid}",
        lane=POOL_LANE,
        args={
            "lun": wanted.model_dump(mode="json"),
            "array_name": name,
            "servers": draft.all_servers(),
            "plugin": _plugin(draft, "StorageArrayPlugin"),
            "known": _known(known) if known else None,
            "disk": known_disk(draft, wanted.wwid),
        },
        needs=tuple(needs),
        undo_needs=("no LUN of it is in use",) if is_new else (),
        undo_note=note,
    )


def _is_array(name: str, id_: str, hosts: Sequence[str], wanted: LunFileSystem) -> bool:
    if wanted.array or wanted.transport == "fc":
        return (wanted.array or FC_ARRAY) in (name, id_)
    return bool(wanted.access_host) and wanted.access_host in hosts


def known_disk(draft: Draft, wwid: str) -> str | None:
    """Manager's id of a LUN that it knows already."""
    disks = draft.manager.disks.value or ()
    return next((one.id for one in disks if objects.same_wwid(one.page83, wwid)), None)
