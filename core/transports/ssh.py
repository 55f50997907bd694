"""SSH to any server: one connection, commands as channels, a shell for prompts. No other room sees asyncssh."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncssh

from core.errors import BadReply, CommandFailed, CommandTimeout, ConnectFailed
from core.transports.base import Access, Completed, Endpoint
from core.transports.channels import Collector, Shell, ShellFeed
from core.transports.ssh_login import log_in
from core.transports.wire import NETWORK_ERRORS, connect_failed, why

if TYPE_CHECKING:
    from core.transports.jump import Jump

__all__ = ["Shell", "SshSession", "open_ssh"]

_COMMAND_SHOWN = 200
_CLOSE_S = 2.0
_UNCONFIRMED_MAX = 4  # MaxSessions defaults to 10, channels_per_session to 6


class SshSession:
    """One authenticated connection to one server; satisfies CommandSession."""

    def __init__(
        self,
        endpoint: Endpoint,
        connection: asyncssh.SSHClientConnection,
        access: Access,
        warnings: Sequence[str] = (),
    ) -> None:
        self.server = endpoint.server
        self.endpoint = endpoint
        self.warnings = tuple(warnings)  # old algorithms in use, each one sentence
        self.connection = connection
        self._access = access
        self._slots = asyncio.Semaphore(access.limits.channels_per_session)
        self._is_cut = False
        self._unconfirmed: list[Collector] = []  # closed by us, not yet by the server

    @property
    def is_closed(self) -> bool:
        """The connection has ended or was cut."""
        return self._is_cut or self.connection.is_closed()

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        """Run one command (a str is sent as it is, a sequence is quoted); leaves no channel open.

        Any exit status is a Completed; output is UTF-8 with replacement characters. Raises CommandTimeout,
        CommandFailed (the server would not start it), BadReply (more output than command_max_bytes), ConnectFailed
        (connection lost). Once it has one of the connection's slots it ends within limit_s.
        """
        command = argv if isinstance(argv, str) else shlex.join(argv)
        async with self._slots:
            self._refuse_unconfirmed()
            collector = Collector(self._access.limits.command_max_bytes)
            has_answered = False
            try:
                async with asyncio.timeout(limit_s):
                    channel, _ = await self.connection.create_session(
                        lambda: collector, command, encoding=None
                    )
                    has_answered = True
                    if stdin is not None:
                        channel.write(stdin.encode())
                    channel.write_eof()
                    lost = await asyncio.shield(collector.ended)  # a cancel must not end it
            except TimeoutError as error:
                raise CommandTimeout(
                    self.server, self.endpoint.plane, self._shown(command), limit_s
                ) from error
            except asyncssh.ChannelOpenError as error:
                has_answered = True
                if self.is_closed:
                    raise connect_failed(self.endpoint, "the connection was lost") from error
                raise CommandFailed(
                    self.server,
                    self.endpoint.plane,
                    self._shown(command),
                    f"the server does not start it ({self._access.safe(why(error))})",
                ) from error
            except NETWORK_ERRORS as error:
                raise connect_failed(self.endpoint, self._access.safe(why(error))) from error
            finally:
                self._leave(collector, has_answered)
        if collector.is_overflown:
            raise BadReply(
                self.server,
                self.endpoint.plane,
                f"cannot read `{self._shown(command)}` on {self.server}:"
                f" more than {self._access.limits.command_max_bytes} bytes of output",
            )
        if lost is not None:
            raise connect_failed(self.endpoint, self._access.safe(why(lost))) from lost
        if self.connection.is_closed() and channel.get_exit_status() is None:
            raise connect_failed(self.endpoint, "the connection was lost before the command ended")
        return Completed(
            channel.get_exit_status(), collector.text(None), collector.text(asyncssh.EXTENDED_DATA_STDERR)
        )

    @asynccontextmanager
    async def shell(
        self, term: str | None = None, *, size: tuple[int, int] = (400, 60), limit_s: float = 20.0
    ) -> AsyncIterator[Shell]:
        """An interactive channel, with a pty when `term` names a terminal type (`size` columns, rows), closed on
        leaving. ConnectFailed or CommandTimeout when it does not open within limit_s."""
        feed = ShellFeed()
        channel: asyncssh.SSHClientChannel[bytes] | None = None
        try:
            async with asyncio.timeout(limit_s):
                channel, _ = await self.connection.create_session(
                    lambda: feed, request_pty=term is not None, term_type=term, term_size=size, encoding=None
                )
        except TimeoutError as error:
            raise CommandTimeout(self.server, self.endpoint.plane, "(shell)", limit_s) from error
        except NETWORK_ERRORS as error:
            raise connect_failed(self.endpoint, self._access.safe(why(error))) from error
        finally:
            if channel is None and feed.channel is not None:
                feed.channel.close()
            elif channel is None:
                self._cut()
        try:
            yield Shell(self.endpoint, channel, feed)
        finally:
            channel.close()

    def _shown(self, command: str) -> str:
        """A command as an error may quote it: short, and without a secret."""
        return self._access.safe(command, _COMMAND_SHOWN)

    def _leave(self, collector: Collector, has_answered: bool) -> None:
        """Close one command's channel; cut the connection when it was still opening: asyncssh would keep it.

        sshd confirms a close only once the command has ended, and takes no signal for root or before 7.9 (seen
        on 9.2): a command that hangs for good keeps its session over there, see _refuse_unconfirmed.
        """
        if collector.channel is not None:
            if not collector.ended.done():
                self._unconfirmed.append(collector)
                with suppress(OSError):
                    collector.channel.kill()
            collector.channel.close()
        elif not has_answered:
            self._cut()

    def _cut(self) -> None:
        self._is_cut = True
        self.connection.abort()

    def _refuse_unconfirmed(self) -> None:
        """Commands that still hang over there use up the server's sessions: after some, cut the connection."""
        self._unconfirmed = [one for one in self._unconfirmed if not one.ended.done()]
        if len(self._unconfirmed) >= _UNCONFIRMED_MAX:
            self._cut()
            raise connect_failed(self.endpoint, "it leaves too many commands hanging")


@asynccontextmanager
async def open_ssh(
    endpoint: Endpoint,
    *,
    user: str,
    access: Access,
    secret: str = "ssh",  # noqa: S107 - a name in access.secrets
    key_file: str | None = None,
    jump: Jump | None = None,
    login_s: float | None = None,
) -> AsyncIterator[SshSession]:
    """Connect, check the pin, log in; `secret` names the password in access.secrets.

    `login_s` limits handshake and login, default manager_login_s on the plane `manager`, else twice connect_s.
    Raises TrustError/IdentityChanged before any secret is sent, OldCryptoNeeded, LoginRefused, ConnectFailed.
    """
    connection, warnings = await log_in(
        endpoint, user=user, access=access, secret=secret, key_file=key_file, jump=jump, login_s=login_s
    )
    try:
        yield SshSession(endpoint, connection, access, warnings)
    finally:
        await _close(connection)


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    """Say goodbye, then cut: a server that does not answer must not keep us."""
    try:
        connection.close()
        async with asyncio.timeout(_CLOSE_S):
            await connection.wait_closed()
    except (*NETWORK_ERRORS, ConnectFailed):
        pass
    finally:
        connection.abort()
