"""The compatibility report: matrix, pool view and notes of one fleet; every renderer shows this and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.cpu import origin
from core.cpu.fleet import Fleet
from core.cpu.generation import generation
from core.cpu.matrix import Matrix, build
from core.cpu.pool import POOL_LIMIT, PoolView
from core.cpu.verdict import XEN_GUESTS, Effective, Guest, assess
from core.cpu.whatif import Difference
from core.errors import ExitCode, PoolwrightError
from core.models.cpu import CpuProfile


class CompatInputError(PoolwrightError):
    """The question cannot be answered as it was put."""

    code = "PW121"
    title = "this compatibility report cannot be made"
    exit_code = ExitCode.BAD_INPUT


@dataclass(slots=True)
class CompatReport:
    """Matrix and pool view of one fleet, and what a what-if would turn."""

    fleet: Fleet
    matrix: Matrix
    pool: PoolView
    title: str = "Live migration compatibility"
    difference: Difference | None = None
    _twins: dict[object, list[Effective]] = field(default_factory=dict)  # classes of one silicon

    def reasons(self, i: int, j: int, guest: Guest) -> tuple[origin.Reason, ...]:
        """Likely origin of each flag missing in a cell; none between vendors, where it says nothing."""
        a, b = self.matrix.classes[i].effective, self.matrix.classes[j].effective
        if a is None or b is None or a.vendor != b.vendor or not self.matrix.cell(i, j, guest).missing:
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
