"""`poolwright version`."""

from __future__ import annotations

import argparse

from core.cli.output import emit_json, emit_text
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "unknown"

    found = {name: of(name) for name in ("poolwright", "textual", "pydantic", "asyncssh")}
    if args.json:
        emit_json({"schema": "poolwright.version/1", **found, "python": platform.python_version()})
    else:
        emit_text(f"poolwright {found['poolwright']} (Python {platform.python_version()})")
    return ExitCode.DONE
