"""One SSH channel of the Manager: an interactive OVM> session or an exec request, with its faults and
idle limit.
"""

from __future__ import annotations

import asyncio
import codecs
from collections import deque
from collections.abc import Mapping
from typing import Any, NoReturn

import asyncssh
from asyncssh.constants import MSG_DISCONNECT
from asyncssh.packet import String, UInt32

from core.lab import operations
from core.lab.manager.commands.session_commands import help_lines
from core.lab.manager.dialects import Call
from core.lab.manager.editor import Act, Input, LineEditor
from core.lab.manager.engine import Engine
from core.lab.manager.faults import PROMPT_TEXT
from core.lab.manager.grammar import is_continued
from core.lab.manager.interpreter import Conversation, commands_of
from core.lab.world import World

PROMPT = PROMPT_TEXT
IDLE_LIMIT_S = {"3.2": 900.0, "3.3": 1800.0, "3.4": 1800.0}  # manager-cli 1.8; 3.4 assumed
BUSY_S = 20.0  # real: a busy machine under a lab at full speed does not pass for an idle session
_CHUNK = 16 * 1024  # bytes read and written at a time


class SessionEnded(Exception):
    """The session is over, by exit, end of input, idleness or a fault."""


class Session:
    """Talks over one channel until it ends."""

    def __init__(self, engine: Engine, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.engine, self.process = engine, process
        user = str(process.get_extra_info("username"))
        self.conversation = Conversation(engine, user)
        self.editor = LineEditor()
        self.has_terminal = process.get_terminal_type() is not None
        self.inputs: deque[Input] = deque()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.continued = ""

    @property
    def world(self) -> World:
        return self.engine.world

    async def run(self) -> None:
        """Serve the channel; returns when it is over, whatever the client did."""
        try:
            if self.process.subsystem is not None:
                return
            if self.process.command is not None:
                await self._run_exec(self.process.command)
            else:
                await self._run_interactive()
        except (SessionEnded, asyncssh.Error, ConnectionError, BrokenPipeError):
            pass
        finally:
            self._close()

    def _close(self) -> None:
        if self.process.command is not None and not self.world.switches.exec_exit_status:
            self.process.channel.close()
        else:
            self.process.exit(1 if self.process.subsystem is not None else 0)

    async def _run_exec(self, text: str) -> None:
        """Print what an interactive session would have shown, prompts and commands included (manager-cli
        1.2).
        """
        for line in commands_of(text):
            await self._write(f"{PROMPT}{line}\n")
            if line.endswith("?"):
                await self._write(_joined(help_lines(self.world, line[:-1])))
                continue
            await self._command(line)
        await self._write(PROMPT)

    async def _run_interactive(self) -> None:
        if self.world.switches.banner:
            await self._write(f"{self.world.switches.banner}\n")
        await self._write(PROMPT)
        while True:
            await self._on(await self._next_input())

    async def _on(self, given: Input) -> None:
        if given.act is Act.ECHO:
            if self.has_terminal:
                await self._write(given.text + self._more_echo())
        elif given.act is Act.END:
            raise SessionEnded
        elif given.act is Act.INTERRUPT:
            self.continued = ""
            await self._write(f"\n{PROMPT}")
        elif given.act is Act.HELP:
            await self._help(given.text)
        else:
            await self._line(given.text)

    def _more_echo(self) -> str:
        """What came in the same piece is echoed in one, as a terminal's line discipline does."""
        text = ""
        while self.inputs and self.inputs[0].act is Act.ECHO:
            text += self.inputs.popleft().text
        return text

    async def _help(self, typed: str) -> None:
        """`?` is live: help at once, then the prompt and the text typed so far (manager-cli 1.7)."""
        shown = "?" if self.has_terminal else ""
        await self._write(f"{shown}\n{_joined(help_lines(self.world, typed))}{PROMPT}{typed}")

    async def _line(self, line: str) -> None:
        await self._write("\n")
        if is_continued(line):
            self.continued += line.rstrip(" \t")[:-1] + " "
            return
        whole, self.continued = self.continued + line, ""
        commands = commands_of(whole)
        for index, item in enumerate(commands):
            if index:
                await self._write(f"{PROMPT}{item}\n")
            await self._command(item)
        await self._write(PROMPT)

    async def _command(self, line: str) -> None:
        """Carry out one command and print its reply, with whatever the faults do to it."""
        self.conversation.number += 1
        parsed = self.conversation.parse(line)
        call = parsed if isinstance(parsed, Call) else None
        if call is not None and call.verb == "exit":
            raise SessionEnded
        if self._fault("disconnect-before", call) is not None:
            self._cut()
        text = await self._answer(line, call)
        if self._fault("disconnect-after", call) is not None:
            self._cut()
        if self._fault("half-reply", call) is not None:
            await self._send(text[: len(text) // 2])
            self._cut()
        flood = self._fault("flood", call)
        if flood is not None:
            await self._flood(int(flood.get("bytes", 8 * 2**20)))
        await self._send(text)
        if self._fault("no-prompt", call) is not None:
            await self._wait_forever()

    async def _answer(self, line: str, call: Call | None) -> str:
        """The reply, unless the session idles out while the command works (manager-cli 1.8)."""
        work = self.engine.spawn(self.conversation.answer(line))
        if self._fault("disconnect-midway", call) is not None:
            await asyncio.wait([work], timeout=1.0 / self.world.speed)
            self._cut()
        slow = self._fault("slow-command", call)
        if self._fault("hang-command", call) is not None:
            await self._wait_forever()
        pause_s = float(slow.get("seconds", 60.0)) if slow is not None else 0.0
        limit_s = self._idle_limit_s()
        if pause_s >= limit_s:
            await operations.pause(self.world, limit_s)
            self._cut("Idle timeout")
        await operations.pause(self.world, pause_s)
        working_s = max((limit_s - pause_s) / self.world.speed, BUSY_S)
        done, _ = await asyncio.wait([work], timeout=working_s)
        if not done:
            self._cut("Idle timeout")
        return work.result()

    def _fault(self, name: str, call: Call | None) -> Mapping[str, Any] | None:
        verb, type_ = (call.verb, call.type) if call is not None else ("", "")
        return operations.fault(self.world, name, verb=verb, type=type_, number=self.conversation.number)

    async def _next_input(self) -> Input:
        """The next thing typed. A person's idleness counts in real seconds, whatever the speed of the lab."""
        while not self.inputs:
            data = await self._read()
            if not data and self.process.stdin.at_eof():
                self._end_of_input()
            self.inputs.extend(self.editor.feed(self.decoder.decode(data)))
        return self.inputs.popleft()

    async def _read(self) -> bytes:
        try:
            return await asyncio.wait_for(self.process.stdin.read(_CHUNK), self._idle_limit_s())
        except TimeoutError:
            self._cut("Idle timeout")
        except (asyncssh.TerminalSizeChanged, asyncssh.SignalReceived):
            return b""
        except asyncssh.BreakReceived:
            return b"\x03"

    def _end_of_input(self) -> None:
        """Input that ends without a line end still counts as a line; then the session is over."""
        if not self.editor.text:
            raise SessionEnded
        self.inputs.extend([*self.editor.feed("\r"), Input(Act.END)])

    def _idle_limit_s(self) -> float:
        params = operations.fault(self.world, "idle-timeout", peek=True)
        limit_s = IDLE_LIMIT_S[self.world.release]
        return limit_s if params is None else float(params.get("seconds", limit_s))

    async def _write(self, text: str) -> None:
        """Print text of ours, LF ended, with the session's line ends."""
        await self._send(text.replace("\n", self.conversation.line_end))

    async def _send(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), _CHUNK):
            self.process.stdout.write(data[start : start + _CHUNK])
            await self.process.stdout.drain()

    async def _flood(self, size: int) -> None:
        line = f"  Property = {'x' * 200}{self.conversation.line_end}"
        for _ in range(size // len(line) + 1):
            await self._send(line)

    async def _wait_forever(self) -> None:
        await asyncio.get_running_loop().create_future()

    def _cut(self, reason: str = "") -> NoReturn:
        """End the whole connection: with a message when idle, else as if the line had broken."""
        connection = self.process.channel.get_connection()
        if (
            reason
        ):  # connection.disconnect would close the channels first, and clients would not see the reason
            code = UInt32(asyncssh.DISC_BY_APPLICATION)
            connection.send_packet(MSG_DISCONNECT, code, String(reason), String(""))
        connection.abort()
        raise SessionEnded


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
