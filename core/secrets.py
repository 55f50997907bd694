"""Secrets of one run: in memory only, never printed, and known to the redactor so that no text carries them.

Names: `manager`, `agent`, `ssh`, `jump`, `chap`. Sources, in this order: prompt, --password-file, environment
(POOLWRIGHT_<NAME>_PASSWORD).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

MASK = "********"
# key=value and URL forms in which the platforms carry passwords (manager-cli 1.10, agent-rpc 4.1 and 4.2)
_KEYED = re.compile(r"(?i)(\b[\w-]*passw(?:or)?d[\w-]*\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&<>\"']+)")
_URL = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^/\s:@]+:)([^@\s/]+)(@)")


class Secrets:
    """A small read-only mapping of secret names to values that never shows the values."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = {name: value for name, value in (values or {}).items() if value}

    def get(self, name: str) -> str | None:
        """The value, or None when the operator gave none."""
        return self._values.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def names(self) -> tuple[str, ...]:
        """Which secrets are there."""
        return tuple(self._values)

    def with_(self, name: str, value: str) -> Secrets:
        """A copy that also knows `name`."""
        return Secrets({**self._values, name: value})

    def values(self) -> Iterator[str]:
        """The raw values, for the redactor and the transports only."""
        return iter(tuple(self._values.values()))

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def __reduce__(self) -> str:
        raise TypeError("secrets are not pickled")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with every known secret and every password-like value masked."""
    for value in sorted({value for value in secrets if len(value) >= 3}, key=len, reverse=True):
        text = text.replace(value, MASK)
    text = _URL.sub(rf"\g<1>{MASK}\g<3>", text)
    return _KEYED.sub(rf"\g<1>{MASK}", text)
