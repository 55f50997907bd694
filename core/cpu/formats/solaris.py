"""Solaris: psrinfo -pv, psrinfo -v, kstat cpu_info and prtdiag -v, on SPARC and on x86."""

from __future__ import annotations

import re

from core.cpu.formats import common
from core.models.cpu import Arch, CpuProfile

_PSRINFO = re.compile(
    r"physical processor has|virtual processors? \(|sparcv9 processor operates at|processor operates at"
)
_KSTAT = re.compile(r"^[ \t]*module:\s*cpu_info|^cpu_info:\d+:", re.MULTILINE)
_PRTDIAG = re.compile(r"^System Configuration:", re.MULTILINE)
_CHIP = re.compile(
    r"^[ \t]*(\S.*?)[ \t]*\((?:chipid|portid)\s+\S+(.*?)clock\s+(\d+)\s*MHz\)[ \t]*$", re.MULTILINE
)
_X86 = re.compile(r"^[ \t]*x86 \((.*?)\)[ \t]*\n[ \t]*(.*?)$", re.MULTILINE)
MAX_LINE = 300  # the longest real line has about 120 characters
_CORES = re.compile(r"physical processor has (?:(\d+) cores? and )?(\d+) virtual")
_SPARC64 = {
    "3": "SPARC64",
    "4": "SPARC64 GP",
    "5": "SPARC64 V",
    "6": "SPARC64 VI",
    "7": "SPARC64 VII",
}  # prtdiag CPU Impl.
_MODEL = re.compile(
    r"\b((?:Ultra)?SPARC(?:64)?[- ]?(?:[A-Z]\d+\+?|[IVX]+[ei]*\+?|T\d\+?)(?:\+)?)", re.IGNORECASE
)


def reads(text: str) -> bool:
    """Does this look like one of the Solaris commands?"""
    return bool(_PSRINFO.search(text) or _KSTAT.search(text) or _PRTDIAG.search(text))


def read(text: str) -> dict[str, CpuProfile]:
    """The one server of this output."""
    text = "\n".join(line[:MAX_LINE] for line in text.splitlines() if line.strip())
    if _KSTAT.search(text):
        return {"": _kstat(text)}
    if _PRTDIAG.search(text):
        return {"": _prtdiag(text)}
    return {"": _psrinfo(text)}


def sparc(model_name: str | None, mhz: object = None, **more: object) -> CpuProfile:
    """A SPARC profile; Solaris prints neither family nor model numbers."""
    fields: dict[str, object] = {
        "arch": Arch.SPARC,
        "model_name": common.inert(model_name),
        "khz": common.khz_of(mhz) if mhz is not None else None,
    }
    return CpuProfile.model_validate(fields | more)


def _psrinfo(text: str) -> CpuProfile:
    x86 = _X86.search(text)
    if x86:
        return _x86(x86[1], x86[2].split("[")[0], text)
    if "i386 processor" in text:
        clock = re.search(r"operates at (\d+) MHz", text)
        return CpuProfile(arch=Arch.X86_64, khz=common.khz_of(clock[1]) if clock else None)
    chips = _CHIP.findall(text)
    counts = _CORES.findall(text)
    virtual = sum(int(threads) for _, threads in counts) or None
    cores = int(counts[0][0]) if counts and counts[0][0] else None
    clock = re.search(r"operates at (\d+) MHz", text)
    return sparc(
        chips[0][0] if chips else None,
        chips[0][2] if chips else clock[1] if clock else None,
        sockets=len(counts) or None,
        cores_per_socket=cores,
        threads_per_core=int(counts[0][1]) // cores if cores and counts else None,
        logical_cpus=virtual,
        differs_inside=len({(chip[0], chip[2]) for chip in chips}) > 1,
    )


def _x86(inner: str, name: str, text: str) -> CpuProfile:
    def part(label: str) -> str | None:
        hit = re.search(rf"\b{label}\s+(\S+)", inner)
        return hit[1] if hit else None

    vendor = next((token for token in inner.split() if token in common.X86_VENDORS), None)
    counts = _CORES.findall(text)
    values = {
        "vendor": vendor,
        "family": part("family"),
        "model": part("model"),
        "stepping": part("step"),
        "model_name": name,
    }
    return common.profile(
        values, arch=Arch.X86_64, sockets=len(counts) or None, khz=common.khz_of(part("clock"))
    )


def _kstat(text: str) -> CpuProfile:
    def all_of(key: str) -> list[str]:
        return re.findall(rf"(?:^|:)\s*{key}\s+(.+?)\s*$", text, re.MULTILINE)

    brands, clocks = all_of("brand"), all_of("clock_MHz")
    implementations = all_of("implementation")
    name = brands[0] if brands else implementations[0].split("(")[0] if implementations else None
    vendors = all_of("vendor_id")
    if vendors and vendors[0] in common.X86_VENDORS:
        values = {"vendor": vendors[0], "model_name": name}
        for key in ("family", "model", "stepping"):
            found = all_of(key)
            values[key] = found[0] if found else None
        return common.profile(values, arch=Arch.X86_64)
    return sparc(
        name,
        clocks[0] if clocks else None,
        sockets=len(set(all_of("chip_id"))) or None,
        logical_cpus=len(brands) or None,
        differs_inside=len(set(brands)) > 1 or len(set(clocks)) > 1,
    )


def _prtdiag(text: str) -> CpuProfile:
    named = _MODEL.search(text[text.find("\n") :])
    if named:
        clock = re.search(r"\b(\d{3,5})\s*MHz\b", text[named.start() - 200 if named.start() > 200 else 0 :])
        return sparc(named[1], clock[1] if clock else None)
    short = re.search(r"\bUS-(I{1,3}[ie]?\+?|IV\+?)(?=\s)", text)
    if short:
        return sparc(f"UltraSPARC-{short[1]}")
    rows = re.findall(
        r"^[ \t]*\d+[ \t]+\d+[ \t]+[\d, ]+?[ \t]{2,}(\d{3,5})\s+[\d.]+\s+(\d+)\s+(\d+)\s*$",
        text,
        re.MULTILINE,
    )
    if not rows:
        return sparc(None, remarks=("prtdiag names no processor",))
    mhz, implementation, mask = rows[0]
    name = _SPARC64.get(implementation)
    return sparc(
        f"CPU Impl. {implementation}" + (f" ({name})" if name else ""),
        mhz,
        sockets=len(rows),
        differs_inside=len({row[0:2] for row in rows}) > 1,
        remarks=(f"implementation {implementation} mask {mask}",),
    )
