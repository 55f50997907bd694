"""Results fold to root causes: everything wrong or not known stands behind exactly one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.folding import fold
from core.checks.registry import Registry
from core.checks.runner import run_checks
from core.models.facts import PlaneFact, PlaneState
from core.models.results import CheckResult, Finding, Scope, Severity, Verdict
from core.platforms.oracle_vm.facts import OvmServerFacts
from tests.unit.checks.builders import REGISTRY, absent, context, server

GONE = PlaneFact(state=PlaneState.UNREACHABLE, reason="no route")
BAD = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.BLOCKED})


def result(id_: str, target: str = "s1", verdict: Verdict = Verdict.FAIL, **more: object) -> CheckResult:
    values: dict[str, object] = {
        "rules": (), "scope": Scope.SERVER, "severity": Severity.BLOCKER, "title": id_, "detail": f"{id_} hit",
        "servers": (target,) if target not in ("pool", "manager") else (),
    }  # fmt: skip
    return CheckResult.model_validate({"id": id_, "target": target, "verdict": verdict, **values, **more})


def registry(**planes: tuple[str, ...]) -> Registry:
    """Checks a, b, c, ... by name, each looking through its planes; `a` tells whether the agent can be used."""
    made = Registry()
    for name in ("a", "b", "c", "d"):
        made.check(
            name, scope=Scope.SERVER, severity=Severity.BLOCKER, title=name, fix="f", source="s",
            planes=planes.get(name, ()), per_server=True,
        )(_never)  # fmt: skip
    made.gate("agent", "a")
    return made


def _never() -> Finding:
    raise AssertionError("folding asks no check")


def test_what_is_blocked_stands_behind_the_end_of_its_chain() -> None:
    results = [
        result("a"),
        result("b", verdict=Verdict.BLOCKED, blocked_by=("a",)),
        result("c", verdict=Verdict.BLOCKED, blocked_by=("b",)),
    ]
    (cause,) = fold(registry(), results)
    assert cause.id == "a"
    assert [one.id for one in cause.dependants] == ["b", "c"]


def test_what_is_not_known_through_a_closed_way_stands_behind_it_only_on_the_same_server() -> None:
    results = [
        result("a", "s1"),
        result("b", "s1", Verdict.UNKNOWN, reason="the agent cannot be reached"),
        result("b", "s2", Verdict.UNKNOWN, reason="it told nonsense"),
    ]
    closed, nonsense = fold(registry(b=("agent",)), results)
    assert [(one.id, one.target) for one in closed.dependants] == [("b", "s1")]
    assert (nonsense.id, nonsense.targets, nonsense.dependants) == ("b", ("s2",), ())


def test_a_pool_wide_gap_stands_behind_closed_ways_only_when_all_its_servers_have_one() -> None:
    gap = result("b", "pool", Verdict.UNKNOWN, servers=("s1", "s2"), reason="s1, s2: gone")
    checks = registry(b=("agent",))
    assert len(fold(checks, [result("a", "s1"), gap])) == 2
    both = fold(checks, [result("a", "s1"), result("a", "s2"), gap])
    assert [cause.id for cause in both] == ["a"]
    assert both[0].targets == ("s1", "s2")


def test_a_hit_that_another_explains_is_a_consequence_of_it() -> None:
    checks = registry()
    checks.explained_by("b", "a")
    (cause,) = fold(checks, [result("a", "s1"), result("b", "s1")])
    assert cause.id == "a"
    assert len(fold(checks, [result("a", "s1"), result("b", "s2")])) == 2
    assert len(fold(checks, [result("b", "s1")])) == 1


def test_checks_that_explain_each_other_end_somewhere() -> None:
    checks = registry()
    checks.explained_by("b", "a")
    checks.explained_by("a", "b")
    (cause,) = fold(checks, [result("a"), result("b")])
    assert len(cause.dependants) == 1


def test_equal_findings_of_several_servers_are_one_cause_and_others_are_not() -> None:
    same = [result("a", name, detail=f"{name} is wrong", fix=f"mend {name}") for name in ("s1", "s2")]
    (cause,) = fold(registry(), same)
    assert cause.targets == ("s1", "s2")
    assert cause.fixes == ("mend s1", "mend s2")
    assert len(fold(registry(), [*same, result("a", "s3", detail="s3 is otherwise wrong")])) == 2


def test_one_missing_thing_is_one_cause_whatever_asks_for_it() -> None:
    gaps = [result(name, "s1", Verdict.UNKNOWN, reason="no login was given") for name in "abc"]
    (cause,) = fold(registry(), gaps)
    assert len(cause.dependants) == 2


def test_blockers_come_before_warnings() -> None:
    causes = fold(
        registry(),
        [
            result("a", verdict=Verdict.WARN, severity=Severity.WARNING),
            result("b"),
            result("c", verdict=Verdict.PASS),
        ],
    )
    assert [cause.id for cause in causes] == ["b", "a"]


verdicts = st.sampled_from(sorted(Verdict))
rows = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from(["s1", "s2", "pool"]), verdicts, st.sampled_from("abcd")
    ),
    unique_by=lambda row: row[:2],
)


@given(rows, st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"))))
def test_every_bad_result_stands_in_exactly_one_cause(
    drawn: list[tuple[str, str, Verdict, str]], explains: list[tuple[str, str]]
) -> None:
    checks = registry(b=("agent",), c=("agent",))
    for consequence, cause in explains:
        checks.explained_by(consequence, cause)
    results = [
        result(id_, target, verdict, blocked_by=(other,) if verdict is Verdict.BLOCKED else (), reason="r")
        for id_, target, verdict, other in drawn
    ]
    told: Counter[tuple[str, str]] = Counter()
    for one in fold(checks, results):
        told.update((one.id, target) for target in one.targets)
        told.update((behind.id, behind.target) for behind in one.dependants)
    assert told == Counter(row.key for row in results if row.verdict in BAD)


def _dead(number: int) -> OvmServerFacts:
    blank = {
        name: absent("the agent cannot be reached; SSH cannot be reached")
        for name in server(number).model_fields_set
    }
    keep = {"name", "address", "planes", "observed_at"}
    return server(
        number,
        **{name: fact for name, fact in blank.items() if name not in keep},
        planes={"agent": GONE, "ssh": GONE},
    )


@pytest.mark.asyncio
async def test_a_dead_server_blocks_its_dependants_and_is_told_as_its_two_closed_ways() -> None:
    ctx = context(server(1), _dead(2), server(3))
    results = await run_checks(REGISTRY, ctx)
    dead = [one for one in results if one.target == "203.0.113.12"]
    assert sum(one.verdict is Verdict.BLOCKED for one in dead) >= 10
    assert not [one for one in dead if one.verdict is Verdict.UNKNOWN and set(one.blocked_by)]
    causes = [one for one in fold(REGISTRY, results) if one.servers == ("203.0.113.12",)]
    assert {one.id for one in causes} == {"network.agent.port", "server.ssh.reachable"}
    assert sum(len(one.dependants) for one in causes) >= 20
