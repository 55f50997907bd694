"""`poolwright runs`: what was done on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.inputs import add_state_dir
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode
from core.text import inert

if TYPE_CHECKING:
    from core.models.views import RunView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_state_dir(parser)


def run(args: argparse.Namespace) -> ExitCode:
    from core.reports.runs import run_document
    from core.service import Service

    views = Service(args.state_dir).runs()
    if args.json:
        emit_json({"schema": "poolwright.runs/1", "runs": [run_document(view) for view in views]})
        return ExitCode.DONE
    emit_text("\n".join(_line(view) for view in views) or "no runs yet")
    return ExitCode.DONE


def _line(view: RunView) -> str:
    live = f"{'live' if view.is_live else '':<5}"
    if view.damage:
        return f"{view.run}  {'damaged':<12} {live} {inert(view.damage, 400)}"
    state = view.outcome.word if view.outcome else view.state.value
    return f"{view.run}  {state:<12} {live} {inert(view.pool, 100)}  {view.started_at}"
