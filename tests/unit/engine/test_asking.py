"""A step that nobody can look at: the operator is asked, the world is looked at again, and silence has a meaning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.control import Wish
from core.engine.executor import Executor
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.engine.undoing import Stopped
from core.models.events import EventKind, Outcome, RunEvent, StepState
from core.paths import StatePaths
from tests.engine.toys import ToyWorld, toy_plan, toy_steps, toy_verify

PLAN = toy_plan("a > b")
PATIENT = EngineLimits(read_attempts=1, undo_attempts=1, retry_delay_s=0, question_s=60, question_look_s=60)
CASES: list[Case] = []


@pytest.fixture(autouse=True)
def journals_are_closed() -> Iterator[None]:
    yield
    while CASES:
        CASES.pop().journal.close()


class Case:
    """A run of two toys; b cannot be looked at until `heal`."""

    def __init__(self, folder: Path, limits: EngineLimits = PATIENT, fault: str = "away") -> None:
        self.folder = folder
        (folder / "world").mkdir(exist_ok=True)
        self.paths = StatePaths(folder / "state")
        self.world = ToyWorld(folder / "world", {"b": fault})
        self.journal = Journal.create(self.paths, PLAN, spec={})
        self.executor = self._executor(limits)
        self.events: list[RunEvent] = []
        self.journal.subscribe(self.events.append)
        CASES.append(self)

    def _executor(self, limits: EngineLimits) -> Executor:
        verify = lambda: toy_verify(self.world, PLAN)  # noqa: E731 - one line
        return Executor(self.journal, toy_steps(PLAN), self.world, verify, limits=limits)

    def heal(self) -> None:
        (self.folder / "back").touch()

    def when_asked(self, *deeds: object) -> None:
        """Do this as soon as the question is on disk."""

        def hear(event: RunEvent) -> None:
            if event.kind is EventKind.QUESTION:
                for deed in deeds:
                    deed() if callable(deed) else self.executor.control.ask(Wish(str(deed)))

        self.journal.subscribe(hear)

    def told(self) -> list[tuple[str, str]]:
        """Questions and answers, in order."""
        kinds = (EventKind.QUESTION, EventKind.ANSWER)
        return [(event.kind.value, event.state) for event in self.events if event.kind in kinds]


@pytest.mark.asyncio
async def test_an_answer_looks_again_and_the_run_goes_on(tmp_path: Path) -> None:
    case = Case(tmp_path)
    asked: list[str] = []
    case.when_asked(
        lambda: asked.append(case.journal.now.question), case.heal, lambda: case.executor.control.retry()
    )
    assert await case.executor.run() is Outcome.CREATED
    assert case.told() == [("question", "asked"), ("answer", "seen")]
    assert "cannot connect: no route" in asked[0]
    assert case.journal.now.question == ""
    assert " ".join(case.world.trace) == "a:do b:do"


@pytest.mark.asyncio
async def test_the_world_is_looked_at_again_without_a_word(tmp_path: Path) -> None:
    limits = EngineLimits(read_attempts=1, retry_delay_s=0, question_s=60, question_look_s=0.01)
    case = Case(tmp_path, limits)
    case.when_asked(case.heal)
    assert await case.executor.run() is Outcome.CREATED
    assert case.told() == [("question", "asked"), ("answer", "seen")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("wish", "outcome", "effects"),
    [("abort", Outcome.ROLLED_BACK, []), ("leave", Outcome.NEEDS_HUMAN, ["a.1", "a.2"])],
)
async def test_the_operator_decides(wish: str, outcome: Outcome, effects: list[str], tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.when_asked(wish)
    assert await case.executor.run() is outcome
    assert case.told() == [("question", "asked"), ("answer", wish)]
    assert sorted(case.world.effects()) == effects


@pytest.mark.asyncio
async def test_silence_takes_the_run_back(tmp_path: Path) -> None:
    limits = EngineLimits(
        read_attempts=1, undo_attempts=1, retry_delay_s=0, question_s=0.05, question_look_s=0.02
    )
    case = Case(tmp_path, limits)
    assert await case.executor.run() is Outcome.ROLLED_BACK
    assert case.told() == [("question", "asked"), ("answer", "abort")]
    assert case.world.effects() == {}


@pytest.mark.asyncio
async def test_a_process_that_is_to_end_leaves_the_step_in_doubt_and_the_next_one_goes_on(
    tmp_path: Path,
) -> None:
    case = Case(tmp_path)
    case.when_asked("stop")
    with pytest.raises(Stopped):
        await case.executor.run()
    assert case.told() == [("question", "asked"), ("answer", "stop")]
    assert case.journal.now.steps["b"].state is StepState.WAITING
    run = case.journal.head.run
    case.journal.close()
    case.journal = Journal.open(case.paths, run)
    case.heal()
    again = Executor(
        case.journal, toy_steps(PLAN), case.world, lambda: toy_verify(case.world, PLAN), limits=PATIENT
    )
    assert await again.run() is Outcome.CREATED
    assert " ".join(case.world.trace) == "a:do b:do"


@pytest.mark.asyncio
async def test_a_killed_runner_s_question_is_not_asked_of_anybody_any_more(tmp_path: Path) -> None:
    case = Case(tmp_path, fault="")
    now = case.journal.now
    now.question = "left over"
    assert now.view(PLAN).question == ""
    assert now.view(PLAN, is_live=True).question == "left over"
    assert await case.executor.run() is Outcome.CREATED
    assert now.question == ""


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["foreign", "do-fails"])
async def test_what_was_seen_is_never_asked_about(fault: str, tmp_path: Path) -> None:
    case = Case(tmp_path, fault=fault)
    assert await case.executor.run() is Outcome.ROLLED_BACK
    assert case.told() == []
