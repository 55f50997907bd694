"""`poolwright decode`: any agent reply or CLI transcript -> one JSON shape, whatever comes."""

from __future__ import annotations

from typing import Any

SCHEMA = "poolwright.decode/1"


def decode(method: str, text: str | bytes) -> dict[str, Any]:
    """Decode a reply of `method` (an agent method, or `manager` for a CLI transcript); never raises.

    {"schema", "method", "kind": document|value|fault|nil, "facts": {}, "raw": {}}; secrets masked.
    """
    raise NotImplementedError
