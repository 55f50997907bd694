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
from core.platforms.oracle_vm.facts import AgentLogin, OvmServerFacts
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


CHECK = REGISTRY.checks["server.hostname.loopback"]
CONNECTIONS = ("agent", "ssh", "manager", "")
FITS = {
    GapKind.NOT_ASKED: "was not asked",
    GapKind.NOT_POSSIBLE: "settle what is named here",
    GapKind.NO_CONNECTION: "the spec",
    GapKind.UNREACHABLE: "answer, then check again",
    GapKind.UNTRUSTED: "compare the fingerprint",
    GapKind.REFUSED: "password",
    GapKind.OLD_CRYPTO: "allow_old_crypto",
    GapKind.TIMED_OUT: "takes so long",
    GapKind.FAILED: "went wrong",
    GapKind.UNREADABLE: "cannot be read",
    GapKind.NOT_TOLD: "by hand",
    GapKind.NEEDS_WRITE: "beforehand",
    GapKind.CHECK_FAILED: "report this",
}
OWNED = server(1, agent_login=Fact(value=AgentLogin.REFUSED_OWNED, missing=None))


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("kind", sorted(GapKind))
@given(words=WORDS)
def test_the_next_action_follows_from_kind_and_connection_whatever_the_words(
    kind: GapKind, connection: str, words: str
) -> None:
    ctx = context(server(1))
    told = settle(CHECK, ctx, (Gap(kind=kind, connection=connection, text=words),))
    assert told == settle(CHECK, ctx, (Gap(kind=kind, connection=connection, text="something else"),))
    assert FITS[kind] in told
    named = {"agent": "agent", "ssh": "SSH", "manager": "Manager"}
    if kind in (GapKind.REFUSED, GapKind.UNREACHABLE):
        assert [word for word in named.values() if word in told] == (
            [named[connection]] if connection else []
        )
    assert ("make " in told and " answer" in told) is (kind is GapKind.UNREACHABLE)
    assert "{" not in told


def test_every_kind_has_its_sentence_and_no_two_share_one() -> None:
    assert set(FITS) == set(GapKind)
    for connection in CONNECTIONS:
        gaps = [Gap(kind=kind, connection=connection) for kind in GapKind]
        assert len({settle(CHECK, context(server(1)), (gap,)) for gap in gaps}) == len(GapKind)


def test_a_refused_agent_of_an_owned_server_needs_nothing() -> None:
    ctx = context(OWNED, server(2))
    mine = Gap(kind=GapKind.REFUSED, connection="agent", servers=(OWNED.name,))
    told = settle(CHECK, ctx, (mine,))
    assert told.startswith("nothing to do: a Manager owns the server")
    assert "check again" not in told
    free = Gap(kind=GapKind.REFUSED, connection="agent", servers=(ctx.spec.server_names[1],))
    assert settle(CHECK, ctx, (mine, free)) == "check the user and password of the agent, then check again"
    shut = Gap(kind=GapKind.UNREACHABLE, connection="ssh", servers=(OWNED.name,))
    assert settle(CHECK, ctx, (mine, shut)) == "make the server's SSH service answer, then check again"
    over_ssh = Gap(kind=GapKind.REFUSED, connection="ssh", servers=(OWNED.name,))
    assert "SSH login" in settle(CHECK, ctx, (over_ssh,))


def test_two_connections_are_two_ways_and_two_troubles_of_one_are_both_to_be_mended() -> None:
    def gap(kind: GapKind, connection: str) -> Gap:
        return Gap(kind=kind, connection=connection)

    gaps = (gap(GapKind.UNREACHABLE, "agent"), gap(GapKind.REFUSED, "agent"), gap(GapKind.UNTRUSTED, "ssh"))
    assert settle(CHECK, context(server(1)), gaps) == (
        "make the server's agent answer and check the user and password of the agent or compare the fingerprint of "
        "the server's SSH service with the real one, and confirm it, then check again"
    )


@pytest.mark.asyncio
async def test_one_agent_on_all_servers_of_a_living_pool_says_what_fits() -> None:
    shut = Gap(kind=GapKind.REFUSED, connection="agent", text="the agent refuses the login")
    owned = [
        server(number, agent_version=Fact[str].absent(shut.on(name)), agent_login=OWNED.agent_login)
        for number, name in ((1, server(1).name), (2, server(2).name))
    ]
    (result,) = await run_checks(REGISTRY, context(*owned), only=["pair.agent.same"])
    assert result.verdict is Verdict.UNKNOWN
    assert result.fix.startswith("nothing to do")


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
