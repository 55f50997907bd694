"""What bash itself brings, and the wrappers around other commands: echo, test, read, timeout, bash -c."""

from __future__ import annotations

import asyncio
import math
import re

from core.lab.dom0 import reach
from core.lab.dom0.command import ON_LINUX, ON_SOLARIS, Command, Io, command
from core.lab.dom0.expansion import evaluate
from core.lab.dom0.shell import HOME, ShellExit
from core.lab.dom0.vfs import VfsError

_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "\\": "\\",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
}


@command(
    "true",
    ":",
    "export",
    "trap",
    "set",
    "shopt",
    "ulimit",
    "umask",
    "hash",
    "wait",
    "stty",
    "sync",
    "local",
    "declare",
    "typeset",
    "readonly",
    "alias",
    "unalias",
    "logger",
)
def true(c: Command) -> int:
    """Commands that succeed and, for a script's eyes, do nothing; assignments among the words are kept."""
    if c.name in ("export", "local", "declare", "typeset", "readonly"):
        for word in c.args:
            name, found, value = word.partition("=")
            if found:
                c.shell.env[name] = value
    return 0


@command("false")
def false(c: Command) -> int:
    return 1


@command("echo")
def echo(c: Command) -> int:
    args = c.args
    newline, interpret = True, False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        newline = newline and "n" not in args[0]
        interpret = interpret or "e" in args[0]
        args = args[1:]
    text = " ".join(args)
    c.write((unescape(text) if interpret else text) + ("\n" if newline else ""))
    return 0


@command("printf")
def printf(c: Command) -> int:
    if not c.args:
        return c.say("bash: printf: usage: printf [-v var] format [arguments]", 2)
    pattern, args = unescape(c.args[0]), c.args[1:]
    while True:
        text, used = format_values(pattern, args)
        c.write(text)
        args = args[used:]
        if not args or not used:
            return 0


@command("test", "[", "[[")
def test(c: Command) -> int:
    args = c.args
    if c.name in ("[", "[["):
        closer = "]" if c.name == "[" else "]]"
        if not args or args[-1] != closer:
            return c.say(f"bash: [: missing `{closer}'", 2)
        args = args[:-1]
    try:
        return 0 if _Test(c, args).whole() else 1
    except (ValueError, IndexError):
        return c.say(f"bash: {c.name}: {' '.join(args)}: integer expression expected", 2)


@command("cd")
def cd(c: Command) -> int:
    wanted = c.args[0] if c.args else HOME
    if wanted == "-":
        wanted = c.shell.env.get("OLDPWD", c.shell.cwd)
    path = c.path(wanted)
    try:
        if c.vfs.entry(path).kind != "dir":
            raise VfsError(wanted, "Not a directory")
    except VfsError as error:
        return c.say(f"bash: cd: {wanted}: {error.reason}")
    c.shell.env["OLDPWD"], c.shell.cwd = c.shell.cwd, path
    c.shell.env["PWD"] = path
    return 0


@command("pwd")
def pwd(c: Command) -> int:
    c.print(c.shell.cwd)
    return 0


@command("exit", "logout", "return", "break", "continue")
def leave(c: Command) -> int:
    status = int(c.args[0]) & 255 if c.args and c.args[0].isdigit() else c.shell.status
    raise ShellExit("exit" if c.name == "logout" else c.name, status)


@command("unset")
def unset(c: Command) -> int:
    for name in c.args:
        c.shell.env.pop(name, None)
        c.shell.functions.pop(name, None)
    return 0


@command("shift")
def shift(c: Command) -> int:
    del c.shell.args[: int(c.args[0]) if c.args else 1]
    return 0


@command("read")
async def read(c: Command) -> int:
    _, variables = c.options("dnptu")
    line = (await c.io.stdin.line()).decode("utf-8", "surrogateescape")
    text = line.rstrip("\n")
    separators = c.shell.env.get("IFS", " \t\n")
    targets = variables or ["REPLY"]
    if separators.strip(" \t\n"):
        parts = re.split(f"[{re.escape(separators)}]", text, maxsplit=len(targets) - 1)
    elif separators:
        parts = text.split(None, len(targets) - 1)
    else:
        parts = [text]
    for index, name in enumerate(targets):
        value = parts[index] if index < len(parts) else ""
        c.shell.env[name] = value.strip() if separators else value
    return 0 if line else 1


@command("eval")
async def evaluate_words(c: Command) -> int:
    return await c.shell.run_text(" ".join(c.args), c.io)


@command("bash", "sh", "ksh")
async def bash(c: Command) -> int:
    options, rest = c.options("c")
    shell = c.shell.fork()
    if "c" in options:
        shell.args = rest[1:]
        return await shell.run_text(options["c"], c.io)
    if "version" in options:
        c.print("GNU bash, version 4.1.2(2)-release (x86_64-redhat-linux-gnu)")
        return 0
    shell.args = rest[1:] if rest and "s" not in options else rest
    if rest and "s" not in options:
        text = c.vfs.read(c.path(rest[0]))
        return await shell.run_text(text.decode("utf-8", "surrogateescape"), c.io)
    script = (await c.io.stdin.read()).decode("utf-8", "surrogateescape")
    return await shell.run_text(script, Io(c.io.stdin, c.io.out, c.io.err))


COMPUTING_S = 5.0  # what a command may compute is no simulated time, however fast the lab runs


@command("timeout")
async def timeout(c: Command) -> int:
    _, rest = _leading_options(c.args, "ks")
    if len(rest) < 2:
        return c.say("timeout: missing operand", 125)
    seconds = _seconds(rest[0])
    if seconds is None:
        return c.say(f"timeout: invalid time interval `{rest[0]}'", 125)
    limit_s = max(seconds / c.world.speed, min(seconds, COMPUTING_S)) if seconds else None
    before = reach.BUDGET_S.set(min(seconds or math.inf, reach.BUDGET_S.get()))
    try:
        async with asyncio.timeout(limit_s):
            return await c.shell.fork().call(rest[1:], c.io)
    except TimeoutError:
        return 124
    finally:
        reach.BUDGET_S.reset(before)


@command(
    "sudo",
    "nohup",
    "nice",
    "ionice",
    "time",
    "command",
    "exec",
    "builtin",
    "env",
    "stdbuf",
    "setsid",
    "unbuffer",
)
async def wrapped(c: Command) -> int:
    """Run the command that follows."""
    if c.name == "command" and c.args[:1] in (["-v"], ["-V"]):
        return show_place(c)
    _, rest = _leading_options(c.args, "nupico")
    shell = c.shell
    while rest and c.name in ("env", "sudo") and "=" in rest[0]:
        name, _, value = rest[0].partition("=")
        shell = shell.fork() if shell is c.shell else shell
        shell.env[name] = value
        rest = rest[1:]
    if not rest:
        if c.name == "env":
            c.print(*(f"{name}={value}" for name, value in sorted(c.shell.env.items())))
        return 0
    status = await shell.call(rest, c.io)
    if c.name == "exec":
        raise ShellExit("exit", status)
    return status


@command("which", "type", "whereis")
def which(c: Command) -> int:
    return show_place(c)


def show_place(c: Command) -> int:
    """Where the commands named lie; 1 when one is not there."""
    status = 0
    known = ON_SOLARIS if c.shell.is_solaris else ON_LINUX
    for name in [word for word in c.args if not word.startswith("-")]:
        if name.rpartition("/")[2] in known:
            c.print(name if "/" in name else f"{_folder(name)}/{name}")
        else:
            status = 1
            if c.name == "which":
                c.say(f"/usr/bin/which: no {name} in ({c.shell.env.get('PATH', '')})")
    return status


@command("sleep")
async def sleep(c: Command) -> int:
    seconds = sum(_seconds(word) or 0.0 for word in c.args)
    await asyncio.sleep(seconds / c.world.speed)
    return 0


@command("expr")
def expr(c: Command) -> int:
    value = evaluate(" ".join(c.args))
    c.print(str(value))
    return int(value == 0)


@command("seq")
def seq(c: Command) -> int:
    numbers = [int(word) for word in c.args]
    first, step, last = {1: (1, 1, numbers[0]), 2: (numbers[0], 1, numbers[-1]), 3: tuple(numbers)}[
        len(numbers)
    ]
    for number in list(range(first, last + (1 if step > 0 else -1), step))[:100000]:
        c.print(str(number))
    return 0


def unescape(text: str) -> str:
    """Backslash sequences of echo -e and printf."""

    def one(match: re.Match[str]) -> str:
        found = match[1]
        if found[0] == "x":
            return chr(int(found[1:], 16))
        if found[0].isdigit():
            return chr(int(found, 8) & 255)
        return _ESCAPES.get(found, f"\\{found}")

    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,4}|.)", one, text)


def format_values(pattern: str, args: list[str]) -> tuple[str, int]:
    """printf: the text, and how many of the arguments it used."""
    used = 0

    def one(match: re.Match[str]) -> str:
        nonlocal used
        if match[0] == "%%":
            return "%"
        value = args[used] if used < len(args) else ""
        used += 1
        kind = match[2]
        if kind in "diouxX":
            number = int(value, 0) if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", value) else 0
            return ("%" + match[1] + ("d" if kind == "i" else kind)) % number
        if kind in "feg":
            return ("%" + match[1] + kind) % float(value or 0)
        text = (
            unescape(value) if kind == "b" else f"'{value}'" if kind == "q" and not value.isalnum() else value
        )
        return ("%" + match[1] + "s") % text

    return re.sub(r"%%|%([-+ 0#]*\d*(?:\.\d+)?)([diouxXfegsbqc])", one, pattern), used


def _leading_options(args: list[str], takes: str) -> tuple[list[str], list[str]]:
    """Options before the first other word, and the rest untouched."""
    index = 0
    while index < len(args) and args[index].startswith("-") and args[index] != "--":
        index += 2 if len(args[index]) == 2 and args[index][1] in takes else 1
    if index < len(args) and args[index] == "--":
        index += 1
    return args[:index], args[index:]


def _seconds(text: str) -> float | None:
    match = re.fullmatch(r"(\d*\.?\d+)([smhd]?)", text)
    if match is None:
        return None
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _folder(name: str) -> str:
    in_sbin = (
        "ip",
        "ifconfig",
        "iptables",
        "multipath",
        "blockdev",
        "blkid",
        "service",
        "dmidecode",
        "ethtool",
        "arping",
    )
    return "/sbin" if name in in_sbin else "/usr/bin"


class _Test:
    """The little language of test and [[ ]]."""

    def __init__(self, c: Command, args: list[str]) -> None:
        self.c, self.args, self.at = c, args, 0

    def whole(self) -> bool:
        if not self.args:
            return False
        result = self._either()
        if self.at < len(self.args):
            raise ValueError
        return result

    def _peek(self) -> str | None:
        return self.args[self.at] if self.at < len(self.args) else None

    def _either(self) -> bool:
        value = self._both()
        while self._peek() in ("-o", "||"):
            self.at += 1
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._one()
        while self._peek() in ("-a", "&&"):
            self.at += 1
            value = self._one() and value
        return value

    def _one(self) -> bool:
        if self._peek() == "!" and len(self.args) > self.at + 1:
            self.at += 1
            return not self._one()
        if self._peek() == "(":
            self.at += 1
            value = self._either()
            self.at += 1
            return value
        left = self.args[self.at]
        operator = self.args[self.at + 1] if self.at + 1 < len(self.args) else ""
        if operator in (
            "=",
            "==",
            "!=",
            "=~",
            "<",
            ">",
            "-eq",
            "-ne",
            "-lt",
            "-le",
            "-gt",
            "-ge",
            "-nt",
            "-ot",
            "-ef",
        ):
            self.at += 3
            return self._compare(left, operator, self.args[self.at - 1])
        if re.fullmatch(r"-[a-zA-Z]", left) and self.at + 1 < len(self.args):
            self.at += 2
            return self._unary(left, self.args[self.at - 1])
        self.at += 1
        return bool(left)

    def _compare(self, left: str, operator: str, right: str) -> bool:
        import fnmatch

        if operator in ("=", "=="):
            return fnmatch.fnmatchcase(left, right) if self.c.name == "[[" else left == right
        if operator == "!=":
            return left != right
        if operator == "=~":
            return re.search(right, left) is not None
        if operator in ("<", ">", "-nt", "-ot", "-ef"):
            return (left < right) if operator == "<" else left > right
        a, b = int(left), int(right)
        return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}[
            operator
        ]

    def _unary(self, operator: str, word: str) -> bool:
        if operator in ("-n", "-z"):
            return bool(word) == (operator == "-n")
        try:
            entry = self.c.vfs.entry(self.c.path(word), follow=operator not in ("-h", "-L"))
        except VfsError:
            return False
        if operator == "-s":
            return bool(entry.size or entry.kind == "dir" or entry.content())
        kinds = {"-f": "file", "-d": "dir", "-b": "block", "-c": "char", "-h": "link", "-L": "link"}
        if operator in ("-w", "-x", "-S", "-p"):
            return operator == "-w" or (operator == "-x" and entry.kind == "dir")
        return entry.kind == kinds.get(operator, entry.kind)
