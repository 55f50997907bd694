"""`poolwright plan SPEC`: the exact commands, nothing executed."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from core.cli.diagnostics import say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode
from core.paths import write_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the plan for review and `apply --plan FILE`"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.reports.checks import result_row
    from core.reports.text import plan_text, results_text
    from core.runner.plan_file import plan_document
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    service.require_known(spec, args.accept_unknown, "--accept-unknown")
    secrets = gather_secrets(service, spec, args.password_file)

    async def make() -> ExitCode:
        await require_trust(service, spec, secrets)
        checked = await service.check(spec, secrets)
        verdicts = service.judge(spec, checked, accept=args.accept_unknown)
        data = spec.model_dump(mode="json")
        if not verdicts.may_apply:
            stopped = verdicts.refusals + verdicts.unaccepted
            say(results_text(stopped))
            say("no plan: the pool cannot be made like this")
            if args.json:
                emit_json(plan_document(None, data, [result_row(each) for each in stopped]))
            return ExitCode.REFUSED
        plan = service.plan(spec, checked, accept=args.accept_unknown)
        document = plan_document(plan, data, [])
        if args.output is not None:
            # 0644: it is there to be reviewed, and holds no secret
            write_named(args.output, json.dumps(document, indent=2), mode=0o644)
        if args.json:
            emit_json(document)
        else:
            emit_text(plan_text(plan))
        say(f"hash {plan.digest}")
        return ExitCode.DONE

    return asyncio.run(make())
