"""`poolwright decode METHOD FILE`: what a recorded reply says."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import emit_json, emit_text
from core.errors import ExitCode

MAX_BYTES = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "method", metavar="METHOD", help="agent method name, or `manager` for a CLI transcript"
    )
    parser.add_argument(
        "file", metavar="FILE", help="the reply (document or envelope); - reads standard input"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> ExitCode:
    from core import files
    from core.cli.inputs import standard_input
    from core.platforms.oracle_vm.decode import decode

    data = standard_input(MAX_BYTES) if args.file == "-" else files.read_bytes(Path(args.file), MAX_BYTES)
    document = decode(args.method, data)
    if args.json:
        emit_json(document)
        return ExitCode.DONE
    emit_text(f"{document['method']}: {document['kind']}")
    emit_text("\n".join(_lines(document["facts"] or document["raw"], "  ")) or "  nothing in it")
    return ExitCode.DONE


def _lines(value: object, indent: str) -> list[str]:
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            simple = not isinstance(inner, (dict, list))
            lines += (
                [f"{indent}{key}: {inner}"] if simple else [f"{indent}{key}:", *_lines(inner, indent + "  ")]
            )
        return lines
    if isinstance(value, list):
        return [
            line
            for inner in value
            for line in _lines(inner, indent + "- " if not isinstance(inner, (dict, list)) else indent)
        ]
    return [f"{indent}{value}"]
