"""`poolwright checks`: every check there is; asks no server."""

from __future__ import annotations

import argparse

from core.cli.output import emit_json, emit_text
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--platform", default="oracle_vm", help="whose checks; default oracle_vm")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    from core.checks.explain import advice
    from core.platforms.catalog import platform
    from core.reports.checks import checks_document
    from core.reports.explain import checks_text

    registry = platform(args.platform).checks
    if args.json:
        emit_json(checks_document(registry))
    else:
        emit_text(checks_text(registry, advice(registry)))
    return ExitCode.DONE
