"""After the pool exists: would an attempt to move a guest be refused, and do Manager's groups match the prediction?

Oracle's own refusal text was never seen, so every sentence here is poolwright's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.cpu import compat
from core.cpu.verdict import CellVerdict, Guest
from core.models.cpu import CpuProfile


@dataclass(frozen=True, slots=True)
class GroupReading:
    """Memberships as read back from Manager (3.2's command line has no groups: they are read from the servers)."""

    members: Mapping[str, Sequence[str]]  # group id or name -> servers

    def of(self, server: str) -> frozenset[str]:
        """Groups a server is in."""
        return frozenset(group for group, servers in self.members.items() if server in servers)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A server whose default group is not the predicted one."""

    server: str
    predicted: str
    actual: str


@dataclass(frozen=True, slots=True)
class MigrateAnswer:
    """Would a live move be refused? `refused` None means not known."""

    source: str
    target: str
    guest: Guest
    refused: bool | None
    verdict: CellVerdict
    rows: tuple[str, ...]
    text: str
    missing: tuple[str, ...] = ()
    shared_groups: tuple[str, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()


def is_default(group: str) -> bool:
    """Default groups are named by Manager (Default_Intel_F6_M63), custom ones by people."""
    return group.startswith("Default_")


def group_key(group: str) -> str:
    """One spelling for a default group's id and its name."""
    return group.replace("_Family:", "_F").replace("_Model:", "_M")


def mismatches(profiles: Mapping[str, CpuProfile | None], reading: GroupReading) -> tuple[Mismatch, ...]:
    """Servers whose default group, as read back, is not the one their vendor, family and model predict."""
    found = []
    for server, profile in profiles.items():
        named = compat.group_id(profile) if profile is not None else None
        actual = sorted(group_key(group) for group in reading.of(server) if is_default(group))
        if named is not None and actual and named[0] not in actual:
            found.append(Mismatch(server, named[0], ", ".join(actual)))
    return tuple(found)


def check(
    profiles: Mapping[str, CpuProfile | None],
    source: str,
    target: str,
    guest: Guest = Guest.PVHVM,
    reading: GroupReading | None = None,
) -> MigrateAnswer:
    """The answer for one move; KeyError for a server that is not in `profiles`.

    Groups read back decide what Manager does; without them the predicted default groups do.
    """
    a, b = profiles[source], profiles[target]
    cell = compat.pair(a, b, guest)
    read = reading or GroupReading({})
    off = mismatches({source: a, target: b}, read)
    shared = tuple(sorted(read.of(source) & read.of(target)))
    both_read = bool(read.of(source)) and bool(read.of(target))
    answer = MigrateAnswer(
        source, target, guest, None, cell.verdict, cell.rows, cell.text, cell.missing, shared, off
    )
    if source == target:
        return _with(answer, False, CellVerdict.ALLOWED, (), "source and target are the same server")
    if "C01" in cell.rows or _release_refuses(cell):
        return _with(answer, True, CellVerdict.REFUSED, cell.rows, f"refused: {cell.text}")
    if both_read and not shared:
        return _with(answer, True, CellVerdict.REFUSED, cell.rows or ("C04",), _no_group(cell))
    if shared and not any(is_default(group) for group in shared):
        return _bridged(answer, cell, shared)
    if shared and cell.manager_allows is False:
        rows = ("C28", *cell.rows)
        text = (
            "Manager has both in one default group, though their processors predict two: read the facts again"
        )
        return _with(answer, None, CellVerdict.UNKNOWN, rows, text)
    if cell.verdict is CellVerdict.UNKNOWN and cell.manager_allows is None and not shared:
        return _with(answer, None, CellVerdict.UNKNOWN, cell.rows, f"not known: {cell.text}")
    if cell.verdict is CellVerdict.REFUSED:
        return _with(answer, True, CellVerdict.REFUSED, cell.rows, f"refused: {cell.text}")
    return _with(answer, False, cell.verdict, cell.rows, _let_through(cell))


def _with(
    answer: MigrateAnswer, refused: bool | None, verdict: CellVerdict, rows: tuple[str, ...], text: str
) -> MigrateAnswer:
    return MigrateAnswer(
        answer.source, answer.target, answer.guest, refused, verdict, rows, text, answer.missing, answer.shared_groups,
        answer.mismatches,
    )  # fmt: skip


def _release_refuses(cell: compat.Cell) -> bool:
    return cell.verdict is CellVerdict.REFUSED and cell.rows[:1] in (("C17",), ("C18",))


def _no_group(cell: compat.Cell) -> str:
    detail = f": {cell.text}" if cell.manager_allows is False else ", though their processors would allow one"
    return f"refused: the servers share no processor compatibility group{detail}"


def _bridged(answer: MigrateAnswer, cell: compat.Cell, shared: tuple[str, ...]) -> MigrateAnswer:
    """A custom group overrides the refusal and masks nothing (C24): only the features count."""
    verdict = CellVerdict.RISK if cell.features.works else cell.features
    rows = ("C24", *(row for row in cell.rows if row != "C24"))
    names = compat.list_some(shared)
    text = f"let through by the custom group {names}, without a safety net: "
    if verdict is CellVerdict.RISK:
        return _with(answer, False, verdict, rows, text + "the features suffice in this direction")
    if verdict is CellVerdict.UNKNOWN:
        return _with(answer, False, verdict, rows, text + "whether the features suffice is not known")
    return _with(answer, False, verdict, rows, text + f"the guest may crash; {cell.text}")


def _let_through(cell: compat.Cell) -> str:
    if cell.verdict is CellVerdict.FAILS:
        return f"not refused, but the guest may fail or crash: {cell.text}"
    if cell.verdict is CellVerdict.UNKNOWN:
        return f"not refused by the groups; whether the guest survives is not known: {cell.text}"
    return f"not refused: {cell.text}"


def reading_of(profiles: Mapping[str, CpuProfile | None]) -> GroupReading:
    """Memberships that the servers' own facts carry (the group Manager filed them under)."""
    members: dict[str, list[str]] = {}
    for server, profile in profiles.items():
        if profile is not None and profile.group:
            members.setdefault(profile.group, []).append(server)
    return GroupReading(members)
