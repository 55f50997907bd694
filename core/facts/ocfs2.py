"""OCFS2 on disk: superblock, slot map (who has it mounted) and heartbeat blocks (who was alive when). Pure.

Layouts: ocfs2_fs.h and cluster/ocfs2_heartbeat.h of Linux; checked against blocks that mkfs.ocfs2 1.8.7 and the
kernel wrote. Whether a heartbeat is alive, only two reads some seconds apart can tell: its sequence then moved.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.facts.window import Window
from core.text import inert

_MAGIC = b"OCFSV2"
_INODE = b"INODE01"
_LOCAL_MOUNT, _EXTENDED_SLOTS, _USERSPACE, _CLUSTER_INFO = 0x0008, 0x0100, 0x0080, 0x4000
_HEARTBEAT_DEV = 0x0002
_GLOBAL_HEARTBEAT = 0x01
_INLINE = 0x0001
_MAX_SLOTS = 255  # OCFS2_MAX_SLOTS
_MAX_DIRECTORY = (
    64 * 1024
)  # bytes of the system directory that are looked through; mkfs with 255 slots makes 100 KiB
_MAX_EXTENTS = 16
_BEAT = 512
_BEAT_NODES = 255  # O2NM_MAX_NODES


@dataclass(frozen=True, slots=True)
class Beat:
    """One node's heartbeat block: `sequence` is its clock at the last beat (epoch seconds), `dead_ms` its timeout."""

    node: int
    sequence: int
    generation: int
    dead_ms: int
    is_intact: bool  # its checksum fits


@dataclass(frozen=True, slots=True)
class Ocfs2Volume:
    """One OCFS2 file system. Sizes in bytes; `uuid` 32 capital hex digits as mounted.ocfs2 prints it.

    `stack` and `cluster` are "" where the superblock carries none (the classic o2cb stack before 1.8).
    `mounted_by` (node numbers) and `beats` are None while their blocks are not held: read `wanted` and look again.
    """

    offset: int
    label: str
    uuid: str
    block_size: int
    cluster_size: int
    size_bytes: int
    max_slots: int
    stack: str
    cluster: str
    is_global_heartbeat: bool
    is_local: bool  # one node only, no cluster
    is_heartbeat_device: bool
    mounted_by: tuple[int, ...] | None = None
    beats: tuple[Beat, ...] | None = None
    wanted: tuple[tuple[int, int], ...] = ()  # (byte offset, length) of what would tell the rest

    def moved_since(self, earlier: Ocfs2Volume) -> tuple[int, ...]:
        """Nodes whose heartbeat moved between two looks: these are alive."""
        before = {beat.node: (beat.sequence, beat.generation) for beat in earlier.beats or ()}
        return tuple(
            beat.node
            for beat in self.beats or ()
            if beat.node in before and before[beat.node] != (beat.sequence, beat.generation)
        )


def read_ocfs2(window: Window) -> Ocfs2Volume | None:
    """The volume whose superblock is at block 2 of these bytes, None when there is none. Never raises."""
    for bits in (12, 9, 10, 11):
        base = 2 << bits
        if window.at(base, 6) == _MAGIC and window.u32(base + 0xC0 + 0x38) == bits:
            return _volume(window, base, bits)
    return None


def _volume(window: Window, base: int, bits: int) -> Ocfs2Volume:
    at = base + 0xC0
    incompat = window.u32(at + 0x20)
    has_info = bool(incompat & (_CLUSTER_INFO | _USERSPACE))
    cluster_bits = window.u32(at + 0x3C)
    cluster_size = 1 << cluster_bits if 12 <= cluster_bits <= 20 else 0
    slots = min(window.u16(at + 0x40), _MAX_SLOTS)
    volume = Ocfs2Volume(
        offset=base,
        label=_text(window.at(at + 0x50, 64)),
        uuid=window.at(at + 0x90, 16).hex().upper(),
        block_size=1 << bits,
        cluster_size=cluster_size,
        size_bytes=window.u32(base + 0x14) * cluster_size,
        max_slots=slots,
        stack=_text(window.at(at + 0xA0, 4)) if has_info else "",
        cluster=_text(window.at(at + 0xA8, 16)) if has_info else "",
        is_global_heartbeat=has_info and bool(window.u8(at + 0xA4) & _GLOBAL_HEARTBEAT),
        is_local=bool(incompat & _LOCAL_MOUNT),
        is_heartbeat_device=bool(incompat & _HEARTBEAT_DEV),
    )
    return _with_use(window, volume, window.u64(at + 0x30), bool(incompat & _EXTENDED_SLOTS))


def _with_use(window: Window, volume: Ocfs2Volume, system_block: int, is_extended: bool) -> Ocfs2Volume:
    """The volume with who mounts it and whose heart beats, as far as the bytes tell, and what is still wanted."""
    wanted: list[tuple[int, int]] = []
    size = volume.block_size
    mounted: tuple[int, ...] | None = None
    beats: tuple[Beat, ...] | None = None
    names = _directory(window, system_block * size, size, wanted)
    for name, length in (
        ("slot_map", volume.max_slots * (8 if is_extended else 2)),
        ("heartbeat", _BEAT_NODES * _BEAT),
    ):
        if name not in names:
            continue
        inode = names[name] * size
        if not window.has(inode, size):
            wanted.append((inode, size))
            continue
        data = _content(window, inode, size, length, wanted)
        if data is None:
            continue
        if name == "slot_map":
            mounted = tuple(_slots(data, is_extended))
        else:
            beats = tuple(_beats(data))
    return replace(volume, mounted_by=mounted, beats=beats, wanted=tuple(wanted[:8]))


def _directory(window: Window, inode: int, size: int, wanted: list[tuple[int, int]]) -> dict[str, int]:
    """Names and inode block numbers in the system directory; those whose blocks are not held are left out."""
    if not window.has(inode, size):
        wanted.append((inode, size))
        return {}
    if window.at(inode, 7) != _INODE:
        return {}
    length = min(window.u64(inode + 0x20), _MAX_DIRECTORY)
    if window.u16(inode + 0x76) & _INLINE:
        return dict(_entries(window.at(inode + 0xC8, min(window.u16(inode + 0xC0), size - 0xC8))))
    found: dict[str, int] = {}
    for offset, run in _runs(window, inode, size, length):
        held = window.some(offset, run)
        for block in range(0, len(held) - size + 1, size):
            found |= dict(_entries(held[block : block + size]))
        if len(held) < run and not {"slot_map", "heartbeat"} <= found.keys():
            wanted.append((offset, run))
    return found


def _entries(block: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at + 12 <= len(block):
        number, length, name_length = struct.unpack_from("<QHB", block, at)
        if length < 12:
            return
        if number:
            yield block[at + 12 : at + 12 + name_length].decode("ascii", "replace"), number
        at += length


def _content(
    window: Window, inode: int, size: int, length: int, wanted: list[tuple[int, int]]
) -> bytes | None:
    """The first `length` bytes of a system file, None (and more wanted) when they are not held."""
    if window.at(inode, 7) != _INODE:
        return None
    found = b""
    for offset, run in _runs(window, inode, size, length):
        part = window.at(offset, run)
        if not part:
            wanted.append((offset, run))
            return None
        found += part
    return found or None


def _runs(window: Window, inode: int, size: int, length: int) -> Iterator[tuple[int, int]]:
    """(byte offset, bytes) of a file's extents, in order, as far as its inode lists them itself."""
    cluster_size = 1 << min(max(window.u32((2 * size) + 0xC0 + 0x3C), 12), 20)
    depth, count, used = (window.u16(inode + 0xC0 + at) for at in (0, 2, 4))
    if depth or used > count:
        return
    for index in range(min(used, _MAX_EXTENTS)):
        at = inode + 0xD0 + 16 * index
        run = min(window.u16(at + 4) * cluster_size, length)
        if run <= 0:
            return
        yield window.u64(at + 8) * size, run
        length -= run


def _slots(data: bytes, is_extended: bool) -> Iterator[int]:
    """Node numbers in the slot map: (valid, node) of 8 bytes, or plain 16-bit numbers with 0xffff for a free slot."""
    if is_extended:
        for at in range(0, len(data) - 7, 8):
            valid, node = struct.unpack_from("<B3xI", data, at)
            if valid:
                yield node
    else:
        for at in range(0, len(data) - 1, 2):
            (node,) = struct.unpack_from("<H", data, at)
            if node != 0xFFFF:
                yield node


def _beats(data: bytes) -> Iterator[Beat]:
    """Heartbeat blocks that were ever written."""
    for at in range(0, len(data) - _BEAT + 1, _BEAT):
        block = data[at : at + _BEAT]
        sequence, node, checksum, generation, dead_ms = struct.unpack_from("<QB3xIQI", block)
        if not sequence:
            continue
        told = zlib.crc32(block[:12] + bytes(4) + block[16:], 0xFFFFFFFF) ^ 0xFFFFFFFF
        yield Beat(node, sequence, generation, dead_ms, told == checksum)


def _text(raw: bytes) -> str:
    return inert(raw.split(b"\0", 1)[0].decode("utf-8", "replace"), 128)
