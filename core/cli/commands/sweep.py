"""`poolwright sweep SPEC`: what earlier failures left of a dead pool, and its end once the pool's name is typed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from core.cli.diagnostics import say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode

if TYPE_CHECKING:
    from core.models.plan import Plan
    from core.models.spec import BaseSpec
    from core.secrets import Secrets
    from core.service import Service

SCHEMA = "poolwright.sweep/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--pool", default="", metavar="ID", help="which dead pool, where there are left-overs of several"
    )
    parser.add_argument(
        "--yes", metavar="POOL", help="run the plan without asking; the dead pool's name or id must be given"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.following import detached, follow_here
    from core.reports.runs import exit_code_of, run_document
    from core.reports.text import plan_text, run_text
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    secrets = gather_secrets(service, spec, args.password_file)
    plan = asyncio.run(_look(service, spec, secrets, args.pool))
    say(plan_text(plan) if plan.steps or plan.by_hand else "no left-overs were found")
    for warning in plan.warnings:
        say(f"not looked at: {warning.text}")
    if not plan.steps or not _confirmed(plan.pool, args.yes):
        return _not_run(plan, as_json=args.json)

    async def begin() -> str:
        return await service.start(spec, plan, secrets)

    started = asyncio.run(begin())
    say(f"run {started} has begun; Ctrl-C leaves it running")
    if not follow_here(service, started):
        return detached(started)
    view = service.show(started)
    if args.json:
        emit_json({"schema": SCHEMA, "plan": plan.model_dump(mode="json"), "run": run_document(view)})
    else:
        emit_text(run_text(view))
    return exit_code_of(view)


async def _look(service: Service, spec: BaseSpec, secrets: Secrets, pool: str) -> Plan:
    await require_trust(service, spec, secrets)
    say(f"looking at {len(spec.servers)} server(s) ...")
    return service.sweep_plan(spec, await service.check(spec, secrets), pool)


def _not_run(plan: Plan, *, as_json: bool) -> ExitCode:
    """Print what was found; nothing was changed."""
    from core.reports.text import plan_text

    if as_json:
        emit_json({"schema": SCHEMA, "plan": plan.model_dump(mode="json"), "run": None})
    elif plan.steps or plan.by_hand:
        emit_text(plan_text(plan))
    else:
        emit_text("no left-overs were found")
    if plan.steps:
        say("not confirmed; nothing was changed")
        return ExitCode.REFUSED
    return ExitCode.NEEDS_ATTENTION if plan.by_hand or plan.warnings else ExitCode.DONE


def _confirmed(pool: str, yes: str | None) -> bool:
    """The dead pool's name must be typed, or be given with --yes; a script without either changes nothing."""
    if yes is not None:
        if yes != pool:
            say(f"--yes names {yes!a}, the left-overs are of {pool!a}")
        return yes == pool
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"run it with --yes {pool}")
        return False
    say(f"Type the dead pool's name ({pool}) to end its left-overs:")
    return sys.stdin.readline().strip() == pool
