"""What is told on both outputs of a terminal is told once."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, cast

import pytest

from core.cli.commands import apply, sweep
from core.errors import ExitCode
from core.models.plan import SWEEP_KEPT, Plan, PlanWarning
from core.reports import runs
from core.reports.text import sweep_text
from tests.engine.toys import toy_plan


def _nothing(*ids: str) -> Plan:
    warnings = tuple(PlanWarning(id=each, text="pool pool1 is kept: " + "word " * 40) for each in ids)
    return toy_plan("a").model_copy(update={"steps": (), "warnings": warnings})


@pytest.mark.parametrize("as_json", [False, True])
def test_a_refusal_is_told_once(
    as_json: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "refused_document", lambda *_: {})
    verdicts = cast(Any, Namespace(refusals=(), unaccepted=()))
    apply._refuse(cast(Any, None), verdicts, "FAIL one", Namespace(json=as_json))
    told = "".join(capsys.readouterr())
    assert told.count("nothing was changed") == told.count("FAIL one") == 1


@pytest.mark.parametrize(
    ("ids", "says"),
    [((), "no left-overs were found"), ((SWEEP_KEPT,), "no left-overs were found"),
     ((SWEEP_KEPT, "sweep.unseen"), "none found among what could be read")],
)  # fmt: skip
def test_a_sweep_that_finds_nothing_says_what_it_could_read(
    ids: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = _nothing(*ids)
    sweep._not_run(plan, ExitCode.DONE, Namespace(json=False))
    told = "".join(capsys.readouterr())
    assert told.startswith(says)
    assert told.count("found") == 1
    assert max(map(len, sweep_text(plan).splitlines())) <= 80
