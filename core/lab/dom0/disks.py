"""Block devices of a lab server made from its LUNs: paths, multipath maps, sizes and the first bytes on them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.lab import view
from core.lab.world import LabLun, LabServer, World

OCFS2_BLOCK = 4096
OCFS2_SUPER_AT = 2 * OCFS2_BLOCK  # the superblock lies in the third block
PARTITIONS = ((1, 500 * 2**20), (2, 50 * 2**30), (3, 8 * 2**30))  # boot, root, swap of the local disk


@dataclass(frozen=True, slots=True)
class Device:
    """One block device: a disk (one path of a LUN), a partition, or a multipath map."""

    name: str  # sda, sda1, dm-0
    kind: str  # disk, part, mpath
    lun: LabLun
    size_bytes: int
    number: tuple[int, int]
    hctl: str = ""
    parent: str = ""
    mapper: str = ""  # name below /dev/mapper

    @property
    def path(self) -> str:
        return f"/dev/mapper/{self.mapper}" if self.mapper else f"/dev/{self.name}"


def devices(world: World, server: LabServer) -> list[Device]:
    """All block devices in the kernel's order: disks with partitions, then maps."""
    if view.is_sparc(server):
        return []
    found: list[Device] = []
    maps: list[Device] = []
    letter = 0
    for lun in view.luns_of(world, server):
        if lun.is_offline:
            continue
        is_local = lun.local_to is not None
        names = []
        for path in range(1 if is_local else lun.paths):
            name = disk_name(letter)
            host = 0 if is_local else 1 + path % 2
            hctl = f"{host}:{2 if is_local else 0}:{path // 2}:{0 if is_local else _lun_number(world, lun)}"
            found.append(
                Device(name, "disk", lun, lun.size_bytes, (8 + letter // 16, letter % 16 * 16), hctl)
            )
            names.append(name)
            if is_local:
                found += [
                    Device(f"{name}{part}", "part", lun, size, (8, part), parent=name)
                    for part, size in PARTITIONS
                ]
            letter += 1
        if not is_local:
            number = len(maps)
            alias = lun.page83
            if server.name in str(world.switches.extra.get("friendly_names", "")):
                alias = f"mpath{chr(ord('a') + number)}"
            maps.append(
                Device(
                    f"dm-{number}",
                    "mpath",
                    lun,
                    lun.size_bytes,
                    (252, number),
                    parent=",".join(names),
                    mapper=alias,
                )
            )
    if server.is_cluster_online and (server.poolfs or {}).get("type") == "nfs":
        lun = LabLun("", "ovspoolfs", "", 10 * 2**30, content="poolfs", cluster=server.cluster or "")
        maps.append(
            Device(f"dm-{len(maps)}", "mpath", lun, lun.size_bytes, (252, len(maps)), mapper="ovspoolfs")
        )
    return found + maps


def find(world: World, server: LabServer, path: str) -> Device | None:
    """The device behind /dev/sdX, /dev/dm-N, /dev/mapper/NAME, /dev/disk/by-id/... or /dev/ovm-style links."""
    name = path.removeprefix("/dev/")
    for item in devices(world, server):
        names = {item.name, f"mapper/{item.mapper}" if item.mapper else item.name}
        if item.kind == "mpath":
            names |= {
                f"disk/by-id/{prefix}-{item.lun.page83}" for prefix in ("dm-name", "scsi", "dm-uuid-mpath")
            }
        if name in names or (
            item.kind == "disk" and item.lun.local_to and name == f"disk/by-id/scsi-{item.lun.page83}"
        ):
            return item
    return None


def disk_name(index: int) -> str:
    """sda ... sdz, sdaa ..."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("a") + rest) + name
    return f"sd{name}"


def signature(device: Device) -> str:
    """What lies on a device: ocfs2, LVM2_member, gpt, dos, ext4, swap, or nothing."""
    if device.kind == "part":
        return "swap" if device.name.endswith("3") else "ext4"
    kinds = {
        "poolfs": "ocfs2",
        "ocfs2": "ocfs2",
        "lvm": "LVM2_member",
        "gpt": "gpt",
        "dos": "dos",
        "mbr": "dos",
    }
    return kinds.get(device.lun.content, device.lun.content)


def volume_uuid(lun: LabLun) -> str:
    """The OCFS2 volume's uuid: dashed as blkid shows it."""
    raw = (lun.page83 + lun.cluster).encode().hex().rjust(32, "0")[-32:]
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def head_bytes(device: Device) -> bytes:
    """The first 64 KiB as they would be read: zeros with the structures of what lies there."""
    data = bytearray(65536)
    kind = signature(device)
    if kind == "ocfs2":
        data[OCFS2_SUPER_AT : OCFS2_SUPER_AT + OCFS2_BLOCK] = ocfs2_superblock(device.lun)
    elif kind == "LVM2_member":
        data[512:520] = b"LABELONE"
        data[536:544] = b"LVM2 001"
    elif kind in ("gpt", "dos"):
        data[510:512] = b"\x55\xaa"
        data[450] = 0xEE if kind == "gpt" else 0x83
        if kind == "gpt":
            data[512:520] = b"EFI PART"
    elif kind == "ext4":
        data[1024 + 56 : 1024 + 58] = b"\x53\xef"
    return bytes(data)


def ocfs2_superblock(lun: LabLun) -> bytes:
    """A block that blkid, mounted.ocfs2 and strings would read as an OCFS2 superblock with its cluster's name."""
    block = bytearray(OCFS2_BLOCK)
    block[0:6] = b"OCFSV2"
    start = 0xC0  # id2.i_super
    struct.pack_into("<HH", block, start, 0, 90)
    struct.pack_into("<II", block, start + 0x20, 0x3D50 | (0x80 if lun.cluster else 0), 0x1)
    struct.pack_into("<QQ", block, start + 0x28, 5, 6)
    struct.pack_into("<II", block, start + 0x38, 12, 20)
    struct.pack_into("<H", block, start + 0x40, 32)
    label = (lun.label or ("OVS_POOLFS" if lun.content == "poolfs" else "")).encode()[:64]
    block[start + 0x50 : start + 0x50 + len(label)] = label
    block[start + 0x90 : start + 0xA0] = bytes.fromhex(volume_uuid(lun).replace("-", ""))
    if lun.cluster:
        name = lun.cluster.encode()[:16]
        block[start + 0xA0 : start + 0xA4] = b"o2cb"
        block[start + 0xA4] = 1  # global heartbeat
        block[start + 0xA8 : start + 0xA8 + len(name)] = name
    return bytes(block)


def _lun_number(world: World, lun: LabLun) -> int:
    shared = [item for item in world.luns.values() if item.local_to is None]
    return shared.index(lun) + 1 if lun in shared else 0
