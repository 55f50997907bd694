"""`poolwright sweep SPEC`: what earlier failures left of a dead pool, and its end once the pool's name is typed."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.asking import ask, is_terminal
from core.cli.diagnostics import say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode
from core.paths import write_named

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
        "--output", type=Path, metavar="FILE", help="end nothing; write the plan, to be approved"
    )
    parser.add_argument(
        "--yes", metavar="POOL", help="run the plan without asking; the dead pool's name or id must be given"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.following import attached, begin, detached, follow_here, reported
    from core.models.plan import SWEEP_KEPT
    from core.reports.runs import exit_code_of, run_document
    from core.reports.text import plan_text, run_text, sweep_text
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    secrets = gather_secrets(service, spec, args.password_file)
    plan = asyncio.run(_look(service, spec, secrets, args.pool))
    if plan.steps or args.json:
        say(sweep_text(plan))
    if not plan.steps:
        is_open = plan.by_hand or any(warning.id != SWEEP_KEPT for warning in plan.warnings)
        return _not_run(plan, ExitCode.NEEDS_ATTENTION if is_open else ExitCode.DONE, args)
    if args.output is not None:
        write_named(args.output, service.plan_json(spec, plan), mode=0o644)  # to be read by others
        say(f"hash {plan.digest}")
        return _not_run(plan, ExitCode.DONE, args)
    refused = _unconfirmed(plan.pool, args.yes, f"{plan_text(plan)}\nhash {plan.digest}")
    if refused is not None:
        say("nothing was changed")
        return _not_run(plan, refused, args)

    started, is_left = begin(service.start(spec, plan, secrets))
    with attached(service, started) as heard:
        say(f"run {started} has begun; Ctrl-C leaves it running")
        if is_left or not follow_here(service, started, heard):
            return detached(service, started, as_json=args.json)
        view = service.show(started)
    with reported():
        if args.json:
            emit_json({"schema": SCHEMA, "plan": plan.model_dump(mode="json"), "run": run_document(view)})
        else:
            emit_text(run_text(view))
    return exit_code_of(view)


async def _look(service: Service, spec: BaseSpec, secrets: Secrets, pool: str) -> Plan:
    await require_trust(service, spec, secrets)
    say(f"looking at {len(spec.servers)} server(s) ...")
    return service.sweep_plan(spec, await service.check(spec, secrets), pool)


def _not_run(plan: Plan, code: ExitCode, args: argparse.Namespace) -> ExitCode:
    """Print what was found; nothing was changed."""
    from core.reports.text import sweep_text

    if args.json:
        emit_json({"schema": SCHEMA, "plan": plan.model_dump(mode="json"), "run": None})
    else:
        emit_text(sweep_text(plan))
    return code


def _unconfirmed(pool: str, yes: str | None, about: str) -> ExitCode | None:
    """None when the dead pool's name was typed or given with --yes; else the exit code, with the reason said."""
    if yes is not None:
        if yes == pool:
            return None
        say(f"--yes names {yes!a}, the left-overs are of {pool!a}")
        return ExitCode.BAD_INPUT
    if not is_terminal():
        say(f"standard input is no terminal to ask at; give --yes {pool}")
        return ExitCode.BAD_INPUT
    typed = ask(f"Type the dead pool's name ({pool}) to end its left-overs:", about=about)
    if typed == pool:
        return None
    say("not confirmed")
    return ExitCode.REFUSED
