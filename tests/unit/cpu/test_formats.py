"""Formats of which no recorded file exists, in samples written for these tests, and hostile texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cpu import flags
from core.cpu.formats import xen
from core.cpu.generation import generation
from core.cpu.parse import CpuFormatError, parse_profile, parse_profiles
from core.models.cpu import Arch, CpuProfile, FlagSource
from tests.examples import examples

from .samples import BASE, FIXTURES, HASWELL, cpuinfo, server

KEYS = {
    "cpuinfo-ia64.txt": (None, None, None, None, "foreign IA-64"),
    "cpuinfo-mips.txt": (None, None, None, None, "foreign MIPS"),
    "prtdiag-v490.txt": (None, None, None, None, "SPARC"),
    "xapi-host-record.xml": ("GenuineIntel", "6", "23", "6", "Penryn/Harpertown"),
    "xapi-host.json": ("GenuineIntel", "6", "63", "2", "Haswell-EP/EX"),
    "xapi-ocaml.txt": ("AuthenticAMD", "21", "1", "2", "Bulldozer (Interlagos/Valencia)"),
    "cpuid-raw.txt": ("GenuineIntel", "6", "62", "4", "Ivy Bridge-EP/EX"),
    "flags-only.txt": (None, None, None, None, "unknown"),
    "kstat-t5.txt": (None, None, None, None, "SPARC T5"),
    "lscpu-indented.txt": ("AuthenticAMD", "25", "1", "1", "Milan (Zen 3)"),
    "lscpu-nested.json": ("GenuineIntel", "6", "106", "6", "Ice Lake-SP"),
    "prtdiag-t4.txt": (None, None, None, None, "SPARC T4"),
    "psrinfo-t2plus.txt": (None, None, None, None, "SPARC T2+"),
    "psrinfo-t4.txt": (None, None, None, None, "SPARC T4"),
    "psrinfo-t7.txt": (None, None, None, None, "SPARC M7"),
    "psrinfo-x86.txt": ("GenuineIntel", "6", "44", "2", "Westmere-EP"),
    "rest-server-3.4.json": ("GenuineIntel", "6", "63", None, "Haswell-EP/EX"),
    "virsh-capabilities.xml": ("GenuineIntel", "6", "85", "4", "Skylake-SP"),
    "xapi-cpu-info.txt": ("GenuineIntel", "6", "26", "5", "Nehalem-EP"),
    "xapi-state-db.txt": ("AuthenticAMD", "16", "9", "1", "K10 Magny-Cours"),
    "xe-host-cpu-info.txt": ("GenuineIntel", "6", "63", "2", "Haswell-EP/EX"),
    "xl-info-4.17.txt": (None, None, None, None, "unknown"),
    "xl-info-4.4.txt": (None, None, None, None, "unknown"),
    "xm-info-3.2.txt": (None, None, None, None, "unknown"),
}


def fixture(name: str) -> CpuProfile:
    return parse_profile((FIXTURES / name).read_text(encoding="utf-8"))


def test_every_sample_is_expected() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(KEYS)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_sample_is_told_by_its_content(name: str) -> None:
    profile = fixture(name)
    found = (profile.vendor, profile.family, profile.model, profile.stepping, generation(profile).name)
    assert found == KEYS[name]


def test_hw_caps_of_old_and_new_xen_have_other_layouts() -> None:
    old, new = fixture("xl-info-4.4.txt"), fixture("xl-info-4.17.txt")
    assert {"avx2", "lm", "fma", "aes", "vmx", "nx", "lzcnt"} <= old.flags
    assert {"avx512f", "lm", "avx", "xsaves", "pku", "lahf_lm"} <= new.flags
    assert "vmx" not in new.flags
    assert (old.hypervisor, old.kernel, old.has_hvm) == (
        "xen 4.4.4OVM",
        "4.1.12-124.18.6.el6uek.x86_64",
        True,
    )


def test_no_hvm_in_the_capabilities_means_hvm_is_off() -> None:
    assert fixture("xm-info-3.2.txt").has_hvm is False


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("xapi-cpu-info.txt", {"sse4_2", "vmx", "lm"}),  # four words: base ecx, edx, extended ecx, edx
        ("xapi-host.json", {"avx", "aes", "lm", "smep", "xsaveopt"}),  # ten words in Xen's order
        ("xapi-ocaml.txt", {"sse4a", "xop", "fma4", "lm"}),
    ],
)
def test_feature_words_of_xenserver_are_the_machines_own(name: str, seen: set[str]) -> None:
    assert seen <= fixture(name).flags
    assert fixture(name).flag_source is FlagSource.HW_CAPS


def test_fewer_than_three_words_tell_nothing() -> None:
    assert xen.hw_caps([0xBFEBFBFF]) == frozenset()


def test_a_named_model_brings_its_own_features() -> None:
    profile = fixture("virsh-capabilities.xml")
    assert {"avx512f", "sse4_2", "ibrs", "md_clear", "vmx"} <= profile.flags
    assert profile.microcode == "0x200004d"


def test_a_named_model_that_is_not_in_the_table_leaves_the_list_cut() -> None:
    profile = parse_profile(
        "<cpu><model>Nonesuch-v9</model><vendor>Intel</vendor><feature name='vmx'/></cpu>"
    )
    assert profile.flags_cut
    assert profile.flags == {"vmx"}


def test_manager_servers_take_their_key_from_their_group() -> None:
    found = parse_profiles((FIXTURES / "rest-server-3.4.json").read_text(encoding="utf-8"))
    assert list(found) == ["ovs01.example.com", "ovs02.example.com"]
    assert found["ovs01.example.com"].flag_source is FlagSource.NONE
    assert found["ovs01.example.com"].platform_release == "3.4.6-2105"
    assert found["ovs01.example.com"].hypervisor == "XEN 4.4.4OVM"
    assert found["ovs02.example.com"].arch is Arch.SPARC


def test_a_reply_envelope_is_opened() -> None:
    inner = (
        "<Discover_Hardware_Result><NodeInformation><CPUInfo><Proc_Info><CPU ID='0'>"
        "<vendor_id>AuthenticAMD</vendor_id>"
        "<cpu_family>21</cpu_family><model>2</model><stepping>0</stepping>"
        "<flags>fpu de cx8 cmov lm svm mce</flags></CPU></Proc_Info></CPUInfo></NodeInformation>"
        "</Discover_Hardware_Result>"
    )
    escaped = inner.replace("&", "&amp;").replace("<", "&lt;")
    value = f"<params><param><value><string>{escaped}</string></value></param></params>"
    text = f"<?xml version='1.0'?><methodResponse>{value}</methodResponse>"
    assert parse_profile(text).key == ("AuthenticAMD", "21", "2")
    assert parse_profile(text).flag_source is FlagSource.XEN_DOM0


def test_two_kinds_of_processor_in_one_server_are_a_finding() -> None:
    one = cpuinfo(HASWELL, count=1)
    two = cpuinfo(HASWELL, count=1, stepping=4).replace("processor\t: 0", "processor\t: 1")
    assert parse_profile(one + "\n" + two).differs_inside
    assert not server(HASWELL).differs_inside


def test_topology_is_taken_from_bare_metal_only() -> None:
    text = cpuinfo(HASWELL).replace("flags", "physical id\t: 0\nsiblings\t: 24\ncpu cores\t: 12\nflags")
    profile = parse_profile(text)
    assert (profile.sockets, profile.cores_per_socket, profile.threads_per_core) == (1, 12, 2)
    below = parse_profile(
        text.replace(" pse ", " ").replace(" vme", "").replace(" pge", "").replace(" pse36", "")
    )
    assert below.flag_source is FlagSource.XEN_DOM0
    assert below.cores_per_socket is None


@pytest.mark.parametrize(
    ("written", "read"), [("1805", "0x70d"), ("0x43", "0x43"), ("0xffffffff", None), ("none", None)]
)
def test_microcode_is_hexadecimal_however_it_is_written(written: str, read: str | None) -> None:
    assert server(HASWELL, microcode=written).microcode == read


def test_a_wrapped_flags_line_is_joined() -> None:
    head, tail = HASWELL[:200], HASWELL[200:]
    cut = head.rfind(" ")
    text = cpuinfo(HASWELL[:cut] + "\n" + HASWELL[cut + 1 : 200] + tail, count=1)
    assert parse_profile(text).flags == server(HASWELL).flags


@pytest.mark.parametrize(
    ("alias", "names"),
    [
        ("pni", {"sse3"}),
        ("abm", {"lzcnt"}),
        ("LZCNT", {"lzcnt"}),
        ("sse4.1", {"sse4_1"}),
        ("spec-ctrl", {"ibrs", "ibpb"}),
    ],
)
def test_names_have_one_spelling(alias: str, names: set[str]) -> None:
    assert flags.normalise([alias]) == names


@given(st.lists(st.text(max_size=60), max_size=30))
def test_normalising_twice_changes_nothing(tokens: list[str]) -> None:
    once = flags.normalise(tokens)
    assert flags.normalise(once) == once


def test_the_flag_table_is_whole() -> None:
    for row in flags.table().values():
        assert row.reach in ("", "A", "S", "K"), row
        assert set(row.tags) <= set("xmbkqwprtsh"), row
        assert row.meaning
        assert not (row.reach and set(row.tags) & set("hts")), f"{row.name} is set apart and reaches guests"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{}",
        "[]",
        "<a/>",
        "<a",
        "{" * 5000,
        "[" * 100_000,
        "lscpu",
        "\x00" * 100,
        '{"lscpu": 5}',
        "<!DOCTYPE a [<!ENTITY b 'c'>]><cpu><model>&b;</model></cpu>",
        "<a>" * 500,
    ],
)
def test_what_is_no_processor_is_refused_in_words(text: str) -> None:
    with pytest.raises(CpuFormatError, match="cannot read this processor description"):
        parse_profiles(text)


def test_a_name_from_a_server_is_made_inert() -> None:
    text = cpuinfo(HASWELL, name="Xeon\x1b]0;owned\x07 \u202e evil" + "x" * 500)
    name = parse_profile(text).model_name
    assert name is not None
    assert len(name) <= 120
    assert name.isprintable()


def test_a_long_hostile_text_does_not_hang_a_reader() -> None:
    for text in (
        "processor : 0\n" * 200_000,
        "(" * 200_000 + " modelname vendor " * 1000,
        "a: " * 100_000,
        " 1" * 500_000,
        "\n" * 1_000_000,
        " " * 1_000_000,
        "cpu_info vendor" + " " * 100_000 + "modelname" + "\t" * 100_000,
        "physical processor has 1 virtual processors (" + "( chipid" * 100_000,
        "System Configuration:\n" + "1 " * 500_000,
        '{"lscpu": [' + "1," * 300_000 + "1]}",
        "<r>" + "<cpus><cpuFamily/></cpus>" * 20_000 + "</r>",
    ):
        try:
            parse_profiles(text)
        except CpuFormatError:
            continue


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(CpuFormatError, match="larger than 32 MiB"):
        parse_profiles("x" * (32 * 1024 * 1024 + 1))


@examples(200)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lscpu", "cpus", "cpuFamily", "cpu_info", "features", "vendor", "modelname", "cpuCompatibilityGroupId", "serverId", "flags", "controlDomains", "field", "data", "children", "servers", "host"]), inner, max_size=5), max_leaves=20))  # fmt: skip  # noqa: E501
def test_any_json_is_read_or_refused(data: object) -> None:
    try:
        found = parse_profiles(json.dumps(data))
    except CpuFormatError:
        return
    assert all(isinstance(profile, CpuProfile) for profile in found.values())


def test_flags_alone_make_a_profile_without_a_key() -> None:
    profile = parse_profile("flags : " + BASE)
    assert profile.key is None
    assert profile.flags == server(BASE).flags


LSCPU_DOM0 = """\
Architecture:          x86_64
CPU(s):                48
Vendor ID:             GenuineIntel
CPU family:            6
Model:                 63
Stepping:              2
Hypervisor vendor:     Xen
Virtualization type:   {kind}
Flags:                 fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr
"""


@pytest.mark.parametrize(("kind", "is_virtual"), [("none", False), ("full", True)])
def test_lscpu_tells_a_control_domain_from_a_guest(kind: str, is_virtual: bool) -> None:
    profile = parse_profile(LSCPU_DOM0.format(kind=kind))
    assert profile.is_virtual is is_virtual
    assert (profile.flag_source is FlagSource.XEN_DOM0) is not is_virtual


def test_a_description_quoted_by_mail_is_read() -> None:
    quoted = "".join(f"> {line}\n" for line in LSCPU_DOM0.format(kind="none").splitlines())
    assert parse_profile(quoted) == parse_profile(LSCPU_DOM0.format(kind="none"))
