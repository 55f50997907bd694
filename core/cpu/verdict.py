"""The decision table on integers: may a guest of this kind move live from class a to class b?

Depends on the two profiles alone. Sources: server-pools facts, section 4; each row is in profiles/rows.toml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core.cpu.effective import XEN_GUESTS, Effective, Guest, Space
from core.models.cpu import Arch, FlagSource

__all__ = ["XEN_GUESTS", "Assessment", "CellVerdict", "Effective", "Guest", "Space", "assess"]

_DOM0 = (FlagSource.XEN_DOM0, FlagSource.HW_CAPS)


class CellVerdict(StrEnum):
    """May this guest move live in this direction? Only the first two mean that it works."""

    ALLOWED = "allowed"
    RISK = "allowed-with-risk"
    UNKNOWN = "unknown"
    FAILS = "fails"  # Manager lets it through, the guest fails or crashes
    REFUSED = "refused"  # Manager refuses, or the architecture

    @property
    def works(self) -> bool:
        return self in (CellVerdict.ALLOWED, CellVerdict.RISK)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the table says of one ordered pair. Masks are in the Space's numbering."""

    verdict: CellVerdict
    rows: tuple[str, ...]
    missing: int = 0  # guest-visible flags of a that b's list does not show
    unnamed: int = 0  # those of `missing` that b's kernel has no name for
    masked: int = 0  # those of `missing` that b's hypervisor keeps from its dom0
    manager: bool | None = None  # the vendor rule: True allows, False refuses, None not known
    features: CellVerdict = CellVerdict.UNKNOWN  # the processors' real features, whatever Manager says


def assess(space: Space, a: Effective | None, b: Effective | None, guest: Guest) -> Assessment:
    """Verdict for moving a guest of this kind from a to b; None is a server that could not be read."""
    if a is None or b is None or Arch.UNKNOWN in (a.arch, b.arch):
        return Assessment(CellVerdict.UNKNOWN, ("C28",))
    if a.arch is not b.arch:
        return Assessment(CellVerdict.REFUSED, ("C01",), manager=False, features=CellVerdict.FAILS)
    if a.arch is Arch.SPARC:
        return _sparc(a, b)
    if a.arch is not Arch.X86_64:
        return Assessment(CellVerdict.UNKNOWN, ("C28",))
    manager, rule = vendor_rule(a, b, guest)
    features, rows, missing, unnamed, masked = _features(space, a, b, guest)
    direction, release_rows = _releases(a, b)
    infos = _infos(a, b)
    if rule == "C02":
        features = CellVerdict.FAILS
    if direction is CellVerdict.REFUSED and manager is not False:
        verdict, ordered = CellVerdict.REFUSED, (*release_rows, *rows)
    elif manager is False:
        verdict, ordered = CellVerdict.REFUSED, (rule, *rows, *release_rows)
    elif manager is None and features is not CellVerdict.FAILS:
        verdict, ordered = CellVerdict.UNKNOWN, ("C28", *rows, *release_rows)
    else:
        verdict = features if features is not CellVerdict.ALLOWED else direction
        ordered = (*rows, *release_rows) if features is not CellVerdict.ALLOWED else (*release_rows, *rows)
        if guest is Guest.KVM and a.key != b.key and verdict is CellVerdict.ALLOWED:
            verdict, ordered = CellVerdict.RISK, ("C04", *ordered)
    return Assessment(verdict, _unique((*ordered, *infos)), missing, unnamed, masked, manager, features)


def _unique(rows: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rows))


def vendor_rule(a: Effective, b: Effective, guest: Guest) -> tuple[bool | None, str]:
    """What Manager's default groups say, with the row when they refuse; KVM has no groups, only vendors."""
    if a.vendor is not None and b.vendor is not None and a.vendor != b.vendor:
        return False, "C02"
    if guest is Guest.KVM:
        return (True, "") if a.vendor is not None and b.vendor is not None else (None, "C28")
    if a.key is not None and a.key == b.key:
        return True, ""
    if a.family is not None and b.family is not None and a.family != b.family:
        return False, "C03"
    if a.key is None or b.key is None:
        return None, "C28"
    return False, "C04"


def _features(
    space: Space, a: Effective, b: Effective, guest: Guest
) -> tuple[CellVerdict, tuple[str, ...], int, int, int]:
    """Feature truth alone: verdict, rows, and the missing flags with the parts that b's list cannot show."""
    if not a.knows_flags or not b.knows_flags:
        return CellVerdict.UNKNOWN, ("C28",), 0, 0, 0
    reach = space.reach(guest)
    missing = a.flags & reach & ~b.flags
    masked = missing & _masked(space, a, b)
    same_kernel = a.kernel is not None and a.kernel == b.kernel
    unnamed = 0 if same_kernel else missing & b.unnamed & ~masked
    if _older_microcode(b, a):
        unnamed &= ~space.masks.microcode  # the older revision explains those, whatever the kernel can name
    unshown = missing if b.cut else unnamed | masked
    certain = missing & ~unshown
    rows = _feature_rows(space, a, b, reach, certain)
    if guest in (Guest.HVM, Guest.PVHVM) and _lacks_hvm(space, a, b):
        return CellVerdict.FAILS, ("C25", *rows), missing, unnamed, masked
    if certain & ~space.quiet & ~space.masks.kernel:
        return CellVerdict.FAILS, rows, missing, unnamed, masked
    if a.cut or (unshown and (b.cut or not _explains(space, a, b, unshown))):
        return CellVerdict.UNKNOWN, ("C28", *rows), missing, unnamed, masked
    if unshown:
        return CellVerdict.RISK, ("C19", *rows), missing, unnamed, masked
    if certain or b.flags & space.masks.worse & ~a.flags:
        return CellVerdict.RISK, rows or ("C11",), missing, unnamed, masked
    if rows[-1:] == ("C11",):
        return CellVerdict.RISK, rows, missing, unnamed, masked
    return CellVerdict.ALLOWED, rows, missing, unnamed, masked


def revision(microcode: str | None) -> int | None:
    """Number of a microcode revision; None when it is not known or no number."""
    return int(microcode, 16) if microcode and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", microcode) else None


def _older_microcode(a: Effective, b: Effective) -> bool:
    """Same silicon, and a runs an older microcode than b."""
    if not a.same_silicon(b):
        return False
    one, two = revision(a.microcode), revision(b.microcode)
    return one is not None and two is not None and one < two


def _explains(space: Space, a: Effective, b: Effective, unshown: int) -> bool:
    """Does b likely have what its list cannot show? Same silicon does; microcode bits need known revisions."""
    if not a.same_silicon(b):
        return False
    return not unshown & space.masks.microcode or bool(a.microcode and b.microcode)


def _masked(space: Space, a: Effective, b: Effective) -> int:
    """What the hypervisor keeps from b's dom0 while a was looked at in another way."""
    if b.source is FlagSource.XEN_DOM0 and a.source is not FlagSource.XEN_DOM0:
        hidden = (~space.masks.pv & ~space.bits.all_new) | space.shy
        return hidden if b.flags & space.bits.mask(("xsave",)) else hidden | space.masks.state
    if b.source is FlagSource.HW_CAPS and a.source not in _DOM0:
        return ~space.masks.pv & ~space.bits.all_new & ~space.dumped
    return 0


def _lacks_hvm(space: Space, a: Effective, b: Effective) -> bool:
    if b.has_hvm is False:
        return True
    return (
        a.source is b.source is not FlagSource.XEN_DOM0
        and bool(a.flags & space.vt)
        and not b.flags & space.vt
        and not b.cut
    )


def _feature_rows(space: Space, a: Effective, b: Effective, reach: int, certain: int) -> tuple[str, ...]:
    seen, other = a.flags & reach, b.flags & reach
    rows: list[str] = []
    if a.key == b.key and a.stepping is not None and b.stepping is not None and a.stepping != b.stepping:
        rows.append("C05" if seen == other else "C06")
    microcode_differs = a.key == b.key and bool(a.microcode and b.microcode) and a.microcode != b.microcode
    if certain:
        rows.append("C08" if certain & ~space.masks.kernel else "C09")
        if certain & space.masks.state:
            rows.append("C10")
        by_microcode = certain & space.masks.microcode if microcode_differs else 0
        if by_microcode:
            rows.append("C11")
        if a.same_silicon(b) and certain & space.firmware & ~by_microcode:
            rows.append("C12")
        if a.vendor == b.vendor and (b.generation.order or 0) > (a.generation.order or 99):
            rows.append("C23")
    elif seen != other and not seen & ~other and a.vendor == b.vendor:
        rows.append("C07")
    elif seen == other and microcode_differs:
        rows.append("C11")
    return tuple(rows)


def _releases(a: Effective, b: Effective) -> tuple[CellVerdict, tuple[str, ...]]:
    """Releases decide the direction: later to earlier is not accepted."""
    if a.release and b.release:
        if b.release < a.release:
            return CellVerdict.REFUSED, ("C18" if a.release[:2] != b.release[:2] else "C17",)
        if a.release != b.release:
            return CellVerdict.ALLOWED, ()
    elif a.hypervisor and b.hypervisor and b.hypervisor < a.hypervisor:
        return CellVerdict.RISK, ("C17",)
    if a.kernel and b.kernel and a.kernel != b.kernel:
        return CellVerdict.RISK, ("C19",)
    return CellVerdict.ALLOWED, ()


def _infos(a: Effective, b: Effective) -> tuple[str, ...]:
    rows = []
    if a.rate and b.rate and abs(a.rate - b.rate) > 2:
        rows.append("C14")
    if ("nonstop_tsc" in a.names) != ("nonstop_tsc" in b.names) and a.knows_flags and b.knows_flags:
        rows.append("C15")
    if a.cores and b.cores and a.cores != b.cores:
        rows.append("C20")
    if a.threads and b.threads and a.threads != b.threads:
        rows.append("C22")
    return tuple(rows)


def _sparc(a: Effective, b: Effective) -> Assessment:
    """Logical domains: generations that move among themselves, the rest as C27 says."""
    one, two = a.generation, b.generation
    if not one.moves or not two.moves:
        return Assessment(CellVerdict.UNKNOWN, ("C28", "C27"))
    if one.name == two.name:
        direction, rows = _releases(a, b)
        return Assessment(direction, rows, manager=True, features=CellVerdict.ALLOWED)
    if one.moves & two.moves:
        return Assessment(CellVerdict.RISK, ("C27",), manager=None, features=CellVerdict.RISK)
    return Assessment(CellVerdict.REFUSED, ("C27",), manager=False, features=CellVerdict.FAILS)
