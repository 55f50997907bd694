"""May a guest move live from a to b, in words; and the groups Oracle VM Manager makes by itself.

The public face of the decision table (server-pools facts, section 4). Knows profiles, no servers and no screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from core.cpu import flags
from core.cpu.verdict import XEN_GUESTS, Assessment, CellVerdict, Effective, Guest, Space, assess
from core.models.cpu import Arch, CpuProfile

__all__ = [
    "XEN_GUESTS",
    "Cell",
    "CellVerdict",
    "Disagreeing",
    "Group",
    "Guest",
    "cell",
    "group_id",
    "groups",
    "pair",
    "row_text",
]

_SHORT_VENDORS = {
    "GenuineIntel": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "Hygon",
    "CentaurHauls": "Zhaoxin",
}
MANY = 6  # flags spelled out in a sentence


class Disagreeing(StrEnum):
    """How Manager's vendor rule and the features of the processors can disagree; the values are for people."""

    CRASH = "Manager allows, guests may crash"
    SUFFICE = "Manager refuses, features suffice: custom group, tested both ways"
    SUFFICE_ONE_WAY = "Manager refuses, features suffice in this direction only: no custom group"


@dataclass(frozen=True, slots=True)
class Cell:
    """Verdict for one ordered pair and guest kind. `rows` are ids of the decision table, the deciding one first;
    `missing` are normalised flags the guest may lose, `uncertain` those of them that b's source cannot show."""

    guest: Guest
    verdict: CellVerdict
    rows: tuple[str, ...]
    missing: tuple[str, ...]
    text: str
    uncertain: tuple[str, ...] = ()
    manager_allows: bool | None = None  # the vendor rule alone, None = not known
    features: CellVerdict = CellVerdict.UNKNOWN  # the processors' features alone

    @property
    def disagreement(self) -> Disagreeing | None:
        """How the vendor rule and the features disagree, None when they do not."""
        if self.manager_allows and self.features is CellVerdict.FAILS:
            return Disagreeing.CRASH
        if self.manager_allows is False and self.features.works and "C01" not in self.rows:
            return Disagreeing.SUFFICE
        return None


@dataclass(frozen=True, slots=True)
class Group:
    """One default processor compatibility group, as Manager names it, with its servers in the given order."""

    id: str  # Default_Intel_F6_M63
    name: str  # Default_Intel_Family:6_Model:63
    key: tuple[str, str, str]
    servers: tuple[str, ...]


@cache
def _rows() -> dict[str, tuple[str, str]]:
    return {row: (says, remedy) for row, (says, remedy) in flags.load_table("rows.toml")["rows"].items()}


def row_text(row: str) -> tuple[str, str]:
    """What a row of the decision table says, and the remedy; KeyError for an unknown id."""
    return _rows()[row]


@cache
def _space() -> Space:
    return Space()


def pair(a: CpuProfile | None, b: CpuProfile | None, guest: Guest = Guest.PVHVM) -> Cell:
    """Verdict for moving a guest of this kind from a to b; None is a server that could not be read."""
    space = _space()
    one = space.effective(a) if a is not None else None
    two = space.effective(b) if b is not None else None
    return cell(space, one, two, guest)


def cell(space: Space, a: Effective | None, b: Effective | None, guest: Guest) -> Cell:
    """The same on classes of one Space."""
    found = assess(space, a, b, guest)
    uncertain = found.missing if b is not None and b.cut else found.unnamed | found.masked
    names, doubtful = space.bits.names(found.missing), space.bits.names(uncertain)
    return Cell(
        guest,
        found.verdict,
        found.rows,
        names,
        _text(found, names, doubtful, guest),
        doubtful,
        found.manager,
        found.features,
    )


def list_some(names: tuple[str, ...]) -> str:
    """Up to a few names and how many more."""
    more = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {more} more" if more > 0 else "")


def _text(found: Assessment, missing: tuple[str, ...], uncertain: tuple[str, ...], guest: Guest) -> str:
    says = row_text(found.rows[0])[0] if found.rows else "same processor as far as guests can see"
    parts = [says]
    certain = tuple(name for name in missing if name not in uncertain)
    if certain:
        parts.append(f"lost: {list_some(certain)}")
    if uncertain:
        why = "its kernel has no name for it" if found.unnamed else "the hypervisor hides it from dom0"
        why = why if found.unnamed | found.masked else "its list is cut"
        parts.append(f"not shown on the target ({why}): {list_some(uncertain)}")
    if guest is Guest.KVM and found.rows[:1] == ("C04",):
        parts.append("use a named CPU model, not host-passthrough")
    return "; ".join(parts)


def group_id(profile: CpuProfile) -> tuple[str, str] | None:
    """Id and name of the default group Manager files this processor under, None when its key is not known."""
    if profile.key is None or profile.arch is Arch.SPARC:
        return None
    vendor, family, model = profile.key
    short = _SHORT_VENDORS.get(vendor, vendor)
    return f"Default_{short}_F{family}_M{model}", f"Default_{short}_Family:{family}_Model:{model}"


def groups(profiles: Mapping[str, CpuProfile | None]) -> tuple[Group, ...]:
    """Manager's default groups for these servers, by id; a server whose key is not known is in none."""
    members: dict[tuple[str, str, str], list[str]] = {}
    names: dict[tuple[str, str, str], tuple[str, str]] = {}
    for server, profile in profiles.items():
        named = group_id(profile) if profile is not None else None
        if profile is not None and profile.key is not None and named is not None:
            members.setdefault(profile.key, []).append(server)
            names[profile.key] = named
    return tuple(
        Group(*names[key], key, tuple(servers))
        for key, servers in sorted(members.items(), key=lambda item: names[item[0]])
    )
