"""What goes on or goes back proves every login first: a wrong password is refused before anything is touched."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from core.models.events import RunState
from core.models.views import RunView
from core.paths import StatePaths
from core.runner.locks import holder
from core.runner.marks import is_same, marks_of
from core.secrets import Secrets
from tests.whole.test_guards import Ready, ready

pytestmark = pytest.mark.timeout(1200)  # runners in processes of their own, on a machine that may be busy

NAMES = ("manager", "agent", "ssh")


async def interrupted(job: Ready) -> RunView:
    """A run whose runner was asked to end after the first server is owned."""
    run = await job.service.start(job.spec, job.plan, job.secrets)
    is_asked = False
    async for event in job.service.follow(run):
        if event.state == "done" and event.step.startswith("own_server") and not is_asked:
            os.kill(holder(job.service.paths.lock(run)), signal.SIGTERM)
            is_asked = True
    view = job.service.show(run)
    assert view.state is not RunState.DONE
    return view


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", NAMES)
async def test_a_created_pool_is_not_taken_down_with_a_wrong_password(wrong: str, tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        before = job.lab.snapshot()
        made = await job.run()
        assert made.outcome == "created", made.message
        stands, right = job.lab.snapshot(), job.secrets
        job.secrets = right.with_(wrong, "a-slip-of-the-fingers")
        kept = await job.rollback(made)
        assert kept.outcome == "created"
        assert job.lab.snapshot() == stands
        assert "nothing was changed" in job.notes(made.run)[-1]
        assert wrong in job.notes(made.run)[-1].lower()
        remedy = (
            "check user, password and key" if wrong == "manager" else "give the right password and try again"
        )
        assert remedy in job.notes(made.run)[-1]
        assert "…" not in job.notes(made.run)[-1], "reason and remedy are told whole"
        job.secrets = right
        assert (await job.rollback(kept)).outcome == "rolled_back"
        assert job.lab.snapshot() == before


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", NAMES)
async def test_an_interrupted_run_neither_goes_on_nor_back_with_a_wrong_password(
    wrong: str, tmp_path: Path
) -> None:
    async with ready(tmp_path) as job:
        before = job.lab.snapshot()
        half = await interrupted(job)
        stands, right = job.lab.snapshot(), job.secrets
        job.secrets = right.with_(wrong, "a-slip-of-the-fingers")
        for start in (job.service.resume, job.service.rollback):
            told = len(job.notes(half.run))
            left = await job.follow(await start(half.run, job.secrets), half.last_seq)
            assert left.outcome is None
            assert job.lab.snapshot() == stands
            assert any("cannot go on" in note for note in job.notes(half.run)[told:])
        job.secrets = right
        undone = await job.rollback(job.service.show(half.run))
        assert undone.outcome == "rolled_back", undone.residue
        assert job.lab.snapshot() == before


@pytest.mark.asyncio
async def test_an_interrupted_run_goes_on_with_the_right_ones(tmp_path: Path) -> None:
    async with ready(tmp_path) as job:
        half = await interrupted(job)
        made = await job.follow(await job.service.resume(half.run, job.secrets), half.last_seq)
        assert made.outcome == "created", made.message


def test_a_mark_knows_its_secret_and_tells_nothing_without_its_key(tmp_path: Path) -> None:
    here, there = StatePaths(tmp_path / "here"), StatePaths(tmp_path / "there")
    for paths in (here, there):
        paths.root.mkdir()
    secrets = Secrets({"agent": "swordfish", "ssh": "swordfish"})
    marks = marks_of(here, secrets)
    assert marks == marks_of(here, secrets), "one key for all runs"
    assert all(0 <= heap < 4096 for heap in marks.heaps.values())
    assert is_same(here, marks, "agent", secrets) is True
    assert is_same(here, marks, "agent", Secrets({"agent": "swordfisk"})) is False
    assert is_same(here, marks, "agent", Secrets()) is False
    assert is_same(here, marks, "chap", secrets) is None, "an older run has no mark"
    assert is_same(there, marks, "agent", secrets) is None, "no key, no answer"
    here.marks_key.unlink()
    assert marks_of(here, secrets) != marks
    assert is_same(here, marks, "agent", secrets) is None, "a new key tells nothing of older marks"
    assert here.marks_key.stat().st_mode & 0o777 == 0o600
