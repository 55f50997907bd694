"""What would settle an unknown: words for the operator, from the planes a check looks through."""

from __future__ import annotations

from core.checks.registry import Check
from core.models.spec import BaseSpec

NO_SSH = "no SSH login to the servers was given"  # the collector's reason where the spec has no `ssh:`
ONLY_A_WRITE = "only a write would tell, and none is made"
_NO_WAY_IN = (
    "cannot be reached",
    "refuses the login",
    "is not trusted",
    "was not asked",
    "old cryptography",
    "not asked",
)
_WAYS = {
    "agent": "make the server's agent answer",
    "ssh": "make the SSH login to the server work",
    "manager": "make Manager's command line answer",
}


def settle(check: Check, spec: BaseSpec, reason: str) -> str:
    """The next action that would turn this unknown into an answer."""
    if ONLY_A_WRITE in reason:
        return f"see to it beforehand: {check.fix}"
    if "ssh" in check.planes and (spec.ssh is None or NO_SSH in reason):
        return "add `ssh:` (a login to the servers) to the spec to settle it"
    ways = [_WAYS[plane] for plane in check.planes if plane in _WAYS]
    if ways and any(words in reason for words in _NO_WAY_IN):
        return f"{' or '.join(ways)}, then check again"
    return "mend what is named here, then check again"
