"""The compatibility matrix as one SVG picture: a heat map with a title on every cell."""

from __future__ import annotations

from html import escape

from core.cpu.verdict import CellVerdict, Guest
from core.reports.compat_build import CompatReport, describe
from core.reports.compat_text import GLYPHS

COLOURS = {  # told apart without colour too: every cell carries its glyph
    CellVerdict.ALLOWED: "#2e7d32",
    CellVerdict.RISK: "#9e9d24",
    CellVerdict.UNKNOWN: "#757575",
    CellVerdict.FAILS: "#c62828",
    CellVerdict.REFUSED: "#37474f",
}
CELL = 22
LEFT = 60
MAX_CLASSES = 80  # beyond, a picture tells nothing: the others are left out and said to be


def compat_svg(found: CompatReport) -> str:
    """One heat map a guest kind, below each other, and the list of classes."""
    classes = found.matrix.classes[:MAX_CLASSES]
    side = LEFT + CELL * len(classes)
    parts: list[str] = []
    top = 30
    for guest in found.matrix.guests:
        parts.append(_text(10, top, f"{guest.value.upper()}: from row to column", bold=True))
        parts.append(_map(found, guest, top + 10))
        top += 50 + CELL * (len(classes) + 1)
    for item in classes:
        servers = ", ".join(item.servers[:6]) + (" ..." if len(item.servers) > 6 else "")
        parts.append(_text(10, top, f"{item.id}  {describe(item.profile)}: {servers}"))
        top += 18
    left_out = len(found.matrix.classes) - len(classes)
    if left_out:
        parts.append(_text(10, top, f"{left_out} further classes are not shown"))
        top += 18
    width = max(side + 20, 640)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(found.title)}" width="{width}"'
        f' height="{top}" viewBox="0 0 {width} {top}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _text(x: int, y: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="#111111"{weight}>{escape(text)}</text>'


def _map(found: CompatReport, guest: Guest, top: int) -> str:
    classes = found.matrix.classes[:MAX_CLASSES]
    parts: list[str] = []
    for j, item in enumerate(classes):
        parts.append(_text(LEFT + CELL * j + 6, top + 14, item.id))
    for i, item in enumerate(classes):
        y = top + CELL * (i + 1)
        parts.append(_text(20, y + 15, item.id))
        for j, other in enumerate(classes):
            verdict = found.matrix.verdicts[guest][i][j]
            cell = found.matrix.cell(i, j, guest)
            title = escape(f"{item.id} to {other.id}: {verdict.value} {' '.join(cell.rows)}: {cell.text}")
            x = LEFT + CELL * j
            box = f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}" fill="{COLOURS[verdict]}"/>'
            glyph = f'<text x="{x + 7}" y="{y + 15}" fill="#ffffff">{GLYPHS[verdict]}</text>'
            parts.append(f"<g><title>{title}</title>{box}{glyph}</g>")
    return "".join(parts)
