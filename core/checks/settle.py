"""What would settle an unknown: words for the operator, from its gaps and the planes a check looks through."""

from __future__ import annotations

from collections.abc import Sequence

from core.checks.registry import Check
from core.models.gaps import SHUT, Gap, GapKind, kinds
from core.models.spec import BaseSpec

_NO_ANSWER = SHUT | {GapKind.NOT_ASKED}
_WAYS = {
    "agent": "make the server's agent answer",
    "ssh": "make the SSH login to the server work",
    "manager": "make Manager's command line answer",
}


def settle(check: Check, spec: BaseSpec, gaps: Sequence[Gap]) -> str:
    """The next action that would turn this unknown into an answer."""
    found = kinds(gaps)
    if GapKind.NEEDS_WRITE in found:
        return f"see to it beforehand: {check.fix}"
    if "ssh" in check.planes and (spec.ssh is None or GapKind.NO_CONNECTION in found):
        return "add `ssh:` (a login to the servers) to the spec to settle it"
    ways = [_WAYS[plane] for plane in check.planes if plane in _WAYS]
    if ways and found & _NO_ANSWER:
        return f"{' or '.join(ways)}, then check again"
    return "mend what is named here, then check again"
