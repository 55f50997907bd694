"""A line that does not take what is sent: frames rest, keys do not, and the newest screen comes at last."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator

import pytest

from tests.tui.conftest import fill, text_of, until
from tests.tui.ways import SIZE, to_step
from tui.app import PoolwrightApp
from tui.backlog import Backlog


@pytest.fixture
def line() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a line that holds one page."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.asyncio
async def test_frames_rest_while_the_line_is_full(ready_app: PoolwrightApp, line: tuple[int, int]) -> None:
    reads, writes = line
    ready_app.backlog = Backlog(ready_app, writes)
    painted: list[object] = []
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        assert not ready_app.backlog.is_holding
        os.write(writes, b"x" * 4096)
        await until(pilot, lambda: ready_app.backlog.is_holding, "held")
        display = ready_app._display

        def counted(*args: object) -> None:
            painted.append(args)
            display(*args)  # type: ignore[arg-type]

        ready_app._display = counted  # type: ignore[method-assign,assignment]
        for letter in "abcdefgh":
            await fill(pilot, f"pool{letter}", into="#f-pool-name")
        await until(pilot, lambda: ready_app.session.answers.flat["pool.name"] == "poolh", "keys are taken")
        assert not painted
        os.read(reads, 4096)
        await until(pilot, lambda: painted and "poolh" in text_of(ready_app), "the newest screen")
        assert not ready_app.backlog.is_holding


def test_a_closed_line_holds_nothing_back(ready_app: PoolwrightApp) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    os.close(writes)
    assert not Backlog(ready_app, writes).is_full
    assert not Backlog(ready_app, None).is_full
