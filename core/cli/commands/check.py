"""`poolwright check SPEC`: look, judge, and say it."""

from __future__ import annotations

import argparse
import asyncio

from core.cli.diagnostics import EXIT_DONE, EXIT_REFUSED, say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument("--all", action="store_true", help="show passed checks too")
    parser.add_argument(
        "--only", action="append", metavar="SERVER", help="look at this server only (repeatable)"
    )
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )


def run(args: argparse.Namespace) -> int:
    from core.reports.checks import check_document
    from core.reports.text import results_text
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    secrets = gather_secrets(service, spec, args.password_file)

    async def look() -> int:
        await require_trust(service, spec, secrets)
        say(f"looking at {len(spec.servers)} server(s) ...")
        checked = await service.check(spec, secrets, only=args.only)
        verdicts = service.judge(spec, checked, accept=args.accept_unknown)
        if args.json:
            emit_json(check_document(checked.results, verdicts.may_apply))
        else:
            emit_text(results_text(checked.results, all_of_them=args.all))
            emit_text("the pool can be made" if verdicts.may_apply else "the pool cannot be made like this")
        return EXIT_DONE if verdicts.may_apply else EXIT_REFUSED

    return asyncio.run(look())
