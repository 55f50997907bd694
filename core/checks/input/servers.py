"""R025, the part that the spec alone tells: no server is named twice."""

from __future__ import annotations

from collections import Counter

from core.checks.reading import Ctx, joined
from core.checks.registry import shared
from core.models.results import Finding, Scope, Severity, bad, ok


@shared.check(
    "input.servers.unique",
    rules=("R025",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="No server is named twice",
    why="the second discovery finds the first server again",
    fix="remove the repeated line from `servers`",
    source="server-pools R025",
    planes=("input",),
    spec_only=True,
    touches=("servers",),
)
def servers_unique(ctx: Ctx) -> Finding:
    """Hit when two lines name the same address or host name, letter case apart."""
    counted = Counter(name.rstrip(".").lower() for name in ctx.spec.server_names)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        return bad(
            f"named more than once: {joined(twice)}",
            fix="remove the repeated line from `servers`",
            servers=twice,
        )
    return ok(f"{len(counted)} servers, each named once")
