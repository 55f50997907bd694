"""Commands about file servers and file systems."""

from __future__ import annotations

from core.lab import operations
from core.lab.manager.adopt import NFS_PLUGIN, drop_object, file_object
from core.lab.manager.commands.storage_scan import find_exports, looking_servers, storage_failed, systems_of
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Job
from core.lab.manager.grammar import listed
from core.lab.manager.objects import find_any, find_server, is_ours, pool_of
from core.lab.manager.reply import Reply
from core.lab.manager.texts import ManagerError, invented
from core.lab.world import LabObject, LabServer


@command("create", "FileServer")
async def create_file_server(ctx: Context) -> Reply:
    plugin = find_any(ctx.world, "FileServerPlugin", ctx.param("plugin"), is_doubled=True)
    if plugin.id != NFS_PLUGIN:
        raise invented(f"A file server cannot be made with plugin {plugin.name}")
    admins = [our_server(ctx, text) for text in listed(ctx.param("adminServers"))]
    refreshers = [our_server(ctx, text) for text in listed(ctx.param("refreshServers"))]
    host = ctx.param("accessHost")

    async def work(job: Job) -> Made:
        await job.step("Discovering the file server", 4.0)
        if admins:
            check_nas(ctx, admins[0], host)
        made = file_object(
            ctx.world,
            "fileserver",
            ctx.world.new_id("0009"),
            ctx.param("name") or host,
            plugin=plugin.id,
            access_host=host,
            admin_servers=[server.name for server in admins],
            refresh_servers=[server.name for server in refreshers],
            uniform=ctx.param("uniformedExports", "Yes").lower() == "yes",
            description=ctx.param("description"),
        )
        ctx.engine.event("lifecycle.create", "FileServer", made.id, f"File server {made.name} was created")
        return made.id, made.name

    return await ctx.job(f"Create File Server: {ctx.param('name') or host}", [], work)


def our_server(ctx: Context, text: str) -> LabServer:
    """A server this Manager owns, by name or id. Raises ManagerError."""
    server = find_server(ctx.world, text)
    if not is_ours(ctx.world, server):
        raise invented(f"Server {server.name} is not owned by this Manager")
    return server


def check_nas(ctx: Context, server: LabServer, host: str) -> None:
    """Ask through a server whether the file server answers. Raises ManagerError."""
    ctx.engine.call_agent(server, "storage_plugin_getStatus", lambda: None)
    nas = operations.find_nas(ctx.world, host)
    if nas is None or not nas.is_up:
        raise storage_failed("storage_plugin_getStatus", host, "clnt_create: RPC: Port mapper failure")


@command("refresh", "FileServer")
async def refresh_file_server(ctx: Context) -> Reply:
    owner: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Refreshing the file server", 5.0)
        find_exports(ctx.engine, owner, looking_servers(ctx.engine, owner))
        return None

    return await ctx.job(f"Refresh File Server: {owner.name}", [owner.id], work)


@command("edit", "FileServer")
async def edit_file_server(ctx: Context) -> Reply:
    owner: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Changing the file server", 1.0)
        owner.name = ctx.param("name", owner.name)
        owner.attrs["description"] = ctx.param("description", owner.attrs.get("description", ""))
        if "uniformedExports" in ctx.call.params:
            owner.attrs["uniform"] = ctx.is_yes("uniformedExports")
        return None

    return await ctx.job(f"Edit File Server: {owner.name}", [owner.id], work)


@command("delete", "FileServer")
async def delete_file_server(ctx: Context) -> Reply:
    owner: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the file server", 2.0)
        if owner.attrs.get("builtin"):
            raise invented(f"{owner.name} belongs to its server and cannot be deleted")
        for system in systems_of(ctx.world, owner):
            check_system_unused(ctx, system)
        for system in systems_of(ctx.world, owner):
            _forget_system(ctx, system)
        drop_object(ctx.world, owner)
        ctx.engine.event("lifecycle.delete", "FileServer", owner.id, f"File server {owner.name} was deleted")
        return None

    return await ctx.job(f"Delete File Server: {owner.name}", [owner.id], work)


def check_system_unused(ctx: Context, system: LabObject) -> None:
    """Refuse what a pool or repository stands on. Texts invented."""
    for pool in ctx.world.of_type("serverpool"):
        if pool.attrs["storage_id"] == system.id:
            raise invented(f"File system {system.name} is used by server pool {pool.name}")
    for repository in ctx.world.of_type("repository"):
        if repository.attrs["file_system"] == system.id:
            raise invented(f"File system {system.name} is used by repository {repository.name}")


def _forget_system(ctx: Context, system: LabObject) -> None:
    drop_object(ctx.world, system)
    found = operations.find_export(ctx.world, str(system.attrs.get("target", "")))
    if found is not None:
        found[1].is_known = found[1].is_refreshed = False


@command("addAdminServer", "FileServer", "StorageArray")
@command("removeAdminServer", "FileServer", "StorageArray")
@command("addRefreshServer", "FileServer")
@command("removeRefreshServer", "FileServer")
@command("addNfsRefreshServer", "FileServer")
@command("removeNfsRefreshServer", "FileServer")
async def change_servers(ctx: Context) -> Reply:
    owner: LabObject = ctx.target().thing
    server = find_server(ctx.world, ctx.param("nfsRefreshServer") or ctx.param("server"))
    key = "refresh_servers" if "refresh" in ctx.call.verb.lower() else "admin_servers"
    return await change_listed(ctx, owner, server, key, is_adding=ctx.call.verb.startswith("add"))


async def change_listed(
    ctx: Context, owner: LabObject, server: LabServer, key: str, *, is_adding: bool
) -> Reply:
    """Put a server into, or out of, one of an object's server lists."""
    names: list[str] = owner.attrs[key]

    async def work(job: Job) -> Made:
        await job.step(f"Changing the servers of {owner.name}", 1.0)
        if owner.attrs.get("kind") == "local":
            raise invented(f"{owner.name} belongs to its server")
        if is_adding and not is_ours(ctx.world, server):
            raise invented(f"Server {server.name} is not owned by this Manager")
        if is_adding == (server.name in names):
            raise invented(f"Server {server.name} is {'already' if is_adding else 'not'} on {owner.name}")
        (names.append if is_adding else names.remove)(server.name)
        return None

    return await ctx.job(f"{ctx.call.verb} {owner.name}: {server.name}", [owner.id], work)


@command("refresh", "FileSystem")
async def refresh_file_system(ctx: Context) -> Reply:
    system: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Refreshing the file system", 4.0)
        if system.attrs["kind"] == "nfs":
            _refresh_export(ctx, system)
        else:
            lun = operations.find_lun(ctx.world, system.attrs["lun"])
            size = lun.size_bytes if lun is not None else 0
            system.attrs.update(size_bytes=size, free_bytes=size)
        return None

    return await ctx.job(f"Refresh File System: {system.name}", [system.id], work)


def _refresh_export(ctx: Context, system: LabObject) -> None:
    owner = ctx.world.objects[system.attrs["file_server"]]
    servers = looking_servers(ctx.engine, owner)
    found = operations.find_export(ctx.world, system.attrs["target"])
    if found is None or not found[0].is_up:
        raise storage_failed(
            "storage_plugin_getFileSystemInfo", owner.name, "mount.nfs: Connection timed out"
        )
    export = found[1]
    if not any(export in operations.visible_exports(ctx.world, server, found[0]) for server in servers):
        raise storage_failed("storage_plugin_mount", owner.name, "mount.nfs: access denied by server")
    system.attrs.update(size_bytes=export.size_bytes, free_bytes=export.free_bytes)
    export.is_refreshed = True


@command("create", "FileSystem")
async def create_file_system(ctx: Context) -> Reply:
    """OCFS2 on a LUN, through the local file server of a server in a clustered pool (manager-cli 3.9)."""
    owner: LabObject = ctx.clause().thing
    lun = find_any(ctx.world, "PhysicalDisk", ctx.param("physicalDisk"), is_doubled=True).thing
    server = ctx.world.servers.get(owner.attrs.get("local_to", ""))

    async def work(job: Job) -> Made:
        await job.step("Creating the file system", 6.0)
        pool = pool_of(ctx.world, server) if server is not None else None
        if server is None or pool is None or not server.is_cluster_online:
            raise ManagerError(
                f"OVMRU_002030E Cannot create OCFS2 file system with local file server: {owner.name}. "
                "Its server is not in a cluster."
            )
        if lun.content or lun.local_to is not None:
            raise invented(f"Physical disk {lun.name} is in use or local")
        lun.content, lun.cluster, lun.label = "ocfs2", server.cluster or "", ctx.param("name")
        key = ctx.world.new_id("0005")
        made = file_object(
            ctx.world,
            "filesystem",
            key,
            ctx.param("name"),
            kind="ocfs2",
            file_server=owner.id,
            path=f"/dev/mapper/{lun.page83}",
            lun=lun.id,
        )
        return made.id, made.name

    return await ctx.job(f"Create File System: {ctx.param('name')}", [owner.id, lun.id], work)


@command("delete", "FileSystem")
async def delete_file_system(ctx: Context) -> Reply:
    system: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the file system", 2.0)
        check_system_unused(ctx, system)
        lun = operations.find_lun(ctx.world, str(system.attrs.get("lun", "")))
        if lun is not None:
            lun.content = lun.cluster = lun.label = ""
        _forget_system(ctx, system)
        return None

    return await ctx.job(f"Delete File System: {system.name}", [system.id], work)
