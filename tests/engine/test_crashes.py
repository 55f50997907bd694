"""Kill a real process with SIGKILL at every journal write and every effect; another one resumes or rolls back.

The process is forked, so that a point costs milliseconds; points are found by counting them in a whole run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from core.engine.executor import Executor
from core.engine.history import read_run, run_ids
from core.engine.journal import Entry, Journal
from core.engine.reading import EngineLimits
from core.errors import JournalError
from core.models.events import EventKind, Outcome, RunEvent, StepState
from core.paths import StatePaths
from tests.engine.toys import ToyWorld, toy_plan, toy_steps, toy_verify

PLAN = toy_plan("a > b > c > d")
LIMITS = EngineLimits(read_attempts=1, undo_attempts=1, retry_delay_s=0)


class Countdown:
    """Counts the points passed and dies at the wanted one, as kill -9 does."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted, self.passed = wanted, 0

    def point(self) -> None:
        if self.passed == self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    async def at(self, _point: str) -> None:
        self.point()


class DyingJournal(Journal):
    """A journal that can die right before and right after each commit."""

    countdown = Countdown(None)

    @override
    def _commit(self, events: list[RunEvent]) -> None:
        self.countdown.point()
        super()._commit(events)
        self.countdown.point()


async def carry_on(
    folder: Path, faults: dict[str, str], countdown: Countdown, *, back: bool = False
) -> Outcome:
    """One process's part: begin the run, or go on with the one that is there."""
    paths = StatePaths(folder / "state")
    (folder / "world").mkdir(exist_ok=True)
    world = ToyWorld(folder / "world", faults, at=countdown.at)
    DyingJournal.countdown = countdown
    runs = run_ids(paths)
    journal = DyingJournal.open(paths, runs[0]) if runs else DyingJournal.create(paths, PLAN, spec={})
    try:
        executor = Executor(journal, toy_steps(PLAN), world, lambda: toy_verify(world, PLAN), limits=LIMITS)
        if journal.now.outcome is not None:
            return journal.now.outcome
        return await (executor.roll_back("asked") if back else executor.run())
    finally:
        journal.close()


def in_a_process(work: Callable[[], object]) -> int:
    """Do it in a forked process; its wait status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - told below
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def points_of(folder: Path, faults: dict[str, str]) -> int:
    countdown = Countdown(None)
    asyncio.run(carry_on(folder, faults, countdown))
    return countdown.passed


def all_of(world: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in world.iterdir()}


WHOLE = {f"{step.id}.{part}": "us;" for step in PLAN.steps for part in (1, 2)}


@pytest.mark.parametrize(
    ("faults", "back", "outcome"),
    [
        ({}, False, Outcome.CREATED),
        ({}, True, Outcome.ROLLED_BACK),
        ({"d": "half-fails"}, False, Outcome.ROLLED_BACK),
    ],
    ids=["resume-creates", "rollback-of-what-was-begun", "crash-in-a-failing-run-and-its-rollback"],
)
def test_killed_anywhere_a_run_still_ends_whole_or_leaves_nothing(
    tmp_path: Path, faults: dict[str, str], back: bool, outcome: Outcome
) -> None:
    (tmp_path / "count").mkdir()
    points = points_of(tmp_path / "count", faults)
    assert points >= 34
    for point in range(points):
        folder = tmp_path / str(point)
        folder.mkdir()
        status = in_a_process(lambda: asyncio.run(carry_on(folder, faults, Countdown(point))))  # noqa: B023
        assert os.WIFSIGNALED(status), f"point {point} was not reached"
        seen = asyncio.run(carry_on(folder, faults, Countdown(None), back=back))
        _, now = read_run(StatePaths(folder / "state"), run_ids(StatePaths(folder / "state"))[0])
        ended = (
            Outcome.CREATED if back and point == points - 1 else outcome
        )  # the outcome was on disk already
        assert (seen, now.outcome) == (ended, ended), f"point {point}"
        assert all_of(folder / "world") == (WHOLE if ended is Outcome.CREATED else {}), f"point {point}"
        assert not any(step.state is StepState.ADOPTED for step in now.steps.values()), "ours, never adopted"


def test_killed_twice_at_any_two_places_it_still_finishes(tmp_path: Path) -> None:
    (tmp_path / "count").mkdir()
    points = points_of(tmp_path / "count", {})
    for first in range(1, points, 3):
        for second in (0, 2, 5):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            for point in (first, second):
                in_a_process(lambda: asyncio.run(carry_on(folder, {}, Countdown(point))))  # noqa: B023
            assert asyncio.run(carry_on(folder, {}, Countdown(None))) is Outcome.CREATED
            assert all_of(folder / "world") == WHOLE


class FullDisk(Journal):
    """A journal whose disk is full from one commit on."""

    room = 0

    @override
    def _commit(self, events: list[RunEvent]) -> None:
        if self.room == 0:
            raise JournalError("cannot write the journal: database or disk is full")
        type(self).room -= 1
        super()._commit(events)


async def run_with_room(folder: Path, room: int, faults: dict[str, str]) -> None:
    FullDisk.room = room
    world = ToyWorld(folder / "world", dict(faults))
    journal = FullDisk.create(StatePaths(folder / "state"), PLAN, spec={})

    def narrate(step: str, line: str) -> None:
        journal.write(Entry(EventKind.COMMAND, line, step))

    world.narrate = narrate
    try:
        await Executor(journal, toy_steps(PLAN), world, lambda: toy_verify(world, PLAN), limits=LIMITS).run()
    finally:
        journal.close()


@pytest.mark.parametrize("faults", [{}, {"c": "half-fails"}], ids=["forward", "with-rollback"])
def test_a_disk_full_at_any_write_leaves_no_effect_without_a_record(
    tmp_path: Path, faults: dict[str, str]
) -> None:
    for room in range(60):
        folder = tmp_path / str(room)
        (folder / "world").mkdir(parents=True)
        try:
            asyncio.run(run_with_room(folder, room, faults))
        except JournalError as error:
            assert "full" in str(error)  # noqa: PT017 - the loop ends where it is no longer raised
        else:
            break
        paths = StatePaths(folder / "state")
        _, now = read_run(paths, run_ids(paths)[0])
        begun = {id_ for id_, step in now.steps.items() if step.was_doing}
        assert {name.partition(".")[0] for name in all_of(folder / "world")} <= begun
        ended = asyncio.run(carry_on(folder, faults, Countdown(None)))
        assert ended is (Outcome.ROLLED_BACK if faults else Outcome.CREATED)
        assert all_of(folder / "world") == ({} if faults else WHOLE)
    else:
        pytest.fail("never had room enough")
    assert room > 12
