"""Secrets of one run: in memory only, never printed, and known to the redactor so that no text carries them.

Names: Platform.secret_names. Sources, in this order: prompt, --password-file, environment
(POOLWRIGHT_<NAME>_PASSWORD, see core.environment).
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from typing_extensions import override

MASK = "********"
SHORTEST = 3  # masking shorter ones would blank out whole texts
# Forms in which the platforms carry passwords (manager-cli 1.10, agent-rpc 4.1, 4.2, 6.2). Every quantifier that could
# meet hostile text twice is bounded, so that masking stays linear.
_VALUE = r"""("[^"\n]{0,512}"|'[^'\n]{0,512}'|[^\s,;&<>"']{1,512})"""
_KEYED = re.compile(r"""(?i)(passw(?:or)?d[\w-]{0,40}["']?[ \t]{0,4}(?:=|:)[ \t]{0,4})""" + _VALUE)
_LISTED = re.compile(
    r"""(?i)(passw(?:or)?d[\w-]{0,40}["']\s{0,4},\s{0,4}u?)("[^"\n]{1,512}"|'[^'\n]{1,512}')"""
)
_ELEMENT = re.compile(r"(?i)(<[\w.-]{0,40}passw(?:or)?d[\w.-]{0,40}>)([^<]{1,512})(?=<)")
_URL = re.compile(r"""(://[^/\s:@"'<>]{0,256}:)((?:(?!://)[^\s"'<>]){1,512})@""")
_BASIC = re.compile(r"(?i)(\bbasic[ \t]{1,4})([A-Za-z0-9+/]{4,1024}={0,2})(?![A-Za-z])")
_AT = re.compile(r"""(?<![\w.:/-])([A-Za-z_][\w.-]{0,63}:)([^\s@/:"'<>]{1,256})@(?=[\w\[])""")

_STAND_IN = re.compile(r'"<[A-Za-z ]{1,40}>"')  # "<agent password>"


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

    @override
    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    @override
    def __reduce__(self) -> str:
        raise TypeError("secrets are not pickled")


def redact(text: str, secrets: Iterable[str] = (), public: str = "") -> str:
    """`text` with every known secret (also quoted, escaped or encoded) and every password-like value masked.

    For text that leaves the process only: see core.masking. A name that stands in `public` is no login: `a:b@c`.
    """
    for value in spellings(secrets):
        text = text.replace(value, MASK)

    def masked_login(match: re.Match[str]) -> str:
        return match[0] if f"{match[2]}@" in public else f"{match[1]}{MASK}@"

    text = _ELEMENT.sub(rf"\g<1>{MASK}", text)
    if "@" in text:
        text = _AT.sub(masked_login, _URL.sub(masked_login, text))
    text = _BASIC.sub(_masked_token, text)
    text = _LISTED.sub(rf"\g<1>'{MASK}'", text)
    return _KEYED.sub(_masked_value, text)


def _masked_value(match: re.Match[str]) -> str:
    """Mask what follows `password=`, but for the words that plans show instead of a password."""
    return match[0] if _STAND_IN.fullmatch(match[2]) else f"{match[1]}{MASK}"


def _masked_token(match: re.Match[str]) -> str:
    """Mask what follows `Basic` when it is a login, that is base64 of user:password."""
    try:
        is_login = b":" in base64.b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except ValueError:
        is_login = False
    return f"{match[1]}{MASK}" if is_login else match[0]


def spellings(secrets: Iterable[str]) -> list[str]:
    """Every form in which a secret may stand in a text, longest first."""
    found = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value)}
    return sorted(found, key=len, reverse=True)


@lru_cache(maxsize=512)
def _forms(value: str) -> frozenset[str]:
    """One secret plain, in XML and HTML, JSON, Python, a shell line, a URL and a header."""
    raw = value.encode("utf-8", "surrogatepass")
    markup = {escape(value), escape(value, {'"': "&quot;", "'": "&apos;"}), html.escape(value)}
    quoted = {json.dumps(value)[1:-1], repr(value)[1:-1], shlex.quote(value)}
    encoded = {quote(raw, safe=""), quote(raw), quote_plus(raw), base64.b64encode(raw).decode("ascii")}
    return frozenset({value} | markup | quoted | encoded)
