"""Laws of the fold: events give the journal's own state, whatever allowed history; forbidden ones raise."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.fold import RunNow
from core.engine.history import JournalReader
from core.engine.journal import Entry, Journal
from core.engine.states import (
    OUTCOME_CHANGES,
    RUN_CHANGES,
    STEP_CHANGES,
    check_outcome,
    check_run,
    check_step,
)
from core.errors import JournalError
from core.models.events import EventKind, Outcome, Residue, RunState, StepState, Verified
from core.paths import StatePaths
from tests.engine.toys import toy_plan
from tests.examples import examples

PLAN = toy_plan("a > b | c")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda deeper: st.dictionaries(st.text(), deeper),
    max_leaves=5,
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Entry]]:
    """Batches of events that the states allow, in any order the engine could ever write or not."""
    steps = {planned.id: StepState.WAITING for planned in PLAN.steps}
    run, outcome = RunState.CREATED, None
    batches: list[list[Entry]] = []
    for _ in range(draw(st.integers(0, 12))):
        batch: list[Entry] = []
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(
                st.sampled_from(["step", "run", "note", "residue", "verified", "outcome", "verification"])
            )
            name = draw(st.sampled_from(sorted(steps)))
            if kind == "step":
                allowed = sorted(new for old, new in STEP_CHANGES if old is steps[name])
                if allowed:
                    steps[name] = draw(st.sampled_from(allowed))
                    data = draw(st.sampled_from([{}, {"record": {"n": len(batches)}}]))
                    batch.append(Entry(EventKind.STEP_STATE, draw(st.text()), name, steps[name], data))
            elif kind == "run":
                allowed_runs = sorted(
                    new for old, new in RUN_CHANGES if old is run and new is not RunState.DONE
                )
                if allowed_runs:
                    run, outcome = draw(st.sampled_from(allowed_runs)), None
                    batch.append(Entry(EventKind.RUN_STATE, draw(st.text()), state=run))
            elif kind == "outcome":
                if (run, RunState.DONE) in RUN_CHANGES:
                    run = RunState.DONE
                    outcome = draw(st.sampled_from(list(Outcome)))
                    batch.append(Entry(EventKind.OUTCOME, "end", state=outcome))
            elif kind == "verification":
                allowed_ends = sorted(new for old, new in OUTCOME_CHANGES if old is outcome)
                if allowed_ends:
                    outcome = draw(st.sampled_from(allowed_ends))
                    batch.append(Entry(EventKind.VERIFICATION, "looked again", state=outcome))
            elif kind == "residue":
                left = Residue(id=draw(st.sampled_from("xy")), what="stain", where=name)
                batch.append(Entry(EventKind.RESIDUE, "", name, data=left.model_dump(mode="json")))
            elif kind == "verified":
                item = Verified(id=name, title="t", holds=draw(st.none() | st.booleans()), detail="")
                batch.append(Entry(EventKind.VERIFIED, data=item.model_dump(mode="json")))
            else:
                batch.append(Entry(EventKind.NOTE, draw(st.text()), data={"free": draw(JSON)}))
        if batch:
            batches.append(batch)
    return batches


@examples(60)
@given(histories())
def test_the_events_fold_to_the_journal_s_state(history: list[list[Entry]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = StatePaths(Path(folder) / "state")
        journal = Journal.create(paths, PLAN, spec={})
        for batch in history:
            journal.write(*batch)
        run, told = journal.head.run, journal.now
        journal.close()
        with closing(JournalReader(paths, run)) as reader:
            one_by_one = RunNow.of(run, PLAN)
            for event in reader.events(limit=1000):
                one_by_one.apply(event)
            assert one_by_one == reader.now() == told
        again = Journal.open(paths, run)  # compares its tables with the events
        assert again.now == told
        again.close()


@pytest.mark.parametrize(("old", "new"), list(itertools.product(StepState, repeat=2)))
def test_only_listed_changes_of_a_step_are_allowed(old: StepState, new: StepState) -> None:
    if (old, new) in STEP_CHANGES:
        check_step("a", old, new)
    else:
        with pytest.raises(JournalError, match=f"from {old} to {new}"):
            check_step("a", old, new)


def test_what_must_never_happen_is_not_listed() -> None:
    never = {
        (StepState.WAITING, StepState.DONE),  # no effect without an intent
        (StepState.ADOPTED, StepState.UNDOING),  # what was there before stays
        (StepState.WAITING, StepState.UNDOING),
        (StepState.DONE, StepState.DOING),
        (StepState.SKIPPED, StepState.DOING),
    }
    assert not never & STEP_CHANGES
    with pytest.raises(JournalError):
        check_run("r", RunState.DONE, RunState.RUNNING)


@pytest.mark.parametrize(("old", "new"), list(itertools.product([None, *Outcome], Outcome)))
def test_a_later_look_settles_only_what_was_unverified(old: Outcome | None, new: Outcome) -> None:
    is_open = old is Outcome.CREATED_UNVERIFIED and new in (Outcome.CREATED, Outcome.CREATED_UNVERIFIED)
    assert ((old, new) in OUTCOME_CHANGES) == is_open
    if is_open:
        check_outcome("r", old, new)
    else:
        with pytest.raises(JournalError, match=f"to {new}: no such change of outcome"):
            check_outcome("r", old, new)


def item(id_: str, holds: bool | None) -> Entry:
    made = Verified(id=id_, title=id_, holds=holds, detail="")
    return Entry(EventKind.VERIFIED, data=made.model_dump(mode="json"))


def test_a_rollback_makes_the_verification_out_of_date_for_ever(tmp_path: Path) -> None:
    journal = Journal.create(StatePaths(tmp_path / "state"), PLAN, spec={})
    journal.write(
        Entry(EventKind.RUN_STATE, state=RunState.RUNNING),
        item("yes", True),
        item("no", False),
        Entry(EventKind.OUTCOME, "end", state=Outcome.CREATED),
    )
    assert journal.now.superseded_at == ""
    (begun,) = journal.write(Entry(EventKind.RUN_STATE, "asked", state=RunState.ROLLING_BACK))
    journal.write(Entry(EventKind.RUN_STATE, "resumed", state=RunState.ROLLING_BACK))
    journal.write(Entry(EventKind.OUTCOME, "gone", state=Outcome.ROLLED_BACK))
    journal.close()
    view = journal.now.view(PLAN)
    assert view.superseded_at == begun.at.isoformat()
    assert view.verified_at
    told = [(one.id, one.holds, one.held, one.superseded_at) for one in view.verification]
    assert told == [("yes", None, True, begun.at), ("no", None, False, begun.at)]


def test_a_run_that_verified_nothing_has_nothing_out_of_date(tmp_path: Path) -> None:
    journal = Journal.create(StatePaths(tmp_path / "state"), PLAN, spec={})
    journal.write(Entry(EventKind.RUN_STATE, "aborted", state=RunState.ROLLING_BACK))
    journal.close()
    assert (journal.now.superseded_at, journal.now.verified_at) == ("", "")


def test_a_gap_is_not_folded() -> None:
    now = RunNow.of("r", PLAN)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(StatePaths(Path(folder) / "state"), PLAN, spec={})
        _, second = journal.write(Entry(EventKind.NOTE, "1"), Entry(EventKind.NOTE, "2"))
        journal.close()
    with pytest.raises(JournalError, match="event 2 follows 0"):
        now.apply(second)
