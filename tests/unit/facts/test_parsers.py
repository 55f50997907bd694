"""Parsers of server commands: outputs in the real tools' format, odd ones included, and noise that must not hurt."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import linux, solaris, storage, xen
from core.facts.firewall import UndecidedError, parse_iptables, stopping_rule
from core.platforms.oracle_vm.probes import files

DOM0 = Path(__file__).parents[2] / "fixtures" / "dom0"
WWID = "360a98000a648a7dd06839eb905b6e6e3"
DEVICE = f"/dev/mapper/{WWID}"


def output(name: str) -> str:
    return (DOM0 / name).read_text()


def test_addresses_and_links() -> None:
    found = {(one.interface, one.address, one.prefix) for one in linux.parse_ip_addr(output("ip-addr.txt"))}
    assert ("cb007100", "203.0.113.11", 24) in found
    assert ("cb007100", "203.0.113.10", 32) in found
    assert ("tun0", "10.0.0.1", 32) in found
    links = {one.name: one for one in linux.parse_ip_link(output("ip-link.txt"))}
    assert "lo" not in links
    assert (links["eth0"].kind, links["eth0"].mac, links["eth0"].is_up) == ("nic", "00:21:f6:01:00:00", True)
    assert links["eth1"].is_up is False
    assert (links["bond0"].kind, links["bond0"].mtu) == ("bond", 9000)
    assert (links["cb007100"].kind, links["bond0.201"].kind) == ("bridge", "vlan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default via 203.0.113.254 dev cb007100 \n203.0.113.0/24 dev cb007100", "203.0.113.254"),
        (
            "\nRouting Table: IPv4\ndefault              203.0.113.254        UG        3     120310\n",
            "203.0.113.254",
        ),
        ("203.0.113.0/24 dev cb007100  proto kernel", None),
        ("default dev ppp0 scope link", None),
    ],
)
def test_default_gateway(text: str, expected: str | None) -> None:
    assert linux.parse_default_gateway(text) == expected


def test_names_on_loopback_lines_comments_apart() -> None:
    text = "127.0.0.1 localhost ovs01 # ovs99\n::1 ip6\n#127.0.0.1 ovs02\n203.0.113.11 ovs01.x ovs01\nnonsense line"
    assert linux.loopback_names(linux.parse_hosts(text)) == ("localhost", "ovs01", "ip6")


def test_getent_gives_each_address_once() -> None:
    text = "203.0.113.11   STREAM ovs01.x\n203.0.113.11   DGRAM\n203.0.113.11   RAW\n10.0.0.1 STREAM"
    assert linux.parse_getent(text) == ("203.0.113.11", "10.0.0.1")
    assert linux.parse_getent("") == ()


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        (
            "ARPING 203.0.113.10 from 0.0.0.0 bond0\nUnicast reply from 203.0.113.10 [00:21:F6:AA:BB:CC]  0.7ms\n",
            1,
            "00:21:f6:aa:bb:cc",
        ),
        (
            "ARPING 203.0.113.10 from 0.0.0.0 bond0\nSent 2 probes (2 broadcast(s))\nReceived 0 response(s)\n",
            0,
            None,
        ),
        (
            "ARPING 203.0.113.10 from 0.0.0.0 bond0\nSent 2 probes (2 broadcast(s))\nReceived 0 replies\n",
            0,
            None,
        ),
    ],
)
def test_arping(text: str, status: int, expected: str | None) -> None:
    assert linux.parse_arping(text, status) == expected


@pytest.mark.parametrize(
    ("text", "status"), [("arping: unknown iface bond9", 2), ("", 0), ("Received 0 response(s)", 1)]
)
def test_arping_that_tells_nothing_is_not_silence(text: str, status: int) -> None:
    with pytest.raises(ValueError, match="neither"):
        linux.parse_arping(text, status)


def test_arp_of_solaris() -> None:
    assert solaris.parse_arp("203.0.113.10 (203.0.113.10) at 0:21:f6:aa:b:cc") == "00:21:f6:aa:0b:cc"
    assert solaris.parse_arp("203.0.113.10 (203.0.113.10) -- no entry") is None
    with pytest.raises(ValueError, match="neither"):
        solaris.parse_arp("arp: command failed")


def test_date_in_both_forms() -> None:
    assert linux.parse_epoch("1765432100.250000000\n") == (1765432100.25, 0.0)
    assert linux.parse_epoch("1765432100.N\n") == (1765432100.5, 0.5)
    with pytest.raises(ValueError, match="date"):
        linux.parse_epoch("Sun Nov 22")


def test_mounts_undo_escapes() -> None:
    (mount,) = linux.parse_mounts("nas01:/a\\040b /mnt/x\\040y nfs rw,vers=3 0 0\nshort line\n")
    assert (mount.device, mount.path, mount.kind) == ("nas01:/a b", "/mnt/x y", "nfs")


def test_small_files() -> None:
    assert (
        linux.parse_initiator("# c\nInitiatorName=iqn.1988-12.com.oracle:abc\n")
        == "iqn.1988-12.com.oracle:abc"
    )
    assert linux.parse_initiator("# nothing\n") is None
    assert linux.parse_ntp_conf("server 203.0.113.250 iburst\n# server x\nserver 127.127.1.0\n") == (
        "203.0.113.250",
        "127.127.1.0",
    )
    assert linux.parse_uname("Linux 4.1.12-124 x86_64\n").release == "4.1.12-124"
    assert linux.parse_swaps("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -1\n") == (
        "/dev/sda2",
    )


def test_multipath_of_both_generations() -> None:
    new = {one.name: one for one in storage.parse_multipath(output("multipath-el6.txt"))}
    assert (new[WWID].paths, new[WWID].active, new[WWID].size_bytes) == (4, 3, 20 * 2**30)
    (old,) = storage.parse_multipath(output("multipath-el5.txt"))
    assert (old.name, old.wwid, old.paths, old.active) == ("mpath0", WWID, 2, 2)


@pytest.mark.parametrize(
    ("maps", "by_id", "mapper", "expected"),
    [
        ("multipath-el6.txt", "", "", DEVICE),
        ("multipath-el5.txt", "", "", "/dev/mapper/mpath0"),
        ("", "by-id.txt", "", "/dev/disk/by-id/wwn-0x60a98000a648a7dd06839eb905b6e6e3"),
        ("", "", "", ""),
    ],
)
@pytest.mark.parametrize("wwid", [WWID, WWID[1:], WWID.upper(), f"naa.{WWID[1:]}", f"0x{WWID[1:]}"])
def test_a_lun_is_found_by_any_spelling_of_its_wwid(
    maps: str, by_id: str, mapper: str, expected: str, wwid: str
) -> None:
    parsed = storage.parse_multipath(output(maps)) if maps else ()
    device, _ = storage.find_device(wwid, parsed, output(by_id) if by_id else "", mapper)
    assert device == expected


def test_what_lies_on_a_lun() -> None:
    assert storage.parse_wipefs(output("wipefs-new.txt")) == ("ocfs2", "dos")
    assert storage.parse_wipefs(output("wipefs-old.txt")) == ("ocfs2",)
    assert storage.parse_blkid(f'{DEVICE}: LABEL="x" UUID="1" TYPE="ocfs2"')["TYPE"] == "ocfs2"
    assert storage.parse_mounted_ocfs2(output("mounted-ocfs2.txt"), DEVICE)[1] == "ba9aaf00ae5e2d73"
    assert storage.parse_children(output("dmsetup-tree.txt"), WWID) == (f"{WWID}p1",)
    assert storage.parse_children(output("dmsetup-tree.txt"), "3600605b0008a05a6c4647159c324c985") == ()
    assert storage.parse_pvs(f"  {DEVICE} vg0\n  /dev/sda2\n", DEVICE) == "vg0"
    assert storage.parse_pvs("  /dev/sda2\n", "/dev/sda2") == ""
    assert storage.parse_pvs("  /dev/sda2 vg1\n", DEVICE) is None
    assert storage.partitions_of(
        "major minor #blocks name\n 8 16 1 sdb\n 8 17 1 sdb1\n 8 1 1 sda1\n", "sdb"
    ) == ("sdb1",)


def test_exports_and_space() -> None:
    shown = "Export list for nas01:\n/export/poolfs 203.0.113.0/24,10.0.0.1\n/export/with blank (everyone)\n/bare\n"
    assert storage.parse_showmount(shown) == {
        "/export/poolfs": "203.0.113.0/24,10.0.0.1",
        "/export/with blank": "(everyone)",
        "/bare": "",
    }
    df = "Filesystem 1024-blocks Used Available Capacity Mounted on\nnas01:/x 104857600 2097152 102760448 2% /mnt/x\n"
    assert storage.parse_df(df) == storage.Space(100 * 2**30, 98 * 2**30)
    assert storage.parse_names("a\n.b\nlost+found\n\n") == ("a", ".b")
    with pytest.raises(ValueError, match="df"):
        storage.parse_df("df: no such file")


def test_xen() -> None:
    info = xen.parse_info(output("xl-info.txt"))
    assert (info.version, info.memory_mib, info.sockets, info.logical_cpus) == ("4.4.4OVM", 131037, 2, 48)
    assert info.has_hvm is True
    assert info.hw_caps[0] == 0xBFEBFBFF
    assert xen.parse_list(output("xl-list.txt")) == ("0004fb00000600001a2b3c4d5e6f7081",)
    with pytest.raises(ValueError, match="no list"):
        xen.parse_list("xl: command failed")


def test_solaris_addresses_and_memory() -> None:
    found = solaris.parse_ipadm("lo0/v4:127.0.0.1/8\nnet0/v4:203.0.113.11/24\nlo0/v6:\\:\\:1/128\n")
    assert [(one.interface, one.address) for one in found] == [("lo0", "127.0.0.1"), ("net0", "203.0.113.11")]
    assert (
        solaris.parse_prtconf_mib("System Configuration: Oracle\nMemory size: 261120 Megabytes\n") == 261120
    )


RULES = parse_iptables(output("iptables-save.txt"))


@pytest.mark.parametrize(
    ("rules", "source", "expected"),
    [
        (("-P INPUT ACCEPT",), "203.0.113.12", None),
        (("-P INPUT DROP",), "203.0.113.12", "-P INPUT DROP"),
        (("-P INPUT DROP", "-A INPUT -p tcp -m tcp --dport 7000:8000 -j ACCEPT"), "203.0.113.12", None),
        (("-A INPUT -p udp -j DROP",), "203.0.113.12", None),
        (("-A INPUT ! -s 203.0.113.0/24 -j DROP",), "203.0.113.12", None),
        (("-A INPUT ! -s 203.0.113.0/24 -j DROP",), "10.0.0.1", "-A INPUT ! -s 203.0.113.0/24 -j DROP"),
        (
            ("-A INPUT -m state --state ESTABLISHED -j ACCEPT", "-A INPUT -j REJECT"),
            "10.0.0.1",
            "-A INPUT -j REJECT",
        ),
        (("-A INPUT -p tcp --dport 7777 -j LOG", "-P INPUT ACCEPT"), "10.0.0.1", None),
        (("-N a", "-A INPUT -j a", "-A a -p tcp -j RETURN", "-A a -j DROP"), "10.0.0.1", None),
        (RULES, "203.0.113.12", None),
        (RULES, "10.0.0.1", "-A RH-Firewall-1-INPUT -j REJECT --reject-with icmp-host-prohibited"),
    ],
)
def test_what_a_firewall_does_to_7777(rules: tuple[str, ...], source: str, expected: str | None) -> None:
    assert stopping_rule(rules, 7777, source) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "-A INPUT -i eth9 -j DROP",
        "-A INPUT -m recent --rcheck --seconds 60 -j DROP",
        "-A INPUT -s unresolvable.name -j DROP",
        "-A INPUT -p tcp --tcp-flags SYN,ACK SYN -j REJECT",
    ],
)
def test_a_deciding_rule_that_is_not_understood_is_said_to_be(rule: str) -> None:
    with pytest.raises(UndecidedError):
        stopping_rule((rule,), 7777, "203.0.113.12")


@pytest.mark.parametrize("text", ["-A INPUT -j a", "-N a\n-A INPUT -j a\n-A a -j a"])
def test_chains_in_a_circle_end(text: str) -> None:
    try:
        assert stopping_rule(parse_iptables(text), 7777, "10.0.0.1") is None
    except UndecidedError:
        assert "-A a" in text


OWNER = "0004fb0000010000a1b2c3d4e5f60718"
POOL = "0004fb0000020000ba9aaf00ae5e2d73"


@pytest.mark.parametrize(
    ("text", "owner", "pool"),
    [
        (
            f"{{'manager_uuid': '{OWNER}', 'roles': set(['xen']), 'pool_uuid': '{POOL}', 'pool_alias': 'p'}}",
            OWNER,
            POOL,
        ),
        (f'{{"manager_uuid": "{OWNER}", "pool_uuid": null}}', OWNER, None),
        (f"manager_uuid => {OWNER}\nregistered_hostname => ovs01\n", OWNER, None),
        (f"manager_uuid: {OWNER}\n", OWNER, None),
        (
            "{'registered_hostname': 'ovs01', 'roles': set(['xen', 'utility']), 'clustered': False}",
            None,
            None,
        ),
        ("{'manager_uuid': None, 'is_master': False}", None, None),
        ("{'manager_uuid': u'none'}", None, None),
        (f"(unknown layout) owner={OWNER}", OWNER, None),
        ("{}", None, None),
        ("", None, None),
    ],
)
def test_agent_db_in_any_layout(text: str, owner: str | None, pool: str | None) -> None:
    found = files.parse_agent_db(text)
    assert (found["owner"], found["pool_id"]) == (owner, pool)


def test_agent_db_that_is_none_is_not_an_unowned_server() -> None:
    with pytest.raises(ValueError, match="neither"):
        files.parse_agent_db("Traceback (most recent call last):\nIOError: [Errno 2] No such file")


def test_cluster_conf_o2cb_and_release() -> None:
    stored = files.parse_cluster_conf(output("cluster.conf"))
    assert stored is not None
    assert (stored.name, stored.nodes, stored.heartbeat_mode) == (
        "ba9aaf00ae5e2d73",
        ("ovs01", "ovs02"),
        "global",
    )
    assert files.parse_cluster_conf("# nothing\n") is None
    assert files.parse_o2cb("O2CB_ENABLED=true\nO2CB_HEARTBEAT_THRESHOLD=61\n") == 61
    assert stored.model_copy(update={"heartbeat_threshold": 61}).timeout_s == 120
    assert files.parse_release("Oracle VM server release 3.4.6\n") == "3.4.6"
    assert files.parse_release("# info\nrelease: 3.4.6\nbuild: 2105\n") == "3.4.6"


PARSERS: tuple[Any, ...] = (
    linux.parse_uname, linux.parse_hosts, linux.parse_getent, linux.parse_ip_addr, linux.parse_ip_link,
    linux.parse_default_gateway, linux.parse_mounts, linux.parse_swaps, linux.parse_epoch,
    linux.parse_initiator, linux.parse_ntp_conf, storage.parse_showmount, storage.parse_names, storage.parse_df,
    storage.parse_multipath, storage.parse_size, storage.parse_blkid, storage.parse_wipefs, xen.parse_info,
    xen.parse_list, solaris.parse_ipadm, solaris.parse_arp, solaris.parse_prtconf_mib, parse_iptables,
    files.parse_agent_db, files.parse_cluster_conf, files.parse_o2cb, files.parse_release,
    lambda text: linux.parse_arping(text, 0),
    lambda text: storage.parse_mounted_ocfs2(text, DEVICE),
    lambda text: storage.parse_children(text, WWID),
    lambda text: storage.parse_pvs(text, DEVICE),
    lambda text: storage.find_device(text, (), text, text),
)  # fmt: skip
OUTPUTS = [path.read_text() for path in sorted(DOM0.glob("*")) if path.suffix in (".txt", ".conf")]


@given(
    st.one_of(
        st.text(max_size=400),
        st.sampled_from(OUTPUTS).flatmap(
            lambda text: st.builds(
                lambda at, new: text[:at] + new + text[at + len(new) :],
                st.integers(0, len(text)),
                st.text(max_size=6),
            )
        ),
    )
)
def test_noise_gives_a_value_or_a_value_error(text: str) -> None:
    for parse in PARSERS:
        try:
            parse(text)
        except ValueError:
            continue


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_rules_end_in_an_answer(rules: list[str]) -> None:
    given_rules = [f"-A INPUT {rule}" for rule in rules]
    with suppress(UndecidedError):
        found = stopping_rule(given_rules, 7777, "10.0.0.1")
        assert found is None or found in given_rules
