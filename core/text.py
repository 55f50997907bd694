"""Make text that a server sent inert: no escapes, no control or direction characters, bounded length. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

ELLIPSIS = "…"
_SCAN_FACTOR = 16  # look at most at this many characters per character that is kept
# ECMA-48: CSI, OSC/DCS/SOS/PM/APC strings (closed by BEL or ST, or cut at a line's end), two-character escapes
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_BREAKS = re.compile(r"\r\n|\n\r|[\r\x0b\x0c\x85\u2028\u2029]")


def inert(text: str, limit: int = 2000, *, keep_lines: bool = False) -> str:
    """`text` safe to show, log and store: at most `limit` characters, one line unless `keep_lines`.

    Escape sequences vanish, every other control, format (bidi, zero width), surrogate and unassigned character
    becomes a visible `\\xNN` form.
    """
    scanned = text[: limit * _SCAN_FACTOR]
    plain = _LINE_BREAKS.sub("\n", _ESCAPES.sub("", scanned))
    if not keep_lines:
        plain = " ".join(plain.split())
    shown = _shown(plain[: limit + 1])
    if len(shown) > limit or len(text) > len(scanned):
        return shown[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    return shown


def is_inert(text: str) -> bool:
    """No character of `text` would be changed by `inert` (length and line breaks apart)."""
    return text.isprintable() or all(char == "\n" or _visible(char) == char for char in text)


def visible(text: str, *, keep_lines: bool = False) -> str:
    """`text` with nothing left out: every control, format (bidi, zero width) and surrogate character as `\\x1b`.

    With `keep_lines` a newline stays one. For text that must be seen as it is, such as a plan file's.
    """
    if text.isprintable():
        return text
    kept = "\n" if keep_lines else ""
    return "".join(char if char.isprintable() or char in kept else _code(char) for char in text)


def listed(words: Iterable[str], limit: int = 12) -> str:
    """Words joined by blanks and commas, the tail counted instead of shown."""
    seen = [inert(word, 120) for word in words]
    tail = f" and {len(seen) - limit} more" if len(seen) > limit else ""
    return ", ".join(seen[:limit]) + tail


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to do about a word that is not known: the nearest known one, else `otherwise`, else all of them."""
    words = list(known)
    found = difflib.get_close_matches(word, words, n=1) or [
        each for each in words if each.lower() == word.strip().lower()
    ]
    if found:
        return f"did you mean '{found[0]}'?"
    return otherwise or f"known here: {', '.join(sorted(words))}"


def _shown(text: str) -> str:
    """All characters visible; most texts are already, which isprintable tells at C speed."""
    if text.isprintable():
        return text
    return text.translate({ord(char): _visible(char) for char in set(text) if not char.isprintable()})


def _visible(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    if char == "\t":
        return " "
    if unicodedata.category(char) == "Zs":
        return " "
    return _code(char)


def _code(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
