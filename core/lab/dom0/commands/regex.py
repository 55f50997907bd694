"""POSIX regular expressions as Python's."""

from __future__ import annotations

_CLASSES = {
    "[:space:]": r"\s",
    "[:blank:]": r" \t",
    "[:digit:]": r"0-9",
    "[:alpha:]": "A-Za-z",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:punct:]": r"!-/:-@\[-`{-~",
}
_SPECIAL = "(){}|+?"


def posix(text: str, *, extended: bool) -> str:
    """A basic or extended expression in Python's words."""
    made = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == "[":
            end = _bracket_end(text, at)
            inner = text[at : end + 1]
            for name, chars in _CLASSES.items():
                inner = inner.replace(name, chars)
            made += inner[0] + inner[1:-1].replace("[", r"\[") + inner[-1] if len(inner) > 1 else r"\["
            at = end + 1
            continue
        if char == "\\" and at + 1 < len(text):
            following = text[at + 1]
            if following in _SPECIAL and not extended:
                made += following
            elif following in "<>":
                made += r"\b"
            else:
                made += f"\\{following}"
            at += 2
            continue
        if char in _SPECIAL and not extended:
            made += f"\\{char}"
        elif char == "*" and not made:
            made += r"\*"
        else:
            made += char
        at += 1
    return made


def _bracket_end(text: str, start: int) -> int:
    at = start + 1
    if text[at : at + 1] == "^":
        at += 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text):
        if text.startswith("[:", at):
            at = text.find(":]", at) + 2
            if at < 2:
                break
            continue
        if text[at] == "]":
            return at
        at += 1
    return start
