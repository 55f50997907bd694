"""What all readers of processor descriptions share: inert text, numbers, and the making of a profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.cpu import flags
from core.models.cpu import Arch, CpuProfile, FlagSource

_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
MAX_WORD = 64
MAX_NAME = 120

LIBVIRT_VENDORS = {
    "Intel": "GenuineIntel",
    "AMD": "AuthenticAMD",
    "Hygon": "HygonGenuine",
    "Zhaoxin": "CentaurHauls",
}
X86_VENDORS = frozenset(
    {
        "GenuineIntel",
        "AuthenticAMD",
        "HygonGenuine",
        "CentaurHauls",
        "Shanghai",
        "GenuineTMx86",
        "TransmetaCPU",
    }
    | {
        "CyrixInstead",
        "NexGenDriven",
        "UMC UMC UMC",
        "RiseRiseRise",
        "SiS SiS SiS",
        "Geode by NSC",
        "Vortex86 SoC",
    }
)


def inert(text: object, limit: int = MAX_NAME) -> str | None:
    """Text without control characters and surplus blanks, cut at `limit`; None when nothing is left."""
    if text is None:
        return None
    plain = _SPACE.sub(" ", _CONTROL.sub(" ", str(text))).strip()
    return plain[:limit] or None


def word(text: object) -> str | None:
    """A short value (vendor, family, model, stepping) as its source writes it; None for empty and dashes."""
    value = inert(text, MAX_WORD)
    return None if value in (None, "-", "unknown", "None", "null") else value


def number(text: object, base: int = 10) -> int | None:
    """A non-negative integer below 2**63, None when it is not one."""
    try:
        value = int(str(text).strip(), base)
    except ValueError:
        return None
    return value if 0 <= value < 2**63 else None


def khz_of(mhz: object) -> int | None:
    """kHz of a decimal MHz text, None when it is absurd (below 100 MHz or above 10 GHz)."""
    try:
        value = round(float(str(mhz).strip()) * 1000)
    except (ValueError, OverflowError):
        return None
    return value if 100_000 <= value <= 10_000_000 else None


_NOMINAL = re.compile(r"@\s*([0-9]{1,2}(?:\.[0-9]{1,3})?)\s*([GM])Hz", re.IGNORECASE)


def nominal_khz(model_name: str | None) -> int | None:
    """The nominal rate in the name ('... @ 2.50GHz'), which is the TSC's rate to within a percent."""
    hit = _NOMINAL.search(model_name or "")
    if not hit:
        return None
    return khz_of(float(hit[1]) * (1000 if hit[2] in "Gg" else 1))


def microcode_of(text: object) -> str | None:
    """The revision as 0x..., from hexadecimal or decimal text; None when hidden (all ones, zero) or absent."""
    plain = str(text).strip() if text is not None else ""
    value = number(plain, 16) if plain.lower().startswith("0x") else number(plain)
    if value is None or value in (0, 0xFFFFFFFF):
        return None
    return hex(value)


def split_flags(text: str) -> tuple[frozenset[str], bool]:
    """Normalised names of a blank- or comma-separated list, and whether the list was visibly cut."""
    tokens = text.replace(",", " ").split()
    cut = [token for token in tokens if token.endswith(("$", "...", "\u2026", ">", "\\"))]
    names = flags.normalise(token for token in tokens if token not in cut)
    is_short = bool(tokens) and not names & {"cx8", "cmov", "lm"}  # no x86 server of this century lacks these
    return names, bool(cut) or is_short


def looks_like_xen_pv(names: frozenset[str]) -> bool:
    """A Xen PV view lacks the paging bits that every bare x86 processor has."""
    return "cmov" in names and not names & {"pse", "pge", "vme", "pse36"}


_XEN_DOM0_SIGNS = frozenset({"acpi", "mce", "est", "monitor", "arat", "ida"})


def source_of(names: frozenset[str]) -> tuple[FlagSource, bool | None]:
    """How a kernel's list was seen, and whether it is a guest's: dom0 of Xen, a guest, or the bare machine."""
    if not names:
        return FlagSource.NONE, None
    if looks_like_xen_pv(names):
        return (FlagSource.XEN_DOM0, False) if names & _XEN_DOM0_SIGNS else (FlagSource.OTHER, True)
    if "hypervisor" in names:
        return FlagSource.OTHER, True
    return FlagSource.CPUINFO, False if names & {"vmx", "svm", "monitor", "dtes64", "tm"} else None


def arch_of(vendor: str | None, names: frozenset[str]) -> Arch:
    """x86 by its vendors or by 64-bit flags, otherwise unknown."""
    return Arch.X86_64 if vendor in X86_VENDORS or "lm" in names or {"cx8", "cmov"} <= names else Arch.UNKNOWN


def group_of(text: str | None) -> tuple[str | None, str | None, str | None] | None:
    """Vendor, family and model out of a default group id or name (Default_Intel_F6_M60)."""
    hit = re.fullmatch(r"Default_([A-Za-z]+)_F(?:amily:)?(\d+)_M(?:odel:)?(\d+)", text or "")
    return (LIBVIRT_VENDORS.get(hit[1], hit[1]), hit[2], hit[3]) if hit else None


def profile(values: Mapping[str, Any], **more: Any) -> CpuProfile:
    """A CpuProfile from x86 fields (vendor, family, model, stepping, model_name, flags text or names, microcode)."""
    raw = values.get("flags")
    names, cut = split_flags(raw) if isinstance(raw, str) else (frozenset(raw or ()), False)
    vendor = word(values.get("vendor"))
    model_name = inert(values.get("model_name"))
    source, is_virtual = source_of(names)
    fields: dict[str, Any] = {
        "arch": arch_of(vendor, names),
        "vendor": vendor,
        "family": word(values.get("family")),
        "model": word(values.get("model")),
        "stepping": word(values.get("stepping")),
        "model_name": model_name,
        "microcode": microcode_of(values.get("microcode")),
        "flags": names,
        "flags_cut": cut,
        "flag_source": source,
        "is_virtual": is_virtual,
        "khz": nominal_khz(model_name),
        "has_hvm": True if source is FlagSource.CPUINFO and names & {"vmx", "svm"} else None,
    }
    fields.update(more)
    return CpuProfile(**fields)


def differs(profiles: Iterable[CpuProfile]) -> bool:
    """Whether processors of one server are not alike, judged by what both sides know."""
    items = list(profiles)
    fields = ("vendor", "family", "model", "stepping", "microcode", "model_name", "flags")
    for name in fields:
        known = {value for value in (getattr(item, name) for item in items) if value}
        if len(known) > 1:
            return True
    return False


def tidied(profile: CpuProfile) -> CpuProfile:
    """A profile from anywhere with inert texts, normalised flags and believable numbers; itself if it is so already."""
    changes: dict[str, Any] = {}
    for name in ("vendor", "family", "model", "stepping"):
        changes[name] = word(getattr(profile, name))
    for name in ("model_name", "platform_release", "hypervisor", "kernel", "group"):
        changes[name] = inert(getattr(profile, name))
    changes["microcode"] = microcode_of(profile.microcode)
    changes["khz"] = profile.khz if profile.khz is not None and 0 < profile.khz < 10**9 else None
    changes["flags"] = flags.normalise(profile.flags)
    changes["remarks"] = tuple(text for text in (inert(remark) for remark in profile.remarks[:20]) if text)
    different = {name: value for name, value in changes.items() if value != getattr(profile, name)}
    return profile.model_copy(update=different) if different else profile
