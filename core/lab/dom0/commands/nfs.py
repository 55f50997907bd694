"""NFS seen from a server: showmount, rpcinfo, nfsstat, exportfs."""

from __future__ import annotations

import asyncio

from core.lab import view
from core.lab.dom0 import reach
from core.lab.dom0.command import Command, command
from core.lab.world import LabNas

NFS_PROGRAMS = {
    "nfs": "100003",
    "mountd": "100005",
    "portmapper": "100000",
    "nlockmgr": "100021",
    "status": "100024",
}


@command("showmount")
async def showmount(c: Command) -> int:
    _, rest = c.options()
    host = rest[0] if rest else "localhost"
    nas, said = await _nfs_server(c, host)
    if nas is None:
        return c.say(f"clnt_create: {said}")
    if 3 not in nas.versions:
        return c.say("clnt_create: RPC: Program not registered")
    c.print(f"Export list for {host}:")
    for item in nas.exports:
        if view.sees_export(c.server, item):
            c.print(f"{item.path} {'*' if item.seen_by is None else ','.join(sorted(item.seen_by))}")
    return 0


@command("rpcinfo")
async def rpcinfo(c: Command) -> int:
    options, rest = c.options()
    host = rest[0] if rest else "localhost"
    nas, said = await _nfs_server(c, host)
    if nas is None:
        return c.say(f"rpcinfo: {said}")
    if "t" in options or "u" in options:
        program = NFS_PROGRAMS.get(rest[1], rest[1]) if len(rest) > 1 else ""
        version = int(rest[2]) if len(rest) > 2 else max(nas.versions)
        if program == "100003" and version in nas.versions:
            c.print(f"program 100003 version {version} ready and waiting")
            return 0
        if program == "100005" and 3 in nas.versions:
            c.print(f"program 100005 version {version} ready and waiting")
            return 0
        return c.say(
            f"rpcinfo: RPC: Program/version mismatch; low version = {min(nas.versions)}, "
            f"high version = {max(nas.versions)}\nprogram {program} version {version} is not available"
        )
    if "s" in options:
        versions = ",".join(str(number) for number in sorted(nas.versions, reverse=True))
        c.print(
            "   program version(s) netid(s)                         service     owner",
            f"    100003  {versions:<9} tcp,udp                          nfs         superuser",
        )
        return 0
    c.print("   program vers proto   port  service")
    rows = [("100000", 4, 111, "portmapper"), *(("100003", number, 2049, "nfs") for number in nas.versions)]
    if 3 in nas.versions:
        rows += [
            ("100005", 3, 20048, "mountd"),
            ("100021", 4, 4045, "nlockmgr"),
            ("100024", 1, 4047, "status"),
        ]
    for program, version, port, name in rows:
        for protocol in ("tcp", "udp"):
            c.print(f"    {program}    {version}   {protocol}  {port:>5}  {name}")
    return 0


async def _nfs_server(c: Command, host: str) -> tuple[LabNas | None, str]:
    addresses = view.resolve(c.world, c.server, host)
    if not addresses:
        return None, "RPC: Unknown host"
    nas = view.nas_by(c.world, addresses[0])
    if nas is None:
        return None, "RPC: Port mapper failure - Unable to receive: errno 111 (Connection refused)"
    if not nas.is_up or reach.tcp(c.world, c.server, nas.address, 2049) == reach.TIMED_OUT:
        await asyncio.sleep(10.0 / c.world.speed)
        return None, "RPC: Port mapper failure - Timed out"
    return nas, ""


@command("nfsstat")
def nfsstat(c: Command) -> int:
    for item in c.server.mounts:
        if item["kind"].startswith("nfs"):
            c.print(f"{item['path']} from {item['device']}", f" Flags:\t{item['options']}", "")
    return 0


@command("exportfs", solaris=False)
def exportfs(c: Command) -> int:
    return 0
