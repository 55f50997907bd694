"""The runner's socket: replay from the journal, then follow. A client is a cursor, never a queue: slow ones are
dropped and attach again, and the run never waits for any of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from core import masking
from core.engine.control import Control, Wish
from core.engine.history import JournalReader
from core.engine.journal import Entry, Journal
from core.errors import AttachRefused, CannotNow, ControlledElsewhere, PoolwrightError
from core.models.events import EventKind, RunEvent, RunState
from core.paths import StatePaths
from core.runner.locks import Peer, peer_of
from core.runner.protocol import LINE_MAX_BYTES, VERSION, Action, ProtocolError, decode, encode
from core.runner.sockets import listen
from core.runner.told import as_data

CLIENTS_MAX = 64
_TAIL = 1000  # newest events kept ready; older ones are read from the journal
_BATCH = 200
_WISHES = {
    Action.PAUSE: Wish.PAUSE,
    Action.CONTINUE: Wish.GO_ON,
    Action.ABORT: Wish.ABORT,
    Action.LEAVE: Wish.LEAVE,
}


class Server:
    """Serves one run. `slow_s` is how long a client may take to read what it was sent."""

    def __init__(
        self,
        paths: StatePaths,
        journal: Journal,
        control: Control,
        *,
        starter: Peer | None = None,
        slow_s: float = 10.0,
    ) -> None:
        self._paths, self._journal, self._control = paths, journal, control
        self._controller, self._slow_s = starter, slow_s
        self._born = _born(starter)
        self._tail: deque[tuple[int, bytes]] = deque(maxlen=_TAIL)
        self._news = asyncio.Event()
        self._is_over = False
        self._tasks: set[asyncio.Task[None]] = set()
        journal.subscribe(self._hear)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen while inside; on the way out everybody gets the rest and the word that it is over."""
        path = self._paths.socket(self._journal.head.run)
        server = await asyncio.start_unix_server(self._serve, sock=listen(path), limit=LINE_MAX_BYTES)
        try:
            yield
        finally:
            self._is_over = True
            self._ring()
            server.close()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=2)
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            with contextlib.suppress(OSError):
                path.unlink()

    def _hear(self, event: RunEvent) -> None:
        self._tail.append((event.seq, encode({"type": "event", "event": event.model_dump(mode="json")})))
        self._ring()

    def _ring(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a server always runs in a task
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, TimeoutError, ProtocolError, asyncio.IncompleteReadError):
            pass  # gone, too slow, or no client of ours: its own loss
        except asyncio.CancelledError:
            if not self._is_over:
                raise
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"))
        why = ""
        if peer.uid != os.geteuid():
            why = f"this run belongs to uid {os.geteuid()}"
        elif len(self._tasks) > CLIENTS_MAX:
            why = f"{CLIENTS_MAX} clients are attached already"
        if why:
            error = AttachRefused(self._journal.head.run, why)
            await self._send(writer, {"type": "refused", "message": why, "error": as_data(error, _mask)})
            return
        await self._send(writer, {"type": "hello", "v": VERSION, "run": self._journal.head.run})
        async with asyncio.timeout(self._slow_s):
            asked = decode(await reader.readline())
        match asked.get("type"):
            case "attach":
                await self._feed(reader, writer, int(asked.get("since", 0)))
            case "control":
                await self._send(writer, self._obey(peer, asked))
            case _:
                await self._send(writer, {"type": "refused", "message": "unknown request"})

    async def _feed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cursor: int) -> None:
        writer.transport.set_write_buffer_limits(high=64 * 1024)
        gone = asyncio.ensure_future(
            reader.read(1)
        )  # a follower says nothing more: this ends when it goes away
        try:
            while not gone.done():
                news, is_over = self._news, self._is_over
                lines = self._after(cursor)
                if lines:  # one write a batch: to who has left it is one write in vain
                    writer.write(b"".join(line for _, line in lines))
                    cursor = lines[-1][0]
                async with asyncio.timeout(self._slow_s):
                    await writer.drain()
                if lines:
                    continue
                if is_over:
                    await self._send(writer, {"type": "end"})
                    return
                await _first(news, gone)
        finally:
            gone.cancel()
            await asyncio.wait({gone})

    def _after(self, cursor: int) -> list[tuple[int, bytes]]:
        if self._tail and self._tail[0][0] <= cursor + 1:
            skip = max(0, cursor + 1 - self._tail[0][0])
            return [self._tail[index] for index in range(skip, min(skip + _BATCH, len(self._tail)))]
        if cursor >= self._journal.now.seq:
            return []
        with closing(JournalReader(self._paths, self._journal.head.run)) as reader:
            events = reader.events(cursor, _BATCH)
        return [
            (event.seq, encode({"type": "event", "event": event.model_dump(mode="json")})) for event in events
        ]

    async def _send(self, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        writer.write(encode(message))
        async with asyncio.timeout(self._slow_s):
            await writer.drain()

    # control ---------------------------------------------------------------------------------------------------

    def _obey(self, peer: Peer, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            action = Action(str(asked.get("action")))
        except ValueError:
            return {"type": "reply", "ok": False, "message": f"cannot do {asked.get('action')!r}"}
        try:
            self._must_control(peer, action, take_over=asked.get("take_over") is True)
            if why := self._not_now(action):
                raise CannotNow(self._journal.head.run, action, why)
            self._journal.write(Entry(EventKind.CONTROL, f"{peer} asked: {action}", state=action))
        except PoolwrightError as error:
            told = as_data(error, _mask)
            return {"type": "reply", "ok": False, "message": told["message"], "error": told}
        if action is Action.RETRY:
            self._control.retry()
        else:
            self._control.ask(_WISHES[action])
        return {"type": "reply", "ok": True, "message": _SAID[action]}

    def _must_control(self, peer: Peer, action: Action, *, take_over: bool) -> None:
        """From now on `peer` controls, and a hand-over is written down; ControlledElsewhere when another does."""
        old = self._controller
        if old == peer and self._born == _born(peer):
            return
        is_there = old is not None and self._born != "" and _born(old) == self._born
        if is_there and not take_over:
            raise ControlledElsewhere(self._journal.head.run, action, str(old))
        self._controller, self._born = peer, _born(peer)
        text = f"{peer} took over from {old}" if is_there else f"{peer} controls"
        self._journal.write(Entry(EventKind.CONTROL, text, state="controller"))

    def _not_now(self, action: Action) -> str:
        state = self._journal.now.state
        if state is RunState.DONE:
            return "the run has ended"
        if action is Action.RETRY and not self._journal.now.question:
            return "nothing is asked just now"
        if state is RunState.ROLLING_BACK and action is not Action.LEAVE:
            return "a rollback is under way; only `leave` stops it"
        if self._control.is_ending and action in (Action.PAUSE, Action.CONTINUE):
            return "the run ends after the step at hand, as was asked before"
        return ""


_SAID = {
    Action.PAUSE: "will pause after the step at hand",
    Action.CONTINUE: "goes on",
    Action.ABORT: "will take everything back after the step at hand",
    Action.LEAVE: "will stop after the step at hand and undo nothing",
    Action.RETRY: "looks again",
}


def _mask(text: str) -> str:
    return masking.foreign(text, masking.TEXT_MAX_CHARS)


async def _first(news: asyncio.Event, gone: asyncio.Future[bytes]) -> None:
    """Wait for news, or for the client to go away."""
    waiting = asyncio.ensure_future(news.wait())
    both: set[asyncio.Future[Any]] = {waiting, gone}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _born(peer: Peer | None) -> str:
    """Start time of a process, so that a later one with the same number is not taken for it; empty when gone."""
    if peer is None:
        return ""
    try:
        return (
            Path(f"/proc/{peer.pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
    except (OSError, IndexError):
        return ""
