"""A run has one runner: its lock is seen without being taken, and ends with the process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from core.errors import RunnerError
from core.runner.locks import RunLock, holder, is_held


def test_a_run_lock_is_seen_without_being_taken(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) == 0
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        lock = RunLock(path)
        os.write(write, b"held")
        signal.pause()
        lock.close()
    os.read(read, 4)
    try:
        assert is_held(path)
        assert holder(path) == child
        with pytest.raises(RunnerError, match=f"pid {child}"):
            RunLock(path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
    assert not is_held(path), "the kernel frees it with the process"
    assert holder(path) == 0
    lock = RunLock(path)
    assert holder(path) == holder(path) == os.getpid(), "looking does not release it"
    lock.close()
    assert holder(path) == 0
    assert path.stat().st_mode & 0o777 == 0o600
