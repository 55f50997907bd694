"""What front ends use of the runner: start, follow, control, list, show, resume, rollback. Never touches a server.

A run belongs to its runner, a process of its own; leaving any of these functions, or losing the session, stops
nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.engine.database import check_place, file_system
from core.engine.history import JournalReader, past_run, read_run, run_ids
from core.errors import AttachRefused, CannotNow, PoolwrightError, RunnerError
from core.models.events import RunEvent, RunState
from core.models.past import PastRun
from core.models.views import RunView
from core.paths import StatePaths, private_dir, readable_root, state_root
from core.runner import survival
from core.runner.launch import launch
from core.runner.locks import is_held
from core.runner.protocol import (
    LINE_MAX_BYTES,
    VERSION,
    Action,
    Order,
    ProtocolError,
    RunDocument,
    Task,
    decode,
    encode,
)
from core.runner.sockets import connect
from core.runner.survival import Survival
from core.runner.told import from_data
from core.secrets import Secrets

__all__ = [
    "Action",
    "RunDocument",
    "Survival",
    "check_state",
    "control",
    "follow",
    "is_live",
    "last_words",
    "list_runs",
    "outlook",
    "past_runs",
    "resume_run",
    "rollback_run",
    "show_run",
    "start_run",
]

ANSWER_S = 10.0
_LAST_WORDS_S = 5.0  # how long a dying runner may take to say why, once it has let go of who followed
_POLL_S = 0.1  # while a runner lives but does not answer (starting, ending): the journal is read instead


async def start_run(
    state_dir: Path, document: RunDocument, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a detached runner for `document` (RunDocument.of(spec, plan)) and return the run's id once its journal
    stands, its locks are held and its socket listens.

    Raises JournalError, RunnerError (another run works on this pool or server) or PathsError before anything is
    touched. `command` replaces the program that is started (tests).
    """
    return await _launch(state_dir, Task.START, secrets, command, document=document)


async def resume_run(
    state_dir: Path, run: str, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a new runner that continues a run whose runner is gone; returns its id. Secrets are given again."""
    return await _launch(state_dir, Task.RESUME, secrets, command, run=run)


async def rollback_run(
    state_dir: Path, run: str, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a new runner that takes back what an interrupted or ended run did; returns its id."""
    return await _launch(state_dir, Task.ROLLBACK, secrets, command, run=run)


async def verify_run(
    state_dir: Path, run: str, secrets: Secrets, *, command: Sequence[str] | None = None
) -> str:
    """Start a runner that looks again at what an ended, unverified run made and settles its outcome; returns its id."""
    return await _launch(state_dir, Task.VERIFY, secrets, command, run=run)


def outlook(state_dir: Path) -> Survival:
    """How a run started from here outlives this session, with warnings in plain words. Blocking, below a second."""
    root = StatePaths.of(state_dir).root
    there = next(path for path in (root, *root.parents) if path.exists())
    return survival.detect(file_system(there))


def check_state(state_dir: Path) -> None:
    """Raise PathsError or JournalError when no run could be journalled below this folder: ask before the operator
    has answered everything. Makes the folder where it is missing."""
    root = state_root(StatePaths.of(state_dir).root)
    check_place(private_dir(StatePaths(root).runs))


async def _launch(
    state_dir: Path,
    task: Task,
    secrets: Secrets,
    command: Sequence[str] | None,
    *,
    run: str = "",
    document: RunDocument | None = None,
) -> str:
    paths = StatePaths.of(state_dir)
    found = await asyncio.to_thread(outlook, paths.root)
    order = Order(
        task=task,
        state_dir=str(paths.root),
        run=run,
        document=document,
        starter_pid=os.getpid(),
        notes=(f"how this run outlives the session: {found.text}", *found.warnings),
    )
    return await launch(order, secrets, found.way, command)


def is_live(state_dir: Path, run: str) -> bool:
    """Does a runner work on this run now?"""
    return is_held(StatePaths.of(state_dir).lock(run))


async def follow(state_dir: Path, run: str, since: int = 0) -> AsyncGenerator[RunEvent, None]:
    """Events after `since`, from the journal and then live; ends at the outcome or when the runner is gone.

    Survives a cut connection by attaching again where it stopped. `show_run(...).outcome` tells how it ended; None
    means the runner is gone and the run can be resumed.
    """
    paths = StatePaths.of(state_dir)
    cursor, is_over = since, False
    while not is_over:
        was_live = is_live(paths.root, run)
        talk = await _attach(paths, run, cursor) if was_live else None
        try:
            while talk is not None and not is_over and (message := await talk.hear()) is not None:
                is_over = message.get("type") == "end"
                if message.get("type") == "event":
                    event = RunEvent.model_validate(message["event"])
                    cursor = event.seq
                    yield event
        finally:
            if talk is not None:
                talk.close()
        for event in _written(paths, run, cursor):  # cut, dropped or not there: the journal knows
            cursor = event.seq
            yield event
        if not was_live:
            return
        if not is_over:
            await asyncio.sleep(_POLL_S)


def _written(paths: StatePaths, run: str, since: int) -> Iterator[RunEvent]:
    """What the journal holds after `since`, read in pieces: the first ones come at once, however long it is."""
    while True:
        with closing(JournalReader(paths, run)) as reader:
            events = reader.events(since)
        if not events:
            return
        yield from events
        since = events[-1].seq


async def _attach(paths: StatePaths, run: str, since: int) -> _Talk | None:
    """A talk that tells the events after `since`; None when the runner does not answer."""
    try:
        talk = await _Talk.begin(paths, run)
        await talk.say({"type": "attach", "v": VERSION, "since": since})
    except (OSError, TimeoutError, ProtocolError):
        return None
    return talk


class _Talk:
    """One connection to a runner. Not a context manager: an abandoned follower must be closable at any await."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, paths: StatePaths, run: str) -> _Talk:
        """Connect and be greeted; RunnerError when refused, OSError and others when nobody is there."""
        sock = connect(paths.socket(run))
        talk = cls(*await asyncio.open_unix_connection(sock=sock, limit=LINE_MAX_BYTES))
        try:
            async with asyncio.timeout(ANSWER_S):
                hello = decode(await talk._reader.readline())
            if hello.get("type") != "hello":
                raise _refusal(hello) or AttachRefused(run, str(hello.get("message", "it does not answer")))
        except BaseException:
            talk.close()
            raise
        return talk

    async def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        self._writer.write(encode(message))
        async with asyncio.timeout(ANSWER_S):
            await self._writer.drain()

    async def hear(self) -> dict[str, Any] | None:
        """The next message; None when the connection is cut or speaks nonsense."""
        try:
            line = await self._reader.readline()
            return decode(line) if line else None
        except (OSError, ValueError, ProtocolError):
            return None

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def control(state_dir: Path, run: str, action: Action | str, *, take_over: bool = False) -> str:
    """Ask a live run to pause, continue, abort (roll back) or leave (stop, undo nothing); returns its answer.

    RunnerError when no runner lives, when somebody else controls it (unless `take_over`), or when it cannot do
    that now. Control belongs to the process that started the run, until that ends or another takes over.
    """
    paths = StatePaths.of(state_dir)
    _demand_run(paths, run)
    asked = {"type": "control", "v": VERSION, "action": Action(action).value, "take_over": take_over}
    answer: dict[str, Any] | None = None
    with contextlib.suppress(OSError, TimeoutError, ProtocolError):
        talk = await _Talk.begin(paths, run)
        try:
            await talk.say(asked)
            async with asyncio.timeout(ANSWER_S):
                answer = await talk.hear()
        finally:
            talk.close()
    if answer is None:
        fix = "try again" if is_live(paths.root, run) else f"resume it: poolwright resume {run}"
        raise RunnerError(f"cannot {action} run {run}: its runner does not answer", fix=fix)
    if answer.get("ok") is not True:
        raise _refusal(answer) or CannotNow(run, action, str(answer.get("message", "no answer")))
    return str(answer.get("message", ""))


def _refusal(answer: Mapping[str, Any]) -> PoolwrightError | None:
    """The typed error of a refusal; None from a runner of a version that told only words."""
    told = answer.get("error")
    return from_data(told) if isinstance(told, dict) else None


def list_runs(state_dir: Path) -> list[RunView]:
    """All runs, newest first, without their steps; one whose journal cannot be read says why in `damage`."""
    paths = StatePaths.of(state_dir)
    views = []
    for run in run_ids(paths):
        try:
            views.append(_view(paths, run, with_steps=False))
        except PoolwrightError as error:
            live, why = is_live(paths.root, run), str(error)
            views.append(RunView(run, "", "", RunState.CREATED, None, is_live=live, message=why, damage=why))
    return views


def past_runs(state_dir: Path, platform: str) -> tuple[tuple[PastRun, ...], tuple[str, ...]]:
    """What earlier runs of this platform did, and why other journals could not be read: those may tell anything."""
    paths = StatePaths.of(state_dir)
    found, unread = [], []
    for run in run_ids(paths):
        try:
            one = past_run(paths, run, is_live=is_live(paths.root, run))
        except PoolwrightError as error:
            unread.append(f"run {run}: {error}")
        else:
            found += [one] if one.platform == platform else []
    return tuple(found), tuple(unread)


def show_run(state_dir: Path, run: str) -> RunView:
    """One run, folded from its journal; `is_live` says whether a runner works on it now."""
    paths = StatePaths.of(state_dir)
    _demand_run(paths, run)
    return _view(paths, run, with_steps=True)


def _demand_run(paths: StatePaths, run: str) -> None:
    """RunnerError when there is no run of this id, PathsError for what is none or a state folder we cannot use."""
    folder = paths.run(run)
    if not readable_root(paths.root) or not folder.exists():
        raise RunnerError(f"cannot find run {run} below {paths.root}", fix="`poolwright runs` lists them")


def _view(paths: StatePaths, run: str, *, with_steps: bool) -> RunView:
    live = is_live(
        paths.root, run
    )  # before the journal is read: a run that ends in between shows its outcome
    head, now = read_run(paths, run)
    is_open = now.state is not RunState.DONE  # a runner that still closes its sessions works on nothing
    view = now.view(head.plan, is_live=live and is_open, with_steps=with_steps)
    if live or not is_open:
        return view
    return dataclasses.replace(view, message=_interrupted(paths, run))


def last_words(state_dir: Path, run: str) -> tuple[str, str]:
    """Why a runner died and what to do, in its own words; empty when it said nothing. Blocking, some seconds: the
    word of one that is just dying is waited for."""
    paths = StatePaths.of(state_dir)
    for _ in range(int(_LAST_WORDS_S / _POLL_S)):
        said = _said_last(paths, run)
        if said[0] or not paths.run(run).exists():
            return said
        time.sleep(_POLL_S)
    return "", ""


def _said_last(paths: StatePaths, run: str) -> tuple[str, str]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        told = json.loads(paths.errors(run).read_text(encoding="utf-8"))
        return str(told["message"]), str(told.get("fix", ""))
    return "", ""


def _interrupted(paths: StatePaths, run: str) -> str:
    """What to say of a run that has neither a runner nor an outcome."""
    message, _fix = _said_last(paths, run)
    why = f": {message}" if message else ""
    return f"interrupted{why}; `poolwright resume {run}` goes on, `poolwright rollback {run}` takes it back"
