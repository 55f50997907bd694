"""Ten pools judged by hand: the whole expected matrix of each, from row to column.

+ works   ~ works with a risk   ? not known   ! Manager lets it through, guest may crash   x refused
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.cpu.compat import Disagreeing, pair
from core.cpu.fleet import Fleet
from core.cpu.matrix import build
from core.cpu.origin import Origin
from core.cpu.verdict import CellVerdict, Guest
from core.models.cpu import Arch, CpuProfile, FlagSource
from core.reports.compat_build import report

from .samples import AVX, BASE, HASWELL, SKYLAKE, server

GLYPHS = {
    "+": CellVerdict.ALLOWED,
    "~": CellVerdict.RISK,
    "?": CellVerdict.UNKNOWN,
    "!": CellVerdict.FAILS,
    "x": CellVerdict.REFUSED,
}


@dataclass(frozen=True)
class Case:
    """Servers, and what a move from each to each must give; `rows` names the deciding rows of some cells."""

    servers: dict[str, CpuProfile | None]
    matrix: str
    rows: dict[tuple[str, str], str]
    guest: Guest = Guest.PVHVM


def sp(flags: str, stepping: int, microcode: str, name: str) -> CpuProfile:
    return server(flags, model=85, stepping=stepping, microcode=microcode, name=name)


def amd(flags: str) -> CpuProfile:
    return server(
        flags.replace("vmx", "svm"),
        vendor="AuthenticAMD",
        family=25,
        model=1,
        stepping=1,
        name="AMD EPYC 7413 24-Core Processor",
    )


def sparc(name: str) -> CpuProfile:
    return CpuProfile(arch=Arch.SPARC, model_name=name)


def without(text: str, *names: str) -> str:
    return " ".join(word for word in text.split() if word not in names)


CASCADE = SKYLAKE + " avx512_vnni md_clear ssbd ibrs ibpb stibp arch_capabilities rdt_a"
COOPER = CASCADE + " avx512_bf16 ibrs_enhanced"
SPECTRE = " ibrs ibpb stibp ssbd md_clear"
HVM_ONLY = {"vme", "pse", "pge", "pse36", "mtrr", "vmx", "smep", "pcid", "invpcid", "tsc_adjust"}
DOM0 = without(HASWELL, "tsc_deadline_timer", *HVM_ONLY)
OLD_KERNEL = without(HASWELL, "avx2", "bmi1", "bmi2", "invpcid", "tsc_adjust", "cpuid", "pcid")
NO_AES = without(HASWELL, "aes")
GOLD = "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz"

CASES = {
    "three generations share model 85": Case(
        {
            "skylake": sp(SKYLAKE + SPECTRE, 4, "0x2006e05", "Intel(R) Xeon(R) Gold 6132 CPU @ 2.60GHz"),
            "cascade": sp(CASCADE, 7, "0x5003303", "Intel(R) Xeon(R) Gold 6230 CPU @ 2.60GHz"),
            "cooper": sp(COOPER, 11, "0x7002402", "Intel(R) Xeon(R) Gold 6330H CPU @ 2.60GHz"),
        },
        "+++ !++ !!+",
        {("skylake", "cascade"): "C06", ("cascade", "skylake"): "C06", ("cooper", "cascade"): "C06"},
    ),
    "a microcode took TSX from one of three equals": Case(
        {
            "one": sp(SKYLAKE, 7, "0x5000021", GOLD),
            "two": sp(SKYLAKE, 7, "0x5000021", GOLD),
            "patched": sp(without(SKYLAKE, "hle", "rtm"), 7, "0x5002f01", GOLD),
        },
        "++! ++! +++",
        {("one", "patched"): "C08", ("patched", "one"): "C07"},
    ),
    "the firmware of one hides AES": Case(
        {"one": server(HASWELL), "two": server(HASWELL), "hidden": server(NO_AES)},
        "++! ++! +++",
        {("one", "hidden"): "C08", ("hidden", "two"): "C07"},
    ),
    "Haswell below an older dom0 kernel": Case(
        {"new": server(HASWELL), "old": server(OLD_KERNEL)},
        "+~ ++",
        {("new", "old"): "C19", ("old", "new"): "C07"},
    ),
    "Xen masks one side's dom0": Case(
        {"bare": server(HASWELL), "dom0": server(DOM0)},
        "+~ ++",
        {("bare", "dom0"): "C19"},
    ),
    "Intel with AMD": Case(
        {"intel": server(HASWELL), "amd": amd(HASWELL)},
        "+x x+",
        {("intel", "amd"): "C02", ("amd", "intel"): "C02"},
    ),
    "SPARC T4 with T7": Case(
        {"t4": sparc("SPARC-T4"), "t7": sparc("SPARC-M7"), "t2": sparc("UltraSPARC-T2")},
        "+~~ ~+x ~x+",
        {("t4", "t7"): "C27", ("t7", "t2"): "C27"},
    ),
    "one server cannot be read": Case(
        {"one": server(HASWELL), "two": server(HASWELL), "silent": None},
        "++? ++? ??+",
        {("one", "silent"): "C28", ("silent", "one"): "C28"},
    ),
    "a refresh: other model number, same features": Case(
        {"v3": server(HASWELL), "v4": server(HASWELL, model=79, stepping=1)},
        "+x x+",
        {("v3", "v4"): "C04", ("v4", "v3"): "C04"},
    ),
    "no VT-x in the firmware of one": Case(
        {"on": server(HASWELL), "off": server(without(HASWELL, "vmx"))},
        "+! ++",
        {("on", "off"): "C25"},
        Guest.HVM,
    ),
    "no VT-x, but PV guests": Case(
        {"on": server(HASWELL), "off": server(without(HASWELL, "vmx"))},
        "++ ++",
        {},
        Guest.PV,
    ),
    "x86 with SPARC": Case(
        {"x86": server(HASWELL), "sparc": sparc("SPARC-T5")},
        "+x x+",
        {("x86", "sparc"): "C01", ("sparc", "x86"): "C01"},
    ),
    "older releases": Case(
        {
            "new": server(HASWELL).model_copy(update={"platform_release": "3.4.6-2105"}),
            "patch": server(HASWELL).model_copy(update={"platform_release": "3.4.2-1384"}),
            "old": server(HASWELL).model_copy(update={"platform_release": "3.2.11-775"}),
        },
        "+xx ++x +++",
        {("new", "patch"): "C17", ("new", "old"): "C18"},
    ),
    "same features, other microcode": Case(
        {"one": server(HASWELL, microcode="0x43"), "two": server(HASWELL, microcode="0x44")},
        "+~ ~+",
        {("one", "two"): "C11"},
    ),
    "no AVX on one side of a group": Case(
        {"avx": server(BASE + AVX, model=45, stepping=7), "plain": server(BASE, model=45, stepping=7)},
        "+! ++",
        {("avx", "plain"): "C08"},
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_the_matrix_is_the_one_made_by_hand(name: str) -> None:
    case = CASES[name]
    matrix = build(case.servers, [case.guest])
    names = list(case.servers)
    lines = dict(zip(names, case.matrix.split(), strict=True))
    expected = {
        (a, b): GLYPHS[glyph] for a, line in lines.items() for b, glyph in zip(names, line, strict=True)
    }
    assert {(a, b): matrix.verdict(a, b, case.guest) for a in names for b in names} == expected
    for (a, b), row in case.rows.items():
        cell = pair(case.servers[a], case.servers[b], case.guest)
        assert cell.rows[0] == row, (a, b, cell)
        assert cell.text


def _origins(
    servers: dict[str, CpuProfile | None], a: str, b: str, guest: Guest = Guest.PVHVM
) -> dict[str, Origin]:
    found = report(Fleet(profiles=servers), [guest])
    i, j = found.matrix.class_of(a), found.matrix.class_of(b)
    return {reason.flag: reason.origin for reason in found.reasons(i, j, guest)}


@pytest.mark.parametrize(
    ("case", "a", "b", "flag", "origin"),
    [
        ("a microcode took TSX from one of three equals", "one", "patched", "rtm", Origin.MICROCODE),
        ("the firmware of one hides AES", "one", "hidden", "aes", Origin.BIOS),
        ("Haswell below an older dom0 kernel", "new", "old", "avx2", Origin.KERNEL),
        ("Xen masks one side's dom0", "bare", "dom0", "smep", Origin.HYPERVISOR),
        ("three generations share model 85", "cooper", "cascade", "avx512_bf16", Origin.SILICON),
        ("no AVX on one side of a group", "avx", "plain", "avx", Origin.HYPERVISOR),
    ],
)
def test_a_missing_bit_has_its_likely_origin(case: str, a: str, b: str, flag: str, origin: Origin) -> None:
    assert _origins(CASES[case].servers, a, b)[flag] is origin


def test_both_kinds_of_disagreement_are_flagged() -> None:
    hidden = pair(server(HASWELL), server(NO_AES))
    assert hidden.disagreement is Disagreeing.CRASH
    refresh = pair(server(HASWELL), server(HASWELL, model=79))
    assert refresh.disagreement is Disagreeing.SUFFICE
    assert pair(server(HASWELL), server(HASWELL)).disagreement is None


@pytest.mark.parametrize(
    ("lost", "verdict", "row"),
    [
        ("nx", CellVerdict.RISK, "C09"),  # kernels use it only if it was there at boot
        ("erms", CellVerdict.RISK, "C08"),  # a hint: REP MOVSB works without it
        ("avx2", CellVerdict.FAILS, "C08"),
        ("monitor", CellVerdict.ALLOWED, ""),  # never reaches a guest
        ("x2apic", CellVerdict.ALLOWED, ""),  # emulated
        ("constant_tsc", CellVerdict.ALLOWED, ""),  # made by the kernel
    ],
)
def test_what_kind_of_bit_is_missing_decides(lost: str, verdict: CellVerdict, row: str) -> None:
    cell = pair(server(HASWELL), server(without(HASWELL, lost)))
    assert cell.verdict is verdict
    assert cell.rows[:1] == ((row,) if row else ())


def test_a_bit_of_which_one_means_worse_is_a_risk_where_it_is_set() -> None:
    good = server(HASWELL)
    worse = good.model_copy(update={"flags": good.flags | {"zero_fcs_fds"}})
    assert pair(good, worse).verdict is CellVerdict.RISK
    assert pair(worse, good).verdict is CellVerdict.ALLOWED


def test_extended_state_is_named() -> None:
    assert "C10" in pair(server(SKYLAKE, model=85), server(HASWELL, model=85)).rows


def test_a_newer_processor_that_lacks_an_old_feature_is_told() -> None:
    old = sp(SKYLAKE, 4, "0x1", "x")
    new = sp(without(SKYLAKE, "mpx"), 11, "0x1", "x")
    assert "C23" in pair(old, new).rows
    assert "C23" not in pair(new.model_copy(update={"flags": new.flags | {"gfni"}}), old).rows


def test_clock_rates_that_differ_are_said_and_change_nothing() -> None:
    slow, fast = server(HASWELL), server(HASWELL).model_copy(update={"khz": 3_200_000})
    assert pair(slow, fast).verdict is CellVerdict.ALLOWED
    assert pair(slow, fast).rows == ("C14",)
    near = slow.model_copy(update={"khz": 2_510_000})
    assert pair(slow, near).rows == ()


def test_pv_guests_do_not_miss_what_they_never_see() -> None:
    poor = server(without(HASWELL, "smep", "pcid", "invpcid"))
    assert pair(server(HASWELL), poor, Guest.PV).verdict is CellVerdict.ALLOWED
    assert pair(server(HASWELL), poor, Guest.HVM).verdict is CellVerdict.FAILS


def test_kvm_has_no_groups_but_needs_named_models() -> None:
    v3, v4 = server(HASWELL), server(HASWELL, model=79, stepping=1)
    cell = pair(v3, v4, Guest.KVM)
    assert (cell.verdict, cell.rows[0]) == (CellVerdict.RISK, "C04")
    assert "named CPU model" in cell.text
    assert pair(v3, amd(HASWELL), Guest.KVM).verdict is CellVerdict.REFUSED


@pytest.mark.parametrize(
    "change", [{"flags_cut": True}, {"flag_source": FlagSource.NONE, "flags": frozenset()}]
)
def test_missing_data_is_unknown_never_compatible(change: dict[str, object]) -> None:
    whole = server(HASWELL)
    partial = whole.model_copy(update=change)
    assert pair(partial, whole).verdict is CellVerdict.UNKNOWN
    assert pair(partial, partial).verdict is CellVerdict.UNKNOWN


def test_a_key_that_is_not_known_is_unknown_however_equal_the_features() -> None:
    one = server(HASWELL).model_copy(update={"model": None})
    assert pair(one, server(HASWELL)).verdict is CellVerdict.UNKNOWN
    other_vendor = one.model_copy(update={"vendor": "AuthenticAMD"})
    assert pair(other_vendor, server(HASWELL)).verdict is CellVerdict.REFUSED


def test_two_processors_no_rule_knows_are_unknown() -> None:
    arm = CpuProfile(arch=Arch.OTHER, remarks=("foreign ARM",))
    assert pair(arm, arm).verdict is CellVerdict.UNKNOWN
    assert pair(arm, server(HASWELL)).verdict is CellVerdict.REFUSED
