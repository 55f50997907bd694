"""What would settle an unknown: words for the operator, from the kind of each gap and the connection it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.checks.context import Context
from core.checks.registry import Check
from core.models.gaps import Gap, GapKind

_AGAIN = ", then check again"
_ADD_SSH = "add `ssh:` (a login to the servers) to the spec to settle it"
_WHAT = {
    "agent": "the server's agent",
    "ssh": "the server's SSH service",
    "manager": "Manager's command line",
}
_LOGIN = {
    "agent": "check the user and password of the agent",
    "ssh": "check the user and the password or key of the SSH login",
    "manager": "check the user and password of Manager",
}
_ACTIONS = {  # what to do before the next look, by what was seen
    GapKind.NOT_ASKED: "see why {what} was not asked",
    GapKind.NOT_POSSIBLE: "settle what is named here",
    GapKind.NO_CONNECTION: "give a way to {what} in the spec",
    GapKind.UNREACHABLE: "make {what} answer",
    GapKind.UNTRUSTED: "compare the fingerprint of {what} with the real one, and confirm it",
    GapKind.OLD_CRYPTO: "update {what}, or name it in `allow_old_crypto`",
    GapKind.TIMED_OUT: "find out why {what} takes so long (load, a hanging mount)",
    GapKind.FAILED: "mend what {what} says went wrong",
}
_BY_HAND = {  # nothing that another look would change
    GapKind.UNREADABLE: "update {what} where it is out of date; else report its answer, which cannot be read",
    GapKind.NOT_TOLD: "see to it by hand: {what} answered without telling it",
    GapKind.CHECK_FAILED: "report this with the facts of the server",
}


def settle(check: Check, context: Context[Any, Any], gaps: Sequence[Gap]) -> str:
    """The next action that would turn this unknown into an answer.

    Two connections are two ways to one answer; several things to do about one connection are all to be done.
    """
    kinds = {gap.kind for gap in gaps}
    if GapKind.NEEDS_WRITE in kinds:
        return f"see to it beforehand: {check.fix}"
    has_no_ssh = any(gap.kind is GapKind.NO_CONNECTION and gap.connection in ("ssh", "") for gap in gaps)
    if has_no_ssh or ("ssh" in check.planes and context.spec.ssh is None):
        return _ADD_SSH
    if ways := _ways(gaps, context):
        return f"{' or '.join(ways)}{_AGAIN}"
    closed = {_closed(gap, context): None for gap in gaps if gap.kind is GapKind.REFUSED}
    if closed:
        return "; ".join(closed)
    told = {_BY_HAND[gap.kind].format(what=_what(gap)): None for gap in gaps if gap.kind in _BY_HAND}
    return "; ".join(told)


def _ways(gaps: Sequence[Gap], context: Context[Any, Any]) -> list[str]:
    """What is to be done about each connection, in words; a login that is closed by design needs nothing."""
    found: dict[str, dict[str, None]] = {}
    for gap in gaps:
        if gap.kind is GapKind.REFUSED and not _closed(gap, context):
            action = _LOGIN.get(gap.connection, "check user and password")
        elif gap.kind in _ACTIONS:
            action = _ACTIONS[gap.kind].format(what=_what(gap))
        else:
            continue
        found.setdefault(gap.connection, {})[action] = None
    return [" and ".join(actions) for actions in found.values()]


def _closed(gap: Gap, context: Context[Any, Any]) -> str:
    """Why nothing is to be done about a refused login, "" where something is."""
    servers = context.fleet.servers
    reasons = [
        servers[name].closed_by_design(gap.connection) if name in servers else "" for name in gap.servers
    ]
    return reasons[0] if reasons and all(reasons) else ""


def _what(gap: Gap) -> str:
    return _WHAT.get(gap.connection, "what is named here")
