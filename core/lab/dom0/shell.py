"""Runs a shell tree on one lab server: variables, expansions, redirections, pipes."""

from __future__ import annotations

import asyncio
import fnmatch
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.lab.dom0 import tree
from core.lab.dom0.command import Command, Input, Io, Write, find_command
from core.lab.dom0.expansion import braces, escape, evaluate, trimmed
from core.lab.dom0.lexer import ShellSyntaxError
from core.lab.dom0.syntax import parse
from core.lab.dom0.vfs import Vfs, VfsError
from core.lab.world import LabServer, World

DEPTH_MAX = 60
HOME = "/root"
PATH = "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin:/root/bin"


class ShellExit(Exception):
    """`exit`, `return`, `break` and `continue` on their way out."""

    def __init__(self, kind: str, status: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.status = kind, status


@dataclass(slots=True)
class Shell:
    """One shell process: its variables and folder. `fork` makes the copy a subshell works on."""

    world: World
    server: LabServer
    vfs: Vfs
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = HOME
    status: int = 0
    args: list[str] = field(default_factory=list)
    functions: dict[str, tree.Node] = field(default_factory=dict)
    depth: int = 0
    on_command: Callable[[Command], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        defaults = {
            "HOME": HOME,
            "PATH": PATH,
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": "/bin/bash",
            "PWD": self.cwd,
        }
        self.env = {**defaults, "HOSTNAME": self.server.fqdn, **self.env}

    @property
    def is_solaris(self) -> bool:
        return self.server.cpu.arch == "sparc"

    def fork(self) -> Shell:
        return Shell(
            self.world,
            self.server,
            self.vfs,
            dict(self.env),
            self.cwd,
            self.status,
            list(self.args),
            dict(self.functions),
            self.depth + 1,
            self.on_command,
        )

    def absolute(self, text: str) -> str:
        """A path relative to the shell's folder, made absolute and free of dots."""
        parts: list[str] = []
        for part in (*PurePosixPath(self.cwd).parts, *PurePosixPath(text).parts):
            if part == "/":
                parts = []
            elif part == "..":
                parts = parts[:-1]
            elif part != ".":
                parts.append(part)
        return "/" + "/".join(parts)

    async def run_text(self, text: str, io: Io) -> int:
        """Run a script; syntax errors read like bash's. Returns its exit status."""
        try:
            parsed = parse(text)
        except (ShellSyntaxError, RecursionError) as error:
            token = getattr(error, "token", "")
            said = (
                f"syntax error near unexpected token `{token}'"
                if token
                else "syntax error: unexpected end of file"
            )
            io.err(f"bash: -c: line 0: {said}\n".encode())
            self.status = 2 if token else 1
            return self.status
        try:
            return await self.run(parsed, io)
        except ShellExit as leaving:
            if leaving.kind in ("exit", "return"):
                self.status = leaving.status
            return self.status

    async def run(self, node: tree.Node, io: Io) -> int:
        """Run one node and remember its status."""
        self.depth += 1
        try:
            if self.depth > DEPTH_MAX:
                io.err(b"bash: maximum nesting level exceeded\n")
                return 1
            self.status = await self._dispatch(node, io)
            return self.status
        finally:
            self.depth -= 1

    async def _dispatch(self, node: tree.Node, io: Io) -> int:
        match node:
            case tree.Simple():
                return await self._simple(node, io)
            case tree.Sequence():
                for item in node.items:
                    await self.run(item, io)
                return self.status if node.items else 0
            case tree.AndOr():
                return await self._and_or(node, io)
            case tree.Pipeline():
                return await self._pipeline(node, io)
            case tree.Function():
                self.functions[node.name] = node.body
                return 0
        redirected = await self._redirected(node.redirects, io)
        if redirected is None:
            return 1
        match node:
            case tree.Block():
                return await self._block(node, redirected)
            case tree.If():
                return await self._if(node, redirected)
            case tree.For():
                return await self._for(node, redirected)
            case tree.While():
                return await self._while(node, redirected)
            case tree.Case():
                return await self._case(node, redirected)

    async def _and_or(self, node: tree.AndOr, io: Io) -> int:
        status = await self.run(node.first, io)
        for operator, item in node.rest:
            if (operator == "&&") == (status == 0):
                status = await self.run(item, io)
        return status

    async def _pipeline(self, node: tree.Pipeline, io: Io) -> int:
        data = io.stdin
        status = 0
        for index, stage in enumerate(node.stages):
            is_last = index == len(node.stages) - 1
            buffer = bytearray()
            stage_io = Io(data, io.out if is_last else buffer.extend, io.err)
            shell = self.fork() if len(node.stages) > 1 else self
            try:
                status = await shell.run(stage, stage_io)
            except ShellExit as leaving:
                if shell is self or leaving.kind in ("break", "continue"):
                    raise
                status = leaving.status
            data = Input(bytes(buffer))
        return int(status == 0) if node.negated else status

    async def _block(self, node: tree.Block, io: Io) -> int:
        if not node.is_subshell:
            return await self.run(node.body, io)
        inner = self.fork()
        try:
            return await inner.run(node.body, io)
        except ShellExit as leaving:
            return leaving.status if leaving.kind == "exit" else inner.status

    async def _if(self, node: tree.If, io: Io) -> int:
        for condition, body in node.branches:
            if await self.run(condition, io) == 0:
                return await self.run(body, io)
        return await self.run(node.otherwise, io) if node.otherwise is not None else 0

    async def _for(self, node: tree.For, io: Io) -> int:
        words = list(self.args)
        if node.words is not None:
            words = [text for word in node.words for text in await self.expand(word, io)]
        status = 0
        for text in words:
            self.env[node.name] = text
            ended = await self._round(node.body, io)
            if ended is None:
                break
            status = ended
        return status

    async def _while(self, node: tree.While, io: Io) -> int:
        status = 0
        while (await self.run(node.condition, io) == 0) != node.until:
            await asyncio.sleep(0)
            ended = await self._round(node.body, io)
            if ended is None:
                break
            status = ended
        return status

    async def _round(self, body: tree.Node, io: Io) -> int | None:
        """One round of a loop: its status, None after a `break`."""
        try:
            return await self.run(body, io)
        except ShellExit as leaving:
            if leaving.kind not in ("break", "continue"):
                raise
            return None if leaving.kind == "break" else 0

    async def _case(self, node: tree.Case, io: Io) -> int:
        subject = await self.expand_one(node.subject, io)
        for patterns, body in node.branches:
            for pattern in patterns:
                if fnmatch.fnmatchcase(subject, await self.expand_pattern(pattern, io)):
                    return await self.run(body, io)
        return 0

    async def _simple(self, node: tree.Simple, io: Io) -> int:
        argv = [text for word in node.words for text in await self.expand(word, io)]
        values = [(name, await self.expand_one(word, io)) for name, word in node.assigns]
        redirected = await self._redirected(node.redirects, io)
        if redirected is None:
            return 1
        if not argv:
            self.env.update(values)
            has_substitution = any(
                isinstance(part, tree.Substitution) for _, word in node.assigns for part in word.parts
            )
            return self.status if has_substitution else 0
        before = {name: self.env.get(name) for name, _ in values}
        self.env.update(values)
        try:
            return await self.call(argv, redirected)
        finally:
            for name, value in before.items():
                if value is None:
                    self.env.pop(name, None)
                else:
                    self.env[name] = value

    async def call(self, argv: list[str], io: Io) -> int:
        """Run one command by its words; unknown ones read like bash's and give 127."""
        name = argv[0]
        if name in self.functions:
            before, self.args = self.args, argv[1:]
            try:
                return await self.run(self.functions[name], io)
            except ShellExit as leaving:
                if leaving.kind != "return":
                    raise
                return leaving.status
            finally:
                self.args = before
        is_init_script = name.startswith(("/etc/init.d/", "/etc/rc.d/init.d/"))
        wanted = "service" if is_init_script else name.rpartition("/")[2]
        function = find_command(wanted, is_solaris=self.is_solaris)
        made = Command(argv, io, self)
        if self.on_command is not None:
            await self.on_command(made)
        if function is None:
            if "/" in name and self.vfs.exists(self.absolute(name)):
                io.err(f"bash: {name}: Permission denied\n".encode("utf-8", "surrogateescape"))
                return 126
            missing = "No such file or directory" if "/" in name else "command not found"
            io.err(f"bash: {name}: {missing}\n".encode("utf-8", "surrogateescape"))
            return 127
        try:
            result = function(made)
            return await result if inspect.isawaitable(result) else result
        except VfsError as error:
            return made.fail(f"{error.path}: {error.reason}", error.status)
        except (ValueError, IndexError, KeyError):
            return made.fail("invalid arguments", 2)

    async def _redirected(self, redirects: list[tree.Redirect], io: Io) -> Io | None:
        """The streams after all redirections, None when one fails."""
        result = Io(io.stdin, io.out, io.err)
        for item in redirects:
            target = await self.expand_one(item.target, io)
            try:
                if not await self._redirect(item, target, result):
                    return None
            except VfsError as error:
                io.err(f"bash: {target}: {error.reason}\n".encode("utf-8", "surrogateescape"))
                return None
        return result

    async def _redirect(self, item: tree.Redirect, target: str, io: Io) -> bool:
        if item.op in ("<<", "<<-", "<<<"):
            io.stdin = Input(target.encode("utf-8", "surrogateescape") + (b"\n" if item.op == "<<<" else b""))
        elif item.op in (">&", "<&") and target in ("0", "1", "2", "-"):
            stream = {"1": io.out, "2": io.err}.get(target, _nothing)
            if item.fd == 1:
                io.out = stream
            elif item.fd == 2:
                io.err = stream
        elif item.op in ("<", "<>"):
            if target.startswith("/dev/tcp/"):
                return await self._connect(target, io)
            path = self.absolute(target)
            io.stdin = Input(b"" if path == "/dev/null" else self.vfs.read(path))  # most of all redirections
        else:
            path = self.absolute(target)
            if target.startswith("/dev/tcp/"):
                return await self._connect(target, io)
            if ">>" not in item.op:
                self.vfs.write(path, b"")
            write = _nothing if path == "/dev/null" else self._appender(path)
            if item.fd == 1 or item.op.startswith("&") or item.op == ">&":
                io.out = write
            if item.fd == 2 or item.op.startswith("&") or item.op == ">&":
                io.err = write
        return True

    def _appender(self, path: str) -> Write:
        if not self.vfs.exists(path):
            self.vfs.write(path, b"")

        def append(data: bytes) -> None:
            self.vfs.write(path, self.vfs.read(path) + data)

        return append

    async def _connect(self, target: str, io: Io) -> bool:
        from core.lab.dom0.reach import connect

        host, port = target.removeprefix("/dev/tcp/").split("/", 1)
        refusal = await connect(self, host, port)
        if refusal is not None:
            said = f"connect: {refusal}" if refusal != "unknown" else f"{host}: Name or service not known"
            io.err(f"bash: {said}\nbash: {target}: {refusal}\n".encode())
        return refusal is None

    async def expand_one(self, word: tree.Word, io: Io) -> str:
        """A word as one text: no splitting, no file names."""
        return "".join([await self._part(part, io) for part in word.parts])

    async def expand_pattern(self, word: tree.Word, io: Io) -> str:
        """A word as a pattern: quoted parts lose their special meaning."""
        texts = []
        for part in word.parts:
            text = await self._part(part, io)
            texts.append(re.sub(r"([*?\[])", r"[\1]", text) if part.quoted else text)
        return "".join(texts)

    async def expand(self, word: tree.Word, io: Io) -> list[str]:
        """A word as the texts it becomes: braces, tilde, variables, splitting, file names."""
        fields: list[tuple[str, str]] = []  # text and pattern
        text = pattern = ""
        is_there = False
        for index, part in enumerate(word.parts):
            if isinstance(part, tree.Param) and part.name == "@" and part.quoted:
                for number, value in enumerate(self.args):
                    if number:
                        fields.append((text, pattern))
                        text = pattern = ""
                    text, pattern, is_there = text + value, pattern + escape(value), True
                continue
            value = await self._part(part, io)
            if isinstance(part, tree.Literal) and not part.quoted and index == 0 and value.startswith("~"):
                value = HOME + value[1:] if value == "~" or value.startswith("~/") else value
            if part.quoted or isinstance(part, tree.Literal):
                text, pattern = text + value, pattern + (escape(value) if part.quoted else value)
                is_there = is_there or part.quoted or bool(value)
                continue
            pieces = value.split()
            if not pieces:
                continue
            if value[:1].isspace() and text:
                fields.append((text, pattern))
                text = pattern = ""
            for number, piece in enumerate(pieces):
                if number:
                    fields.append((text, pattern))
                    text = pattern = ""
                text, pattern, is_there = text + piece, pattern + piece, True
            if value[-1:].isspace():
                fields.append((text, pattern))
                text, pattern, is_there = "", "", False
        if is_there or text:
            fields.append((text, pattern))
        return [found for one in fields for item in braces(one) for found in self._glob(item)]

    def _glob(self, item: tuple[str, str]) -> list[str]:
        text, pattern = item
        if not re.search(r"(?<!\[)[*?]|\[[^\]]", re.sub(r"\[[*?\[{]\]", "", pattern)):
            return [text]
        absolute = pattern if pattern.startswith("/") else f"{self.cwd.rstrip('/')}/{pattern}"
        found = self.vfs.glob(absolute)
        if not pattern.startswith("/"):
            prefix = f"{self.cwd.rstrip('/')}/"
            found = [name.removeprefix(prefix) for name in found]
        return found or [text]

    async def _part(self, part: tree.Part, io: Io) -> str:
        match part:
            case tree.Literal():
                return part.text
            case tree.Param():
                return await self._param(part, io)
            case tree.Arithmetic():
                return str(self._arithmetic(part.text))
            case tree.Substitution():
                return await self._substitution(part.body, io)

    async def _substitution(self, body: tree.Node, io: Io) -> str:
        buffer = bytearray()
        inner = self.fork()
        try:
            self.status = await inner.run(body, Io(io.stdin, buffer.extend, io.err))
        except ShellExit as leaving:
            self.status = leaving.status
        return buffer.decode("utf-8", "surrogateescape").rstrip("\n").replace("\0", "")

    def variable(self, name: str) -> str | None:
        """A variable's or special parameter's value, None when it is not set."""
        if name in ("@", "*"):
            return " ".join(self.args)
        if name.isdigit():
            index = int(name)
            return "bash" if index == 0 else self.args[index - 1] if index <= len(self.args) else None
        special = {"?": str(self.status), "$": "4242", "#": str(len(self.args)), "!": "4243", "-": "hBc"}
        return special.get(name, self.env.get(name))

    async def _param(self, part: tree.Param, io: Io) -> str:
        value = self.variable(part.name)
        if not part.op:
            return value or ""
        if part.op == "len":
            return str(len(value or ""))
        word = await self.expand_one(part.word, io) if part.word is not None else ""
        is_set = bool(value) if part.op.startswith(":") else value is not None
        kind = part.op.lstrip(":")
        if kind in ("-", "="):
            if not is_set and kind == "=":
                self.env[part.name] = word
            return (value or "") if is_set else word
        if kind == "+":
            return word if is_set else ""
        if kind == "?":
            return value or ""
        return trimmed(value or "", part.op, word)

    def _arithmetic(self, text: str) -> int:
        named = re.sub(r"\$?\b([A-Za-z_]\w*)\b", lambda m: str(_integer(self.variable(m[1]))), text)
        named = re.sub(r"\$([0-9?#])", lambda m: str(_integer(self.variable(m[1]))), named)
        return evaluate(named)


def _integer(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else 0


def _nothing(data: bytes) -> None:
    """Where /dev/null writes."""
