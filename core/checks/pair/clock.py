"""R030: the servers' clocks agree. Bounds are poolwright's own (server-pools 9 item 11)."""

from __future__ import annotations

from core.checks.reading import Ctx, gather_fact, joined
from core.checks.registry import shared
from core.facts.mesh import clock_between
from core.models.facts import FactMissing
from core.models.results import Finding, Scope, Severity, bad, ok

INFO_S, WARN_S, STRONG_S = 1.0, 5.0, 60.0


@shared.check(
    "pair.clock.skew",
    rules=("R030",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="The clocks agree",
    why="certificates are refused as not yet valid, events come in the wrong order, guests see time jump",
    fix="correct the time and set the same NTP servers everywhere",
    source="server-pools R030 (Concepts 3.3, NTP); bounds are poolwright's",
    planes=("agent", "ssh"),
    touches=("servers",),
)
def clock_skew(ctx: Ctx) -> Finding:
    """Hit when two clocks, or a clock and this machine's, differ by more than 1 s (info), 5 s or 60 s (warning).

    A difference within the error of the measurement is not held against anybody.
    """
    offsets = gather_fact(ctx, lambda facts: facts.clock_offset_s, "clock")
    values = offsets.values
    if not values:
        offsets.require_all()
    error = {name: ctx.fleet.servers[name].clock_error_s.value or 0.0 for name in values}
    clocks = {name: (values[name], error[name]) for name in values}
    by_offset = sorted(values, key=lambda name: values[name])
    halves = (by_offset[(len(values) - 1) // 2], by_offset[len(values) // 2])
    reference = min(halves, key=lambda name: (error[name], abs(values[name])))
    middle = values[reference]
    apart = {name: _surely(clocks[name], clocks[reference]) for name in values if name != reference}
    apart[reference] = -error[reference]
    worst = max(apart, key=lambda name: apart[name])
    far = [name for name in values if apart[name] > INFO_S]
    if far:
        shown = joined(f"{name} {values[name]:+.1f} s (± {error[name]:.1f})" for name in far)
        severity = Severity.INFO if apart[worst] <= WARN_S else Severity.WARNING
        strong = ": far enough that certificates may be refused" if apart[worst] > STRONG_S else ""
        return bad(
            f"{shown} against this machine, {reference} {middle:+.1f} s (± {error[reference]:.1f}){strong}",
            fix=f"correct the time on {joined(far)} and set the same NTP servers everywhere",
            servers=far,
            severity=severity,
        )
    offsets.require_all()
    unsure = [name for name in values if error[name] > WARN_S]
    if unsure:
        reason = f"{joined(unsure)} answered too slowly to tell within {WARN_S:g} s"
        raise FactMissing("clock", reason, servers=unsure)
    return ok(f"within {max(max(values.values()) - min(values.values()), 0.0):.1f} s of each other")


def _surely(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How far two clocks differ at least, in seconds, whatever the error of the measurement was."""
    offset, error = clock_between(one, other)
    return abs(offset) - error
