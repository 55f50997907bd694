"""`poolwright approve PLAN --approvals DIR`: a second user looks at a plan and approves it by its hash."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.asking import ask, require_terminal
from core.cli.diagnostics import say
from core.cli.output import emit_text
from core.errors import ExitCode, SpecProblem, UsageError
from core.system_settings import load_system_settings
from core.text import visible

if TYPE_CHECKING:
    from core.models.spec import BaseSpec
    from core.service import Service

SHOWN = 12  # characters of the hash that are typed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, metavar="PLAN", help="what `poolwright plan --output` wrote")
    parser.add_argument(
        "--approvals",
        type=Path,
        metavar="DIR",
        help="folder that the approval goes to; the one that this machine's settings name may be left out",
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask for the hash; needed without a terminal"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.reports.text import plan_text
    from core.runner.approvals import approve
    from core.service import Service

    if not args.yes:
        require_terminal("approve a plan", "--yes")
    folder = args.approvals or load_system_settings().approvals
    if folder is None:
        raise UsageError(
            [SpecProblem("--approvals", "nothing tells where approvals are kept", fix="give the folder")]
        )
    service = Service()
    spec, plan = service.reviewed(args.plan)
    told = f"{plan_text(plan)}\n\n{_where(service, spec)}\nhash {plan.digest}"
    emit_text(told)
    if not args.yes and not _confirmed(plan.digest[:SHOWN], told):
        say("not approved")
        return ExitCode.REFUSED
    say(f"approved: {approve(plan, folder)}")
    return ExitCode.DONE


def _where(service: Service, spec: BaseSpec) -> str:
    """To whom it would be sent: the names stand in the plan, the addresses behind them in its spec."""
    endpoints = service.platform(spec.platform).endpoints(spec)
    lines = [f"  {each.server} ({each.plane}) at {each.host} port {each.port}" for each in endpoints]
    return "\n".join(["It would speak with:", *map(visible, lines)])


def _confirmed(word: str, about: str) -> bool:
    """The hash's beginning is typed."""
    question = f"Type the first {SHOWN} characters of the hash ({word}) to approve this plan:"
    return ask(question, about=about, told_on=sys.stdout) == word
