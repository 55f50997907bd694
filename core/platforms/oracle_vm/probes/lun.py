"""What one server sees of the pool's LUN: where it is, what lies on it, who uses it. Pure.

What lies there is read from its first bytes by our own parser (core.facts.superblock); what the server's tools say
is put beside it, since some things stand at a disk's end, and stands alone where the bytes could not be had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from core.facts import storage
from core.facts.batch import Section
from core.facts.looks import LunLook, VolumeLook
from core.facts.ocfs2 import Ocfs2Volume
from core.facts.superblock import HEAD_BYTES, DeviceHead, decode_bytes, head_look, range_look, read_head
from core.models.facts import Mount
from core.text import inert

Sections = Mapping[str, Section]
AGAIN = "again."  # what the names of the second look's commands begin with


def find_lun(wwid: str, sections: Sections) -> tuple[str, LunLook]:
    """The device of a LUN ('' when it is not seen) and what the maps alone tell of it; ValueError if none was read."""
    texts = {name: section.text for name, section in sections.items() if section.worked}
    if not texts:
        first = next(iter(sections.values()), None)
        raise first.no_answer() if first is not None else ValueError("no list of disks could be read")
    maps = storage.parse_multipath(texts.get("multipath", ""))
    device, one = storage.find_device(wwid, maps, texts.get("by_id", ""), texts.get("mapper", ""))
    if not device and not texts.keys() & {"multipath", "by_id"}:
        raise ValueError("no list of disks could be read")
    if not device:
        return "", LunLook(wwid=wwid, is_seen=False)
    look = LunLook(wwid=wwid, is_seen=True, device=device)
    if one is None:
        return device, look
    return device, look.model_copy(
        update={"paths": one.active, "size_bytes": one.size_bytes, "is_local": False}
    )


def read_lun(
    look: LunLook,
    head: DeviceHead | None,
    sections: Sections,
    mounts: Sequence[Mount],
    swaps: Sequence[str],
) -> LunLook:
    """The look with size, content and users: by the first bytes, where they were had, and commands.lun_look."""
    update: dict[str, object] = {}
    size = sections.get("size")
    if size is not None and size.worked:
        with suppress(ValueError):
            update["size_bytes"] = storage.parse_size(size.text)
    volume = head.ocfs2 if head is not None else None
    by_tools = _told_by_tools(look.device, sections)
    update |= _content(head, by_tools)
    update["holders"] = _holders(look.device, sections, mounts, swaps, volume)
    return look.model_copy(update=update)


# -- the first bytes --


def head_of(section: Section | None, more: Sections | None = None) -> DeviceHead | None:
    """What the first bytes tell, None when they were not had. `more`: sections of range_look."""
    if section is None:
        return None
    try:
        data = decode_bytes(section.text)
    except ValueError:
        return None
    ranges: dict[int, bytes] = {}
    for name, one in (more or {}).items():
        with suppress(ValueError):
            ranges[int(name.rpartition("at-")[2])] = decode_bytes(one.text)
    return read_head(data, ranges)


def second_look(device: str, first: DeviceHead | None) -> dict[str, str]:
    """What tells who uses an OCFS2 volume: its head once more, and the blocks that were not in it. {} for others."""
    if first is None or first.ocfs2 is None:
        return {}
    found = head_look(device) | range_look(device, first.ocfs2.wanted)
    return {f"{AGAIN}{name}": command for name, command in found.items()}


def read_again(look: LunLook, first: DeviceHead, sections: Sections) -> LunLook:
    """The look with who has the volume mounted and whose heart beats, by the sections of second_look."""
    more = {name: one for name, one in sections.items() if name.startswith(f"{AGAIN}at-")}
    head = head_of(sections.get(f"{AGAIN}head"), more)
    if head is None or head.ocfs2 is None or first.ocfs2 is None or head.ocfs2.uuid != first.ocfs2.uuid:
        return look
    volume = _volume_look(head.ocfs2, head.ocfs2.moved_since(first.ocfs2))
    return look.model_copy(update={"volume": volume, "holders": _with_nodes(look.holders, volume)})


def _volume_look(volume: Ocfs2Volume, alive: Sequence[int] = ()) -> VolumeLook:
    return VolumeLook(
        label=volume.label,
        uuid=volume.uuid,
        stack=volume.stack,
        cluster=volume.cluster,
        mounted_by=None if volume.mounted_by is None else tuple(sorted(volume.mounted_by)),
        alive=tuple(sorted(alive)),
    )


def _content(head: DeviceHead | None, tools: _ByTools) -> dict[str, object]:
    """Signatures, cluster, id and volume: by the bytes first, by the tools where these are silent."""
    if head is None:
        return {"signatures": tools.names if tools.looked or tools.names else None, "cluster": tools.cluster}
    names = tuple(dict.fromkeys((*head.kinds, *tools.names)))
    # the end of a disk, where some arrays and partition tables stand, is only told by the tools
    has_all = tools.looked or bool(names) or (head.is_blank and head.held_bytes >= HEAD_BYTES)
    volume = head.ocfs2
    return {
        "signatures": names if has_all else None,
        "cluster": (volume.cluster or volume.label or tools.cluster) if volume is not None else tools.cluster,
        "is_blank": head.is_blank if head.held_bytes >= HEAD_BYTES or not head.is_blank else None,
        "content_id": next((one.uuid for one in head.signatures if one.uuid), ""),
        "volume": _volume_look(volume) if volume is not None else None,
    }


# -- the server's own tools --


class _ByTools(NamedTuple):
    names: tuple[str, ...]
    cluster: str
    looked: bool  # one tool that knows file systems and labels looked at the device


def _told_by_tools(device: str, sections: Sections) -> _ByTools:
    blkid, wipefs, ocfs2, pvs = (sections.get(name) for name in ("blkid", "wipefs", "ocfs2", "pvs"))
    found: list[str] = []
    cluster = ""
    looked = False
    if blkid is not None and (blkid.worked or (blkid.status == 2 and not blkid.text.strip())):
        looked = True  # 2 and silence: it looked and found nothing
        tags = storage.parse_blkid(blkid.text)
        found += [tags[name] for name in ("TYPE", "PTTYPE") if name in tags]
        cluster = tags.get("LABEL", "") if tags.get("TYPE") == "ocfs2" else ""
    if wipefs is not None and wipefs.worked:
        looked = True
        found += storage.parse_wipefs(wipefs.text)
    if ocfs2 is not None and ocfs2.worked:
        words = storage.parse_mounted_ocfs2(ocfs2.text, device)
        if words:
            found.append("ocfs2")
            cluster = _cluster_of(words) or cluster
    if pvs is not None and pvs.worked and storage.parse_pvs(pvs.text, device) is not None:
        found.append("LVM2_member")
    partitions = sections.get("partitions")
    if partitions is not None and partitions.worked and device.startswith("/dev/sd"):
        found += ["partitions"] if storage.partitions_of(partitions.text, device.rsplit("/", 1)[-1]) else []
    names = tuple(dict.fromkeys(inert(name, 40) for name in found))
    return _ByTools(names, inert(cluster, 80), looked)


def _cluster_of(words: Sequence[str]) -> str:
    """Cluster name in a line of `mounted.ocfs2 -d`: stack, cluster, flags, uuid, label; old ones have type first."""
    candidates = [word for word in words[:3] if re.fullmatch(r"[0-9a-f]{16}|[a-z][a-z0-9]{1,15}", word)]
    return next((word for word in candidates if word not in ("o2cb", "ocfs2", "pcmk", "cman", "none")), "")


# -- who uses it --

_NODE = "mounted by cluster node"


def _holders(
    device: str,
    sections: Sections,
    mounts: Sequence[Mount],
    swaps: Sequence[str],
    volume: Ocfs2Volume | None,
) -> tuple[str, ...] | None:
    """Who uses the device on this server; None when device-mapper could not be asked."""
    found = [f"mounted on {mount.path}" for mount in mounts if mount.device == device]
    found += ["swap" for swap in swaps if swap == device]
    pvs, children, users = (sections.get(name) for name in ("pvs", "children", "users"))
    if pvs is not None and pvs.worked and (group := storage.parse_pvs(pvs.text, device)) is not None:
        found.append(f"LVM volume group {group}" if group else "LVM")
    nodes: Sequence[object] = (volume.mounted_by if volume is not None else None) or ()
    if users is not None and users.worked:  # it knows names where our parser has numbers
        nodes = storage.parse_ocfs2_users(users.text, device) or nodes
    found += [f"{_NODE} {node}" for node in nodes]
    if children is not None and children.worked:
        name = device.rsplit("/", 1)[-1]
        found += [f"device-mapper {child}" for child in storage.parse_children(children.text, name)]
    elif not found:
        return None
    return tuple(dict.fromkeys(inert(text, 120) for text in found))


def _with_nodes(holders: tuple[str, ...] | None, volume: VolumeLook) -> tuple[str, ...] | None:
    """Who mounts it by the slot map, where no tool said so, and whose heart was seen to beat."""
    known = list(holders or ())
    if not any(one.startswith(_NODE) for one in known):
        known += [f"{_NODE} {node}" for node in volume.mounted_by or ()]
    if volume.alive:
        known.append(f"heartbeat of cluster node {', '.join(map(str, volume.alive))} moves")
    return tuple(known) if known else holders
