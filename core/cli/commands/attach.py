"""`poolwright attach RUN`: replay, then follow."""

from __future__ import annotations

import argparse

from core.cli.inputs import add_state_dir
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's id, as `poolwright runs` lists it")
    parser.add_argument(
        "--since", type=int, default=0, metavar="SEQ", help="leave out events up to this number"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    add_state_dir(parser)


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.following import attached, detached, follow_here, tell
    from core.service import Service

    service = Service(args.state_dir)
    service.show(args.run)  # an unknown run is said at once
    with attached(service, args.run, is_ours=False) as heard:
        if not follow_here(service, args.run, heard, args.since):
            return detached(service, args.run, as_json=args.json)
        return tell(service, args.run, as_json=args.json)
