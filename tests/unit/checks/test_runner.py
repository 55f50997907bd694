"""The runner: prerequisites, waivers, crashes, re-runs; and what a plan may be applied on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.context import Context
from core.checks.judge import judge, judge_spec
from core.checks.registry import Registry
from core.checks.runner import ordered, run_checks, stream_checks, summary
from core.models.facts import FactMissing, ServerFacts
from core.models.fleet import FleetFacts
from core.models.gaps import GapKind
from core.models.results import CheckResult, Finding, Scope, Severity, Verdict, bad, not_applicable, ok
from core.platforms.base import Platform
from core.platforms.oracle_vm.platform import PLATFORM
from tests.unit.checks.builders import (
    LUN,
    NOW,
    OTHER,
    REGISTRY,
    absent,
    context,
    haswell,
    lun,
    nfs,
    server,
    sparc,
    spec,
)

_platform: Platform = PLATFORM  # the whole protocol is satisfied


def registered(registry: Registry, id_: str, answer: Any, **how: Any) -> None:
    """A check that answers with a Finding, or raises, or calls."""

    def function(*_args: Any) -> Finding:
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Finding) else answer()

    values: dict[str, Any] = {"scope": Scope.POOL, "severity": Severity.BLOCKER, "title": id_, "fix": "mend"}
    registry.check(id_, source="test", **(values | how))(function)


def look(*names: str, **more: Any) -> Context[Any, Any]:
    wanted = spec(servers=list(names) or ["a"], **more)
    servers = {name: ServerFacts(name=name, address=name) for name in names or ("a",)}
    return Context(wanted, FleetFacts(servers=servers), NOW)


async def run(registry: Registry, ctx: Context[Any, Any], **how: Any) -> dict[tuple[str, str], CheckResult]:
    return {result.key: result for result in await run_checks(registry, ctx, **how)}


HIT = bad("seen", fix="do")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "severity", "expected"),
    [
        (ok("fine"), Severity.BLOCKER, Verdict.PASS),
        (HIT, Severity.BLOCKER, Verdict.FAIL),
        (HIT, Severity.WARNING, Verdict.WARN),
        (HIT, Severity.INFO, Verdict.INFO),
        (bad("seen", fix="do", severity=Severity.INFO), Severity.BLOCKER, Verdict.INFO),
        (not_applicable("why"), Severity.BLOCKER, Verdict.NOT_APPLICABLE),
        (FactMissing("name", "nobody asked"), Severity.BLOCKER, Verdict.UNKNOWN),
        (KeyError("bug"), Severity.BLOCKER, Verdict.UNKNOWN),
        (RecursionError(), Severity.INFO, Verdict.UNKNOWN),
    ],
)
async def test_a_finding_and_its_severity_make_the_verdict(
    answer: Any, severity: Severity, expected: Verdict
) -> None:
    registry = Registry()
    registered(registry, "x.y.z", answer, severity=severity)
    (result,) = await run_checks(registry, look())
    assert result.verdict is expected
    assert result.detail
    if not isinstance(answer, Finding) or answer.severity is None:
        assert result.severity is severity


@pytest.mark.asyncio
async def test_a_crash_is_told_and_its_text_is_inert() -> None:
    registry = Registry()
    registered(registry, "a.a.a", ValueError("\x1b[2J\nboom"))
    registered(registry, "b.b.b", ok("still runs"))
    results = await run(registry, look())
    assert "boom" in results["a.a.a", "pool"].detail
    assert [gap.kind for gap in results["a.a.a", "pool"].gaps] == [GapKind.CHECK_FAILED]
    assert results["a.a.a", "pool"].reason == ""  # nothing was missing
    assert "\x1b" not in results["a.a.a", "pool"].detail
    assert results["b.b.b", "pool"].verdict is Verdict.PASS


@pytest.mark.asyncio
async def test_what_fails_blocks_what_needs_it_even_when_registered_later_and_over_two_steps() -> None:
    registry = Registry()
    registered(registry, "c", ok("c"), needs=("b",))
    registered(registry, "b", ok("b"), needs=("a",))
    registered(registry, "a", HIT)
    registered(registry, "d", not_applicable("does not arise"), needs=("a",))
    streamed = [result.id async for result in stream_checks(registry, look())]
    assert streamed.index("a") < streamed.index("b") < streamed.index("c")
    results = await run(registry, look())
    assert list(results) == [("c", "pool"), ("b", "pool"), ("a", "pool"), ("d", "pool")]
    assert results["b", "pool"].verdict is Verdict.BLOCKED
    assert results["b", "pool"].blocked_by == ("a",)
    assert results["c", "pool"].blocked_by == ("b",)
    assert results["d", "pool"].verdict is Verdict.NOT_APPLICABLE


@pytest.mark.asyncio
async def test_one_server_that_fails_blocks_only_itself() -> None:
    registry = Registry()
    check = registry.check(
        "s", scope=Scope.SERVER, severity=Severity.BLOCKER, title="", fix="f", source="", per_server=True
    )
    check(lambda facts, ctx: HIT if facts.name == "a" else ok("fine"))
    registered(registry, "t", ok("t"), scope=Scope.SERVER, per_server=True, needs=("s",))
    registered(registry, "pool.t", ok("t"), needs=("s",))
    results = await run(registry, look("a", "b"))
    assert results["t", "a"].verdict is Verdict.BLOCKED
    assert results["t", "b"].verdict is Verdict.PASS
    assert results["pool.t", "pool"].verdict is Verdict.PASS
    both = await run(registry, look("a"))
    assert both["pool.t", "pool"].verdict is Verdict.BLOCKED


def test_needs_in_a_circle_or_into_nothing_are_refused() -> None:
    circle = Registry()
    registered(circle, "a", ok(""), needs=("b",))
    registered(circle, "b", ok(""), needs=("a",))
    with pytest.raises(ValueError, match="circle"):
        ordered(circle)
    loose = Registry()
    registered(loose, "a", ok(""), needs=("nowhere",))
    with pytest.raises(ValueError, match="nowhere"):
        ordered(loose)
    with pytest.raises(ValueError, match="taken"):
        registered(circle, "a", ok(""))


def waiver(check: str, *, target: str = "*", until: date = date(2026, 3, 1)) -> dict[str, Any]:
    return {"check": check, "target": target, "reason": "known", "who": "jo", "until": until}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "acceptable", "expected"),
    [
        (waiver("x"), True, Verdict.WAIVED),
        (waiver("R999"), True, Verdict.WAIVED),
        (waiver("x", target="a"), True, Verdict.WAIVED),
        (waiver("x", target="b"), True, Verdict.FAIL),
        (waiver("y"), True, Verdict.FAIL),
        (waiver("x", until=date(2026, 2, 28)), True, Verdict.FAIL),
        (waiver("x"), False, Verdict.FAIL),
    ],
)
async def test_a_waiver_holds_for_its_check_its_target_and_until_its_day(
    given: dict[str, Any], acceptable: bool, expected: Verdict
) -> None:
    registry = Registry()
    how = {"scope": Scope.SERVER, "per_server": True, "rules": ("R999",), "acceptable": acceptable}
    registered(registry, "x", HIT, **how)
    (result,) = await run_checks(registry, look("a", waivers=[given]))
    assert result.verdict is expected
    assert ("jo" in result.waived_by) is (expected is Verdict.WAIVED)
    if given["until"] < date(2026, 3, 1):
        assert "ended on 2026-02-28" in result.detail


@pytest.mark.asyncio
async def test_a_waiver_never_covers_what_was_not_looked_at_nor_servers_it_does_not_name() -> None:
    registry = Registry()
    registered(registry, "x", FactMissing("a", "b"))
    registered(registry, "y", bad("both", fix="do", servers=("a", "b")))
    given = [waiver("x"), waiver("y", target="a")]
    results = await run(registry, look("a", "b", waivers=given))
    assert results["x", "pool"].verdict is Verdict.UNKNOWN
    assert results["y", "pool"].verdict is Verdict.FAIL


@pytest.mark.asyncio
async def test_a_rerun_replaces_only_what_it_concerns() -> None:
    calls: list[str] = []

    def counting(name: str) -> Any:
        def answer() -> Finding:
            calls.append(name)
            return ok(name)

        return answer

    registry = Registry()
    registered(registry, "s", counting("s"), scope=Scope.SERVER, per_server=True, touches=("servers",))
    registered(registry, "p", counting("p"), touches=("pool.timeout_s",), rules=("R044",))
    ctx = look("a", "b")
    base = await run_checks(registry, ctx)
    assert len(base) == 3
    for how, expected in (
        ({"servers": ["b"]}, ["s", "p"]),
        ({"only": ["R044"]}, ["p"]),
        ({"only": ["s"]}, ["s", "s"]),
        ({"touched": ["pool.timeout_s"]}, ["p"]),
        ({"touched": ["pool"]}, ["p"]),
        ({"touched": ["servers[0].address"]}, ["s", "s"]),
        ({"touched": ["pool.name"]}, []),
    ):
        calls.clear()
        again = await run_checks(registry, ctx, base=base, **how)  # type: ignore[arg-type]
        assert (calls, len(again)) == (expected, 3)
    gone = await run_checks(registry, look("b"), base=base, only=["p"])
    assert [result.key for result in gone] == [("s", "b"), ("p", "pool")]


@pytest.mark.asyncio
async def test_results_stream_as_they_are_made_and_are_counted() -> None:
    streamed: list[CheckResult] = []

    async def keep(result: CheckResult) -> None:
        streamed.append(result)

    results = await run_checks(REGISTRY, context(), on_result=keep)
    assert {result.key for result in streamed} == {result.key for result in results}
    assert sum(summary(results).counts.values()) == len(results)


def why_not(ctx: Any, results: Any, accept: Any = ()) -> tuple[set[str], set[str]]:
    refusals, unaccepted = judge(REGISTRY, results, accept)
    return {result.id for result in refusals}, {result.id for result in unaccepted}


@pytest.mark.asyncio
async def test_a_healthy_fleet_may_be_applied_with_nothing_but_unknown_warnings() -> None:
    three = (server(1), server(2), server(3))
    for ctx in (
        context(*three),
        context(*three, pool={"file_system": LUN}),
        context(*three, pool={"clustered": False, "file_system": None}),
    ):
        results = await run_checks(REGISTRY, ctx)
        assert why_not(ctx, results) == (set(), set())
        odd = {
            r.id for r in results if r.verdict in (Verdict.WARN, Verdict.FAIL, Verdict.INFO, Verdict.BLOCKED)
        }
        assert odd <= {"input.clustered.limits"}
        unknown = {r.id: r.severity for r in results if r.verdict is Verdict.UNKNOWN}
        assert set(unknown) <= {"storage.nfs.writable", "storage.nfs.root"}
        assert Severity.BLOCKER not in unknown.values()


@pytest.mark.asyncio
async def test_an_unknown_blocker_needs_an_acceptance_by_check_or_rule_id() -> None:
    ctx = context(server(1, vip_holder_mac=absent()), server(2, vip_holder_mac=absent()))
    results = await run_checks(REGISTRY, ctx)
    assert why_not(ctx, results) == (set(), {"network.vip.unused"})
    assert why_not(ctx, results, ["R010"]) == (set(), set())
    assert why_not(ctx, results, ["network.vip.unused"]) == (set(), set())
    assert why_not(ctx, results, ["R011"]) == (set(), {"network.vip.unused"})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("facts", "pool", "check_id", "rule"),
    [
        ({"pool_nfs": nfs(entries=None)}, {}, "storage.nfs.empty", "R003"),
        ({"pool_lun": lun(signatures=None)}, {"file_system": LUN}, "storage.lun.clean", "R002"),
        ({"pool_lun": lun(holders=None)}, {"file_system": LUN}, "storage.lun.free", "R073"),
    ],
)
async def test_what_could_destroy_data_is_never_accepted(
    facts: dict[str, Any], pool: dict[str, Any], check_id: str, rule: str
) -> None:
    waivers = [waiver(rule), waiver(check_id)]
    ctx = context(server(1, **facts), server(2, **facts), pool=pool, waivers=waivers)
    results = await run_checks(REGISTRY, ctx)
    refusals, _ = why_not(ctx, results, [rule, check_id])
    assert check_id in refusals


@pytest.mark.asyncio
async def test_a_vendor_mix_waits_for_r028_and_an_architecture_mix_is_always_refused() -> None:
    amd = haswell(vendor="AuthenticAMD", family="23", model="1")
    mixed = context(server(1), server(2, cpu=amd))
    results = await run_checks(REGISTRY, mixed)
    assert why_not(mixed, results) == (set(), {"pair.cpu.vendor"})
    assert why_not(mixed, results, ["R028"]) == (set(), set())
    worlds = context(server(1), server(2, cpu=sparc()), waivers=[waiver("R036")])
    results = await run_checks(REGISTRY, worlds)
    assert "pool.arch.same" in why_not(worlds, results, ["R036", "R028"])[0]


@pytest.mark.asyncio
async def test_a_failed_blocker_is_refused_even_when_accepted_but_not_when_waived() -> None:
    ctx = context(server(1, owner=OTHER))
    results = await run_checks(REGISTRY, ctx)
    assert "server.owner.this_manager" in why_not(ctx, results, ["R004"])[0]
    waived = context(server(1, owner=OTHER), waivers=[waiver("R004", target="203.0.113.11")])
    assert why_not(waived, await run_checks(REGISTRY, waived))[0] == set()


def test_the_spec_alone_names_the_field_to_blame() -> None:
    wrong = spec(pool={"timeout_s": 5, "keymap": "xx", "virtual_ip": "127.0.0.1"}, servers=["a", "A"])
    found = dict(judge_spec(PLATFORM, wrong))
    assert set(found) == {"pool.timeout_s", "pool.keymap", "pool.virtual_ip", "servers"}
    assert "R044" in found["pool.timeout_s"].rules
    assert judge_spec(PLATFORM, spec()) == []


def test_without_ssh_the_operator_is_told_what_would_settle_it() -> None:
    from tests.unit.checks.builders import judge as one

    result = one("network.vip.unused", context(server(1, vip_holder_mac=absent()), ssh=None))
    assert result.verdict is Verdict.UNKNOWN
    assert "add `ssh:`" in result.fix


VERDICTS = st.sampled_from(list(Verdict))


@given(st.dictionaries(st.sampled_from(sorted(REGISTRY.checks)), VERDICTS, min_size=1))
def test_nothing_unseen_or_broken_passes_without_a_word(verdicts: dict[str, Verdict]) -> None:
    results = [
        CheckResult(
            id=id_,
            rules=REGISTRY.checks[id_].rules,
            scope=REGISTRY.checks[id_].scope,
            target="pool",
            verdict=found,
            severity=REGISTRY.checks[id_].severity,
            title="",
            detail="",
        )
        for id_, found in verdicts.items()
    ]
    refusals, unaccepted = judge(REGISTRY, results, ())
    stopped = {result.id for result in (*refusals, *unaccepted)}
    for id_, found in verdicts.items():
        is_blocker = REGISTRY.checks[id_].severity is Severity.BLOCKER
        if found is Verdict.FAIL or (is_blocker and found in (Verdict.UNKNOWN, Verdict.BLOCKED)):
            assert id_ in stopped
    still, _ = judge(REGISTRY, results, list(REGISTRY.checks))
    assert {result.id for result in still} == {result.id for result in refusals}
