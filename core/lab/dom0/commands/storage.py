"""Disks and file systems: mount, df, lsblk, blkid, multipath, scsi_id, dd, iSCSI."""

from __future__ import annotations

import re

from core.lab import view
from core.lab.dom0 import disks
from core.lab.dom0.command import Command, command
from core.lab.operations import pause

DD_MAX_BYTES = 64 * 2**20


@command("mount")
async def mount(c: Command) -> int:
    takes = "toF" if c.shell.is_solaris else "to"
    options, rest = c.options(takes)
    kind = options.get("t") or options.get("F")
    if len(rest) >= 2:
        return await _mount_nfs(c, rest[0], rest[1], options.get("o", ""))
    for item in view.all_mounts(c.world, c.server):
        if item["kind"] in ("rootfs", "configfs", "xenfs") or (kind and item["kind"] != kind):
            continue
        if c.shell.is_solaris:
            c.print(
                f"{item['path']} on {item['device']} {item['options'].replace(',', '/')} on Sun Nov 15 09:00:00 2026"
            )
        else:
            c.print(f"{item['device']} on {item['path']} type {item['kind']} ({item['options']})")
    return 0


async def _mount_nfs(c: Command, source: str, where: str, options: str) -> int:
    path = c.path(where)
    found = view.export_by(c.world, source)
    if not c.vfs.exists(path):
        return c.say(f"mount.nfs: mount point {where} does not exist", 32)
    if ":" not in source:
        return c.say(f"mount: special device {source} does not exist", 32)
    host, _, folder = source.partition(":")
    addresses = view.resolve(c.world, c.server, host)
    if not addresses:
        return c.say(f"mount.nfs: Failed to resolve server {host}: Name or service not known", 32)
    nas = view.nas_by(c.world, addresses[0])
    if nas is None or not nas.is_up:
        await pause(c.world, 15.0 if "soft" in options else 120.0)
        return c.say("mount.nfs: Connection timed out", 32)
    if found is None:
        found = next(((nas, item) for item in nas.exports if item.path == folder), None)
    if found is None or not view.sees_export(c.server, found[1]):
        reason = "access denied by server while mounting" if found else "mounting"
        tail = "" if found else " failed, reason given by server: No such file or directory"
        return c.say(f"mount.nfs: {reason} {source}{tail}", 32)
    version = "3" if 3 in nas.versions and not c.shell.is_solaris else "4"
    made = f"{options or 'rw'},vers={version},addr={nas.address}"
    c.server.mounts.append(
        {"device": source, "path": path, "kind": "nfs" if version == "3" else "nfs4", "options": made}
    )
    return 0


@command("umount")
def umount(c: Command) -> int:
    _, rest = c.options("t")
    status = 0
    for word in rest:
        path = c.path(word)
        kept = [item for item in c.server.mounts if item["path"] != path and item["device"] != word]
        if len(kept) == len(c.server.mounts):
            status = c.say(f"umount: {word}: not mounted")
        c.server.mounts[:] = kept
    return status


@command("findmnt", solaris=False)
def findmnt(c: Command) -> int:
    options, rest = c.options("to")
    c.print("TARGET SOURCE FSTYPE OPTIONS")
    for item in view.all_mounts(c.world, c.server):
        if (not options.get("t") or item["kind"] == options["t"]) and (not rest or item["path"] in rest):
            c.print(f"{item['path']} {item['device']} {item['kind']} {item['options']}")
    return 0


@command("df")
def df(c: Command) -> int:
    options, rest = c.options("tB" if not c.shell.is_solaris else "F")
    block = (
        1
        if options.get("B") == "1" or options.get("block-size") == "1"
        else 1048576
        if "m" in options
        else 1024
    )
    rows = []
    for item in view.all_mounts(c.world, c.server):
        size = _sizes(c, item)
        if size and (not options.get("t") or item["kind"] == options["t"]):
            rows.append((item["device"], *size, item["path"], item["kind"]))
    if rest:
        rows = [row for word in rest for row in [_holding(c, rows, word)] if row is not None]
        missing = [word for word in rest if not c.vfs.exists(c.path(word)) and not word.startswith("/dev/")]
        if missing:
            return c.say(f"df: `{missing[0]}': No such file or directory")
    head = {1: "1-blocks", 1024: "1024-blocks" if "P" in options else "1K-blocks", 1048576: "1M-blocks"}[
        block
    ]
    kind = "Type    " if "T" in options else ""
    used_head = "Capacity" if "P" in options else "Use%"
    c.print(f"Filesystem     {kind}{head:>14} {'Used':>13} {'Available':>13} {used_head:>8} Mounted on")
    for device, total, free, path, kind in rows:
        used = total - free
        shown = f"{kind:<8}" if "T" in options else ""
        percent = -(-100 * used // total) if total else 0
        c.print(
            f"{device:<14} {shown}{total // block:>14} {used // block:>13} {free // block:>13} {percent:>7}% {path}"
        )
    return 0


def _sizes(c: Command, item: dict[str, str]) -> tuple[int, int] | None:
    if item["kind"] in ("ext3", "ext4", "zfs"):
        return (50 * 2**30, 41 * 2**30) if item["path"] == "/" else (500 * 2**20, 380 * 2**20)
    found = view.export_by(c.world, item["device"])
    if found is not None:
        return found[1].size_bytes, found[1].free_bytes
    device = disks.find(c.world, c.server, item["device"])
    return (device.size_bytes, device.size_bytes * 97 // 100) if device is not None else None


def _holding(
    c: Command, rows: list[tuple[str, int, int, str, str]], word: str
) -> tuple[str, int, int, str, str] | None:
    path = c.path(word)
    inside = [row for row in rows if f"{path}/".startswith(row[3].rstrip("/") + "/") or row[0] == word]
    return max(inside, key=lambda row: len(row[3]), default=None)


@command("lsblk", solaris=False)
def lsblk(c: Command) -> int:
    if view.is_el5(c.server):
        return c.say("bash: lsblk: command not found", 127)
    options, _ = c.options("oI")
    columns = [word.strip().upper() for word in options.get("o", "").split(",") if word.strip()]
    for name in columns:
        if name not in (
            "NAME",
            "TRAN",
            "SIZE",
            "WWN",
            "TYPE",
            "MOUNTPOINT",
            "FSTYPE",
            "MODEL",
            "VENDOR",
            "KNAME",
            "MAJ:MIN",
            "RO",
            "RM",
            "LABEL",
            "UUID",
        ):
            return c.say(f"lsblk: unknown column: {name}")
    columns = columns or ["NAME", "MAJ:MIN", "RM", "SIZE", "RO", "TYPE", "MOUNTPOINT"]
    in_bytes = "b" in options
    if "n" not in options:
        c.print(" ".join(columns))
    mounts = {item["device"]: item["path"] for item in view.all_mounts(c.world, c.server)}
    for item in disks.devices(c.world, c.server):
        transport = {"local": "sas"}.get(item.lun.transport, item.lun.transport)
        values = {
            "NAME": item.mapper or item.name,
            "KNAME": item.name,
            "MAJ:MIN": f"{item.number[0]}:{item.number[1]}",
            "RM": "0",
            "RO": "0",
            "SIZE": str(item.size_bytes) if in_bytes else human(item.size_bytes),
            "TYPE": item.kind,
            "MOUNTPOINT": mounts.get(item.path, ""),
            "TRAN": transport if item.kind == "disk" else "",
            "WWN": f"0x{item.lun.page83[1:17]}" if item.kind == "disk" else "",
            "FSTYPE": disks.signature(item),
            "MODEL": item.lun.product,
            "VENDOR": item.lun.vendor,
            "LABEL": item.lun.label,
            "UUID": "",
        }
        c.print(" ".join(values[name] for name in columns).rstrip())
    return 0


def human(size: int) -> str:
    """Sizes as lsblk and multipath show them: 12G, 558.9G."""
    for unit, scale in (("T", 2**40), ("G", 2**30), ("M", 2**20)):
        if size >= scale:
            return f"{size / scale:.1f}".removesuffix(".0") + unit
    return f"{size}B"


@command("blkid", solaris=False)
def blkid(c: Command) -> int:
    options, rest = c.options("csotL")
    wanted = [path for path in rest if path != "/dev/null"]
    found = (
        [disks.find(c.world, c.server, path) for path in wanted]
        if wanted
        else disks.devices(c.world, c.server)
    )
    shown = 0
    names = wanted or [item.path for item in found if item is not None]
    for path, item in zip(names, found, strict=True):
        kind = disks.signature(item) if item is not None else ""
        if item is None or kind in ("", "gpt", "dos"):
            continue
        shown += 1
        values = {"UUID": disks.volume_uuid(item.lun), "TYPE": kind}
        if kind == "ocfs2":
            values = {"LABEL": item.lun.label or "OVS_POOLFS", **values}
        if options.get("o") == "value":
            c.print(*(value for name, value in values.items() if options.get("s", name) == name))
            continue
        c.print(
            f"{path or item.path}: " + " ".join(f'{name}="{value}"' for name, value in values.items()) + " "
        )
    return 0 if shown else 2


@command("wipefs", solaris=False)
def wipefs(c: Command) -> int:
    if view.is_el5(c.server):
        return c.say("bash: wipefs: command not found", 127)
    options, rest = c.options()
    if "a" in options or "o" in options or "f" in options:
        return c.say("wipefs: error: this lab does not erase")
    for path in rest:
        item = disks.find(c.world, c.server, path)
        if item is None:
            return c.say(f"wipefs: error: {path}: probing initialization failed: No such file or directory")
        kind = disks.signature(item)
        if kind:
            place = {"ocfs2": 0x2000, "LVM2_member": 0x218, "gpt": 0x200, "dos": 0x1FE, "ext4": 0x438}.get(
                kind, 0
            )
            c.print("offset               type", "-" * 64, f"{hex(place):<21}{kind}   [filesystem]")
            if kind == "ocfs2":
                c.print(f"                     UUID:  {disks.volume_uuid(item.lun)}", "")
    return 0


@command("multipath", solaris=False)
def multipath(c: Command) -> int:
    options, rest = c.options()
    if "t" in options:
        c.write(c.vfs.read("/etc/multipath.conf").decode())
        return 0
    items = [item for item in disks.devices(c.world, c.server) if item.kind == "mpath" and item.lun.page83]
    by_name = {item.name: item for item in disks.devices(c.world, c.server)}
    for item in items:
        if rest and item.mapper not in rest:
            continue
        alias = f"{item.mapper} ({item.lun.page83})" if item.mapper != item.lun.page83 else item.mapper
        c.print(f"{alias} {item.name} {item.lun.vendor},{item.lun.product}")
        hint = "queue_if_no_path" if c.world.switches.extra.get("queue_if_no_path") else "0"
        c.print(
            f"size={human(item.size_bytes)} features='{hint}' hwhandler='0' wp=rw",
            "`-+- policy='round-robin 0' prio=1 status=active",
        )
        paths = item.parent.split(",")
        failed = set(c.world.switches.extra.get("failed_paths", {}).get(c.server.name, ()))
        for at, name in enumerate(paths):
            path = by_name[name]
            state = "failed faulty running" if name in failed else "active ready  running"
            tree = "`-" if at == len(paths) - 1 else "|-"
            c.print(f"  {tree} {path.hctl:<8} {name:<4} {f'{path.number[0]}:{path.number[1]}':<6} {state}")
    return 0


@command("multipathd", solaris=False)
def multipathd(c: Command) -> int:
    if "show" in " ".join(c.args):
        return multipath(c)
    c.print("multipathd (pid  1822) is running...")
    return 0


@command("scsi_id", solaris=False)
def scsi_id(c: Command) -> int:
    options, rest = c.options("dsp")
    path = options.get("d") or options.get("device") or (rest[-1] if rest else "")
    if "s" in options:
        path = "/dev/" + options["s"].rpartition("/")[2]
    item = disks.find(c.world, c.server, path)
    if item is None or item.kind == "part" or not item.lun.page83:
        return 1
    c.print(item.lun.page83)
    return 0


@command("blockdev", solaris=False)
def blockdev(c: Command) -> int:
    _, rest = c.options()
    path = rest[-1] if rest else ""
    item = disks.find(c.world, c.server, path)
    if item is None:
        return c.say(
            f"blockdev: cannot open {path}: No such file or directory" if path else "Usage: blockdev -V"
        )
    if "--getsize64" in c.args:
        c.print(str(item.size_bytes))
    elif "--getsz" in c.args or "--getsize" in c.args:
        c.print(str(item.size_bytes // 512))
    else:
        c.print("512")
    return 0


@command("dd")
def dd(c: Command) -> int:
    values = dict(word.split("=", 1) for word in c.args if "=" in word)
    source, target = values.get("if", ""), values.get("of", "")
    if target and target != "/dev/null" and target.startswith("/dev/"):
        return c.say(f"dd: opening `{target}': Permission denied")
    size = _dd_size(values.get("bs") or values.get("ibs") or "512")
    count = int(values["count"]) if "count" in values else DD_MAX_BYTES // max(size, 1)
    total = min(size * count, DD_MAX_BYTES)
    start = size * int(values.get("skip", 0))
    data = _dd_data(c, source, start, total)
    if data is None:
        return c.say(f"dd: opening `{source}': No such file or directory")
    if target:
        c.vfs.write(c.path(target), data)
    else:
        c.io.out(data)
    whole, rest = divmod(len(data), size)
    records = f"{whole}+{int(rest > 0)}"
    if values.get("status") != "none":
        c.say(
            f"{records} records in\n{records} records out\n"
            f"{len(data)} bytes ({human(len(data))}) copied, 0.0021 s, 500 MB/s"
        )
    return 0


def _dd_data(c: Command, source: str, start: int, total: int) -> bytes | None:
    item = disks.find(c.world, c.server, source)
    if item is not None:
        head = disks.head_bytes(item)[start : start + total]
        return head + bytes(max(0, min(total, item.size_bytes - start) - len(head)))
    if source == "/dev/zero":
        return bytes(total)
    path = c.path(source)
    return c.vfs.read(path)[start : start + total] if source and c.vfs.exists(path) else None


def _dd_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([cwbkKMG]?)B?", text)
    if match is None:
        raise ValueError(text)
    return (
        int(match[1])
        * {"": 1, "c": 1, "w": 2, "b": 512, "k": 1024, "K": 1024, "M": 2**20, "G": 2**30}[match[2]]
    )


@command("dmsetup", solaris=False)
def dmsetup(c: Command) -> int:
    maps = [item for item in disks.devices(c.world, c.server) if item.kind == "mpath"]
    by_name = {item.name: item for item in disks.devices(c.world, c.server)}
    if "--tree" in c.args:
        for item in maps:
            c.print(f"{item.mapper} ({item.number[0]}:{item.number[1]})")
            slaves = [by_name[name] for name in item.parent.split(",") if name]
            for at, slave in enumerate(slaves):
                mark = "└─" if at == len(slaves) - 1 else "├─"
                c.print(f" {mark} ({slave.number[0]}:{slave.number[1]})")
    elif "info" in c.args:
        c.print(
            *(
                f"Name:              {item.mapper}\nState:             ACTIVE\nOpen count:        0\n"
                for item in maps
            )
        )
    else:
        c.print(*(f"{item.mapper}\t({item.number[0]}:{item.number[1]})" for item in maps))
    return 0


@command("pvs", "vgs", "lvs", solaris=False)
def pvs(c: Command) -> int:
    rows = [
        item
        for item in disks.devices(c.world, c.server)
        if disks.signature(item) == "LVM2_member" and item.kind == "mpath"
    ]
    if c.name == "pvs" and rows:
        if "--noheadings" not in c.args:
            c.print("  PV         VG     Fmt  Attr PSize  PFree")
        c.print(*(f"  {item.path} vg_old lvm2 a--  {human(item.size_bytes).lower()} 0 " for item in rows))
    return 0


@command("fdisk", "parted", "sfdisk", "sgdisk", solaris=False)
def fdisk(c: Command) -> int:
    if not {"-l", "print", "-p"} & set(c.args):
        return c.say(f"{c.name}: this lab does not write partition tables")
    for item in disks.devices(c.world, c.server):
        if item.kind != "part" and (
            item.path in c.args or not any(word.startswith("/dev") for word in c.args)
        ):
            c.print(f"Disk {item.path}: {human(item.size_bytes)}B, {item.size_bytes} bytes")
            if disks.signature(item) not in ("gpt", "dos"):
                c.print(f"Disk {item.path} doesn't contain a valid partition table")
    return 0


@command("lsscsi", solaris=False)
def lsscsi(c: Command) -> int:
    for item in disks.devices(c.world, c.server):
        if item.kind == "disk":
            c.print(
                f"[{item.hctl}]    disk    {item.lun.vendor:<8} {item.lun.product:<16} 0001  /dev/{item.name}"
            )
    return 0


@command("fuser", "lsof", solaris=False)
def fuser(c: Command) -> int:
    _, rest = c.options()
    used = {item["device"] for item in c.server.mounts} | {item["path"] for item in c.server.mounts}
    for path in rest:
        if path in used:
            c.print(f"{path}:                kernel mount {path}")
            return 0
    return 1


@command("iscsiadm")
def iscsiadm(c: Command) -> int:
    luns = [lun for lun in view.luns_of(c.world, c.server) if lun.transport == "iscsi"]
    if "session" not in c.args:
        return c.say("iscsiadm: No records found", 21) if not luns else 0
    if not luns:
        return c.say("iscsiadm: No active sessions.", 21)
    c.print("tcp: [1] 198.51.100.241:3260,1 iqn.2013-01.example.lab:array1 (non-flash)")
    return 0
