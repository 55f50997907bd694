"""Simulated time of whole runs beside the time in which Manager was at work, and journal writes for each step.

In memory and on a virtual clock, so that waits are counted exactly; the processor's time for client and fleet together
stands beside it. To reach: under 3 % or 1 s.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import patch

from core.engine.journal import Journal
from core.lab.manager.engine import Engine
from core.lab.manager.interpreter import Conversation
from tests.storm.play import Played, Stage, play_weather
from tests.storm.weather import Weather

SIZES = ((4, "healthy-nfs"), (32, "healthy-nfs"), (64, "unclustered"))  # 32 is the most a cluster takes


@dataclass
class Busy:
    """When at least one command was with Manager, or one of its jobs was at work."""

    at_work: int = 0
    since: float = 0.0
    total_s: float = 0.0
    commits: int = 0
    events: int = 0
    steps: int = 0
    first: float = 0.0
    last: float = 0.0

    def begin(self, at: float) -> None:
        """A command arrived."""
        if self.at_work == 0:
            self.since = at
        self.at_work += 1

    def end(self, at: float) -> None:
        """It was answered."""
        self.at_work -= 1
        if self.at_work == 0:
            self.total_s += at - self.since


def measure(servers: int, scenario: str) -> tuple[Played, Busy, float]:
    """One undisturbed run."""
    busy = Busy()
    answer, carry_out, commit = Conversation.answer, Engine.carry_out, Journal._commit  # noqa: SLF001 - looks inside

    async def at_work(work: Any) -> Any:
        loop = asyncio.get_running_loop()
        if not busy.commits:
            return await work
        busy.begin(loop.time())
        try:
            return await work
        finally:
            busy.end(loop.time())

    async def timed(conversation: Conversation, line: str) -> str:
        return cast(str, await at_work(answer(conversation, line)))

    async def job(engine: Engine, *args: Any, **more: Any) -> Any:
        return await at_work(carry_out(engine, *args, **more))

    def counted(journal: Journal, events: Any) -> None:
        at = asyncio.get_running_loop().time()
        busy.first = busy.first or at
        busy.last = at
        busy.commits += 1
        busy.events += len(events)
        commit(journal, events)
        busy.steps = len(journal.head.plan.steps)

    def check(stage: Stage, played: Played) -> None:
        assert played.outcome == "created", str(played)

    begin = time.process_time()
    with (
        patch.object(Conversation, "answer", timed),
        patch.object(Engine, "carry_out", job),
        patch.object(Journal, "_commit", counted),
    ):
        played = play_weather(Weather(1, scenario, servers, ()), check)
    return played, busy, time.process_time() - begin


def main() -> None:
    """Print a row for each size."""
    print(
        "servers  run (sim s)  Manager's own  beside it      share   writes/step  events  CPU, fleet included"
    )
    for servers, scenario in SIZES:
        _, busy, cpu_s = measure(servers, scenario)
        whole_s = busy.last - busy.first
        beside_s = whole_s - busy.total_s
        print(
            f"{servers:7}  {whole_s:11.2f}  {busy.total_s:13.2f}  {beside_s:9.2f}  {beside_s / whole_s:9.2%}"
            f"  {busy.commits / busy.steps:11.1f}  {busy.events:6}  {cpu_s:8.2f} s"
        )


if __name__ == "__main__":
    main()
