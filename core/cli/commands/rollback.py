"""`poolwright rollback RUN`: shows what would be undone, asks for the pool's name, then undoes it and looks again."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.asking import ask, require_terminal
from core.cli.continuing import add_run_arguments, continue_run
from core.cli.diagnostics import say
from core.cli.output import emit_text
from core.errors import ExitCode, RunnerError, SpecProblem, UsageError
from core.paths import write_named

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for the pool's name; needs --pool")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="undo nothing; write what would be undone, to be approved"
    )
    parser.add_argument("--pool", metavar="NAME", help="with --yes: the name of the pool that this run made")


def run(args: argparse.Namespace) -> ExitCode:
    if args.output is not None:
        return _write(args)
    if not args.yes:
        require_terminal("roll back", "--yes --pool NAME")
    elif args.pool is None:
        raise UsageError(
            [SpecProblem("--yes", "which pool goes is not said", fix="give --pool NAME as well")]
        )

    def confirm(service: Service, secrets: Secrets) -> bool:
        return _confirmed(service, secrets, args)

    return continue_run(
        args,
        lambda service, run_id, secrets: service.rollback(run_id, secrets),
        confirm=confirm,
        is_rollback=True,
    )


def _write(args: argparse.Namespace) -> ExitCode:
    """The way back as a plan for a second user; asks no server."""
    from core.reports.text import plan_text
    from core.service import Service

    service = Service(args.state_dir)
    plan = service.rollback_plan(args.run)
    write_named(
        args.output, service.plan_json(service.spec_of(args.run), plan), mode=0o644
    )  # to be read by others
    emit_text(plan_text(plan))
    say(f"hash {plan.digest}")
    return ExitCode.DONE


def _confirmed(service: Service, secrets: Secrets, args: argparse.Namespace) -> bool:
    """Show what would be undone; whether the pool's name was given or typed. Raises what refuses the rollback."""
    pool = service.show(args.run).pool
    if args.pool is not None and args.pool != pool:
        raise UsageError(
            [SpecProblem("--pool", f"run {args.run} is of the pool {pool!a}, not of {args.pool!a}")]
        )
    outlook = asyncio.run(service.rollback_outlook(args.run, secrets))
    told = service.rollback_text(outlook)
    say(told)
    if outlook.refusals:
        raise RunnerError(f"cannot roll back run {args.run}: {'; '.join(outlook.refusals)}")
    return args.yes or ask(f"Type {pool} to roll back this run:", about=told) == pool
