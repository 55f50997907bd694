"""The disk of the journal is full at any write: nothing is done that is not written down, and with room it goes on."""

from __future__ import annotations

import ctypes
import os
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from core.engine.history import read_run
from core.engine.journal import Journal
from core.lab.fleet import Lab
from core.models.events import Outcome, RunEvent
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.runner.protocol import Task
from tests.storm.clock import run_virtually, virtual
from tests.storm.memory import connected
from tests.storm.play import Stage
from tests.storm.weather import Weather

SUNNY = Weather(1, "healthy-nfs", 2, ())
_CLONE_NEWNS = 0x00020000  # unshare(2)


def effects_without_a_record(lab: Lab, before: dict[str, object], begun: set[str]) -> list[str]:
    """What is in the world and was never announced in the journal."""
    found = []
    for server in lab.world.servers.values():
        if server.owner and f"own_server:{server.address}" not in begun:
            found.append(f"{server.name} is owned")
        if server.pool and f"join_server:{server.address}" not in begun:
            found.append(f"{server.name} is in a pool")
    if lab.world.of_type("serverpool") and "create_pool:pool" not in begun:
        found.append("there is a pool")
    if not begun and lab.snapshot() != before:
        found.append("something changed before anything was begun")
    return found


def try_room(folder: Path, fill: Callable[[Stage, Journal], None], empty: Callable[[], None]) -> bool:
    """Fill the disk at the first write, run until it is full, make room, resume; False when it was never full."""
    folder.mkdir()
    with virtual() as (loop, clock):
        stage = Stage(SUNNY, loop, clock, folder)
        commit = Journal._commit
        filled: list[bool] = []

        def filling(journal: Journal, events: list[RunEvent]) -> None:
            if not filled:
                filled.append(True)
                fill(stage, journal)
            commit(journal, events)

        async def both() -> bool:
            spec = PLATFORM.spec_model.model_validate(stage.fleet.lab.spec_data())
            assert isinstance(spec, PoolSpec)
            with connected(stage.fleet):
                plan = await stage.plan(spec)
                before = stage.fleet.lab.snapshot()
                with patch.object(Journal, "_commit", filling):
                    first = await stage.process(spec, plan, Task.START)
                empty()
                now = read_run(stage.paths, stage.run)[1]
                if first is None:
                    begun = {id_ for id_, step in now.steps.items() if step.was_doing}
                    assert not effects_without_a_record(stage.fleet.lab, before, begun)
                    assert await stage.process(spec, plan, Task.RESUME) is Outcome.CREATED
                await stage.fleet.close()
                return first is None

        return run_virtually(loop, both())


def test_a_journal_that_may_not_grow_stops_the_run_before_the_next_effect(tmp_path: Path) -> None:
    """SQLite's own limit, so that it needs no root: `database or disk is full` at each page that is missing."""
    stopped = 0
    for pages in range(60):

        def fill(_stage: Stage, journal: Journal, pages: int = pages) -> None:
            count = journal._db.execute("PRAGMA page_count").fetchone()[0]
            journal._db.execute(f"PRAGMA max_page_count = {count + pages}")

        if not try_room(tmp_path / str(pages), fill, lambda: None):
            break
        stopped += 1
    else:
        pytest.fail("never had room enough")
    assert stopped > 5


def _in_a_namespace(work: Callable[[], None]) -> int:
    """In a forked process with mounts of its own; its wait status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - told by the status
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def _may_mount() -> str:
    if os.geteuid() != 0:
        return "needs root to mount a small tmpfs"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "may not make mount namespaces"


@pytest.mark.real
@pytest.mark.skipif(bool(_may_mount()), reason=_may_mount() or "-")
def test_a_file_system_that_is_full_at_any_write_does_the_same(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def on_a_small_disk() -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "small", str(disk)], check=True)
        filler = disk / "filler"
        stopped = 0
        for kib in range(0, 4096, 48):

            def fill(_stage: Stage, _journal: Journal, kib: int = kib) -> None:
                status = os.statvfs(disk)
                filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - kib * 1024)))

            is_stopped = try_room(disk / str(kib), fill, lambda: filler.unlink(missing_ok=True))
            subprocess.run(["rm", "-rf", str(disk / str(kib))], check=True)
            if not is_stopped:
                break
            stopped += 1
        assert stopped > 3, stopped

    assert _in_a_namespace(on_a_small_disk) == 0
