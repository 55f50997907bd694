"""Kill a runner at every point of the `healthy-nfs` plan with 4 servers, resume it, and (again) roll it back.

One lab a processor. Then the same for a Manager that hangs up at each command (`--only disconnects`: just that).
Ends with `crash points N, clean N`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from multiprocessing.pool import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.runner.protocol import Task
from tests.storm import hangups
from tests.whole import crashing
from tests.whole.crashing import Point, Stand

TOLD_EVERY_S = 15.0
Answer = tuple[str, str]  # where, what is wrong


def _worker(tasks: multiprocessing.Queue[Point | None], answers: multiprocessing.Queue[Answer]) -> None:
    """Try points against a lab of its own until there are none."""
    with crashing.lab_process() as lab:
        stand = crashing.make_stand(lab)
        while (point := tasks.get()) is not None:
            answers.put((str(point), _both(stand, point)))


def _both(stand: Stand, point: Point) -> str:
    found = []
    for task in (Task.RESUME, Task.ROLLBACK):
        try:
            wrong = crashing.try_point(stand, point, task)
        except Exception as error:  # noqa: BLE001 - told with its point, the others go on
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            found.append(f"{task}: {wrong}")
    return "; ".join(found)


def kills(every: int) -> tuple[int, int]:
    """Every point (or every n-th): how many, and how many clean."""
    with crashing.lab_process() as lab:
        points = crashing.chosen_points(crashing.make_stand(lab))[::every]
    print(f"{len(points)} points where a runner can be killed, each resumed and rolled back", flush=True)
    context = multiprocessing.get_context("fork")
    tasks: multiprocessing.Queue[Point | None] = context.Queue()
    answers: multiprocessing.Queue[Answer] = context.Queue()
    workers = [context.Process(target=_worker, args=(tasks, answers)) for _ in range(os.cpu_count() or 1)]
    for point in [*points, *[None] * len(workers)]:
        tasks.put(point)
    for worker in workers:
        worker.start()
    clean = _count(points, answers)
    for worker in workers:
        worker.join()
    return len(points), clean


def _count(points: list[Point], answers: multiprocessing.Queue[Answer]) -> int:
    clean, told_at = 0, time.monotonic()
    for number, _ in enumerate(points, 1):
        where, wrong = answers.get(timeout=300)
        clean += not wrong
        if wrong:
            print(f"NOT CLEAN {where}: {wrong}", flush=True)
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            print(f"... {number} of {len(points)}", flush=True)
    return clean


def disconnects(pool: Pool, every: int) -> tuple[int, int]:
    """Manager hangs up at each command, in each way."""
    places = hangups.places("healthy-nfs", servers=4)[::every]
    print(f"{len(places)} places where Manager can hang up", flush=True)
    clean, told_at = 0, time.monotonic()
    for number, (place, wrong) in enumerate(pool.imap_unordered(hangups.try_place, places), 1):
        clean += not wrong
        if wrong:
            print(f"NOT CLEAN {place}: {wrong}", flush=True)
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            print(f"... {number} of {len(places)}", flush=True)
    return len(places), clean


def main() -> int:
    """Both kinds, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--every", type=int, default=1, help="try every n-th only")
    parser.add_argument("--only", choices=["kills", "disconnects"], help="one kind only")
    given = parser.parse_args()
    begin, killed, cut = time.monotonic(), (0, 0), (0, 0)
    if given.only != "disconnects":
        killed = kills(given.every)
    if given.only != "kills":
        with multiprocessing.get_context("fork").Pool() as pool:
            cut = disconnects(pool, given.every)
    print(f"killed: {killed[0]}, clean {killed[1]}; hung up: {cut[0]}, clean {cut[1]};", end=" ")
    print(f"{time.monotonic() - begin:.0f} s")
    count, clean = killed[0] + cut[0], killed[1] + cut[1]
    print(f"{'disconnects' if given.only == 'disconnects' else 'crash points'} {count}, clean {clean}")
    return 0 if count == clean else 1


if __name__ == "__main__":
    sys.exit(main())
