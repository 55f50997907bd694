"""May a guest move live from a to b? The decision table C01-C28 on two profiles, and the groups Manager makes.

Source of every row: server-pools facts, section 4. Nothing here knows servers, sockets or screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.models.cpu import CpuProfile


class Guest(StrEnum):
    """How a guest is virtualized; KVM is for a later platform (model and flags, no groups)."""

    PV = "pv"
    PVHVM = "pvhvm"
    HVM = "hvm"
    KVM = "kvm"


class CellVerdict(StrEnum):
    """May this guest move live in this direction? Only the first two mean that it works."""

    ALLOWED = "allowed"
    RISK = "allowed-with-risk"
    UNKNOWN = "unknown"
    FAILS = "fails"  # Manager lets it through, the guest fails or crashes
    REFUSED = "refused"  # Manager (or the architecture) refuses

    @property
    def works(self) -> bool:
        return self in (CellVerdict.ALLOWED, CellVerdict.RISK)


@dataclass(frozen=True, slots=True)
class Cell:
    """Verdict for one ordered pair and guest kind. `rows` are C-ids of the table, the deciding one first;
    `missing` are normalised flags the guest would lose; `uncertain` those that b's source cannot show."""

    guest: Guest
    verdict: CellVerdict
    rows: tuple[str, ...]
    missing: tuple[str, ...]
    text: str
    uncertain: tuple[str, ...] = ()
    manager_allows: bool | None = None  # the vendor rule alone, None = not known
    features_allow: bool | None = None  # feature truth alone


@dataclass(frozen=True, slots=True)
class Group:
    """One default processor compatibility group, as Manager names it, with its servers in the given order."""

    id: str  # Default_Intel_F6_M63
    name: str  # Default_Intel_Family:6_Model:63
    key: tuple[str, str, str]
    servers: tuple[str, ...]


def pair(a: CpuProfile | None, b: CpuProfile | None, guest: Guest = Guest.PVHVM) -> Cell:
    """Verdict for moving a guest of this kind from a to b; None is a server that could not be read."""
    raise NotImplementedError


def groups(profiles: Mapping[str, CpuProfile | None]) -> tuple[Group, ...]:
    """Manager's default groups for these servers; a server whose key is not known is in none."""
    raise NotImplementedError
