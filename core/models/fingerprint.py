"""How the world was before a run, item by item, so that a rollback can be compared with it. Pure data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import AwareDatetime

from core.models.base import Frozen
from core.models.events import Residue


class FingerprintItem(Frozen):
    """One thing a rollback must bring back. `value` is text for people; `unknown` says why nobody could read it."""

    key: str  # stable: server:<name>:owner
    title: str  # owner of ovs01
    where: str  # a server, a share, Manager
    value: str = ""
    source: str = ""
    unknown: str = ""
    restored_by_undo: bool = True
    restore: tuple[str, ...] = ()  # commands by which a person brings this very value back


class Fingerprint(Frozen):
    """All items, and in words what is left out because it changes by itself or cannot come back."""

    items: tuple[FingerprintItem, ...] = ()
    left_out: tuple[str, ...] = ()
    taken_at: AwareDatetime | None = None

    def by_key(self) -> Mapping[str, FingerprintItem]:
        """Items by their key."""
        return {item.key: item for item in self.items}

    def basis(self) -> dict[str, str]:
        """Known values by key: what a plan is bound to."""
        return {item.key: item.value for item in self.items if not item.unknown}


class Difference(NamedTuple):
    """One item that is not as it was; `after` with `unknown` set could not be read any more."""

    before: FingerprintItem
    after: FingerprintItem


def compare(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """What differs. What was not readable before is not named by the fingerprint; what is not readable now differs."""
    now = after.by_key()
    old = before.by_key()
    found = []
    for item in before.items:
        if item.unknown:
            continue
        gone = item.model_copy(update={"value": "", "unknown": "nobody looked at it again"})
        then = now.get(item.key, gone)
        if then.unknown or then.value != item.value:
            found.append(Difference(item, then))
    new = [item for item in after.items if item.key not in old and not item.unknown]
    found += [Difference(item.model_copy(update={"value": "", "restore": ()}), item) for item in new]
    return tuple(found)


def residue_of(difference: Difference) -> Residue:
    """A difference as something left behind: what was found before, what is there now, how to end it."""
    before, after = difference
    if after.unknown:
        what, why = f"nobody can tell whether {before.title} is as it was", after.unknown
    else:
        what = f"{before.title} has changed"
        why = f"was {before.value or 'not there'}, is {after.value or 'not there'}"
        if not before.restored_by_undo:
            why += "; an undo does not bring it back"
    kind = "unknown" if after.unknown else "changed"
    return Residue(id=f"{kind}:{before.key}", what=what, where=before.where, why=why, commands=before.restore)


def digest(values: Mapping[str, str] | Iterable[str]) -> str:
    """SHA-256 of a basis, independent of its order."""
    plain = sorted(values.items()) if isinstance(values, Mapping) else sorted(values)
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()
