"""/proc/cpuinfo of kernels 2.6.18 to today, x86 and others, and bare lists of flags."""

from __future__ import annotations

import re

from core.cpu import flags
from core.cpu.formats import common
from core.models.cpu import Arch, CpuProfile, FlagSource

_LINE = re.compile(r"^[ \t]*([A-Za-z#$][^:\t]{0,60}?)\s*:(?:\s|$)(.*)$")
_START = re.compile(
    r"^[ \t]*(processor([ \t]+\d+)?|vendor_id|cpu family|cpu|system type|vendor|CPU implementer|hart|features)[ \t]*:",
    re.MULTILINE | re.IGNORECASE,
)
_MARKS = (  # a key of the text (lower case), the start of its value -> architecture it gives away
    ("cpu implementer", "", "foreign ARM"),
    ("bogomips per cpu", "", "foreign s390"),
    ("mvendorid", "", "foreign RISC-V"),
    ("isa", "rv", "foreign RISC-V"),
    ("arch", "ia-64", "foreign IA-64"),
    ("cpu family", "loongson", "foreign LoongArch"),
    ("cpu family", "pa-risc", "foreign PA-RISC"),
    ("cpu model", "loongson", "foreign MIPS"),
    ("cpu model", "mips", "foreign MIPS"),
    ("cpu", "alpha", "foreign Alpha"),
    ("processor", "arm", "foreign ARM"),
    ("revision", "", "foreign POWER"),
)


def reads(text: str) -> bool:
    """Does this look like /proc/cpuinfo?"""
    return bool(_START.search(text))


def _blocks(text: str) -> list[dict[str, str]]:
    """One dict a processor (first of equal keys wins), the lines outside of processors merged into the first."""
    blocks: list[dict[str, str]] = [{}]
    last = ""
    for line in text.splitlines():
        hit = _LINE.match(line)
        if not hit:
            if last in ("flags", "features") and _continues(line):
                blocks[-1][last] += " " + line.strip()
            continue
        key, value = hit[1].strip().lower(), hit[2].strip()
        repeats = key in blocks[-1] and key in ("processor", "vendor_id", "hart")
        if repeats or (key == "processor" and "vendor_id" in blocks[-1]):
            blocks.append({})
        last = key if key not in blocks[-1] else ""
        blocks[-1].setdefault(key, value)
    return blocks


def _continues(line: str) -> bool:
    tokens = line.split()
    return bool(tokens) and all(re.fullmatch(r"[a-z0-9_]{2,30}\$?", token) for token in tokens)


def read(text: str) -> dict[str, CpuProfile]:
    """The one server of this text."""
    blocks = [block for block in _blocks(text) if block]
    if not blocks:
        return {}
    first = blocks[0]
    if any(str(block.get("type", "")).startswith("sun4") or "ncpus probed" in block for block in blocks):
        return {"": _sparc(first)}
    if "vendor_id" in first and ("cpu family" in first or "model" in first or "flags" in first):
        return {"": _x86(blocks)}
    return {"": _foreign(blocks)}


def _x86(blocks: list[dict[str, str]]) -> CpuProfile:
    items = [_one(block) for block in blocks if "vendor_id" in block or "flags" in block]
    first, block = items[0], blocks[0]
    sees_topology = first.flag_source is FlagSource.CPUINFO  # below a hypervisor it is made up
    cores, siblings = common.number(block.get("cpu cores", "")), common.number(block.get("siblings", ""))
    sockets = {block["physical id"] for block in blocks if "physical id" in block}
    remarks = []
    if block.get("microcode") and first.microcode is None:
        remarks.append("microcode revision is hidden")
    return first.model_copy(
        update={
            "differs_inside": common.differs(items),
            "logical_cpus": len(items),
            "cores_per_socket": cores if sees_topology else None,
            "threads_per_core": siblings // cores if sees_topology and cores and siblings else None,
            "sockets": len(sockets) or None if sees_topology else None,
            "remarks": (*first.remarks, *remarks),
        }
    )


def _one(block: dict[str, str]) -> CpuProfile:
    vendor = common.word(block.get("vendor_id"))
    more: dict[str, object] = {}
    if vendor not in common.X86_VENDORS:
        more = {"arch": Arch.OTHER, "remarks": ("not a processor of an x86 server",)}
    return common.profile(
        {
            "vendor": vendor,
            "family": block.get("cpu family"),
            "model": block.get("model"),
            "stepping": block.get("stepping"),
            "model_name": block.get("model name"),
            "microcode": block.get("microcode"),
            "flags": block.get("flags", ""),
        },
        **more,
    )


def _sparc(block: dict[str, str]) -> CpuProfile:
    names = frozenset(block.get("cpucaps", "").lower().replace(",", " ").split())
    ticks = next((value for key, value in block.items() if key.endswith("clktck")), "")
    hertz = common.number(ticks, 16)
    return CpuProfile(
        arch=Arch.SPARC,
        model_name=common.inert(block.get("cpu")),
        flags=flags.normalise(names),
        flag_source=FlagSource.OTHER if names else FlagSource.NONE,
        khz=hertz // 1000 if hertz else None,
        logical_cpus=common.number(block.get("ncpus active", "")),
    )


def _foreign(blocks: list[dict[str, str]]) -> CpuProfile:
    first = blocks[0]
    kind = next((name for key, start, name in _MARKS if _shows(blocks, key, start)), "foreign")
    if first.get("cpu", "").upper().startswith(("POWER", "PPC", "970", "74")):
        kind = "foreign POWER"
    names = frozenset(first.get("features", first.get("flags", "")).lower().split())
    return CpuProfile(
        arch=Arch.OTHER,
        vendor=common.word(first.get("vendor_id")),
        model_name=common.inert(first.get("model name") or first.get("cpu model") or first.get("cpu")),
        flags=flags.normalise(names),
        flag_source=FlagSource.OTHER if names else FlagSource.NONE,
        logical_cpus=sum("processor" in block for block in blocks) or None,
        remarks=(kind,),
    )


def _shows(blocks: list[dict[str, str]], key: str, start: str) -> bool:
    values = [block[key].lower() for block in blocks if key in block]
    return any("pvr" in value if key == "revision" else value.startswith(start) for value in values)


def reads_flags_only(text: str) -> bool:
    """Is this nothing but names of CPU features?"""
    tokens = _flag_tokens(text)
    known = flags.normalise(tokens) & flags.table().keys()
    return (
        len(tokens) >= 3
        and len(known) * 2 > len(set(tokens))
        and bool(known & {"fpu", "tsc", "sse2", "lm", "cx8"})
    )


def _flag_tokens(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return (
        re.sub(r"^[ \t]*flags[ \t]*[:=]", " ", "\n".join(lines), flags=re.IGNORECASE)
        .replace(",", " ")
        .split()
    )


def read_flags_only(text: str) -> dict[str, CpuProfile]:
    """A profile that knows its flags and nothing else."""
    return {
        "": common.profile(
            {"flags": " ".join(_flag_tokens(text))}, remarks=("only a list of flags was given",)
        )
    }
