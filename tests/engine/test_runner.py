"""The detached runner through its client: real processes, real sockets, toys as servers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import pexpect
import pytest

from core.engine import database
from core.engine.history import read_run
from core.engine.journal import Journal
from core.errors import JournalError, RunnerError
from core.models.events import EventKind, Outcome, RunEvent, RunState, StepState
from core.paths import StatePaths
from core.runner import client, survival
from core.runner.client import RunDocument
from core.runner.locks import holder
from core.runner.protocol import encode
from core.runner.sockets import connect
from core.runner.survival import Survival, Way
from core.secrets import Secrets
from tests.engine.toy_platform import COMMAND, toy_document

CANARY = "Kanarie-4711-zwitscher"
SECRETS = Secrets({"manager": CANARY})


class Gates:
    """Named pipes that hold the toy steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def shut(self, point: str) -> None:
        os.mkfifo(self._path(point))

    async def open(self, point: str) -> None:
        """Wait until the step stands there, then let it through."""
        path = self._path(point)
        async with asyncio.timeout(20):
            while not _let_through(path):  # noqa: ASYNC110 - another process: there is no event to wait for
                await asyncio.sleep(0.01)

    def _path(self, point: str) -> Path:
        return self.folder / f"{point.replace(' ', '-')}.fifo"


def _let_through(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # ENXIO: nobody reads yet
        return False
    path.unlink()
    os.write(handle, b"go")
    os.close(handle)
    return True


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder; runners that a failed test left are ended, by their own ids."""
    root = tmp_path / "state"
    yield root
    paths = StatePaths(root)
    for folder in paths.runs.glob("*") if paths.runs.is_dir() else ():
        if (pid := holder(paths.lock(folder.name))) > 1:
            os.kill(pid, signal.SIGKILL)


async def start(state: Path, document: RunDocument) -> str:
    return await client.start_run(state, document, SECRETS, command=COMMAND)


async def all_events(state: Path, run: str, since: int = 0) -> list[RunEvent]:
    async with asyncio.timeout(20):
        return [event async for event in client.follow(state, run, since)]


async def until(state: Path, run: str, kind: EventKind, word: str, step: str = "") -> int:
    """Follow until an event of that kind and state (of that step); its number."""
    async with asyncio.timeout(20), aclosing(client.follow(state, run)) as events:
        async for event in events:
            if event.kind is kind and event.state == word and step in ("", event.step):
                return event.seq
    raise AssertionError(f"no {kind} {word}")


async def gone(state: Path, run: str) -> None:
    """Until the runner has ended."""
    async with asyncio.timeout(20):
        while client.is_live(state, run):  # noqa: ASYNC110 - another process: there is no event to wait for
            await asyncio.sleep(0.01)


def runner_pid(state: Path, run: str) -> int:
    pid = holder(StatePaths(state).lock(run))
    assert pid, "no runner"
    return pid


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
            "socket": await asyncio.to_thread(_read_until, sock, b"plain ********"),
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


def _read_until(sock: socket.socket, mark: bytes) -> bytes:
    sock.settimeout(10)
    content = b""
    while mark not in content:
        content += sock.recv(65536)
    return content


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
    with pytest.raises(RunnerError, match="only `leave`"):
        await client.control(state, run, "continue")
    await gates.open("before take a.1")
    assert (await all_events(state, run))[-1].state == Outcome.ROLLED_BACK


@pytest.mark.asyncio
async def test_one_controls_the_others_watch_and_a_hand_over_is_written(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make b.1")
    run = await start(state, toy_document(tmp_path))
    await until(state, run, EventKind.STEP_STATE, StepState.DOING, "b")
    refused = await _python(OTHER, str(state), run, "no")
    assert "controls this run" in refused
    taken = await _python(OTHER, str(state), run, "yes")
    assert "will pause" in taken
    await gates.open("before make b.1")
    await until(state, run, EventKind.RUN_STATE, RunState.PAUSED)
    await client.control(state, run, "continue")  # the other process has ended: control is free again
    events = await all_events(state, run)
    told = [event.text for event in events if event.kind is EventKind.CONTROL and event.state == "controller"]
    assert len(told) == 2
    assert "took over from" in told[0]
    assert told[1].endswith("controls")


OTHER = """
import asyncio, sys
from pathlib import Path
from core.runner import client, survival
state, run, take_over = sys.argv[1:]
print(asyncio.run(client.control(Path(state), run, "pause", take_over=take_over == "yes")))
"""


async def _python(code: str, *argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        COMMAND[0], "-c", code, *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode()


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
async def test_a_client_that_never_reads_does_not_slow_the_run(tmp_path: Path, state: Path) -> None:
    gates = Gates(tmp_path / "gates")
    gates.shut("before make a.1")
    run = await start(state, toy_document(tmp_path, chatter="3000"))
    with connect(StatePaths(state).socket(run)) as deaf:
        deaf.setblocking(True)
        deaf.sendall(encode({"type": "attach", "v": 1, "since": 0}))
        await gates.open("before make a.1")
        events = await all_events(state, run)
        assert events[-1].state == Outcome.CREATED
        assert len(events) > 3000


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


def _open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


@pytest.mark.asyncio
async def test_what_is_refused_before_the_start_reaches_the_caller_as_its_own_error(
    tmp_path: Path, state: Path
) -> None:
    document = toy_document(tmp_path)
    _open_to_all(state)
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
    StatePaths(state).journal(run).write_bytes(b"no journal at all" * 500)
    with pytest.raises(JournalError):
        Journal.open(StatePaths(state), run)
    (view,) = client.list_runs(state)
    assert "journal" in view.message


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


@pytest.mark.asyncio
async def test_the_production_runner_answers_for_itself(tmp_path: Path, state: Path) -> None:
    with pytest.raises(RunnerError, match="no platform is called 'toy'"):
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
    assert "what became of `make b`" in client.show_run(state, run).question
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
    assert "controls this run" in await _python(OTHER, str(state), run, "no")
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
        "import asyncio, sys; from pathlib import Path; from tests.engine.test_runner import start;"
        "from core.runner.client import RunDocument;"
        "print(asyncio.run(start(Path(sys.argv[1]), RunDocument.model_validate_json(sys.argv[2]))))"
    )  # whoever started it is gone: who attaches may answer
    run = (await _python(begin, str(state), toy_document(tmp_path, b="away").model_dump_json())).strip()
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
