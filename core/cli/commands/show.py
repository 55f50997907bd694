"""`poolwright show RUN`: one run, folded from its journal."""

from __future__ import annotations

import argparse

from core.cli.inputs import add_state_dir
from core.cli.output import emit_json, emit_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `poolwright runs` lists it")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_state_dir(parser)


def run(args: argparse.Namespace) -> int:
    from core.reports.runs import run_document
    from core.reports.text import run_text
    from core.service import Service

    view = Service(args.state_dir).show(args.run)
    if args.json:
        emit_json({"schema": "poolwright.run/1", **run_document(view)})
    else:
        emit_text(run_text(view))
    return 0
