"""`poolwright plan SPEC`: the exact commands, nothing executed."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from core.cli.diagnostics import EXIT_DONE, EXIT_REFUSED, say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the plan as JSON to this file too")


def run(args: argparse.Namespace) -> int:
    from core.paths import write_private
    from core.reports.text import plan_text, results_text
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    secrets = gather_secrets(service, spec, args.password_file)

    async def make() -> int:
        await require_trust(service, spec, secrets)
        checked = await service.check(spec, secrets)
        verdicts = service.judge(spec, checked, accept=args.accept_unknown)
        if not verdicts.may_apply:
            say(results_text([*verdicts.refusals, *verdicts.unaccepted]))
            say("no plan: the pool cannot be made like this")
            if args.json:
                emit_json(
                    {
                        "schema": "poolwright.plan/1",
                        "plan": None,
                        "refusals": _dump(verdicts.refusals + verdicts.unaccepted),
                    }
                )
            return EXIT_REFUSED
        plan = service.plan(spec, checked)
        document = {"schema": "poolwright.plan/1", "plan": plan.model_dump(mode="json"), "refusals": []}
        if args.output is not None:
            write_private(args.output, json.dumps(document, indent=2))
        if args.json:
            emit_json(document)
        else:
            emit_text(plan_text(plan))
        return EXIT_DONE

    return asyncio.run(make())


def _dump(results: tuple[object, ...]) -> list[object]:
    from core.reports.checks import result_row

    return [result_row(each) for each in results]  # type: ignore[arg-type]
