"""Text as the screens draw it: states with glyph, word and colour, foreign text inert. Builds no markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui.borrow import inert
from tui.theme import look, rich_style

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


def styled(app: PoolwrightApp, text: object, style: str = "", limit: int = 400) -> Text:
    """Foreign or own text in one of our styles; "" is plain. Blanks in front stay: they part it from its neighbour."""
    raw = str(text)
    front = " " * min(len(raw) - len(raw.lstrip(" ")), 4)
    return Text(
        front + inert(raw, limit), style=rich_style(style, app.theme, mono=app.is_mono) if style else ""
    )


def state(app: PoolwrightApp, name: str, *, word: bool = True) -> Text:
    """A state as glyph and word."""
    shown = look(name)
    glyph = shown.ascii if app.uses_ascii else shown.glyph
    return styled(app, f"{glyph} {shown.word}" if word else glyph, shown.style)


def lines(*parts: Text | str) -> Text:
    """Parts under each other."""
    return Text("\n").join(part if isinstance(part, Text) else Text(part) for part in parts)
