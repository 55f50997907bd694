"""Commands about storage arrays (SanServer on 3.2), their access groups, and physical disks."""

from __future__ import annotations

from core.lab import operations
from core.lab.manager.adopt import add_array, drop_object, file_object
from core.lab.manager.commands.file_servers import change_listed
from core.lab.manager.commands.storage_scan import find_luns, looking_servers, storage_failed
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Job
from core.lab.manager.objects import array_of, find_any, is_presented, our_servers
from core.lab.manager.reply import Reply
from core.lab.manager.texts import invented
from core.lab.world import LabLun, LabObject

_KINDS = {"FIBRECHANNEL": "fc", "ISCSI": "iscsi", "LOCAL": "local", "UNKNOWN": "unknown"}


@command("create", "StorageArray")
async def create_array(ctx: Context) -> Reply:
    plugin_type = "StorageArrayPlugin"
    plugin = find_any(ctx.world, plugin_type, ctx.param("plugin"), is_doubled=True)
    kind = _KINDS[ctx.param("storageType")]
    if kind == "iscsi" and not ctx.param("accessHost"):
        raise invented("An iSCSI storage array needs an access host")

    async def work(job: Job) -> Made:
        await job.step("Creating the storage array", 3.0)
        made = add_array(
            ctx.world,
            ctx.param("name"),
            kind=kind,
            plugin=plugin.id,
            access_host=ctx.param("accessHost"),
            access_hosts=[ctx.param("accessHost")] if ctx.param("accessHost") else [],
            chap=_chap(ctx),
            description=ctx.param("description"),
        )
        ctx.engine.event(
            "lifecycle.create", "StorageArray", made.id, f"Storage array {made.name} was created"
        )
        return made.id, made.name

    return await ctx.job(f"Create Storage Array: {ctx.param('name')}", [], work)


def _chap(ctx: Context) -> tuple[str, str] | None:
    if not ctx.is_yes("useChap"):
        return None
    return ctx.param("accessUsername"), ctx.param("accessPassword")


@command("delete", "StorageArray")
async def delete_array(ctx: Context) -> Reply:
    array: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the storage array", 2.0)
        if array.attrs.get("builtin"):
            raise invented(f"{array.name} is built in and cannot be deleted")
        for lun in [item for item in ctx.world.luns.values() if array_of(ctx.world, item) is array]:
            _check_disk_unused(ctx, lun)
            lun.is_known = lun.is_refreshed = False
        for group in ctx.world.of_type("accessgroup"):
            if group.attrs["owner"] == array.id:
                drop_object(ctx.world, group)
        drop_object(ctx.world, array)
        return None

    return await ctx.job(f"Delete Storage Array: {array.name}", [array.id], work)


@command("addAccessHost", "StorageArray")
@command("removeAccessHost", "StorageArray")
async def change_access_host(ctx: Context) -> Reply:
    array: LabObject = ctx.target().thing
    hosts: list[str] = array.attrs["access_hosts"]
    host = ctx.param("accessHost")

    async def work(job: Job) -> Made:
        await job.step("Changing the access hosts", 2.0)
        if array.attrs["kind"] != "iscsi":
            raise invented(f"{array.name} is no iSCSI storage array")
        is_adding = ctx.call.verb == "addAccessHost"
        if is_adding == (host in hosts) or (not is_adding and len(hosts) == 1):
            raise invented(f"The access hosts of {array.name} cannot be changed like that: {host}")
        (hosts.append if is_adding else hosts.remove)(host)
        if is_adding and ctx.param("accessUsername"):
            array.attrs["chap"] = (ctx.param("accessUsername"), ctx.param("accessPassword"))
        return None

    return await ctx.job(f"{ctx.call.verb}: {array.name}", [array.id], work)


@command("validate", "StorageArray")
async def validate_array(ctx: Context) -> Reply:
    array: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Validating the storage array", 4.0)
        _reach(ctx, array)
        return None

    return await ctx.job(f"Validate Storage Array: {array.name}", [array.id], work)


@command("refresh", "StorageArray")
async def refresh_array(ctx: Context) -> Reply:
    array: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Refreshing the storage array", 6.0)
        _reach(ctx, array)
        find_luns(ctx.engine, array, looking_servers(ctx.engine, array))
        return None

    return await ctx.job(f"Refresh Storage Array: {array.name}", [array.id], work)


def _reach(ctx: Context, array: LabObject) -> None:
    """Ask the array through its admin servers; `extra` of the switches says what it expects.

    `iscsi_portals`: addresses that answer (all without it); `chap`: (user, password) it wants (none without it).
    """
    server = looking_servers(ctx.engine, array)[0]
    ctx.engine.call_agent(server, "storage_plugin_validate", lambda: None)
    if array.attrs["kind"] != "iscsi" or array.attrs.get("builtin"):
        return
    extra = ctx.world.switches.extra
    portals = extra.get("iscsi_portals")
    if portals is not None and not set(array.attrs["access_hosts"]) & set(portals):
        raise storage_failed("storage_plugin_validate", array.name, "iscsiadm: No portals found")
    wanted = extra.get("chap")
    if wanted is not None and tuple(wanted) != array.attrs.get("chap"):
        raise storage_failed(
            "storage_plugin_validate", array.name, "iscsiadm: initiator failed authorization"
        )


@command("create", "AccessGroup")
async def create_access_group(ctx: Context) -> Reply:
    owner: LabObject = ctx.clause().thing

    async def work(job: Job) -> Made:
        await job.step("Creating the access group", 1.0)
        key = ctx.world.new_id("0031")
        made = file_object(ctx.world, "accessgroup", key, ctx.param("name"), owner=owner.id)
        return made.id, made.name

    return await ctx.job(f"Create Access Group: {ctx.param('name')}", [owner.id], work)


@command("delete", "AccessGroup")
async def delete_access_group(ctx: Context) -> Reply:
    group: LabObject = ctx.target().thing
    if group.attrs.get("builtin"):
        raise invented(f"{group.name} is built in and cannot be deleted")
    drop_object(ctx.world, group)
    return Reply()


@command("refresh", "AccessGroup")
async def refresh_access_group(ctx: Context) -> Reply:
    group: LabObject = ctx.target().thing
    owner = ctx.world.objects[group.attrs["owner"]]

    async def work(job: Job) -> Made:
        await job.step("Refreshing the access group", 3.0)
        if owner.type == "storagearray":
            find_luns(ctx.engine, owner, looking_servers(ctx.engine, owner))
        return None

    return await ctx.job(f"Refresh Access Group: {group.name}", [group.id], work)


@command("add", "StorageInitiator", "PhysicalDisk", "FileSystem")
@command("remove", "StorageInitiator", "PhysicalDisk", "FileSystem")
async def change_access_group(ctx: Context) -> Reply:
    item = ctx.target()
    group: LabObject = ctx.clause().thing
    listed: list[str] = group.attrs["initiators" if item.type == "storageinitiator" else "disks"]

    async def work(job: Job) -> Made:
        await job.step("Changing the access group", 2.0)
        is_adding = ctx.call.verb == "add"
        if is_adding == (item.id in listed):
            raise invented(f"{item.name} is {'already' if is_adding else 'not'} in {group.name}")
        (listed.append if is_adding else listed.remove)(item.id)
        return None

    return await ctx.job(f"{ctx.call.verb} {item.name}: {group.name}", [group.id], work)


async def change_group_servers(ctx: Context) -> Reply:
    """`add Server ... to AccessGroup ...` and on 3.2 to FileServer and SanServer, where it means admin
    server.
    """
    owner: LabObject = ctx.clause().thing
    key = "servers" if owner.type == "accessgroup" else "admin_servers"
    return await change_listed(ctx, owner, ctx.target().thing, key, is_adding=ctx.call.verb == "add")


@command("refresh", "PhysicalDisk")
async def refresh_disk(ctx: Context) -> Reply:
    lun: LabLun = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Refreshing the physical disk", 4.0)
        seeing = [server for server in our_servers(ctx.world) if is_presented(ctx.world, lun, server)]
        up = [server for server in seeing if operations.is_agent_up(ctx.world, server)]
        if seeing and not up:
            ctx.engine.call_agent(seeing[0], "storage_plugin_refresh", lambda: None)
        if not up:
            raise storage_failed("storage_plugin_refresh", lun.name, "no server sees the disk")
        lun.is_refreshed = True
        return None

    return await ctx.job(f"Refresh Physical Disk: {lun.name}", [lun.id], work)


@command("edit", "PhysicalDisk")
async def edit_disk(ctx: Context) -> Reply:
    lun: LabLun = ctx.target().thing
    lun.name = ctx.param("name", lun.name)
    if "shareable" in ctx.call.params:
        lun.shareable = ctx.is_yes("shareable")
    return Reply()


@command("delete", "PhysicalDisk")
async def delete_disk(ctx: Context) -> Reply:
    lun: LabLun = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the physical disk", 2.0)
        _check_disk_unused(ctx, lun)
        lun.is_known = lun.is_refreshed = False
        return None

    return await ctx.job(f"Delete Physical Disk: {lun.name}", [lun.id], work)


def _check_disk_unused(ctx: Context, lun: LabLun) -> None:
    for item in (*ctx.world.of_type("serverpool"), *ctx.world.of_type("filesystem")):
        if lun.id in (item.attrs.get("storage_id"), item.attrs.get("lun")):
            raise invented(f"Physical disk {lun.name} is used by {item.name}")
