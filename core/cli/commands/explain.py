"""`poolwright explain ID`: what a check or a rule means and what to do; asks no server."""

from __future__ import annotations

import argparse

from core.cli.output import emit_json, emit_text
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a check id, or a rule such as R001")
    parser.add_argument("--platform", default="oracle_vm", help="whose checks; default oracle_vm")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    from core.checks.explain import explain
    from core.platforms.catalog import platform
    from core.reports.explain import explain_document, explain_text

    found = explain(platform(args.platform).checks, args.id)
    if args.json:
        emit_json(explain_document(found))
    else:
        emit_text(explain_text(found))
    return ExitCode.DONE
