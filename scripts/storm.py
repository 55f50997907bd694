"""Play many seeds of random faults in memory, on all processors: `python scripts/storm.py 1000 [FIRST]`.

Ends with the line `seeds N, clean N`; a seed that is not clean is told with its weather and replays by `--seed`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.storm.play import play

TOLD_EVERY_S = 10.0


def one(seed: int) -> tuple[str, str]:
    """Outcome of a seed and what is wrong with it."""
    try:
        played = play(seed)
    except Exception as error:  # noqa: BLE001 - told with its seed, the others go on
        return "error", f"seed {seed}: {type(error).__name__}: {error}"
    return played.outcome, "" if played.is_clean else str(played)


def storm(first: int, count: int) -> int:
    """Play them all; 1 when one is not clean."""
    outcomes: Counter[str] = Counter()
    clean, told_at = 0, time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, (outcome, problem) in enumerate(
            pool.map(one, range(first, first + count), chunksize=5), 1
        ):
            outcomes[outcome] += 1
            clean += not problem
            if problem:
                print(problem, flush=True)
            if time.monotonic() - told_at > TOLD_EVERY_S:
                told_at = time.monotonic()
                print(f"... {number} of {count}", flush=True)
    print(", ".join(f"{outcome} {many}" for outcome, many in sorted(outcomes.items())))
    print(f"seeds {count}, clean {clean}")
    return 0 if clean == count else 1


def main() -> int:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("seeds", type=int, nargs="?", default=1000)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("--seed", type=int, help="play this one alone and tell its whole story")
    given = parser.parse_args()
    if given.seed is None:
        return storm(given.first, given.seeds)
    played = play(given.seed)
    print("\n".join(played.story), played, sep="\n")
    return 0 if played.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
