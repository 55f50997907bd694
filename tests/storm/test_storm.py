"""200 seeds of random faults: every run ends made and verified, or taken back, or telling exactly what is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storm.clock import Deadlock, run_virtually, virtual
from tests.storm.play import play, play_weather
from tests.storm.weather import Fault, Weather, weather_of

SEEDS, BLOCK = 200, 10


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_every_seed_ends_as_promised(first: int) -> None:
    ended = [play(seed) for seed in range(first, first + BLOCK)]
    assert not [str(each) for each in ended if not each.is_clean]


def test_the_storm_is_one() -> None:
    """Weather that never does anything proves nothing."""
    drawn = [weather_of(seed) for seed in range(SEEDS)]
    kinds = {fault.kind for weather in drawn for fault in weather.faults}
    assert len(kinds) >= 25
    assert sum(len(weather.faults) for weather in drawn) > SEEDS
    assert weather_of(7) == weather_of(7)


def test_a_seed_replays_exactly_in_another_process() -> None:
    seeds = (13, 14)
    here = [play(seed).digest for seed in seeds]
    program = f"from tests.storm.play import play; print(*[play(seed).digest for seed in {seeds}])"
    there = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == here


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("kill-at-write", 0.0, {"write": 60, "is_after": True}), "created"),
        (Fault("kill", 50.0), "created"),
        (Fault("down", 30.0, {"what": "manager", "for_s": 3000.0}), "needs_human"),
        (Fault("full-disk", 40.0, {"for_s": 90.0}), "created"),
        (Fault("lab:join-fails", 0.0, {"server": "ovs02"}), "rolled_back"),
        (Fault("lab:hang-command", 0.0, {"verb": "add", "after": 0, "count": 1}), "created"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_one_fault_alone_ends_as_it_must(fault: Fault, told: str) -> None:
    played = play_weather(Weather(1, "healthy-nfs", 2, (fault,)))
    assert played.is_clean, str(played)
    assert played.outcome == told


def test_a_hang_is_an_error() -> None:
    async def nobody_wakes_us() -> None:
        import asyncio

        await asyncio.get_running_loop().create_future()

    with virtual() as (loop, _), pytest.raises(Deadlock):
        run_virtually(loop, nobody_wakes_us())
