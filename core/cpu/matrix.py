"""All servers at once: classes of equal processors and the verdict of every ordered pair of classes.

Work grows with distinct processors squared, never with servers squared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.cpu import compat
from core.cpu.verdict import XEN_GUESTS, CellVerdict, Effective, Guest, Space, assess
from core.models.cpu import CpuProfile


@dataclass(frozen=True, slots=True)
class CpuClass:
    """Servers whose processors no rule can tell apart; `id` is a letter, given in the order of the content."""

    id: str
    effective: Effective | None  # None: the servers could not be read
    servers: tuple[str, ...]
    profile: CpuProfile | None


def letters(number: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    text = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key with which node2 stands before node10."""
    return tuple(
        (0, int(part[:18]), part) if "0" <= part[0] <= "9" else (1, 0, part)
        for part in re.findall(r"[0-9]+|[^0-9]+", text)
    )


def _canonical(effective: Effective | None) -> tuple[object, ...]:
    """Order of classes by content alone, so that the order of servers changes nothing."""
    if effective is None:
        return (1,)
    e = effective
    parts = (
        e.arch.value, e.vendor, e.family, e.model, e.stepping, e.microcode, e.generation.name, e.source.value,
        " ".join(map(str, e.release)), " ".join(map(str, e.hypervisor)), e.kernel, str(e.rate), str(e.cores),
        str(e.threads), str(e.has_hvm), str(e.cut),
    )  # fmt: skip
    return (0, *(natural(part or "") for part in parts), tuple(sorted(e.names)))


@dataclass(slots=True)
class Matrix:
    """Verdicts between classes. `verdicts[guest][i][j]` is the verdict for a move from class i to class j."""

    space: Space
    classes: tuple[CpuClass, ...]
    guests: tuple[Guest, ...]
    verdicts: dict[Guest, list[list[CellVerdict]]]
    servers: tuple[str, ...]  # in the given order
    profiles: Mapping[str, CpuProfile | None]
    _index: dict[str, int] = field(default_factory=dict)
    _cells: dict[tuple[int, int, Guest], compat.Cell] = field(default_factory=dict)

    def class_of(self, server: str) -> int:
        """Number of a server's class; KeyError for a server that is not here."""
        return self._index[server]

    def verdict(self, a: str, b: str, guest: Guest) -> CellVerdict:
        """Verdict for moving a guest from server a to server b; a server and itself are always fine."""
        if a == b:
            return CellVerdict.ALLOWED
        return self.verdicts[guest][self._index[a]][self._index[b]]

    def cell(self, i: int, j: int, guest: Guest) -> compat.Cell:
        """The cell of two classes with rows, flags and words, made once."""
        found = self._cells.get((i, j, guest))
        if found is None:
            found = compat.cell(self.space, self.classes[i].effective, self.classes[j].effective, guest)
            self._cells[i, j, guest] = found
        return found

    def works(self, guests: Sequence[Guest] | None = None) -> list[int]:
        """Bit j of item i: guests of all these kinds may move from class i to class j."""
        found = []
        for i in range(len(self.classes)):
            mask = 0
            for j in range(len(self.classes)):
                if all(self.verdicts[guest][i][j].works for guest in guests or self.guests):
                    mask |= 1 << j
            found.append(mask)
        return found


def build(profiles: Mapping[str, CpuProfile | None], guests: Sequence[Guest] = XEN_GUESTS) -> Matrix:
    """Classes and verdicts of these servers; None is a server that could not be read."""
    space = Space()
    members: dict[Effective | None, list[str]] = {}
    example: dict[Effective | None, CpuProfile | None] = {}
    seen: dict[int, Effective | None] = {}
    for server, profile in profiles.items():
        token = id(profile)
        if token not in seen:
            seen[token] = space.effective(profile) if profile is not None else None
        effective = seen[token]
        members.setdefault(effective, []).append(server)
        example.setdefault(effective, profile)
    ordered = sorted(members, key=_canonical)
    classes = tuple(
        CpuClass(
            letters(number), effective, tuple(sorted(members[effective], key=natural)), example[effective]
        )
        for number, effective in enumerate(ordered)
    )
    index = {server: number for number, item in enumerate(classes) for server in item.servers}
    verdicts = {guest: _verdicts(space, classes, guest) for guest in guests}
    return Matrix(space, classes, tuple(guests), verdicts, tuple(profiles), profiles, index)


def _verdicts(space: Space, classes: tuple[CpuClass, ...], guest: Guest) -> list[list[CellVerdict]]:
    """Pairs of known, different keys are refused without a look at their features (KVM knows no groups)."""
    keys = [item.effective.key if item.effective is not None else None for item in classes]
    table = []
    for i, a in enumerate(classes):
        row = []
        for j, b in enumerate(classes):
            known = keys[i] is not None and keys[j] is not None
            if known and keys[i] != keys[j] and guest is not Guest.KVM and _both_x86(a, b):
                row.append(CellVerdict.REFUSED)
            else:
                row.append(assess(space, a.effective, b.effective, guest).verdict)
        table.append(row)
    return table


def _both_x86(a: CpuClass, b: CpuClass) -> bool:
    one, two = a.effective, b.effective
    return one is not None and two is not None and one.arch.value == two.arch.value == "x86_64"
