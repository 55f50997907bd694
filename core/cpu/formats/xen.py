"""xl info, xm info, and XenServer's cpu_info in all its spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.cpu import flags
from core.cpu.formats import common
from core.models.cpu import Arch, CpuProfile, FlagSource

_INFO = re.compile(r"^[ \t]*(hw_caps|xen_caps|xen_major)[ \t]*:", re.MULTILINE)
_KEYS = (
    "cpu_count|socket_count|threads_per_core|vendor|speed|modelname|family|model|stepping|flags|features_after_reboot"
    "|features_pv_host|features_hvm_host|features_pv|features_hvm|physical_features|features|maskable"
)
_OLD_WORDS = ("1d", "e1d", "", "", "1c", "", "e1c", "7b0")  # xen/include/asm-x86/cpufeature.h up to 4.6
_NEW_WORDS = ("1d", "1c", "e1d", "e1c", "Da1", "7b0", "7c0", "e7d")  # cpufeatureset.h since 4.7
_XENSERVER_OLD = ("1c", "1d", "e1c", "e1d")  # XenServer up to 6.x: base ecx, edx, extended ecx, edx
_LONG_MODE = 1 << 29


def hw_caps(words: Iterable[int]) -> frozenset[str]:
    """Flags of the eight words of xl info and of the agent; the layout (before or since Xen 4.7) is told by the
    place of the long mode bit."""
    values = list(words)[:8]
    if len(values) < 3:
        return frozenset()
    is_old = bool(values[1] & _LONG_MODE) and not values[2] & _LONG_MODE
    if (
        values[1] & _LONG_MODE and values[2] & _LONG_MODE
    ):  # bit 29 of 1.ecx is f16c: tell by bits Intel keeps zero in e1d
        is_old = not values[1] & 0x3
    layout = _OLD_WORDS if is_old else _NEW_WORDS
    return flags.decode_words({name: value for name, value in zip(layout, values, strict=False) if name})


def with_hw_caps(seen: CpuProfile, words: Iterable[int]) -> CpuProfile:
    """The profile with the hypervisor's own words added; they show the machine, not dom0's filtered view."""
    names = hw_caps(words)
    if not names:
        return seen
    told = (
        bool(names & {"vmx", "svm"}) if "sse3" in names else None
    )  # without the word of sse3 there is none of vmx
    return seen.model_copy(
        update={
            "flags": seen.flags | names,
            "flag_source": FlagSource.HW_CAPS,
            "has_hvm": told if seen.has_hvm is None else seen.has_hvm,
            "arch": Arch.X86_64 if seen.arch is Arch.UNKNOWN else seen.arch,
            "is_virtual": seen.is_virtual if seen.flag_source is FlagSource.OTHER else False,
        }
    )


def reads_info(text: str) -> bool:
    """Does this look like xl info or xm info?"""
    return bool(_INFO.search(text))


def read_info(text: str) -> dict[str, CpuProfile]:
    """The one server of xl info; it prints no vendor, family or model."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values.setdefault(key.strip().lower(), value.strip())
    words = [common.number(part, 16) for part in values.get("hw_caps", "").split(":") if part]
    caps = f"{values.get('virt_caps', '')} {values.get('xen_caps', '')}"
    version = ".".join(part for part in (values.get("xen_major"), values.get("xen_minor")) if part)
    seen = CpuProfile(
        khz=common.khz_of(values.get("cpu_mhz", "")),
        logical_cpus=common.number(values.get("nr_cpus", "")),
        cores_per_socket=common.number(values.get("cores_per_socket", "")),
        threads_per_core=common.number(values.get("threads_per_core", "")),
        hypervisor=common.inert(f"xen {version}{values.get('xen_extra', '')}") if version else None,
        kernel=common.inert(values.get("release")),
        has_hvm="hvm" in caps if caps.strip() else None,
        remarks=("xl info prints no vendor, family or model",),
    )
    profile = with_hw_caps(seen, [value for value in words if value is not None])
    if caps.strip():
        profile = profile.model_copy(update={"has_hvm": seen.has_hvm})
    return {values.get("host", ""): profile}


def completed(seen: CpuProfile, info: CpuProfile) -> CpuProfile:
    """A kernel's view with what xl info of the same server adds: the machine's own words, versions, HVM."""
    told = ("khz", "cores_per_socket", "threads_per_core", "logical_cpus", "hypervisor", "kernel", "has_hvm")
    changes: dict[str, Any] = {name: getattr(info, name) for name in told if getattr(info, name) is not None}
    if info.flags:
        changes |= {"flags": seen.flags | info.flags, "flag_source": info.flag_source, "is_virtual": False}
    return seen.model_copy(update=changes)


def reads_cpu_info(text: str) -> bool:
    """Does this look like XenServer's cpu_info, from xe, the API or the pool database?"""
    return bool(re.search(r"\bmodelname\b", text)) and bool(re.search(r"\bvendor\b", text))


def read_cpu_info(text: str) -> dict[str, CpuProfile]:
    """The server of this text."""
    return {"": from_mapping(_pairs(text))}


MAX_VALUE = 8_192  # characters of one value
_SEPARATOR = r"""['"]?[ \t]{0,40}(?:(?:%\.){1,9}|[:=]>?|,|\s)[ \t]{0,40}['"]?"""


def _pairs(text: str) -> dict[str, str]:
    """Values of the known keys, whatever stands around them: `k: v;`, columns, dicts, s-expressions, XML members."""
    plain = re.sub(r"</?(?:name|value|string|member|struct)>", " ", text) if "<" in text else text
    plain = plain.replace("&quot;", '"').replace("&apos;", "'")
    starts = [
        (hit.start(), hit.end(), hit[1])
        for hit in re.finditer(rf"""(?<![\w-])({_KEYS}){_SEPARATOR}""", plain)
    ]
    found: dict[str, str] = {}
    for number, (_, end, key) in enumerate(starts):
        stop = starts[number + 1][0] if number + 1 < len(starts) else len(plain)
        raw = plain[end : min(stop, end + MAX_VALUE)].split("\n")[0]
        value = re.split(r"""['"]\s*[,)}\]]|;|\)\(|'\)""", raw)[0].replace("%.", " ").replace("%_", " ")
        value = value.strip().strip("'\",{}; \t")
        if value:
            found.setdefault(key, value)
    return found


def from_mapping(values: Mapping[str, Any]) -> CpuProfile:
    """A profile from cpu_info's keys; the feature words are the machine's own, the flags are dom0's."""
    seen = common.profile(
        {
            "vendor": values.get("vendor"),
            "family": values.get("family"),
            "model": values.get("model"),
            "stepping": values.get("stepping"),
            "model_name": values.get("modelname"),
            "flags": str(values.get("flags", "")),
        },
        logical_cpus=common.number(values.get("cpu_count", "")),
        sockets=common.number(values.get("socket_count", "")),
    )
    if common.khz_of(values.get("speed", "")):
        seen = seen.model_copy(update={"khz": common.khz_of(values.get("speed", ""))})
    text = str(values.get("physical_features") or values.get("features") or "")
    words = [common.number(part, 16) for part in text.split("-") if part]
    if not words or any(word is None or word >= 2**32 for word in words):
        return seen
    layout = _XENSERVER_OLD if len(words) == 4 else flags.WORDS
    names = flags.decode_words(
        {name: word for name, word in zip(layout, words, strict=False) if word is not None}
    )
    return seen.model_copy(
        update={
            "flags": seen.flags | names,
            "flag_source": FlagSource.HW_CAPS,
            "has_hvm": bool(names & {"vmx", "svm"}) or None,
            "arch": Arch.X86_64,
        }
    )
