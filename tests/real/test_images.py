"""The superblock reader against images that Debian's own mkfs tools made; blkid is the second witness."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.facts.ocfs2 import Ocfs2Volume
from core.facts.superblock import HEAD_BYTES, DeviceHead, read_head
from tests.real.disks import MAKERS, UUID, Maker, forge_ocfs2, make_ocfs2

pytestmark = pytest.mark.real
_OURS_ALONE = {
    "bcache",
    "cramfs",
    "gfs2",
    "minix",
    "minix-3",
    "bfs",
}  # blkid words these otherwise, or not at all
needs_ocfs2 = pytest.mark.skipif(
    shutil.which("mkfs.ocfs2", path="/sbin:/usr/sbin:/bin:/usr/bin") is None,
    reason="mkfs.ocfs2 is not installed",
)


def head_of(file: Path) -> DeviceHead:
    with file.open("rb") as read:
        return read_head(read.read(HEAD_BYTES))


def volume_of(file: Path) -> Ocfs2Volume:
    """The volume after further looks at what the first one wanted."""
    more: dict[int, bytes] = {}
    with file.open("rb") as read:
        head = read.read(HEAD_BYTES)
        volume = read_head(head).ocfs2
        assert volume is not None
        while volume.wanted and not set(more) >= {offset for offset, _ in volume.wanted}:
            for offset, length in volume.wanted:
                read.seek(offset)
                more[offset] = read.read(length)
            volume = read_head(head, more).ocfs2
            assert volume is not None
    return volume


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_every_file_system_of_debian_is_recognised(maker: Maker, tmp_path: Path) -> None:
    if maker.why_not():
        pytest.skip(maker.why_not())
    file = maker.make(tmp_path)
    head = head_of(file)
    (found,) = head.signatures
    assert (found.kind, found.label) == (maker.kind, maker.label)
    assert not maker.uuid or found.uuid == maker.uuid
    assert head.is_free is False
    told = subprocess.run(
        ["/sbin/blkid", "-p", "-o", "export", str(file)], capture_output=True, text=True, check=False
    )
    words = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    if maker.name not in _OURS_ALONE:
        assert found.kind == words.get("TYPE", words.get("PTTYPE"))
    if "UUID" in words and found.uuid:
        assert found.uuid == words["UUID"]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.name)
def test_a_wiped_image_is_recognised_no_longer(maker: Maker, tmp_path: Path) -> None:
    if maker.why_not():
        pytest.skip(maker.why_not())
    file = maker.make(tmp_path)
    with file.open("r+b") as out:
        out.write(bytes(min(HEAD_BYTES, file.stat().st_size)))
    assert head_of(file).is_free is True


@needs_ocfs2
@pytest.mark.parametrize(("block", "slots"), [("4K", 32), ("512", 2), ("1K", 4), ("2K", 8), ("4K", 255)])
def test_ocfs2_with_stack_cluster_and_global_heartbeat(block: str, slots: int, tmp_path: Path) -> None:
    file = make_ocfs2(tmp_path / "pool.img", block=block, slots=slots, size="1200M" if slots > 32 else "300M")
    volume = volume_of(file)
    assert (volume.label, volume.uuid) == ("OVS_pool", UUID.replace("-", "").upper())
    assert (volume.stack, volume.cluster, volume.is_global_heartbeat) == ("o2cb", "0004fb0000050000", True)
    assert (volume.max_slots, volume.is_local) == (slots, False)
    assert volume.block_size == {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}[block]
    assert volume.size_bytes == file.stat().st_size
    assert (volume.mounted_by, volume.beats, volume.wanted) == ((), (), ())
    (found,) = head_of(file).signatures
    assert found.kind == "ocfs2"


@needs_ocfs2
def test_ocfs2_marked_mounted_and_heartbeating(tmp_path: Path) -> None:
    file = make_ocfs2(tmp_path / "pool.img")
    forge_ocfs2(file, [0, 3, 17], at_s=1_700_000_000)
    volume = volume_of(file)
    assert volume.mounted_by == (0, 3, 17)
    assert [(beat.node, beat.sequence, beat.dead_ms, beat.is_intact) for beat in volume.beats or ()] == [
        (node, 1_700_000_000, 62000, True) for node in (0, 3, 17)
    ]
    told = subprocess.run(
        ["mounted.ocfs2", "-f", str(file)], capture_output=True, text=True, check=False
    ).stdout
    assert all(f" {node}" in told for node in (0, 3, 17)), told
    forge_ocfs2(file, [3], at_s=1_700_000_002)
    assert volume_of(file).moved_since(volume) == (3,)


@needs_ocfs2
def test_heartbeat_blocks_lie_within_the_head(tmp_path: Path) -> None:
    """One read tells who is alive; the slot map of a large volume needs a second, small one."""
    file = make_ocfs2(tmp_path / "pool.img", size="12G")
    forge_ocfs2(file, [1], at_s=1_700_000_000)
    volume = head_of(file).ocfs2
    assert volume is not None
    assert [beat.node for beat in volume.beats or ()] == [1]
    assert volume.mounted_by is None
    assert sum(length for _, length in volume.wanted) < 4096


@needs_ocfs2
def test_a_file_system_of_one_node_says_so(tmp_path: Path) -> None:
    file = tmp_path / "local.img"
    subprocess.run(["truncate", "-s", "64M", str(file)], check=True)
    subprocess.run(
        ["mkfs.ocfs2", "-M", "local", "-L", "alone", "-F", str(file)], capture_output=True, check=True
    )
    volume = volume_of(file)
    assert (volume.is_local, volume.stack, volume.cluster, volume.label) == (True, "", "", "alone")
