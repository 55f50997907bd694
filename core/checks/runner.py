"""Runs checks over one look at a fleet and makes verdicts of their findings. No I/O, no judgement of its own.

A check that lacks a fact is `unknown`, one that crashes too: never a pass, and never the end of the others.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core import own_limit
from core.checks.context import Context
from core.checks.registry import Check, Registry
from core.checks.settle import settle
from core.checks.waivers import WAIVABLE, waive
from core.facts.probe import clean
from core.models.facts import FactMissing
from core.models.gaps import Gap, GapKind
from core.models.results import CheckResult, CheckSummary, Finding, Scope, Severity, Verdict
from core.text import inert

OnResult = Callable[[CheckResult], Awaitable[None]]
POOL, MANAGER = "pool", "manager"  # targets of checks that are not about one server

_HIT: Mapping[Severity, Verdict] = {
    Severity.BLOCKER: Verdict.FAIL,
    Severity.WARNING: Verdict.WARN,
    Severity.INFO: Verdict.INFO,
}
_MAX_COMMANDS = 40  # of one result
_MAX_TEXT = 2000  # characters of a detail or fix
_STOPS = frozenset({Verdict.FAIL, Verdict.BLOCKED})
_SHUTS = _STOPS | {Verdict.WARN}  # a way in that does not work is a warning where another may do


async def run_checks(
    registry: Registry,
    context: Context[Any, Any],
    *,
    only: Collection[str] | None = None,
    servers: Collection[str] | None = None,
    touched: Collection[str] | None = None,
    base: Sequence[CheckResult] = (),
    on_result: OnResult | None = None,
) -> tuple[CheckResult, ...]:
    """All results in the registry's order, `base` included where nothing was run again.

    `only` limits the run to check or rule ids, `servers` to checks that look at these servers (pool-wide ones
    look at all), `touched` to checks that a change of these spec fields concerns.
    """
    merged = {result.key: result for result in base}
    async for result in stream_checks(
        registry, context, only=only, servers=servers, touched=touched, base=base
    ):
        merged[result.key] = result
        if on_result is not None:
            await on_result(result)
    return _in_order(registry, context, merged.values())


async def stream_checks(
    registry: Registry,
    context: Context[Any, Any],
    *,
    only: Collection[str] | None = None,
    servers: Collection[str] | None = None,
    touched: Collection[str] | None = None,
    base: Sequence[CheckResult] = (),
    alone: bool = False,
) -> AsyncIterator[CheckResult]:
    """Results as they are made, prerequisites first; arguments as in run_checks.

    `alone` leaves out every check that is not about one server: cheap enough to be asked for each as it arrives.
    """
    known: dict[str, dict[str, CheckResult]] = {}
    for result in base:
        known.setdefault(result.id, {})[result.target] = result
    wanted = {check.id for check in selected(registry, only=only, touched=touched)}
    judged = wanted if len(wanted) == len(registry) else with_prerequisites(registry, wanted)
    for check in ordered(registry):
        if check.id not in judged or (check.id not in wanted and check.id in known):
            continue
        if alone and not check.per_server:
            continue
        for target in targets(check, context):
            if check.per_server and servers is not None and target not in servers:
                continue
            blocked_by = _blockers(check, target, known)
            shut = _shut_gates(check, target, registry, known) or _leans(check, target, known)
            result = run_one(check, context, target, blocked_by=blocked_by, shut_by=shut)
            result = with_remedy(registry, context, result)
            known.setdefault(check.id, {})[target] = result
            if check.id in wanted:
                yield result


def selected(
    registry: Registry, *, only: Collection[str] | None = None, touched: Collection[str] | None = None
) -> tuple[Check, ...]:
    """The checks that these ids, rules or changed fields mean; all of them without either."""
    return tuple(
        check
        for check in registry
        if (only is None or any(check.matches(word) for word in only))
        and (touched is None or any(check.touched_by(field) for field in touched))
    )


def with_prerequisites(registry: Registry, ids: Collection[str]) -> set[str]:
    """These checks and all that must be judged before them."""
    found: set[str] = set()
    waiting = list(ids)
    while waiting:
        id_ = waiting.pop()
        if id_ not in found:
            found.add(id_)
            waiting += _before(registry.checks[id_], registry)
    return found


def targets(check: Check, context: Context[Any, Any]) -> tuple[str, ...]:
    """What one check looks at: every server that was looked at, or the pool or Manager as a whole."""
    if check.per_server:
        return tuple(facts.name for facts in context.servers)
    return (MANAGER,) if check.scope is Scope.MANAGER else (POOL,)


def ordered(registry: Registry) -> tuple[Check, ...]:
    """The checks in the registry's order, but each after those it needs. Raises ValueError for a circle."""
    done: dict[str, Check] = {}
    for check in registry:
        _place(check, registry, done, ())
    return tuple(done.values())


def run_one(
    check: Check,
    context: Context[Any, Any],
    target: str,
    *,
    blocked_by: Sequence[str] = (),
    shut_by: Sequence[str] = (),
) -> CheckResult:
    """One check on one target; never raises.

    `blocked_by` are failed prerequisites, `shut_by` failed ways in: with the latter alone, what lacks a fact is
    blocked and what is known through another way stands.
    """
    started = time.perf_counter()
    finding, verdict, gap = _ask(check, context, target)
    found = gap.gaps if gap is not None else finding.gaps
    gaps = tuple(_inert(one.on(target) if check.per_server else one) for one in found)
    if blocked_by and verdict is not Verdict.NOT_APPLICABLE:
        finding, verdict = (
            Finding(hit=None, detail=f"not judged: {', '.join(blocked_by)} failed"),
            Verdict.BLOCKED,
        )
    elif verdict is Verdict.UNKNOWN and gap is not None and shut_by:
        verdict, blocked_by = Verdict.BLOCKED, shut_by
    severity = finding.severity or check.severity
    if verdict in (Verdict.UNKNOWN, Verdict.BLOCKED) and check.unknown_severity is not None:
        severity = check.unknown_severity
    result = CheckResult(
        id=check.id,
        rules=check.rules,
        scope=check.scope,
        target=target,
        verdict=verdict,
        severity=severity,
        title=check.title,
        detail=inert(finding.detail, _MAX_TEXT),
        fix=inert(finding.fix or (check.fix if verdict in WAIVABLE else ""), _MAX_TEXT),
        source=check.source,
        servers=finding.servers or _concerned(check, context, target, gaps),
        blocked_by=tuple(blocked_by),
        reason=inert(gap.reason, _MAX_TEXT) if gap is not None else "",
        gaps=gaps,
        data=clean(finding.data),
        commands=finding.commands if verdict in WAIVABLE else (),
        duration_ms=round((time.perf_counter() - started) * 1000, 3),
        observed_at=_observed_at(check, context, target),
    )
    return waive(check, result, context.spec.waivers, context.now.date())


def with_remedy(registry: Registry, context: Context[Any, Any], result: CheckResult) -> CheckResult:
    """The result of a hit with its fix as commands, where the registry has a remedy and its words are known."""
    remedy = registry.remedies.get(result.id)
    if remedy is None or result.commands or result.verdict not in WAIVABLE:
        return result
    known = context.fleet.servers
    try:
        made = tuple(remedy([known[name] for name in result.servers if name in known], context))
    except Exception:  # noqa: BLE001 - without a command there is still the fix in words
        return result
    return result.model_copy(update={"commands": made[:_MAX_COMMANDS]})


def summary(results: Sequence[CheckResult]) -> CheckSummary:
    """Counts per verdict."""
    return CheckSummary.of(results)


def _ask(
    check: Check, context: Context[Any, Any], target: str
) -> tuple[Finding, Verdict, FactMissing | None]:
    """The finding, its verdict, and of an unknown what was missing."""
    try:
        if check.per_server:
            finding = check.function(context.fleet.servers[target], context)
        else:
            finding = check.function(context)
    except FactMissing as gap:
        detail = f"not known: {gap.what}: {gap.reason}"
        about = [one.on(target) if check.per_server else one for one in gap.gaps]
        return (
            Finding(hit=None, detail=detail, fix=settle(check, context, about)),
            Verdict.UNKNOWN,
            gap,
        )
    except Exception as error:  # noqa: BLE001 - one broken check must not end the others; it is shown as unknown
        if own_limit.has_run_out(error):
            return _not_judged(check)
        detail = inert(f"the check itself failed: {type(error).__name__}: {error}", 300)
        bug = Gap(kind=GapKind.CHECK_FAILED, fact=check.id, text=detail)
        return (
            Finding(hit=None, detail=detail, fix="report this with the facts of the server", gaps=(bug,)),
            Verdict.UNKNOWN,
            None,
        )
    if finding.hit is None:
        return finding, Verdict.NOT_APPLICABLE, None
    return finding, _HIT[finding.severity or check.severity] if finding.hit else Verdict.PASS, None


def _not_judged(check: Check) -> tuple[Finding, Verdict, FactMissing]:
    """This machine could not even read what the check needs of its own."""
    own_limit.note()
    gap = FactMissing(check.id, own_limit.reason(), kind=GapKind.NOT_ASKED)
    detail = f"not known: {gap.reason}"
    return Finding(hit=None, detail=detail, fix=own_limit.FIX), Verdict.UNKNOWN, gap


def _concerned(check: Check, context: Context[Any, Any], target: str, gaps: Sequence[Gap]) -> tuple[str, ...]:
    """The servers a result is about where the check did not say: its own, or those that lack a fact."""
    if check.per_server:
        return (target,)
    lacking = {name for gap in gaps for name in gap.servers}
    return tuple(name for name in dict.fromkeys(context.spec.server_names) if name in lacking)


def _inert(gap: Gap) -> Gap:
    return gap.model_copy(update={"text": inert(gap.text, _MAX_TEXT)})


def _observed_at(check: Check, context: Context[Any, Any], target: str) -> datetime:
    """When the facts were seen that a result rests on: the oldest of all servers for a pool-wide one."""
    if check.spec_only:
        return context.now
    if check.per_server:
        return context.fleet.servers[target].observed_at or context.now
    if check.scope is Scope.MANAGER:
        return context.fleet.observed_at or context.now
    seen = [facts.observed_at for facts in context.servers if facts.observed_at is not None]
    return min(seen, default=context.fleet.observed_at or context.now)


def _blockers(check: Check, target: str, known: Mapping[str, Mapping[str, CheckResult]]) -> tuple[str, ...]:
    """Ids of needed checks that failed: on the same target, or everywhere for a pool-wide check."""
    found: list[str] = []
    for needed in check.needs:
        by_target = known.get(needed, {})
        relevant = (
            [by_target[target]] if check.per_server and target in by_target else list(by_target.values())
        )
        if relevant and all(result.verdict in _STOPS for result in relevant):
            found.append(needed)
    return tuple(found)


def _shut_gates(
    check: Check, target: str, registry: Registry, known: Mapping[str, Mapping[str, CheckResult]]
) -> tuple[str, ...]:
    """Checks that say that no plane of this check can be used for the target; empty while one may be."""
    found: list[str] = []
    for plane in check.planes:
        hit = [
            gate
            for gate in registry.gates.get(plane, ())
            if gate != check.id and _is_hit(gate, target, known)
        ]
        if not hit:
            return ()
        found += hit
    return tuple(dict.fromkeys(found))


def _leans(check: Check, target: str, known: Mapping[str, Mapping[str, CheckResult]]) -> tuple[str, ...]:
    return tuple(id_ for id_ in check.leans_on if _is_hit(id_, target, known))


def _is_hit(gate: str, target: str, known: Mapping[str, Mapping[str, CheckResult]]) -> bool:
    by_target = known.get(gate, {})
    relevant = [by_target[target]] if target in by_target else list(by_target.values())
    return bool(relevant) and all(result.verdict in _SHUTS for result in relevant)


def _before(check: Check, registry: Registry) -> tuple[str, ...]:
    """What must be judged before a check: what it needs, and whether its planes can be used."""
    gates = {gate for ids in registry.gates.values() for gate in ids}
    if check.id in gates:
        return check.needs
    own = (gate for plane in check.planes for gate in registry.gates.get(plane, ()))
    return tuple(dict.fromkeys((*check.needs, *check.leans_on, *own)))


def _place(check: Check, registry: Registry, done: dict[str, Check], path: tuple[str, ...]) -> None:
    if check.id in done:
        return
    if check.id in path:
        raise ValueError(f"checks need each other in a circle: {' -> '.join((*path, check.id))}")
    for needed in _before(check, registry):
        if needed not in registry.checks:
            raise ValueError(f"{check.id} needs {needed}, which is not registered")
        _place(registry.checks[needed], registry, done, (*path, check.id))
    done[check.id] = check


def _in_order(
    registry: Registry, context: Context[Any, Any], results: Iterable[CheckResult]
) -> tuple[CheckResult, ...]:
    """By registry, then by the operator's order of servers; gone checks and servers are left out."""
    place = {id_: index for index, id_ in enumerate(registry.checks)}
    names = {name: index for index, name in enumerate(context.spec.server_names)}
    names |= {POOL: -1, MANAGER: -1}
    kept = [result for result in results if result.id in place and result.target in names]
    return tuple(sorted(kept, key=lambda result: (place[result.id], names[result.target])))
