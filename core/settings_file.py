"""Reads settings.toml: every key it holds is one that exists, and every problem has its line."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import SettingsError, SpecProblem
from core.files import FileError, read_text, toml_of
from core.text import nearest

MAX_BYTES = 64 * 1024
_HEADER = re.compile(r"\s*\[+\s*([^\[\]#]+?)\s*\]+")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What one file says, and where each key stands."""

    path: Path
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, known: Collection[str] | None = None) -> SettingsFile:
        """An absent file says nothing; FileError for one that cannot be read, SettingsError for every unknown key.

        `known` None: the keys are not judged.
        """
        try:
            text = read_text(path, MAX_BYTES)
        except FileError as error:
            if error.is_missing:
                return cls(path)
            raise
        found = cls(path, toml_of(text, path), _lines(text))
        if known is None:
            return found
        unknown = [key for key in found.data if key not in known]
        if unknown:
            raise SettingsError(
                [
                    found.problem((key,), f"there is no setting {key[:60]!r}", nearest(key, known))
                    for key in unknown
                ]
            )
        return found

    def problem(self, key: tuple[str, ...], message: str, fix: str = "") -> SpecProblem:
        """A problem of one key, with its place in this file."""
        line = next((self.lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self.lines), 1)
        return SpecProblem(f"setting {'.'.join(key)}", message, fix, "", str(self.path), line, 1)


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each key and table stands, as far as one line tells: enough to point at it."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if (header := _HEADER.fullmatch(line.split("#", 1)[0].rstrip())) is not None:
            table = _parts(header[1])
            found.setdefault(table, number)
        elif (key := _KEY.match(line)) is not None:
            parts = (*table, *_parts(key[1]))
            for end in range(1, len(parts) + 1):
                found.setdefault(parts[:end], number)
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(next(filter(None, groups), "") for groups in _PART.findall(text))
