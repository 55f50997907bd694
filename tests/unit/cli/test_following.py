"""Following a run: Ctrl-C while it is being started, errors told as themselves, reports that cannot be written."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from core.cli.following import begin, begun, follow_to_end, tell
from core.errors import ExitCode, Interrupted, RunnerError
from core.models.events import Outcome, RunEvent, RunState
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
