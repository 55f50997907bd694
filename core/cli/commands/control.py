"""`poolwright control RUN ACTION`: pause, continue, abort or leave a live run, or answer what it asks."""

from __future__ import annotations

import argparse

from core.cli.inputs import add_state_dir
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode

ACTIONS = {
    "pause": "stop before the next step",
    "continue": "go on after a pause",
    "abort": "stop, and take everything back",
    "leave": "stop, and leave everything as it is",
    "retry": "look again at what the run could not see and asks about",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `poolwright runs` lists it")
    parser.add_argument(
        "action", choices=ACTIONS, help="; ".join(f"{name}: {text}" for name, text in ACTIONS.items())
    )
    parser.add_argument(
        "--take-over", action="store_true", help="even when another front end controls the run"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_state_dir(parser)


def run(args: argparse.Namespace) -> ExitCode:
    import asyncio

    from core.service import Service

    answer = asyncio.run(Service(args.state_dir).control(args.run, args.action, take_over=args.take_over))
    if args.json:
        emit_json(
            {"schema": "poolwright.control/1", "run": args.run, "action": args.action, "answer": answer}
        )
    else:
        emit_text(answer)
    return ExitCode.DONE
