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
from core.models.gaps import Gap, GapKind
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


def gap(kind: GapKind, *servers: str, connection: str = "agent", **more: str) -> Gap:
    return Gap.model_validate({"kind": kind, "connection": connection, "servers": servers, **more})


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
        result("b", "s1", Verdict.UNKNOWN, gaps=(gap(GapKind.UNREACHABLE, "s1"),)),
        result("b", "s2", Verdict.UNKNOWN, gaps=(gap(GapKind.UNREADABLE, "s2"),)),
    ]
    closed, nonsense = fold(registry(b=("agent",)), results)
    assert [(one.id, one.target) for one in closed.dependants] == [("b", "s1")]
    assert (nonsense.id, nonsense.targets, nonsense.dependants) == ("b", ("s2",), ())


def test_a_pool_wide_gap_stands_behind_closed_ways_only_when_all_its_servers_have_one() -> None:
    gaps = tuple(gap(GapKind.UNREACHABLE, name) for name in ("s1", "s2"))
    lacking = result("b", "pool", Verdict.UNKNOWN, servers=("s1", "s2"), gaps=gaps)
    checks = registry(b=("agent",))
    assert len(fold(checks, [result("a", "s1"), lacking])) == 2
    both = fold(checks, [result("a", "s1"), result("a", "s2"), lacking])
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
    assert len(fold(registry(), [*same, result("a", "s3", data={"pool": "p1"})])) == 2


def test_one_missing_thing_is_one_cause_whatever_asks_for_it() -> None:
    gaps = (gap(GapKind.NO_CONNECTION, connection="ssh"),)
    (cause,) = fold(registry(), [result(name, "s1", Verdict.UNKNOWN, gaps=gaps) for name in "abc"])
    assert len(cause.dependants) == 2


@pytest.mark.parametrize(
    ("one", "other", "causes"),
    [
        (gap(GapKind.REFUSED, "s1"), gap(GapKind.REFUSED, "s1", fact="kernel", text="other words"), 1),
        (gap(GapKind.REFUSED, "s1"), gap(GapKind.REFUSED, "s1", connection="ssh"), 2),
        (gap(GapKind.REFUSED, "s1"), gap(GapKind.UNREACHABLE, "s1"), 2),
        (gap(GapKind.REFUSED, "s1"), gap(GapKind.REFUSED, "s2"), 2),
        (gap(GapKind.NO_CONNECTION, "s1"), gap(GapKind.NO_CONNECTION, "s2"), 1),
        (gap(GapKind.NEEDS_WRITE, "s1", fact="x"), gap(GapKind.NEEDS_WRITE, "s2", fact="y"), 1),
        (
            gap(GapKind.FAILED, "s1", source="df", fact="x"),
            gap(GapKind.FAILED, "s1", source="df", fact="y"),
            1,
        ),
        (gap(GapKind.FAILED, "s1", source="df"), gap(GapKind.FAILED, "s1", source="ps"), 2),
        (gap(GapKind.NOT_TOLD, "s1", fact="x"), gap(GapKind.NOT_TOLD, "s1", fact="y"), 2),
        (gap(GapKind.NOT_TOLD, "s1", fact="x"), gap(GapKind.NOT_TOLD, "s1", fact="x", text="other words"), 1),
    ],
)
def test_what_two_checks_miss_has_one_cause_by_kind_and_place_never_by_its_words(
    one: Gap, other: Gap, causes: int
) -> None:
    lacking = [
        result(id_, missing.servers[0], Verdict.UNKNOWN, reason="the same words", gaps=(missing,))
        for id_, missing in (("a", one), ("b", other))
    ]
    assert len(fold(registry(), lacking)) == causes


@pytest.mark.asyncio
async def test_an_empty_bios_version_explains_neither_the_memory_nor_the_time_zone() -> None:
    empty = dict.fromkeys(("bios_version", "memory_mib", "time_zone", "kernel"))
    ctx = context(server(1, **empty), server(2, **empty))
    results = await run_checks(REGISTRY, ctx)
    causes = {
        one.id: one for one in fold(REGISTRY, [one for one in results if one.verdict is Verdict.UNKNOWN])
    }
    for id_ in ("pair.bios.same", "pair.timezone.same"):
        assert causes[id_].dependants == ()
        assert causes[id_].servers == tuple(ctx.spec.server_names)
    assert {"server.memory.minimum", "pair.kernel.same"} <= set(causes)


@pytest.mark.asyncio
async def test_the_same_cause_on_several_servers_is_told_once_with_all_of_them() -> None:
    refused = [
        result("b", name, Verdict.UNKNOWN, gaps=(gap(GapKind.REFUSED, name),)) for name in ("s1", "s2")
    ]
    behind = [result("c", "s2", Verdict.UNKNOWN, gaps=(gap(GapKind.REFUSED, "s2"),))]
    (cause,) = fold(registry(), [*refused, *behind])
    assert cause.targets == ("s1", "s2")
    assert [(one.id, one.target) for one in cause.dependants] == [("c", "s2")]


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
        st.sampled_from("abcd"),
        st.sampled_from(["s1", "s2", "pool"]),
        verdicts,
        st.sampled_from("abcd"),
        st.sampled_from(sorted(GapKind)),
    ),
    unique_by=lambda row: row[:2],
)


@given(rows, st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"))))
def test_every_bad_result_stands_in_exactly_one_cause(
    drawn: list[tuple[str, str, Verdict, str, GapKind]], explains: list[tuple[str, str]]
) -> None:
    checks = registry(b=("agent",), c=("agent",))
    for consequence, cause in explains:
        checks.explained_by(consequence, cause)
    results = [
        result(
            id_,
            target,
            verdict,
            blocked_by=(other,) if verdict is Verdict.BLOCKED else (),
            gaps=(gap(kind, target),) if verdict is Verdict.UNKNOWN else (),
        )
        for id_, target, verdict, other, kind in drawn
    ]
    told: Counter[tuple[str, str]] = Counter()
    for one in fold(checks, results):
        told.update((one.id, target) for target in one.targets)
        told.update((behind.id, behind.target) for behind in one.dependants)
    assert told == Counter(row.key for row in results if row.verdict in BAD)


def _dead(number: int) -> OvmServerFacts:
    blank = {
        name: absent("the agent cannot be reached; SSH cannot be reached", GapKind.UNREACHABLE)
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
