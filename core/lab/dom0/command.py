"""What a command of a lab server is given, and the register in which the shell finds it by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from core.lab.dom0.shell import Shell
    from core.lab.dom0.vfs import Vfs
    from core.lab.world import LabServer, World

Write = Callable[[bytes], None]
ReadAll = Callable[[], Awaitable[bytes]]


class Input:
    """Standard input of a command: bytes that are there, or a source asked when they are needed."""

    def __init__(self, data: bytes = b"", source: ReadAll | None = None) -> None:
        self._data, self._source = data, source

    async def read(self) -> bytes:
        """All that is left."""
        if self._source is not None:
            source, self._source = self._source, None
            self._data += await source()
        data, self._data = self._data, b""
        return data

    async def line(self) -> bytes:
        """The next line with its end, empty at the end of the input."""
        if self._source is not None:
            source, self._source = self._source, None
            self._data += await source()
        line, found, rest = self._data.partition(b"\n")
        self._data = rest
        return line + found


@dataclass(slots=True)
class Io:
    """The three streams of a command."""

    stdin: Input
    out: Write
    err: Write


@dataclass(slots=True)
class Command:
    """One command about to run: what every command function receives."""

    argv: list[str]
    io: Io
    shell: Shell

    @property
    def name(self) -> str:
        return self.argv[0].rpartition("/")[2]

    @property
    def args(self) -> list[str]:
        return self.argv[1:]

    @property
    def world(self) -> World:
        return self.shell.world

    @property
    def server(self) -> LabServer:
        return self.shell.server

    @property
    def vfs(self) -> Vfs:
        return self.shell.vfs

    def print(self, *lines: str) -> None:
        """Lines to standard output."""
        for line in lines:
            self.io.out(f"{line}\n".encode("utf-8", "surrogateescape"))

    def write(self, text: str) -> None:
        """Text as it is to standard output."""
        self.io.out(text.encode("utf-8", "surrogateescape"))

    def fail(self, message: str, status: int = 1) -> int:
        """`name: message` to standard error; returns the status."""
        return self.say(f"{self.name}: {message}", status)

    def say(self, line: str, status: int = 1) -> int:
        """One line to standard error; returns the status."""
        self.io.err(f"{line}\n".encode("utf-8", "surrogateescape"))
        return status

    def path(self, text: str) -> str:
        """An absolute path of the server."""
        return self.shell.absolute(text)

    def options(self, takes: str = "") -> tuple[dict[str, str], list[str]]:
        """Short options (those of `takes` with a value) and long ones, and what is left."""
        return split_options(self.args, takes)


CommandFunction = Callable[[Command], "int | Awaitable[int]"]
F = TypeVar("F", bound=CommandFunction)
COMMANDS: dict[str, CommandFunction] = {}
ON_LINUX: set[str] = set()
ON_SOLARIS: set[str] = set()


def command(*names: str, linux: bool = True, solaris: bool = True) -> Callable[[F], F]:
    """Register a command under its names, for the systems that have it."""

    def register(function: F) -> F:
        for name in names:
            key = name if linux else f"{name}@solaris"
            COMMANDS[key] = function
            if linux:
                ON_LINUX.add(name)
            if solaris:
                ON_SOLARIS.add(name)
        return function

    return register


def find_command(name: str, *, is_solaris: bool) -> CommandFunction | None:
    """The function of a command on a system, None when the system has no such command."""
    if name not in (ON_SOLARIS if is_solaris else ON_LINUX):
        return None
    return (COMMANDS.get(f"{name}@solaris") if is_solaris else None) or COMMANDS.get(name)


def split_options(args: list[str], takes: str = "") -> tuple[dict[str, str], list[str]]:
    """`-ab -n 3 --long=x rest` as ({a: "", b: "", n: "3", long: "x"}, [rest])."""
    options: dict[str, str] = {}
    rest: list[str] = []
    index = 0
    while index < len(args):
        arg = args[index]
        index += 1
        if arg == "--":
            return options, rest + args[index:]
        if arg.startswith("--"):
            name, _, value = arg[2:].partition("=")
            options[name] = value
        elif arg.startswith("-") and len(arg) > 1:
            for at, letter in enumerate(arg[1:], start=1):
                if letter not in takes:
                    options[letter] = ""
                    continue
                options[letter] = arg[at + 1 :]
                if not options[letter] and index < len(args):
                    options[letter] = args[index]
                    index += 1
                break
        else:
            rest.append(arg)
    return options, rest
