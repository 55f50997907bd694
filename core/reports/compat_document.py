"""The compatibility report as JSON values (`poolwright.compat/1`). Reasons stand once, cells name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.cpu import compat, flags, migrate, origin
from core.cpu.generation import generation
from core.cpu.sets import EXACT
from core.cpu.verdict import Guest
from core.cpu.whatif import Difference
from core.models.cpu import CpuProfile
from core.reports.compat_build import CompatInputError, CompatReport, notes

SCHEMA = "poolwright.compat/1"
MAX_EXPANDED = 64  # servers whose pairs are listed one by one


def _read_back(found: CompatReport) -> dict[str, str]:
    """The group that each server was seen in; a default one where it is in several."""
    back: dict[str, str] = {}
    for group, servers in sorted(found.fleet.reading.members.items(), key=lambda each: _is_custom(each[0])):
        for server in servers:
            back.setdefault(server, group)
    return back


def _is_custom(group: str) -> bool:
    return not group.lower().startswith("default")


def _server(found: CompatReport, name: str, group_read_back: str | None) -> dict[str, Any]:
    profile = found.fleet.profiles[name]
    p = profile or CpuProfile()
    group = compat.group_id(profile) if profile is not None else None
    return {
        "name": name,
        "class": found.matrix.classes[found.matrix.class_of(name)].id,
        "arch": p.arch.value,
        "vendor": p.vendor,
        "family": p.family,
        "model": p.model,
        "stepping": p.stepping,
        "generation": generation(profile).name,
        "flags": sorted(p.flags),
        "model_name": p.model_name,
        "microcode": p.microcode,
        "flags_seen_by": p.flag_source.value,
        "flags_are_cut": p.flags_cut,
        "is_virtual": p.is_virtual,
        "differs_inside": p.differs_inside,
        "group": group[0] if group else None,
        "group_read_back": group_read_back,
        "release": p.platform_release,
        "source": found.fleet.sources.get(name, ""),
    }


class _Cells:
    """Cells between classes. Many are alike: each reason and each list of flags or rows exists once."""

    def __init__(self, found: CompatReport) -> None:
        self._found = found
        self._lists: dict[tuple[str, ...], list[str]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.reasons: list[dict[str, Any]] = []

    def cell(self, i: int, j: int, guest: Guest) -> dict[str, Any]:
        """A cell with the number of its reason."""
        cell, classes = self._found.matrix.cell(i, j, guest), self._found.matrix.classes
        return {
            "from": classes[i].id,
            "to": classes[j].id,
            "guest": guest.value,
            "verdict": cell.verdict.value,
            "rows": self._once(cell.rows),
            "missing": self._once(cell.missing),
            "reason": self._reason(cell, self._found.reasons(i, j, guest)),
        }

    def _once(self, items: tuple[str, ...]) -> list[str]:
        return self._lists.setdefault(items, list(items))

    def _reason(self, cell: compat.Cell, origins: tuple[origin.Reason, ...]) -> int:
        from_where = tuple((each.flag, each.origin.value) for each in origins)
        key = (cell.text, cell.features, cell.manager_allows, cell.uncertain, from_where)
        number = self._numbers.setdefault(key, len(self.reasons))
        if number == len(self.reasons):
            self.reasons.append(
                {
                    "text": cell.text,
                    "manager": {True: "allows", False: "refuses", None: "unknown"}[cell.manager_allows],
                    "features": cell.features.value,
                    "uncertain": self._once(cell.uncertain),
                    "origins": dict(from_where),
                }
            )
        return number


def document(found: CompatReport, *, expand: bool = False) -> dict[str, Any]:
    """The report as JSON values; `expand` lists server pairs instead of class pairs, up to 64 servers."""
    matrix, pool, back = found.matrix, found.pool, _read_back(found)
    count, made = range(len(matrix.classes)), _Cells(found)
    cells = [made.cell(i, j, guest) for guest in matrix.guests for i in count for j in count]
    if expand:
        cells = _expanded(found, cells)
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "guests": [guest.value for guest in matrix.guests],
        "servers": [_server(found, name, back.get(name)) for name in matrix.servers],
        "classes": [{"id": item.id, "servers": list(item.servers)} for item in matrix.classes],
        "groups": [
            {"id": each.id, "name": each.name, "servers": list(each.servers)} for each in _groups(found)
        ],
        "cells": cells,
        "reasons": made.reasons,
        "sets": [list(each) for each in pool.sets],
        "one_way": [{"from": a, "to": b} for a, b in pool.one_way],
        "largest": {"servers": list(pool.largest), "bound": pool.largest_bound, "exact_up_to": EXACT},
        "partition": [list(each) for each in pool.partition],
        "partition_bound": pool.partition_bound,
        "baseline": list(pool.baseline),
        "baseline_of_known": list(pool.baseline_of_known),
        "drag": [
            {
                "class": each.class_id,
                "server": each.servers[0] if len(each.servers) == 1 else None,
                "servers": list(each.servers),
                "flags": list(each.flags),
                "pairs": each.pairs,
            }
            for each in pool.drag
        ],
        "start": [{"servers": list(s.servers), "reaches": s.reaches, "of": s.others} for s in pool.start],
        "evacuation": [
            {
                "server": e.server,
                "peers": e.peers,
                "used_mib": e.used_mib,
                "free_mib": e.free_mib,
                "fits": e.fits,
            }
            for e in pool.evacuation
        ],
        "disagreements": [
            {"from": d.source, "to": d.target, "guests": [g.value for g in d.guests], "text": d.text}
            for d in pool.disagreements
        ],
        "group_mismatches": [
            {"server": m.server, "predicted": m.predicted, "actual": m.actual}
            for m in migrate.mismatches(found.fleet.profiles, found.fleet.reading)
        ],
        "flags": _meanings(cells),
        "rows": {
            row: compat.row_text(row)[0] for row in sorted({row for cell in cells for row in cell["rows"]})
        },
        "notes": notes(found),
    }
    if found.difference is not None:
        data["what_if"] = what_if(found.difference)
    return data


def what_if(difference: Difference) -> dict[str, Any]:
    """The cells that turn, as JSON values."""
    return {
        "count": difference.count,
        "turns": [
            {
                "from": turn.source,
                "to": turn.target,
                "guest": turn.guest.value,
                "before": turn.before.value if turn.before else None,
                "after": turn.after.value if turn.after else None,
            }
            for turn in difference.turns
        ],
    }


def _groups(found: CompatReport) -> tuple[compat.Group, ...]:
    ordered: Mapping[str, CpuProfile | None] = {
        name: found.fleet.profiles[name] for item in found.matrix.classes for name in item.servers
    }
    return compat.groups(ordered)


def _meanings(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    alike = {id(cell["missing"]): cell["missing"] for cell in cells}  # each list is there once
    names = {name for missing in alike.values() for name in missing}
    return {name: flags.meaning(name) for name in sorted(names)}


def _expanded(found: CompatReport, cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    servers = found.matrix.servers
    if len(servers) > MAX_EXPANDED:
        raise CompatInputError(
            f"cannot list every pair of {len(servers)} servers: --expand goes up to {MAX_EXPANDED}",
            fix="read the cells between classes; each server names its class",
        )
    by_class = {(cell["from"], cell["to"], cell["guest"]): cell for cell in cells}
    ids = {name: found.matrix.classes[found.matrix.class_of(name)].id for name in servers}
    return [
        {**by_class[ids[a], ids[b], guest.value], "from": a, "to": b}
        for guest in found.matrix.guests
        for a in servers
        for b in servers
        if a != b
    ]
