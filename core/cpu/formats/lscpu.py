"""lscpu as text and as JSON (flat or nested)."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from core.cpu.formats import common
from core.models.cpu import Arch, CpuProfile, FlagSource

_SIGN = re.compile(r"^[ \t]*Architecture[ \t]*:", re.MULTILINE)


def reads(text: str) -> bool:
    """Does this look like lscpu's table?"""
    return bool(_SIGN.search(text)) and "CPU(s):" in text


def read(text: str) -> dict[str, CpuProfile]:
    """The one server of this table."""
    values: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            if last == "flags" and line.strip():
                values[last] += " " + line.strip()
            continue
        last = key.strip().lower()
        values.setdefault(last, value.strip())
    return {"": _profile(values)}


def read_json(rows: Any) -> dict[str, CpuProfile]:
    """The list below "lscpu" of `lscpu -J`; rows may carry children."""
    values: dict[str, str] = {}
    queue = deque(rows if isinstance(rows, list) else [])
    while queue and len(values) < 1_000:
        row = queue.popleft()
        if isinstance(row, dict):
            key, data = row.get("field"), row.get("data")
            if isinstance(key, str) and data is not None:
                values.setdefault(key.strip().rstrip(":").lower(), str(data))
            children = row.get("children")
            queue.extendleft(reversed(children) if isinstance(children, list) else [])
    return {"": _profile(values)} if values else {}


def _profile(values: dict[str, str]) -> CpuProfile:
    is_x86 = values.get("architecture", "") in ("x86_64", "i686", "i586", "i486", "i386", "amd64")
    plain = {
        "vendor": values.get("vendor id"),
        "family": values.get("cpu family"),
        "model": values.get("model"),
        "stepping": values.get("stepping"),
        "model_name": values.get("model name"),
        "flags": values.get("flags", ""),
    }
    more: dict[str, Any] = {
        "logical_cpus": common.number(values.get("cpu(s)", "")),
        "sockets": common.number(values.get("socket(s)", "")),
        "cores_per_socket": common.number(values.get("core(s) per socket", "")),
        "threads_per_core": common.number(values.get("thread(s) per core", "")),
    }
    if not is_x86:
        arch = Arch.SPARC if values.get("architecture", "").startswith("sparc") else Arch.OTHER
        more |= {"arch": arch, "flag_source": FlagSource.OTHER if plain["flags"] else FlagSource.NONE}
        more["remarks"] = (_foreign(values.get("architecture", "")),)
    elif _is_dom0(values):
        more |= {
            "is_virtual": False,
            "flag_source": FlagSource.XEN_DOM0 if plain["flags"] else FlagSource.NONE,
        }
    elif values.get("hypervisor vendor") and not common.looks_like_xen_pv(
        common.split_flags(plain["flags"] or "")[0]
    ):
        more |= {"is_virtual": True, "flag_source": FlagSource.OTHER if plain["flags"] else FlagSource.NONE}
    return common.profile(plain, **more)


def _is_dom0(values: dict[str, str]) -> bool:
    """lscpu in a Xen control domain names the hypervisor, and that nothing is virtual about it."""
    return (
        values.get("hypervisor vendor", "").lower() == "xen"
        and values.get("virtualization type", "").lower() == "none"
    )


def _foreign(architecture: str) -> str:
    for prefix, kind in (
        ("aarch64", "ARM"),
        ("arm", "ARM"),
        ("ppc", "POWER"),
        ("s390", "s390"),
        ("riscv", "RISC-V"),
    ):
        if architecture.startswith(prefix):
            return f"foreign {kind}"
    return "foreign"
