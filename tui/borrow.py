"""The few leaf functions of core, without any I/O, that the screens need beside the service."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from core import masking
from core import text as core_text

ELLIPSIS = core_text.ELLIPSIS
LIST_MAX_BYTES = 256 * 1024  # a list of servers; Manager's maximum is 256 of them


def inert(text: object, limit: int = 400) -> str:
    """Foreign text as one harmless line: no secret, no control, format or bidi character, of bounded length."""
    return core_text.inert(masking.hide(str(text)), limit)


def shown(text: str) -> str:
    """Lines as a terminal gets them: without secrets, control characters in words."""
    return masking.shown(text)


def expand_servers(text: str) -> tuple[list[str], list[str]]:
    """Servers named by typed or pasted text (blanks, commas, semicolons or lines between), and what cannot be read.

    A `#` starts a comment. Order is kept, a name given twice is taken once.
    """
    from core.ranges import expand

    names: dict[str, None] = {}
    wrong: list[str] = []
    for word in _words(text):
        try:
            names.update(dict.fromkeys(expand(word)))
        except ValueError as error:
            wrong.append(str(error))
    return list(names), wrong


def _words(text: str) -> list[str]:
    """Words of the text; a comma inside brackets belongs to the range."""
    words: list[str] = []
    for line in text.splitlines():
        word, depth = "", 0
        for char in line.split("#", 1)[0]:
            depth += (char == "[") - (char == "]")
            if char.isspace() or (depth <= 0 and char in ",;"):
                words.append(word)
                word, depth = "", 0
            else:
                word += char
        words.append(word)
    return [word for word in words if word]


def expanded(name: str) -> Path:
    """The path that was typed, `~` replaced where somebody's home folder is known; never raises."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises


def is_there(path: Path) -> bool:
    """Is there something of this name, as far as can be told? Never raises."""
    return os.path.exists(path)  # noqa: PTH110 - Path's own raises


def read_list(name: str) -> str:
    """A file of servers as text; PoolwrightError when it cannot be read or is no list of servers by its size."""
    from core import files

    path = expanded(name)
    return files.decoded(path, files.read_bytes(path, LIST_MAX_BYTES), "replace")


def write_file(path: Path, text: str) -> None:
    """Write a file that the operator named; PoolwrightError when that fails."""
    from core.paths import write_named

    write_named(path, text)


def operator() -> str:
    """Who is at work here, for waivers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"
