"""Offline what-if: add or remove servers, change microcode or features, and see which cells turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.cpu import flags, matrix
from core.cpu.verdict import XEN_GUESTS, CellVerdict, Guest
from core.models.cpu import CpuProfile

MAX_TURNS = 10_000  # cells listed; the count is always right


@dataclass(frozen=True, slots=True)
class Change:
    """What would be different. `lose` and `gain` name flags per server, in any spelling."""

    add: Mapping[str, CpuProfile] = field(default_factory=dict)
    remove: Sequence[str] = ()
    microcode: Mapping[str, str] = field(default_factory=dict)
    lose: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gain: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One cell before and after; None on a side where the pair does not exist."""

    source: str
    target: str
    guest: Guest
    before: CellVerdict | None
    after: CellVerdict | None


@dataclass(frozen=True, slots=True)
class Difference:
    """All cells that turn."""

    turns: tuple[Turn, ...]
    count: int


def apply(profiles: Mapping[str, CpuProfile | None], change: Change) -> dict[str, CpuProfile | None]:
    """The servers after the change; KeyError names a server that is not there or cannot be read."""
    after = {name: profile for name, profile in profiles.items() if name not in change.remove}
    for name in change.remove:
        if name not in profiles:
            raise KeyError(name)
    after.update(change.add)
    for name, revision in change.microcode.items():
        after[name] = _known(after, name).model_copy(update={"microcode": revision})
    for name, lost in change.lose.items():
        profile = _known(after, name)
        after[name] = profile.model_copy(update={"flags": profile.flags - flags.normalise(lost)})
    for name, gained in change.gain.items():
        profile = _known(after, name)
        after[name] = profile.model_copy(update={"flags": profile.flags | flags.normalise(gained)})
    return after


def _known(profiles: Mapping[str, CpuProfile | None], name: str) -> CpuProfile:
    profile = profiles[name]
    if profile is None:
        raise KeyError(name)
    return profile


def compare(
    before: Mapping[str, CpuProfile | None],
    after: Mapping[str, CpuProfile | None],
    guests: Sequence[Guest] = XEN_GUESTS,
) -> Difference:
    """Cells whose verdict turns between two fleets, by server names."""
    old, new = matrix.build(before, guests), matrix.build(after, guests)
    names = sorted({*before, *after}, key=matrix.natural)
    turns: list[Turn] = []
    count = 0
    for guest in guests:
        for a in names:
            for b in names:
                if a == b:
                    continue
                was = old.verdict(a, b, guest) if a in before and b in before else None
                now = new.verdict(a, b, guest) if a in after and b in after else None
                if was is not now:
                    count += 1
                    if len(turns) < MAX_TURNS:
                        turns.append(Turn(a, b, guest, was, now))
    return Difference(tuple(turns), count)
