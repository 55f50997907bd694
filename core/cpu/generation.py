"""Names of processor generations and their order in time: for display and for guessing origins, no verdict on x86."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.cpu.flags import load_table
from core.models.cpu import Arch, CpuProfile

UNKNOWN = "unknown"
_XEON_SERIES = re.compile(r"\b(?:Bronze|Silver|Gold|Platinum)\s+\d([123])\d\d", re.IGNORECASE)
_SERIES = {
    "1": "Skylake-SP",
    "2": "Cascade Lake",
    "3": "Cooper Lake",
}  # Xeon Scalable: second digit of the number


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation: display name, rank among its vendor's (None = not ranked), SPARC sets it moves in."""

    name: str
    order: int | None = None
    moves: frozenset[str] = frozenset()


@cache
def _tables() -> dict[str, Any]:
    return load_table("generations.toml")


def generation(profile: CpuProfile | None) -> Generation:
    """The generation of this processor, named 'unknown' where no row fits."""
    if profile is None:
        return Generation(UNKNOWN)
    if profile.arch is Arch.SPARC:
        return _sparc(profile.model_name or "")
    if profile.arch is Arch.OTHER:
        named = [remark for remark in profile.remarks if remark.startswith("foreign")]
        return Generation(named[0] if named else "foreign")
    return _x86(profile.vendor, profile.family, profile.model, profile.stepping, profile.model_name or "")


@cache
def _sparc(name: str) -> Generation:
    for row in _tables()["sparc"]["rows"]:
        hit = re.search(row["match"], name, re.IGNORECASE)
        if hit:
            text = row["name"].replace("{1}", hit[1] if hit.groups() else "")
            return Generation(text, None, frozenset(row["moves"].split()))
    return Generation("SPARC")


@cache
def _x86(
    vendor: str | None, family: str | None, model: str | None, stepping: str | None, name: str
) -> Generation:
    for row in _tables()["named"]:
        if name.startswith(row["starts"]):
            return Generation(row["name"])
    series = _XEON_SERIES.search(name)
    for row in _tables().get(vendor or "", {}).get("rows", ()):
        if "family" in row and str(row["family"]) != family:
            continue
        if "models" in row and model not in [str(number) for number in row["models"]]:
            continue
        if not name.startswith(row.get("starts", "")):
            continue
        if "steppings" in row:
            told = stepping in [str(number) for number in row["steppings"]]
            if not told and not (stepping is None and series and _SERIES[series[1]] == row["name"]):
                continue
        return Generation(row["name"], row.get("order"))
    return Generation(UNKNOWN)
