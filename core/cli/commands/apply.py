"""`poolwright apply SPEC`: look, judge, plan, and make the pool in a process that outlives this session."""

from __future__ import annotations

import argparse
import asyncio
import sys

from core.cli.diagnostics import EXIT_REFUSED, say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for the pool's name at a terminal")


def run(args: argparse.Namespace) -> int:
    from core.cli.following import detached, follow_here
    from core.reports.runs import exit_code_of, refused_document, run_document
    from core.reports.text import plan_text, results_text, run_text
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    secrets = gather_secrets(service, spec, args.password_file)

    async def prepare() -> str | None:
        await require_trust(service, spec, secrets)
        say(f"looking at {len(spec.servers)} server(s) ...")
        checked = await service.check(spec, secrets)
        verdicts = service.judge(spec, checked, accept=args.accept_unknown)
        say(results_text(checked.results))
        if not verdicts.may_apply:
            stopped = verdicts.refusals + verdicts.unaccepted
            say("refused; nothing was changed")
            if args.json:
                emit_json(refused_document(spec, stopped))
            else:
                emit_text("refused; nothing was changed\n" + results_text(stopped))
            return None
        plan = service.plan(spec, checked)
        say(plan_text(plan))
        if not args.yes and not _confirmed(spec.pool_name):
            say("not confirmed; nothing was changed")
            return None
        return await service.start(spec, plan, secrets, accepted=args.accept_unknown)

    started = asyncio.run(prepare())
    if started is None:
        return EXIT_REFUSED
    say(f"run {started} has begun; Ctrl-C leaves it running")
    if not follow_here(service, started):
        return detached(started)
    view = service.show(started)
    if args.json:
        emit_json({"schema": "poolwright.run/1", **run_document(view)})
    else:
        emit_text(run_text(view))
    return exit_code_of(view)


def _confirmed(pool: str) -> bool:
    """At a terminal the pool's name is typed; without one, `apply` itself is the confirmation."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    say(f"Type the pool's name ({pool}) to make it:")
    return sys.stdin.readline().strip() == pool
