"""What a pool file system leaves on its storage, seen from a server's own system. Reads only; wipes nothing, ever.

An NFS share then holds an image and markers, a LUN an OCFS2 superblock (agent-rpc 4.5, server-pools R002, R003, 7e).
"""

from __future__ import annotations

from typing import NamedTuple

from core.errors import TransportError
from core.facts.batch import new_token, run_batch
from core.facts.commands import BASE, LUN_MAP, lun_look, nfs_look
from core.facts.storage import (
    find_device,
    parse_blkid,
    parse_mounted_ocfs2,
    parse_multipath,
    parse_names,
    parse_wipefs,
)
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.world import OvmWorld, Talk
from core.text import inert
from core.transports.base import CommandSession

MARKERS = frozenset({"ovspoolfs.img", ".ovspoolfs", ".generic_fs_stamp"})  # server-pools R003
LOOK_S = 60.0


class Left(NamedTuple):
    """Names of what lies there now and did not before; `unseen` says why nobody could look."""

    found: tuple[str, ...] = ()
    unseen: str = ""


async def look_for_leftovers(world: OvmWorld, storage: JsonDict, servers: list[str]) -> Left:
    """Look through the first server whose own system can tell."""
    unseen = "no SSH login to the servers is given"
    for server in servers:
        try:
            session = await world.dom0(server)
        except TransportError as error:
            unseen = inert(error.message, 300)
            continue
        if session is None:
            continue
        try:
            look = _nfs if storage["kind"] == "nfs" else _lun
            left = await look(session, storage)
        except (TransportError, ValueError) as error:
            world.forget_dom0(server)
            unseen = f"{server}: {inert(str(error), 300)}"
            continue
        if not left.unseen:
            return left
        unseen = f"{server}: {left.unseen}"
    return Left(unseen=unseen)


async def _nfs(session: CommandSession, storage: JsonDict) -> Left:
    folder = f"/tmp/poolwright-{new_token()}"  # noqa: S108 - a name nobody can guess, made with mode 700
    commands = nfs_look(
        str(storage["host"]), str(storage["export"]), folder, is_solaris=bool(storage.get("is_sparc"))
    )
    sections = await run_batch(session, commands, limit_s=LOOK_S)
    if not sections["mount"].worked or not sections["ls"].worked:
        failed = sections["ls"] if sections["mount"].worked else sections["mount"]
        return Left(unseen=failed.why_not)
    names = parse_names(sections["ls"].text)
    before = storage.get("entries_before")
    if before is not None:
        return Left(tuple(name for name in names if name not in before))
    return Left(tuple(name for name in names if name in MARKERS))


async def _lun(session: CommandSession, storage: JsonDict) -> Left:
    maps = await run_batch(session, {name: BASE[name] for name in LUN_MAP}, limit_s=LOOK_S)
    multipath = parse_multipath(maps["multipath"].text) if maps["multipath"].worked else ()
    device, _ = find_device(str(storage["wwid"]), multipath, maps["by_id"].text, maps["mapper"].text)
    if not device:
        return Left(unseen=f"no device with WWID {storage['wwid']} is seen there")
    sections = await run_batch(session, lun_look(device), limit_s=LOOK_S)
    found = list(parse_mounted_ocfs2(sections["ocfs2"].text, device) and ("ocfs2",))
    if sections["wipefs"].worked:
        found += parse_wipefs(sections["wipefs"].text)
    kind = parse_blkid(sections["blkid"].text).get("TYPE") if sections["blkid"].worked else None
    found += [kind] if kind else []
    # blkid ends with 2 where it finds nothing: an empty answer of a tool that is there is an answer
    has_answer = sections["blkid"].status == 2 or any(
        sections[name].worked for name in ("ocfs2", "wipefs", "blkid")
    )
    if not has_answer:
        return Left(unseen=sections["blkid"].why_not)
    before = storage.get("signatures_before") or ()
    return Left(tuple(dict.fromkeys(kind for kind in found if kind not in before)))


def storage_residue(talk: Talk, storage: JsonDict, left: Left, *, is_free: bool) -> Residue | None:
    """What a person must end by hand; None when the storage is as it was.

    A command that wipes is told only where our own look before the run found nothing there, our look now found
    something, and the pool is gone (`is_free`): then it is what this run made. Anything else is looks only.
    """
    if not left.found and not left.unseen:
        return None
    where = place_of(storage)
    if left.unseen:
        what, why = "nobody could look whether a pool file system is left", left.unseen
    else:
        what, why = "a pool file system is left on the storage", f"found there: {', '.join(left.found)}"
    return Residue(
        id=f"{talk.step}:storage",
        what=what,
        where=where,
        why=inert(why, 500),
        commands=storage_commands(storage, left)
        if is_free and is_made_by_us(storage, left)
        else looks_at_storage(storage),
    )


def is_made_by_us(storage: JsonDict, left: Left) -> bool:
    """Whether the storage was seen empty before this run, and is seen with a pool file system now."""
    if not left.found or left.unseen:
        return False
    if storage["kind"] == "nfs":
        before = storage.get("entries_before")
        return before is not None and not MARKERS & set(before) and set(left.found) <= MARKERS
    return storage.get("signatures_before") is not None and not storage["signatures_before"]


def place_of(storage: JsonDict) -> str:
    """The share or LUN in words."""
    if storage["kind"] == "nfs":
        return f"{storage['host']}:{storage['export']}"
    return f"LUN {storage['wwid']}"


def looks_at_storage(storage: JsonDict) -> tuple[str, ...]:
    """What a person looks at before anything is taken off the storage: whose pool it is, and whether it lives."""
    if storage["kind"] == "nfs":
        return (
            "mounted.ocfs2 -f   # on every server: must not list the image",
            f"mount -t nfs -o ro {storage['host']}:{storage['export']} /mnt && ls -lA /mnt   # unmount it afterwards",
            f"# {WHOSE}",
        )
    device = f"/dev/mapper/{storage['wwid']}"
    return (
        f"mounted.ocfs2 -f {device}   # on every server: no node may be listed",
        f"blockdev --getsize64 {device} && blkid {device}   # is it the right one?",
        f"# {WHOSE}",
    )


WHOSE = "no command is offered that wipes: settle first whose pool lies there, and that no Manager's server uses it"


def storage_commands(storage: JsonDict, left: Left) -> tuple[str, ...]:
    """For a person, to take off what this run made, after a look on every server; never run by us (server-pools 7e)."""
    if storage["kind"] == "nfs":
        files = " ".join(f"/mnt/{name}" for name in left.found)  # names of MARKERS
        return (
            "mounted.ocfs2 -f   # on every server: must not list the image",
            f"mount -t nfs {storage['host']}:{storage['export']} /mnt && ls -lA /mnt",
            f"rm -i {files} && umount /mnt",
        )
    device = f"/dev/mapper/{storage['wwid']}"
    return (
        f"mounted.ocfs2 -f {device}   # on every server: no node may be listed",
        f"blockdev --getsize64 {device} && blkid {device}   # is it the right one?",
        f"dd if=/dev/zero of={device} bs=1M count=256 oflag=direct   # on ONE server; destroys what is there",
        "multipath -r   # on every server, then `refresh PhysicalDisk` in Manager",
    )
