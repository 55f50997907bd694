"""The pool's storage in Manager, found by reading: file servers, file systems, arrays, LUNs. Writes nothing."""

from __future__ import annotations

from typing import NamedTuple

from core.platforms.oracle_vm.facts import ManagedArray, ManagedDisk, ManagedFileServer, ManagedFileSystem
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.dialect import FC_ARRAY
from core.platforms.oracle_vm.manager_cli.parse import Item, Reply
from core.platforms.oracle_vm.manager_cli.read import OWN_PARTITION
from core.platforms.oracle_vm.world import Talk


class SeenFileServer(NamedTuple):
    """A file server as Manager shows it now."""

    server: ManagedFileServer
    shown: Reply

    @property
    def id(self) -> str:
        return self.server.id


async def find_file_server(talk: Talk, host: str, *, quiet: bool = False) -> SeenFileServer | None:
    """The file server with that access host; None when Manager has none. Local ones are never taken."""
    for item in await talk.list("FileServer", quiet=quiet):
        if item.name.startswith(objects.LOCAL_FILE_SERVER):
            continue
        shown = await talk.show("FileServer", item.id, quiet=quiet)
        if shown is None:
            continue
        server = objects.file_server_of(item, shown)
        if server.access_host.casefold() == host.casefold():
            return SeenFileServer(server, shown)
    return None


async def find_file_system(
    talk: Talk, file_server: SeenFileServer | None, export: str, *, quiet: bool = False
) -> ManagedFileSystem | None:
    """The file system of an export; those of another file server are never taken (manager-cli 3.9)."""
    if file_server is None:
        return None
    candidates = []
    for item in await talk.list("FileSystem", quiet=quiet):
        if not objects.same_export(objects.export_of(item.name), export):
            continue
        shown = await talk.show("FileSystem", item.id, quiet=quiet)
        if shown is not None:
            candidates.append(objects.file_system_of(item, shown))
    mine = [
        one
        for one in candidates
        if one.file_server == file_server.id or one.id in file_server.server.file_systems
    ]
    if mine:
        return mine[0]
    untold = [one for one in candidates if one.file_server is None]
    return untold[0] if len(untold) == 1 else None


async def find_disk(talk: Talk, wwid: str, *, quiet: bool = False) -> ManagedDisk | None:
    """The physical disk with that page 0x83 id; None when Manager has none."""
    for item in await talk.list("PhysicalDisk", quiet=quiet):
        if item.name.startswith(OWN_PARTITION):
            continue
        shown = await talk.show("PhysicalDisk", item.id, quiet=quiet)
        if shown is None:
            continue
        disk = objects.disk_of(item, shown)
        if objects.same_wwid(disk.page83 or disk.name, wwid):
            return disk
    return None


async def find_array(
    talk: Talk, *, name: str | None, access_host: str | None, is_fc: bool
) -> ManagedArray | None:
    """A storage array by name, else by its portal; for FC without a name the built-in one."""
    wanted = name or (FC_ARRAY if is_fc else None)
    for item in await talk.list(talk.dialect.array_type):
        if wanted is not None and wanted in (item.name, item.id):
            return await _array(talk, item.id, item.name)
    if is_fc or not access_host:
        return None
    for item in await talk.list(talk.dialect.array_type):
        array = await _array(talk, item.id, item.name)
        hosts = {host.split("  [")[0].split(":")[0].casefold() for host in array.access_hosts}
        if access_host.casefold() in hosts:
            return array
    return None


async def _array(talk: Talk, id_: str, name: str) -> ManagedArray:
    shown = await talk.show(talk.dialect.array_type, id_)
    return objects.array_of(Item(id_, name), shown or Reply())
