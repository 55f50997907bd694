"""`poolwright runs`: what was done on this machine."""

from __future__ import annotations

import argparse

from core.cli.inputs import add_state_dir
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode


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
    lines = [
        f"{view.run}  {(view.outcome.value if view.outcome else view.state.value):<12}"
        f" {'live' if view.is_live else '':<5} {view.pool}  {view.started_at}"
        for view in views
    ]
    emit_text("\n".join(lines) or "no runs yet")
    return ExitCode.DONE
