"""How long `attach` takes to its first screen when the run has 50,000 events behind it. To reach: under 0.3 s."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from core.engine.control import Control
from core.engine.journal import Entry, Journal
from core.models.events import EventKind, RunState
from core.models.plan import Plan, PlannedStep
from core.paths import StatePaths
from core.runner import client
from core.runner.locks import RunLock
from core.runner.server import Server

EVENTS, SCREEN, BATCH, RUNS = 50_000, 24, 1000, 7


def long_history(paths: StatePaths) -> Journal:
    """A run that tells a lot."""
    steps = tuple(PlannedStep(id=f"s{n}", kind="k", title=f"step {n}", lane="pool") for n in range(40))
    journal = Journal.create(paths, Plan(platform="oracle_vm", pool="pool1", steps=steps), spec={})
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    while journal.now.seq < EVENTS:
        journal.write(
            *(Entry(EventKind.COMMAND, f"OVM> show Server id={number}", "s1") for number in range(BATCH))
        )
    return journal


async def first_screen(root: Path, run: str) -> float:
    """Seconds until the state and a screenful of events are there."""
    begin = time.perf_counter()
    client.show_run(root, run)
    seen = 0
    follower = client.follow(root, run)
    async for _ in follower:
        seen += 1
        if seen == SCREEN:
            break
    took_s = time.perf_counter() - begin
    await follower.aclose()
    return took_s


async def _measure(paths: StatePaths) -> None:
    journal = long_history(paths)
    run = journal.head.run
    lock = RunLock(paths.lock(run))
    try:
        async with Server(paths, journal, Control(), starter=None).open():
            live = [await first_screen(paths.root, run) for _ in range(RUNS)]
    finally:
        lock.close()
        journal.close()
    gone = [await first_screen(paths.root, run) for _ in range(RUNS)]
    for name, times in (("live run", live), ("its runner is gone", gone)):
        print(
            f"attach, {journal.now.seq} events, {name:18}: first screen {statistics.median(times) * 1000:6.1f} ms"
            f"  (max {max(times) * 1000:.1f})"
        )


def main() -> None:
    """Print the medians."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        asyncio.run(_measure(StatePaths(folder / "state")))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
