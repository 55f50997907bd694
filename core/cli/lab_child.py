"""`python -m core.cli.lab_child FOLDER ...`: a demo's fleet. It ends with its parent, whatever ended that, and takes
with it what the demo made: its folder (state, throw-away passwords) and the runners that work there."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from core.errors import ExitCode
from core.lab.__main__ import main as lab
from core.paths import StatePaths
from core.runner.locks import holder

GRACE_S = 3.0  # for a runner that is asked to end; its fleet is gone and its journal goes next
_POLL_S = 0.05


def main() -> ExitCode:
    """Serve until the parent is gone; the folder is the first argument, the rest are the lab's own."""
    folder = Path(sys.argv.pop(1))
    try:
        return lab()
    finally:
        end_runners(StatePaths(folder / "state"))
        shutil.rmtree(folder, ignore_errors=True)


def end_runners(paths: StatePaths) -> None:
    """End every process that works on a run below these paths: asked first, killed when it does not."""
    deadline = time.monotonic() + GRACE_S
    asked: set[int] = set()
    while living := _living(paths):
        is_late = time.monotonic() > deadline
        for pid in living - asked if not is_late else living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if is_late else signal.SIGTERM)
        asked |= living
        time.sleep(_POLL_S)  # other processes: there is no event to wait for


def _living(paths: StatePaths) -> set[int]:
    folders = paths.runs.iterdir() if paths.runs.is_dir() else ()
    return {pid for folder in folders if (pid := holder(folder / "lock"))}


if __name__ == "__main__":
    sys.exit(main())
