"""One dom0 (or control domain) as an SSH server on its own loopback socket: logins, exec, shell, and its faults."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from functools import partial

import asyncssh
from typing_extensions import override

from core.lab import faults, keys
from core.lab.dom0 import commands, devices, files
from core.lab.dom0.command import Command, Input, Io, Write
from core.lab.dom0.lexer import ShellSyntaxError
from core.lab.dom0.shell import Shell, ShellExit
from core.lab.dom0.syntax import parse
from core.lab.dom0.vfs import Vfs
from core.lab.operations import pause
from core.lab.world import LabServer, World

USER = "root"
FOLLOW_S = 0.25  # how often the socket looks whether it shall listen
HANG_S = 86400.0
CHUNK = 65536

__all__ = ["Dom0Server", "commands", "devices", "files"]


class _Login(asyncssh.SSHServer):
    """Password and key of one server."""

    def __init__(self, dom0: Dom0Server) -> None:
        self._dom0 = dom0

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._dom0.connections.add(conn)
        self._conn = conn

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._dom0.connections.discard(self._conn)

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def password_auth_supported(self) -> bool:
        return True

    @override
    def validate_password(self, username: str, password: str) -> bool:
        self._dom0.logins += 1
        return username == USER and password == self._dom0.server.ssh_password

    @override
    def public_key_auth_supported(self) -> bool:
        return True

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        wanted = self._dom0.client_key
        return username == USER and wanted is not None and key.public_data == wanted.public_data


class Dom0Server:
    """The SSH of one lab server. `port` and `fingerprint` stand once it has started."""

    def __init__(self, world: World, server: LabServer, client_key: asyncssh.SSHKey | None = None) -> None:
        self.world, self.server, self.client_key = world, server, client_key
        self.host_key = keys.ssh_host_key(old=world.switches.old_ssh)
        self.vfs = Vfs(world, server)
        self.host = "127.0.0.1"
        self.port = 0
        self.logins = 0
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None
        self._shown_key = self.host_key

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind and listen; the socket follows the server's faults from then on."""
        self.host = host
        self._bind(port)
        await self._follow()
        self._watch = asyncio.create_task(self._keep_following())

    async def close(self) -> None:
        """Stop listening and end every session."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._stop()
        if self._socket is not None:
            self._socket.close()

    def _bind(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((self.host, port))
        self.port = self._socket.getsockname()[1]

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            await self._follow()

    async def _follow(self) -> None:
        is_down = self._strikes("ssh-down", peek=True) is not None
        if is_down and self._acceptor is not None:
            await self._stop()
            self._bind(self.port)
        elif not is_down and self._acceptor is None and self._socket is not None:
            await self._listen(self._socket)

    async def _listen(self, listener: socket.socket) -> None:
        if self._strikes("ssh-hangs", peek=True) is not None:
            self._acceptor = await asyncio.start_server(_say_nothing, sock=listener)
            return
        if self._strikes("ssh-new-host-key", peek=True) is not None:
            self._shown_key = keys.ssh_host_key(old=self.world.switches.old_ssh)
        self._acceptor = await asyncssh.listen(
            sock=listener,
            server_factory=lambda: _Login(self),
            server_host_keys=[self._shown_key],
            process_factory=self._serve,
            encoding="utf-8",
            errors="surrogateescape",
            server_version="OpenSSH_5.3" if self.server.cpu.arch != "sparc" else "Sun_SSH_2.2",
            login_timeout=60,
            agent_forwarding=False,
            x11_forwarding=False,
            **keys.ssh_algorithms(old=self.world.switches.old_ssh),
        )

    async def _stop(self) -> None:
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        for connection in list(self.connections):
            connection.abort()
        if acceptor is not None and not isinstance(acceptor, asyncio.Server):
            await acceptor.wait_closed()

    def shell(self) -> Shell:
        """A fresh login shell."""
        return Shell(self.world, self.server, self.vfs, on_command=self._before_command)

    async def _serve(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """One channel: an exec request or an interactive shell."""
        if self._strikes("ssh-no-exec") is not None:
            process.close()
            return
        task = asyncio.create_task(self._run(process))
        gone = asyncio.create_task(process.channel.wait_closed())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for item in (task, gone):
                item.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        shell = self.shell()
        output = _Output()
        status = 1
        try:
            if process.command is None:
                status = await self._interact(process, shell, output)
            else:
                status = await shell.run_text(process.command, self._io(process, output))
            output.flush()
            await process.stdout.drain()
        except (BrokenPipeError, ConnectionError, asyncssh.Error):
            return
        except _CutError:
            with contextlib.suppress(OSError, asyncssh.Error):
                output.flush()
            process.channel.get_connection().abort()
            return
        process.exit(min(max(status, 0), 255))

    def _io(self, process: asyncssh.SSHServerProcess[str], output: _Output) -> Io:
        async def read_all() -> bytes:
            try:
                return (await process.stdin.read()).encode("utf-8", "surrogateescape")
            except (asyncssh.BreakReceived, asyncssh.SignalReceived, asyncssh.TerminalSizeChanged):
                return b""

        return Io(Input(source=read_all), output.to(process.stdout), output.to(process.stderr))

    async def _interact(self, process: asyncssh.SSHServerProcess[str], shell: Shell, output: _Output) -> int:
        """A plain interactive shell: prompt, line, output; no job control."""
        out, err = output.to(process.stdout), output.to(process.stderr)
        has_terminal = process.term_type is not None
        if has_terminal:
            out(b"Last login: Mon Nov 16 09:12:44 2026 from 203.0.113.250\n")
        pending = ""
        while True:
            if has_terminal:
                out(b"> " if pending else self._prompt(shell))
            try:
                line = await process.stdin.readline()
            except (asyncssh.BreakReceived, asyncssh.SignalReceived):
                pending = ""
                out(b"\n")
                continue
            except asyncssh.TerminalSizeChanged:
                continue
            if not line:
                return shell.status
            pending += line.replace("\r\n", "\n").replace("\r", "\n")
            if _is_unfinished(pending):
                continue
            text, pending = pending, ""
            io = Io(Input(), out, err)
            try:
                await shell.run(parse(text), io)
            except ShellSyntaxError as error:
                err(f"-bash: syntax error near unexpected token `{error.token or 'newline'}'\n".encode())
            except ShellExit as leaving:
                if leaving.kind == "exit":
                    if has_terminal:
                        out(b"logout\n")
                    return leaving.status

    def _prompt(self, shell: Shell) -> bytes:
        folder = "~" if shell.cwd == "/root" else shell.cwd.rpartition("/")[2] or "/"
        if shell.is_solaris:
            return f"root@{self.server.name}:{folder}# ".encode()
        return f"[root@{self.server.name} {folder}]# ".encode()

    async def _before_command(self, command: Command) -> None:
        """Latency and the faults that strike commands by name."""
        await pause(self.world, self.world.latency_s.get("ssh", 0.0))
        name = command.name
        if self._strikes("ssh-command-hangs", name) is not None:
            await asyncio.sleep(HANG_S)
        if (slow := self._strikes("ssh-slow", name)) is not None:
            await asyncio.sleep(faults.seconds_of(slow, self.world))
        if self._strikes("ssh-drops", name) is not None:
            raise _CutError
        if self._strikes("ssh-charset", name) is not None:
            command.io.out("Zürich ÿ ".encode("latin-1"))
        if (trickle := self._strikes("ssh-trickle", name)) is not None:
            for _ in range(int(trickle.get("bytes", 3600))):
                command.io.out(b"x")
                await asyncio.sleep(1.0 / self.world.speed)
        if self._strikes("ssh-escape", name) is not None:
            command.write(faults.ESCAPE_TEXT.replace("\0", ""))
        if self._strikes("ssh-garbage", name) is not None:
            command.io.out(os.urandom(512) + b"\n")
        if (huge := self._strikes("ssh-huge", name)) is not None:
            block = b"A" * 1023 + b"\n"
            for _ in range(faults.bytes_of(huge) // (64 * len(block)) + 1):
                command.io.out(block * 64)
                await asyncio.sleep(0)
        if self._strikes("ssh-half-reply", name) is not None:
            command.print("half of an out")
            raise _CutError

    def _strikes(self, name: str, on: str = "", *, peek: bool = False) -> faults.Params | None:
        return faults.active(self.world, name, self.server, on=on, peek=peek)


class _CutError(Exception):
    """A fault ends the connection here."""


class _Output:
    """What commands write, sent when they pause: a packet for each burst, not for each `echo`.

    Bytes go as text that survives the way back to bytes. The order between the streams stays.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncssh.SSHWriter[str], bytearray]] = []

    def to(self, stream: asyncssh.SSHWriter[str]) -> Write:
        """Where a command writes what shall go to this stream."""
        return partial(self._add, stream)

    def flush(self) -> None:
        """Send what waits. Raises BrokenPipeError when nobody is there any more."""
        waiting, self._waiting = self._waiting, []
        for stream, data in waiting:
            for offset in range(0, len(data), CHUNK):
                stream.write(data[offset : offset + CHUNK].decode("utf-8", "surrogateescape"))

    def _add(self, stream: asyncssh.SSHWriter[str], data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush_quietly)
        if not self._waiting or self._waiting[-1][0] is not stream:
            self._waiting.append((stream, bytearray()))
        self._waiting[-1][1].extend(data)

    def _flush_quietly(self) -> None:
        with contextlib.suppress(
            OSError, asyncssh.Error
        ):  # whoever listened has gone: the channel's end tells
            self.flush()


def _is_unfinished(text: str) -> bool:
    try:
        parse(text)
    except ShellSyntaxError as error:
        return not error.token
    except RecursionError:
        return False
    return text.endswith("\\\n")


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and stay silent until the client gives up."""
    with contextlib.suppress(OSError):
        while await reader.read(CHUNK):
            pass
        writer.close()
