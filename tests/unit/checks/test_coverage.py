"""Coverage and stale marks: what is known, why the rest is not, and what is too old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.checks.coverage import cover
from core.checks.runner import run_checks
from core.checks.stale import age_words, changed_fields, stale
from core.models.results import CheckResult, Verdict
from tests.unit.checks.builders import NOW, REGISTRY, VIP, absent, context, server, spec
from tests.unit.checks.test_folding import result


def test_what_does_not_apply_is_no_part_of_it_and_unknown_is_never_verified() -> None:
    answers = [
        result("a", verdict=Verdict.PASS),
        result("b", verdict=Verdict.FAIL),
        result("c", verdict=Verdict.UNKNOWN, reason="no login"),
        result("d", verdict=Verdict.BLOCKED, blocked_by=("b",)),
        result("e", verdict=Verdict.WAIVED),
        result("f", verdict=Verdict.NOT_APPLICABLE),
        result("g", "pool", Verdict.PASS),
    ]
    report = cover(answers, ["s1", "s2"])
    whole = report.overall
    assert (whole.verified, whole.unknown, whole.waived, whole.total, whole.score_pct) == (3, 2, 1, 6, 50)
    assert {gap.reason: gap.results for gap in whole.gaps} == {
        "no login": (("c", "s1"),),
        "b failed": (("d", "s1"),),
    }
    assert report.servers["s1"].total == 5
    assert (report.servers["s2"].total, report.servers["s2"].score_pct) == (0, 0)


def test_the_score_is_100_only_when_everything_is_verified() -> None:
    many = [result(f"c{number}", verdict=Verdict.PASS) for number in range(999)]
    assert cover(many, []).overall.score_pct == 100
    assert cover([*many, result("x", verdict=Verdict.UNKNOWN)], []).overall.score_pct == 99


@pytest.mark.asyncio
async def test_an_unknown_carries_the_reason_of_the_look() -> None:
    results = await run_checks(
        REGISTRY, context(server(1, own_name_addresses=absent("no login was given")), server(2))
    )
    (gap,) = [
        one
        for one in cover(results, ["203.0.113.11"]).servers["203.0.113.11"].gaps
        if "no login" in one.reason
    ]
    assert ("server.hostname.loopback", "203.0.113.11") in gap.results


def by_key(results: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {one.id: one for one in results}


@pytest.mark.asyncio
async def test_a_result_is_as_old_as_the_facts_it_rests_on() -> None:
    old = server(2).model_copy(update={"observed_at": NOW - timedelta(minutes=20)})
    results = await run_checks(REGISTRY, context(server(1), old))
    marked = {(one.id, one.target): one.why for one in stale(REGISTRY, results, NOW)}
    assert marked["server.hostname.loopback", "203.0.113.12"] == "seen 20 min ago"
    assert ("server.hostname.loopback", "203.0.113.11") not in marked
    assert marked["pair.names.unique", "pool"] == "seen 20 min ago"
    assert not any(REGISTRY.checks[id_].spec_only for id_, _ in marked)


@pytest.mark.asyncio
async def test_a_changed_field_marks_what_it_touches_and_nothing_else() -> None:
    before, after = spec(), spec(pool={"virtual_ip": "203.0.113.99"})
    touched = changed_fields(before, after)
    assert touched == ("pool.virtual_ip",)
    marked = {one.id for one in stale(REGISTRY, await run_checks(REGISTRY, context()), NOW, touched=touched)}
    assert "network.vip.unused" in marked
    assert "pair.cpu.vendor" not in marked
    assert all(
        any("virtual_ip" in field or field == "pool" for field in REGISTRY.checks[one].touches)
        for one in marked
    )


def test_a_waiver_or_an_acceptance_changes_no_facts() -> None:
    assert changed_fields(spec(), spec(accept=["R028"])) == ()
    assert changed_fields(spec(), spec()) == ()
    assert changed_fields(spec(pool={"virtual_ip": VIP}), spec(servers=["203.0.113.13"])) == ("servers",)


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 d")]
)
def test_ages_read_well(seconds: float, words: str) -> None:
    assert age_words(seconds) == words
