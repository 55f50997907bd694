"""What dom0 commands say agrees with the world, in the form of the real tools."""

from __future__ import annotations

import re
import time

import pytest

from core.lab.dom0 import disks
from tests.lab.fleet.test_documents import pooled_world
from tests.lab.fleet.test_shell import said, shell


async def out(text: str, scenario: str = "healthy-nfs") -> str:
    return (await said(text, shell(scenario)))[1]


@pytest.mark.asyncio
async def test_identity_and_clock() -> None:
    assert await out("uname -srm") == "Linux 4.1.12-124.18.6.el6uek.x86_64 x86_64\n"
    assert await out("hostname; hostname -s; hostname -f") == "ovs01.lab.example\novs01\novs01.lab.example\n"
    one = shell()
    one.server.clock_offset_s = 100.0
    assert abs(float((await said("date +%s.%N", one))[1]) - time.time() - 100) < 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\n", await out("date -u +%F"))


@pytest.mark.asyncio
async def test_names_come_from_hosts_before_dns() -> None:
    assert await out("getent hosts ovs02") == "203.0.113.12    ovs02.lab.example\n"
    assert (await out("getent ahostsv4 $(hostname)")).startswith("203.0.113.11")
    assert (await said("getent hosts nosuch", shell()))[0] == 2
    loop = shell("hostname-loopback")
    loop.server = loop.world.servers["ovs02"]
    loop.vfs.server = loop.server
    assert (await said("getent ahostsv4 ovs02", loop))[1].startswith("127.0.0.1")
    assert (await said("grep -nE '^(127\\.|::1)' /etc/hosts", loop))[1].startswith("1:127.0.0.1   ovs02")


@pytest.mark.asyncio
async def test_addresses_routes_and_links() -> None:
    text = await out("ip -o -4 addr show")
    assert re.search(
        r"^\d+: cb007100    inet 203\.0\.113\.11/24 brd 203\.0\.113\.255 scope global cb007100",
        text,
        re.MULTILINE,
    )
    assert "default via 203.0.113.254 dev cb007100" in await out("ip route")
    assert (await out("ip route get 203.0.113.12")).startswith("203.0.113.12 dev cb007100  src 203.0.113.11")
    assert "mtu 1500" in await out("ip link show eth0")
    assert "inet addr:203.0.113.11" in await out("ifconfig cb007100")
    assert "Speed: 10000Mb/s" in await out("ethtool eth2")


@pytest.mark.asyncio
async def test_arping_answers_from_the_world() -> None:
    one = shell("vip-taken")
    status, text = await said("arping -D -I cb007100 -c 2 -w 3 203.0.113.10", one)
    assert status == 1
    assert "Unicast reply from 203.0.113.10 [00:21:F6:AA:BB:CC]" in text
    assert (await said("arping -D -c 1 -w 1 -I cb007100 203.0.113.77", one))[0] == 0
    assert (await said("arping -D -c 1 -w 1 -I cb007100 203.0.113.12", one))[0] == 1
    assert "unknown iface" in (await said("arping -D -I eth9 203.0.113.10", one))[1]


@pytest.mark.asyncio
async def test_ports_answer_refuse_or_stay_silent() -> None:
    one = shell()
    probe = "timeout 3 bash -c '</dev/tcp/{}' 2>/dev/null; echo $?"
    assert (await said(probe.format("203.0.113.250/7002"), one))[1] == "0\n"
    assert (await said(probe.format("203.0.113.12/7777"), one))[1] == "1\n"
    assert (await said(probe.format("203.0.113.99/22"), one))[1] == "124\n"
    one.world.servers["ovs02"].firewall = ["-P INPUT DROP", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]
    assert (await said(probe.format("203.0.113.12/7777"), one))[1] == "124\n"
    assert (await said(probe.format("203.0.113.12/22"), one))[1] == "0\n"
    assert "0% packet loss" in (await said("ping -c 2 -i 0.2 203.0.113.12", one))[1]
    assert "100% packet loss" in (await said("ping -c 2 203.0.113.99", one))[1]


@pytest.mark.asyncio
async def test_storage_tools_agree_about_the_lun() -> None:
    one = shell("healthy-lun")
    lun = next(item for item in one.world.luns.values() if item.local_to is None)
    device = f"/dev/mapper/{lun.page83}"
    assert (await said(f"blockdev --getsize64 {device}", one))[1] == f"{lun.size_bytes}\n"
    assert (await said("/lib/udev/scsi_id -g -u -d /dev/sdb", one))[1] == f"{lun.page83}\n"
    text = (await said("multipath -ll", one))[1]
    assert text.startswith(f"{lun.page83} dm-0 LAB,SHAREDLUN\n")
    assert text.count("active ready") == 8
    assert lun.page83 in (await said("ls -l /dev/disk/by-id", one))[1]
    assert (await said(f"blkid {device}", one))[0] == 2
    lun.content, lun.cluster = "poolfs", "0123456789abcdef"
    assert 'TYPE="ocfs2"' in (await said(f"blkid {device}", one))[1]
    assert "0123456789abcdef" in (await said(f"dd if={device} bs=1M count=1 2>/dev/null | strings", one))[1]
    assert "0123456789abcdef" in (await said(f"mounted.ocfs2 -d {device}", one))[1]
    assert "Not mounted" in (await said(f"mounted.ocfs2 -f {device}", one))[1]


@pytest.mark.parametrize("content", ["", "ocfs2", "lvm", "gpt", "dos"])
def test_first_bytes_carry_the_signature_of_what_lies_there(content: str) -> None:
    one = shell("healthy-lun")
    lun = next(item for item in one.world.luns.values() if item.local_to is None)
    lun.content = content
    device = disks.find(one.world, one.server, f"/dev/mapper/{lun.page83}")
    assert device is not None
    data = disks.head_bytes(device)
    marks = {"": b"", "ocfs2": b"OCFSV2", "lvm": b"LABELONE", "gpt": b"EFI PART", "dos": b"\x55\xaa"}
    assert (marks[content] in data) if content else not any(data)


@pytest.mark.asyncio
async def test_nfs_tools() -> None:
    assert await out("showmount -e nas01") == "Export list for nas01:\n/export/poolfs *\n/export/repo1 *\n"
    assert "version 3 ready and waiting" in await out("rpcinfo -t nas01 100003 3")
    assert "100003" in await out("rpcinfo -p nas01")
    one = shell()
    next(iter(one.world.nas.values())).is_up = False
    assert (await said("showmount -e nas01", one))[0] == 1


@pytest.mark.asyncio
async def test_a_pooled_dom0_shows_its_cluster() -> None:
    one = shell()
    one.world, one.server = pooled_world()
    one.vfs.world, one.vfs.server = one.world, one.server
    assert "203.0.113.10/24" in (await said("ip addr | grep 203.0.113.10", one))[1]
    assert "Online" in (await said("service o2cb status", one))[1]
    assert "O2CB_HEARTBEAT_THRESHOLD=61" in (await said("cat /etc/sysconfig/o2cb", one))[1]
    assert "node:\n\tip_port = 7777" in (await said("cat /etc/ocfs2/cluster.conf", one))[1]
    assert (
        "'pool_uuid': '0004fb0000020000ba9aaf00ae5e2d73'"
        in (await said("cd /etc/ovs-agent/db && ovs-agent-db dump_db server", one))[1]
    )
    assert (await said("ls /sys/kernel/config/cluster", one))[1] == "ba9aaf00ae5e2d73\n"
    assert (
        "METADATA=ethernet:cb007100{203.0.113.0}"
        in (await said("cat /etc/sysconfig/network-scripts/meta-bond0", one))[1]
    )


@pytest.mark.asyncio
async def test_tools_follow_the_release() -> None:
    assert (await said("xm info", shell("healthy-3.4-no-vip")))[0] == 127
    assert "virt_caps              : hvm" in await out("xl info", "healthy-3.4-no-vip")
    assert "xen_minor              : 1" in await out("xm info", "healthy-3.2")
    assert (await said("xl info", shell("healthy-3.2")))[0] == 127
    assert (await said("lsblk", shell("healthy-3.2")))[0] == 127
    assert (await said("wipefs /dev/sda", shell("healthy-3.2")))[0] == 127


@pytest.mark.asyncio
async def test_solaris_control_domain() -> None:
    assert await out("uname -srm", "sparc-nfs") == "SunOS 5.11 sun4v\n"
    assert "SPARC-T5 (chipid 0, clock 3600 MHz)" in await out("psrinfo -pv", "sparc-nfs")
    assert "Logical Domains Manager (v 3.4" in await out("ldm -V", "sparc-nfs")
    assert "aggr0/v4:203.0.113.11/24" in await out("ipadm show-addr -p -o addrobj,addr", "sparc-nfs")
    assert "online" in await out("svcs ovs-agent", "sparc-nfs")
    assert "system/dlm" in await out("pkg list -a | grep -i dlm", "sparc-nfs")
    assert "active" in await out("dladm show-aggr", "sparc-nfs")
    text = await out(
        "mkdir -m 700 /tmp/x; mount -F nfs -o ro nas01:/export/poolfs /tmp/x; ls -1A /tmp/x; umount /tmp/x",
        "sparc-nfs",
    )
    assert text == ""


@pytest.mark.asyncio
async def test_services_ntp_and_firewall() -> None:
    one = shell()
    assert "is running..." in (await said("service ovs-agent status", one))[1]
    assert re.search(r"^\*203\.0\.113\.250", (await said("ntpq -pn", one))[1], re.MULTILINE)
    assert (await said("ntpstat", one))[0] == 0
    one.server.ntp_servers = ("127.127.1.0",)
    assert re.search(r"^\*127\.127\.1\.0", (await said("ntpq -pn", one))[1], re.MULTILINE)
    assert (await said("iptables -S", one))[1].startswith("-P INPUT ACCEPT")
    assert "Chain INPUT (policy ACCEPT)" in (await said("iptables -L -n", one))[1]
    assert ":8899" in (await said("netstat -ltn", one))[1]
    assert "3:on" in (await said("chkconfig --list ntpd", one))[1]
    assert (await said("rpm -q ovs-agent", one))[1] == "ovs-agent-3.4.6-44.x86_64\n"
