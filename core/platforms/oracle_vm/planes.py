"""How an error on the way to a server becomes the state of a plane. Pure."""

from __future__ import annotations

from core.errors import (
    BadReply,
    CommandTimeout,
    ConnectFailed,
    ConnectTrouble,
    LoginRefused,
    OldCryptoNeeded,
    PoolwrightError,
    SecretError,
    TrustError,
)
from core.models.facts import PlaneFact, PlaneState
from core.models.gaps import Gap, GapKind
from core.text import inert

_MAX_REASON = 400
_SHORT = {
    PlaneState.NOT_ASKED: "was not asked",
    PlaneState.UNREACHABLE: "cannot be reached",
    PlaneState.UNTRUSTED: "is not trusted",
    PlaneState.REFUSED: "refuses the login",
    PlaneState.OLD_CRYPTO: "offers only old cryptography",
    PlaneState.BROKEN: "cannot be read",
}


def short_reason(what: str, plane: PlaneFact) -> str:
    """Why nothing is known through a plane, in a few words; the plane itself carries the whole reason."""
    return f"{what} {_SHORT.get(plane.state, 'told nothing')}"


def gap_of(error: PoolwrightError, connection: str, limit: int = 300) -> Gap:
    """What is missing because a command or call ended in this error, in at most `limit` characters."""
    kind = (
        GapKind.TIMED_OUT
        if isinstance(error, CommandTimeout)
        else GapKind.UNREADABLE
        if isinstance(error, BadReply)
        else GapKind.FAILED
    )
    return Gap(kind=kind, connection=connection, text=inert(str(error), limit))


def plane_of(error: BaseException) -> PlaneFact:
    """State and reason of a plane that ended in this error."""
    if isinstance(error, TrustError):
        state = PlaneState.UNTRUSTED
    elif isinstance(error, OldCryptoNeeded):
        state = PlaneState.OLD_CRYPTO
    elif isinstance(error, LoginRefused):
        state = PlaneState.REFUSED
    elif isinstance(error, ConnectFailed):
        was_tried = error.trouble is not ConnectTrouble.OWN_LIMIT
        state = PlaneState.UNREACHABLE if was_tried else PlaneState.NOT_ASKED
    elif isinstance(error, SecretError):
        state = PlaneState.NOT_ASKED
    else:
        state = PlaneState.BROKEN
    reason = str(error) if isinstance(error, PoolwrightError) else f"{type(error).__name__}: {error}"
    version = error.tls_version if isinstance(error, OldCryptoNeeded) else ""
    trouble = error.trouble if isinstance(error, ConnectFailed) and state is PlaneState.UNREACHABLE else None
    return PlaneFact(
        state=state, reason=inert(reason, _MAX_REASON), tls_version=inert(version, 20), trouble=trouble
    )
