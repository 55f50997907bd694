"""What a check or a rule means, from the registry alone: works without any server. Pure."""

from __future__ import annotations

import difflib
import inspect

from core.checks.registry import Check, Registry, RuleText
from core.errors import SpecProblem, UsageError
from core.models.base import Frozen

_PLANES = {
    "input": "from the spec alone",
    "agent": "through the server's agent",
    "ssh": "on the server's own system, over SSH",
    "manager": "through Manager's command line",
    "network": "from this machine, over the network",
}


class Explanation(Frozen):
    """A check or a rule in words. `reason` says why no check judges a rule, where none does."""

    id: str
    kind: str  # "check" or "rule"
    title: str
    what: str
    why: str = ""
    observed: str = ""
    fix: str = ""
    source: str = ""
    releases: str = ""
    severity: str = ""
    rules: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()


def explain(registry: Registry, word: str) -> tuple[Explanation, ...]:
    """The check of this id, or the rule and every check that stands for it; UsageError for neither."""
    check = registry.checks.get(word)
    if check is not None:
        return (_of_check(registry, check),)
    rule_id = word.upper()
    rule = registry.rule_book().get(rule_id)
    checks = registry.find(rule_id)
    if rule is None and not checks:
        raise UsageError([SpecProblem("ID", f"no check or rule is called {word!r}", _near(registry, word))])
    told = [_of_rule(rule, checks)] if rule is not None else []
    return (*told, *(_of_check(registry, each) for each in checks))


def advice(registry: Registry) -> tuple[Explanation, ...]:
    """Rules that no check judges, each with the reason."""
    book = registry.rule_book()
    judged = {rule for check in registry for rule in check.rules}
    return tuple(_of_rule(rule, ()) for id_, rule in sorted(book.items()) if id_ not in judged)


def _of_check(registry: Registry, check: Check) -> Explanation:
    book = registry.rule_book()
    applies = dict.fromkeys(book[rule].applies for rule in check.rules if rule in book and book[rule].applies)
    notes: list[str] = []
    if not check.acceptable:
        notes.append("it is neither waived nor accepted: going on could destroy data")
    if check.must_accept:
        notes.append("even a warning must be accepted by id before a pool is made")
    if check.needs:
        notes.append(f"it is judged after {', '.join(check.needs)}")
    return Explanation(
        id=check.id,
        kind="check",
        title=check.title,
        what=inspect.getdoc(check.function) or check.title,
        why=check.why,
        observed=", or ".join(_PLANES.get(plane, plane) for plane in check.planes)
        or _PLANES["input" if check.spec_only else "network"],
        fix=check.fix,
        source=check.source,
        releases="; ".join(applies) or "all",
        severity=check.severity.value,
        rules=check.rules,
        notes=tuple(notes),
    )


def _of_rule(rule: RuleText, checks: tuple[Check, ...]) -> Explanation:
    return Explanation(
        id=rule.id,
        kind="rule",
        title=rule.topic.replace("-", " "),
        what=rule.asks,
        fix=rule.remedy,
        source=f"server-pools {rule.id}",
        releases=rule.applies or "all",
        severity=rule.severity,
        checks=tuple(check.id for check in checks),
        reason="" if checks else rule.advice or "no check judges it",
    )


def _near(registry: Registry, word: str) -> str:
    near = difflib.get_close_matches(word, [*registry.checks, *registry.rule_book()], n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else "`poolwright checks` lists them"
