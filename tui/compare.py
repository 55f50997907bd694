"""Two runs beside each other, as lines: outcome, steps, verification, what is left, and what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models.spec import BaseSpec
from core.service import RunView
from tui.reach import differences

_HOLDS = {True: "holds", False: "DOES NOT HOLD", None: "not seen"}


def compare(
    one: RunView, other: RunView, spec: BaseSpec | None = None, other_spec: BaseSpec | None = None
) -> list[str]:
    """Only what differs; says so when nothing does."""
    lines = [f"A = {one.run}  pool {one.pool}  {one.started_at[:19]}"]
    lines += [f"B = {other.run}  pool {other.pool}  {other.started_at[:19]}", ""]
    before = len(lines)
    lines += _pairs("outcome", {"": _outcome(one)}, {"": _outcome(other)})
    lines += _pairs("step", _steps(one), _steps(other))
    lines += _pairs("verified", _verified(one), _verified(other))
    lines += _pairs("left behind", _left(one), _left(other))
    if spec is not None and other_spec is not None:
        for path in differences(spec, other_spec):
            lines += _pairs("asked for", {path: _at(spec, path)}, {path: _at(other_spec, path)})
    return lines if len(lines) > before else [*lines, "nothing differs"]


def _pairs(kind: str, one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for name in dict.fromkeys([*one, *other]):
        a, b = one.get(name, "-"), other.get(name, "-")
        if a != b:
            lines += [f"{kind} {name}".rstrip(), f"  A: {a}", f"  B: {b}"]
    return lines


def _outcome(view: RunView) -> str:
    return view.outcome.word if view.outcome else f"{view.state.value} {view.message}".strip()


def _steps(view: RunView) -> dict[str, str]:
    return {step.id: f"{step.state.value} {step.text}".strip() for step in view.steps}


def _verified(view: RunView) -> dict[str, str]:
    if view.superseded_at:
        return {item.title: "out of date" for item in view.verification}
    return {item.title: f"{_HOLDS[item.holds]}: {item.detail}" for item in view.verification}


def _left(view: RunView) -> dict[str, str]:
    return {left.what: left.where for left in view.residue}


def _at(spec: Any, path: str) -> str:
    for part in path.split("."):
        spec = getattr(spec, part, None)
    names = [str(each.address) if hasattr(each, "address") else str(each) for each in spec or ()] \
        if isinstance(spec, tuple) else None  # fmt: skip
    return ", ".join(names) if names is not None else str(spec)
