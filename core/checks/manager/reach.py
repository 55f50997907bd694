"""R115 and old cryptography of the controller: the pool is made through it."""

from __future__ import annotations

from core.checks.reading import Ctx
from core.checks.registry import shared
from core.checks.server.reach import judge_plane
from core.models.facts import FactMissing, PlaneState
from core.models.results import Finding, Scope, Severity, bad, ok


@shared.check(
    "manager.cli.reachable",
    rules=("R115",),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="Manager's command line can be used",
    why="the pool is made through it",
    fix="start the service, open its port, correct the login",
    source="server-pools R115 (Security Guide 3.3)",
    planes=("manager",),
    touches=("manager", "jump"),
)
def cli_reachable(ctx: Ctx) -> Finding:
    """Hit when the controller cannot be reached, is not trusted or refuses the login."""
    return judge_plane(ctx.fleet.controller, "manager", "Manager's command line")


@shared.check(
    "manager.crypto.old",
    scope=Scope.MANAGER,
    severity=Severity.WARNING,
    title="No obsolete cryptography towards Manager",
    why="what such a connection carries, passwords included, can be read or changed by somebody in between",
    fix="update Manager, then take `manager` out of `allow_old_crypto`",
    source="style 5",
    planes=("manager",),
    touches=("allow_old_crypto",),
)
def crypto_old(ctx: Ctx) -> Finding:
    """Hit when the session with the controller uses obsolete algorithms; names them."""
    plane = ctx.fleet.controller
    if plane.warnings:
        fix = "update Manager, then take `manager` out of `allow_old_crypto`"
        return bad(f"Manager: {'; '.join(plane.warnings)}", fix=fix)
    if plane.state is not PlaneState.OK:
        gap = plane.gap("manager", plane.reason or "Manager was not reached")
        raise FactMissing("cryptography in use", gap.text, (gap,))
    return ok("modern algorithms")
