"""Runs as root on the machine of test_logind.py once everybody has logged out: which processes are still there?

Arguments: users whose process shall die, a dash, users whose process shall live. Waits for the first, lets the others
go on, and prints who was alive and who came to an end of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIMIT_S = 120.0


def wait(is_so: Callable[[], bool]) -> None:
    """Until it is so or the time is up; what is then seen is told in any case."""
    end = time.monotonic() + LIMIT_S
    while not is_so() and time.monotonic() < end:
        time.sleep(0.2)


def is_alive(user: str) -> bool:
    pid = Path("/home", user, "pid").read_text()
    try:
        return b"session_runner" in Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Print one JSON line."""
    dash = sys.argv.index("-")
    dying, living = sys.argv[1:dash], sys.argv[dash + 1 :]
    wait(lambda: not any(is_alive(user) for user in dying))
    alive = [user for user in (*dying, *living) if is_alive(user)]
    Path("/run/go").touch()
    wait(lambda: not any(is_alive(user) for user in alive))
    done = [user for user in (*dying, *living) if Path("/home", user, "done").exists()]
    Path("/run/go").unlink()
    sys.stdout.write(json.dumps({"alive": sorted(alive), "done": sorted(done)}) + "\n")


if __name__ == "__main__":
    main()
