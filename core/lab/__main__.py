"""`python -m core.lab`: one lab in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from core import crash
from core.errors import ExitCode
from core.lab.run import run_lab
from core.lab.scenario import scenario_names


def main() -> ExitCode:
    """Parse the arguments, run the lab, return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m core.lab", description="simulated Oracle VM fleet", allow_abbrev=False
    )
    parser.add_argument(
        "--scenario", default="healthy-nfs", help=f"one of {', '.join(scenario_names())}, or a file"
    )
    parser.add_argument("--servers", type=int, default=3, help="how many servers")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of everything random but passwords and keys"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per real second")
    parser.add_argument("--ready-file", type=Path, help="JSON, mode 0600, written when everything listens")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    given = parser.parse_args()
    try:
        asyncio.run(
            run_lab(
                given.scenario,
                given.servers,
                given.ready_file,
                given.seed,
                speed=given.speed,
                with_parent=given.with_parent,
                say=lambda text: print(text, file=sys.stderr, flush=True),  # noqa: T201 - narration of this program
            )
        )
    except Exception as error:  # noqa: BLE001 - the outermost guard: no bug is a traceback
        told = crash.own(error, ["(lab)", *sys.argv[1:]])
        print(told, file=sys.stderr)  # noqa: T201 - narration of this program
        return told.exit_code
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
