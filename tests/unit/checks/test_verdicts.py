"""For every check each verdict that its code can give has a row that proves it.

What a check can give is read from its code: the functions it reaches within `core`, and the severities it hands on.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from core.checks.registry import Check
from core.models.results import Severity, Verdict
from tests.unit.checks.builders import REGISTRY
from tests.unit.checks.test_rows import FROM_THE_SPEC, ROWS

OF_SEVERITY = {
    Severity.BLOCKER: Verdict.FAIL,
    Severity.WARNING: Verdict.WARN,
    Severity.INFO: Verdict.INFO,
}
NEVER_HIT = {"server.inbound.lock"}  # Manager's command line never shows that lock
PROVEN: dict[str, set[Verdict]] = {}
for check_id, _ctx, verdict, _word in ROWS:
    PROVEN.setdefault(check_id, set()).add(verdict)


def reached(function: Any, seen: set[Any]) -> Iterator[tuple[Any, ast.AST]]:
    """A function and those of core it names, with their code."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    if not inspect.isfunction(function) or not function.__module__.startswith("core.") or function in seen:
        return
    seen.add(function)
    code = ast.parse(textwrap.dedent(inspect.getsource(function)))
    yield function, code
    for node in ast.walk(code):
        if isinstance(node, ast.Name) and node.id in function.__globals__:
            yield from reached(function.__globals__[node.id], seen)


def can_give(check: Check) -> set[Verdict]:
    found: set[Verdict] = set() if check.spec_only or check.id in FROM_THE_SPEC else {Verdict.UNKNOWN}
    for function, code in reached(check.function, set()):
        if function.__module__ == "core.models.results":
            found |= {"ok": {Verdict.PASS}, "not_applicable": {Verdict.NOT_APPLICABLE}}.get(
                function.__name__, set()
            )
            found |= {OF_SEVERITY[check.severity]} if function.__name__ == "bad" else set()
            continue
        for node in ast.walk(code):
            if isinstance(node, ast.keyword) and node.arg == "severity":
                found |= {OF_SEVERITY[one] for one in _severities(node.value)}
    return found - ({OF_SEVERITY[check.severity]} if check.id in NEVER_HIT else set())


def _severities(value: ast.AST) -> Iterator[Severity]:
    for node in ast.walk(value):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "Severity"
        ):
            yield Severity[node.attr]


@pytest.mark.parametrize("check", list(REGISTRY), ids=lambda check: check.id)
def test_every_verdict_that_a_check_can_give_is_proven(check: Check) -> None:
    missing = can_give(check) - PROVEN.get(check.id, set())
    assert not missing, f"{check.id}: no row gives {sorted(missing)}"


def test_the_code_is_really_read() -> None:
    kinds = [can_give(check) for check in REGISTRY]
    assert all(
        Verdict.PASS in one or check.id in NEVER_HIT for one, check in zip(kinds, list(REGISTRY), strict=True)
    )
    assert sum(Verdict.NOT_APPLICABLE in one for one in kinds) > 60
    assert sum(Verdict.UNKNOWN in one for one in kinds) > 100
