"""Following a run: Ctrl-C while it is being started, errors told as themselves, reports that cannot be written."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from core.cli.following import attached, begin, begun, follow_to_end, tell
from core.cli.output import OutputError
from core.errors import (
    AttachRefused,
    EndNotSeen,
    ExitCode,
    Interrupted,
    JournalError,
    PoolwrightError,
    RunnerError,
)
from core.models.events import EventKind, Outcome, RunEvent, RunState, StepState
from core.models.views import RunView
from core.service import Service

ROOT = Path(__file__).resolve().parents[3]


async def _slow_start(sent: asyncio.Event) -> str:
    sent.set()
    await asyncio.sleep(0.05)
    return "run-1"


def test_an_interrupt_meanwhile_does_not_lose_the_run() -> None:
    async def main() -> tuple[str, bool]:
        sent = asyncio.Event()
        waiting = asyncio.ensure_future(_press_when(sent))
        found = await begun(_slow_start(sent))
        await waiting
        return found

    assert asyncio.run(main()) == ("run-1", True)


async def _press_when(sent: asyncio.Event) -> None:
    await sent.wait()
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.asyncio
async def test_without_an_interrupt_it_is_only_begun() -> None:
    assert await begun(_slow_start(asyncio.Event())) == ("run-1", False)


@pytest.mark.asyncio
async def test_what_refuses_the_start_is_told() -> None:
    async def refuse() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await begun(refuse())


@pytest.mark.asyncio
async def test_a_ctrl_c_from_before_begins_nothing() -> None:
    sent = asyncio.Event()

    async def pressed() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # what a loop makes of Ctrl-C
        await begun(_slow_start(sent))

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(pressed())
    assert not sent.is_set()


@pytest.mark.parametrize(("presses", "continues"), [(0, "run-1"), (1, "run-1"), (2, None)])
def test_a_second_ctrl_c_leaves_open_whether_it_began(presses: int, continues: str | None) -> None:
    async def order() -> str:
        for _ in range(presses):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
        return "run-1"

    if continues is None:
        with pytest.raises(Interrupted) as caught:
            begin(order())
        assert caught.value.continues is None
    else:
        assert begin(order()) == (continues, presses > 0)


class _Gone:
    """A service whose runner cannot be followed."""

    async def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        nothing: tuple[RunEvent, ...] = ()
        for event in nothing:
            yield event
        raise RunnerError(f"cannot attach to run {run}: it is another user's")


@pytest.mark.asyncio
async def test_what_ends_following_is_told_as_itself() -> None:
    """It came as `unhandled errors in a TaskGroup (1 sub-exception)`."""
    with pytest.raises(RunnerError, match="another user's"):
        await follow_to_end(cast(Service, _Gone()), "run-1")


class _Lost(_Gone):
    """A service whose run's journal vanishes while it is followed; its runner said why."""

    def __init__(self, *_args: object) -> None:
        self.words = ("journal.db is gone while the run was at work", "put the run's folder back")

    def show(self, run: str) -> RunView:
        return RunView(run, "pool1", "oracle_vm", RunState.RUNNING, None)

    def spec_of(self, run: str) -> None:
        """Nothing of it is needed here."""

    async def rollback(self, run: str, secrets: object) -> str:
        return run

    @override
    async def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        at = datetime(2026, 12, 1, tzinfo=UTC)
        yield RunEvent(run=run, seq=1, at=at, kind=EventKind.STEP_STATE, step="a.1", state=StepState.UNDOING)
        yield RunEvent(run=run, seq=2, at=at, kind=EventKind.COMMAND, step="a.1", text="OVM> delete it")
        raise JournalError("cannot open the journal: it is gone", fix="restore it from a backup")

    def last_words(self, run: str) -> tuple[str, str]:
        return self.words


@pytest.mark.parametrize("is_rollback", [False, True])
def test_a_run_whose_journal_vanishes_was_not_left_unchanged(
    is_rollback: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended with 2: nothing was changed."""
    from core import service
    from core.cli import continuing

    monkeypatch.setattr(service, "Service", _Lost)
    monkeypatch.setattr(continuing, "gather_secrets", lambda *_: None)
    args = Namespace(run="run-1", state_dir=None, password_file=None, json=False)
    with pytest.raises(EndNotSeen) as caught:
        continuing.continue_run(
            args, lambda its, run, secrets: its.rollback(run, secrets), is_rollback=is_rollback
        )
    error = caught.value
    assert error.exit_code is ExitCode.NEEDS_ATTENTION
    assert (error.step, error.command) == ("a.1", "OVM> delete it")
    assert "journal.db is gone while the run was at work" in error.message
    assert "put the run's folder back" in error.fix
    assert "Manager's jobs" in error.fix


def _kinds(of: type[PoolwrightError]) -> Iterator[type[PoolwrightError]]:
    yield of
    for below in of.__subclasses__():
        yield from _kinds(below)


def test_no_error_says_that_nothing_was_changed_once_a_run_began() -> None:
    kinds = set(_kinds(PoolwrightError))
    assert {JournalError, RunnerError, AttachRefused} <= kinds
    for kind in kinds:
        error = kind.__new__(kind)
        PoolwrightError.__init__(error, "why")
        with pytest.raises(EndNotSeen), attached(cast(Service, _Lost()), "run-1"):
            raise error


def test_a_run_of_somebody_else_that_lets_nobody_in_is_told_as_that() -> None:
    with pytest.raises(AttachRefused), attached(cast(Service, _Lost()), "run-1", is_ours=False):
        raise AttachRefused("run-1", "it is another user's")


def test_every_command_that_follows_a_run_does_so_attached() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "core/cli").rglob("*.py")}
    following = {name for name, text in texts.items() if "begin(" in text or "follow_to_end(" in text}
    following |= {name for name, text in texts.items() if "follow_here(" in text}
    assert {"apply.py", "attach.py", "continuing.py", "demo.py", "sweep.py"} <= following
    assert [name for name in following if "attached(" not in texts[name]] == []


class _Ended:
    """A service that knows one run, which ended so."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def show(self, run: str) -> RunView:
        return RunView(run, "pool1", "oracle_vm", RunState.DONE, self.outcome)


class _Unwritable(io.StringIO):
    """A standard output that nothing can be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    @override
    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_a_report_that_cannot_be_written_changes_no_exit_code(
    number: int,
    as_json: bool,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", _Unwritable(OSError(number, os.strerror(number))))
    assert tell(cast(Service, _Ended(outcome)), "run-1", as_json=as_json) is outcome.exit_code
    assert "the report" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_that_was_asked_to_be_shown_and_is_not_is_no_success(
    as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show RUN >/dev/full` ended with 0."""
    from core import service
    from core.cli.commands import show

    monkeypatch.setattr(service, "Service", lambda _: _Ended(Outcome.CREATED))
    monkeypatch.setattr(sys, "stdout", _Unwritable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    with pytest.raises(OutputError) as caught:
        show.run(Namespace(run="run-1", state_dir=None, json=as_json))
    assert caught.value.exit_code is ExitCode.INTERNAL


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """`| head` ended with 130, as if somebody had pressed Ctrl-C."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "core.cli.main", "checks", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as program:
        os.close(writing)
        _, said = program.communicate()
    assert (program.returncode, said) == (ExitCode.PIPE, b"")
