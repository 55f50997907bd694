"""Plain files that Debian's own tools formatted: what lies on them is known because we asked for it."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

UUID = "6f1c9a52-5b1e-4d0c-9f7e-2b8a4c3d1e0f"
_LVM = "backup { backup=0 archive=0 } devices { use_devicesfile=0 } global { use_lvmpolld=0 }"


@dataclass(frozen=True, slots=True)
class Maker:
    """One way to format a file. `{}` in a command stands for the file; `stdin` goes to the last command."""

    name: str
    size: str
    commands: tuple[tuple[str, ...], ...]
    kind: str
    label: str = ""
    uuid: str = ""
    stdin: str = ""
    needs_loop: bool = False

    def why_not(self) -> str:
        """Why it cannot be made here, "" when it can."""
        for command in self.commands:
            if shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin") is None:
                return f"{command[0]} is not installed"
        if self.needs_loop and (os.geteuid() != 0 or not Path("/dev/loop-control").exists()):
            return "needs root and loop devices"
        return ""

    def make(self, folder: Path) -> Path:
        """The formatted file."""
        file = folder / self.name
        file.unlink(missing_ok=True)
        _run(("truncate", "-s", self.size, str(file)))
        if self.needs_loop:
            with_loop(file, self.commands)
            return file
        for command in self.commands:
            _run([word.replace("{}", str(file)) for word in command], self.stdin)
        return file


def _run(command: Sequence[str], stdin: str = "") -> str:
    path = f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, env={"PATH": path, "LC_ALL": "C"}
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def with_loop(file: Path, commands: Iterable[Sequence[str]]) -> None:
    """Run commands on a loop device of the file; it goes away by itself once nobody holds it, also after a crash."""
    device = _run(("losetup", "-f", "--show", str(file))).strip()
    held = os.open(device, os.O_RDONLY)
    try:
        _run(("losetup", "-d", device))  # from now on the kernel detaches it at the last close
        for command in commands:
            _run([word.replace("{}", device) for word in command])
    finally:
        os.close(held)
        with suppress(RuntimeError):
            _run(("sync", str(file)))


def make_ocfs2(
    file: Path, *, size: str = "300M", slots: int = 32, block: str = "4K", label: str = "OVS_pool"
) -> Path:
    """An OCFS2 volume as Oracle VM makes a pool file system: o2cb, global heartbeat, cluster 0004fb0000050000."""
    file.unlink(missing_ok=True)
    _run(("truncate", "-s", size, str(file)))
    _run(
        (
            *("mkfs.ocfs2", "--cluster-stack=o2cb", "--cluster-name=0004fb0000050000", "--global-heartbeat"),
            *(
                "-N",
                str(slots),
                "-b",
                block,
                "-C",
                "4K",
                "-J",
                "size=4M",
                "-L",
                label,
                "-U",
                UUID,
                "-F",
                str(file),
            ),
        )
    )
    return file


def forge_ocfs2(file: Path, nodes: Sequence[int], *, at_s: int | None = None, block: int = 4096) -> None:
    """Mark nodes as mounted and heartbeating, byte for byte as the kernel does."""
    with file.open("r+b") as out:
        out.seek(_first_block(file, "slot_map") * block)
        out.write(b"".join(struct.pack("<B3xI", 1, node) for node in nodes).ljust(32 * 8, b"\0"))
        for node in nodes:
            seconds = int(time.time()) if at_s is None else at_s
            beat = struct.pack("<QB3xIQI", seconds, node, 0, 0x1122334455667788 + node, 62000).ljust(
                512, b"\0"
            )
            check = zlib.crc32(beat, 0xFFFFFFFF) ^ 0xFFFFFFFF
            out.seek(_first_block(file, "heartbeat") * block + 512 * node)
            out.write(beat[:12] + struct.pack("<I", check) + beat[16:])


def _first_block(file: Path, name: str) -> int:
    told = _run(("debugfs.ocfs2", "-R", f"stat //{name}", str(file)))
    return int(told.strip().splitlines()[-1].split()[3])


def _one(
    name: str, size: str, command: str, kind: str, label: str = "", uuid: str = "", **more: object
) -> Maker:
    return Maker(name, size, (tuple(command.split()),), kind, label, uuid, **more)  # type: ignore[arg-type]


MAKERS: tuple[Maker, ...] = (
    _one("ext2", "8M", f"mkfs.ext2 -q -F -L lab-ext2 -U {UUID} {{}}", "ext2", "lab-ext2", UUID),
    _one("ext3", "16M", f"mkfs.ext3 -q -F -L lab-ext3 -U {UUID} {{}}", "ext3", "lab-ext3", UUID),
    _one("ext4", "16M", f"mkfs.ext4 -q -F -L lab-ext4 -U {UUID} {{}}", "ext4", "lab-ext4", UUID),
    _one("ext4-1k", "16M", f"mkfs.ext4 -q -F -b 1024 -L lab-1k -U {UUID} {{}}", "ext4", "lab-1k", UUID),
    _one("xfs", "320M", f"mkfs.xfs -q -L lab-xfs -m uuid={UUID} {{}}", "xfs", "lab-xfs", UUID),
    _one("btrfs", "128M", f"mkfs.btrfs -q -L lab-btrfs -U {UUID} {{}}", "btrfs", "lab-btrfs", UUID),
    _one("swap", "4M", f"mkswap -L lab-swap -U {UUID} {{}}", "swap", "lab-swap", UUID),
    _one("swap-64k", "4M", f"mkswap -p 65536 -L lab-64k -U {UUID} {{}}", "swap", "lab-64k", UUID),
    Maker(
        "lvm", "64M",
        (("pvcreate", "--config", _LVM, "-ff", "-y", "{}"), ("vgcreate", "--config", _LVM, "lab_vg.0", "{}")),
        "LVM2_member", "lab_vg.0", needs_loop=True,
    ),
    Maker("pv", "64M", (("pvcreate", "--config", _LVM, "-ff", "-y", "{}"),), "LVM2_member", needs_loop=True),
    _one("gpt", "8M", f"sgdisk -o -U {UUID} -n 1:0:0 {{}}", "gpt", "", UUID),
    _one("gpt-empty", "8M", f"sgdisk -o -U {UUID} {{}}", "gpt", "", UUID),
    _one("dos", "8M", "sfdisk -q {}", "dos", "", "1a2b3c4d", stdin="label: dos\nlabel-id: 0x1a2b3c4d\n,4M,83\n"),
    _one(
        "luks1", "20M",
        f"cryptsetup luksFormat --type luks1 --uuid {UUID} --batch-mode --pbkdf-force-iterations 1000 {{}} -",
        "crypto_LUKS", "", UUID, stdin="lab",
    ),
    _one(
        "luks2", "20M",
        f"cryptsetup luksFormat --type luks2 --label lab-luks --uuid {UUID} --batch-mode --pbkdf pbkdf2"
        " --pbkdf-force-iterations 1000 {} -",
        "crypto_LUKS", "lab-luks", UUID, stdin="lab",
    ),
    _one("ntfs", "16M", "mkntfs -q -Q -F -L lab-ntfs {}", "ntfs", "lab-ntfs"),
    _one("vfat-12", "4M", "mkfs.vfat -F 12 -n LABFAT12 -i 1234abcd {}", "vfat", "LABFAT12", "1234-ABCD"),
    _one("vfat-16", "16M", "mkfs.vfat -F 16 -n LABFAT16 -i 1234abcd {}", "vfat", "LABFAT16", "1234-ABCD"),
    _one("vfat-32", "64M", "mkfs.vfat -F 32 -n LABFAT32 -i 1234abcd {}", "vfat", "LABFAT32", "1234-ABCD"),
    _one("exfat", "16M", "mkfs.exfat {}", "exfat"),
    _one("iso", "0", "genisoimage -quiet -V LAB_ISO -o {} /etc/hostname", "iso9660", "LAB_ISO"),
    _one("udf", "16M", "mkudffs {}", "udf"),
    _one("gfs2", "64M", "mkfs.gfs2 -q -O -p lock_dlm -t lab:gfs -j 1 -J 8 -o align=0 {}", "gfs2", "lab:gfs"),
    _one("jfs", "32M", "mkfs.jfs -q {}", "jfs"),
    _one("reiserfs", "40M", "mkfs.reiserfs -q -f -f {}", "reiserfs"),
    _one("f2fs", "64M", "mkfs.f2fs -q {}", "f2fs"),
    _one("nilfs2", "160M", "mkfs.nilfs2 -q {}", "nilfs2"),
    _one("squashfs", "0", "mksquashfs /etc/hostname {} -quiet -noappend -no-progress", "squashfs"),
    _one("erofs", "0", "mkfs.erofs --quiet {} /etc/apt", "erofs"),
    _one("minix", "4M", "mkfs.minix {}", "minix"),
    _one("minix-3", "4M", "mkfs.minix -3 {}", "minix"),
    _one("cramfs", "0", "mkfs.cramfs /etc/apt {}", "cramfs"),
    _one("bfs", "4M", "mkfs.bfs {}", "bfs"),
    _one("hfs", "4M", "hformat {}", "hfs"),
    _one("bcache", "16M", "make-bcache -B {}", "bcache", needs_loop=True),
)  # fmt: skip
