"""Commands about repositories, guests, CPU groups, tags and update groups; and `add`/`remove Server`."""

from __future__ import annotations

from core.lab.manager.adopt import drop_object, file_object
from core.lab.manager.commands.arrays import change_group_servers
from core.lab.manager.commands.file_servers import change_listed, check_system_unused
from core.lab.manager.commands.pools import add_server_to_pool, remove_server_from_pool
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Job
from core.lab.manager.objects import Item, find_any, find_server, items, pool_of
from core.lab.manager.reply import Reply
from core.lab.manager.texts import invented
from core.lab.world import LabObject, LabServer


@command("add", "Server")
async def add_server(ctx: Context) -> Reply:
    if ctx.call.clause_type == "ServerPool":
        return await add_server_to_pool(ctx)
    return await _change_server(ctx)


@command("remove", "Server")
async def remove_server(ctx: Context) -> Reply:
    if ctx.call.clause_type == "ServerPool":
        return await remove_server_from_pool(ctx)
    return await _change_server(ctx)


async def _change_server(ctx: Context) -> Reply:
    if ctx.call.clause_type in ("Repository", "CpuCompatibilityGroup"):
        owner: LabObject = ctx.clause().thing
        server: LabServer = ctx.target().thing
        if owner.attrs.get("builtin"):
            raise invented(f"{owner.name} is a default group; its servers come by themselves")
        return await change_listed(ctx, owner, server, "servers", is_adding=ctx.call.verb == "add")
    return await change_group_servers(ctx)


@command("create", "Repository")
async def create_repository(ctx: Context) -> Reply:
    """3.3 and later on a file system; 3.2 by fileSystem= or by serverPool= and physicalDisk= (vmcli-ref)."""
    if ctx.call.clause_ref is not None:
        system: Item = ctx.clause()
    elif ctx.param("fileSystem"):
        system = find_any(ctx.world, "FileSystem", ctx.param("fileSystem"), is_doubled=True)
    else:
        raise invented("Repositories straight on a physical disk are not part of this lab")

    async def work(job: Job) -> Made:
        await job.step("Creating the repository", 6.0)
        thing: LabObject = system.thing
        if thing.attrs["size_bytes"] is None:
            raise invented(f"File system {thing.name} was not refreshed")
        check_system_unused(ctx, thing)
        made = file_object(
            ctx.world,
            "repository",
            ctx.world.new_id("0003"),
            ctx.param("name"),
            file_system=thing.id,
            description=ctx.param("description"),
        )
        ctx.engine.event("lifecycle.create", "Repository", made.id, f"Repository {made.name} was created")
        return made.id, made.name

    return await ctx.job(f"Create Repository: {ctx.param('name')}", [system.id], work)


@command("edit", "Repository", "CpuCompatibilityGroup", "Tag", "ServerUpdateGroup")
@command("edit", "StorageArray", "AccessGroup", "FileSystem")
async def edit_object(ctx: Context) -> Reply:
    """What only has a name and a description to change."""
    thing: LabObject = ctx.target().thing
    thing.name = ctx.param("name", thing.name)
    thing.attrs["description"] = ctx.param("description", thing.attrs.get("description", ""))
    return Reply()


@command("refresh", "Repository")
@command("takeOwnership", "Repository")
@command("releaseOwnership", "Repository")
async def touch_repository(ctx: Context) -> Reply:
    thing: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Working on the repository", 4.0)
        return None

    return await ctx.job(f"{ctx.call.verb} Repository: {thing.name}", [thing.id], work)


@command("delete", "Repository", "CpuCompatibilityGroup", "Tag", "ServerUpdateGroup")
async def delete_object(ctx: Context) -> Reply:
    thing: LabObject = ctx.target().thing
    if thing.attrs.get("builtin"):
        raise invented(f"{thing.name} is built in and cannot be deleted")

    async def work(job: Job) -> Made:
        await job.step("Deleting", 2.0)
        if thing.type == "repository" and thing.attrs["servers"]:
            raise invented(f"Repository {thing.name} is presented to {', '.join(thing.attrs['servers'])}")
        drop_object(ctx.world, thing)
        return None

    return await ctx.job(f"Delete {ctx.call.type}: {thing.name}", [thing.id], work)


@command("create", "CpuCompatibilityGroup", "Tag", "ServerUpdateGroup")
async def create_object(ctx: Context) -> Reply:
    kind = {"CpuCompatibilityGroup": "00a1", "Tag": "00a2"}.get(ctx.call.type, "00a3")

    async def work(job: Job) -> Made:
        await job.step("Creating", 1.0)
        made = file_object(
            ctx.world,
            ctx.call.type.lower(),
            ctx.world.new_id(kind),
            ctx.param("name"),
            description=ctx.param("description"),
        )
        return made.id, made.name

    return await ctx.job(f"Create {ctx.call.type}: {ctx.param('name')}", [], work)


@command("add", "Tag")
@command("remove", "Tag")
async def change_tag(ctx: Context) -> Reply:
    tag: LabObject = ctx.target().thing
    item = ctx.clause()
    listed: list[str] = tag.attrs["servers"]
    is_adding = ctx.call.verb == "add"
    if is_adding == (item.name in listed):
        raise invented(f"{item.name} has tag {tag.name} {'already' if is_adding else 'not'}")
    (listed.append if is_adding else listed.remove)(item.name)
    return Reply()


@command("migrate", "Vm")
async def migrate_vm(ctx: Context) -> Reply:
    """To another server, or without destination to the unassigned folder (manager-cli 3.13)."""
    item = ctx.target()
    target = find_server(ctx.world, ctx.param("destServer")) if ctx.param("destServer") else None

    async def work(job: Job) -> Made:
        await job.step("Migrating the virtual machine", 10.0)
        source = None if isinstance(item.thing, LabObject) else item.thing[0]
        if target is not None:
            if source is not None:
                _check_migration(ctx, source, target)
            ctx.engine.call_agent(target, "migrate_vm", lambda: None)
            target.guests.append(item.name)
        if source is not None:
            source.guests.remove(item.name)
        if target is None:
            file_object(ctx.world, "vm", item.id, item.name)
        elif source is None:
            drop_object(ctx.world, item.thing)
        return None

    return await ctx.job(f"Move Vm: {item.name}", [item.id], work)


def _check_migration(ctx: Context, source: LabServer, target: LabServer) -> None:
    """Refused between pools and between CPU groups (server-pools F22; texts invented)."""
    if pool_of(ctx.world, source) is not pool_of(ctx.world, target):
        raise invented(f"Servers {source.name} and {target.name} are in different server pools")
    if target.maintenance:
        raise invented(f"Server {target.name} is in maintenance mode")
    shared = [
        group
        for group in items(ctx.world, "CpuCompatibilityGroup")
        if {source.name, target.name} <= set(group.thing.attrs["servers"])
    ]
    if source.cpu_group != target.cpu_group and not shared:
        raise invented(f"Servers {source.name} and {target.name} have incompatible processors")


@command("edit", "Vm")
@command("start", "Vm", "Server")
@command("stop", "Vm", "Server")
async def not_simulated(ctx: Context) -> Reply:
    ctx.target()
    raise invented(f"{ctx.call.verb} {ctx.call.type} is not part of this lab")
