"""Where the recorded processors are, and small profiles for tests."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from core.cpu.parse import parse_profile
from core.models.cpu import CpuProfile

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT.parent / "shared" / "data"
FIXTURES = ROOT / "tests" / "fixtures" / "cpu"
needs_records = pytest.mark.skipif(
    not (RECORDED / "cpuinfo" / "index.csv").is_file(),
    reason="the recorded processors are not beside this checkout",
)

BASE = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2"
    " ss ht tm pbe syscall nx pdpe1gb rdtscp lm constant_tsc rep_good nopl xtopology nonstop_tsc cpuid aperfmperf"
    " pni pclmulqdq dtes64 monitor vmx ssse3 cx16 pcid sse4_1 sse4_2 x2apic popcnt tsc_deadline_timer aes lahf_lm"
)
AVX = " xsave avx xsaveopt"
HASWELL = BASE + AVX + " f16c rdrand fma movbe abm fsgsbase tsc_adjust bmi1 avx2 smep bmi2 erms invpcid"
SKYLAKE = (
    HASWELL
    + " adx rdseed smap hle rtm mpx avx512f avx512dq avx512cd avx512bw avx512vl clflushopt clwb xsavec pku"
)


def rows(folder: str) -> list[dict[str, str]]:
    """The index of recorded files; empty where they are absent."""
    path = RECORDED / folder / "index.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def recorded(name: str, folder: str = "cpuinfo") -> CpuProfile:
    """One recorded processor."""
    return parse_profile((RECORDED / folder / name).read_text(encoding="utf-8"))


def cpuinfo(
    flags: str,
    *,
    vendor: str = "GenuineIntel",
    family: int = 6,
    model: int = 63,
    stepping: int | None = 2,
    microcode: str | None = "0x43",
    name: str = "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz",
    count: int = 2,
) -> str:
    """/proc/cpuinfo of a server with `count` equal processors."""
    block = [
        ("vendor_id", vendor),
        ("cpu family", str(family)),
        ("model", str(model)),
        ("model name", name),
        *([("stepping", str(stepping))] if stepping is not None else []),
        *([("microcode", microcode)] if microcode is not None else []),
        ("flags", flags),
    ]
    lines = []
    for number in range(count):
        lines += [f"processor\t: {number}", *(f"{key}\t: {value}" for key, value in block), ""]
    return "\n".join(lines)


def server(flags: str = HASWELL, **more: object) -> CpuProfile:
    """The profile of such a server."""
    return parse_profile(cpuinfo(flags, **more))  # type: ignore[arg-type]
