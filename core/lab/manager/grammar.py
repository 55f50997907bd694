"""Words of an `OVM>` line: commands split at `;`, quotes, `key=value`, doubled slashes. Knows no command."""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class CliSyntaxError(Exception):
    """The line cannot be read; the text goes behind `Syntax error: ` (wording invented, manager-cli 1.7)."""


@dataclass(frozen=True, slots=True)
class Word:
    """One blank-separated part of a line: `key=value`, or a bare word with key None."""

    value: str
    key: str | None = None
    is_quoted: bool = False


def join_continued(text: str) -> str:
    """Drop every backslash that ends a line, with the line end (manager-cli 1.6)."""
    return re.sub(r"\\[ \t]*(?:\r\n|\n\r|\r|\n)", " ", text)


def is_continued(line: str) -> bool:
    """Whether a typed line ends in a backslash and goes on in the next one."""
    return line.rstrip(" \t").endswith("\\")


def split_commands(text: str) -> list[str]:
    """The commands of an exec request or line: separated by `;` or line ends, never inside quotes."""
    commands, current, quote = [], "", ""
    for char in join_continued(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in ";\r\n":
            commands.append(current)
            current = ""
            continue
        current += char
    return [item.strip() for item in [*commands, current] if item.strip()]


def words(line: str) -> list[Word]:
    """The words of one command. Raises CliSyntaxError for a quote that is never closed."""
    found: list[Word] = []
    text, key, quote = "", None, ""
    is_quoted = is_open = False
    for char in line:
        if quote:
            if char == quote:
                quote = ""
            else:
                text += char
        elif char in "'\"":
            quote, is_quoted, is_open = char, True, True
        elif char in " \t":
            if is_open:
                found.append(Word(text, key, is_quoted))
            text, key, is_quoted, is_open = "", None, False, False
        elif char == "=" and key is None and not is_quoted and _KEY.fullmatch(text):
            key, text = text, ""
        else:
            text, is_open = text + char, True
    if quote:
        raise CliSyntaxError(f"missing closing quote {quote}")
    if is_open or key is not None:
        found.append(Word(text, key, is_quoted))
    return found


def undouble(name: str) -> str:
    """An object name as typed on 3.3 and later: `//` is one slash, a single one is refused (manager-cli
    1.6).
    """
    rest = name.replace("//", "\0")
    if "/" in rest:
        raise CliSyntaxError(f"a forward slash in a name must be doubled: {name}")
    return rest.replace("\0", "/")


def listed(value: str) -> list[str]:
    """The parts of a comma list; an empty value has none."""
    return [part.strip() for part in value.split(",") if part.strip()]
