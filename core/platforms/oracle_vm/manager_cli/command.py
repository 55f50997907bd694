"""One line for the `OVM>` prompt. Secrets are holes in it that are filled at the very moment of sending. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from typing_extensions import override

from core.errors import SecretError
from core.platforms.oracle_vm.manager_cli import allow_list
from core.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a secret goes: its name in Secrets and the word shown instead."""

    secret: str
    shown: str

    @override
    def __str__(self) -> str:
        return f"<{self.shown}>"


AGENT_PASSWORD = Hole("agent", "agent password")
CHAP_PASSWORD = Hole("chap", "CHAP password")


@dataclass(frozen=True, slots=True)
class Command:
    """A command as parts. `is_write` False: a read, may be sent again; `is_bare`: its reply has no block (2.6)."""

    parts: tuple[str | Hole, ...]
    is_write: bool = True
    is_bare: bool = False
    is_repeatable: bool = False  # a refresh: after a lost reply, and when no job runs, it may be sent again
    unconfirmed: bool = False  # the sheet assumes this form without a source (manager-cli 3.5, 3.4)

    @override
    def __str__(self) -> str:
        """As plans, journals and logs show it."""
        text = "".join(f'"{part}"' if isinstance(part, Hole) else part for part in self.parts)
        return text.replace("\u27e8", "<").replace("\u27e9", ">")

    def line(self, secrets: Secrets) -> str:
        """As it is sent; SecretError when a secret is missing or cannot be sent safely."""
        line = "".join(_fill(part, secrets) if isinstance(part, Hole) else part for part in self.parts)
        if not all(" " <= char <= "~" for char in line):
            raise ValueError(f"`{self}` cannot be sent: it holds an open id or a control character")
        return line


def _fill(hole: Hole, secrets: Secrets) -> str:
    value = secrets.get(hole.secret)
    if value is None:
        raise SecretError(f"cannot send the {hole.shown}: it was not given")
    return allow_list.secret(value, hole.shown)


def write(*words: str | Hole, unconfirmed: bool = False) -> Command:
    """A command that changes something; words are joined by blanks, a word before a hole ends in `=`."""
    return Command(_join(words), unconfirmed=unconfirmed)


def refresh(*words: str) -> Command:
    """A command that makes Manager look again; it configures nothing."""
    return Command(_join(words), is_repeatable=True)


def read(*words: str, is_bare: bool = False) -> Command:
    """A command that only reads."""
    return Command(_join(words), is_write=False, is_bare=is_bare)


def _join(words: Sequence[str | Hole]) -> tuple[str | Hole, ...]:
    parts: list[str | Hole] = []
    for word in words:
        if word == "":
            continue
        if parts and not (isinstance(word, Hole) and isinstance(parts[-1], str) and parts[-1].endswith("=")):
            parts.append(" ")
        parts.append(word)
    merged: list[str | Hole] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)
