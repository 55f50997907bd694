"""Runs as documents: the JSON shapes that scripts rely on, and the exit code that follows an outcome. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import ExitCode
from core.models.events import Outcome
from core.models.results import CheckResult
from core.models.spec import BaseSpec
from core.models.views import RunView
from core.reports.checks import result_row


def exit_code_of(view: RunView) -> ExitCode:
    """What its outcome leads to; a run whose end was not seen needs attention."""
    return view.outcome.exit_code if view.outcome else ExitCode.NEEDS_ATTENTION


def pool_document(spec: BaseSpec) -> dict[str, Any]:
    """The pool as asked for: name, servers, and the platform's own settings."""
    settings = spec.model_dump(mode="json", exclude_none=True).get("pool", {})
    return {**settings, "name": spec.pool_name, "servers": list(spec.server_names)}


def run_document(view: RunView) -> dict[str, Any]:
    """One run: outcome, pool, steps, verification, residue."""
    return {
        "run": view.run,
        "outcome": view.outcome.value if view.outcome else None,
        "state": view.state.value,
        "is_live": view.is_live,
        "message": view.message,
        "damage": view.damage,
        "question": view.question,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "pool": {**view.pool_facts, "name": view.pool},
        "steps": [
            {
                "id": step.id,
                "title": step.title,
                "lane": step.lane,
                "state": step.state.value,
                "text": step.text,
            }
            for step in view.steps
        ],
        "verified_at": view.verified_at,
        "verification_superseded_at": view.superseded_at,
        "unobservable": [item.model_dump(mode="json") for item in view.unobservable],
        "verification": [item.model_dump(mode="json") for item in view.verification],
        "residue": [left.model_dump(mode="json") for left in view.residue],
        "warnings": [each.model_dump(mode="json") for each in view.warnings],
    }


def refused_document(spec: BaseSpec, stopped: Sequence[CheckResult]) -> dict[str, Any]:
    """The same shape for a run that never began, with the results that stopped it."""
    return {
        "schema": "poolwright.run/1",
        "outcome": Outcome.REFUSED.value,
        "pool": pool_document(spec),
        "steps": [],
        "verification": [],
        "residue": [],
        "refusals": [result_row(each) for each in stopped],
    }
