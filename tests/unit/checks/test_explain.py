"""Explain and the list of checks: every rule and every check answers, without any server."""

from __future__ import annotations

import json

import pytest

from core.checks.explain import advice, explain
from core.cli.main import main
from core.errors import UsageError
from core.reports.explain import explain_text
from tests.unit.checks.builders import REGISTRY

RULES = [f"R{number:03d}" for number in range(1, 131)]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_judged_by_a_check_or_listed_with_its_reason(rule: str) -> None:
    head, *checks = explain(REGISTRY, rule)
    assert (head.id, head.kind) == (rule, "rule")
    assert head.what
    assert bool(head.reason) is not bool(checks)
    assert head.reason != "no check judges it", f"{rule} has neither a check nor a reason"
    assert head.checks == tuple(each.id for each in checks)


@pytest.mark.parametrize("check", list(REGISTRY), ids=lambda check: check.id)
def test_every_check_tells_what_why_how_and_what_to_do(check: object) -> None:
    (one,) = explain(REGISTRY, check.id)  # type: ignore[attr-defined]
    assert all((one.what, one.why, one.observed, one.fix, one.source, one.releases, one.severity))
    assert all(len(line) <= 80 for line in explain_text([one]).splitlines())


def test_an_unknown_word_is_bad_input_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'server\.hostname\.loopback'"):
        explain(REGISTRY, "server.hostname.lopback")
    assert main(["explain", "nonsense"]) == 2
    assert not capsys.readouterr().out


def test_advice_and_checks_divide_the_rule_book() -> None:
    told = {one.id for one in advice(REGISTRY)}
    judged = {rule for check in REGISTRY for rule in check.rules}
    assert not told & judged
    assert set(RULES) <= told | judged


def test_the_list_of_checks_has_exactly_the_promised_shape(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"schema", "checks"}
    assert document["schema"] == "poolwright.checks/1"
    assert len(document["checks"]) == len(REGISTRY) >= 120
    keys = {"id", "rules", "scope", "severity", "planes", "fix", "source"}
    assert all(set(row) == keys for row in document["checks"])
    assert len({row["id"] for row in document["checks"]}) == len(REGISTRY)


def test_the_list_as_text_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks"]) == 0
    shown = capsys.readouterr().out
    assert all(check.id in shown for check in REGISTRY)


def test_explain_as_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "R001", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "poolwright.explain/1"
    assert [one["id"] for one in document["explanations"]][:2] == ["R001", "server.hostname.loopback"]
