"""`poolwright apply SPEC`: look, judge, plan, and make the pool in a process that outlives this session.

`apply --plan FILE` runs exactly a reviewed plan, or refuses when what it was judged on has changed.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.asking import ask, is_terminal, require_terminal
from core.cli.diagnostics import say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode, PlanFileError, SpecProblem, UsageError

if TYPE_CHECKING:
    from core.models.plan import Plan
    from core.models.spec import BaseSpec
    from core.secrets import Secrets
    from core.service import Service, Verdicts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, spec_nargs="?")
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="run exactly this reviewed plan (SPEC is inside it)"
    )
    parser.add_argument(
        "--approvals", type=Path, metavar="DIR", help="run only what a second user approved in this folder"
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask for the pool's name; needed without a terminal"
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.following import attached, begin, detached, follow_here, tell
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    service.approvals = args.approvals
    spec, reviewed = _what(service, args)
    service.require_known(spec, args.accept_unknown, "--accept-unknown")
    if not args.yes and not _is_approved(service, reviewed):
        require_terminal("start", "--yes, or --plan with --approvals that hold a second user's")
    secrets = gather_secrets(service, spec, args.password_file)
    accepted = [*args.accept_unknown, *(reviewed.accepted if reviewed is not None else ())]
    found = asyncio.run(_plan(service, spec, reviewed, secrets, args, accepted))
    if found is None or not _is_confirmed(spec, *found, args):
        return ExitCode.REFUSED
    plan, _ = found
    started, is_left = begin(service.start(spec, plan, secrets, accepted=accepted))
    with attached(service, started) as heard:
        say(f"run {started} has begun; Ctrl-C leaves it running")
        if is_left or not follow_here(service, started, heard):
            return detached(service, started, as_json=args.json)
        return tell(service, started, as_json=args.json)


def _what(service: Service, args: argparse.Namespace) -> tuple[BaseSpec, Plan | None]:
    """The pool description, and the reviewed plan where one is given."""
    from core.models.plan import PlanAim

    if args.plan is None and args.spec is None:
        raise UsageError(
            [SpecProblem("SPEC", "nothing to apply", fix="give a pool description, or --plan FILE")]
        )
    if args.plan is None:
        return service.load(args.spec), None
    spec, plan = service.reviewed(args.plan)
    if plan.aim is not PlanAim.CREATE:
        word, how = plan.aim.value, f"poolwright {plan.aim.value}"
        raise PlanFileError(
            [SpecProblem("--plan", f"it is the plan of a {word}, not of a pool", fix=f"run {how}")]
        )
    return (service.load(args.spec) if args.spec is not None else spec), plan


async def _plan(
    service: Service,
    spec: BaseSpec,
    reviewed: Plan | None,
    secrets: Secrets,
    args: argparse.Namespace,
    accepted: list[str],
) -> tuple[Plan, str] | None:
    """Look, judge and plan: the plan and what was found, in words; None when it is refused, which is told."""
    from core.reports.text import results_text

    await require_trust(service, spec, secrets)
    say(f"looking at {len(spec.servers)} server(s) ...")
    checked = await service.check(spec, secrets)
    if reviewed is not None:
        service.require_fit(spec, reviewed, checked)
    verdicts = service.judge(spec, checked, accept=accepted)
    findings = results_text(checked.results)
    if not verdicts.may_apply:
        _refuse(spec, verdicts, findings, args)
        return None
    say(findings)
    return reviewed or service.plan(spec, checked, accept=args.accept_unknown), findings


def _is_confirmed(spec: BaseSpec, plan: Plan, findings: str, args: argparse.Namespace) -> bool:
    """Show the plan; at a terminal the pool's name is typed, unless --yes was given."""
    from core.reports.text import plan_text

    told = f"{plan_text(plan)}\nhash {plan.digest}"
    say(told)
    question = f"Type the pool's name ({spec.pool_name}) to make it:"
    if args.yes or not is_terminal() or ask(question, about=f"{findings}\n\n{told}") == spec.pool_name:
        return True
    say("not confirmed; nothing was changed")
    return False


def _refuse(spec: BaseSpec, verdicts: Verdicts, findings: str, args: argparse.Namespace) -> None:
    """Tell each once, also where both outputs are the same terminal."""
    from core.reports.runs import refused_document

    if args.json:
        say(findings)
        emit_json(refused_document(spec, verdicts.refusals + verdicts.unaccepted))
    else:
        emit_text(findings)
    say("refused; nothing was changed")


def _is_approved(service: Service, reviewed: Plan | None) -> bool:
    """Whether a second user approved this plan; ApprovalError when that is asked for and nobody did."""
    from core.runner.approvals import require

    return (
        reviewed is not None
        and service.approvals is not None
        and bool(require(service.approvals, reviewed.digest))
    )
