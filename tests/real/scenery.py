"""What is set up on the emulated machines: storage in many states, a cluster, an NFS server, clocks and NTP."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.real.disks import forge_ocfs2, make_ocfs2
from tests.real.machines import GATEWAY, Lab, Lun, Machine

CLUSTER, OLD_CLUSTER = "pool1", "oldpool"
CLOCK_OFF_S = 90
STALE_NODES = (0, 3)
EXPORTS = {
    "good": "rw,sync,no_root_squash,no_subtree_check,fsid=1",
    "squash": "rw,sync,root_squash,no_subtree_check,fsid=2",
    "readonly": "ro,sync,no_root_squash,no_subtree_check,fsid=3",
}
_DISKS = (
    "modprobe -a virtio_scsi sd_mod sg nfs nfsv3 nfsv4; /lib/systemd/systemd-udevd --daemon;"
    " udevadm trigger -s block -s scsi; udevadm settle; mkdir -p /run/rpcbind; rpcbind; rpc.statd"
)
_THRESHOLDS = (
    "O2CB_ENABLED=true\\nO2CB_BOOTCLUSTER=pool1\\nO2CB_HEARTBEAT_THRESHOLD=31\\nO2CB_IDLE_TIMEOUT_MS=30000\\n"
    "O2CB_KEEPALIVE_DELAY_MS=2000\\nO2CB_RECONNECT_DELAY_MS=2000\\n"
)
_NFS = (
    "modprobe nfsd; mkfs.ext4 -q -F /dev/vdb; mkdir -p /export; mount /dev/vdb /export;"
    " mkdir -p /export/good /export/squash /export/readonly; echo left > /export/readonly/ovspoolfs.img;"
    " mount -t nfsd n /proc/fs/nfsd; mkdir -p /run/rpcbind; rpcbind; rpc.statd;"
    " exportfs -ra; rpc.nfsd 4 2>/dev/null; rpc.mountd 2>/dev/null; showmount -e localhost"
)


@dataclass(frozen=True, slots=True)
class Scenery:
    """Three servers, the NFS server beside them, and the LUNs by what is the matter with them (name -> WWN)."""

    servers: tuple[Machine, Machine, Machine]
    nfs: Machine
    luns: dict[str, str]
    files: dict[str, Path]

    @property
    def all(self) -> tuple[Machine, ...]:
        return (*self.servers, self.nfs)


def plan(folder: Path) -> Scenery:
    """Make the LUNs' files and say which machine sees which."""
    names = ("live", "stale", "missing", "clone", "copy", "good")
    luns = {name: f"5000c500000000a{number}" for number, name in enumerate(names, 1)}
    files = {name: folder / f"{name}.lun" for name in names}
    for name, file in files.items():
        with file.open("wb") as out:
            out.truncate((1 if name == "live" else 11) << 30)
    make_ocfs2(files["stale"], size="11G", label=OLD_CLUSTER)
    forge_ocfs2(files["stale"], STALE_NODES, at_s=int(time.time()) - 3600)
    subprocess.run(["cp", "--sparse=always", str(files["stale"]), str(files["copy"])], check=True)
    shown = tuple(Lun(files[name], luns[name]) for name in names)
    third = tuple(
        replace(lun, wwn="5000c500000000af") if lun.file == files["clone"] else lun
        for lun in shown
        if lun.file != files["missing"]
    )
    servers = (Machine(1, shown), Machine(2, shown), Machine(3, third, clock_s=CLOCK_OFF_S))
    return Scenery(servers, Machine(4, disk_mib=512), luns, files)


def prepare(lab: Lab, scenery: Scenery) -> None:
    """Bring the machines into their states, side by side where that is possible."""
    one, two, three = scenery.servers
    lab.run_all(
        dict.fromkeys(scenery.servers, _DISKS)
        | {scenery.nfs: f"printf '%s' '{_exports()}' > /etc/exports; {_NFS}"}
    )
    live = f"/dev/disk/by-id/wwn-0x{scenery.luns['live']}"
    lab.run(
        one,
        f"mkfs.ocfs2 --cluster-stack=o2cb --cluster-name={CLUSTER} --global-heartbeat -N 8 -J size=8M -b 4K -C 128K"
        f" -L poolfs -F -x {live} 2>&1",
    )
    region = lab.run(one, f"mounted.ocfs2 -d $(readlink -f {live})").split()[-2]
    conf = cluster_conf(CLUSTER, region, (one, two))
    join = (
        f"mkdir -p /etc/ocfs2 /pool; printf '{conf}' > /etc/ocfs2/cluster.conf;"
        f" printf '{_THRESHOLDS}' > /etc/default/o2cb;"
        " modprobe configfs; mountpoint -q /sys/kernel/config || mount -t configfs c /sys/kernel/config;"
        f" /etc/init.d/o2cb start >/dev/null && mount -t ocfs2 $(readlink -f {live}) /pool"
    )
    stale = cluster_conf(OLD_CLUSTER, "00112233445566778899AABBCCDDEEFF", (three,))
    lab.run_all(
        {
            one: f"{_ntp(GATEWAY, None)}; {join}",
            two: join,
            three: f"{_ntp('127.127.1.0', 10)}; mkdir -p /etc/ocfs2; printf '{stale}' > /etc/ocfs2/cluster.conf",
        }
    )


def cluster_conf(name: str, region: str, nodes: Sequence[Machine]) -> str:
    """An o2cb configuration, for printf."""
    text = f"cluster:\\n\\tname = {name}\\n\\theartbeat_mode = global\\n\\tnode_count = {len(nodes)}\\n\\n"
    text += f"heartbeat:\\n\\tcluster = {name}\\n\\tregion = {region}\\n\\n"
    for number, node in enumerate(nodes):
        text += (
            f"node:\\n\\tcluster = {name}\\n\\tnumber = {number}\\n\\tip_port = 7777\\n"
            f"\\tip_address = {node.address}\\n\\tname = {node.name}\\n\\n"
        )
    return text


def _exports() -> str:
    return "".join(f"/export/{name} 10.77.0.0/24({options})\n" for name, options in EXPORTS.items())


def _ntp(server: str, stratum: int | None) -> str:
    fudge = f"fudge {server} stratum {stratum}\\n" if stratum is not None else ""
    options = " iburst minpoll 3 maxpoll 3" if stratum is None else ""
    now = f"ntpdate {server}; " if stratum is None else ""
    conf = f"server {server}{options}\\n{fudge}tos minclock 1 minsane 1\\nrestrict 127.0.0.1\\n"
    return f"{now}printf '{conf}' > /etc/ntp.conf; ntpd -g -c /etc/ntp.conf"
