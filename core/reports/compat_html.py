"""The compatibility report as one self-contained HTML page: no request leaves it, only our own script runs.

Everything that came from a server is escaped. The Content-Security-Policy names style and script by hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from core.cpu import flags, migrate
from core.cpu.compat import row_text
from core.cpu.verdict import CellVerdict, Guest
from core.reports.compat_build import CompatReport, describe, notes
from core.reports.compat_svg import COLOURS, MAX_CLASSES
from core.reports.compat_text import GLYPHS, names

_NAMES = {
    CellVerdict.ALLOWED: "works",
    CellVerdict.RISK: "works, with a risk",
    CellVerdict.UNKNOWN: "not known",
    CellVerdict.FAILS: "guest may crash",
    CellVerdict.REFUSED: "refused",
}
_STYLE = (
    """
body{font:15px/1.4 system-ui,sans-serif;color:#111;background:#fff;margin:1.5rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}code{font-size:.9em}
.map td,.map th{width:1.7rem;height:1.7rem;text-align:center;padding:0}
.map td{color:#fff;cursor:default;position:relative}
.map td:focus{outline:3px solid #1565c0;outline-offset:-1px;z-index:2}
.tip{display:none;position:absolute;left:1.2rem;top:1.6rem;z-index:3;width:24rem;max-width:70vw}
.tip{padding:.5rem .7rem;text-align:left;font-size:.85rem;color:#111;background:#fffde7;border:1px solid #555}
.map td:hover .tip,.map td:focus .tip{display:block}
.list td,.list th{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top}
.list td{overflow-wrap:anywhere}
.scroll{overflow-x:auto;padding-bottom:9rem;margin-bottom:-8rem}
.key{display:inline-block;padding:0 .4rem;color:#fff;margin-right:.3rem}
@media print{body{max-width:none;margin:0;font-size:10pt}.tip{display:none!important}.screen{display:none}
.scroll{overflow:visible;padding:0;margin:0}td,.key{-webkit-print-color-adjust:exact;print-color-adjust:exact}
tr,h2{break-inside:avoid}h2{break-after:avoid}}
"""
    + "".join(f".v{number}{{background:{colour}}}" for number, colour in enumerate(COLOURS.values()))
).strip()
_SCRIPT = """
for (const map of document.querySelectorAll('table.map')) {
  map.addEventListener('keydown', (event) => {
    const move = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    const cell = event.target.closest('td');
    if (!move || !cell) return;
    const row = map.rows[cell.parentNode.rowIndex + move[0]];
    const next = row && row.cells[cell.cellIndex + move[1]];
    if (next && next.tagName === 'TD') {
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    event.preventDefault();
  });
}
document.documentElement.dataset.ready = 'yes';
""".strip()


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _policy() -> str:
    own = f"style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _number(verdict: CellVerdict) -> int:
    return list(COLOURS).index(verdict)


def compat_html(found: CompatReport) -> str:
    """The whole page."""
    sections = [
        f"<h1>{escape(found.title)}</h1>",
        f"<p>{_legend()}</p>",
        '<p class="screen">Point at a cell, or press Tab and the arrow keys, to read why.</p>',
        *(_heat_map(found, guest) for guest in found.matrix.guests),
        _table("Processors", ("class", "processor", "servers"), _class_rows(found)),
        _table("Why", ("move", "guests", "verdict", "rows", "what"), _why_rows(found)),
        _table("What the missing features are", ("feature", "what uses it"), _flag_rows(found)),
        _table("Manager's rule against the features", ("move", "disagreement"), _disagreements(found)),
        _table("Fewest pools that work", ("pool", "servers"), _partition(found)),
        _table(
            "What servers cost the pool", ("servers", "pairs", "features gained without them"), _drag(found)
        ),
        _table(
            "Evacuation", ("server", "peers", "used MiB", "free MiB on peers", "fits"), _evacuation(found)
        ),
        _baseline(found),
        _notes(found),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy())}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(found.title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(section for section in sections if section)
        + f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _baseline(found: CompatReport) -> str:
    flags_of_all = " ".join(found.pool.baseline or found.pool.baseline_of_known)
    return f"<h2>Every guest may use</h2><p><code>{escape(flags_of_all)}</code></p>" if flags_of_all else ""


def _legend() -> str:
    return " ".join(
        f'<span class="key v{_number(verdict)}">{GLYPHS[verdict]}</span>{escape(text)}'
        for verdict, text in _NAMES.items()
    )


def _heat_map(found: CompatReport, guest: Guest) -> str:
    classes = found.matrix.classes[:MAX_CLASSES]
    left_out = len(found.matrix.classes) - len(classes)
    head = "".join(f'<th scope="col">{item.id}</th>' for item in classes)
    rows = []
    for i, item in enumerate(classes):
        cells = "".join(_cell(found, i, j, guest, "0" if i == j == 0 else "-1") for j in range(len(classes)))
        rows.append(f'<tr><th scope="row">{item.id}</th>{cells}</tr>')
    more = f"<p>{left_out} further classes are not shown.</p>" if left_out else ""
    title = f"{guest.value.upper()} guests, from the row to the column"
    return (
        f'<h2>{title}</h2><div class="scroll"><table class="map" role="grid" aria-label="{title}">'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{more}"
    )


def _cell(found: CompatReport, i: int, j: int, guest: Guest, tab: str) -> str:
    cell = found.matrix.cell(i, j, guest)
    classes = found.matrix.classes
    rows = f" ({' '.join(cell.rows)})" if cell.rows else ""
    tip = escape(f"{classes[i].id} to {classes[j].id}: {_NAMES[cell.verdict]}{rows}. {cell.text}")
    return (
        f'<td role="gridcell" tabindex="{tab}" class="v{_number(cell.verdict)}" aria-label="{tip}">'
        f'{GLYPHS[cell.verdict]}<span class="tip" aria-hidden="true">{tip}</span></td>'
    )


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows
    )
    if not body:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return f'<h2>{escape(title)}</h2><table class="list"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _class_rows(found: CompatReport) -> Iterable[tuple[object, ...]]:
    for item in found.matrix.classes:
        yield item.id, describe(item.profile), names(item.servers)


def _why_rows(found: CompatReport) -> Iterable[tuple[object, ...]]:
    """Every pair that is not plainly allowed, kinds of guests with the same answer together."""
    classes = found.matrix.classes[:MAX_CLASSES]
    for i, a in enumerate(classes):
        for j, b in enumerate(classes):
            if i == j and len(a.servers) == 1:
                continue
            texts: dict[tuple[str, str, str], list[str]] = {}
            for guest in found.matrix.guests:
                cell = found.matrix.cell(i, j, guest)
                if cell.verdict is not CellVerdict.ALLOWED:
                    key = (_NAMES[cell.verdict], " ".join(cell.rows), cell.text)
                    texts.setdefault(key, []).append(guest.value.upper())
            for (verdict, rows, text), guests in texts.items():
                origins = {reason.origin.value for reason in found.reasons(i, j, Guest(guests[-1].lower()))}
                likely = f"; likely from: {', '.join(sorted(origins))}" if origins else ""
                remedy = f"; remedy: {row_text(rows.split()[0])[1]}" if rows else ""
                yield f"{a.id} to {b.id}", ", ".join(guests), verdict, rows, text + likely + remedy


def _flag_rows(found: CompatReport) -> Iterable[tuple[object, ...]]:
    count = range(len(found.matrix.classes[:MAX_CLASSES]))
    missing = {
        name
        for i in count
        for j in count
        for g in found.matrix.guests
        for name in found.matrix.cell(i, j, g).missing
    }
    for name in sorted(missing):
        yield name, flags.meaning(name)


def _disagreements(found: CompatReport) -> Iterable[tuple[object, ...]]:
    for each in found.pool.disagreements:
        yield f"{each.source} to {each.target}", each.text
    for off in migrate.mismatches(found.fleet.profiles, found.fleet.reading):
        yield off.server, f"Manager has it in {off.actual}, its processor predicts {off.predicted}"


def _partition(found: CompatReport) -> Iterable[tuple[object, ...]]:
    for number, part in enumerate(found.pool.partition, 1):
        yield number, names(part)


def _drag(found: CompatReport) -> Iterable[tuple[object, ...]]:
    for each in found.pool.drag:
        yield names(each.servers), each.pairs, " ".join(each.flags)


def _evacuation(found: CompatReport) -> Iterable[tuple[object, ...]]:
    words = {True: "yes", False: "no", None: "not known"}
    for each in found.pool.evacuation:
        used = "?" if each.used_mib is None else each.used_mib
        yield each.server, each.peers, used, "?" if each.free_mib is None else each.free_mib, words[each.fits]


def _notes(found: CompatReport) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes(found))
    return f"<h2>Notes</h2><ul>{items}</ul>" if items else ""
