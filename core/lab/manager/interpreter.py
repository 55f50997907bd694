"""One line in, one reply out: parses in the release's dialect, finds the handler, turns failures into
replies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.lab import operations
from core.lab.manager.commands import (
    arrays,
    events,
    file_servers,
    networks,
    others,
    pools,
    servers,
    session_commands,
)
from core.lab.manager.context import Context, Settings, handler_of
from core.lab.manager.dialects import Call, dialect_of
from core.lab.manager.engine import Engine
from core.lab.manager.grammar import CliSyntaxError, split_commands
from core.lab.manager.reply import Reply, render
from core.lab.manager.texts import ManagerError, error_time, invented, reply_time

# Importing these rooms fills the handler table.
COMMAND_ROOMS = (arrays, events, file_servers, networks, others, pools, servers, session_commands)

_LINE_ENDS = {"CR": "\r", "LF": "\n"}  # CRLF prints what the switch says, manager-cli 1.4


@dataclass(slots=True)
class Conversation:
    """What one CLI session remembers."""

    engine: Engine
    user: str
    settings: Settings = field(default_factory=Settings)
    number: int = 0  # commands so far

    @property
    def line_end(self) -> str:
        """What ends a printed line now."""
        return _LINE_ENDS.get(self.settings.endline, self.engine.world.switches.line_end)

    def parse(self, line: str) -> Call | CliSyntaxError:
        """The command of a line, or why there is none."""
        try:
            return dialect_of(self.engine.world.release).parse(line)
        except CliSyntaxError as error:
            return error

    async def answer(self, line: str) -> str:
        """Carry out one command and give its whole reply, every line ended as the session wants it."""
        parsed = self.parse(line)
        mode = self.settings.output_mode
        if isinstance(parsed, CliSyntaxError):
            reply = Reply(error=f"Syntax error: {parsed}", is_syntax_error=True)
        else:
            reply = await self._carry_out(parsed)
            mode = self.settings.output_mode  # `set OutputMode=Xml` is answered in XML already
        time = reply_time(self.engine.now())
        text = render(reply, command=line, time=time, mode=mode, switches=self.engine.world.switches)
        return text.replace("\n", self.line_end)

    async def _carry_out(self, call: Call) -> Reply:
        handler = handler_of(call.verb, call.type)
        context = Context(self.engine, call, self.settings, self.user, self.number)
        await operations.pause(self.engine.world, self.engine.world.latency_s.get("manager", 0.0))
        try:
            if handler is None:
                raise invented(f"{call.verb} {call.type} is not possible")
            return await handler(context)
        except ManagerError as error:
            return Reply(error=f"{error} [{error_time(self.engine.now())}]")


def commands_of(text: str) -> list[str]:
    """The commands of an exec request or typed line."""
    return split_commands(text)
