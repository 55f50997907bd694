"""A journal that is deleted, replaced or moved away under a living runner stops the run before the next change."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.following import attached, follow_to_end
from core.errors import EndNotSeen, ExitCode, JournalError, PoolwrightError
from core.paths import StatePaths
from core.runner import client
from core.service import Service
from tests.engine.runs import SECRETS, Gates, all_events, runner_pid, start
from tests.engine.toy_platform import toy_document
from tests.engine.toys import ToyWorld


def _replaced(journal: Path) -> None:
    copy = journal.with_name("copy")
    shutil.copy2(journal, copy)
    copy.replace(journal)


def _anew(journal: Path) -> None:
    journal.unlink()
    journal.touch(0o600)


def _moved(journal: Path) -> None:
    journal.parent.rename(journal.parent.with_name("kept"))


HARMS: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "replaced": _replaced,
    "begun anew": _anew,
    "its folder moved": _moved,
    "its log deleted": lambda journal: journal.with_name("journal.db-wal").unlink(),
    "its log replaced": lambda journal: _replaced(journal.with_name("journal.db-wal")),
}


async def _ended(pidfd: int) -> None:
    """Until the process has ended: a pidfd can be read then."""
    async with asyncio.timeout(240):
        await asyncio.to_thread(select.select, [pidfd], [], [])


@pytest.mark.asyncio
@pytest.mark.parametrize("harm", HARMS)
async def test_no_change_follows_what_nobody_could_read(harm: str, tmp_path: Path) -> None:
    state, gates = tmp_path / "state", Gates(tmp_path / "gates")
    gates.shut("after make b.1")
    run = await start(state, toy_document(tmp_path))
    let_through = await gates.reached("after make b.1")
    runner = os.pidfd_open(runner_pid(state, run))
    try:
        before = ToyWorld(tmp_path / "world").effects()
        HARMS[harm](StatePaths(state).journal(run))
        let_through()
        await _ended(runner)
    finally:
        os.close(runner)
    after = ToyWorld(tmp_path / "world").effects()
    assert {"a.1", "a.2", "b.1"} <= set(before) <= set(after), "nothing is taken back without a record"
    assert set(after) <= {"a.1", "a.2", "b.1", "b.2"}, "the step at hand may end, none begins"


@pytest.mark.asyncio
async def test_who_follows_is_told_and_the_others_are_still_listed(tmp_path: Path) -> None:
    state, gates = tmp_path / "state", Gates(tmp_path / "gates")
    other = await start(state, toy_document(tmp_path))
    await all_events(state, other)
    for path in (tmp_path / "world").iterdir():
        path.unlink()
    gates.shut("after make b.1")
    run = await start(state, toy_document(tmp_path))
    let_through = await gates.reached("after make b.1")
    following = asyncio.ensure_future(all_events(state, run))
    StatePaths(state).journal(run).unlink()
    let_through()
    with pytest.raises(JournalError, match="it is gone"):
        await following
    with pytest.raises(JournalError, match="it is gone"):
        client.show_run(state, run)
    told = {view.run: view.damage for view in client.list_runs(state)}
    assert told[other] == ""
    assert "it is gone" in told[run]


@pytest.mark.asyncio
async def test_who_is_attached_hears_the_runners_own_last_words(tmp_path: Path) -> None:
    """It ended with 2 (nothing was changed), and `it is gone; restore it from a backup`."""
    state, gates = tmp_path / "state", Gates(tmp_path / "gates")
    gates.shut("after make b.1")
    run = await start(state, toy_document(tmp_path))
    let_through = await gates.reached("after make b.1")
    service = Service(state)

    async def follow() -> None:
        with attached(service, run) as heard:
            await follow_to_end(service, run, heard=heard)

    following = asyncio.ensure_future(follow())
    StatePaths(state).journal(run).unlink()
    let_through()
    with pytest.raises(EndNotSeen, match=r"journal.db is gone while the run was at work") as caught:
        await following
    assert caught.value.exit_code is ExitCode.NEEDS_ATTENTION
    assert "put the run's folder back as it was" in caught.value.fix


@pytest.mark.asyncio
async def test_a_lost_journal_is_not_gone_on_with(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run = await start(state, toy_document(tmp_path))
    await all_events(state, run)
    StatePaths(state).journal(run).unlink()
    with pytest.raises(PoolwrightError, match=run):
        await client.rollback_run(state, run, SECRETS)
