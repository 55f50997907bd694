"""The pool's LUN by its own first bytes: heads captured from real volumes, beside and instead of a server's tools."""

from __future__ import annotations

import base64
import gzip
import struct
from pathlib import Path
from typing import Any

import pytest

from core.facts.batch import Section
from core.facts.looks import LunLook
from core.facts.superblock import HEAD_BYTES, decode_bytes
from core.platforms.oracle_vm.probes import lun

HEADS = Path(__file__).parents[2] / "fixtures/disk-heads"
DEVICE = "/dev/mapper/360a98000a648a7dd06839eb905b6e6e3"
NOT_THERE = ("sh: not found", 127)
NO_TOOLS: dict[str, Any] = dict.fromkeys(("blkid", "wipefs", "ocfs2", "users", "pvs"), NOT_THERE)
SEEN = LunLook(wwid="360a98000a648a7dd06839eb905b6e6e3", is_seen=True, device=DEVICE)
NOTHING: dict[str, Any] = {
    "blkid": ("", 2),
    "wipefs": "",
    "ocfs2": "",
    "users": "",
    "pvs": "",
    "children": "",
}


def sections(given: dict[str, Any]) -> dict[str, Section]:
    found = {}
    for name, value in given.items():
        text, status = value if isinstance(value, tuple) else (value, 0)
        found[name] = Section(name, name, status, text)
    return found


def packed(data: bytes) -> str:
    same_in_every_process = gzip.compress(data, mtime=0)  # it is in the names of tests
    return base64.encodebytes(same_in_every_process).decode()


def captured(name: str) -> str:
    return (HEADS / f"{name}.txt").read_text("ascii")


def read(given: dict[str, Any]) -> LunLook:
    told = sections(given)
    return lun.read_lun(SEEN, lun.head_of(told.get("head")), told, (), ())


def test_a_volume_is_told_whole_without_any_tool() -> None:
    look = read({**NO_TOOLS, "head": captured("ocfs2-heartbeating"), "children": ""})
    assert (look.signatures, look.cluster, look.is_blank) == (("ocfs2",), "0004fb0000050000", False)
    assert look.volume is not None
    assert (look.volume.stack, look.volume.label) == ("o2cb", "OVS_pool")
    assert look.content_id == look.volume.uuid
    assert len(look.content_id) == 32


def test_the_bytes_win_over_what_a_tool_says_of_cluster_and_id() -> None:
    lying = {"blkid": f'{DEVICE}: LABEL="elsewhere" TYPE="ocfs2"', "wipefs": "", "children": ""}
    assert read({**lying, "head": captured("ocfs2-heartbeating")}).cluster == "0004fb0000050000"
    assert read(lying).cluster == "elsewhere"


@pytest.mark.parametrize("name", ["ext4", "xfs", "lvm", "gpt", "dos", "btrfs", "swap"])
def test_other_signatures(name: str) -> None:
    look = read({**NO_TOOLS, "head": captured(name), "children": ""})
    kind = {"lvm": "LVM2_member"}.get(name, name)
    assert look.signatures == (kind,)
    assert look.volume is None
    both = read({**NOTHING, "wipefs": f"sda 0x438 {kind} x\nsda 0x7 zfs_member y\n", "head": captured(name)})
    assert both.signatures == (kind, "zfs_member"), "what stands at the disk's end is the tools' to tell"


def test_an_empty_lun_is_empty_also_where_no_tool_is() -> None:
    empty = packed(bytes(HEAD_BYTES))
    for tools in (NOTHING, {**NO_TOOLS, "children": ""}):
        look = read({**tools, "head": empty})
        assert (look.signatures, look.holders, look.is_blank) == ((), (), True)


def test_bytes_that_nobody_knows_are_not_called_empty() -> None:
    raw = packed(b"payroll " * (HEAD_BYTES // 8))
    assert (read({**NOTHING, "head": raw}).signatures, read({**NOTHING, "head": raw}).is_blank) == ((), False)
    assert read({**NO_TOOLS, "head": raw}).signatures is None


@pytest.mark.parametrize(
    "head", ["", "sh: base64: not found", "!!!!", "\x1b[2J", packed(b""), packed(b"")[:9]]
)
def test_without_the_bytes_the_tools_speak_alone(head: str) -> None:
    look = read({**NOTHING, "blkid": f'{DEVICE}: TYPE="ext4"', "head": head})
    assert (look.signatures, look.is_blank, look.content_id) == (("ext4",), None, "")


def test_half_a_head_proves_nothing_empty() -> None:
    look = read({**NO_TOOLS, "children": "", "head": packed(bytes(HEAD_BYTES // 2))})
    assert (look.signatures, look.is_blank) == (None, None)


def test_the_second_look_tells_who_mounts_it_and_who_is_alive() -> None:
    head = decode_bytes(captured("ocfs2-heartbeating"))
    first = lun.head_of(sections({"head": packed(head)})["head"])
    assert first is not None
    look = read({**NO_TOOLS, "head": packed(head), "children": ""})
    commands = lun.second_look(DEVICE, first)
    (at,) = (name for name in commands if "at-" in name)
    assert set(commands) == {f"{lun.AGAIN}head", at}
    assert all(DEVICE in command for command in commands.values())
    beats = bytearray(head)  # node 3 beats on
    place = head.find(struct.pack("<QB", 1_700_000_000, 3))
    beats[place : place + 8] = struct.pack("<Q", 1_700_000_002)
    slots = b"".join(struct.pack("<B3xI", 1, node) for node in (0, 3)).ljust(512, b"\0")
    again = sections({f"{lun.AGAIN}head": packed(bytes(beats)), at: packed(slots)})
    told = lun.read_again(look, first, again)
    assert told.volume is not None
    assert (told.volume.mounted_by, told.volume.alive) == ((0, 3), (3,))
    assert told.holders == (
        "mounted by cluster node 0",
        "mounted by cluster node 3",
        "heartbeat of cluster node 3 moves",
    )


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"again.head": "hostile"},
        {"again.head": packed(bytes(HEAD_BYTES))},
        {"again.head": captured("ext4")},
    ],
)
def test_a_second_look_that_fails_takes_nothing_away(again: dict[str, Any]) -> None:
    told = sections({"head": captured("ocfs2-heartbeating")})
    first = lun.head_of(told["head"])
    assert first is not None
    look = read({**NOTHING, "head": captured("ocfs2-heartbeating")})
    assert lun.read_again(look, first, sections(again)) == look


def test_only_ocfs2_is_looked_at_twice() -> None:
    assert lun.second_look(DEVICE, None) == {}
    assert lun.second_look(DEVICE, lun.head_of(sections({"head": captured("ext4")})["head"])) == {}
