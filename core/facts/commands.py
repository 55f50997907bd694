"""The commands that are run on a server's own system, and nothing else: all of them only read.

Two exceptions leave nothing behind: `arping -D` sends ARP requests, and the look into an NFS export mounts it
read-only in an empty folder of ours for a moment (server-pools R003, R010). Commands of EL5, EL6, EL7 and of
Solaris stand side by side: one that is not there costs nothing and is no error.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable

from core.facts.system import TROUBLE

# Local: no name is looked up and no share touched. What may hang on a disk or a daemon has a limit in LIMITS. `date`
# stands first and last: both times together tell the clock as exactly as a command of its own would.
BASE: dict[str, str] = {
    "date": "date +%s.%N",
    "uname": "uname -srm",
    "hostname": "hostname",
    "hosts": "cat /etc/hosts",
    "release": "cat /etc/ovs-release",
    "info": "cat /etc/ovs-info",
    "cpuinfo": "cat /proc/cpuinfo",
    "addr": "ip -o -4 addr show",
    "link": "ip -o link show",
    "route": "ip -4 route show",
    "mounts": "cat /proc/mounts",
    "swaps": "cat /proc/swaps",
    "iptables": "iptables -S",
    "iptables_save": "iptables-save -t filter",
    "cluster_conf": "cat /etc/ocfs2/cluster.conf",
    "o2cb": "cat /etc/sysconfig/o2cb",
    "o2cb_status": "service o2cb status",
    "initiator": "cat /etc/iscsi/initiatorname.iscsi",
    "ntp_conf": "cat /etc/ntp.conf",
    "network_meta": "grep -sH . /etc/sysconfig/network-scripts/meta-*",
    "agent_db": "cd /etc/ovs-agent/db && ovs-agent-db dump_db server",
    "system_uuid": "dmidecode -s system-uuid",
    "xl_info": "xl info",
    "xm_info": "xm info",
    "xl_list": "xl list",
    "xm_list": "xm list",
    # Solaris control domain (server-pools 8)
    "ipadm": "ipadm show-addr -p -o addrobj,addr",
    "netstat": "netstat -rn -f inet",
    "psrinfo": "psrinfo -pv",
    "prtconf": "prtconf",
    "aggr": "dladm show-aggr",
    "dlinks": "dladm show-link",
    "ldm_services": "ldm list-services",
    "ldm_version": "ldm -V",
    "dlm": "pkg list -H '*dlm*'",
    # the rest of an x86 server
    "resolv": "cat /etc/resolv.conf",
    "nsswitch": "cat /etc/nsswitch.conf",
    "uptime": "cat /proc/uptime",
    "zone": "cat /etc/sysconfig/clock",
    "bios": "dmidecode -s bios-version",
    "grub": "cat /boot/grub/grub.conf",
    "bonds": "grep -sH . /proc/net/bonding/*",
    "ifcfg": "grep -sH BOOTPROTO= /etc/sysconfig/network-scripts/ifcfg-*",
    "wakes": 'for n in /sys/class/net/*; do echo "== ${n##*/}"; ethtool ${n##*/} 2>/dev/null; done',
    "modules": "modprobe -n ocfs2_stackglue && modprobe -n ocfs2_nodemanager",
    "sas": "ls -l /sys/class/sas_end_device",
    "multipath_conf": "cat /etc/multipath.conf",
    "dmesg": f"dmesg | grep -Ei '{TROUBLE}' | tail -n 40",
    "agent_log": "tail -n 300 /var/log/ovs-agent.log | grep -E 'ERROR|CRITICAL|Traceback' | tail -n 10",
    "ntpq": "ntpq -pn",
    "ntpd": "pidof ntpd",
    "df": "df -Plk",
    "iscsi": "iscsiadm -m session",
    "multipath": "multipath -ll",
    "by_id": "ls -l /dev/disk/by-id",
    "mapper": "ls -l /dev/mapper",
    "date_end": "date +%s.%N",
}
LIMITS: dict[str, int] = {  # seconds each may take over there
    "xl_info": 10,
    "xm_info": 10,
    "xl_list": 10,
    "xm_list": 10,
    "o2cb_status": 10,
    "dmesg": 10,
    "ntpq": 10,
    "df": 10,
    "iscsi": 10,
    "multipath": 15,
    "ldm_services": 10,
    "dlm": 20,
    "wakes": 10,
}
LOOKUP_S = 8  # a name that exists is told at once; a dead resolver gives up after 5 s or 10 s
STORAGE_S = 20  # showmount, rpcinfo, a soft mount: they give up by themselves about then


def own_names(host: str | None, *, is_solaris: bool = False) -> dict[str, str]:
    """The server's full name and what its own names mean to itself; all may ask DNS.

    Solaris would take `hostname -f` for a new name, so it is not asked there.
    """
    found: dict[str, str] = {}
    if host is not None and is_host(host):
        found["own-short"] = lookup(host, is_solaris=is_solaris)
    if not is_solaris:
        found["fqdn"] = "hostname -f"
        found["own-full"] = f'n=$(hostname -f) && {lookup("", is_solaris=False).strip()} "$n"'
    return found


def reverse_lookup(address: str) -> dict[str, str]:
    """What the server's management address leads back to, there."""
    return {"reverse": f"getent hosts {ipaddress.IPv4Address(address)}"}


def port_tries(targets: Iterable[tuple[str, int]]) -> dict[str, str]:
    """TCP connections from the server to (host, port), closed at once, in the order given."""
    return {
        f"try-{index}": f"bash -c '</dev/tcp/{host}/{port}'"
        for index, (host, port) in enumerate(targets)
        if is_host(host) and 0 < port < 65536
    }


def lookup(name: str, *, is_solaris: bool = False) -> str:
    """Resolve a name as the server's programs do; Solaris knows no `ahostsv4`."""
    return f"getent {'hosts' if is_solaris else 'ahostsv4'} {name}"


def vip_probe(interface: str, vip: str, *, is_solaris: bool = False) -> dict[str, str]:
    """Ask the segment who holds an address, without claiming it (R010).

    Solaris has no arping: a ping makes it ask by ARP, and its table then tells, also of a holder that drops ICMP.
    """
    ipaddress.IPv4Address(vip)
    if is_solaris:
        return {"ping": f"ping {vip} 2", "arp": f"arp {vip}"}
    if not re.fullmatch(r"[A-Za-z0-9_.:@-]{1,32}", interface) or interface.startswith("-"):
        raise ValueError("not an interface name")
    return {"arping": f"arping -D -I {interface} -c 2 -w 3 {vip}"}


def nfs_look(server: str, export: str, folder: str, *, is_solaris: bool = False) -> dict[str, str]:
    """What the server sees of an NFS export; the mount is read-only and ours alone (R003, R007, R042)."""
    if not is_host(server) or not export.startswith("/"):
        raise ValueError("not an NFS export")
    source, where = shlex.quote(f"{server}:{export}"), shlex.quote(folder)
    options = "ro,nosuid,nodev,noexec,soft,timeo=50,retrans=2,retry=0,nolock"
    mount = f"mount -t nfs -o {options} {source} {where}"
    if is_solaris:
        mount = f"mount -F nfs -o ro,nosuid,soft,retry=0 {source} {where}"
    return {
        "address": lookup(server, is_solaris=is_solaris),
        "showmount": f"showmount -e {server}",
        "rpcinfo": f"rpcinfo -p {server}",
        "mkdir": f"mkdir -m 700 {where}",
        "mount": mount,
        "ls": f"ls -1A {where}",
        "df": f"df -Pk {where}",
        "umount": f"umount {where}",
        "rmdir": f"rmdir {where}",
    }


SCRATCH = ".poolwright-"  # our folders in /tmp, and our file in a share, begin with this
_OLD_MIN = 15  # no look takes that long: what is older was left by one that died


def sweep_scratch() -> dict[str, str]:
    """Take away what a look that died left in /tmp: its mount, then its empty folder. Nothing else is touched."""
    found = f"find /tmp -maxdepth 1 -type d -name '{SCRATCH}*' -mmin +{_OLD_MIN}"
    return {
        "sweep": f'{found} | while read -r d; do umount "$d" 2>/dev/null; rmdir "$d" && echo "swept $d"; done'
    }


def sweep_share(folder: str) -> str:
    """The same for our empty files in a share that is mounted in `folder`."""
    found = f"find {shlex.quote(folder)} -maxdepth 1 -type f -name '{SCRATCH}*' -size 0 -mmin +{_OLD_MIN}"
    return f'{found} | while read -r f; do rm -f "$f"; done'


def mounted_look(path: str) -> dict[str, str]:
    """Content and size of a share where it is mounted already."""
    where = shlex.quote(path)
    return {"ls": f"ls -1A {where}", "df": f"df -Pk {where}"}


LUN_MAP = ("multipath", "by_id", "mapper")  # of BASE: where a LUN is found


def lun_look(device: str) -> dict[str, str]:
    """What lies on a LUN and who uses it; reads only (R002, R022, R023, R073)."""
    if not re.fullmatch(r"/dev/[A-Za-z0-9_./:+-]{1,120}", device) or ".." in device:
        raise ValueError("not a device")
    return {
        "size": f"blockdev --getsize64 {device}",
        "blkid": f"blkid -c /dev/null {device}",
        "ocfs2": f"mounted.ocfs2 -d {device}",
        "users": f"mounted.ocfs2 -f {device}",
        "wipefs": f"wipefs {device}",
        "pvs": "pvs --noheadings -o pv_name,vg_name",
        "children": "dmsetup ls --tree",
        "partitions": "cat /proc/partitions",
    }


def is_host(text: str) -> bool:
    """Whether a text is a host name or IPv4 address that can stand in a command."""
    return bool(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?", text))
