"""Pure parsers of what a server's system tells about NFS exports, LUNs and what lies on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from core.facts.linux import lines_of

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


class Space(NamedTuple):
    """Size and free space of a file system, in bytes."""

    size_bytes: int
    free_bytes: int


class Multipath(NamedTuple):
    """One map of `multipath -ll`: its name, WWID as the kernel says it, size as printed, paths in all and active."""

    name: str
    wwid: str
    dm: str
    size_bytes: int | None
    paths: int
    active: int


def parse_showmount(text: str) -> dict[str, str]:
    """`showmount -e`: exported path -> client list as printed."""
    found: dict[str, str] = {}
    for line in lines_of(text):
        if line.startswith("/"):
            path, _, clients = line.rpartition(" ") if " " in line else (line, "", "")
            found[path.rstrip()] = clients.strip()
    return found


def parse_names(text: str) -> tuple[str, ...]:
    """`ls -1A`: one name a line; lost+found belongs to the file system and is left out."""
    return tuple(line for line in lines_of(text) if line and line != "lost+found")


def parse_df(text: str) -> Space:
    """`df -Pk` of one path; ValueError when no line fits."""
    for line in reversed(lines_of(text)):
        match = re.search(r"\s(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s+\d{1,3}%\s+/", line)
        if match:
            return Space(int(match[1]) * 1024, int(match[3]) * 1024)
    raise ValueError("df gave no figures")


def parse_multipath(text: str) -> tuple[Multipath, ...]:
    """`multipath -ll` of device-mapper-multipath 0.4.7 (EL5) to 0.4.9 (EL6, EL7)."""
    found: list[Multipath] = []
    head = re.compile(r"^(?:\w+: )?([\w.:-]+)(?: \(([\w.:-]+)\))? (dm-\d+)\b")
    for line in lines_of(text):
        match = head.match(line)
        if match:
            found.append(Multipath(match[1], match[2] or match[1], match[3], None, 0, 0))
            line = line[match.end() :]
        if not found:
            continue
        size = re.search(r"\[?size=(\d+(?:\.\d+)?)\s?([KMGTP])", line)
        if size:
            found[-1] = found[-1]._replace(size_bytes=int(float(size[1]) * _UNITS[size[2]]))
        if re.search(r"\b\d+:\d+:\d+:\d+ ", line):
            is_active = bool(re.search(r"\bactive\b", line)) and "failed" not in line and "faulty" not in line
            last = found[-1]
            found[-1] = last._replace(paths=last.paths + 1, active=last.active + is_active)
    return tuple(found)


def normal_wwid(text: str) -> str:
    """A WWID for comparison: lower case, without `naa.`, `0x`, `scsi-`, `wwn-`, and without scsi_id's leading 3."""
    plain = re.sub(r"^(?:wwn-|scsi-)?(?:naa\.|0x|eui\.|t10\.)?", "", text.strip().lower())
    return plain[1:] if re.fullmatch(r"3[0-9a-f]{16}(?:[0-9a-f]{16})?", plain) else plain


def find_device(
    wwid: str, maps: Iterable[Multipath], by_id: str, mapper: str
) -> tuple[str, Multipath | None]:
    """The device file of a WWID and its multipath map; ('', None) when this server does not see it.

    `by_id` and `mapper` are `ls -l` of /dev/disk/by-id and /dev/mapper.
    """
    wanted = normal_wwid(wwid)
    for one in maps:
        if normal_wwid(one.wwid) == wanted:
            return f"/dev/mapper/{one.name}", one
    for name in _listed(mapper):
        if normal_wwid(name) == wanted:
            return f"/dev/mapper/{name}", None
    for name in _listed(by_id):
        if normal_wwid(name) == wanted:
            return f"/dev/disk/by-id/{name}", None
    return "", None


def parse_size(text: str) -> int:
    """`blockdev --getsize64`; ValueError when it is no number."""
    match = re.fullmatch(r"\s*(\d{1,19})\s*", text)
    if match is None:
        raise ValueError("blockdev gave no number")
    return int(match[1])


def parse_blkid(text: str) -> dict[str, str]:
    """`blkid DEVICE`: its tags (TYPE, LABEL, UUID, PTTYPE); {} when it found nothing."""
    return dict(re.findall(r'\b([A-Z_0-9]+)="([^"\n]{0,200})"', text))


def parse_wipefs(text: str) -> tuple[str, ...]:
    """Types that `wipefs DEVICE` lists (old and new layouts); it only reads without options."""
    found: list[str] = []
    for line in lines_of(text):
        old = re.match(r"^0x[0-9a-f]+\s+(\S+)", line)
        new = re.match(r"^\S+\s+0x[0-9a-f]+\s+(\S+)", line)
        if old or new:
            found.append((old or new)[1])  # type: ignore[index]
    return tuple(dict.fromkeys(found))


def parse_mounted_ocfs2(text: str, device: str) -> tuple[str, ...]:
    """Words after the device in `mounted.ocfs2 -d` (stack, cluster, flags, uuid, label), () when it is not listed."""
    names = {device, device.rsplit("/", 1)[-1]}
    for line in lines_of(text):
        words = line.split()
        if len(words) > 1 and (words[0] in names or words[0].rsplit("/", 1)[-1] in names):
            return tuple(words[1:])
    return ()


def parse_ocfs2_users(text: str, device: str) -> tuple[str, ...]:
    """Nodes in the slot map by `mounted.ocfs2 -f`, names or numbers; () when it is mounted nowhere or not listed.

    The last column counts from its heading on: 1.4 has `Device FS Nodes`, 1.8 `Device Stack Cluster F Nodes`, where
    the flag may be empty. A device name longer than its column shifts the rest of its line.
    """
    names = {device, device.rsplit("/", 1)[-1]}
    start = second = -1
    for line in lines_of(text):
        heading = re.match(r"Device\s+(?=\S)", line)
        if heading and "Nodes" in line:
            start, second = line.index("Nodes"), heading.end()
            continue
        row = re.match(r"(\S+)\s+(?=\S)", line)
        if start < 0 or row is None or not {row[1], row[1].rsplit("/", 1)[-1]} & names:
            continue
        told = line[start + max(row.end() - second, 0) :].strip()
        if not told or told.lower().startswith("not mounted"):
            return ()
        return tuple(node for part in told.split(",") if (node := part.strip()))
    return ()


def parse_pvs(text: str, device: str) -> str | None:
    """Volume group of a physical volume in `pvs --noheadings -o pv_name,vg_name`; '' without one, None if no PV."""
    for line in lines_of(text):
        words = line.split()
        if words and words[0] == device:
            return words[1] if len(words) > 1 else ""
    return None


def parse_children(text: str, name: str) -> tuple[str, ...]:
    """Device-mapper devices that stand on `name` in `dmsetup ls --tree`."""
    stack: list[str] = []
    found: list[str] = []
    for line in lines_of(text):
        match = re.match(r"^([\s|`├└│─-]*)([\w.:-]+) \((\d+:\d+)\)", line)
        if match is None:
            continue
        depth = len(match[1])
        stack = [*stack[: _level(stack, depth)], f"{depth} {match[2]}"]
        if match[2] == name and len(stack) > 1:
            found.append(stack[-2].split(" ", 1)[1])
    return tuple(dict.fromkeys(found))


def partitions_of(text: str, kernel_name: str) -> tuple[str, ...]:
    """Partitions of a whole disk (sdb -> sdb1, ...) in /proc/partitions."""
    pattern = re.compile(rf"\s({re.escape(kernel_name)}p?\d+)$")
    return tuple(match[1] for line in lines_of(text) if (match := pattern.search(line)))


def _level(stack: list[str], depth: int) -> int:
    return sum(1 for item in stack if int(item.split(" ", 1)[0]) < depth)


def _listed(text: str) -> list[str]:
    """Names in an `ls -l` listing."""
    found = []
    for line in lines_of(text):
        match = re.match(r"^[lbcd-][rwxsStT.+@-]{9,11}\s+\d+\s+.*?\s(\S+)(?: -> \S+)?$", line)
        if match:
            found.append(match[1])
    return found
