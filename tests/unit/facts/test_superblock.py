"""The superblock reader: captured heads of real disks, bytes written by hand, and hostile ones."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts.ocfs2 import Ocfs2Volume
from core.facts.superblock import (
    HEAD_BYTES,
    MAX_HELD,
    decode_bytes,
    head_look,
    range_look,
    read_head,
)
from core.facts.window import Window
from tests.examples import examples

HEADS = Path(__file__).parents[2] / "fixtures/disk-heads"
EXPECTED: dict[str, dict[str, str]] = json.loads((HEADS / "expected.json").read_text("utf-8"))


def captured(name: str) -> bytes:
    return decode_bytes((HEADS / f"{name}.txt").read_text("ascii"))


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_heads(name: str) -> None:
    head = read_head(captured(name))
    (found,) = head.signatures
    assert {"kind": found.kind, "label": found.label, "uuid": found.uuid} == EXPECTED[name]
    assert head.is_free is False


def test_a_pool_file_system_of_another_cluster() -> None:
    volume = read_head(captured("ocfs2-heartbeating")).ocfs2
    assert volume is not None
    assert (volume.stack, volume.cluster, volume.is_global_heartbeat) == ("o2cb", "0004fb0000050000", True)
    assert (volume.block_size, volume.cluster_size, volume.max_slots) == (4096, 4096, 32)
    assert volume.size_bytes == 300 * 2**20
    assert [(beat.node, beat.sequence, beat.is_intact) for beat in volume.beats or ()] == [
        (0, 1_700_000_000, True),
        (3, 1_700_000_000, True),
    ]
    assert volume.mounted_by is None
    (wanted,) = volume.wanted
    assert wanted[1] == 32 * 8


def test_the_wanted_range_tells_who_mounts_it() -> None:
    head = captured("ocfs2-heartbeating")
    volume = read_head(head).ocfs2
    assert volume is not None
    offset, length = volume.wanted[0]
    slots = struct.pack("<B3xI", 1, 0) + bytes(8) + struct.pack("<B3xI", 1, 3)
    whole = read_head(head, {offset: slots.ljust(length, b"\0")}).ocfs2
    assert whole is not None
    assert (whole.mounted_by, whole.wanted) == ((0, 3), ())
    short = read_head(head, {offset: slots}).ocfs2  # less than was asked for is no answer
    assert short is not None
    assert short.mounted_by is None


def test_a_heart_that_moved_is_alive() -> None:
    head = bytearray(captured("ocfs2-heartbeating"))
    before = read_head(bytes(head)).ocfs2
    at = head.find(struct.pack("<QB", 1_700_000_000, 3))
    struct.pack_into("<Q", head, at, 1_700_000_002)
    after = read_head(bytes(head)).ocfs2
    assert before is not None
    assert after is not None
    assert after.moved_since(before) == (3,)
    assert before.moved_since(before) == ()
    assert [beat.is_intact for beat in after.beats or ()] == [True, False]  # its checksum is the old one


def ocfs2_of_1_4(*, incompat: int = 0x0010) -> bytes:
    """A volume as ocfs2-tools 1.4 (EL5) made it: no cluster information, slot map of 16-bit numbers."""
    head = bytearray(64 * 4096)

    def inode(block: int, *, size: int = 0, extent: tuple[int, int] | None = None) -> None:
        at = block * 4096
        head[at : at + 8] = b"INODE01\0"
        struct.pack_into("<Q", head, at + 0x20, size)
        if extent:
            struct.pack_into("<HHH", head, at + 0xC0, 0, 243, 1)
            struct.pack_into("<IHBBQ", head, at + 0xD0, 0, extent[1], 0, 0, extent[0])

    def name(at: int, number: int, word: bytes, length: int) -> int:
        struct.pack_into("<QHBB", head, at, number, length, len(word), 1)
        head[at + 12 : at + 12 + len(word)] = word
        return at + length

    super_at = 2 * 4096
    head[super_at : super_at + 6] = b"OCFSV2"
    struct.pack_into("<I", head, super_at + 0x14, 64)
    at = super_at + 0xC0
    struct.pack_into("<I", head, at + 0x20, incompat)
    struct.pack_into("<QQIIH", head, at + 0x28, 5, 6, 12, 12, 4)
    head[at + 0x50 : at + 0x58] = b"old pool"
    head[at + 0x90 : at + 0xA0] = bytes(range(16))
    inode(6, size=4096, extent=(20, 1))
    end = name(20 * 4096, 7, b"slot_map", 24)
    name(end, 8, b"heartbeat", 4096 - 24)
    inode(7, size=4096, extent=(21, 1))
    inode(8, size=4096, extent=(22, 32))
    struct.pack_into("<4H", head, 21 * 4096, 5, 0xFFFF, 9, 0xFFFF)
    return bytes(head)


def test_ocfs2_of_old_tools() -> None:
    head = read_head(ocfs2_of_1_4())
    assert head.kinds == ("ocfs2",)
    volume = head.ocfs2
    assert volume is not None
    assert (volume.label, volume.stack, volume.cluster) == ("old pool", "", "")
    assert volume.uuid == bytes(range(16)).hex().upper()
    assert (volume.mounted_by, volume.beats) == ((5, 9), ())


@pytest.mark.parametrize(("flag", "field"), [(0x0008, "is_local"), (0x0002, "is_heartbeat_device")])
def test_ocfs2_flags(flag: int, field: str) -> None:
    for incompat, is_set in ((0x0010, False), (0x0010 | flag, True)):
        volume = read_head(ocfs2_of_1_4(incompat=incompat)).ocfs2
        assert volume is not None
        assert getattr(volume, field) is is_set


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_blank_is_free(fill: bytes) -> None:
    head = read_head(fill * HEAD_BYTES)
    assert (head.is_blank, head.is_free, head.signatures) == (True, True, ())


def test_bytes_nobody_knows_are_not_called_free() -> None:
    head = read_head(b"application data " * 5000)
    assert (head.signatures, head.is_free) == ((), None)


def test_two_structures_are_both_told() -> None:
    """A partition table written over an old file system: both stand there, both are told."""
    head = bytearray(captured("ext4"))
    table = captured("gpt")
    head[:1024] = table[:1024]
    assert set(read_head(bytes(head)).kinds) == {"gpt", "ext4"}


def md_1_2() -> bytes:
    head = bytearray(8192)
    struct.pack_into("<II", head, 4096, 0xA92B4EFC, 1)
    head[4096 + 16 : 4096 + 32] = bytes(range(16))
    head[4096 + 32 : 4096 + 39] = b"host:r0"
    return bytes(head)


def zfs() -> bytes:
    head = bytearray(256 * 1024)
    struct.pack_into("<Q", head, 128 * 1024, 0x00BAB10C)
    pair = b"\0\0\0\x20\0\0\0\x20\0\0\0\x04name\0\0\0\x09\0\0\0\x01\0\0\0\x04tank"
    guid = b"\0\0\0\x24\0\0\0\x20\0\0\0\x09pool_guid\0\0\0\0\0\0\x08\0\0\0\x01" + (1234567890123).to_bytes(
        8, "big"
    )
    head[16 * 1024 : 16 * 1024 + len(pair + guid)] = pair + guid
    return bytes(head)


def asm() -> bytes:
    head = bytearray(4096)
    head[32:45] = b"ORCLDISKDATA1"
    return bytes(head)


@pytest.mark.parametrize(
    ("head", "kind", "label", "uuid"),
    [
        (md_1_2(), "linux_raid_member", "host:r0", "00010203:04050607:08090a0b:0c0d0e0f"),
        (zfs(), "zfs_member", "tank", "1234567890123"),
        (asm(), "oracleasm", "DATA1", ""),
    ],
    ids=["md", "zfs", "asm"],
)
def test_structures_no_tool_here_can_make(head: bytes, kind: str, label: str, uuid: str) -> None:
    (found,) = read_head(head).signatures
    assert (found.kind, found.label, found.uuid) == (kind, label, uuid)


def test_labels_are_inert() -> None:
    head = bytearray(captured("ext4"))
    head[1024 + 0x78 : 1024 + 0x88] = b"\x1b]0;x\x07[red]\xff\xfe\0zz"
    (found,) = read_head(bytes(head)).signatures
    assert found.label.isprintable()
    assert "zz" not in found.label


_REAL = [captured(name) for name in EXPECTED]


@examples(150)
@given(
    which=st.integers(0, len(_REAL) - 1),
    bites=st.lists(st.tuples(st.integers(0, 300_000), st.binary(min_size=1, max_size=16)), max_size=12),
    cut=st.integers(0, HEAD_BYTES),
)
def test_hostile_heads_neither_crash_nor_hang(which: int, bites: list[tuple[int, bytes]], cut: int) -> None:
    head = bytearray(_REAL[which][:cut])
    for at, bite in bites:
        head[at : at + len(bite)] = bite
    found = read_head(bytes(head))
    assert len(found.signatures) < 20
    for one in found.signatures:
        assert one.label.isprintable()
        assert len(one.label) <= 128
    if found.ocfs2 is not None:
        assert len(found.ocfs2.wanted) <= 8


@examples(60)
@given(at=st.integers(0x2000, 0x2000 + 0x200), value=st.binary(min_size=8, max_size=8))
def test_lying_ocfs2_superblocks(at: int, value: bytes) -> None:
    head = bytearray(captured("ocfs2-heartbeating"))
    head[at : at + 8] = value
    volume = read_head(bytes(head)).ocfs2
    assert volume is None or isinstance(volume, Ocfs2Volume)
    for offset, length in () if volume is None else volume.wanted:
        range_look("/dev/sda", [(offset, length)])  # whatever it wants, the command stays well-formed


def test_decode_refuses_what_is_no_disk() -> None:
    for text in ("", "   \n", "dd: failed to open", "aGVsbG8=", "\x1b[31m", "é" * 100):
        with pytest.raises(ValueError, match=r"bytes"):
            decode_bytes(text)


def test_decode_stops_a_bomb() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(64 * 2**20))).decode()
    assert len(decode_bytes(bomb)) == MAX_HELD


def test_a_cut_answer_gives_what_came() -> None:
    packed = gzip.compress(captured("ext4"))
    text = base64.b64encode(packed[: len(packed) // 2 // 3 * 3]).decode()
    assert read_head(decode_bytes(text)).kinds == ("ext4",)


def test_commands_read_exactly_the_bytes(tmp_path: Path) -> None:
    """What the shell really sends back, with a plain file in the device's place."""
    disk = tmp_path / "disk"
    disk.write_bytes(captured("ext4") + b"tail" * 1000)
    for command, start, length in (
        (head_look("/dev/sdb")["head"], 0, HEAD_BYTES),
        (range_look("/dev/sdb", [(1080, 2)])["at-1024"], 1024, 512),
    ):
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("/dev/sdb", str(disk))],
            capture_output=True,
            text=True,
            check=True,
        )
        assert decode_bytes(done.stdout) == disk.read_bytes()[start : start + length]


@pytest.mark.parametrize("device", ["sdb", "/dev/sd b", "/dev/../etc/shadow", "/dev/sda;reboot", "/dev/$(x)"])
def test_only_devices_are_read(device: str) -> None:
    with pytest.raises(ValueError, match="not a device"):
        head_look(device)


def test_window_holds_only_what_is_there() -> None:
    window = Window(b"abcdefgh", {100: b"0123456789"})
    assert (window.at(6, 2), window.at(7, 2), window.at(102, 3)) == (b"gh", b"", b"234")
    assert (window.some(6, 99), window.some(50, 1), window.some(-1, 2)) == (b"gh", b"", b"")
    assert (window.u32(0), window.u64(100), window.u16(109)) == (0x64636261, 0x3736353433323130, 0)
    assert window.has(100, 10)
    assert not window.has(100, 11)


def test_checksum_is_the_kernels() -> None:
    """o2hb: crc32_le with start 0 and no final inversion, over the block with its checksum zero."""
    block = struct.pack("<QB3xIQI", 1_700_000_000, 3, 0, 0x1122334455667788 + 3, 62000).ljust(512, b"\0")
    head = captured("ocfs2-heartbeating")
    at = head.find(struct.pack("<QB", 1_700_000_000, 3))
    assert struct.unpack_from("<I", head, at + 12)[0] == zlib.crc32(block, 0xFFFFFFFF) ^ 0xFFFFFFFF
