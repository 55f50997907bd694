"""Runs of toys in real runners: started, held at a gate, followed, waited for."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from core.models.events import EventKind, RunEvent
from core.paths import StatePaths
from core.runner import client
from core.runner.client import RunDocument
from core.runner.locks import holder
from core.secrets import Secrets
from tests.engine.toy_platform import COMMAND

PATIENCE_S = 240.0  # below the limit of a test: a slow disk is no failure
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
        (await self.reached(point))()

    async def reached(self, point: str) -> Callable[[], None]:
        """Wait until the step stands there; what is returned lets it through."""
        path = self._path(point)
        async with asyncio.timeout(PATIENCE_S):
            while (handle := _reader_of(path)) is None:  # noqa: ASYNC110 - another process: there is no event to wait for
                await asyncio.sleep(0.01)

        def let_through() -> None:
            path.unlink()
            os.write(handle, b"go")
            os.close(handle)

        return let_through

    def _path(self, point: str) -> Path:
        return self.folder / f"{point.replace(' ', '-')}.fifo"


def _reader_of(path: Path) -> int | None:
    """A handle that the step which waits there reads from; None while none does."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # ENXIO: nobody reads yet
        return None


async def start(state: Path, document: RunDocument) -> str:
    return await client.start_run(state, document, SECRETS, command=COMMAND)


async def all_events(state: Path, run: str, since: int = 0) -> list[RunEvent]:
    async with asyncio.timeout(PATIENCE_S):
        return [event async for event in client.follow(state, run, since)]


async def until(state: Path, run: str, kind: EventKind, word: str, step: str = "") -> int:
    """Follow until an event of that kind and state (of that step); its number."""
    async with asyncio.timeout(PATIENCE_S), aclosing(client.follow(state, run)) as events:
        async for event in events:
            if event.kind is kind and event.state == word and step in ("", event.step):
                return event.seq
    raise AssertionError(f"no {kind} {word}")


async def gone(state: Path, run: str) -> None:
    """Until the runner has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while client.is_live(state, run):  # noqa: ASYNC110 - another process: there is no event to wait for
            await asyncio.sleep(0.01)


def runner_pid(state: Path, run: str) -> int:
    pid = holder(StatePaths(state).lock(run))
    assert pid, "no runner"
    return pid


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    sock.settimeout(10)
    content = b""
    while mark not in content:
        content += sock.recv(65536)
    return content


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


# Another front end, in a process of its own: pauses a run, taking it over or not.
OTHER = """
import asyncio, sys
from pathlib import Path
from core.errors import PoolwrightError
from core.runner import client, survival
state, run, take_over = sys.argv[1:]
try:
    print(asyncio.run(client.control(Path(state), run, "pause", take_over=take_over == "yes")))
except PoolwrightError as error:
    print(type(error).__name__, error)
"""


async def run_python(code: str, *argv: str) -> str:
    process = await asyncio.create_subprocess_exec(
        COMMAND[0], "-c", code, *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode()
