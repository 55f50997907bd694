"""How long `poolwright --help` takes beside `python -c pass`, pair by pair, so that the ratio holds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    """Print the medians and their ratio (to reach: at most 5x)."""
    bare = [sys.executable, "-c", "pass"]
    ours = [sys.executable, "-m", "tui", "--help"]
    seconds(bare), seconds(ours)
    pairs = [(seconds(bare), seconds(ours)) for _ in range(RUNS)]
    ratios = [after / before for before, after in pairs]
    print(f"python -c pass      {statistics.median(each[0] for each in pairs) * 1000:7.1f} ms")
    print(f"poolwright --help   {statistics.median(each[1] for each in pairs) * 1000:7.1f} ms")
    print(
        f"ratio               {statistics.median(ratios):7.2f}x  (min {min(ratios):.2f}, max {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
