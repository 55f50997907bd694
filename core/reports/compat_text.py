"""The compatibility report as plain text for 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from core.cpu import flags, migrate
from core.cpu.compat import list_some, row_text
from core.cpu.migrate import MigrateAnswer
from core.cpu.verdict import CellVerdict, Guest
from core.cpu.whatif import Difference
from core.reports.compat_build import CompatReport, describe, notes

WIDTH = 80
GLYPHS = {
    CellVerdict.ALLOWED: "+",
    CellVerdict.RISK: "~",
    CellVerdict.UNKNOWN: "?",
    CellVerdict.FAILS: "!",
    CellVerdict.REFUSED: "x",
}
LEGEND = "+ works   ~ works, with a risk   ? not known   ! guest may crash   x refused"
MANY_SERVERS = 24  # names spelled out in one list
MANY_TURNS = 40
MANY_REASONS = 30


def _wrap(text: str, indent: str = "  ", first: str | None = None) -> list[str]:
    lead = indent if first is None else first
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=True,
    ) or [lead.rstrip()]


def names(servers: Sequence[str]) -> str:
    """Server names, cut after a couple of dozen."""
    more = len(servers) - MANY_SERVERS
    return " ".join(servers[:MANY_SERVERS]) + (f" ... and {more} more" if more > 0 else "")


def _section(title: str, lines: Iterable[str]) -> list[str]:
    body = list(lines)
    return [title, *body, ""] if body else []


def _classes(found: CompatReport) -> list[str]:
    lines = []
    for item in found.matrix.classes:
        count = f"{len(item.servers)} server{'s' if len(item.servers) > 1 else ''}"
        lines += _wrap(
            f"{describe(item.profile)}, {count}: {names(item.servers)}", "     ", f"  {item.id:<2} "
        )
    return lines


def _matrix(found: CompatReport, guest: Guest) -> list[str]:
    ids = [item.id for item in found.matrix.classes]
    width = max(len(name) for name in ids) + 1
    per_block = (WIDTH - 8) // width
    lines = []
    for start in range(0, len(ids), per_block):
        columns = ids[start : start + per_block]
        lines.append("     to " + "".join(f"{name:>{width}}" for name in columns).rstrip())
        for i, name in enumerate(ids):
            row = found.matrix.verdicts[guest][i][start : start + per_block]
            lines.append(
                f"  {name:>3}   " + "".join(f"{GLYPHS[verdict]:>{width}}" for verdict in row).rstrip()
            )
    return lines


def _is_same(found: CompatReport, one: Guest, two: Guest) -> bool:
    return found.matrix.verdicts[one] == found.matrix.verdicts[two]


def _matrices(found: CompatReport) -> list[str]:
    """One matrix a guest kind; kinds with equal matrices share one."""
    left = list(found.matrix.guests)
    lines: list[str] = []
    while left:
        alike = [guest for guest in left if _is_same(found, left[0], guest)]
        left = [guest for guest in left if guest not in alike]
        kinds = ", ".join(guest.value.upper() for guest in alike)
        lines += [
            f"Live migration of {kinds} guests (from the row to the column)",
            *_matrix(found, alike[0]),
            "",
        ]
    return [*lines, LEGEND, ""]


def _reasons(found: CompatReport) -> list[str]:
    """Why cells are not plain '+': one entry for each pair and text, with flags in plain words and origins."""
    seen: dict[tuple[int, int], list[Guest]] = {}
    classes = found.matrix.classes
    for guest in found.matrix.guests:
        for i in range(len(classes)):
            for j in range(len(classes)):
                if found.matrix.verdicts[guest][i][j] is not CellVerdict.ALLOWED and (
                    i != j or len(classes[i].servers) > 1
                ):
                    seen.setdefault((i, j), []).append(guest)
    same_rule: dict[str, list[str]] = {}
    lines: list[str] = []
    for (i, j), guests in seen.items():
        cell = found.matrix.cell(i, j, guests[-1])
        pair = f"{classes[i].id}>{classes[j].id}"
        if cell.rows[:1] in (("C01",), ("C02",), ("C03",)) or (
            cell.verdict is CellVerdict.UNKNOWN and not cell.missing
        ):
            same_rule.setdefault(f"{cell.rows[0]}: {row_text(cell.rows[0])[0]}", []).append(pair)
            continue
        if len(lines) < MANY_REASONS * 4:
            lines += _wrap(
                f"{cell.verdict.value} ({' '.join(cell.rows)}): {cell.text}", "      ", f"  {pair:<5} "
            )
            lines += _origins(found, i, j, guests[-1])
    for text, pairs in same_rule.items():
        lines += _wrap(f"{text} - {list_some(tuple(pairs))}", "      ", "  ")
    return lines


def _origins(found: CompatReport, i: int, j: int, guest: Guest) -> list[str]:
    by_origin: dict[tuple[str, str], list[str]] = {}
    for reason in found.reasons(i, j, guest):
        by_origin.setdefault((reason.origin.value, reason.because), []).append(reason.flag)
    lines: list[str] = []
    for (kind, because), found_flags in by_origin.items():
        lines += _wrap(
            f"{list_some(tuple(found_flags))}: likely {kind} ({because})", "          ", "        "
        )
    for reason in found.reasons(i, j, guest)[:3]:
        lines += _wrap(f"{reason.flag} = {flags.meaning(reason.flag)}", "          ", "        ")
    return lines


def _pool(found: CompatReport) -> list[str]:
    pool = found.pool
    lines: list[str] = []
    for part in pool.sets[:10]:
        lines += _wrap(f"exchange guests freely: {names(part)}", "    ", "  ")
    if pool.one_way:
        lines += _wrap("one way only: " + ", ".join(f"{a}>{b}" for a, b in pool.one_way[:30]), "    ", "  ")
    best = "" if len(pool.largest) == pool.largest_bound else f" (at most {pool.largest_bound} are possible)"
    lines += _wrap(f"largest set in which all pairs work{best}: {names(pool.largest)}", "    ", "  ")
    fewest = (
        ""
        if len(pool.partition) == pool.partition_bound
        else f" (at least {pool.partition_bound} are needed)"
    )
    lines += _wrap(f"fewest pools that work: {len(pool.partition)}{fewest}", "    ", "  ")
    for number, part in enumerate(pool.partition[:10], 1):
        lines += _wrap(f"pool {number}: {names(part)}", "      ", "    ")
    if pool.start:
        best_start = pool.start[0]
        lines += _wrap(
            f"start guests on {names(best_start.servers)}: from there they may move to {best_start.reaches} of"
            f" {best_start.others} others",
            "    ",
            "  ",
        )
    return lines


def _drag(found: CompatReport) -> list[str]:
    lines: list[str] = []
    for drag in found.pool.drag[:10]:
        gain = f"{len(drag.flags)} features ({list_some(drag.flags)})" if drag.flags else "no feature"
        lines += _wrap(
            f"without {names(drag.servers)}: {drag.pairs} more pairs fine, {gain} gained", "    ", "  "
        )
    return lines


def _evacuation(found: CompatReport) -> list[str]:
    words = {True: "fits", False: "does not", None: "not known"}
    lines = []
    for each in found.pool.evacuation[:64]:
        memory = f"{_gib(each.used_mib)} used, {_gib(each.free_mib)} free on {each.peers} peers"
        lines.append(f"  {each.server[:24]:<24} {memory}: {words[each.fits]}")
    return lines


def _gib(mib: int | None) -> str:
    return "     ?" if mib is None else f"{mib / 1024:>6.1f} GiB"


def compat_text(found: CompatReport) -> str:
    """The whole report, 80 columns wide."""
    mismatches = migrate.mismatches(found.fleet.profiles, found.fleet.reading)
    lines = [
        *_section("Processors", _classes(found)),
        *_matrices(found),
        *_section("Why", _reasons(found)),
        *_section(
            "Manager's rule against the features",
            [
                line
                for d in found.pool.disagreements[:30]
                for line in _wrap(f"{d.source}>{d.target}: {d.text}", "    ", "  ")
            ],
        ),
        *_section(
            "Groups read back that differ from the prediction",
            [f"  {m.server}: {m.actual} (predicted {m.predicted})" for m in mismatches],
        ),
        *_section("Pool", _pool(found)),
        *_section("What servers cost the pool", _drag(found)),
        *_section("Evacuation", _evacuation(found)),
        *_section(
            "Every guest may use", _wrap(" ".join(found.pool.baseline or found.pool.baseline_of_known))
        ),
        *_section("Notes", [line for note in notes(found) for line in _wrap(note, "    ", "  ")]),
    ]
    if found.difference is not None:
        lines += difference_lines(found.difference)
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def difference_lines(difference: Difference) -> list[str]:
    """The cells a what-if turns."""
    if not difference.count:
        return ["What if", "  no cell turns", ""]
    shown = [
        f"  {turn.source} > {turn.target} {turn.guest.value}: {turn.before.value if turn.before else 'absent'}"
        f" -> {turn.after.value if turn.after else 'absent'}"
        for turn in difference.turns[:MANY_TURNS]
    ]
    more = difference.count - len(shown)
    return [
        f"What if: {difference.count} cells turn",
        *shown,
        *([f"  ... and {more} more"] if more > 0 else []),
        "",
    ]


def migrate_text(answer: MigrateAnswer) -> str:
    """The answer of migrate-check."""
    word = {True: "REFUSED", False: "NOT REFUSED", None: "NOT KNOWN"}[answer.refused]
    lines = [f"{answer.source} -> {answer.target} ({answer.guest.value}): {word}", *_wrap(answer.text)]
    for row in answer.rows:
        says, remedy = row_text(row)
        lines += _wrap(f"{row}: {says}. Remedy: {remedy}.", "       ", "  ")
    for name in answer.missing[:12]:
        lines += _wrap(f"{name} = {flags.meaning(name)}", "      ", "    ")
    for off in answer.mismatches:
        lines += _wrap(
            f"{off.server}: Manager has it in {off.actual}, its processor predicts {off.predicted}"
        )
    return "\n".join(lines) + "\n"
