"""What may stand in an `OVM>` line, field by field. Everything else is refused before a byte is sent.

`?` prints help the moment it is typed, `;` ends a command, quotes cannot be escaped, a backslash continues a line and
control keys edit it (manager-cli 1.6, 1.7). No quoting is known to protect a `?`.
"""

from __future__ import annotations

import re

from core.errors import BadReply, SecretError, SpecError, SpecProblem

_LIVE = frozenset("?;\"'\\`")
_ID = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9 _.,:@()+/#=\-]{0,254}"
)  # plugins and arrays have blanks, servers colons
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,252}")
_NAME = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9 _.,:@()+#=\[\]~&%{}\-]{0,255}"
)  # no `/`: it is written `//` since 3.3
_TEXT = re.compile(r"[\x20-\x7e]{0,4000}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,63}")
_PLAIN = re.compile(r"[A-Za-z0-9._:\-]+")
_INITIATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:\-_]{0,222}")


class Later(str):
    """The id of an object that does not exist yet, as plans show it; a line that holds one cannot be sent."""

    __slots__ = ()


def later(what: str) -> Later:
    """Stands for `<id of what>` in the commands of a plan."""
    return Later(f"\u27e8id of {what}\u27e9")


class Named(str):
    """A name that we gave an object: addresses it where nobody could read its id."""

    __slots__ = ()


def reference(value: str) -> str:
    """What stands for an object in a line: its id, or the name we gave it (names need not be unique, 3.0)."""
    return f"name={name(value)}" if isinstance(value, Named) else f"id={object_id(value)}"


def live_characters(text: str) -> list[str]:
    """Characters of a text that the Manager CLI would act upon or that cannot be sent as they are, without repeats."""
    return sorted({char for char in text if char in _LIVE or not " " <= char <= "~"})


def quoted(value: str) -> str:
    """A value in double quotes; the fields' allow-lists hold no quote."""
    if '"' in value:
        raise ValueError("a quote cannot be quoted")
    return f'"{value}"'


def bare_or_quoted(value: str) -> str:
    """As it is when only plain characters occur, else quoted."""
    return value if _PLAIN.fullmatch(value) else quoted(value)


def object_id(value: str) -> str:
    """An id that Manager told; BadReply when it holds what no id should."""
    if isinstance(value, Later):
        return value
    if not _ID.fullmatch(value) or _has_live(value):
        raise BadReply(
            "Manager", "manager", f"cannot use the object id {shown(value)}: it holds unsafe characters"
        )
    return bare_or_quoted(value)


def address(value: str, field: str = "servers") -> str:
    """An IP address or host name."""
    if not _ADDRESS.fullmatch(value):
        raise _refused(
            field, value, "is no address or host name", "use letters, digits, dots, dashes and colons"
        )
    return value


def name(value: str, field: str = "pool.name") -> str:
    """A name of an object that we make, quoted."""
    if not _NAME.fullmatch(value) or _has_live(value):
        raise _refused(
            field, value, "cannot be typed safely into the Manager CLI", "use letters, digits, - and _ (R095)"
        )
    return quoted(value)


def free_text(value: str, field: str = "pool.description") -> str:
    """A description, up to 4,000 characters, quoted."""
    if not _TEXT.fullmatch(value) or _has_live(value):
        raise _refused(
            field, value, "cannot be typed safely into the Manager CLI",
            "use plain letters without ? ; quotes, backslashes and control characters",
        )  # fmt: skip
    return quoted(value)


def word(value: str) -> str:
    """One of our own enumerated words; a ValueError is a bug of ours."""
    if not _WORD.fullmatch(value):
        raise ValueError(f"{value!r} is no word of the Manager CLI")
    return value


def initiator(value: str) -> str:
    """Name of an iSCSI initiator that a server or Manager told."""
    if not _INITIATOR.fullmatch(value):
        raise BadReply("Manager", "manager", f"cannot use the initiator name {shown(value)}")
    return quoted(value)


def login(value: str, field: str) -> str:
    """A login name (agent user on 3.2, CHAP user), quoted."""
    return name(value, field)


SAFE_CHARACTERS = (
    "change it to one of printable ASCII characters without ? ; quotes, backquotes and backslashes"
)


def secret_problem(value: str) -> str | None:
    """Why a password cannot be sent in a line, without the password; None when it can."""
    if not value:
        return "it is empty"
    if len(value) > 512:
        return "it is too long"
    return "it holds characters that the Manager CLI acts upon" if live_characters(value) else None


def secret(value: str, label: str) -> str:
    """A password, quoted; SecretError names the label and why, never the value."""
    why = secret_problem(value)
    if why is not None:
        raise SecretError(f"cannot send the {label} through the Manager CLI: {why}", fix=SAFE_CHARACTERS)
    return quoted(value)


def shown(value: str) -> str:
    """A refused value as an error may show it: short and inert."""
    return ascii(value if len(value) <= 60 else value[:57] + "...")


def _has_live(value: str) -> bool:
    return any(char in _LIVE for char in value)


def _refused(field: str, value: str, why: str, fix: str) -> SpecError:
    return SpecError([SpecProblem(field, f"{shown(value)} {why}", fix=fix)])
