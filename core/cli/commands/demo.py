"""`poolwright demo`: the main job on a simulated fleet; the wizard in a terminal, headless without one."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

from core.cli.diagnostics import say
from core.cli.output import emit_json, emit_text
from core.errors import ExitCode

if TYPE_CHECKING:
    from core.cli.lab_process import RunningLab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario", default="healthy-nfs", metavar="NAME", help="see `poolwright lab --list`"
    )
    parser.add_argument(
        "--servers", type=int, metavar="N", help="how many servers (3, or as many as the scenario needs)"
    )
    parser.add_argument("--speed", type=float, default=20.0, help="simulated seconds per real second")
    parser.add_argument("--headless", action="store_true", help="no wizard, even in a terminal")
    parser.add_argument("--json", action="store_true", help="print one JSON document (headless)")


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.lab_process import lab_process
    from core.lab.scenario import servers_of

    servers = servers_of(args.scenario, args.servers)
    wizard = not (args.headless or args.json) and sys.stdin.isatty() and sys.stdout.isatty()
    say(f"starting a simulated fleet: {args.scenario}, {servers} server(s) ...")
    with lab_process(args.scenario, servers, speed=args.speed) as lab:
        if wizard:
            from core.cli.wizard_door import open_wizard_on

            return open_wizard_on(lab)
        return _headless(lab, as_json=args.json)


def _headless(lab: RunningLab, *, as_json: bool) -> ExitCode:
    from core.cli.following import attached, follow_to_end
    from core.cli.inputs import require_trust
    from core.models.events import Outcome
    from core.reports.runs import pool_document, refused_document, run_document
    from core.reports.text import plan_text, results_text, run_text
    from core.service import Service

    service = Service(lab.folder / "state")
    spec = service.load(lab.spec)

    async def whole_job() -> tuple[dict[str, Any], str]:
        await require_trust(service, spec, lab.secrets)
        say(f"looking at {len(spec.servers)} server(s) ...")
        checked = await service.check(spec, lab.secrets)
        verdicts = service.judge(spec, checked)
        say(results_text(checked.results))
        if not verdicts.may_apply:
            stopped = verdicts.refusals + verdicts.unaccepted
            return refused_document(spec, stopped), "refused; nothing was changed\n" + results_text(stopped)
        plan = service.plan(spec, checked)
        say(plan_text(plan))
        started = await service.start(spec, plan, lab.secrets)
        with attached(service, started) as heard:
            await follow_to_end(service, started, heard=heard)
            view = service.show(started)
        document = {"schema": "poolwright.run/1", **run_document(view)}
        document["pool"] = {**pool_document(spec), **document["pool"]}
        return document, run_text(view)

    document, text = asyncio.run(whole_job())
    if as_json:
        emit_json(document)
    else:
        emit_text(text)
    return Outcome(document["outcome"]).exit_code if document["outcome"] else ExitCode.NEEDS_ATTENTION
