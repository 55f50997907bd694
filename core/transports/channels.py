"""Both kinds of SSH channel we open: a command whose output is collected up to a limit, and a shell that is read."""

from __future__ import annotations

import asyncio
import codecs
from typing import TYPE_CHECKING

import asyncssh
from typing_extensions import override

from core.errors import CommandTimeout
from core.transports.wire import connect_failed

if TYPE_CHECKING:
    from core.transports.base import Endpoint

_READ_MAX = 64 * 1024
_FEED_PAUSE = 256 * 1024  # stop the server's window from growing while nobody reads


class Collector(asyncssh.SSHClientSession[bytes]):
    """Collects what one command prints; stops and closes as soon as it is more than `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.is_overflown = False
        self._left = max_bytes
        self._parts: dict[int | None, bytearray] = {}
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None

    @override
    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    @override
    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.is_overflown:
            return
        self._left -= len(data)
        if self._left >= 0:
            self._parts.setdefault(datatype, bytearray()).extend(data)
            return
        self.is_overflown = True
        self._parts.clear()
        self._end(None)
        if self.channel is not None:
            self.channel.close()

    @override
    def eof_received(self) -> bool:
        return True  # the exit status may still come

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def text(self, datatype: int | None) -> str:
        """What came on one stream (None = standard output)."""
        return self._parts.get(datatype, bytearray()).decode("utf-8", "replace")

    def _end(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)


class ShellFeed(asyncssh.SSHClientSession[bytes]):
    """Buffers what a shell prints; asks the server to wait when nobody reads."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.has_ended = False
        self.changed = asyncio.Event()
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._is_paused = False

    @override
    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    @override
    def data_received(self, data: bytes, datatype: int | None) -> None:
        self.buffer += data
        if len(self.buffer) > _FEED_PAUSE and self.channel is not None and not self._is_paused:
            self._is_paused = True
            self.channel.pause_reading()
        self.changed.set()

    @override
    def eof_received(self) -> bool:
        self._end()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def take(self, size: int) -> bytes:
        """The next bytes, at most `size`."""
        piece = bytes(self.buffer[:size])
        del self.buffer[:size]
        if self._is_paused and len(self.buffer) <= _FEED_PAUSE and self.channel is not None:
            self._is_paused = False
            self.channel.resume_reading()
        return piece

    def _end(self) -> None:
        self.has_ended = True
        self.changed.set()


class Shell:
    """One interactive channel (`read` until the prompt you know, `write` a line). Text in and out, UTF-8."""

    def __init__(
        self, endpoint: Endpoint, channel: asyncssh.SSHClientChannel[bytes], feed: ShellFeed
    ) -> None:
        self.endpoint = endpoint
        self._channel = channel
        self._feed = feed
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def is_closed(self) -> bool:
        """The channel or its connection has ended."""
        return self._feed.has_ended or self._channel.is_closing()

    async def read(self, limit_s: float) -> str:
        """The next chunk, at most 64 KiB, '' at the end; CommandTimeout when nothing came within limit_s.

        Raw text: control characters and line ends as sent. May be cancelled and called again.
        """
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    if self._feed.buffer:
                        if text := self._decoder.decode(self._feed.take(_READ_MAX)):
                            return text
                    elif self._feed.has_ended:
                        return self._decoder.decode(b"", final=True)
                    else:
                        self._feed.changed.clear()
                        await self._feed.changed.wait()
        except TimeoutError as error:
            raise CommandTimeout(self.endpoint.server, self.endpoint.plane, "(reading)", limit_s) from error

    async def write(self, text: str) -> None:
        """Send text as it is; ConnectFailed when the channel has ended."""
        if self.is_closed:
            raise connect_failed(self.endpoint, "the session has ended")
        try:
            self._channel.write(text.encode())
        except (OSError, asyncssh.Error) as error:
            raise connect_failed(self.endpoint, error) from error
