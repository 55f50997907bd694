"""CPUID dumps: hwloc's lines, libvirt's cpudata, and `cpuid -r`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element  # the type only; documents are parsed by defusedxml

from core.cpu import flags
from core.cpu.formats import common
from core.models.cpu import Arch, CpuProfile, FlagSource

Leaf = tuple[int, int]  # eax and ecx in
Regs = tuple[int, int, int, int]  # eax, ebx, ecx, edx out

_HEX = r"([0-9a-fA-F]{1,8})"
_HWLOC = re.compile(
    rf"^ ?{_HEX} {_HEX} {_HEX} {_HEX} {_HEX} => {_HEX} {_HEX} {_HEX} {_HEX}[ \t\r]*$",
    re.MULTILINE,
)
_RAW = re.compile(
    rf"^[ \t]*0x{_HEX} +0x{_HEX}: *eax=0x{_HEX} +ebx=0x{_HEX} +ecx=0x{_HEX} +edx=0x{_HEX}", re.MULTILINE
)
_PLACES: dict[str, tuple[Leaf, int]] = {
    "1d": ((1, 0), 3),
    "1c": ((1, 0), 2),
    "e1d": ((0x80000001, 0), 3),
    "e1c": ((0x80000001, 0), 2),
    "Da1": ((0xD, 1), 0),
    "7b0": ((7, 0), 1),
    "7c0": ((7, 0), 2),
    "7d0": ((7, 0), 3),
    "7a1": ((7, 1), 0),
    "7d1": ((7, 1), 3),
    "6a": ((6, 0), 0),
    "6c": ((6, 0), 2),
    "e7d": ((0x80000007, 0), 3),
    "e8b": ((0x80000008, 0), 1),
    "eAd": ((0x8000000A, 0), 3),
    "e21a": ((0x80000021, 0), 0),
}


def reads(text: str) -> bool:
    """Does this look like a textual CPUID dump?"""
    return bool(_HWLOC.search(text) or _RAW.search(text))


def read(text: str) -> dict[str, CpuProfile]:
    """The first processor of a textual dump."""
    leaves: dict[Leaf, Regs] = {}
    for hit in _HWLOC.finditer(text):
        _, eax, _, ecx, _, *out = (int(part, 16) for part in hit.groups())
        leaves.setdefault((eax, ecx), (out[0], out[1], out[2], out[3]))
    if not leaves:
        for hit in _RAW.finditer(text):
            eax, ecx, *out = (int(part, 16) for part in hit.groups())
            leaves.setdefault((eax, ecx), (out[0], out[1], out[2], out[3]))
    return {"": profile(leaves)}


def read_cpudata(root: Element) -> CpuProfile:
    """libvirt's <cpudata> element."""
    leaves: dict[Leaf, Regs] = {}
    for node in root.iter("cpuid"):
        values = [
            common.number(node.get(name, "0"), 16) or 0
            for name in ("eax_in", "ecx_in", "eax", "ebx", "ecx", "edx")
        ]
        leaves.setdefault((values[0], values[1]), (values[2], values[3], values[4], values[5]))
    return profile(leaves)


def _text(registers: Iterator[int]) -> str:
    raw = b"".join((register & 0xFFFFFFFF).to_bytes(4, "little") for register in registers)
    return raw.split(b"\0")[0].decode("ascii", "replace")


def profile(leaves: dict[Leaf, Regs]) -> CpuProfile:
    """A profile from raw leaves; family and model are combined from base and extended parts (SDM and APM, CPUID 1)."""
    vendor = family = model = stepping = None
    if (0, 0) in leaves:
        _, ebx, ecx, edx = leaves[0, 0]
        vendor = _text(iter((ebx, edx, ecx)))
    if (1, 0) in leaves:
        eax = leaves[1, 0][0]
        base = eax >> 8 & 0xF
        family = base + (eax >> 20 & 0xFF) if base == 0xF else base
        model = eax >> 4 & 0xF
        if family >= 6:
            model |= eax >> 12 & 0xF0
        stepping = eax & 0xF
    brand = [leaf for leaf in (0x80000002, 0x80000003, 0x80000004) if (leaf, 0) in leaves]
    words = {name: leaves[leaf][at] for name, (leaf, at) in _PLACES.items() if leaf in leaves}
    if vendor not in ("AuthenticAMD", "HygonGenuine"):
        words.pop("eAd", None)
    names = flags.decode_words(words)
    return common.profile(
        {
            "vendor": vendor,
            "family": family,
            "model": model,
            "stepping": stepping,
            "model_name": _text(register for leaf in brand for register in leaves[leaf, 0])
            if brand
            else None,
        },
        flags=names,
        flag_source=FlagSource.CPUID if names else FlagSource.NONE,
        arch=Arch.X86_64,
        is_virtual=True if "hypervisor" in names else None,
        has_hvm=True if names & {"vmx", "svm"} else None,
    )
