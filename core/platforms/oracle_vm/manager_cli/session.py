"""One session with the Manager CLI: login, one command at a time, whole replies, reconnects. Speaks no asyncssh.

A read may be sent again after a lost connection. A write is sent exactly once per call: when its reply is lost the
caller gets ReplyLost and reads the state back (manager-cli 1.8).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from core.errors import (
    BadReply,
    CommandFailed,
    CommandTimeout,
    ConnectFailed,
    ConnectTrouble,
    ReplyLost,
    TransportError,
)
from core.masking import Masker
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import SET_VERBOSE, SHOW_VERSION, Dialect, dialect_of
from core.platforms.oracle_vm.manager_cli.parse import Reply, parse_error, parse_reply, parse_version
from core.platforms.oracle_vm.manager_cli.stream import ReplyBuffer
from core.secrets import Secrets
from core.text import inert
from core.transports.base import Access, Endpoint
from core.transports.jump import Jump
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from core.transports.wire import hung_up

PLANE = "manager"
READ_LIMIT_S = 300.0  # a list on a busy Manager takes seconds; a hang should not take half an hour
KEEP_ALIVE_S = 300.0  # idle sessions end after 15 (3.2) or 30 minutes (manager-cli 1.8)
STALE_S = 60.0  # after so long without traffic the line is tried with a read before a write is sent
QUIET_S = (
    2.0  # a prompt with text but no Status, and then silence: an answer without a block (manager-cli 1.7)
)
STALL_S = 60.0  # a reply that began and stopped is taken for lost

Narrate = Callable[[str, str], None]  # (step id or "", line)


class ShellLike(Protocol):
    """What a session needs of a channel; core.transports.ssh.Shell is one."""

    async def read(self, limit_s: float) -> str:
        """The next chunk, '' at the end; CommandTimeout when nothing came."""
        ...

    async def write(self, text: str) -> None:
        """Send text; ConnectFailed when the channel has ended."""
        ...


OpenShell = Callable[[], AbstractAsyncContextManager[ShellLike]]


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits of a session in seconds, in one place so that tests need not wait."""

    keep_alive_s: float = KEEP_ALIVE_S
    stale_s: float = STALE_S
    quiet_s: float = QUIET_S
    stall_s: float = STALL_S
    reconnect_waits_s: tuple[float, ...] = (0.5, 2.0, 5.0, 10.0)
    opening_waits_s: tuple[float, ...] = (0.5, 2.0)  # of the first login, each with jitter


def say_nothing(_step: str, _line: str) -> None:
    """Narration for nobody."""


class ManagerSession:
    """A logged-in session. `version` and `dialect` are known once it is open."""

    def __init__(
        self,
        open_shell: OpenShell,
        *,
        server: str,
        secrets: Secrets,
        limits: Limits,
        narrate: Narrate = say_nothing,
        timing: Timing = Timing(),
        masker: Masker | None = None,
    ) -> None:
        self.server = server
        self.version = ""
        self.dialect = Dialect()
        self.logins = 0
        self._open_shell, self._secrets, self._limits = open_shell, secrets, limits
        self._narrate, self._timing = narrate, timing
        self.warnings: tuple[str, ...] = ()  # old algorithms in use on the connection at hand
        self._masker = masker or Masker(secrets.values())
        self._stack: AsyncExitStack | None = None
        self._shell: ShellLike | None = None
        self._lock = asyncio.Lock()
        self._last_used = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def is_connected(self) -> bool:
        """A channel is there and in step: the last reply was read to its prompt."""
        return self._shell is not None

    async def open(self) -> None:
        """Log in, set Verbose, learn the release; raises what the transport raises, BadReply for no prompt.

        A hang-up on the way is tried again, a few times; what is shut, unknown or refused is told at once, and a
        password that was refused is never sent again.
        """
        async with self._lock:
            await self._open()
        self._keeper = asyncio.create_task(self._keep_alive(), name=f"keep-alive {self.server}")

    async def close(self) -> None:
        """End the session; never raises for a broken line."""
        self._is_closing = True
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        await self._drop()

    async def read(
        self, command: Command, *, step: str = "", limit_s: float | None = None, quiet: bool = False
    ) -> Reply:
        """Send a command that only reads; CommandFailed when Manager said no. Sent again after a lost connection."""
        reply = await self.try_read(command, step=step, limit_s=limit_s, quiet=quiet)
        return self._checked(command, reply)

    async def try_read(
        self, command: Command, *, step: str = "", limit_s: float | None = None, quiet: bool = False
    ) -> Reply:
        """As read, but a `Failure` is returned instead of raised; `quiet` leaves it out of the narration."""
        if command.is_write:
            raise ValueError(f"`{command}` is no read")
        limit_s = min(limit_s or READ_LIMIT_S, self._limits.manager_command_s)
        async with self._lock:
            for attempt in (1, 2, 3):
                await self._ensure_connected()
                try:
                    return await self._exchange(command, limit_s, step, quiet)
                except ReplyLost:
                    if attempt == 3:
                        raise
        raise AssertionError("unreachable")

    async def write(self, command: Command, *, step: str = "", limit_s: float | None = None) -> Reply:
        """Send a command that changes something, once. Success in the reply is not enough: read the state back.

        Raises CommandFailed (Manager said no), ReplyLost (connection or time lost; `may_have_run` tells), SecretError
        before anything is sent.
        """
        command.line(self._secrets)  # refuses an unsafe secret before the line is even tried
        async with self._lock:
            await self._ensure_fresh()
            try:
                reply = await self._exchange(command, limit_s or self._limits.manager_command_s, step)
            except CommandTimeout as error:
                why = f"no answer within {error.limit_s:g} s"
                raise ReplyLost(self.server, PLANE, str(command), why, may_have_run=True) from error
        return self._checked(command, reply)

    async def reconnect(self) -> None:
        """Drop the line and log in again."""
        async with self._lock:
            await self._drop()
            await self._ensure_connected()

    # -- inside, with the lock held --------------------------------------------------------------------------------

    def _checked(self, command: Command, reply: Reply) -> Reply:
        if reply.is_success or command.is_bare:
            return reply
        shown = self.told(reply, 2000)
        raise CommandFailed(
            self.server,
            PLANE,
            str(command),
            shown,
            codes=parse_error(reply.text).codes,
            reason=parse_error(shown).reason,
        )

    def told(self, reply: Reply, limit: int) -> str:
        """A reply's own words as they may be shown: an echo in them may hold a password."""
        return self._masker.text(reply.text, limit, keep_lines=False)

    async def _ensure_fresh(self) -> None:
        """Connected, and after a long silence proven so by a cheap read, before a write is risked."""
        await self._ensure_connected()
        if time.monotonic() - self._last_used < self._timing.stale_s:
            return
        try:
            await self._exchange(SHOW_VERSION, self._limits.manager_login_s, "")
        except (ReplyLost, CommandTimeout, BadReply):
            await self._drop()
            await self._ensure_connected()

    async def _ensure_connected(self) -> None:
        if self._shell is not None:
            return
        waits = self._timing.reconnect_waits_s
        for attempt, wait_s in enumerate((*waits, None)):
            try:
                await self._connect()
            except (ConnectFailed, ReplyLost, CommandTimeout):
                if wait_s is None:
                    raise
                self._narrate("", f"Manager does not answer, trying again in {wait_s:g} s ({attempt + 1})")
                await asyncio.sleep(wait_s)
            else:
                return

    async def _open(self) -> None:
        for wait_s in (*self._timing.opening_waits_s, None):
            try:
                await self._connect()
            except ReplyLost:  # it let us in, and then the line broke
                await self._ensure_connected()
            except ConnectFailed as error:
                if wait_s is None or not hung_up(error):
                    raise
                self._narrate("", "Manager hung up while we logged in, trying again")
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                continue
            return

    async def _connect(self) -> None:
        stack = AsyncExitStack()
        self._stack = stack
        try:
            async with asyncio.timeout(self._limits.manager_login_s):
                self._shell = await stack.enter_async_context(self._open_shell())
                await self._first_prompt(self._shell)
            await self._exchange(SET_VERBOSE, self._limits.manager_login_s, "")
            reply = await self._exchange(SHOW_VERSION, self._limits.manager_login_s, "")
            version = parse_version("\n".join(reply.extra)) or reply.get("Version")
            if version is None:
                raise BadReply(
                    self.server, PLANE, "cannot tell the release of Manager: showversion gave no version"
                )
            self.version, self.dialect = version, dialect_of(version)
            self.logins += 1
        except TimeoutError as error:
            await self._drop()
            raise CommandTimeout(self.server, PLANE, "login", self._limits.manager_login_s) from error
        except BaseException:
            await self._drop()
            raise

    async def _first_prompt(self, shell: ShellLike) -> None:
        """Skip whatever is printed before the first prompt."""
        buffer = ReplyBuffer("", self._limits.reply_max_bytes)
        while not buffer.is_prompted:
            chunk = await shell.read(self._limits.manager_login_s)
            if not chunk:
                raise ConnectFailed(
                    self.server,
                    PLANE,
                    f"cannot use the CLI of {self.server}: it closed the session",
                    trouble=ConnectTrouble.HUNG_UP,
                ) from EOFError()
            if not buffer.feed(chunk):
                raise BadReply(
                    self.server, PLANE, f"cannot use the CLI of {self.server}: no prompt, too much text"
                )

    async def _exchange(self, command: Command, limit_s: float, step: str, quiet: bool = False) -> Reply:
        shell = self._shell
        if shell is None:
            raise ReplyLost(self.server, PLANE, str(command), "not connected", may_have_run=False)
        line = command.line(self._secrets)
        if not quiet and not command.is_bare:
            self._narrate(step, f"OVM> {command}")
        try:
            reply = await self._converse(shell, command, line, limit_s)
        except BaseException:
            await self._drop()  # whatever comes later would be taken for the next reply
            raise
        self._last_used = time.monotonic()
        if not quiet and not command.is_bare:
            self._tell(step, reply)
        return reply

    async def _converse(self, shell: ShellLike, command: Command, line: str, limit_s: float) -> Reply:
        deadline = time.monotonic() + limit_s
        buffer = ReplyBuffer(line, self._limits.reply_max_bytes)
        try:
            await shell.write(line + "\r")
            while True:
                await self._fill(shell, buffer, command, deadline, limit_s)
                reply = parse_reply(buffer.text)  # as it came: what is masked here would not be found again
                if command.is_bare or not reply.status or buffer.is_answer(reply.command):
                    return replace(reply, command="")  # an echo, passwords and all
                buffer.forget()  # the end of an earlier reply
                deadline = min(deadline, time.monotonic() + 5 * self._timing.quiet_s)
        except ConnectFailed as error:
            raise ReplyLost(
                self.server, PLANE, str(command), inert(error.message, 300), may_have_run=True
            ) from error

    async def _fill(
        self, shell: ShellLike, buffer: ReplyBuffer, command: Command, deadline: float, limit_s: float
    ) -> None:
        """Read until the reply is whole; an answer without a block is taken after a short silence."""
        while not buffer.is_whole(command.is_bare):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise CommandTimeout(self.server, PLANE, str(command), limit_s)
            is_pending = buffer.is_prompted and buffer.has_text
            wait_s = min(left_s, self._timing.quiet_s) if is_pending else left_s
            if buffer.has_status:
                wait_s = min(wait_s, self._timing.stall_s)
            try:
                chunk = await shell.read(wait_s)
            except CommandTimeout:
                if is_pending:
                    return
                if buffer.has_status:
                    why = "the reply stopped in the middle"
                    raise ReplyLost(self.server, PLANE, str(command), why, may_have_run=True) from None
                raise CommandTimeout(self.server, PLANE, str(command), limit_s) from None
            if not chunk:
                why = "Manager closed the session"
                raise ReplyLost(self.server, PLANE, str(command), why, may_have_run=True)
            if not buffer.feed(chunk):
                raise BadReply(self.server, PLANE, f"cannot read the reply to `{command}`: it is too large")

    def _tell(self, step: str, reply: Reply) -> None:
        job = f" (job {reply.job_id})" if reply.job_id else ""
        if reply.is_success:
            self._narrate(step, f"{reply.status}{job}")
        else:
            self._narrate(step, f"{reply.status or 'no status'}{job}: {self.told(reply, 500)}")

    async def _drop(self) -> None:
        stack, self._stack, self._shell = self._stack, None, None
        if stack is not None:
            with suppress(TransportError, TimeoutError, OSError):
                async with asyncio.timeout(5.0):
                    await stack.aclose()

    async def _keep_alive(self) -> None:
        """A cheap read when nothing was sent for a while; a broken line is left for the next command to mend."""
        interval_s = self._timing.keep_alive_s
        while not self._is_closing:
            idle_s = time.monotonic() - self._last_used
            if idle_s < interval_s:
                await asyncio.sleep(interval_s - idle_s)
                continue
            async with self._lock:
                if self._shell is None:
                    self._last_used = time.monotonic()
                    continue
                with suppress(TransportError):
                    await self._exchange(SHOW_VERSION, self._limits.manager_login_s, "")
                self._last_used = time.monotonic()


@asynccontextmanager
async def open_manager(
    endpoint: Endpoint,
    *,
    user: str,
    access: Access,
    jump: Jump | None = None,
    narrate: Narrate = say_nothing,
    timing: Timing = Timing(),
) -> AsyncIterator[ManagerSession]:
    """A session of the Manager CLI; raises TrustError, LoginRefused, ConnectFailed, BadReply or NoSuchWordError."""

    @asynccontextmanager
    async def shell() -> AsyncIterator[ShellLike]:
        async with open_ssh(endpoint, user=user, access=access, secret="manager", jump=jump) as connection:  # noqa: S106
            session.warnings = connection.warnings
            for warning in connection.warnings:
                narrate("", warning)
            async with connection.shell(term="dumb", size=(5000, 60)) as channel:
                yield channel

    session = ManagerSession(
        shell,
        server=endpoint.server,
        secrets=access.secrets,
        limits=access.limits,
        narrate=narrate,
        timing=timing,
        masker=access.masker,
    )
    await session.open()
    try:
        yield session
    finally:
        await session.close()


def commands_of(commands: Sequence[Command | None]) -> tuple[str, ...]:
    """Commands as a plan shows them; those a release does not have are left out."""
    return tuple(
        f"{command}  (UNCONFIRMED form)" if command.unconfirmed else str(command)
        for command in commands
        if command
    )
