"""What one server sees of the pool's NFS share, from the sections of its batches. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from core.facts import linux, storage
from core.facts.batch import Section
from core.facts.looks import NfsLook
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
