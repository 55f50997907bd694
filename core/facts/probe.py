"""The contract of a probe: one source, the facts it fills, and one pure function that reads the raw answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from core.models.facts import Fact
from core.models.gaps import Gap, GapKind
from core.text import inert, is_inert

R = TypeVar("R")
_MAX_TEXT = 4000  # characters of one text in a fact; model names, options and rules are far shorter
Observed = dict[str, Fact[Any]]  # field of the facts -> what was seen


@dataclass(frozen=True, slots=True)
class Probe(Generic[R]):
    """One question to one server.

    `read` turns the raw answer into values by field; None there means 'asked, and there is none'. A field it leaves
    out was not told. It raises ValueError, with the reason in words, when the answer cannot be read.
    """

    source: str  # reads like 'agent discover_server' or 'ssh hostname'
    fields: tuple[str, ...]
    read: Callable[[R], Mapping[str, Any]]

    connection: str = ""  # through which it is asked: agent, ssh, manager

    def observe(self, raw: R, at: datetime) -> Observed:
        """Every field of this probe as a Fact; never raises, whatever the server sent."""
        try:
            values = self.read(raw)
        except ValueError as error:
            kind = error.kind if isinstance(error, NoAnswer) else GapKind.UNREADABLE
            return self.miss(self._gap(kind, f"{self.source}: {inert(str(error), 200)}"), at)
        except (TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
            reason = f"{self.source}: the answer has another shape ({type(error).__name__})"
            return self.miss(self._gap(GapKind.UNREADABLE, reason), at)
        return {
            name: Fact[Any].seen(clean(values[name]), self.source, at)
            if name in values
            else self._absent(name, self._gap(GapKind.NOT_TOLD, f"{self.source} does not tell it"), at)
            for name in self.fields
        }

    def miss(self, gap: Gap, at: datetime | None = None) -> Observed:
        """Every field of this probe as not seen, with the gap."""
        return {name: self._absent(name, gap, at) for name in self.fields}

    def _gap(self, kind: GapKind, text: str) -> Gap:
        return Gap(kind=kind, connection=self.connection, source=self.source, text=text)

    def _absent(self, field: str, gap: Gap, at: datetime | None) -> Fact[Any]:
        return absent(field, gap, source=self.source, at=at)


class NoAnswer(ValueError):
    """A reader's word for: the command failed or did not end; there is nothing to read."""

    def __init__(self, text: str, kind: GapKind) -> None:
        super().__init__(text)
        self.kind = kind


def absent(field: str, gap: Gap, *, source: str = "", at: datetime | None = None) -> Fact[Any]:
    """A field of the facts that was not seen; the gap learns which one."""
    own = gap.model_copy(update={"fact": field})
    return Fact[Any].absent(own, source=source, observed_at=at)


def clean(value: Any) -> Any:
    """A value with every text in it inert and of bounded length; models, tuples, sets and dicts are walked."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT and is_inert(value) else inert(value, _MAX_TEXT)
    if isinstance(value, tuple | frozenset | list):
        return type(value)(clean(item) for item in value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, BaseModel):
        update = {name: clean(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update=update)
    return value


def there(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None: for fields that every server has, so that None means 'not told'."""
    return {name: value for name, value in values.items() if value is not None}
