"""Waivers: who answers for which finding, and until when. What could destroy data is never waived. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from core.checks.registry import Check, Registry
from core.models.coverage import WaiverState
from core.models.results import CheckResult, Severity, Verdict
from core.models.spec import BaseSpec, Waiver

WAIVABLE = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.INFO})
PLACES = ("*", "pool", "manager")  # targets beside the servers


def waive(check: Check, result: CheckResult, waivers: Sequence[Waiver], today: date) -> CheckResult:
    """The result as waived when somebody answers for it today; a check that is not acceptable never is."""
    if result.verdict not in WAIVABLE or not check.acceptable:
        return result
    for waiver in waivers:
        if not _covers(waiver, check, result):
            continue
        if is_expired(waiver, today):
            note = f"{result.detail} (the waiver of {waiver.who} ended on {waiver.until})"
            result = result.model_copy(update={"detail": note})
            continue
        words = f"{waiver.who} until {waiver.until}: {waiver.reason}"
        return result.model_copy(update={"verdict": Verdict.WAIVED, "waived_by": words})
    return result


def is_expired(waiver: Waiver, today: date) -> bool:
    """Whether its last day is over."""
    return today > waiver.until


def _covers(waiver: Waiver, check: Check, result: CheckResult) -> bool:
    if not check.matches(waiver.check) or waiver.target not in ("*", result.target, *result.servers):
        return False
    others = set(result.servers) - {waiver.target}
    return (
        waiver.target == "*" or check.per_server or not others
    )  # a pool-wide one may concern other servers too


def states(
    registry: Registry, waivers: Iterable[Waiver], results: Sequence[CheckResult], today: date
) -> tuple[WaiverState, ...]:
    """Every waiver as it stands: what it covers now, or would cover had it not ended."""
    found: list[WaiverState] = []
    for waiver in waivers:
        gone = is_expired(waiver, today)
        covered = [
            result.key
            for result in results
            if (check := registry.checks.get(result.id)) is not None
            and _covers(waiver, check, result)
            and (result.verdict in WAIVABLE if gone else result.verdict is Verdict.WAIVED)
        ]
        found.append(
            WaiverState(
                check=waiver.check,
                target=waiver.target,
                reason=waiver.reason,
                who=waiver.who,
                until=waiver.until.isoformat(),
                is_expired=gone,
                covers=tuple(covered),
            )
        )
    return tuple(found)


def problems(
    registry: Registry, spec: BaseSpec, *, listed: Collection[str] = ()
) -> list[tuple[str, str, str]]:
    """What is wrong with the spec's waivers: (field, what, what to do). `listed` are rules that no check stands for."""
    found: list[tuple[str, str, str]] = []
    for index, waiver in enumerate(spec.waivers):
        field = f"waivers[{index}].check"
        checks = registry.find(waiver.check)
        fixed = [check.id for check in checks if not check.acceptable]
        is_of_spec = all(check.spec_only and check.severity is Severity.BLOCKER for check in checks)
        if not checks:
            what = f"no check or rule is called {waiver.check!r}"
            if waiver.check in listed:
                what = f"{waiver.check} is advice: no check judges it, so there is nothing to waive"
            found.append((field, what, _near(waiver.check, registry)))
        elif fixed:
            what = f"{', '.join(fixed)} is never waived: going on could destroy data"
            found.append((field, what, "mend what it says, and take the waiver out"))
        elif is_of_spec:
            what = f"{', '.join(check.id for check in checks)} is never waived: the pool description alone tells it"
            found.append((field, what, "mend it there, and take the waiver out"))
        if waiver.target not in (*PLACES, *spec.server_names):
            fix = f"write one of the servers as the spec names it, or {', '.join(PLACES)}"
            found.append((f"waivers[{index}].target", f"no server is called {waiver.target!r} here", fix))
    return found


def _near(word: str, registry: Registry) -> str:
    known = [*registry.checks, *(rule for check in registry for rule in check.rules)]
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else "`poolwright checks` lists them"
