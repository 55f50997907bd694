"""Every place where a runner can be killed: resumed it ends with the pool, rolled back with nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.runner import client
from core.runner.protocol import Task
from core.secrets import Secrets
from core.service import Service
from tests.whole import crashing
from tests.whole.crashing import Point, Stand

SAMPLED = 20


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with crashing.lab_process() as lab:
        yield crashing.make_stand(lab)


@pytest.fixture(scope="module")
def points(stand: Stand) -> list[Point]:
    return crashing.chosen_points(stand)


def test_there_are_points_around_every_write_and_every_change(points: list[Point]) -> None:
    assert len(points) >= 60
    kinds = {point.what.split(" ")[0] for point in points}
    assert kinds == {"before", "after"}
    for change in ("discoverServer", "create FileServer", "create ServerPool", "add Server"):
        assert any(f"before sending {change}" in point.what for point in points)
        assert any(f"after sending {change}" in point.what for point in points)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_a_sample_of_points_it_ends_whole_or_leaves_nothing(
    stand: Stand, points: list[Point]
) -> None:
    """`make crashpoints` tries them all; the sample takes the changes first, where most can go wrong."""
    changes = [point for point in points if " sending " in point.what or " reply to " in point.what]
    others = [point for point in points if point not in changes]
    half = SAMPLED // 2
    sample = changes[:: max(1, len(changes) // half)][:half]
    sample += others[:: max(1, len(others) // (SAMPLED - len(sample)))][: SAMPLED - len(sample)]
    wrong = {}
    for number, point in enumerate(sample):
        task = (Task.RESUME, Task.ROLLBACK)[number % 2]
        found = crashing.try_point(stand, point, task)
        if found:
            wrong[f"{point}, {task}"] = found
    assert len(sample) == SAMPLED
    assert not wrong


@pytest.mark.asyncio
@pytest.mark.parametrize("task", [Task.RESUME, Task.ROLLBACK])
async def test_the_same_with_runners_as_front_ends_start_them(task: Task, tmp_path: Path) -> None:
    """A program of its own that dies after it has sent `create ServerPool`; the second runner is the real one."""
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from core.runner.__main__ import main
from tests.whole import crashing
point = crashing.Point("after sending create ServerPool", 1, False)
with crashing.hooked(crashing.Hook(point, crashing.die)):
    sys.exit(main())
"""
    async with Lab.from_scenario("healthy-nfs", servers=2, speed=400.0) as lab:
        before = lab.snapshot()
        secrets, state = Secrets(lab.passwords), tmp_path / "state"
        document = await _document(lab, secrets, tmp_path)
        run = await client.start_run(state, document, secrets, command=(sys.executable, "-P", "-c", program))
        async for _ in client.follow(state, run):
            pass
        view = client.show_run(state, run)
        assert view.outcome is None
        assert not view.is_live
        again = client.resume_run if task is Task.RESUME else client.rollback_run
        await again(state, run, secrets)
        async for _ in client.follow(state, run):
            pass
        ended = client.show_run(state, run)
        if task is Task.RESUME:
            assert ended.outcome == "created"
            assert all(server.pool for server in lab.world.servers.values())
        else:
            assert ended.outcome == "rolled_back", ended
            assert lab.snapshot() == before


async def _document(lab: Lab, secrets: Secrets, folder: Path) -> client.RunDocument:
    service = Service(folder / "state")
    lab.write_ready(folder / "ready.json")
    spec = service.load(folder / "ready.json.spec.yaml")
    checked = await service.check(spec, secrets)
    return client.RunDocument.of(spec, service.plan(spec, checked))


def test_a_lab_that_is_made_anew_is_as_on_the_first_day(stand: Stand) -> None:
    first = stand.lab.ask("new")
    assert stand.lab.ask("idle") == first
    point = Point("after the reply to create ServerPool", 1, is_guarded=False)
    assert crashing.try_point(stand, replace(point, nth=99), Task.RESUME) == "never reached"
    assert stand.lab.ask("idle") != first
    assert stand.lab.ask("new") == first
