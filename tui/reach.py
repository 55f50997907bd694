"""How far a check must look after an edit: only what the edit touches, as far as that is certain. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.models.base import Frozen
from core.models.spec import BaseSpec


@dataclass(frozen=True, slots=True)
class Reach:
    """What one check asks for; None means no limit. On top of the last whole look, except for EVERYTHING."""

    only: tuple[str, ...] | None = None  # servers to look at again
    checks: tuple[str, ...] | None = None  # check ids to ask again
    touched: tuple[str, ...] | None = None  # fields of the spec that were changed


EVERYTHING = Reach()
NOTHING_NEW = Reach(only=())  # judge again, look at no server


def reach_of(before: BaseSpec, after: BaseSpec, safe_paths: Sequence[str]) -> Reach:
    """What the edits between two specs touch; everything where they change which servers there are or how they are
    reached. `safe_paths` are fields whose edits do neither."""
    changed = list(differences(before, after))
    if all(path == "servers" for path in changed):
        kept = {each.address: each for each in before.servers}
        only_fewer = all(kept.get(each.address) == each for each in after.servers)
        return NOTHING_NEW if only_fewer else EVERYTHING
    inside = all(any(_meets(path, safe) for safe in safe_paths) for path in changed)
    return Reach(touched=tuple(changed)) if inside else EVERYTHING


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Dotted paths in which two specs differ, as checks name what touches them; waivers and acceptances left out."""
    if type(before) is not type(after) or not isinstance(before, Frozen):
        return [] if before == after else [path]
    found: list[str] = []
    for name in type(before).model_fields:
        if not path and name in ("waivers", "accept"):
            continue
        found += differences(getattr(before, name), getattr(after, name), f"{path}.{name}" if path else name)
    return found


def _meets(path: str, safe: str) -> bool:
    return path == safe or path.startswith(f"{safe}.") or safe.startswith(f"{path}.")
