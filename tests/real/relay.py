"""Run inside a network namespace: accepts on inherited sockets of another one and connects to servers in this one.

Words: FD:HOST:PORT, one a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def serve(listener: socket.socket, host: str, port: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
        except (OSError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(accept, sock=listener)
    await server.serve_forever()


async def main() -> None:
    async with asyncio.TaskGroup() as group:
        for word in sys.argv[1:]:
            number, host, port = word.split(":")
            group.create_task(serve(socket.socket(fileno=int(number)), host, int(port)))


if __name__ == "__main__":
    asyncio.run(main())
