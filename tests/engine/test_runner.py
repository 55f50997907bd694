"""The detached runner from its start to its end: real processes, real sockets, toys as servers."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from core.engine import database
from core.engine.history import read_run
from core.engine.journal import Journal
from core.errors import JournalError, RunnerError, SpecError
from core.models.events import EventKind, Outcome, RunState, StepState
from core.paths import StatePaths
from core.runner import client, survival
from core.runner.protocol import encode
from core.runner.sockets import connect
from core.runner.survival import Survival, Way
from tests.engine.runs import (
    CANARY,
    SECRETS,
    Gates,
    all_events,
    gone,
    open_to_all,
    read_until,
    runner_pid,
    start,
    until,
)
from tests.engine.toy_platform import COMMAND, toy_document


@pytest.mark.asyncio
async def test_a_run_is_followed_to_its_end_and_shown_afterwards(tmp_path: Path, state: Path) -> None:
    run = await start(state, toy_document(tmp_path))
    events = await all_events(state, run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[-1].kind, events[-1].state) == (EventKind.OUTCOME, Outcome.CREATED)
    await gone(state, run)
    view = client.show_run(state, run)
    assert (view.outcome, view.is_live, view.last_seq) == (Outcome.CREATED, False, len(events))
    assert [step.state for step in view.steps] == [StepState.DONE] * 3
    assert view.pool_facts == {"made a": True, "made b": True, "made c": True}
    assert await all_events(state, run) == events, "the journal replays what was live"
    assert await all_events(state, run, since=5) == events[5:]
    assert [item.run for item in client.list_runs(state)] == [run]
    assert not StatePaths(state).socket(run).exists()
    with pytest.raises(RunnerError, match="has ended"):
        await client.resume_run(state, run, SECRETS, command=COMMAND)


@pytest.mark.asyncio
async def test_the_runner_is_nobody_s_child_and_holds_no_terminal(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    pid = runner_pid(state, run)
    fields = _proc(pid, "stat").read_text().rpartition(")")[2].split()
    parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
    assert parent != os.getpid()
    assert session not in (os.getsid(0), pid)
    assert terminal == 0
    assert _proc(pid, "cwd").resolve() == Path("/")
    assert "0 " in next(line for line in _proc(pid, "limits").read_text().splitlines() if "core file" in line)
    if os.geteuid() != 0:  # not dumpable: /proc/PID belongs to root
        assert _proc(pid, "environ").stat().st_uid == 0
    await gates.open("before make b.1")
    await all_events(state, run)


@pytest.mark.asyncio
async def test_no_secret_in_argv_environment_journal_socket_or_files(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLWRIGHT_MANAGER_PASSWORD", CANARY)
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    pid = runner_pid(state, run)
    with connect(StatePaths(state).socket(run)) as sock:
        sock.setblocking(True)
        sock.sendall(encode({"type": "attach", "v": 1, "since": 0}))
        await until(state, run, EventKind.STEP_STATE, StepState.DOING)
        seen = {
            "argv": _proc(pid, "cmdline").read_bytes(),
            "environment": _proc(pid, "environ").read_bytes(),
            "socket": await asyncio.to_thread(read_until, sock, b"plain ********"),
        }
    await gates.open("before make b.1")
    await all_events(state, run)
    await gone(state, run)
    files, folders = _below(state)
    seen |= {path.name: path.read_bytes() for path in files}
    for place, content in seen.items():
        assert CANARY.encode() not in content, place
    assert b"POOLWRIGHT" not in seen["environment"]
    assert any(b"********" in content for content in seen.values())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def _proc(pid: int, name: str) -> Path:
    return Path("/proc", str(pid), name)


def _below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files, and folders."""
    everything = list(folder.rglob("*"))
    return [path for path in everything if path.is_file()], [path for path in everything if path.is_dir()]


@pytest.mark.asyncio
async def test_a_killed_runner_is_told_resumed_and_finishes(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    (gates.folder / "kill").write_text("after make b.1")
    run = await start(state, toy_document(tmp_path))
    first = await all_events(state, run)
    assert (first[-1].kind, first[-1].step) == (EventKind.COMMAND, "b"), (
        "following ends when the runner is gone"
    )
    view = client.show_run(state, run)
    assert (view.outcome, view.state, view.is_live) == (None, RunState.RUNNING, False)
    assert f"resume {run}" in view.message
    with pytest.raises(RunnerError, match="resume"):
        await client.control(state, run, "pause")
    (gates.folder / "kill").unlink()
    assert await client.resume_run(state, run, SECRETS, command=COMMAND) == run
    rest = await all_events(state, run, since=first[-1].seq)
    assert (rest[0].seq, rest[-1].state) == (first[-1].seq + 1, Outcome.CREATED)
    assert {path.read_text() for path in (tmp_path / "world").iterdir()} == {"us;"}


@pytest.mark.asyncio
async def test_an_ended_run_is_rolled_back_by_a_new_runner(tmp_path: Path, state: Path) -> None:
    run = await start(state, toy_document(tmp_path))
    created = await all_events(state, run)
    await client.rollback_run(state, run, SECRETS, command=COMMAND)
    events = await all_events(state, run, since=created[-1].seq)
    assert events[-1].state == Outcome.ROLLED_BACK
    assert list((tmp_path / "world").iterdir()) == []
    await gone(state, run)
    with pytest.raises(RunnerError, match="nothing of it is left"):
        await client.rollback_run(state, run, SECRETS, command=COMMAND)


@pytest.mark.asyncio
async def test_a_refused_login_touches_nothing_and_tells_no_secret(tmp_path: Path, state: Path) -> None:
    run = await start(state, toy_document(tmp_path, login="refused"))
    events = await all_events(state, run)
    assert events[-1].state == Outcome.REFUSED
    assert "cannot log in with ********" in events[-1].text
    assert list((tmp_path / "world").iterdir()) == []


@pytest.mark.asyncio
async def test_one_run_at_a_time_on_a_pool_and_its_owner_is_named(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    document = toy_document(tmp_path)
    run = await start(state, document)
    pid = runner_pid(state, run)
    with pytest.raises(RunnerError, match=rf"pool toypool on box: \w+ \(pid {pid}\)"):
        await start(tmp_path / "another-state", document)
    assert not list(StatePaths(tmp_path / "another-state").root.rglob("journal.db")), "nothing was begun"
    with pytest.raises(RunnerError, match="its runner lives"):
        await client.resume_run(state, run, SECRETS, command=COMMAND)
    await gates.open("before make b.1")
    await all_events(state, run)
    await gone(state, run)
    for path in (tmp_path / "world").iterdir():
        path.unlink()
    again = await start(tmp_path / "another-state", document)
    assert (await all_events(tmp_path / "another-state", again))[-1].state == Outcome.CREATED


@pytest.mark.asyncio
async def test_sigterm_ends_after_the_step_at_hand_and_the_run_goes_on_later(
    tmp_path: Path, state: Path
) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("after make b.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DOING, "b")
    os.kill(runner_pid(state, run), signal.SIGHUP)
    os.kill(runner_pid(state, run), signal.SIGTERM)
    await gates.open("after make b.1")
    events = await all_events(state, run)
    assert "asked to end" in events[-1].text
    _, now = read_run(StatePaths(state), run)
    assert [step.state for step in now.steps.values()] == [StepState.DONE, StepState.DONE, StepState.WAITING]
    await gone(state, run)
    await client.resume_run(state, run, SECRETS, command=COMMAND)
    assert (await all_events(state, run))[-1].state == Outcome.CREATED


@pytest.mark.asyncio
async def test_a_state_folder_with_a_very_long_path_works(tmp_path: Path) -> None:
    long = tmp_path / ("d" * 120) / "state"
    run = await start(long, toy_document(tmp_path))
    assert (await all_events(long, run))[-1].state == Outcome.CREATED


@pytest.mark.asyncio
async def test_what_is_refused_before_the_start_reaches_the_caller_as_its_own_error(
    tmp_path: Path, state: Path
) -> None:
    document = toy_document(tmp_path)
    open_to_all(state)
    with pytest.raises(Exception, match="lets others in"):
        await start(state, document)
    state.chmod(0o700)  # noqa: ASYNC240 - one call
    strange = document.model_copy(
        update={
            "plan": document.plan.model_copy(
                update={"steps": (document.plan.steps[0].model_copy(update={"kind": "x"}),)}
            )
        }
    )
    with pytest.raises(RunnerError, match="kind x"):
        await start(state, strange)
    with pytest.raises(RunnerError, match="cannot find run"):
        await client.resume_run(state, "261122-150445-k3", SECRETS, command=COMMAND)
    with pytest.raises(RunnerError, match="without a word"):
        await client.start_run(state, document, SECRETS, command=("/bin/true",))
    with pytest.raises(RunnerError, match="cannot start a runner"):
        await client.start_run(state, document, SECRETS, command=("/no/such/program",))


@pytest.mark.asyncio
async def test_a_damaged_journal_is_refused_and_listed(tmp_path: Path, state: Path) -> None:
    run = await start(state, toy_document(tmp_path))
    await all_events(state, run)
    await gone(state, run)
    for path in (
        StatePaths(state).run(run).glob("journal.db*")
    ):  # a write-ahead log that a reader kept would heal it
        path.write_bytes(b"no journal at all" * 500)
    with pytest.raises(JournalError):
        Journal.open(StatePaths(state), run)
    (view,) = client.list_runs(state)
    assert "journal" in view.message


@pytest.mark.asyncio
async def test_the_production_runner_answers_for_itself(tmp_path: Path, state: Path) -> None:
    with pytest.raises(SpecError, match="no platform is called 'toy'"):
        await client.start_run(state, toy_document(tmp_path), SECRETS)
    assert client.list_runs(state) == []


@pytest.mark.asyncio
async def test_where_only_a_scope_survives_the_runner_is_started_in_one(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "systemd-run"
    _script(
        fake,
        f'#!/bin/sh\necho "$@" > {tmp_path}/said\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n',
    )
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    found = Survival(Way.SCOPE, survives=True, text="in a scope")
    monkeypatch.setattr(survival, "detect", lambda _fs: found)
    run = await start(state, toy_document(tmp_path))
    events = await all_events(state, run)
    assert events[-1].state == Outcome.CREATED
    assert any("in a scope" in event.text for event in events)
    assert _text(tmp_path / "said").startswith("--user --scope --quiet --collect -- ")


def _script(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)


def _text(path: Path) -> str:
    return path.read_text()


def test_an_unusable_state_folder_is_told_before_anything_is_asked(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.check_state(state)
    monkeypatch.setattr(database, "file_system", lambda _path: "nfs4")
    with pytest.raises(JournalError, match="nfs4 is not safe"):
        client.check_state(state)
