"""Parsers of boot, disks, logs, multipath, bonds, NTP and control domains: outputs in the real tools' format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import network, solaris, system

BONDING = """\
/proc/net/bonding/bond0:Ethernet Channel Bonding Driver: v3.7.1 (April 27, 2011)
/proc/net/bonding/bond0:Bonding Mode: IEEE 802.3ad Dynamic link aggregation
/proc/net/bonding/bond0:MII Status: up
/proc/net/bonding/bond0:802.3ad info
/proc/net/bonding/bond0:Active Aggregator Info:
/proc/net/bonding/bond0:\tAggregator ID: 1
/proc/net/bonding/bond0:Slave Interface: eth0
/proc/net/bonding/bond0:MII Status: up
/proc/net/bonding/bond0:Speed: 10000 Mbps
/proc/net/bonding/bond0:Duplex: full
/proc/net/bonding/bond0:Link Failure Count: 2
/proc/net/bonding/bond0:Aggregator ID: 1
/proc/net/bonding/bond0:Slave Interface: eth1
/proc/net/bonding/bond0:MII Status: down
/proc/net/bonding/bond0:Speed: Unknown
/proc/net/bonding/bond0:Duplex: Unknown
/proc/net/bonding/bond0:Link Failure Count: 0
/proc/net/bonding/bond0:Aggregator ID: 2
/proc/net/bonding/bond1:Bonding Mode: fault-tolerance (active-backup)
"""
NTPQ = """\
     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*203.0.113.250   192.0.2.1        3 u   24   64  377    0.212   -1.310   0.041
+198.51.100.7    .INIT.          16 u    -   64    0    0.000    0.000   0.000
 127.127.1.0     .LOCL.          10 l   12   64  377    0.000    0.000   0.001
"""
GRUB = """\
default=1
timeout=5
title Oracle VM Server (old)
\tkernel /xen.gz dom0_mem=max:3189M
\tmodule /vmlinuz-4.1.12-100.el6uek.x86_64 ro root=LABEL=/
title Oracle VM Server
\tkernel /xen.gz dom0_mem=max:3189M
\tmodule /vmlinuz-4.1.12-124.el6uek.x86_64 ro root=LABEL=/
\tmodule /initramfs.img
"""
MULTIPATH_CONF = """\
# a comment: multipaths {
defaults {
\tuser_friendly_names  "yes"
\tno_path_retry 60
}
multipaths {
  multipath { wwid 36 }
}
blacklist { devnode "^sda" }
"""
MULTIPATH_LL = """\
360a98000 dm-0 NETAPP,LUN
size=12G features='1 queue_if_no_path' hwhandler='0' wp=rw
|-+- policy='round-robin 0' prio=1 status=active
| `- 1:0:0:1 sdb 8:16 active ready  running
`-+- policy='round-robin 0' prio=1 status=enabled
  `- 2:0:0:1 sdc 8:32 failed faulty running
"""
DF = """\
Filesystem         1024-blocks      Used Available Capacity Mounted on
/dev/sda2             51606140   9437184  39547516      20% /
/dev/sda1               495844    450000         0      99% /boot
tmpfs                  1561840         0   1561840       0% /dev/shm
"""
DMESG = """\
end_request: I/O error, dev sdb, sector 0
end_request: I/O error, dev fd0, sector 0
sd 1:0:0:1: Warning! Received an indication that the LUN assignments on this target have changed.
eth0: Link is up
end_request: I/O error, dev sdb, sector 0
"""
LDM = """\
VCC
    NAME         LDOM         PORT-RANGE
    primary-vcc0 primary      5000-5100

VSW
    NAME         LDOM         MACADDRESS        NET-DEV
    primary-vsw0 primary      00:14:4f:fb:00:01 aggr0

VDS
    NAME         LDOM         VOLUME         OPTIONS
    alt-vds0     alternate
"""
RPCINFO = """\
   program vers proto   port  service
    100000    4   tcp    111  portmapper
    100003    3   tcp   2049  nfs
    100003    4   tcp   2049  nfs
"""


def test_bonds_with_their_legs() -> None:
    first, second = network.parse_bonds(BONDING)
    assert (first.name, first.mode, second.mode) == ("bond0", 4, 1)
    up, down = first.ports
    assert (up.name, up.is_up, up.speed_mbps, up.is_full_duplex, up.failures) == (
        "eth0",
        True,
        10000,
        True,
        2,
    )
    assert (down.is_up, down.speed_mbps, down.is_full_duplex, down.aggregator) == (False, None, None, "2")
    assert second.ports == ()


def test_ntp_sources() -> None:
    chosen, silent, own = network.parse_ntpq(NTPQ)
    assert (chosen.address, chosen.is_chosen, chosen.reach, chosen.offset_ms) == (
        "203.0.113.250",
        True,
        255,
        -1.31,
    )
    assert (silent.reach, silent.stratum, silent.is_chosen) == (0, 16, False)
    assert own.address == "127.127.1.0"
    with pytest.raises(ValueError, match="no list"):
        network.parse_ntpq("ntpq: read: Connection refused")


def test_resolver_interface_files_and_wake_up() -> None:
    assert network.parse_resolv("search x\nnameserver 10.0.0.1\n#nameserver 9.9.9.9\nnameserver nope\n") == (
        "10.0.0.1",
    )
    assert network.parse_nsswitch("hosts: files [NOTFOUND=return] dns # x\n") == ("files", "dns")
    path = "/etc/sysconfig/network-scripts/ifcfg-"
    files = f'{path}bond0:BOOTPROTO="DHCP"\n{path}eth0:BOOTPROTO=\n'
    assert network.parse_ifcfg(files) == {"bond0": "dhcp", "eth0": ""}
    wakes = "== eth0\n\tWake-on: pumbg\n== eth1\n\tWake-on: d\n== lo\n"
    assert network.parse_wakes(wakes) == {"eth0": True, "eth1": False}
    assert network.parse_reverse("203.0.113.11   OVS01.example.com ovs01\n") == ("ovs01.example.com", "ovs01")


def test_the_kernel_of_the_next_boot() -> None:
    assert system.parse_grub(GRUB) == "4.1.12-124.el6uek.x86_64"
    assert system.parse_grub(GRUB.replace("default=1", "")) == "4.1.12-100.el6uek.x86_64"
    with pytest.raises(ValueError, match="no such entry"):
        system.parse_grub(GRUB.replace("default=1", "default=7"))


def test_disks_logs_and_multipath() -> None:
    root, boot, _ = system.parse_df(DF)
    assert (root.path, root.free_bytes) == ("/", 39547516 * 1024)
    assert (boot.path, boot.free_bytes) == ("/boot", 0)
    assert len(system.parse_trouble(DMESG)) == 2
    assert "fd0" not in str(system.parse_trouble(DMESG))
    (one,) = system.parse_maps(MULTIPATH_LL)
    assert (one.wwid, one.paths, one.active, one.queues) == ("360a98000", 2, 1, True)
    conf = system.parse_multipath_conf(MULTIPATH_CONF)
    assert (conf.has_friendly_names, conf.has_multipaths_section, conf.has_blacklist) == (True, True, True)
    assert conf.no_path_retry == ("60",)
    same = system.parse_multipath_conf(MULTIPATH_CONF.replace("\t", "    ").replace("a comment", "another"))
    assert same.digest == conf.digest
    assert system.parse_multipath_conf("defaults {\n}\n").has_friendly_names is None
    session = "tcp: [1] 198.51.100.241:3260,1 iqn.2013-01.example:a (non-flash)\n"
    assert system.parse_iscsi_sessions(session) == ("198.51.100.241:3260",)
    assert system.parse_expanders("lrwxrwxrwx 1 root root 0 x -> ../expander-0:0/end") == ("expander-0:0",)


def test_control_domains() -> None:
    assert solaris.parse_service_domains(LDM) == ("primary", "alternate")
    assert solaris.parse_ldm_version("Logical Domains Manager (v 3.4.0.0.22)\n") == "3.4.0.0.22"
    assert solaris.parse_dlm_package("system/dlm      0.5.11-3.4     i--\n") == "system/dlm 0.5.11-3.4"
    assert solaris.parse_dlm_package("") is None
    assert solaris.parse_nfs_versions(RPCINFO) == (3, 4)
    shown = "LINK MODE POLICY ADDRPOLICY LACPACTIVITY LACPTIMER\naggr0 trunk L4 auto off short\n"
    aggr = solaris.parse_aggregations(shown)
    assert [(one.name, one.mode) for one in aggr] == [("aggr0", None)]
    (link,) = solaris.parse_links("LINK CLASS MTU STATE OVER\nnet0 phys 9000 up --\n")
    assert (link.name, link.kind, link.mtu, link.is_up) == ("net0", "nic", 9000, True)


PARSERS = [
    network.parse_bonds,
    network.parse_ifcfg,
    network.parse_wakes,
    network.parse_ntpq,
    network.parse_resolv,
    network.parse_nsswitch,
    network.parse_reverse,
    system.parse_df,
    system.parse_grub,
    system.parse_trouble,
    system.parse_uptime_s,
    system.parse_maps,
    system.parse_multipath_conf,
    system.parse_iscsi_sessions,
    system.parse_expanders,
    solaris.parse_aggregations,
    solaris.parse_links,
    solaris.parse_service_domains,
    solaris.parse_ldm_version,
    solaris.parse_dlm_package,
    solaris.parse_nfs_versions,
]


@given(st.text(max_size=400) | st.sampled_from([BONDING, NTPQ, GRUB, MULTIPATH_LL, DF, LDM]).flatmap(
    lambda text: st.integers(0, len(text)).map(lambda cut: text[cut:])
))  # fmt: skip
def test_whatever_comes_is_a_value_or_a_value_error(text: str) -> None:
    for parse in PARSERS:
        try:
            parse(text)
        except ValueError:
            continue


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_long_hostile_texts_stay_cheap(parse: object) -> None:
    for text in ("a" * 200_000, " " * 200_000, "0:" * 100_000, "\n" * 200_000, "x dm-0 " * 30_000):
        try:
            parse(text)  # type: ignore[operator]
        except ValueError:
            continue
