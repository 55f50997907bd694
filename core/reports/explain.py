"""Explanations and the list of checks as text and as documents. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from core.checks.explain import Explanation
from core.checks.registry import Check

WIDTH = 80
_PARTS = (
    ("what", "what"),
    ("why", "why"),
    ("seen", "observed"),
    ("fix", "fix"),
    ("when", "releases"),
    ("source", "source"),
)


def explain_text(found: Sequence[Explanation]) -> str:
    """One block each, for 80 columns."""
    return "\n\n".join("\n".join(_block(one)) for one in found)


def _block(one: Explanation) -> list[str]:
    rules = f" ({' '.join(one.rules)})" if one.rules else ""
    lines = textwrap.wrap(f"{one.id}{rules}: {one.title}", WIDTH, subsequent_indent="  ")
    lines.append(f"  {'kind':<7} {one.kind}, {one.severity}")
    for label, name in _PARTS:
        text = " ".join(str(getattr(one, name)).split())
        if text:
            lines += _row(label, text)
    if one.checks:
        lines += _row("checks", ", ".join(one.checks))
    if one.reason:
        lines += _row("no check", one.reason)
    for note in one.notes:
        lines += _row("note", note)
    return lines


def _row(label: str, text: str) -> list[str]:
    lead = f"  {label:<7} "
    return textwrap.wrap(
        text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def explain_document(found: Sequence[Explanation]) -> dict[str, Any]:
    """`poolwright.explain/1`."""
    return {"schema": "poolwright.explain/1", "explanations": [one.model_dump(mode="json") for one in found]}


def checks_text(checks: Iterable[Check], advice: Sequence[Explanation]) -> str:
    """A line for each check, by scope; then the rules that only advise."""
    rows = sorted(checks, key=lambda check: (check.scope.value, check.id))
    width = max((len(check.id) for check in rows), default=0)
    lines: list[str] = []
    scope = ""
    for check in rows:
        if check.scope.value != scope:
            scope = check.scope.value
            lines += ["", scope] if lines else [scope]
        lines.append(f"  {check.id:<{width}}  {check.severity.value:<7}  {' '.join(check.rules)}".rstrip())
    lines += ["", f"{len(rows)} checks; `poolwright explain ID` tells what one means"]
    if advice:
        lines += ["", "rules that only advise; no check judges them"]
        for one in advice:
            lines += textwrap.wrap(
                f"{one.id} {one.title}: {one.reason}", WIDTH, initial_indent="  ", subsequent_indent="       "
            )
    return "\n".join(lines)
