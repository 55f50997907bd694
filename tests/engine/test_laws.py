"""Laws over random plans: a cut and resumed run ends as an uncut one; do then undo leaves what was found."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.engine.executor import Executor
from core.engine.history import read_run
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.models.events import Outcome
from core.models.plan import Plan, PlannedStep
from core.paths import StatePaths
from tests.engine.toys import ToyWorld, toy_steps, toy_verify
from tests.examples import examples

FAULTS = ("do-fails", "half-fails", "bug", "verify-no", "foreign", "unreadable", "reply-lost", "undo-leaves")


class Cut(BaseException):
    """The process ends here, as far as the engine can tell."""


@dataclass(frozen=True)
class Case:
    """A random plan in a random world."""

    plan: Plan
    exists: frozenset[str]
    faults: tuple[tuple[str, str], ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = [f"s{number}" for number in range(draw(st.integers(1, 6)))]
    steps = []
    for index, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:index]), max_size=2)) if index else set()
        lane = draw(st.sampled_from(["pool", name, "x"]))
        steps.append(PlannedStep(id=name, kind="toy", title=name, lane=lane, needs=tuple(sorted(needs))))
    faults = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(FAULTS), max_size=2))
    exists = draw(st.frozensets(st.sampled_from(names), max_size=2)) - set(faults)
    plan = Plan(platform="toy", pool="p", steps=tuple(steps), at_once=draw(st.integers(1, 3)))
    return Case(plan, frozenset(exists), tuple(sorted(faults.items())))


def found_at_first(case: Case) -> dict[str, str]:
    return {f"{name}.{part}": "them;" for name in case.exists for part in (1, 2)}


class Cutter:
    """Cuts after so many points; None never."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted, self.passed = wanted, 0

    async def at(self, _point: str) -> None:
        if self.passed == self.wanted:
            raise Cut
        self.passed += 1


async def run_once(case: Case, folder: Path, run: str, wanted: int | None) -> None:
    """One process's part, until it is cut."""
    world = ToyWorld(folder / "world", dict(case.faults), at=Cutter(wanted).at)
    journal = Journal.open(StatePaths(folder / "state"), run)
    limits = EngineLimits(read_attempts=1, undo_attempts=1, retry_delay_s=0)
    try:
        if journal.now.outcome is None:
            await Executor(
                journal, toy_steps(case.plan), world, lambda: toy_verify(world, case.plan), limits=limits
            ).run()
    except Cut:
        pass
    finally:
        journal.close()


def run_case(case: Case, folder: Path, cuts: list[int]) -> tuple[Outcome | None, dict[str, str]]:
    """Run it, cut after so many points, again and again; then uncut. Outcome and what is left in the world."""
    (folder / "world").mkdir()
    for name, content in found_at_first(case).items():
        (folder / "world" / name).write_text(content)
    paths = StatePaths(folder / "state")
    journal = Journal.create(paths, case.plan, spec={})
    run = journal.head.run
    journal.close()
    for wanted in [*cuts, None]:
        asyncio.run(run_once(case, folder, run, wanted))
    return read_run(paths, run)[1].outcome, ToyWorld(folder / "world").effects()


@examples(40)
@given(cases(), st.lists(st.integers(0, 12), max_size=3))
def test_a_cut_and_resumed_run_ends_as_an_uncut_one(case: Case, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        outcome, world = run_case(case, Path(one), [])
        cut_outcome, cut_world = run_case(case, Path(other), cuts)
    assert outcome is not None
    assert (cut_outcome, cut_world) == (outcome, world)
    assert set(world.values()) <= {"us;", "them;"}, "an effect was doubled"
    if outcome is Outcome.ROLLED_BACK:
        assert world == found_at_first(case)
    if outcome is Outcome.CREATED:
        assert set(world) == {f"{step.id}.{part}" for step in case.plan.steps for part in (1, 2)}
