"""Probes of agent and dom0 on recorded and written answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConnectFailed, LoginRefused, OldCryptoNeeded, SecretError, TrustError
from core.facts.batch import Section
from core.models.facts import Mount, PlaneState
from core.platforms.oracle_vm.planes import plane_of
from core.platforms.oracle_vm.probes import dom0, lun, nfs
from core.platforms.oracle_vm.probes.agent import CALLS, AgentCall, Answer

AT = datetime(2026, 3, 1, tzinfo=UTC)
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "agent-replies"
BY_METHOD = {call.method: call for call in CALLS}
FIXTURES = Path(__file__).parents[2] / "fixtures" / "dom0"
WWID = "360a98000a648a7dd06839eb905b6e6e3"
DEVICE = f"/dev/mapper/{WWID}"


def asked(method: str, value: Any) -> Mapping[str, Any]:
    return BY_METHOD[method].probe.observe(Answer(value, 1000.0, 1000.2), AT)


def recorded(name: str) -> str:
    path = RECORDED / name
    if not path.exists():
        pytest.skip("no recorded replies beside this checkout")
    return "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))


def test_a_recorded_pooled_master() -> None:
    found = asked("discover_server", recorded("discover_server-3.2.1-pooled-master.xml"))
    assert found["hostname"].value == "ovm-1"
    assert found["server_uuid"].value == "1d:d5:e8:91:d9:d0:ed:bd:81:c2:a6:9a:b3:d1:b7:ea"
    assert found["release"].value == "3.2.1-517"
    assert found["membership_state"].value == "Pooled"
    assert found["pool_id"].value
    assert found["owner"].value
    assert found["is_master"].value is True
    assert set(found["roles"].value) == {"xen", "utility"}
    assert "CLUSTERS" in found["capabilities"].value


def test_a_recorded_hardware_document() -> None:
    found = asked("discover_hardware", recorded("discover_hardware-3.2.1-kvm-guest.xml"))
    assert found["cpu"].value.key == ("GenuineIntel", "6", "2")
    assert found["memory_mib"].value == 1048476 * 4096 // 2**20
    assert found["initiator"].value == "iqn.1988-12.com.oracle:3b3f5e2f59cb"


RECORDINGS = [
    (path, call)
    for path in (sorted(RECORDED.glob("discover_*.xml")) if RECORDED.exists() else [])
    for call in CALLS
    if path.name.startswith(f"{call.method}-")
]


@pytest.mark.parametrize(("path", "call"), RECORDINGS, ids=lambda value: getattr(value, "name", ""))
def test_every_recorded_document_is_read_or_says_why(path: Path, call: AgentCall) -> None:
    found = call.probe.observe(Answer(recorded(path.name), 0.0, 0.0), AT)
    assert set(found) == set(call.probe.fields)
    assert all(fact.is_known or fact.missing for fact in found.values())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.method)
@pytest.mark.parametrize("value", [None, "", "<x/>", 7, [], {}, [1], {"a": 1}, "not xml", "<!DOCTYPE a>"])
def test_no_answer_of_an_agent_breaks_a_probe(call: AgentCall, value: Any) -> None:
    found = call.probe.observe(Answer(value, 0.0, 0.0), AT)
    assert set(found) == set(call.probe.fields)


def test_the_clock_is_uncertain_by_half_the_round_trip_and_half_a_second() -> None:
    found = asked("get_last_boot_time", {"last_boot_time": 1, "local_time": 1003})
    assert found["clock_offset_s"].value == pytest.approx(1003.5 - 1000.1)
    assert found["clock_error_s"].value == pytest.approx(0.6)


def test_a_nil_pool_or_cluster_means_none_and_a_nil_server_means_not_known() -> None:
    assert asked("discover_pool_filesystem", None)["pool_filesystem"].is_known
    assert asked("discover_cluster", None)["stored_cluster"].is_known
    assert not asked("discover_server", None)["hostname"].is_known


def section(text: str, status: int | None = 0, command: str = "cmd") -> Section:
    return Section("x", command, status, text, AT)


def base(**texts: str | tuple[str, int | None]) -> dict[str, Section]:
    sections = {"uname": section("Linux 4.1.12 x86_64")}
    for name, text in texts.items():
        sections[name] = section(text) if isinstance(text, str) else section(*text)
    return sections


def test_an_empty_batch_leaves_every_field_with_a_reason() -> None:
    found = dom0.observe_base({}, AT)
    assert set(found) == dom0.FIELDS
    assert all(fact.missing for fact in found.values())


def test_no_firewall_tool_is_no_rule_but_a_failing_one_is_not_known() -> None:
    gone = dom0.observe_base(base(iptables=("sh: iptables: not found", 127), iptables_save=("", 127)), AT)
    assert gone["firewall_rules"].value == ()
    broken = dom0.observe_base(base(iptables=("not permitted", 1), iptables_save=("", 127)), AT)
    assert not broken["firewall_rules"].is_known


def test_a_missing_cluster_conf_is_no_cluster_but_an_unreadable_one_is_not_known() -> None:
    gone = ("cat: /etc/ocfs2/cluster.conf: No such file or directory", 1)
    assert dom0.observe_base(base(cluster_conf=gone), AT)["stored_cluster"].value is None
    assert dom0.observe_base(base(cluster_conf=gone), AT)["stored_cluster"].is_known
    denied = ("cat: /etc/ocfs2/cluster.conf: Permission denied", 1)
    assert not dom0.observe_base(base(cluster_conf=denied), AT)["stored_cluster"].is_known
    conf = (FIXTURES / "cluster.conf").read_text()
    told = dom0.observe_base(base(cluster_conf=conf, o2cb="O2CB_HEARTBEAT_THRESHOLD=61"), AT)
    stored = told["stored_cluster"].value
    assert stored is not None
    assert (stored.name, stored.timeout_s) == ("ba9aaf00ae5e2d73", 120)


def test_the_machine_is_counted_by_xen_and_not_by_what_dom0_sees() -> None:
    cpuinfo = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\nflags\t\t: fpu\n"
    info = (FIXTURES / "xl-info.txt").read_text()
    found = dom0.observe_base(base(cpuinfo=cpuinfo, xl_info=info), AT)
    cpu = found["cpu"].value
    assert cpu is not None
    assert (cpu.key, cpu.sockets, cpu.cores_per_socket, cpu.has_hvm) == (
        ("GenuineIntel", "6", "63"),
        2,
        12,
        True,
    )
    assert found["memory_mib"].value == 131037


def test_the_uuid_is_spelt_as_the_agent_spells_it() -> None:
    text = "# SMBIOS entry point\n1DD5E891-D9D0-EDBD-81C2-A69AB3D1B7EA\n"
    found = dom0.observe_base(base(system_uuid=text), AT)
    assert found["server_uuid"].value == "1d:d5:e8:91:d9:d0:ed:bd:81:c2:a6:9a:b3:d1:b7:ea"


SHOWN = "Export list for nas01:\n/export/poolfs 203.0.113.0/24\n/export/repo *\n"
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\nnas01:/export/poolfs 104857600 0 104857600 0% /x\n"


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            base(showmount=SHOWN, mkdir="", mount="", ls="a\n", df=DF),
            {"is_exported": True, "entries": ("a",)},
        ),
        (base(showmount=SHOWN, mkdir="", mount="", ls="", df=DF), {"entries": (), "size_bytes": 100 * 2**30}),
        (
            base(showmount="Export list for nas01:\n"),
            {"answers": True, "is_exported": False, "entries": None},
        ),
        (
            base(showmount=("clnt_create: RPC: Port mapper failure", 1)),
            {"answers": False, "is_exported": None},
        ),
        (base(showmount=("", 127)), {"answers": None}),
        (base(mkdir="", mount=("mount.nfs: access denied by server", 32)), {"entries": None}),
        (base(mkdir=("mkdir: Read-only file system", 1), mount=("no mount point", 32)), {"mount_error": ""}),
        (base(mkdir="", mount=("sh: mount: not found", 127)), {"mount_error": ""}),
        (base(mkdir="", mount="", ls=("ls: Permission denied", 2)), {"entries": None}),
    ],
)
def test_nfs_look(sections: dict[str, Section], expected: dict[str, Any]) -> None:
    look = nfs.read_nfs("nas01", "/export/poolfs", sections)
    assert {name: getattr(look, name) for name in expected} == expected
    if sections.get("mount") is not None and sections["mount"].status == 32 and sections["mkdir"].worked:
        assert "access denied" in look.mount_error


def test_a_share_that_is_mounted_already_is_not_mounted_again() -> None:
    mounts = (Mount(device="198.51.100.240:/export/poolfs", path="/nfsmnt/a", kind="nfs"),)
    assert nfs.mounted_at(mounts, "nas01", "198.51.100.240", "/export/poolfs/") == "/nfsmnt/a"
    assert nfs.mounted_at(mounts, "nas01", None, "/export/poolfs") is None


MULTIPATH = (FIXTURES / "multipath-el6.txt").read_text()


def test_lun_look_finds_what_lies_on_it_and_who_uses_it() -> None:
    device, look = lun.find_lun(WWID, base(multipath=MULTIPATH))
    assert (device, look.is_seen, look.paths, look.is_local) == (DEVICE, True, 3, False)
    clean = base(size="21474836480\n", blkid=("", 2), wipefs="", ocfs2="", pvs="", children="", partitions="")
    found = lun.read_lun(look, None, clean, (), ())
    assert (found.signatures, found.holders, found.size_bytes) == ((), (), 20 * 2**30)
    dirty = base(
        blkid=f'{DEVICE}: LABEL="old" TYPE="ocfs2"',
        ocfs2=(FIXTURES / "mounted-ocfs2.txt").read_text(),
        pvs=f"  {DEVICE} vg0\n",
        children=(FIXTURES / "dmsetup-tree.txt").read_text(),
    )
    mounts = (Mount(device=DEVICE, path="/poolfsmnt/x", kind="ocfs2"),)
    found = lun.read_lun(look, None, dirty, mounts, (DEVICE,))
    assert found.signatures == ("ocfs2", "LVM2_member")
    assert found.cluster == "ba9aaf00ae5e2d73"
    assert found.holders is not None
    assert {"mounted on /poolfsmnt/x", "swap", "LVM volume group vg0", f"device-mapper {WWID}p1"} <= set(
        found.holders
    )


def test_a_lun_nobody_could_look_at_is_not_clean() -> None:
    _, look = lun.find_lun(WWID, base(multipath=MULTIPATH))
    blind = base(blkid=("", 127), wipefs=("", 127), children=("", 127))
    found = lun.read_lun(look, None, blind, (), ())
    assert (found.signatures, found.holders) == (None, None)
    assert not lun.find_lun(WWID, base(multipath="", by_id="total 0\n"))[1].is_seen
    with pytest.raises(ValueError, match="not"):
        lun.find_lun(WWID, {"multipath": section("", 127), "by_id": section("", 2)})


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TrustError("x"), PlaneState.UNTRUSTED),
        (OldCryptoNeeded("s", "ssh", "ssh-dss", fix="f"), PlaneState.OLD_CRYPTO),
        (LoginRefused("s", "ssh", "x"), PlaneState.REFUSED),
        (ConnectFailed("s", "ssh", "x\x1b[2J"), PlaneState.UNREACHABLE),
        (SecretError("x"), PlaneState.NOT_ASKED),
        (RuntimeError("x"), PlaneState.BROKEN),
    ],
)
def test_planes(error: Exception, state: PlaneState) -> None:
    plane = plane_of(error)
    assert plane.state is state
    assert "\x1b" not in plane.reason
    assert plane.reason


@given(
    st.dictionaries(
        st.sampled_from(["uname", "hosts", "addr", "xl_info", "agent_db", "cpuinfo", "iptables"]), st.text()
    )
)
def test_no_output_of_a_server_breaks_the_base_batch(texts: dict[str, str]) -> None:
    found = dom0.observe_base({name: section(text) for name, text in texts.items()}, AT)
    assert set(found) == dom0.FIELDS
