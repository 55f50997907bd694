"""Folds results to their root causes: one line for what is wrong, with all that follows from it behind. Pure.

A result follows from another when it is blocked by it, when it lacks a fact because the way to that fact is shut,
or when the registry says that a hit of the other explains it (`Registry.explained_by`). Unknowns without such a
cause share one where their gaps have one (`Gap.cause`): never because two sentences read alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.checks.registry import Registry
from core.models.results import Cause, CheckResult, Dependant, FixCommand, Severity, Verdict

_HIT = frozenset({Verdict.FAIL, Verdict.WARN})
_OPEN = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.BLOCKED})
_VERDICTS = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.BLOCKED, Verdict.WARN)
_SEVERITIES = tuple(Severity)

Key = tuple[str, str]


def fold(registry: Registry, results: Sequence[CheckResult]) -> tuple[Cause, ...]:
    """Root causes of everything that is not good or not known, worst first; each result stands in exactly one."""
    graph = _Graph(registry, results)
    groups: dict[tuple[str, ...], _Group] = {}
    for result in graph.open:
        root = graph.root_of(result)
        group = groups.setdefault(_same(root), _Group())
        (group.roots if root.key == result.key else group.dependants).append(result)
    merged: dict[tuple[Any, ...], _Group] = {}
    for group in groups.values():
        merged.setdefault(_alike(group.head), _Group()).take(group)
    return tuple(sorted((group.cause() for group in merged.values()), key=_rank))


@dataclass(slots=True)
class _Group:
    roots: list[CheckResult] = field(default_factory=list)
    dependants: list[CheckResult] = field(default_factory=list)

    def take(self, other: _Group) -> None:
        """Take another group's results over."""
        self.roots += other.roots
        self.dependants += other.dependants

    @property
    def head(self) -> CheckResult:
        """The gravest of equal roots."""
        return min(
            self.roots, key=lambda one: (_VERDICTS.index(one.verdict), _SEVERITIES.index(one.severity))
        )

    def cause(self) -> Cause:
        """The head speaks; the roots of another id stand behind it."""
        head = self.head
        stated = [one for one in self.roots if one.id == head.id]
        behind = [one for one in self.roots if one.id != head.id] + self.dependants
        servers = [name for one in stated for name in one.servers]
        commands: dict[FixCommand, None] = dict.fromkeys(c for one in stated for c in one.commands)
        return Cause(
            id=head.id,
            rules=head.rules,
            scope=head.scope,
            verdict=head.verdict,
            severity=head.severity,
            title=head.title,
            detail="; ".join(dict.fromkeys(one.detail for one in stated)),
            fixes=tuple(dict.fromkeys(one.fix for one in stated if one.fix)),
            commands=tuple(commands),
            targets=tuple(dict.fromkeys(one.target for one in stated)),
            servers=tuple(dict.fromkeys(servers)),
            dependants=tuple(Dependant(id=one.id, target=one.target, verdict=one.verdict) for one in behind),
        )


class _Graph:
    """Who explains whom among the results that are not good."""

    def __init__(self, registry: Registry, results: Sequence[CheckResult]) -> None:
        self.registry = registry
        self.open = [result for result in results if result.verdict in _OPEN]
        self._by_id: dict[str, list[CheckResult]] = {}
        for result in self.open:
            self._by_id.setdefault(result.id, []).append(result)
        self._roots: dict[Key, CheckResult] = {}

    def root_of(self, result: CheckResult) -> CheckResult:
        """The result at the end of the chain; the result itself where nothing explains it."""
        path: list[CheckResult] = []
        here: CheckResult | None = result
        while here is not None and here.key not in self._roots:
            path.append(here)
            parent = self._parent(here)
            here = None if parent is None or any(parent.key == one.key for one in path) else parent
        root = self._roots[here.key] if here is not None else path[-1]
        for one in path:
            self._roots[one.key] = root
        return root

    def _parent(self, result: CheckResult) -> CheckResult | None:
        if result.verdict is Verdict.BLOCKED:
            return self._on_all(result, result.blocked_by) or self._any(result.blocked_by)
        if result.verdict is Verdict.UNKNOWN:
            return self._shut_way(result)
        return self._on_all(result, self.registry.consequences.get(result.id, ()), hits_only=True)

    def _shut_way(self, result: CheckResult) -> CheckResult | None:
        """The closed way in that every concerned server has, among the planes the check looks through."""
        check = self.registry.checks.get(result.id)
        if check is None:
            return None
        gates = [gate for plane in check.planes for gate in self.registry.gates.get(plane, ())]
        found = self._on_all(result, gates, hits_only=True)
        if found is None and result.servers:  # it is about servers, through whatever way they were looked at
            ways = [gate for ids in self.registry.gates.values() for gate in ids]
            own = [gate for gate in ways if self.registry.checks[gate].per_server]
            found = self._on_all(result, own, hits_only=True) if not set(gates) & set(own) else None
        return found

    def _on_all(
        self, result: CheckResult, ids: Iterable[str], *, hits_only: bool = False
    ) -> CheckResult | None:
        """A result among `ids` about every server of this one, None when one of its servers has none."""
        candidates = [
            one
            for id_ in ids
            for one in self._by_id.get(id_, ())
            if one.key != result.key and (not hits_only or one.verdict in _HIT | {Verdict.BLOCKED})
        ]
        concerned = result.servers or (result.target,)
        first: CheckResult | None = None
        for name in concerned:
            found = next((one for one in candidates if _is_about(one, name)), None)
            if found is None:
                return None
            first = first or found
        return first

    def _any(self, ids: Iterable[str]) -> CheckResult | None:
        return next((one for id_ in ids for one in self._by_id.get(id_, ())), None)


def _is_about(result: CheckResult, name: str) -> bool:
    """Whether a result speaks of this server; one that names nobody speaks of all."""
    return name in (result.target, *result.servers) or not result.servers


def _same(root: CheckResult) -> tuple[Any, ...]:
    """Roots with an equal one have one cause: whatever lacks the same gaps on the same servers."""
    if root.verdict is Verdict.UNKNOWN and root.gaps:
        return ("unknown", frozenset((*gap.cause, gap.concerns) for gap in root.gaps))
    return _alike(root)


def _alike(head: CheckResult) -> tuple[Any, ...]:
    """Causes with an equal one are one thing on several servers, told as one: a check's hits with equal data."""
    gaps = frozenset(gap.cause for gap in head.gaps)
    return (head.id, head.verdict, head.blocked_by, gaps, json.dumps(head.data, sort_keys=True, default=str))


def _rank(cause: Cause) -> tuple[int, int, str]:
    return (_SEVERITIES.index(cause.severity), _VERDICTS.index(cause.verdict), cause.id)
