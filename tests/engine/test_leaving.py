"""Who leaves in the middle of a long history costs the runner nothing, not even a line on its log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.engine.control import Control
from core.engine.journal import Entry, Journal
from core.models.events import EventKind
from core.models.plan import Plan, PlannedStep
from core.paths import StatePaths
from core.runner import client
from core.runner.locks import RunLock
from core.runner.server import Server

EVENTS = 4000


@pytest.mark.asyncio
async def test_a_follower_that_leaves_is_written_to_no_more(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = StatePaths(state)
    step = PlannedStep(id="s1", kind="k", title="step", lane="pool")
    journal = Journal.create(paths, Plan(platform="toys", pool="pool1", steps=(step,)), spec={})
    journal.write(
        *(Entry(EventKind.COMMAND, f"OVM> show Server id={number}", "s1") for number in range(EVENTS))
    )
    lock = RunLock(paths.lock(journal.head.run))
    try:
        server = Server(paths, journal, Control(), starter=None)
        async with server.open():
            follower = client.follow(paths.root, journal.head.run)
            await anext(follower)
            await follower.aclose()
            async with asyncio.timeout(240):
                await asyncio.gather(*server._tasks)
    finally:
        lock.close()
        journal.close()
    assert [one.message for one in caplog.records if one.name == "asyncio"] == []
