"""What front ends use of the runner: start, follow, control, list, show, resume, rollback. Never touches a server.

A run belongs to its runner, a process of its own; leaving any of these functions, or losing the session, stops nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from core.models.events import RunEvent
from core.models.views import RunView
from core.runner.protocol import Action, RunDocument
from core.secrets import Secrets

__all__ = [
    "Action", "RunDocument", "control", "follow", "list_runs", "resume_run", "rollback_run", "show_run", "start_run",
]  # fmt: skip


async def start_run(
    state_dir: Path, document: RunDocument, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a detached runner for `document` (RunDocument.of(spec, plan)) and return the run's id once its journal
    stands, its locks are held and its socket listens.

    Raises JournalError, RunnerError (another run works on this pool or server) or PathsError before anything is
    touched.
    `command` replaces the program that is started (tests).
    """
    raise NotImplementedError


async def resume_run(
    state_dir: Path, run: str, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a new runner that continues a run whose runner is gone; returns its id."""
    raise NotImplementedError


async def rollback_run(
    state_dir: Path, run: str, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a new runner that takes back what an interrupted or ended run did; returns its id."""
    raise NotImplementedError


def follow(state_dir: Path, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
    """Events after `since`, from the journal and then live; ends at the outcome or when the runner is gone.

    Survives a cut connection by attaching again where it stopped. `show_run(...).outcome` tells how it ended;
    None means the runner is gone and the run can be resumed.
    """
    raise NotImplementedError


async def control(state_dir: Path, run: str, action: Action | str, *, take_over: bool = False) -> str:
    """Ask a live run to pause, continue, abort (roll back) or leave (stop, undo nothing); returns its answer.

    RunnerError when no runner lives, when somebody else controls it (unless `take_over`), or when it cannot do
    that now.
    """
    raise NotImplementedError


def list_runs(state_dir: Path) -> list[RunView]:
    """All runs, newest first, without their steps; a journal that cannot be read says so in `message`."""
    raise NotImplementedError


def show_run(state_dir: Path, run: str) -> RunView:
    """One run, folded from its journal; `is_live` says whether a runner works on it now."""
    raise NotImplementedError
