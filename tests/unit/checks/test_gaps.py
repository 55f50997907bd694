"""Why something is not known is data: what other code decides by never stands in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.context import Context
from core.checks.reading import gather_fact
from core.checks.registry import Registry
from core.checks.runner import run_checks
from core.checks.settle import settle
from core.models.facts import Fact, FactMissing, PlaneFact, PlaneState, ServerFacts, known
from core.models.fleet import FleetFacts
from core.models.gaps import Gap, GapKind
from core.models.results import CheckResult, Scope, Severity, Verdict, bad
from core.platforms.oracle_vm.facts import OvmServerFacts
from core.reports.checks import result_row
from tests.unit.checks.builders import NOW, REGISTRY, absent, context, server, spec

WORDS = st.sampled_from(
    ["", "not asked", "Manager does not answer", "no SSH login to the servers was given", "manager: s1, s2"]
)


def look(*names: str) -> Context[Any, Any]:
    servers = {name: ServerFacts(name=name, address=name) for name in names}
    return Context(spec(servers=list(names)), FleetFacts(servers=servers), NOW)


async def unknown(
    missing: FactMissing, ctx: Context[Any, Any], *, per_server: bool = False
) -> list[CheckResult]:
    """The results of a check that raises this."""

    def function(*_args: Any) -> Any:
        raise missing

    registry = Registry()
    registry.check(
        "x",
        scope=Scope.SERVER,
        severity=Severity.BLOCKER,
        title="",
        fix="f",
        source="",
        per_server=per_server,
    )(function)
    return list(await run_checks(registry, ctx))


@pytest.mark.asyncio
async def test_a_server_called_manager_is_not_blamed_for_what_is_said_of_manager() -> None:
    ctx = look("manager", "a", "s1")
    (result,) = await unknown(FactMissing("release", "manager was not reached; a job of s1 runs"), ctx)
    assert result.servers == ()
    (result,) = await unknown(FactMissing("clock", "too slow", servers=("s1", "gone")), ctx)
    assert result.servers == ("s1",)


@pytest.mark.asyncio
async def test_what_servers_lack_is_about_them_in_the_operators_order() -> None:
    ctx = look("b", "manager", "a")
    ctx.fleet.servers["b"] = ServerFacts(name="b", address="b", kernel=Fact[str].seen("4.1", "test", NOW))
    gathered = gather_fact(ctx, lambda facts: facts.kernel, "kernel")
    with pytest.raises(FactMissing) as caught:
        gathered.require_all()
    (result,) = await unknown(caught.value, ctx)
    assert result.servers == ("manager", "a")
    assert [(gap.kind, gap.servers) for gap in result.gaps] == [
        (GapKind.NOT_ASKED, ("manager",)),
        (GapKind.NOT_ASKED, ("a",)),
    ]


@pytest.mark.asyncio
async def test_every_unknown_of_the_real_checks_carries_its_gaps() -> None:
    fields = [name for name in OvmServerFacts.model_fields if name not in ("name", "address", "planes")]
    blank = {name: absent() for name in fields if name != "observed_at"}
    ctx = context(server(1, **blank), server(2, **blank), ssh=None)
    results = await run_checks(REGISTRY, ctx)
    open_ = [one for one in results if one.verdict is Verdict.UNKNOWN]
    assert len(open_) > 100
    for one in open_:
        assert one.gaps, one.id
        assert all(gap.text for gap in one.gaps), one.id
        if one.target not in ("pool", "manager"):
            assert {name for gap in one.gaps for name in gap.servers} == {one.target}, one.id


@pytest.mark.parametrize("kind", sorted(GapKind))
@given(words=WORDS)
def test_the_next_action_follows_from_the_kind_whatever_the_words(kind: GapKind, words: str) -> None:
    check = REGISTRY.checks["server.hostname.loopback"]
    told = settle(check, spec(), (Gap(kind=kind, connection="ssh", text=words),))
    assert told == settle(check, spec(), (Gap(kind=kind, connection="ssh", text="something else"),))
    assert ("add `ssh:`" in told) is (kind is GapKind.NO_CONNECTION)
    assert ("make the SSH login" in told) is (
        kind
        in (GapKind.UNREACHABLE, GapKind.UNTRUSTED, GapKind.REFUSED, GapKind.OLD_CRYPTO, GapKind.NOT_ASKED)
    )


@pytest.mark.parametrize("state", [one for one in PlaneState if one is not PlaneState.OK])
def test_every_state_of_a_plane_but_ok_is_a_gap(state: PlaneState) -> None:
    gap = PlaneFact(state=state, reason="because").gap("agent")
    assert (gap.connection, gap.text) == ("agent", "because")


def test_a_fact_without_value_always_has_a_gap_and_one_with_a_value_none() -> None:
    assert [gap.kind for gap in Fact[str]().why_missing] == [GapKind.NOT_ASKED]
    old = Fact[str].model_validate({"missing": "told by a version before gaps"})
    assert [gap.text for gap in old.why_missing] == ["told by a version before gaps"]
    assert Fact[str].seen(None, "test", NOW).why_missing == ()
    with pytest.raises(FactMissing) as caught:
        known(Fact[str].seen(None, "test", NOW), "kernel")
    assert [(gap.kind, gap.fact, gap.source) for gap in caught.value.gaps] == [
        (GapKind.NOT_TOLD, "kernel", "test")
    ]


@pytest.mark.asyncio
async def test_the_json_of_a_result_holds_gaps_and_values_beside_the_sentences() -> None:
    ctx = context(server(1), server(2, kernel="5.4"), server(3, time_zone=absent()))
    rows = {row["id"]: row for row in map(result_row, await run_checks(REGISTRY, ctx))}
    names = [facts.name for facts in ctx.servers]
    assert rows["pair.kernel.same"]["data"] == {
        "values": {name: "5.4" if name == names[1] else server(1).kernel.value for name in names},
        "few": [names[1]],
        "most": [names[0], names[2]],
        "value": server(1).kernel.value,
    }
    (told,) = rows["pair.timezone.same"]["gaps"]
    assert (told["kind"], told["connection"], told["servers"]) == ("no_connection", "ssh", [names[2]])
    old = {key: value for key, value in rows["pair.kernel.same"].items() if key not in ("gaps", "data")}
    assert (
        CheckResult.model_validate({key: old[key] for key in old if key not in ("age_s", "stale")}).data == {}
    )


@pytest.mark.asyncio
async def test_data_of_servers_is_as_inert_as_the_sentences() -> None:
    registry = Registry()
    registry.check("x", scope=Scope.POOL, severity=Severity.INFO, title="", fix="f", source="")(
        lambda _ctx: bad("seen", fix="do", data={"\x1b[2J": ["\x1b]0;x\x07", 1, None]})
    )
    (result,) = await run_checks(registry, look("a"))
    assert "\x1b" not in json.dumps(result.data, ensure_ascii=False)
    assert next(iter(result.data.values()))[1:] == [1, None]
