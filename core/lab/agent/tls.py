"""TLS on the server's side of a stream, by hand: a refused handshake still sends its alert, as real servers do.

asyncio drops the connection without it, and a client would see a reset where it should see 'protocol version'.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

CHUNK = 65536


class TlsStream:
    """A connection once its handshake is done: read from `reader`, write with `write` and `drain`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext
    ) -> None:
        self._raw_reader, self._raw_writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._pump: asyncio.Task[None] | None = None
        self.reader = asyncio.StreamReader(limit=CHUNK)
        self.peer = peer_of(writer)

    async def handshake(self) -> None:
        """Raises ssl.SSLError or EOFError; an alert has left by then."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
                continue
            except ssl.SSLError:
                await self._flush()
                raise
            await self._flush()
            self._pump = asyncio.create_task(self._read_on())
            return

    def write(self, data: bytes) -> None:
        """Encrypt and queue."""
        self._tls.write(data)
        self._raw_writer.write(self._outgoing.read())

    async def drain(self) -> None:
        """Wait until the peer takes more."""
        await self._raw_writer.drain()

    def abort(self) -> None:
        """Cut the connection."""
        self._raw_writer.transport.abort()

    async def close(self) -> None:
        """Say goodbye and stop reading; the raw stream stays to be closed by its owner."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        with contextlib.suppress(ssl.SSLError, OSError):
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.unwrap()
            self._raw_writer.write(self._outgoing.read())
            await self._raw_writer.drain()

    async def _read_on(self) -> None:
        """Decrypt what arrives until the peer ends."""
        try:
            while True:
                try:
                    data = self._tls.read(CHUNK)
                except ssl.SSLWantReadError:
                    await self._flush()
                    await self._feed()
                    continue
                if not data:
                    break
                self.reader.feed_data(data)
        except (ssl.SSLError, OSError, EOFError):
            pass  # the peer went away; what it sent stands in the reader
        finally:
            self.reader.feed_eof()

    async def _feed(self) -> None:
        data = await self._raw_reader.read(CHUNK)
        if not data:
            self._incoming.write_eof()
            raise EOFError
        self._incoming.write(data)

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._raw_writer.write(data)
            await self._raw_writer.drain()


def peer_of(writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Address and port of the other end."""
    name = writer.get_extra_info("peername")
    return (str(name[0]), int(name[1])) if name else ("127.0.0.1", 0)
