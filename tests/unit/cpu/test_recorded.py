"""Every recorded real processor: numbers, names, generations, groups; broken copies never crash the readers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cpu import flags
from core.cpu.compat import group_id, groups
from core.cpu.generation import generation
from core.cpu.parse import CpuFormatError, parse_profile, parse_profiles
from core.models.cpu import Arch, CpuProfile, FlagSource
from tests.examples import examples

from .samples import RECORDED, needs_records, recorded, rows

CPUINFO = rows("cpuinfo")
# libvirt's host files of these two carry no signature: their numbers in the index come from the dump beside them
NO_SIGNATURE = {
    "libvirt-x86_64-cpuid-EPYC-7502-32-Core-host.xml",
    "libvirt-x86_64-cpuid-Xeon-Platinum-8268-host.xml",
}
CPUID = [row for row in rows("cpuid") if row["file"] not in NO_SIGNATURE]


def _numbers(profile: CpuProfile) -> tuple[str, str, str, str]:
    return (profile.vendor or "", profile.family or "", profile.model or "", profile.stepping or "")


@needs_records
@pytest.mark.parametrize("row", CPUINFO, ids=[row["file"] for row in CPUINFO])
def test_a_recorded_processor_reads_as_its_index_says(row: dict[str, str]) -> None:
    profile = recorded(row["file"])
    assert _numbers(profile) == (row["vendor_id"], row["family"], row["model"], row["stepping"])
    assert generation(profile).name == row["generation"]
    if row["model_name"] and profile.model_name:
        assert profile.model_name == " ".join(row["model_name"].split())
    if row["microcode"].startswith("0x") and row["microcode"] != "0xffffffff":
        assert profile.microcode == row["microcode"]


@needs_records
@pytest.mark.parametrize("row", CPUID, ids=[row["file"] for row in CPUID])
def test_a_cpuid_dump_reads_as_an_independent_tool_says(row: dict[str, str]) -> None:
    profile = recorded(row["file"], "cpuid")
    assert _numbers(profile) == (row["vendor"], row["family"], row["model"], row["stepping"])
    if row["brand"] and profile.model_name:
        assert profile.model_name == " ".join(row["brand"].split())


@needs_records
@pytest.mark.parametrize("name", sorted(NO_SIGNATURE))
def test_numbers_that_a_file_does_not_tell_stay_unknown(name: str) -> None:
    assert recorded(name, "cpuid").key is None


@needs_records
@pytest.mark.parametrize(
    ("dump", "listed"),
    [
        ("hwloc-Intel-Haswell-2xXeon-E5-2680v3-pu0.txt", "intel-6-63-e5-2680v3-mc3c.txt"),
        ("hwloc-Intel-SandyBridge-2xXeon-E5-2650-pu0.txt", "intel-6-45-e5-2690-mc710.txt"),
        ("hwloc-AMD-15h-Bulldozer-4xOpteron-6272-pu0.txt", "amd-21-1-opteron6276.txt"),
    ],
)
def test_a_dump_and_a_kernel_see_the_same_features_in_one_kind_of_processor(dump: str, listed: str) -> None:
    """What a kernel lists and has a bit of its own must be in the CPUID words of the same processor type."""
    raw, seen = recorded(dump, "cpuid").flags, recorded(listed).flags
    table = flags.table()
    late = {"ibrs", "ibpb", "stibp", "ssbd", "flush_l1d"}  # came by microcode after the dump
    told = {name for name in seen if name in table and table[name].reach and table[name].word} - late
    assert told <= raw


@needs_records
def test_groups_of_all_recorded_processors_are_managers_documented_keys() -> None:
    profiles: dict[str, CpuProfile | None] = {row["file"]: recorded(row["file"]) for row in CPUINFO}
    short = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}
    found = {server: group.id for group in groups(profiles) for server in group.servers}
    for row in CPUINFO:
        if row["vendor_id"] in short and row["family"] and row["model"]:
            assert found[row["file"]] == f"Default_{short[row['vendor_id']]}_F{row['family']}_M{row['model']}"
        elif not row["family"]:
            assert row["file"] not in found


@needs_records
def test_the_group_manager_recorded_is_the_one_we_predict() -> None:
    profile = recorded("intel-6-45-e5-2690-ovm321-dom0.rest.xml")
    assert profile.group == "Default_Intel_F6_M45"
    assert group_id(profile) == ("Default_Intel_F6_M45", "Default_Intel_Family:6_Model:45")


@needs_records
def test_every_listed_flag_of_a_real_x86_server_is_documented() -> None:
    unknown = {
        name
        for row in CPUINFO
        if recorded(row["file"]).arch is Arch.X86_64
        for name in recorded(row["file"]).flags
        if name not in flags.table()
    }
    assert unknown == set()


@needs_records
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("intel-6-158-i7-8750h-xen-dom0.txt", FlagSource.XEN_DOM0),
        ("intel-6-30-x3430-xenserver-dom0.txt", FlagSource.XEN_DOM0),
        ("intel-6-15-t7600-rhel5-xen-dom0.txt", FlagSource.XEN_DOM0),
        ("intel-6-85-d2123it-xen412-dom0.txt", FlagSource.XEN_DOM0),
        ("intel-6-26-xenserver65-nested.xe.txt", FlagSource.HW_CAPS),
        ("amd-16-8-opteron4170he-xen-domu-pv.txt", FlagSource.OTHER),
        ("intel-6-63-e5-2680v3-mc43.txt", FlagSource.CPUINFO),
        ("amd-16-4-opteron2376-esx-noflags.txt", FlagSource.NONE),
    ],
)
def test_how_a_list_was_seen_is_recognised(name: str, source: FlagSource) -> None:
    assert recorded(name).flag_source is source


@needs_records
@pytest.mark.parametrize("name", ["intel-6-26-e5504-cut-flags.txt", "hygon-24-6-c86-4g-fewflags.txt"])
def test_a_cut_list_is_known_to_be_cut(name: str) -> None:
    assert recorded(name).flags_cut


@needs_records
def test_agent_hardware_document_brings_the_hypervisors_own_words() -> None:
    path = RECORDED / "agent-replies" / "discover_hardware-3.2.1-kvm-guest.xml"
    profile = parse_profile(path.read_text(encoding="utf-8"))
    assert profile.key == ("GenuineIntel", "6", "2")
    assert profile.flag_source is FlagSource.HW_CAPS
    assert {"vmx", "sse4_2", "smep", "pge"} <= profile.flags  # vmx and pge are not in dom0's own list
    assert (profile.sockets, profile.cores_per_socket, profile.khz) == (2, 1, 3392400)


@needs_records
@examples(150)
@given(data=st.data())
def test_mutated_records_never_crash_a_reader(data: st.DataObject) -> None:
    files = sorted(
        path
        for folder in ("cpuinfo", "cpuid")
        for path in (RECORDED / folder).iterdir()
        if path.name[0] != "i"
    )
    text = data.draw(st.sampled_from(files)).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 400)))
    junk = data.draw(
        st.text(max_size=40) | st.sampled_from(["\x00", "<", "{", "'", "=>", ":", "\n\n", "0x" + "f" * 40])
    )
    try:
        profiles = parse_profiles(text[:start] + junk + text[stop:])
    except CpuFormatError:
        return
    for profile in profiles.values():
        CpuProfile.model_validate(profile.model_dump())
