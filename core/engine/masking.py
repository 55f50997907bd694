"""Make every text safe for the journal: secrets masked, control characters inert, length bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.secrets import redact
from core.text import inert

TEXT_MAX_CHARS = 64 * 1024  # one reply of a server; a whole fleet listing stays far below


class Masker:
    """Masks the secrets of one run.

    `public` is what the operator wrote openly (spec and plan). A secret that also stands there as a plain word
    (user oracle, password oracle) is masked in every text, but not in the records that an undo must read back:
    masking would break the run and hide nothing.
    """

    def __init__(self, secrets: Iterable[str] = (), public: str = "") -> None:
        self._all = tuple(value for value in secrets if value)
        self._hidden = tuple(value for value in self._all if value not in public)

    def text(self, text: str) -> str:
        """Free text for people: masked, inert, valid UTF-8, of bounded length."""
        return redact(inert(redact(text, self._all), TEXT_MAX_CHARS, keep_lines=True), self._all)

    def data(self, value: Any) -> Any:
        """JSON data for people: every string in it masked as text."""
        return _map(value, self.text)

    def record(self, value: Any) -> Any:
        """JSON data that an undo reads back: only what the operator did not write openly is masked."""
        return _map(value, lambda text: redact(text.encode("utf-8", "replace").decode(), self._hidden))


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(key)): _map(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_map(item, change) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return change(str(value))
