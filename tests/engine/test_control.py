"""Who speaks to a live runner, and who may: followers, the one who controls, strangers, answers to questions."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest

from core.errors import CannotNow, RunnerError
from core.models.events import EventKind, Outcome, RunState, StepState
from core.paths import StatePaths
from core.reports.runs import run_document
from core.reports.text import run_text
from core.runner import client
from core.runner.protocol import encode
from core.runner.sockets import connect
from tests.engine.runs import (
    OTHER,
    Gates,
    all_events,
    run_python,
    start,
    until,
)
from tests.engine.toy_platform import COMMAND, toy_document


@pytest.mark.asyncio
async def test_two_followers_see_the_same_and_leaving_stops_nothing(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DONE)  # a third one, that leaves
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(all_events(state, run)) for _ in range(2)]
        await gates.open("before make b.1")
    assert both[0].result() == both[1].result()
    assert both[0].result()[-1].state == Outcome.CREATED


@pytest.mark.asyncio
async def test_pause_continue_and_abort_by_the_controller(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DOING, "b")
    assert "after the step" in await client.control(state, run, "pause")
    await gates.open("before make b.1")
    await until(state, run, EventKind.RUN_STATE, RunState.PAUSED)
    assert client.show_run(state, run).steps[1].state is StepState.DONE
    await client.control(state, run, "continue")
    events = await all_events(state, run)
    assert events[-1].state == Outcome.CREATED
    assert [event.state for event in events if event.kind is EventKind.CONTROL] == ["pause", "continue"]
    with pytest.raises(RunnerError):
        await client.control(state, run, "abort")


@pytest.mark.asyncio
async def test_abort_takes_back_and_is_final(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    gates.shut("before take a.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DOING, "b")
    await client.control(state, run, "abort")
    await gates.open("before make b.1")
    await until(state, run, EventKind.RUN_STATE, RunState.ROLLING_BACK)
    with pytest.raises(CannotNow, match="only `leave`"):
        await client.control(state, run, "continue")
    await gates.open("before take a.1")
    assert (await all_events(state, run))[-1].state == Outcome.ROLLED_BACK


@pytest.mark.asyncio
async def test_one_controls_the_others_watch_and_a_hand_over_is_written(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DOING, "b")
    refused = await run_python(OTHER, str(state), run, "no")
    assert refused.startswith("ControlledElsewhere cannot pause run")
    assert "controls this run" in refused
    taken = await run_python(OTHER, str(state), run, "yes")
    assert "will pause" in taken
    await gates.open("before make b.1")
    await until(state, run, EventKind.RUN_STATE, RunState.PAUSED)
    await client.control(state, run, "continue")  # the other process has ended: control is free again
    events = await all_events(state, run)
    told = [event.text for event in events if event.kind is EventKind.CONTROL and event.state == "controller"]
    assert len(told) == 2
    assert "took over from" in told[0]
    assert told[1].endswith("controls")


@pytest.mark.asyncio
async def test_a_client_that_never_reads_does_not_slow_the_run(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make a.1")
    run = await start(state, toy_document(tmp_path, chatter="1500"))
    with connect(StatePaths(state).socket(run)) as deaf:
        deaf.setblocking(True)
        deaf.sendall(encode({"type": "attach", "v": 1, "since": 0}))
        await gates.open("before make a.1")
        events = await all_events(state, run)
        assert events[-1].state == Outcome.CREATED
        assert len(events) > 1500


@pytest.mark.asyncio
async def test_nonsense_on_the_socket_harms_nobody(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make a.1")
    run = await start(state, toy_document(tmp_path))
    for junk in (
        b"\x00\xff\n",
        b"[]\n",
        b'{"v":99,"type":"attach"}\n',
        b'{"type":"dance"}\n',
        b'{"type":"attach","since":"x"}\n',
    ):
        with connect(StatePaths(state).socket(run)) as sock:
            sock.setblocking(True)
            sock.settimeout(10)
            sock.sendall(junk)
            while await asyncio.to_thread(sock.recv, 65536):
                pass
    await gates.open("before make a.1")
    assert (await all_events(state, run))[-1].state == Outcome.CREATED


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.asyncio
async def test_another_uid_is_refused_even_where_the_folders_would_let_it_in(
    tmp_path: Path, state: Path
) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make a.1")
    run = await start(state, toy_document(tmp_path))
    path = StatePaths(state).socket(run)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    sock = connect(path)  # the kernel tells the uid of whoever connected
    sock.close()
    assert b"PermissionError" in await asyncio.to_thread(_as_nobody, path, doors_open=False)
    said = await asyncio.to_thread(_as_nobody, path, doors_open=True)
    assert b"belongs to uid 0" in said
    assert b"hello" not in said
    assert b"reply" not in said
    await gates.open("before make a.1")
    events = await all_events(state, run)
    assert events[-1].state == Outcome.CREATED
    assert not [event for event in events if event.kind is EventKind.CONTROL]


def _as_nobody(path: Path, *, doors_open: bool) -> bytes:
    """Connect and ask for an abort as uid 65534, in a child; the folder is entered before the rights are given up."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(path.parent)
            if doors_open:
                path.chmod(0o666)
                path.parent.chmod(0o711)
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(10)
                sock.connect(path.name)
                with suppress(OSError):  # it hangs up on us at once
                    sock.sendall(encode({"type": "control", "v": 1, "action": "abort", "take_over": True}))
                while said := sock.recv(65536):
                    os.write(write, said)
        except OSError as error:
            os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


async def asks(tmp_path: Path, state: Path) -> str:
    """A run whose second toy cannot be looked at, once it has asked what to do."""
    run = await start(state, toy_document(tmp_path, b="away"))
    await until(state, run, EventKind.QUESTION, "asked", "b")
    return run


@pytest.mark.asyncio
async def test_a_question_is_answered_over_the_socket_and_the_run_goes_on(
    tmp_path: Path, state: Path
) -> None:
    run = await asks(tmp_path, state)
    view = client.show_run(state, run)
    assert "what became of `make b`" in view.question
    assert run_document(view)["question"] == view.question
    assert f"poolwright control {run} retry" in run_text(view)
    (tmp_path / "back").touch()
    assert await client.control(state, run, "retry") == "looks again"
    events = await all_events(state, run)
    assert events[-1].state == Outcome.CREATED
    told = [event.state for event in events if event.kind in (EventKind.CONTROL, EventKind.ANSWER)]
    assert told == ["retry", "seen"]
    assert client.show_run(state, run).question == ""


@pytest.mark.asyncio
async def test_only_a_question_can_be_answered_and_only_by_whoever_controls(
    tmp_path: Path, state: Path
) -> None:
    run = await asks(tmp_path, state)
    assert "controls this run" in await run_python(OTHER, str(state), run, "no")
    await client.control(state, run, "abort")
    events = await all_events(state, run)
    assert events[-1].state == Outcome.ROLLED_BACK
    answers = [(event.state, event.text) for event in events if event.kind is EventKind.ANSWER]
    assert answers == [("abort", "the operator said: abort")]

    gates = Gates(tmp_path / "gates")
    gates.shut("before make a.1")
    calm = await start(state, toy_document(tmp_path))
    with pytest.raises(RunnerError, match="nothing is asked"):
        await client.control(state, calm, "retry")
    await gates.open("before make a.1")
    assert (await all_events(state, calm))[-1].state == Outcome.CREATED


@pytest.mark.asyncio
async def test_attach_shows_the_question_and_takes_the_answer_at_a_terminal(
    tmp_path: Path, state: Path
) -> None:
    begin = (
        "import asyncio, sys; from pathlib import Path; from tests.engine.runs import start;"
        "from core.runner.client import RunDocument;"
        "print(asyncio.run(start(Path(sys.argv[1]), RunDocument.model_validate_json(sys.argv[2]))))"
    )  # whoever started it is gone: who attaches may answer
    run = (await run_python(begin, str(state), toy_document(tmp_path, b="away").model_dump_json())).strip()
    await until(state, run, EventKind.QUESTION, "asked", "b")

    def operator() -> None:
        argv = ["-m", "tui", "attach", run, "--state-dir", str(state)]
        terminal = pexpect.spawn(COMMAND[0], argv, encoding="utf-8", timeout=30, dimensions=(40, 200))
        terminal.expect("cannot see what became of `make b`")
        terminal.expect("Type retry, abort or leave, then Enter")
        terminal.sendline("perhaps")
        terminal.expect("it can be answered by: retry, abort, leave")
        (tmp_path / "back").touch()
        terminal.sendline("retry")
        terminal.expect("looks again")
        terminal.expect(f"run {run}: pool toypool: created")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0

    await asyncio.to_thread(operator)
