"""Commands about networks and ports."""

from __future__ import annotations

from core.lab.manager.adopt import drop_object, file_object
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Job
from core.lab.manager.grammar import listed
from core.lab.manager.reply import Reply
from core.lab.manager.texts import invented
from core.lab.world import LabObject


@command("create", "Network")
async def create_network(ctx: Context) -> Reply:
    roles = listed(ctx.param("roles"))
    local = ctx.clause().thing.name if ctx.call.clause_ref is not None else ""
    if local and roles != ["VIRTUAL_MACHINE"] and roles:
        raise invented("A local network takes the role VIRTUAL_MACHINE only")

    async def work(job: Job) -> Made:
        await job.step("Creating the network", 3.0)
        key = f"10{ctx.world.random.getrandbits(32):08x}"
        made = file_object(
            ctx.world,
            "network",
            key,
            ctx.param("name"),
            roles=roles,
            description=ctx.param("description"),
            server=local,
        )
        ctx.engine.event("lifecycle.create", "Network", made.id, f"Network {made.name} was created")
        return made.id, made.name

    return await ctx.job(f"Create Network: {ctx.param('name')}", [], work)


@command("edit", "Network")
async def edit_network(ctx: Context) -> Reply:
    network: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        carrying = [
            item
            for item in ctx.world.servers.values()
            for port in item.interfaces
            if port.network == network.id
        ]
        await job.step("Changing the network", 2.0 + len(carrying))
        if "roles" in ctx.call.params and not network.attrs.get("server"):  # silently ignored for local ones
            network.attrs["roles"] = listed(ctx.param("roles"))
        network.name = ctx.param("name", network.name)
        network.attrs["description"] = ctx.param("description", network.attrs.get("description", ""))
        return None

    return await ctx.job(f"Edit Network: {network.name}", [network.id], work)


@command("delete", "Network")
async def delete_network(ctx: Context) -> Reply:
    network: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the network", 2.0)
        if network.attrs.get("builtin"):
            raise invented(f"Network {network.name} is the management network")
        for server in ctx.world.servers.values():
            for port in server.interfaces:
                if port.network == network.id:
                    port.network = None
        drop_object(ctx.world, network)
        return None

    return await ctx.job(f"Delete Network: {network.name}", [network.id], work)


@command("add", "Port", "BondPort")
@command("remove", "Port", "BondPort")
async def change_port(ctx: Context) -> Reply:
    item = ctx.target()
    server, device = item.thing
    network: LabObject = ctx.clause().thing

    async def work(job: Job) -> Made:
        await job.step("Changing the network", 3.0)
        if ctx.call.verb == "add":
            if device.network is not None:
                raise invented(f"{item.name} carries a network already")
            ctx.engine.call_agent(server, "ovs_if_meta", lambda: None)
            device.network = network.id
        else:
            if device.network != network.id:
                raise invented(f"{item.name} does not carry network {network.name}")
            ctx.engine.call_agent(server, "ovs_if_meta", lambda: None)
            device.network = None
        return None

    return await ctx.job(f"{ctx.call.verb} Port: {item.name}", [network.id, server.uuid], work)


@command("edit", "Port", "BondPort")
async def edit_port(ctx: Context) -> Reply:
    server, device = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Changing the port", 2.0)
        if "mtu" in ctx.call.params:
            ctx.engine.call_agent(server, "ovs_change_mtu", lambda: None)
            device.mtu = int(ctx.param("mtu"))
        return None

    return await ctx.job(f"Edit Port: {device.name}", [server.uuid], work)
