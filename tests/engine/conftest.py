from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.paths import StatePaths
from core.runner.locks import holder


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder; runners that a failed test left are ended, by their own ids."""
    root = tmp_path / "state"
    yield root
    paths = StatePaths(root)
    for folder in paths.runs.glob("*") if paths.runs.is_dir() else ():
        if (pid := holder(paths.lock(folder.name))) > 1:
            os.kill(pid, signal.SIGKILL)
