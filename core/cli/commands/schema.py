"""`poolwright schema`: the JSON Schema of a spec."""

from __future__ import annotations

import argparse

from core.cli.output import emit_json
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--platform", default="oracle_vm", help="platform whose spec is meant")
    parser.add_argument(
        "--json", action="store_true", help="a schema is JSON already; accepted for uniformity"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.platforms.catalog import platform
    from core.spec_file import schema

    emit_json(schema(platform(args.platform).spec_model))
    return ExitCode.DONE
