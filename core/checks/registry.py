"""The registry of checks: one decorator, one list, no I/O.

A check is a small pure function: facts in, Finding out. It never decides its verdict word; the runner does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.models.results import Finding, FixCommand, Scope, Severity


@dataclass(frozen=True, slots=True)
class Check:
    """One check as registered. `function` takes (ctx) or, when per_server, (server_facts, ctx)."""

    id: str  # scope.topic.rule, never changes
    rules: tuple[str, ...]
    scope: Scope
    severity: Severity
    title: str
    why: str  # what happens to the operator when it is broken
    fix: str  # the remedy in general words; a Finding may carry the exact one
    source: str  # document and section
    planes: tuple[str, ...]  # input, agent, ssh, manager, network
    needs: tuple[str, ...]  # check ids that must not have failed before this one makes sense
    per_server: bool
    spec_only: bool  # answers from the spec alone: a hit is bad input (exit 2)
    acceptable: bool  # False: neither waiver nor accept may pass it (it could destroy data)
    touches: tuple[str, ...]  # spec fields whose change makes the result stale
    function: Callable[..., Finding]
    leans_on: tuple[
        str, ...
    ] = ()  # checks whose hit is why this one may not be able to answer; it is asked anyway
    must_accept: bool = False  # even a warning stops a plan until somebody accepts it by id (R028)
    unknown_severity: Severity | None = (
        None  # of an unknown; None: the check's own. Only where no look is possible
    )

    def matches(self, id_or_rule: str) -> bool:
        """Whether an operator who writes this id or rule means this check."""
        return id_or_rule == self.id or id_or_rule in self.rules

    def touched_by(self, field_path: str) -> bool:
        """Whether a change of this spec field, of a part or of the whole around it, concerns this check."""
        return any(_is_within(field_path, own) or _is_within(own, field_path) for own in self.touches)


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule of a platform's rule book, for `explain`. `advice` says why no check can judge it, where none does."""

    id: str
    topic: str
    asks: str
    remedy: str = ""
    applies: str = ""  # when it applies; empty: always
    severity: str = ""
    advice: str = ""


# Fix commands of a hit, from the servers concerned and the context; FactMissing where a word is not known.
Remedy = Callable[[Sequence[Any], Any], Iterable[FixCommand]]


@dataclass(slots=True)
class Registry:
    """All checks of one platform, the shared ones included, in a fixed order."""

    checks: dict[str, Check] = field(default_factory=dict)
    gates: dict[str, tuple[str, ...]] = field(default_factory=dict)  # plane -> checks that say it can be used
    remedies: dict[str, Remedy] = field(default_factory=dict)  # check -> its fix as commands
    rule_book: Callable[[], Mapping[str, RuleText]] = dict  # read only when somebody asks what a rule means
    consequences: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # check -> checks whose hit explains it

    def gate(self, plane: str, *ids: str) -> None:
        """Say which checks tell whether a plane can be used: what is not known through it follows from them."""
        self.gates[plane] = ids

    def explained_by(self, id: str, *causes: str) -> None:  # noqa: A002 - the word of the field
        """Say that a hit of this check is only a consequence where one of `causes` is hit for the same servers."""
        self.consequences[id] = (*self.consequences.get(id, ()), *causes)

    def check(
        self,
        id: str,  # noqa: A002 - the word of the field
        *,
        scope: Scope,
        severity: Severity,
        title: str,
        fix: str,
        source: str,
        why: str = "",
        rules: tuple[str, ...] = (),
        planes: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
        per_server: bool = False,
        spec_only: bool = False,
        acceptable: bool = True,
        touches: tuple[str, ...] = (),
        leans_on: tuple[str, ...] = (),
        must_accept: bool = False,
        unknown_severity: Severity | None = None,
    ) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
        """Register a check function under a stable id."""

        def register(function: Callable[..., Finding]) -> Callable[..., Finding]:
            if id in self.checks:
                raise ValueError(f"check id {id} is taken")
            self.checks[id] = Check(
                id, rules, scope, severity, title, why, fix, source, planes, needs, per_server, spec_only,
                acceptable, touches, function, leans_on, must_accept, unknown_severity,
            )  # fmt: skip
            return function

        return register

    def remedy(self, *ids: str) -> Callable[[Remedy], Remedy]:
        """Register what mends a hit of these checks, as commands for this very server (core.checks.fixes)."""

        def register(function: Remedy) -> Remedy:
            for id_ in ids:
                if id_ in self.remedies:
                    raise ValueError(f"check {id_} has a remedy")
                self.remedies[id_] = function
            return function

        return register

    def include(self, other: Registry) -> None:
        """Take over another registry's checks (the shared ones)."""
        for check in other.checks.values():
            if check.id in self.checks:
                raise ValueError(f"check id {check.id} is taken")
            self.checks[check.id] = check
        self.gates |= other.gates
        self.remedies |= other.remedies
        for id_, causes in other.consequences.items():
            self.explained_by(id_, *causes)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks.values())

    def __len__(self) -> int:
        return len(self.checks)

    def find(self, id_or_rule: str) -> tuple[Check, ...]:
        """Checks with this id, or that carry this rule id."""
        return tuple(check for check in self if check.matches(id_or_rule))


def _is_within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


shared = Registry()  # checks for any platform; importing core.checks.<scope>.<topic> fills it


def spec_value(spec: Any, path: str) -> Any:
    """Value of a dotted spec field, None where a part is absent."""
    value = spec
    for part in path.split("."):
        value = getattr(value, part, None)
        if value is None:
            return None
    return value
