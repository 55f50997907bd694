"""SSH to any server: one connection, commands as channels, a shell for prompts. Catches all of asyncssh's errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core.transports.base import Access, Completed, Endpoint
from core.transports.jump import Jump


class Shell:
    """One interactive channel (`read` until the prompt you know, `write` a line). Text in and out, UTF-8."""

    @property
    def is_closed(self) -> bool:
        """The channel or its connection has ended."""
        raise NotImplementedError

    async def read(self, limit_s: float) -> str:
        """The next chunk, at most 64 KiB, '' at the end; CommandTimeout when nothing came within limit_s.

        Raw text: control characters and line ends as sent. May be cancelled and called again.
        """
        raise NotImplementedError

    async def write(self, text: str) -> None:
        """Send text as it is; ConnectFailed when the channel has ended."""
        raise NotImplementedError


class SshSession:
    """One authenticated connection to one server; satisfies CommandSession."""

    server: str
    endpoint: Endpoint
    warnings: tuple[str, ...]  # old algorithms in use, each one sentence

    @property
    def is_closed(self) -> bool:
        """The connection has ended or was cut."""
        raise NotImplementedError

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        """Run one command (a str is sent as it is, a sequence is quoted); leaves no channel open.

        Any exit status is a Completed. Raises CommandTimeout, BadReply (more output than command_max_bytes),
        ConnectFailed (connection lost). Once it has one of the connection's slots it ends within limit_s.
        """
        raise NotImplementedError

    @asynccontextmanager
    async def shell(self, term: str | None = None) -> AsyncIterator[Shell]:
        """An interactive channel, with a pty when `term` names a terminal type, closed on leaving."""
        raise NotImplementedError
        yield  # pragma: no cover


@asynccontextmanager
async def open_ssh(
    endpoint: Endpoint,
    *,
    user: str,
    access: Access,
    secret: str = "ssh",
    key_file: str | None = None,
    jump: Jump | None = None,
) -> AsyncIterator[SshSession]:
    """Connect, check the pin, log in; `secret` names the password in access.secrets.

    Raises TrustError/IdentityChanged before any secret is sent, OldCryptoNeeded, LoginRefused, ConnectFailed.
    """
    raise NotImplementedError
    yield  # pragma: no cover
