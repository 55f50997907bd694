"""`poolwright show RUN`: one run, folded from its journal."""

from __future__ import annotations

import argparse

from core.cli.inputs import add_state_dir
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `poolwright runs` lists it")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_state_dir(parser)


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.following import emit_run
    from core.service import Service

    emit_run(Service(args.state_dir).show(args.run), as_json=args.json)
    return ExitCode.DONE
