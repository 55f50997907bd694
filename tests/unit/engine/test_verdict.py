"""What may be said after a verification: never more than was seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.verdict import counts, judge_verification
from core.errors import ExitCode
from core.models.events import Outcome, Verified
from core.models.plan import Plan, Unobservable
from tests.examples import examples


def item(id_: str, holds: bool | None, *, essential: bool = True) -> Verified:
    return Verified(id=id_, title=f"title of {id_}", holds=holds, detail="why", is_essential=essential)


def plan(*accepted: str) -> Plan:
    items = tuple(Unobservable(id=id_, title=id_, why="no login") for id_ in accepted)
    return Plan(platform="toy", pool="p", steps=(), unobservable=items)


CREATED, UNVERIFIED = Outcome.CREATED, Outcome.CREATED_UNVERIFIED


@pytest.mark.parametrize(
    ("items", "accepted", "outcome", "text"),
    [
        ([item("a", True)], "", CREATED, "Created. 1 of 1 verifications passed."),
        (
            [item("a", True), item("b", None)],
            "b",
            CREATED,
            "Created. 1 of 2 verifications passed, 1 could not be checked.",
        ),
        (
            [item("a", True), item("b", None, essential=False), item("c", False, essential=False)],
            "",
            CREATED,
            "Created. 1 of 3 verifications passed, 1 failed, 1 could not be checked.",
        ),
        (
            [item("a", True), item("b", None)],
            "a",
            UNVERIFIED,
            "Created, not verified: title of b: why. 1 of 2 verifications passed, 1 could not be checked.",
        ),
        ([], "", UNVERIFIED, "Created, not verified: No verification was made."),
        (
            [item("a", None), item("b", None)],
            "a b",
            UNVERIFIED,
            "Created, not verified: 0 of 2 verifications passed, 2 could not be checked.",
        ),
        (
            [item("a", True, essential=False)],
            "",
            UNVERIFIED,
            "Created, not verified: 1 of 1 verifications passed.",
        ),
        ([item("a", False), item("b", None)], "a b", None, "verification: title of a: why"),
    ],
)
def test_the_outcome_says_what_was_seen(
    items: list[Verified], accepted: str, outcome: Outcome | None, text: str
) -> None:
    verdict = judge_verification(items, plan(*accepted.split()))
    assert (verdict.outcome, verdict.text) == (outcome, text)


ITEMS = st.lists(
    st.builds(
        lambda id_, holds, essential: item(id_, holds, essential=essential),
        st.sampled_from("abcdef"),
        st.none() | st.booleans(),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)


@examples(200)
@given(ITEMS, st.sets(st.sampled_from("abcdef")))
def test_created_is_never_said_of_what_nobody_saw_and_nobody_accepted(
    items: list[Verified], accepted: set[str]
) -> None:
    verdict = judge_verification(items, plan(*accepted))
    essential = [one for one in items if one.is_essential]
    if verdict.outcome is Outcome.CREATED:
        assert any(one.holds for one in essential)
        assert all(one.holds or (one.holds is None and one.id in accepted) for one in essential)
    if verdict.outcome is None:
        assert any(one.holds is False for one in essential)
    else:
        assert counts(items) in verdict.text
    assert counts(items) == "No verification was made." or f" of {len(items)} " in counts(items)


def test_an_unverified_pool_stands_and_needs_attention() -> None:
    assert Outcome.CREATED_UNVERIFIED.exit_code is ExitCode.NEEDS_ATTENTION
    assert [one for one in Outcome if one.stands] == [Outcome.CREATED, Outcome.CREATED_UNVERIFIED]
