"""The same kind of weather over real sockets and real processes: what holds in memory holds there."""

from __future__ import annotations

import random
from typing import Any

import pytest

from core.engine.history import read_run, run_ids
from core.models.events import Outcome
from core.paths import StatePaths
from core.runner.protocol import Task
from tests.storm.weather import Fault, weather_of
from tests.whole import crashing
from tests.whole.crashing import Point, Stand

SEEDS, PROCESSES_MAX = 20, 6
QUICK = (
    "disconnect-before",
    "disconnect-after",
    "disconnect-midway",
    "half-reply",
    "job-fails",
    "agent-fault",
)


def quick_faults(seed: int) -> list[Fault]:
    """Those of a seed's weather that a lab with a fast clock can have; at least one."""
    found: list[Fault] = []
    while not found:
        found = [fault for fault in weather_of(seed).faults if fault.kind.removeprefix("lab:") in QUICK]
        seed += 1000
    return found


def ended(stand: Stand, seed: int) -> tuple[Outcome | None, dict[str, Any], dict[str, Any], list[str]]:
    """Outcome, the lab before and after, and what is told to be left."""
    rng = random.Random(seed)
    before = stand.lab.ask("new")
    for fault in quick_faults(seed):
        stand.lab.ask((fault.kind.removeprefix("lab:"), dict(fault.args)))
    death = Point("before journal: command create_pool:pool", rng.randint(1, 9), False)
    with crashing._folder() as state:
        paths = StatePaths(state)
        crashing.runner(stand, stand.order(Task.START, state), death, is_guarded=False)
        now = read_run(paths, run_ids(paths)[0])[1]
        for _ in range(PROCESSES_MAX):
            if now.outcome is not None:
                break
            crashing.runner(stand, stand.order(Task.RESUME, state, now.run), is_guarded=False)
            now = read_run(paths, now.run)[1]
        left = [f"{one.what} {one.where} {one.commands}" for _, one in now.residue.values()]
    return now.outcome, before, stand.lab.ask("idle"), left


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_twenty_seeds_end_as_promised() -> None:
    wrong = []
    with crashing.lab_process() as lab:
        stand = crashing.make_stand(lab)
        for seed in range(SEEDS):
            outcome, before, after, left = ended(stand, seed)
            pools = [item for item in after["objects"] if item["type"] == "serverpool"]
            members = [server for server in after["servers"].values() if server["pool"] is not None]
            is_well = {
                Outcome.CREATED: len(pools) == 1 and len(members) == crashing.SERVERS,
                Outcome.CREATED_UNVERIFIED: len(pools) == 1 and len(members) == crashing.SERVERS,
                Outcome.ROLLED_BACK: after == before,
                Outcome.REFUSED: after == before,
                Outcome.NEEDS_HUMAN: bool(left),
            }.get(outcome, False) if outcome else False  # fmt: skip
            if not is_well:
                wrong.append((seed, outcome, [str(fault) for fault in quick_faults(seed)], left))
    assert not wrong
