"""/dev and /sys/block of a lab server."""

from __future__ import annotations

from core.lab import view
from core.lab.dom0 import disks
from core.lab.dom0.vfs import Entry, provider
from core.lab.world import LabServer, World


@provider
def device_files(world: World, server: LabServer) -> dict[str, Entry]:
    """/dev and /sys/block."""
    found = {
        f"/dev/{name}": Entry("char", mode="rw-rw-rw-", device=(1, number))
        for name, number in (
            ("null", 3),
            ("zero", 5),
            ("random", 8),
            ("urandom", 9),
            ("tty", 0),
            ("console", 1),
        )
    }
    for item in disks.devices(world, server):
        found[f"/dev/{item.name}"] = Entry("block", mode="rw-rw----", device=item.number)
        base = f"/sys/block/{item.name}"
        if item.kind == "part":
            found[f"/sys/block/{item.parent}/{item.name}/size"] = _number(item.size_bytes // 512)
            continue
        found[f"{base}/size"] = _number(item.size_bytes // 512)
        found[f"{base}/ro"] = _number(0)
        found[f"{base}/removable"] = _number(0)
        if item.kind == "disk":
            for name, text in (
                ("vendor", item.lun.vendor.ljust(8)),
                ("model", item.lun.product.ljust(16)),
                ("state", "running"),
            ):
                found[f"{base}/device/{name}"] = Entry(data=f"{text}\n".encode())
            if item.lun.local_to is not None:
                found[f"/dev/disk/by-id/scsi-{item.lun.page83}"] = Entry("link", target=f"../../{item.name}")
        else:
            found[f"/dev/mapper/{item.mapper}"] = Entry("link", target=f"../{item.name}")
            found[f"{base}/dm/name"] = Entry(data=f"{item.mapper}\n".encode())
            if item.lun.page83:
                found[f"/dev/disk/by-id/scsi-{item.lun.page83}"] = Entry("link", target=f"../../{item.name}")
                found[f"/dev/disk/by-id/dm-name-{item.mapper}"] = Entry("link", target=f"../../{item.name}")
            for slave in item.parent.split(","):
                if slave:
                    found[f"{base}/slaves/{slave}"] = Entry("link", target=f"../../../{slave}")
    if not view.is_sparc(server):
        found["/dev/mapper/control"] = Entry("char", mode="rw-------", device=(10, 236))
        for index in range(3):
            found[f"/dev/loop{index}"] = Entry("block", mode="rw-rw----", device=(7, index))
    return found


def _number(value: int) -> Entry:
    return Entry(data=f"{value}\n".encode())
