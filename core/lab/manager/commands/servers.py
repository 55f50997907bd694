"""Commands about servers: discovery, ownership, maintenance, refresh, delete."""

from __future__ import annotations

from core.lab import operations
from core.lab.manager.adopt import adopt, forget_server_objects
from core.lab.manager.commands.storage_scan import scan_server
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Engine, Job
from core.lab.manager.grammar import listed
from core.lab.manager.objects import is_ours, members, pool_of, server_item
from core.lab.manager.reply import Reply
from core.lab.manager.texts import invented, unreachable
from core.lab.world import LabServer

AGENT_ROLES = {"VIRTUAL_MACHINE": "xen", "UTILITY": "utility"}
AGENT_PORT = "8899"
FOLLOW_UP_S = 8.0  # simulated; Manager keeps a new server locked while it looks around (manager-cli 3.1)


@command("discoverServer")
async def discover_server(ctx: Context) -> Reply:
    address = ctx.param("ipAddress")
    server = ctx.world.server_by(address)
    is_known_already = server is not None and server.is_known

    async def work(job: Job) -> Made:
        await job.step("Connecting to the agent", 2.0)
        if server is None or ctx.param("port", AGENT_PORT) != AGENT_PORT:
            raise unreachable(address, address, "discover_server")
        _discover(ctx.engine, server, ctx.param("username", "oracle"), ctx.param("password"))
        await job.step("Discovering hardware, network and storage", 6.0)
        _file_server(ctx.engine, server)
        if ctx.is_yes("takeOwnership"):
            await take_server(ctx.engine, job, server)
        return None

    reply = await ctx.job(f"Discover Server: {address}", [server.uuid] if server else [], work)
    if server is not None and not is_known_already and is_ours(ctx.world, server):
        ctx.engine.background(_follow_up(ctx, server))
    return reply


def _discover(engine: Engine, server: LabServer, user: str, password: str) -> None:
    """discover_server with the password; our own servers know our certificate."""
    world = engine.world

    def ask() -> None:
        params = operations.fault(world, "discover-fails", server=server)
        if params is not None:
            raise operations.CallRefusedError(
                str(params.get("reason", "discover_server failed (made to fail)"))
            )
        if server.owner != world.manager_uuid and (user != "oracle" or password != server.password):
            raise operations.CallRefusedError(
                f"Unauthorized access attempt from ('{world.manager_address}', 41234)!"
            )

    engine.call_agent(server, "discover_server", ask)
    twin = next(
        (item for item in world.servers.values() if item.uuid == server.uuid and item is not server), None
    )
    if twin is not None and twin.is_known:
        raise invented(f"Server {twin.name} already has the id {server.uuid}")


def _file_server(engine: Engine, server: LabServer) -> None:
    if not server.is_known:
        server.is_known = True
        engine.event("lifecycle.create", "Server", server.uuid, f"Server {server.name} was discovered")
    if server.owner == engine.world.manager_uuid:
        adopt(engine.world, server)


async def _follow_up(ctx: Context, server: LabServer) -> None:
    """The refresh job that keeps a fresh server locked for a while."""
    record = ctx.engine.new_job(f"Refresh Server: {server.name}", "system")

    async def work(job: Job) -> Made:
        await job.step("Refreshing the new server", FOLLOW_UP_S)
        return None

    await ctx.engine.carry_out(record, [server.uuid], work, timeout_s=3600.0)


async def take_server(engine: Engine, job: Job, server: LabServer) -> None:
    """Take a server nobody owns; one that is owned stays as it is, silently (manager-cli 3.1)."""
    if server.owner is not None or operations.fault(engine.world, "own-ignored", server=server) is not None:
        return
    await job.step("Taking ownership", 4.0)
    uuid = engine.world.manager_uuid
    engine.call_agent(
        server, "take_ownership", lambda: operations.apply_ownership(engine.world, server, uuid)
    )
    adopt(engine.world, server)
    engine.event("lifecycle.modify", "Server", server.uuid, f"Server {server.name} is owned by this Manager")


async def release_server(engine: Engine, job: Job, server: LabServer) -> None:
    """Give up a server that is in no pool and runs nothing."""
    if pool_of(engine.world, server) is not None:
        raise invented(f"Server {server.name} is in a server pool; remove it from the pool first")
    if server.guests:
        raise invented(f"Server {server.name} has virtual machines: {', '.join(server.guests)}")
    await job.step("Releasing ownership", 4.0)
    world = engine.world
    engine.call_agent(
        server, "release_ownership", lambda: operations.clear_ownership(world, server, world.manager_uuid)
    )
    operations.deconfigure_owned(world, server)
    forget_server_objects(world, server)
    engine.event("lifecycle.modify", "Server", server.uuid, f"Server {server.name} was released")


@command("takeOwnership", "Server")
async def take_ownership(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        if server.owner is None:
            _discover(ctx.engine, server, "oracle", ctx.param("password"))
        await take_server(ctx.engine, job, server)
        return None

    return await ctx.job(f"Take Ownership: {server.name}", [server.uuid], work)


@command("releaseOwnership", "Server")
async def release_ownership(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        await release_server(ctx.engine, job, server)
        return None

    return await ctx.job(f"Release Ownership: {server.name}", [server.uuid], work)


@command("edit", "Server")
async def edit_server(ctx: Context) -> Reply:
    item = ctx.target()
    server: LabServer = item.thing
    given = ctx.call.params

    async def work(job: Job) -> Made:
        await job.step("Changing the server", 1.0)
        if "takeOwnership" in given:
            await (take_server if ctx.is_yes("takeOwnership") else release_server)(ctx.engine, job, server)
        if "roles" in given:
            roles = tuple(AGENT_ROLES[role] for role in listed(given["roles"]))
            ctx.engine.call_agent(
                server, "update_server_roles", lambda: operations.set_roles(ctx.world, server, roles)
            )
        if "maintenanceMode" in given:
            set_maintenance(ctx.engine, server, is_on=ctx.is_yes("maintenanceMode"))
        server.manager_name = given.get("name", server.manager_name)
        server.description = given.get("description", server.description)
        ctx.engine.event("lifecycle.modify", "Server", server.uuid, f"Server {server.name} was changed")
        return None

    return await ctx.job(f"Edit Server: {item.name}", [item.id], work)


@command("setMaintenanceMode", "Server")
async def set_maintenance_mode(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Changing maintenance mode", 3.0)
        set_maintenance(ctx.engine, server, is_on=ctx.param("mode") == "on")
        return None

    return await ctx.job(f"Set Maintenance Mode: {server.name}", [server.uuid], work)


def set_maintenance(engine: Engine, server: LabServer, *, is_on: bool) -> None:
    """Maintenance mode; a master gives the pool to the next member (server-pools 1)."""
    if not is_ours(engine.world, server):
        raise invented(f"Server {server.name} is not owned by this Manager")
    server.maintenance = is_on
    pool = pool_of(engine.world, server)
    if is_on and pool is not None and server.is_master:
        others = [item for item in members(engine.world, pool) if item is not server and not item.maintenance]
        if others:
            operations.make_master(
                engine.world, members(engine.world, pool), others[0], pool.attrs["virtual_ip"]
            )


@command("refresh", "Server")
@command("rediscoverServer", "Server")
async def refresh_server(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Refreshing the server", 4.0)
        ctx.engine.call_agent(server, "discover_server", lambda: None)
        if server.owner == ctx.world.manager_uuid:
            adopt(ctx.world, server)
        return None

    return await ctx.job(f"Refresh Server: {server.name}", [server.uuid], work)


@command("refreshStorageLayer", "Server")
async def refresh_storage_layer(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Rescanning the storage layer", 6.0)
        if not is_ours(ctx.world, server):
            raise invented(f"Server {server.name} is not owned by this Manager")
        ctx.engine.call_agent(server, "discover_physical_luns", lambda: None)
        await scan_server(ctx.engine, server)
        return None

    return await ctx.job(f"Refresh Storage Layer: {server.name}", [server.uuid], work)


@command("refreshAll")
async def refresh_all(ctx: Context) -> Reply:
    async def work(job: Job) -> Made:
        for server in [item for item in ctx.world.servers.values() if item.is_known]:
            await job.step(f"Refreshing {server.name}", 3.0)
            if operations.is_agent_up(ctx.world, server) and is_ours(ctx.world, server):
                await scan_server(ctx.engine, server)
        return None

    return await ctx.job("Refresh All", [], work)


@command("changeServerAgentPassword", "Server")
async def change_agent_password(ctx: Context) -> Reply:
    server: LabServer = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Changing the agent password", 2.0)

        def change() -> None:
            if ctx.param("oldPassword") != server.password:
                raise operations.CallRefusedError("Old password does not match")  # text invented
            server.password = ctx.param("newPassword")

        ctx.engine.call_agent(server, "update_agent_password", change)
        return None

    return await ctx.job(f"Change Agent Password: {server.name}", [server.uuid], work)


@command("delete", "Server")
async def delete_server(ctx: Context) -> Reply:
    item = ctx.target()
    server: LabServer = item.thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the server", 2.0)
        if pool_of(ctx.world, server) is not None:
            raise invented(f"Server {item.name} is in a server pool; remove it from the pool first")
        if is_ours(ctx.world, server):
            forget_server_objects(ctx.world, server)
        server.is_known, server.manager_name = False, ""
        ctx.engine.event("lifecycle.delete", "Server", server.uuid, f"Server {item.name} was deleted")
        return None

    return await ctx.job(f"Delete Server: {server_item(server).name}", [server.uuid], work)
