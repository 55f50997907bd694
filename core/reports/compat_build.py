"""The compatibility report as one document of plain values; every renderer shows this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.cpu import compat, flags, migrate, origin
from core.cpu.fleet import Fleet
from core.cpu.generation import generation
from core.cpu.matrix import Matrix, build
from core.cpu.pool import POOL_LIMIT, PoolView
from core.cpu.sets import EXACT
from core.cpu.verdict import XEN_GUESTS, Effective, Guest, assess
from core.cpu.whatif import Difference
from core.errors import PoolwrightError
from core.models.cpu import CpuProfile

SCHEMA = "poolwright.compat/1"
MAX_EXPANDED = 64  # servers whose pairs are listed one by one


class CompatInputError(PoolwrightError):
    """The question cannot be answered as it was put."""

    code = "PW121"
    title = "this compatibility report cannot be made"
    exit_code = 2


@dataclass(slots=True)
class CompatReport:
    """Matrix and pool view of one fleet, and what a what-if would turn."""

    fleet: Fleet
    matrix: Matrix
    pool: PoolView
    title: str = "Live migration compatibility"
    difference: Difference | None = None
    _cells: dict[tuple[int, int, Guest], compat.Cell] = field(default_factory=dict)
    _twins: dict[object, list[Effective]] = field(default_factory=dict)  # classes of one silicon

    def cell(self, i: int, j: int, guest: Guest) -> compat.Cell:
        """The cell between two classes, made once."""
        key = (i, j, guest)
        if key not in self._cells:
            self._cells[key] = self.matrix.cell(i, j, guest)
        return self._cells[key]

    def reasons(self, i: int, j: int, guest: Guest) -> tuple[origin.Reason, ...]:
        """Likely origin of each flag missing in a cell; none between vendors, where it says nothing."""
        a, b = self.matrix.classes[i].effective, self.matrix.classes[j].effective
        if a is None or b is None or a.vendor != b.vendor or not self.cell(i, j, guest).missing:
            return ()
        if not self._twins:
            for item in self.matrix.classes:
                if item.effective is not None:
                    self._twins.setdefault((item.effective.key, item.effective.stepping), []).append(
                        item.effective
                    )
        found = assess(self.matrix.space, a, b, guest)
        return origin.origins(self.matrix.space, found, a, b, self._twins[b.key, b.stepping])


def report(fleet: Fleet, guests: Sequence[Guest] = XEN_GUESTS) -> CompatReport:
    """Judge this fleet for these guest kinds."""
    matrix = build(fleet.profiles, guests)
    return CompatReport(fleet, matrix, PoolView(matrix, fleet.memory))


def describe(profile: CpuProfile | None) -> str:
    """`Haswell-EP/EX 6/63/2 microcode 0x43` for a line of text."""
    if profile is None:
        return "not readable"
    parts = [generation(profile).name]
    if profile.family or profile.model:
        parts.append("/".join(value or "?" for value in (profile.family, profile.model, profile.stepping)))
    if profile.microcode:
        parts.append(f"microcode {profile.microcode}")
    if profile.platform_release:
        parts.append(f"release {profile.platform_release}")
    return " ".join(parts)


def notes(found: CompatReport) -> list[str]:
    """What the operator must know before reading the matrix."""
    lines: list[str] = []
    for name, profile in found.fleet.profiles.items():
        if profile is None:
            reason = found.fleet.reasons.get(name, "not read")
            lines.append(f"{name}: processor not known ({reason}); unknown is never compatible")
            continue
        if profile.differs_inside:
            lines.append(f"{name}: its processors are not alike; guests may see either")
        if profile.flags_cut:
            lines.append(f"{name}: its list of features is cut; what is not in it is unknown")
        if profile.is_virtual:
            lines.append(f"{name}: this is what a guest sees, not a server")
    kinds = {
        profile.flag_source.value
        for profile in found.fleet.profiles.values()
        if profile is not None and profile.flags
    }
    if len(kinds) > 1:
        lines.append(
            f"features were read in different ways ({', '.join(sorted(kinds))}): compare like with like"
        )
    biggest = max((len(part) for part in found.pool.partition), default=0)
    if biggest > POOL_LIMIT:
        lines.append(f"a clustered pool holds at most {POOL_LIMIT} servers: larger sets need several pools")
    if not found.pool.baseline and found.pool.baseline_of_known:
        lines.append(
            "no baseline for all: the features of a server are not known; that of the known ones is shown"
        )
    return lines


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


def _cell(found: CompatReport, i: int, j: int, guest: Guest) -> dict[str, Any]:
    cell = found.cell(i, j, guest)
    return {
        "from": found.matrix.classes[i].id,
        "to": found.matrix.classes[j].id,
        "guest": guest.value,
        "verdict": cell.verdict.value,
        "rows": list(cell.rows),
        "missing": list(cell.missing),
        "uncertain": list(cell.uncertain),
        "origins": {each.flag: each.origin.value for each in found.reasons(i, j, guest)},
        "manager": {True: "allows", False: "refuses", None: "unknown"}[cell.manager_allows],
        "features": cell.features.value,
        "text": cell.text,
    }


def document(found: CompatReport, *, expand: bool = False) -> dict[str, Any]:
    """The report as JSON values; `expand` lists server pairs instead of class pairs, up to 64 servers."""
    matrix, pool, back = found.matrix, found.pool, _read_back(found)
    count = range(len(matrix.classes))
    cells = [_cell(found, i, j, guest) for guest in matrix.guests for i in count for j in count]
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
    names = {name for cell in cells for name in cell["missing"]}
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
