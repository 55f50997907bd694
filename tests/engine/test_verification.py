"""How a run ends that could not be looked at, what a later look makes of it, and what a rollback leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ExitCode, RunnerError
from core.models.events import EventKind, Outcome, StepState
from core.models.plan import Unobservable
from core.reports.runs import run_document
from core.reports.text import run_text
from core.runner import client
from core.runner.client import RunDocument
from tests.engine.runs import SECRETS, all_events, gone, start
from tests.engine.toy_platform import COMMAND, toy_document

POOL = Unobservable(id="pool", title="the pool works", why="no light")


def accepting(document: RunDocument) -> RunDocument:
    """The same, with the item that nobody can see accepted in its plan."""
    plan = document.plan.model_copy(update={"unobservable": (POOL,)})
    return document.model_copy(update={"plan": plan})


async def verify(state: Path, run: str) -> None:
    since = client.show_run(state, run).last_seq
    await client.verify_run(state, run, SECRETS, command=COMMAND)
    await all_events(state, run, since=since)
    await gone(state, run)


async def ended(tmp_path: Path, state: Path, fault: str) -> str:
    run = await start(state, toy_document(tmp_path, "a > b", pool=fault))
    await all_events(state, run)
    await gone(state, run)
    return run


@pytest.mark.asyncio
async def test_an_item_that_was_accepted_with_the_plan_is_counted_as_not_checked(
    tmp_path: Path, state: Path
) -> None:
    run = await start(state, accepting(toy_document(tmp_path, "a > b", pool="hidden")))
    await all_events(state, run)
    await gone(state, run)
    view = client.show_run(state, run)
    assert view.outcome is Outcome.CREATED
    assert view.message == "Created. 2 of 3 verifications passed, 1 could not be checked."
    assert view.unobservable == (POOL,)
    assert run_document(view)["unobservable"] == [POOL.model_dump()]
    assert "accepted with the plan: no light" in run_text(view)


@pytest.mark.asyncio
async def test_an_item_that_became_unobservable_leaves_it_open_and_a_later_look_settles_it(
    tmp_path: Path, state: Path
) -> None:
    run = await ended(tmp_path, state, "hidden")
    view = client.show_run(state, run)
    assert view.outcome is Outcome.CREATED_UNVERIFIED
    assert view.outcome.exit_code is ExitCode.NEEDS_ATTENTION
    assert view.message.startswith("Created, not verified: the pool works: dark.")
    assert [step.state for step in view.steps] == [StepState.DONE] * 2, "nothing was taken back"
    assert "Created, not verified" in run_text(view).splitlines()[0]

    await verify(state, run)  # still dark
    assert client.show_run(state, run).outcome is Outcome.CREATED_UNVERIFIED
    (tmp_path / "light").touch()
    await verify(state, run)
    settled = client.show_run(state, run)
    assert settled.outcome is Outcome.CREATED
    assert settled.message == "Created. 3 of 3 verifications passed."
    assert settled.ended_at == view.ended_at, "when the run ended does not change"
    events = await all_events(state, run)
    assert [event.state for event in events if event.kind is EventKind.OUTCOME] == ["created_unverified"]
    assert [event.state for event in events if event.kind is EventKind.VERIFICATION] == [
        "created_unverified",
        "created",
    ]
    with pytest.raises(RunnerError, match="it is created"):
        await client.verify_run(state, run, SECRETS, command=COMMAND)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["nothing", "blind", "bug", "unreadable"])
async def test_a_verification_that_sees_nothing_never_says_verified(
    tmp_path: Path, state: Path, fault: str
) -> None:
    run = await ended(tmp_path, state, fault)
    await verify(state, run)
    view = client.show_run(state, run)
    assert view.outcome is Outcome.CREATED_UNVERIFIED
    assert view.message.startswith("Created, not verified: ")
    assert len(list((tmp_path / "world").iterdir())) == 4, "what was made stands"


@pytest.mark.asyncio
async def test_after_a_rollback_no_yes_is_left(tmp_path: Path, state: Path) -> None:
    run = await ended(tmp_path, state, "")
    before = client.show_run(state, run)
    assert [item.holds for item in before.verification] == [True, True]
    assert before.superseded_at == ""
    await client.rollback_run(state, run, SECRETS, command=COMMAND)
    await all_events(state, run, since=before.last_seq)
    await gone(state, run)
    view = client.show_run(state, run)
    document = run_document(view)
    assert [item["holds"] for item in document["verification"]] == [None, None]
    assert [item["held"] for item in document["verification"]] == [True, True]
    assert all(item["superseded_at"] for item in document["verification"])
    assert document["verification_superseded_at"] == view.superseded_at != ""
    text = run_text(view)
    assert "Out of date" in text
    assert "  yes " not in text


@pytest.mark.asyncio
async def test_what_is_unverified_can_be_rolled_back(tmp_path: Path, state: Path) -> None:
    run = await ended(tmp_path, state, "hidden")
    await client.rollback_run(state, run, SECRETS, command=COMMAND)
    await gone(state, run)
    assert client.show_run(state, run).outcome is Outcome.ROLLED_BACK
    assert list((tmp_path / "world").iterdir()) == []
