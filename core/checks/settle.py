"""What would settle an unknown: words for the operator, from the planes a check looks through."""

from __future__ import annotations

from core.checks.registry import Check
from core.models.spec import BaseSpec

NO_SSH = "no SSH login to the servers was given"  # the collector's reason where the spec has no `ssh:`


def settle(check: Check, spec: BaseSpec, reason: str) -> str:
    """The next action that would turn this unknown into an answer."""
    if "ssh" in check.planes and (spec.ssh is None or NO_SSH in reason):
        return "add `ssh:` (a login to the servers) to the spec to settle it"
    ways = {
        "agent": "make the server's agent answer",
        "ssh": "make the SSH login to the server work",
        "manager": "make Manager's command line answer",
    }
    named = [ways[plane] for plane in check.planes if plane in ways]
    if not named:
        return "give the missing value and check again"
    return f"{' or '.join(named)}, then check again"
