"""Commands about server pools: create, edit, delete, members and policy members."""

from __future__ import annotations

import ipaddress
from typing import Any

from core.lab import operations
from core.lab.manager.adopt import drop_object, file_object
from core.lab.manager.commands.pool_work import (
    add_first,
    add_next,
    check_candidate,
    probe_creation,
    remove_member,
    wipe_storage,
)
from core.lab.manager.context import Context, Made, command
from core.lab.manager.engine import Job
from core.lab.manager.objects import find_any, find_server, members, pool_of
from core.lab.manager.reply import Reply
from core.lab.manager.texts import ManagerError, invented
from core.lab.world import LabObject, LabServer

MAX_NAME = 256  # server-pools 2a
MAX_POOLS = 16  # server-pools 2d
DEFAULT_TIMEOUT_S = 120  # server-pools 7b, threshold 61
# option -> attribute of the pool object, for those that are plain values
_OPTIONS = {
    "keymapName": "keymap",
    "startPolicy": "start_policy",
    "policyMode": "policy_mode",
    "policyCpuEnable": "policy_cpu",
    "policyPeriod": "policy_period",
    "policyCpuThreshold": "policy_threshold",
    "description": "description",
}


@command("create", "ServerPool")
async def create_pool(ctx: Context) -> Reply:
    attrs = _options(ctx)
    attrs["virtual_ip"] = ctx.param("virtualIP")
    _check_new(ctx)
    attrs.update(_storage(ctx))

    async def work(job: Job) -> Made:
        await job.step("Creating the server pool", 2.0)
        uuid = ctx.world.new_id("0002")
        pool = file_object(ctx.world, "serverpool", uuid, ctx.param("name"), **attrs)
        if ctx.world.switches.create_fails_at == "create":
            try:
                probe_creation(ctx.engine, pool)
            except ManagerError:
                if ctx.world.switches.cleans_failed_pool:
                    drop_object(ctx.world, pool)
                raise
        ctx.engine.event("lifecycle.create", "ServerPool", uuid, f"Server pool {pool.name} was created")
        return pool.id, pool.name

    return await ctx.job(f"Create Server Pool: {ctx.param('name')}", [], work)


def _check_new(ctx: Context) -> None:
    pools = ctx.world.of_type("serverpool")
    if len(ctx.param("name")) > MAX_NAME:
        raise invented(f"The name has more than {MAX_NAME} characters")
    if any(pool.name == ctx.param("name") for pool in pools):
        raise invented(f"A server pool named {ctx.param('name')} exists already")
    if len(pools) >= MAX_POOLS:
        raise invented(f"There are {MAX_POOLS} server pools already")
    _check_vip(ctx, None)


def _check_vip(ctx: Context, pool: LabObject | None) -> None:
    """What Manager can tell by itself; the agent checks the rest."""
    vip = ctx.param("virtualIP")
    if not vip:
        return
    try:
        ipaddress.IPv4Address(vip)
    except ValueError:
        raise invented(f"The virtual IP is not an IPv4 address: {vip}") from None
    others = [item for item in ctx.world.of_type("serverpool") if item is not pool]
    if any(item.attrs["virtual_ip"] == vip for item in others):
        raise invented(f"The virtual IP {vip} belongs to another server pool")


def _options(ctx: Context) -> dict[str, Any]:
    given = ctx.call.params
    attrs: dict[str, Any] = {attr: given[key] for key, attr in _OPTIONS.items() if key in given}
    if "migrateUsingSsl" in given:
        attrs["ssl"] = ctx.is_yes("migrateUsingSsl")
    return attrs


def _storage(ctx: Context) -> dict[str, Any]:
    """The storage of a clustered pool. Raises ManagerError unless there is exactly one, known and
    refreshed.
    """
    system, disk = ctx.param("fileSystem"), ctx.param("physicalDisk")
    if not ctx.is_yes("clusterEnable"):
        if system or disk:
            raise invented("A server pool without cluster takes no file system and no physical disk")
        return {"clustered": False}
    if bool(system) == bool(disk):
        raise invented("A clustered server pool needs either a file system or a physical disk")
    found = _file_system(ctx, system) if system else _physical_disk(ctx, disk)
    timeout_s = int(ctx.param("clusterTimeout", str(DEFAULT_TIMEOUT_S)))
    return {"clustered": True, "timeout_s": timeout_s, "poolfs_uuid": ctx.world.new_id("0005"), **found}


def _file_system(ctx: Context, text: str) -> dict[str, Any]:
    thing: LabObject = find_any(ctx.world, "FileSystem", text, is_doubled=True).thing
    if thing.attrs["kind"] != "nfs":
        raise invented(f"{thing.name} is no NFS file system")
    if thing.attrs["size_bytes"] is None:
        raise invented(f"File system {thing.name} was not refreshed")
    _check_unused(ctx, thing.id, thing.name)
    found = operations.find_export(ctx.world, thing.attrs["target"])
    return {
        "storage_kind": "nfs",
        "storage_id": thing.id,
        "storage_target": thing.attrs["target"],
        "nfsbase_uuid": found[1].fs_uuid if found is not None else "",
    }


def _physical_disk(ctx: Context, text: str) -> dict[str, Any]:
    lun = find_any(ctx.world, "PhysicalDisk", text, is_doubled=True).thing
    if lun.local_to is not None:
        raise invented(f"{lun.name} is a local disk")
    if not lun.is_refreshed:
        raise invented(f"Physical disk {lun.name} was not refreshed")
    if lun.is_offline:
        raise ManagerError("Physical disk is Offline")
    _check_unused(ctx, lun.id, lun.name)
    return {"storage_kind": "lun", "storage_id": lun.id, "storage_target": f"/dev/mapper/{lun.page83}"}


def _check_unused(ctx: Context, key: str, name: str) -> None:
    if any(pool.attrs["storage_id"] == key for pool in ctx.world.of_type("serverpool")):
        raise invented(f"{name} holds the file system of another server pool")
    users = [*ctx.world.of_type("repository"), *ctx.world.of_type("filesystem")]
    if any(key in (item.attrs.get("file_system"), item.attrs.get("lun")) for item in users):
        raise invented(f"{name} is in use")


@command("edit", "ServerPool")
async def edit_pool(ctx: Context) -> Reply:
    item = ctx.target()
    pool: LabObject = item.thing
    _check_vip(ctx, pool)

    async def work(job: Job) -> Made:
        await job.step("Changing the server pool", 2.0)
        current = members(ctx.world, pool)
        if "masterServer" in ctx.call.params:
            master = find_server(ctx.world, ctx.param("masterServer"))
            if master not in current:
                raise invented(f"Server {master.name} is not in server pool {pool.name}")
            operations.make_master(ctx.world, current, master, pool.attrs["virtual_ip"])
        if "virtualIP" in ctx.call.params:
            _move_vip(ctx, pool, current)
        pool.attrs.update(_options(ctx))
        pool.name = ctx.param("name", pool.name)
        for server in current:
            server.pool_alias = pool.name
        ctx.engine.event("lifecycle.modify", "ServerPool", pool.id, f"Server pool {pool.name} was changed")
        return None

    return await ctx.job(f"Edit Server Pool: {pool.name}", [pool.id], work)


def _move_vip(ctx: Context, pool: LabObject, current: list[LabServer]) -> None:
    vip = ctx.param("virtualIP")
    master = next((server for server in current if server.is_master), None)
    if master is not None and vip:
        ctx.engine.call_agent(
            master, "update_pool_virtual_ip", lambda: operations.configure_vip(ctx.world, master, vip)
        )
    pool.attrs["virtual_ip"] = vip
    for server in current:
        server.pool_vip, server.has_vip = vip, bool(vip) and server.is_master


@command("delete", "ServerPool")
async def delete_pool(ctx: Context) -> Reply:
    pool: LabObject = ctx.target().thing

    async def work(job: Job) -> Made:
        await job.step("Deleting the server pool", 3.0)
        if pool.attrs["servers"]:
            raise invented(f"Server pool {pool.name} has servers: {', '.join(pool.attrs['servers'])}")
        wipe_storage(ctx.world, pool)
        drop_object(ctx.world, pool)
        ctx.engine.event("lifecycle.delete", "ServerPool", pool.id, f"Server pool {pool.name} was deleted")
        return None

    return await ctx.job(f"Delete Server Pool: {pool.name}", [pool.id], work)


async def add_server_to_pool(ctx: Context) -> Reply:
    """`add Server ... to ServerPool ...`: the first becomes master, each further one joins."""
    server: LabServer = ctx.target().thing
    pool: LabObject = ctx.clause().thing

    async def work(job: Job) -> Made:
        await job.step("Checking the server", 1.0)
        check_candidate(ctx.world, pool, server)
        other = pool_of(ctx.world, server)
        if other is not None:
            raise invented(f"Server {server.name} is in server pool {other.name} already")
        add = add_next if pool.attrs["servers"] else add_first
        await add(ctx.engine, job, pool, server)
        ctx.engine.event("lifecycle.modify", "ServerPool", pool.id, f"Server {server.name} was added")
        return None

    return await ctx.job(
        f"Add Server: {server.name} to Server Pool: {pool.name}", [pool.id, server.uuid], work
    )


async def remove_server_from_pool(ctx: Context) -> Reply:
    """`remove Server ... from ServerPool ...`; the master last, except on 3.4."""
    server: LabServer = ctx.target().thing
    pool: LabObject = ctx.clause().thing

    async def work(job: Job) -> Made:
        if server.name not in pool.attrs["servers"]:
            raise invented(f"Server {server.name} is not in server pool {pool.name}")
        await remove_member(ctx.engine, job, pool, server)
        ctx.engine.event("lifecycle.modify", "ServerPool", pool.id, f"Server {server.name} was removed")
        return None

    return await ctx.job(
        f"Remove Server: {server.name} from Server Pool: {pool.name}", [pool.id, server.uuid], work
    )


@command("addPolicyServer", "ServerPool")
@command("removePolicyServer", "ServerPool")
async def change_policy_server(ctx: Context) -> Reply:
    pool: LabObject = ctx.target().thing
    server = find_server(ctx.world, ctx.param("server"))
    listed: list[str] = pool.attrs["policy_servers"]
    is_adding = ctx.call.verb.startswith("add")

    async def work(job: Job) -> Made:
        await job.step("Changing the policy", 1.0)
        if server.name not in pool.attrs["servers"]:
            raise invented(f"Server {server.name} is not in server pool {pool.name}")
        if is_adding == (server.name in listed):
            raise invented(f"Server {server.name} is {'already' if is_adding else 'not'} a policy server")
        (listed.append if is_adding else listed.remove)(server.name)
        return None

    return await ctx.job(f"{ctx.call.verb}: {server.name}", [pool.id], work)
