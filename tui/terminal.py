"""Can this terminal show the screens? Standard library only: it runs before anything else is imported."""

from __future__ import annotations

import codecs
import locale
import os
import sys
from collections.abc import Mapping

# Textual has no terminfo and sends xterm's sequences; these families understand them
KNOWN_TERMS = (
    "xterm", "screen", "tmux", "rxvt", "linux", "konsole", "gnome", "vte", "alacritty", "foot", "kitty", "wezterm",
    "ghostty", "iterm", "putty", "st", "contour", "cygwin", "mintty", "ms-terminal", "eterm", "nsterm", "xfce",
)  # fmt: skip
POOR_TERMS = ("dumb", "vt100", "vt102", "vt220", "ansi", "unknown", "")


def why_plain(environ: Mapping[str, str], encoding: str) -> str:
    """Why the screens cannot be shown, as the end of a sentence; empty when they can."""
    term = environ.get("TERM", "")
    if term in POOR_TERMS:
        return f"the terminal is '{term or 'not named'}'"
    if not any(term == name or term.startswith((f"{name}-", f"{name}.", f"{name}2")) for name in KNOWN_TERMS):
        return f"the terminal '{term[:40]}' is not one we know"
    try:
        if codecs.lookup(encoding).name != "utf-8":
            return f"the locale's encoding is {encoding}, not UTF-8"
    except LookupError:
        return "the locale's encoding is not known"
    return ""


def has_terminal() -> bool:
    """Are stdin and stdout both a terminal?"""
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


def encoding_of(environ: Mapping[str, str]) -> str:
    """Encoding of the operator's locale: the first of LC_ALL, LC_CTYPE and LANG that is set decides.

    Python's own UTF-8 coercion of the C locale hides what the terminal can really show, so the words are read.
    """
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(name, "")
        if value:
            if value in ("C", "POSIX"):
                return "ascii"
            return (
                value.rpartition(".")[2].partition("@")[0]
                if "." in value
                else locale.getpreferredencoding(False)
            )
    return locale.getpreferredencoding(False)


def reason() -> str:
    """Why plain mode must be used here and now; empty when the screens work."""
    return why_plain(os.environ, encoding_of(os.environ))
