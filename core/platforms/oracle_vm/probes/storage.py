"""What one server sees of the pool's storage, from the sections of its batches. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from core.facts import linux, storage
from core.facts.batch import Section
from core.facts.looks import LunLook, NfsLook
from core.facts.solaris import parse_nfs_versions
from core.models.facts import Mount
from core.text import inert

Sections = Mapping[str, Section]


def mounted_at(mounts: Sequence[Mount], server: str, address: str | None, export: str) -> str | None:
    """Where this server has the share mounted already, None when it has not."""
    wanted = {f"{host}:{export.rstrip('/') or '/'}" for host in (server, address) if host}
    for mount in mounts:
        if mount.kind.startswith("nfs") and mount.device.rstrip("/") in wanted:
            return mount.path
    return None


def read_nfs(server: str, export: str, sections: Sections) -> NfsLook:
    """The share as seen through commands.nfs_look (or `ls` and `df` of a mount that was there)."""
    values: dict[str, object] = {}
    address = sections.get("address")
    if address is not None and address.worked:
        values["address"] = next(iter(linux.parse_getent(address.text)), None)
    shown = sections.get("showmount")
    if shown is not None and shown.worked:
        exports = storage.parse_showmount(shown.text)
        path = export.rstrip("/") or "/"
        allowed = next(
            (clients for name, clients in exports.items() if (name.rstrip("/") or "/") == path), None
        )
        values |= {
            "answers": True,
            "is_exported": allowed is not None,
            "allowed": inert(allowed or "", 200),
            "exports": tuple(sorted(inert(name, 300) for name in exports)),
        }
    elif shown is not None and shown.status not in (None, 126, 127):
        values["answers"] = False
    programs = sections.get("rpcinfo")
    if programs is not None and programs.worked:
        with suppress(ValueError):
            values["versions"] = parse_nfs_versions(programs.text)
    values |= _content(sections)
    return NfsLook(export=f"{server}:{export}", **values)


def _content(sections: Sections) -> dict[str, object]:
    values: dict[str, object] = {}
    mkdir, mount = sections.get("mkdir"), sections.get("mount")
    if mkdir is not None and not mkdir.worked:
        return {}  # no folder of ours to mount it on: that says nothing of the share
    if mount is not None and not mount.worked:
        return {} if mount.status in (None, 126, 127) else {"mount_error": mount.why_not}
    names, space = sections.get("ls"), sections.get("df")
    if names is not None and names.worked:
        values["entries"] = tuple(inert(name, 200) for name in storage.parse_names(names.text))
    elif names is not None:
        values["mount_error"] = names.why_not
    if space is not None and space.worked:
        try:
            size = storage.parse_df(space.text)
        except ValueError:
            return values
        values |= {"size_bytes": size.size_bytes, "free_bytes": size.free_bytes}
    return values


def find_lun(wwid: str, sections: Sections) -> tuple[str, LunLook]:
    """The device of a LUN ('' when it is not seen) and what the maps alone tell of it; ValueError if none was read."""
    texts = {name: section.text for name, section in sections.items() if section.worked}
    if not texts:
        first = next(iter(sections.values()), None)
        raise ValueError(first.why_not if first is not None else "no list of disks could be read")
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


def read_lun(look: LunLook, sections: Sections, mounts: Sequence[Mount], swaps: Sequence[str]) -> LunLook:
    """The look with size, content and users, as far as the commands of commands.lun_look told them."""
    size = sections.get("size")
    update: dict[str, object] = {}
    if size is not None and size.worked:
        with suppress(ValueError):
            update["size_bytes"] = storage.parse_size(size.text)
    found, cluster = _signatures(look.device, sections)
    return look.model_copy(
        update={
            **update,
            "signatures": found,
            "cluster": inert(cluster, 80),
            "holders": _holders(look.device, sections, mounts, swaps),
        }
    )


def _signatures(device: str, sections: Sections) -> tuple[tuple[str, ...] | None, str]:
    """What lies on the device; None unless one tool that knows file systems and labels looked at it."""
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
    return (names if looked or names else None), cluster


def _cluster_of(words: Sequence[str]) -> str:
    """Cluster name in a line of `mounted.ocfs2 -d`: stack, cluster, flags, uuid, label; old ones have type first."""
    candidates = [word for word in words[:3] if re.fullmatch(r"[0-9a-f]{16}|[a-z][a-z0-9]{1,15}", word)]
    return next((word for word in candidates if word not in ("o2cb", "ocfs2", "pcmk", "cman", "none")), "")


def _holders(
    device: str, sections: Sections, mounts: Sequence[Mount], swaps: Sequence[str]
) -> tuple[str, ...] | None:
    """Who uses the device on this server; None when device-mapper could not be asked."""
    found = [f"mounted on {mount.path}" for mount in mounts if mount.device == device]
    found += ["swap" for swap in swaps if swap == device]
    pvs, children, users = (sections.get(name) for name in ("pvs", "children", "users"))
    if pvs is not None and pvs.worked and (group := storage.parse_pvs(pvs.text, device)) is not None:
        found.append(f"LVM volume group {group}" if group else "LVM")
    if users is not None and users.worked:
        nodes = storage.parse_ocfs2_users(users.text, device)
        found += [f"mounted by cluster node {node}" for node in nodes]
    if children is not None and children.worked:
        name = device.rsplit("/", 1)[-1]
        found += [f"device-mapper {child}" for child in storage.parse_children(children.text, name)]
    elif not found:
        return None
    return tuple(dict.fromkeys(inert(text, 120) for text in found))
