"""Where does a missing feature come from: silicon, firmware, microcode, kernel or hypervisor? A likely answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.cpu import flags
from core.cpu.verdict import Assessment, Effective, Space


class Origin(StrEnum):
    """The likely reason why a flag is not in a server's list."""

    SILICON = "silicon"
    BIOS = "bios"
    MICROCODE = "microcode"
    KERNEL = "kernel"
    HYPERVISOR = "hypervisor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """One missing flag with its likely origin and why we think so."""

    flag: str
    origin: Origin
    because: str


def origins(
    space: Space, found: Assessment, a: Effective, b: Effective, peers: Iterable[Effective] = ()
) -> tuple[Reason, ...]:
    """Likely origin of each flag that b lacks, by what a and the other servers of b's stepping show."""
    twins = [peer for peer in (a, *peers) if peer is not b and peer.same_silicon(b)]
    shown_by_twins = 0
    for twin in twins:
        shown_by_twins |= twin.flags
    return tuple(
        Reason(name, *_one(space, found, name, a, b, twins, shown_by_twins))
        for name in space.bits.names(found.missing)
    )


def _one(
    space: Space, found: Assessment, name: str, a: Effective, b: Effective, twins: list[Effective], shown: int
) -> tuple[Origin, str]:
    bit = space.bits.mask((name,))
    row = flags.table().get(name)
    tags = row.tags if row else ""
    if b.cut:
        return Origin.UNKNOWN, "the target's list of flags is cut"
    if bit & found.masked:
        return Origin.HYPERVISOR, "Xen keeps this bit from dom0, whose view this is"
    if bit & found.unnamed:
        return Origin.KERNEL, "the kernel that made the list has no name for it"
    if a.vendor != b.vendor:
        return Origin.SILICON, "another vendor's processor"
    if bit & shown:
        return _same_stepping(space, bit, tags, b, twins)
    if "m" in tags and a.key == b.key:
        return Origin.MICROCODE, "microcode adds or removes it; no server of this stepping shows it"
    if a.generation.name != b.generation.name:
        return Origin.SILICON, f"{b.generation.name} has another feature set than {a.generation.name}"
    return Origin.SILICON, "no server of this stepping shows it"


def _same_stepping(
    space: Space, bit: int, tags: str, b: Effective, twins: list[Effective]
) -> tuple[Origin, str]:
    having = [twin for twin in twins if twin.flags & bit]
    revisions = {twin.microcode for twin in having}
    if "m" in tags and (b.microcode is None or b.microcode not in revisions):
        seen = ", ".join(sorted(revision or "not known" for revision in revisions))
        return (
            Origin.MICROCODE,
            f"same stepping with microcode {seen} has it, this one runs {b.microcode or 'an unknown one'}",
        )
    if "b" in tags:
        return Origin.BIOS, "same stepping has it elsewhere: switched off in the firmware settings"
    if any(twin.hypervisor and b.hypervisor and twin.hypervisor != b.hypervisor for twin in having):
        return Origin.HYPERVISOR, "same stepping has it under another hypervisor version"
    if bit & space.masks.state and not b.flags & space.bits.mask(("xsave",)):
        return (
            Origin.HYPERVISOR,
            "same stepping has it; the whole extended state is off here (hypervisor or kernel option)",
        )
    if any(twin.microcode and b.microcode and twin.microcode != b.microcode for twin in having):
        return Origin.MICROCODE, "same stepping with another microcode has it"
    return Origin.BIOS, "same stepping has it elsewhere: firmware settings or a boot option differ"
