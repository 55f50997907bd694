"""Where text leaves the process (screen, journal, log, file, socket, error), secrets are masked: here, never before.

What is parsed, compared or sent is never masked: a reply is read as it came, and the ids and names in a record that an
undo reads back are those that it was given. So that a mask neither breaks a run nor gives away what it hides:

1. A secret that is also a *public word* (it stands in the spec, the plan, the platform's vocabulary or this program's
   own text: a pool `pool1`, a password `pool1`) is not masked as a word: the gap would tell it, the word does not.
   Where a password stands as one (`password=`, `Basic`, `user:...@`) whatever stands there is masked, this too.
2. Any other secret is masked wherever it stands, in every spelling, also when a line end fell into it.
3. One of these that is a mere word (letters, a few digits) takes its whole line with it: around a gap of one word
   the rest of a known sentence would tell it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.secrets import MASK, SHORTEST, redact, spellings
from core.text import inert, visible

TEXT_MAX_CHARS = 64 * 1024  # one reply of a server; a whole fleet listing stays far below
_WORD = re.compile(r"[A-Za-z]+[0-9]{0,4}")
_NO_ID = 8  # characters: shorter secrets may well be a part of an id that Manager made
_BREAK = r"(?: ?[\r\n]){0,4}"  # where a terminal wrapped a line, or an echo was cut (manager-cli 1.10)


class Masker:
    """Masks the secrets of one run in texts for people. `public` are texts that everybody may read."""

    def __init__(self, secrets: Iterable[str] = (), *public: str) -> None:
        self._public = "\n".join(public)
        known = self._public.casefold()
        secrets = [value for value in secrets if len(value) >= SHORTEST]
        hidden = [value for value in secrets if value.casefold() not in known]
        self._hidden = tuple(hidden)
        self._forms = tuple(spellings(hidden))
        self._broken = [_wrapped(value) for value in sorted(hidden, key=len, reverse=True)]
        self._long = tuple(spellings(value for value in hidden if len(value) >= _NO_ID))
        self._words = tuple(value for value in hidden if _WORD.fullmatch(value))

    def text(self, text: str, limit: int = TEXT_MAX_CHARS, *, keep_lines: bool = True) -> str:
        """Free text from elsewhere, for people: masked, inert, valid UTF-8, of at most `limit` characters."""
        shown = inert(self._foreign(text), limit, keep_lines=keep_lines)
        return self._foreign(shown)  # an escape sequence may have parted a secret

    def _foreign(self, text: str) -> str:
        return redact(self.known(text), (), self._public)

    def known(self, text: str) -> str:
        """Without the secrets that are known, else as it is: for our own text, which may quote somebody's."""
        if any(form in text for form in self._forms):
            if self._words:
                text = "\n".join(self._line(line) for line in text.split("\n"))
            for form in self._forms:
                text = text.replace(form, MASK)
        if "\n" in text or "\r" in text:
            for pattern in self._broken:
                text = pattern.sub(MASK, text)
        return text

    def record(self, value: Any) -> Any:
        """JSON data that an undo works with: as it is. Only a long secret, which no id and no name of ours can be, is
        masked: an undo that meets the mask fails aloud, since no id holds one."""
        return mapped(value, self._without_long)

    def _without_long(self, text: str) -> str:
        text = text.encode("utf-8", "replace").decode()
        for form in self._long:
            text = text.replace(form, MASK)
        return text

    def _line(self, line: str) -> str:
        return MASK if any(word in line for word in self._words) else line

    def data(self, value: Any) -> Any:
        """JSON data for people: every string in it masked as text."""
        return mapped(value, self.text)


def _wrapped(value: str) -> re.Pattern[str]:
    return re.compile(_BREAK.join(map(re.escape, value)))


def mapped(value: Any, change: Any) -> Any:
    """JSON data with every string in it (keys too) changed; what JSON has no word for becomes a string first."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(key)): mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mapped(item, change) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return change(str(value))


def words_of(value: Any) -> str:
    """Every string in JSON data, one a line: what is public because the operator wrote it, or the plan says it."""
    return "\n".join(_strings(value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def own_words(secrets: Iterable[str]) -> str:
    """Those of the secrets that stand in this program's own text, one a line: a key of our JSON, a state, a word of a
    message. Everybody can read them there, and masked they would break what scripts read."""
    return "\n".join(sorted(_own_words(frozenset(secrets))))


@lru_cache(maxsize=16)
def _own_words(secrets: frozenset[str]) -> frozenset[str]:
    wanted = {value.encode("utf-8", "replace").lower(): value for value in secrets if len(value) >= SHORTEST}
    found: set[str] = set()
    for folder, inner, names in os.walk(Path(__file__).parent):
        inner[:] = [
            name for name in inner if name not in ("lab", "__pycache__")
        ]  # the lab is no text of ours
        for name in names:
            if name.endswith((".py", ".toml")):
                text = Path(folder, name).read_bytes().lower()
                found |= {value for plain, value in wanted.items() if plain in text}
    return frozenset(found)


class _Guard:
    """What this process must not show, whoever shows it: grows while the process lives, forgets nothing."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._public: dict[str, None] = {}
        self.masker = Masker()

    def add(self, secrets: Iterable[str], public: Iterable[str]) -> None:
        """From now on these too."""
        before = len(self._secrets), len(self._public)
        self._secrets |= dict.fromkeys(secrets)
        self._public |= dict.fromkeys(public)
        if before != (len(self._secrets), len(self._public)):
            self.masker = Masker(self._secrets, *self._public)


_GUARD = _Guard()


def guard(secrets: Iterable[str], *public: str) -> None:
    """From now on mask these secrets in everything this process shows, logs or writes; `public` as in Masker."""
    _GUARD.add(secrets, public)


def hide(text: str) -> str:
    """Text of ours as it may leave this process; see guard."""
    return _GUARD.masker.known(text)


def shown(text: str) -> str:
    """Lines of ours as a terminal gets them: without secrets, and with every control character in words."""
    return visible(hide(text), keep_lines=True)


def hidden(value: Any) -> Any:
    """JSON data as it may leave this process."""
    return mapped(value, hide)


def foreign(text: str, limit: int) -> str:
    """Somebody's text as it may leave this process: also what stands like a password is masked, and it is inert."""
    return _GUARD.masker.text(text, limit)
