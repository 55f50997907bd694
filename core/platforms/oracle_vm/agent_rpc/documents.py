"""Documents of the agent's discover_* calls -> plain dicts with typed values (agent-rpc 5). Pure."""

from __future__ import annotations

from typing import Any


def parse_document(method: str, text: str | None) -> dict[str, Any]:
    """Facts of one discover_* document; {} for nil; BadReply when it is no such document."""
    raise NotImplementedError
