"""What lies on a device, read from its first bytes alone. Pure and read-only; hostile bytes never crash or hang it.

Layouts: libblkid's superblock probers, ocfs2_fs.h and o2hb's disk blocks of Linux, LVM2's on-disk format, UEFI 2.x
chapter 5. Every read is bounded by the bytes held; nothing is followed more than a few blocks deep.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import struct
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.facts.ocfs2 import Ocfs2Volume, read_ocfs2
from core.facts.window import Window
from core.text import inert

HEAD_BYTES = (
    20 * 65536
)  # 1.25 MiB: every magic below, and OCFS2's heartbeat blocks where mkfs.ocfs2 puts them
MAX_HELD = 4 * 1024 * 1024  # bytes taken from one answer of a server
_MAX_TEXT = 128
_ENCODE = "gzip -1 -c | (base64 2>/dev/null || openssl base64)"  # EL5 has no base64


@dataclass(frozen=True, slots=True)
class Signature:
    """One recognised structure. `kind` is libblkid's name (ocfs2, ext4, LVM2_member, gpt, dos, ...).

    `uuid` as the structure's own tools print it, "" where it has none; `label` may be a volume group, an array's
    name or a pool's; `offset` is where its magic stands, in bytes.
    """

    kind: str
    offset: int
    label: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class DeviceHead:
    """What the first bytes of a device tell. `is_blank`: every byte held is zero (or 0xff, as erased flash has)."""

    signatures: tuple[Signature, ...]
    ocfs2: Ocfs2Volume | None
    is_blank: bool
    held_bytes: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds found, each once, in order."""
        return tuple(dict.fromkeys(one.kind for one in self.signatures))

    @property
    def is_free(self) -> bool | None:
        """True: blank. False: something is recognised. None: bytes that nobody here understands."""
        return False if self.signatures else True if self.is_blank else None


def head_look(device: str) -> dict[str, str]:
    """The command that reads a device's head, past the page cache where dd can; reads only."""
    return {"head": _dd(device, 65536, 0, HEAD_BYTES // 65536)}


def range_look(device: str, wanted: Iterable[tuple[int, int]]) -> dict[str, str]:
    """Commands for the ranges an Ocfs2Volume still `wanted`, named by their byte offset."""
    found = {}
    for offset, length in list(wanted)[:8]:
        first, last = offset // 512, -(-(offset + min(length, HEAD_BYTES)) // 512)
        found[f"at-{first * 512}"] = _dd(device, 512, first, last - first)
    return found


def _dd(device: str, size: int, skip: int, count: int) -> str:
    if not re.fullmatch(r"/dev/[A-Za-z0-9_./:+-]{1,120}", device) or ".." in device:
        raise ValueError("not a device")
    read = f"dd if={shlex.quote(device)} bs={size} skip={skip} count={count}"
    return f"({read} iflag=direct 2>/dev/null || {read} 2>/dev/null) | {_ENCODE}"


def decode_bytes(text: str) -> bytes:
    """The bytes behind one of these commands' output, at most MAX_HELD; ValueError when it is nothing of the kind."""
    plain = "".join(text.split())
    if not plain:
        raise ValueError("the device gave no bytes")
    try:
        packed = base64.b64decode(plain, validate=True)
        data = zlib.decompressobj(31).decompress(packed, MAX_HELD)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f"not the bytes of a device: {inert(str(error), 80)}") from None
    if not data:
        raise ValueError("the device gave no bytes")
    return data


def read_head(head: bytes, more: Mapping[int, bytes] | None = None) -> DeviceHead:
    """What the first bytes tell; `more` are later ranges by byte offset. Never raises."""
    window = Window(head, more or {})
    found: list[Signature] = []
    for probe in _PROBES:
        try:
            found += probe(window)
        except (struct.error, ValueError, IndexError, OverflowError):  # a lying length: this is not one
            continue
    volume = read_ocfs2(window)
    if volume is not None:
        found.insert(0, Signature("ocfs2", volume.offset, volume.label, volume.uuid))
    blank = not head.strip(b"\0") or not head.strip(b"\xff")
    return DeviceHead(tuple(found), volume, blank, len(head))


def _text(raw: bytes, encoding: str = "utf-8") -> str:
    """A label: up to its first NUL, undecodable bytes replaced, inert."""
    text = raw.decode(encoding, "replace").split("\0", 1)[0].rstrip()
    return inert(text, _MAX_TEXT)


def _uuid(raw: bytes) -> str:
    return str(uuid.UUID(bytes=raw)) if len(raw) == 16 and any(raw) else ""


# -- file systems --


def _ext(window: Window) -> list[Signature]:
    if window.u16(1024 + 0x38) != 0xEF53:
        return []
    compat, incompat, ro_compat = (window.u32(1024 + at) for at in (0x5C, 0x60, 0x64))
    if incompat & 0x0008:
        kind = "jbd"
    elif incompat & ~0x0016 or ro_compat & ~0x0007:
        kind = "ext4"
    else:
        kind = "ext3" if compat & 0x0004 else "ext2"
    return [Signature(kind, 1080, _text(window.at(1024 + 0x78, 16)), _uuid(window.at(1024 + 0x68, 16)))]


def _xfs(window: Window) -> list[Signature]:
    if window.at(0, 4) != b"XFSB":
        return []
    return [Signature("xfs", 0, _text(window.at(108, 12)), _uuid(window.at(32, 16)))]


def _btrfs(window: Window) -> list[Signature]:
    base = 65536
    if window.at(base + 0x40, 8) != b"_BHRfS_M":
        return []
    return [
        Signature(
            "btrfs", base + 0x40, _text(window.at(base + 0x12B, 256)), _uuid(window.at(base + 0x20, 16))
        )
    ]


def _swap(window: Window) -> list[Signature]:
    for page in (4096, 8192, 16384, 32768, 65536):
        magic = window.at(page - 10, 10)
        if magic == b"SWAPSPACE2":
            return [
                Signature("swap", page - 10, _text(window.at(1052, 16)), _uuid(window.at(1036, 16))),
            ]
        if magic in (b"SWAP-SPACE", b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001"):
            return [Signature("swap" if magic == b"SWAP-SPACE" else "swsuspend", page - 10)]
    return []


def _iso(window: Window) -> list[Signature]:
    if window.at(32769, 5) == b"CD001":
        return [Signature("iso9660", 32769, _text(window.at(32808, 32)))]
    if window.at(32769, 5) in (b"BEA01", b"NSR02", b"NSR03"):
        return [Signature("udf", 32769)]
    return []


def _ntfs(window: Window) -> list[Signature]:
    if window.at(3, 8) != b"NTFS    ":
        return []
    serial = window.u64(0x48)
    return [Signature("ntfs", 3, _ntfs_label(window), f"{serial:016X}")]


def _ntfs_label(window: Window) -> str:
    """$VOLUME_NAME out of MFT record 3, where that lies within the bytes held."""
    sector, per_cluster = window.u16(0x0B), window.u8(0x0D)
    if sector not in (256, 512, 1024, 2048, 4096) or not per_cluster:
        return ""
    cluster = sector * (per_cluster if per_cluster <= 128 else 1 << (256 - per_cluster))
    size = window.i8(0x40)
    record = size * cluster if size > 0 else 1 << min(-size, 16)
    base = window.u64(0x30) * cluster + 3 * record
    if window.at(base, 4) != b"FILE":
        return ""
    at = base + window.u16(base + 20)
    for _ in range(16):
        kind, length = window.u32(at), window.u32(at + 4)
        if kind in (0, 0xFFFFFFFF) or not 16 <= length <= record:
            return ""
        if kind == 0x60:
            value = window.at(at + window.u16(at + 20), min(window.u32(at + 16), 256))
            return _text(value, "utf-16-le")
        at += length
    return ""


def _fat(window: Window) -> list[Signature]:
    if window.at(3, 8) == b"EXFAT   ":
        return [Signature("exfat", 3, uuid=_serial(window.u32(100)))]
    if window.at(510, 2) != b"\x55\xaa" or window.u16(11) not in (512, 1024, 2048, 4096):
        return []
    for magic, at, serial in ((b"FAT32   ", 82, 67), (b"FAT", 54, 39)):
        if window.at(at, len(magic)) == magic and window.u8(16) in (1, 2):
            label = _text(window.at(serial + 4, 11))
            return [
                Signature("vfat", at, "" if label == "NO NAME" else label, _serial(window.u32(serial))),
            ]
    return []


def _serial(number: int) -> str:
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}"


def _gfs2(window: Window) -> list[Signature]:
    base = 65536
    if window.at(base, 8) != b"\x01\x16\x19\x70\0\0\0\x01":
        return []
    return [Signature("gfs2", base, _text(window.at(base + 0xA0, 64)), _uuid(window.at(base + 0x100, 16)))]


_PLAIN = (  # kinds whose magic alone is told, label and uuid apart: (kind, offset, magic)
    ("VMFS_volume_member", 1 << 20, b"\x0d\xd0\x01\xc0"),
    ("jfs", 32768, b"JFS1"),
    ("reiserfs", 65536 + 52, b"ReIsEr"),
    ("f2fs", 1024, b"\x10\x20\xf5\xf2"),
    ("nilfs2", 1030, b"\x34\x34"),
    ("hfs", 1024, b"BD"),
    ("hfsplus", 1024, b"H+"),
    ("hfsplus", 1024, b"HX"),
    ("squashfs", 0, b"hsqs"),
    ("erofs", 1024, b"\xe2\xe1\xf5\xe0"),
    ("cramfs", 0, b"\x45\x3d\xcd\x28"),
    ("minix", 1040, b"\x7f\x13"),
    ("minix", 1040, b"\x8f\x13"),
    ("minix", 1040, b"\x68\x24"),
    ("minix", 1040, b"\x78\x24"),
    ("minix", 1048, b"\x5a\x4d"),
    ("bfs", 0, b"\xce\xfa\xad\x1b"),
    ("bcache", 4096 + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")),
    ("LVM1_member", 0, b"HM\x01\0"),
    ("LVM1_member", 0, b"HM\x02\0"),
)


def _plain(window: Window) -> list[Signature]:
    return [Signature(kind, at) for kind, at, magic in _PLAIN if window.at(at, len(magic)) == magic]


def _oracleasm(window: Window) -> list[Signature]:
    if window.at(32, 8) != b"ORCLDISK":
        return []
    return [Signature("oracleasm", 32, _text(window.at(40, 24)) or _text(window.at(72, 30)))]


# -- volumes, arrays and containers --


def _lvm(window: Window) -> list[Signature]:
    for sector in range(4):
        base = sector * 512
        if window.at(base, 8) != b"LABELONE" or window.at(base + 0x18, 8) != b"LVM2 001":
            continue
        header = base + window.u32(base + 0x14)
        raw = window.at(header, 32)
        if not re.fullmatch(rb"[0-9A-Za-z!#]{32}", raw):
            return [Signature("LVM2_member", base)]
        word = raw.decode()
        parts = (word[:6], *(word[at : at + 4] for at in range(6, 26, 4)), word[26:])
        return [Signature("LVM2_member", base, _volume_group(window, header + 40), "-".join(parts))]
    return []


def _volume_group(window: Window, at: int) -> str:
    """Name of the volume group in the newest text of the first metadata area, "" when there is none."""
    for _ in range(16):  # data areas, ended by an empty one
        at += 16
        if window.u64(at - 16) == 0:
            break
    area, size = window.u64(at), window.u64(at + 8)
    if window.at(area + 4, 16) != b" LVM2 x[5A%r0N*>":
        return ""
    offset, length = window.u64(area + 40), window.u64(area + 48)
    if not 512 <= offset < max(size, 512) or not length:
        return ""
    match = re.match(rb"([A-Za-z0-9_.+-]{1,127}) \{", window.some(area + offset, 160))
    return match[1].decode() if match else ""


def _mdraid(window: Window) -> list[Signature]:
    """md versions 1.1 and 1.2; 0.90 and 1.0 stand at the end of the device."""
    for base in (0, 4096):
        if window.u32(base) == 0xA92B4EFC and window.u32(base + 4) == 1:
            raw = window.at(base + 16, 16).hex()
            ident = ":".join(raw[at : at + 8] for at in range(0, 32, 8)) if len(raw) == 32 else ""
            return [Signature("linux_raid_member", base, _text(window.at(base + 32, 32)), ident)]
    return []


def _luks(window: Window) -> list[Signature]:
    if window.at(0, 6) != b"LUKS\xba\xbe":
        return []
    version = int.from_bytes(window.at(6, 2), "big")
    label = _text(window.at(24, 48)) if version == 2 else ""
    return [Signature("crypto_LUKS", 0, label, _text(window.at(168, 40)))]


def _zfs(window: Window) -> list[Signature]:
    """A vdev label's uberblocks (either byte order); the pool's name stands in the nvlist before them."""
    for at in range(128 * 1024, 256 * 1024, 1024):
        if window.u64(at) in (0x00BAB10C, 0x0CB1BA0000000000):
            return [Signature("zfs_member", at, *_zfs_names(window.some(16 * 1024, 112 * 1024)))]
    return []


def _zfs_names(nvlist: bytes) -> tuple[str, str]:
    """Pool name and guid of an XDR nvlist: a pair is sizes, name, type, count, value."""
    name = re.search(rb"\0\0\0\x04name\0\0\0\x09\0\0\0\x01\0\0\0([\x01-\xff])", nvlist)
    guid = re.search(rb"\0\0\0\x09pool_guid\0{3}\0\0\0\x08\0\0\0\x01(.{8})", nvlist, re.DOTALL)
    label = _text(nvlist[name.end() : name.end() + name[1][0]]) if name else ""
    return label, str(int.from_bytes(guid[1], "big")) if guid else ""


# -- partition tables --


def _gpt(window: Window) -> list[Signature]:
    for sector in (512, 4096):
        if window.at(sector, 8) == b"EFI PART":
            raw = window.at(sector + 56, 16)
            return [
                Signature("gpt", sector, uuid=str(uuid.UUID(bytes_le=raw)) if len(raw) == 16 else ""),
            ]
    return []


def _dos(window: Window) -> list[Signature]:
    """An MBR with partitions; boot sectors of FAT and NTFS end alike, and a GPT carries a protective one."""
    if window.at(510, 2) != b"\x55\xaa" or _fat(window) or _ntfs(window) or _gpt(window):
        return []
    entries = [window.at(446 + 16 * index, 16) for index in range(4)]
    used = [entry for entry in entries if any(entry)]
    if not used or any(entry[0] not in (0, 0x80) or not entry[4] for entry in used):
        return []
    number = window.u32(440)
    return [Signature("dos", 510, uuid=f"{number:08x}" if number else "")]


_PROBES: tuple[Callable[[Window], list[Signature]], ...] = (
    _lvm, _mdraid, _luks, _zfs, _oracleasm, _gpt, _dos, _ext, _xfs, _btrfs, _gfs2, _swap, _iso, _ntfs, _fat, _plain,
)  # fmt: skip
