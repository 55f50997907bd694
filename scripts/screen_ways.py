"""The wizard's tests in other circumstances: `python scripts/screen_ways.py [WAY ...] [--times N] [--slow-too]`.

normal: as `make test` has them. pinned: on one processor beside two busy processes. slowest, zero: with the draw
interval at its longest and at none. What a test waits for may take four times as long there; what it finds may not
depend on it. `pinned` runs beside the others; the busy processes end with this program.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
WAYS: Mapping[str, Mapping[str, str]] = {
    "normal": {},
    "pinned": {},
    "slowest": {"POOLWRIGHT_DRAW_S": "1"},
    "zero": {"POOLWRIGHT_DRAW_S": "0"},
}
PATIENCE = 4  # times as long as a usual test waits
TIMEOUT_S = 60 * PATIENCE  # a test with a limit of its own multiplies it itself
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


def main() -> int:
    """Run the ways; 0 when every run of each was green."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    _ = parser.add_argument(
        "ways", nargs="*", metavar="WAY", help=f"{', '.join(WAYS)}; all but normal if none is named"
    )
    _ = parser.add_argument("--times", type=int, default=1, help="how often each way is run")
    _ = parser.add_argument("--slow-too", action="store_true", help="the tests marked slow as well")
    given = parser.parse_args()
    if unknown := set(given.ways) - set(WAYS):
        parser.error(f"no such way: {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
    ways = given.ways or [name for name in WAYS if name != "normal"]
    marks = "not real" if given.slow_too else "not real and not slow"
    one, others = _processors()
    alone = [way for way in ways if way == "pinned"]
    rest = [way for way in ways if way != "pinned"]
    with ThreadPoolExecutor(2) as pool:
        lanes = [
            pool.submit(_lane, alone, given.times, marks, one, busy=2),
            pool.submit(_lane, rest, given.times, marks, others if alone else one | others, busy=0),
        ]
    return 0 if all(lane.result() for lane in lanes) else 1


def _processors() -> tuple[set[int], set[int]]:
    """One processor, and those for everything else: the same where there is only one."""
    usable = os.sched_getaffinity(0)
    one = {min(usable)}
    return one, usable - one or one


def _lane(ways: Sequence[str], times: int, marks: str, processors: set[int], *, busy: int) -> bool:
    """Some ways after each other on some processors; True when all were green."""
    with ExitStack() as stack:
        for _number in range(busy if ways else 0):
            stack.enter_context(_busy(processors))
        red = [way for way in ways for _turn in range(times) if not _run(way, marks, processors)]
        return not red


@contextmanager
def _busy(processors: set[int]) -> Iterator[None]:
    """A process that does nothing as fast as it can; it ends here, or by itself when this program is gone."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    os.sched_setaffinity(process.pid, processors)
    try:
        yield
    finally:
        process.kill()
        _ = process.wait()


def _run(way: str, marks: str, processors: set[int]) -> bool:
    """One run of the tests; its last lines are printed, all of it when it was red."""
    environ = {**os.environ, **WAYS[way], "POOLWRIGHT_TEST_PATIENCE": str(1 if way == "normal" else PATIENCE)}
    words = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-m", marks, "tests/tui"]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*words, "--timeout", str(TIMEOUT_S)],
        cwd=ROOT, env=environ, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.sched_setaffinity(process.pid, processors)
    said, _nothing = process.communicate()
    is_green = process.returncode == 0
    last = said.strip().rpartition("\n")[2]
    print(
        said if not is_green else "", f"{way}: {last} ({time.monotonic() - begun:.0f} s)", sep="", flush=True
    )
    return is_green


if __name__ == "__main__":
    sys.exit(main())
