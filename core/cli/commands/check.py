"""`poolwright check SPEC`: look, judge, and say it."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.diagnostics import say
from core.cli.inputs import add_common, gather_secrets, require_trust
from core.cli.output import emit_json, emit_line, emit_text
from core.errors import ExitCode, PoolwrightError
from core.masking import hidden
from core.paths import write_named
from core.text import nearest

if TYPE_CHECKING:
    from core.models.results import CheckResult
    from core.models.spec import BaseSpec
    from core.models.views import RunView
    from core.secrets import Secrets
    from core.service import Checked, Service

NOT_JUDGED = "Not judged: none of the selected checks applies to this spec."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument("--all", action="store_true", help="show every result on its own, passed ones too")
    parser.add_argument(
        "--only", action="append", metavar="SERVER", help="look at this server only (repeatable)"
    )
    parser.add_argument(
        "--check", action="append", metavar="ID", help="ask this check or rule only (repeatable)"
    )
    parser.add_argument(
        "--accept-unknown", action="append", default=[], metavar="ID", help="accept this id's unknown"
    )
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="print each result as it is made, a JSON line each, then the rest",
    )
    parser.add_argument(
        "--facts-file",
        type=Path,
        metavar="FILE",
        help="also write all that was seen to FILE (JSON, 0600), for `compat --facts`",
    )
    parser.add_argument(
        "--intrusive",
        action="store_true",
        help="let probes write: a file of ours in the pool's share, taken away again at once",
    )


def run(args: argparse.Namespace) -> ExitCode:
    from core.service import Service

    service = Service(args.state_dir, known_hosts=args.known_hosts)
    spec = service.load(args.spec)
    _known_words(service, spec, args)
    service.require_known(spec, args.accept_unknown, "--accept-unknown")
    secrets = gather_secrets(service, spec, args.password_file)

    async def look() -> ExitCode:
        await require_trust(service, spec, secrets)
        settled = await _settle(service, spec, secrets, args)
        say(f"looking at {len(args.only or spec.servers)} server(s) ...")
        checked = await service.check(
            spec,
            secrets,
            only=args.only,
            checks=args.check,
            intrusive=args.intrusive,
            on_result=_emit_row if args.json_lines else None,
        )
        if args.facts_file is not None:
            write_named(
                args.facts_file, json.dumps(hidden(checked.fleet.model_dump(mode="json")), indent=1) + "\n"
            )
        return _tell(service, spec, checked, args, settled)

    return asyncio.run(look())


async def _settle(
    service: Service, spec: BaseSpec, secrets: Secrets, args: argparse.Namespace
) -> RunView | None:
    """The run that made this pool and could not verify it, looked at once more; None when there is none such, or only
    a part was asked. What hinders the look is said; the run stays as it was."""
    from core.cli.following import narrate

    run = "" if args.check or args.only else service.unverified_run(spec)
    if not run:
        return None
    say(f"run {run} created this pool, but could not verify it; verifying again")
    since = service.show(run).last_seq
    try:
        await service.verify(run, secrets)
        async for event in service.follow(run, since):
            narrate(event)
    except PoolwrightError as error:
        say(str(error))
    return service.show(run)


def _known_words(service: Service, spec: BaseSpec, args: argparse.Namespace) -> None:
    """Servers and checks that do not exist are wrong input, told before anybody is asked for a password."""
    from core.checks import steering
    from core.errors import SpecProblem, UsageError

    problems = [
        SpecProblem("--only", f"the spec has no server {name!r}", nearest(name, spec.server_names))
        for name in args.only or ()
        if name not in spec.server_names
    ]
    registry = service.platform(spec.platform).checks
    problems += [
        steering.unknown(registry, word, "--check") for word in args.check or () if not registry.find(word)
    ]
    if problems:
        raise UsageError(problems)


async def _emit_row(result: CheckResult) -> None:
    from core.reports.checks import result_row

    emit_line({"schema": "poolwright.result/1", **result_row(result)})


def _tell(
    service: Service, spec: BaseSpec, checked: Checked, args: argparse.Namespace, settled: RunView | None
) -> ExitCode:
    """Say it in the wanted form; the exit code follows what may be applied, what the asked checks refuse, or the
    outcome of the run whose pool was looked at again. Where no check applies nothing is judged."""
    from core.reports.checks import check_document
    from core.reports.runs import run_document
    from core.reports.text import check_text, results_text, run_text

    verdicts = service.judge(spec, checked, accept=args.accept_unknown)
    causes, coverage = service.causes(spec, checked), service.coverage(spec, checked)
    waivers, stale = service.waivers(spec, checked), service.stale(spec, checked)
    is_judged = verdicts.judged > 0 and not args.check and settled is None
    may_apply = verdicts.may_apply if is_judged else None
    if args.json or args.json_lines:
        document = check_document(
            checked.results,
            may_apply,
            causes=causes,
            coverage=coverage,
            waivers=waivers,
            stale=stale,
            with_results=not args.json_lines,
        )
        if settled is not None:
            document["run"] = run_document(settled)
        (emit_line if args.json_lines else emit_json)(document)
        if verdicts.judged == 0:
            say(NOT_JUDGED)
    else:
        if args.all:
            emit_text(results_text(checked.results, all_of_them=True))
        else:
            emit_text(check_text(checked.results, causes, coverage, waivers, stale))
        if settled is not None:
            emit_text(run_text(settled))
        elif verdicts.judged == 0:
            emit_text(NOT_JUDGED)
        elif may_apply is None:
            emit_text("only some checks were asked; whether the pool can be made was not judged")
        else:
            emit_text("the pool can be made" if may_apply else "the pool cannot be made like this")
    if settled is not None:
        return settled.outcome.exit_code if settled.outcome else ExitCode.NEEDS_ATTENTION
    if verdicts.judged == 0:
        return ExitCode.BAD_INPUT
    return ExitCode.DONE if verdicts.may_apply else ExitCode.REFUSED
