"""Where the administrator demands a second user, every order is bound: a start, a resume and a rollback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import ApprovalError
from core.models.events import Outcome
from core.paths import StatePaths
from core.runner import approvals, client, process
from core.runner.protocol import Order, RunDocument, Task
from core.runner.taking_back import rollback_plan
from core.system_settings import SystemSettings
from tests.engine.runs import SECRETS, Gates, all_events, gone, start
from tests.engine.toy_platform import ToyPlatform, toy_document


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A runner ignores some for its whole life; here it is a guest."""
    before = {name: signal.getsignal(name) for name in (signal.SIGHUP, signal.SIGINT)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "approvals"
    made.mkdir()
    return made


async def ordered(
    state: Path, folder: Path, task: Task, run: str = "", document: RunDocument | None = None
) -> bool:
    """Whether the runner got as far as being ready; ApprovalError when it refused."""
    is_ready = []
    order = Order(task=task, state_dir=str(StatePaths.of(state).root), run=run, document=document)
    await process.run(
        order,
        SECRETS,
        lambda _name: ToyPlatform(),
        lambda run, _errors: is_ready.append(run),
        system=lambda: SystemSettings(folder),
    )
    return bool(is_ready)


def as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Approvals that are there already are another user's."""
    uid = os.geteuid() + 1
    shim = SimpleNamespace(**{**vars(os), "geteuid": lambda: uid})  # seen by this one module
    monkeypatch.setattr(approvals, "os", shim)


@pytest.mark.asyncio
async def test_a_start(tmp_path: Path, state: Path, folder: Path) -> None:
    with pytest.raises(ApprovalError, match="nobody else approved"):
        await ordered(state, folder, Task.START, document=toy_document(tmp_path))
    assert not list((tmp_path / "world").iterdir())
    assert not client.list_runs(state)


@pytest.mark.asyncio
async def test_ids_that_were_accepted_beside_an_approved_plan(
    tmp_path: Path, state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = toy_document(tmp_path)
    approvals.approve(document.plan, folder)
    as_somebody_else(monkeypatch)
    more = document.model_copy(update={"accepted": ("storage.lun.empty",)})
    with pytest.raises(ApprovalError, match=r"storage\.lun\.empty was accepted beside it"):
        await ordered(state, folder, Task.START, document=more)


@pytest.mark.asyncio
async def test_a_resume(tmp_path: Path, state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = Gates(tmp_path / "gates")
    (gates.folder / "kill").write_text("after make b.1")
    document = toy_document(tmp_path)
    run = await start(state, document)
    await all_events(state, run)
    (gates.folder / "kill").unlink()
    before = {path.name for path in (tmp_path / "world").iterdir()}
    with pytest.raises(ApprovalError):
        await ordered(state, folder, Task.RESUME, run)
    assert {path.name for path in (tmp_path / "world").iterdir()} == before
    approvals.approve(document.plan, folder)
    as_somebody_else(monkeypatch)
    assert await ordered(state, folder, Task.RESUME, run)
    assert client.show_run(state, run).outcome is Outcome.CREATED


@pytest.mark.asyncio
async def test_a_rollback(tmp_path: Path, state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = toy_document(tmp_path)
    run = await start(state, document)
    await all_events(state, run)
    await gone(state, run)
    approvals.approve(document.plan, folder)  # of making it
    approvals.approve(
        rollback_plan("261122-150445-k3", document.plan, ToyPlatform()), folder
    )  # of another run's
    as_somebody_else(monkeypatch)
    with pytest.raises(ApprovalError, match="nobody else approved"):
        await ordered(state, folder, Task.ROLLBACK, run)
    assert list((tmp_path / "world").iterdir())
    monkeypatch.undo()
    approvals.approve(rollback_plan(run, document.plan, ToyPlatform()), folder)
    as_somebody_else(monkeypatch)
    assert await ordered(state, folder, Task.ROLLBACK, run)
    assert client.show_run(state, run).outcome is Outcome.ROLLED_BACK
