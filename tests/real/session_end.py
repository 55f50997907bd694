"""Runs as root on the machine of test_logind.py once everybody has logged out: which runners are still there?

Arguments: users whose runner shall die, a dash, users whose runner shall live. Waits for the first, lets the others go
on, and prints what became of each run.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from core.engine.history import read_run, run_ids
from core.paths import StatePaths
from core.runner.locks import is_held
from tests.real.session_begin import HELD

LIMIT_S = 120.0


def wait(is_so: object) -> None:
    """Until it is so or the time is up; what is then seen is told in any case."""
    end = time.monotonic() + LIMIT_S
    while callable(is_so) and not is_so() and time.monotonic() < end:
        time.sleep(0.2)


def paths_of(user: str) -> StatePaths:
    return StatePaths(Path("/home", user, "run", "state"))


def is_alive(user: str) -> bool:
    paths = paths_of(user)
    return is_held(paths.lock(run_ids(paths)[0]))


def told(user: str, *, was_alive: bool) -> dict[str, object]:
    paths = paths_of(user)
    now = read_run(paths, run_ids(paths)[0])[1]
    return {"survived": was_alive, "outcome": now.outcome, "steps": [one.state for one in now.steps.values()]}


def main() -> None:
    """Print one JSON line."""
    dash = sys.argv.index("-")
    dying, living = sys.argv[1:dash], sys.argv[dash + 1 :]
    wait(lambda: not any(is_alive(user) for user in dying))
    alive = {user: is_alive(user) for user in (*dying, *living)}
    for user in living:
        if alive[user]:
            Path("/home", user, "run", "gates", HELD).write_text("go")
    wait(lambda: not any(is_alive(user) for user in living))
    sys.stdout.write(json.dumps({user: told(user, was_alive=was) for user, was in alive.items()}) + "\n")


if __name__ == "__main__":
    main()
