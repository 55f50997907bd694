"""Waivers: wrong ones are bad input with their line, ended ones count no more, and all are shown."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from core.checks.runner import run_checks
from core.checks.waivers import problems, states
from core.cli.main import main
from core.errors import SpecError
from core.models.results import Verdict
from core.reports.text import waivers_text
from core.service import Service
from tests.unit.checks.builders import NOW, OTHER, REGISTRY, context, server, spec

TODAY = NOW.date()
WAIVER = {"check": "R004", "target": "203.0.113.11", "reason": "moved tonight", "who": "jo", "until": TODAY}
SPEC = """manager: {{host: 203.0.113.250}}
pool:
  name: p
  virtual_ip: 203.0.113.10
  file_system: {{kind: nfs, server: nas01, export: /e}}
servers: [203.0.113.11]
waivers:
  - check: server.owner.this_manager
    reason: moved tonight
    who: jo
    until: 2030-01-01
  - check: {check}
    target: "{target}"
    reason: because
    who: jo
    until: 2030-01-01
"""


@pytest.mark.parametrize(
    "word", [check.id for check in REGISTRY if not check.acceptable] + ["R002", "R003", "R073"]
)
def test_what_could_destroy_data_is_never_waived(word: str) -> None:
    found = problems(REGISTRY, spec(waivers=[WAIVER | {"check": word, "target": "*"}]))
    assert [field for field, _, _ in found] == ["waivers[0].check"]
    assert "never waived" in found[0][1]


@pytest.mark.parametrize(
    ("update", "field", "words"),
    [
        (
            {"check": "server.owner.this_manger"},
            "waivers[0].check",
            "did you mean 'server.owner.this_manager'",
        ),
        ({"check": "R999"}, "waivers[0].check", "no check or rule"),
        ({"target": "203.0.113.99"}, "waivers[0].target", "no server is called"),
    ],
)
def test_a_waiver_for_nothing_is_told(update: dict[str, str], field: str, words: str) -> None:
    (found,) = problems(REGISTRY, spec(waivers=[WAIVER | update]))
    assert found[0] == field
    assert words in " ".join(found)


def test_a_right_waiver_is_no_problem() -> None:
    assert (
        problems(REGISTRY, spec(waivers=[WAIVER, WAIVER | {"check": "pair.clock.skew", "target": "pool"}]))
        == []
    )


def test_a_wrong_waiver_stops_the_spec_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(SPEC.format(check="R003", target="*"))
    with pytest.raises(SpecError) as caught:
        Service(tmp_path / "state").load(path)
    (problem,) = caught.value.problems
    assert (problem.field, problem.line) == ("waivers[1].check", 12)
    assert main(["check", str(path), "--state-dir", str(tmp_path / "state")]) == 2
    assert f"{path}:12:" in capsys.readouterr().err


@pytest.mark.asyncio
async def test_an_ended_waiver_says_so_and_counts_no_more() -> None:
    ended = WAIVER | {"until": TODAY - timedelta(days=1)}
    ctx = context(server(1, owner=OTHER), server(2), waivers=[ended, WAIVER | {"check": "R009"}])
    results = await run_checks(REGISTRY, ctx)
    (hit,) = [
        one for one in results if one.id == "server.owner.this_manager" and one.target == "203.0.113.11"
    ]
    assert hit.verdict is Verdict.FAIL
    assert "ended" in hit.detail
    gone, unused = states(REGISTRY, ctx.spec.waivers, results, TODAY)
    assert gone.is_expired
    assert gone.covers == (("server.owner.this_manager", "203.0.113.11"),)
    assert not unused.is_expired
    assert unused.covers == ()
    text = "\n".join(waivers_text((gone, unused)))
    assert "counts no more" in " ".join(text.split())
    assert "covers 0 finding(s)" in " ".join(text.split())


@pytest.mark.asyncio
async def test_a_waiver_that_holds_says_what_it_covers_and_who_answers() -> None:
    ctx = context(server(1, owner=OTHER), server(2), waivers=[WAIVER])
    results = await run_checks(REGISTRY, ctx)
    (state,) = states(REGISTRY, ctx.spec.waivers, results, TODAY)
    assert state.covers == (("server.owner.this_manager", "203.0.113.11"),)
    (waived,) = [one for one in results if one.verdict is Verdict.WAIVED]
    assert waived.waived_by == f"jo until {TODAY}: moved tonight"
    assert (state.until, state.who) == (date(2026, 3, 1).isoformat(), "jo")
