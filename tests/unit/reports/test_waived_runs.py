"""A waiver stays visible: in the plan, in the run's journal, in its report and documents, with who answers for it."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.checks.coverage import cover
from core.checks.folding import fold
from core.checks.judge import judge
from core.checks.runner import run_checks
from core.checks.waivers import states
from core.engine.journal import Journal
from core.models.results import CheckResult, Verdict
from core.paths import StatePaths
from core.platforms.oracle_vm.planner import make_plan
from core.reports.checks import check_document
from core.reports.runs import refused_document, run_document
from core.reports.text import check_text, plan_text, run_text
from tests.unit.checks.builders import NOW, OTHER, REGISTRY, context, server

TODAY = NOW.date()
ID, SERVER = "server.owner.this_manager", "203.0.113.11"
WORDS = f"jo until {TODAY}: moved tonight"


async def judged(until: date) -> tuple[Any, tuple[CheckResult, ...]]:
    """A fleet whose first server belongs to another Manager, waived until then; its results."""
    waiver = {"check": "R004", "target": SERVER, "reason": "moved tonight", "who": "jo", "until": until}
    ctx = context(server(1, owner=OTHER), server(2), waivers=[waiver])
    return ctx, await run_checks(REGISTRY, ctx)


def of(results: tuple[CheckResult, ...]) -> CheckResult:
    return next(one for one in results if one.key == (ID, SERVER))


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.asyncio
async def test_a_run_that_went_on_with_a_waiver_says_so_for_good(tmp_path: Path) -> None:
    ctx, results = await judged(TODAY)
    assert of(results).verdict is Verdict.WAIVED
    plan = make_plan(ctx.spec, ctx.fleet, results, NOW)
    assert f"{ID}: {SERVER}" in plain(plan_text(plan))
    assert WORDS in plain(plan_text(plan))
    Journal.create(StatePaths.of(tmp_path), plan, spec=ctx.spec.model_dump(mode="json")).close()
    (run,) = (tmp_path / "runs").iterdir()
    with closing(
        Journal.open(StatePaths.of(tmp_path), run.name)
    ) as journal:  # as another process reads it later
        view = journal.now.view(journal.head.plan)
    (told,) = [one for one in run_document(view)["warnings"] if one["id"] == ID]
    assert WORDS in told["text"]
    assert "gone on with" in run_text(view)
    assert WORDS in plain(run_text(view))
    json.dumps(run_document(view))


@pytest.mark.asyncio
async def test_a_check_report_shows_the_waiver_and_what_it_covers() -> None:
    ctx, results = await judged(TODAY)
    waivers = states(REGISTRY, ctx.spec.waivers, results, TODAY)
    covered = cover(results, ctx.spec.server_names)
    document = check_document(results, True, coverage=covered, waivers=waivers)
    (waiver,) = document["waivers"]
    assert (waiver["who"], waiver["reason"], waiver["is_expired"]) == ("jo", "moved tonight", False)
    assert [list(one) for one in waiver["covers"]] == [[ID, SERVER]]
    (row,) = [one for one in document["results"] if one["verdict"] == "waived"]
    assert (row["id"], row["waived_by"]) == (ID, WORDS)
    assert document["coverage"]["waived"] == document["summary"]["waived"] == 1
    text = plain(check_text(results, fold(REGISTRY, results), covered, waivers))
    assert "covers 1 finding(s)" in text
    assert "1 waived" in text


@pytest.mark.asyncio
async def test_a_run_refused_for_an_ended_waiver_tells_that_it_ended() -> None:
    ctx, results = await judged(TODAY - timedelta(days=1))
    refusals, _ = judge(REGISTRY, results, ())
    assert of(results) in refusals
    document = refused_document(ctx.spec, refusals)
    (row,) = [one for one in document["refusals"] if one["id"] == ID]
    assert (document["outcome"], row["verdict"]) == ("refused", "fail")
    assert "ended" in row["detail"]
