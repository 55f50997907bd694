"""Named processor models of libvirt and QEMU, as sets of normalised flags."""

from __future__ import annotations

import re
from functools import cache

from core.cpu import flags


@cache
def _table() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, row in flags.load_table("models.toml")["models"].items():
        base = found[row["like"]] if "like" in row else frozenset()
        gained = flags.normalise(row.get("plus", "").split())
        found[name] = (base | gained) - flags.normalise(row.get("minus", "").split())
    return found


def features(name: str | None) -> frozenset[str] | None:
    """Flags of a named model, None for a model that is not in the table. -vN suffixes mean their base model."""
    if not name:
        return None
    table = _table()
    return table.get(name) or table.get(re.sub(r"-v\d+$", "", name))
