"""A small awk: patterns, print, printf, fields, comparisons, assignments and counters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core.lab.dom0.command import Command, command, split_options
from core.lab.dom0.commands.builtin import format_values, unescape
from core.lab.dom0.commands.filters import inputs, lines_of
from core.lab.dom0.commands.regex import posix

Value = str | float
_TOKEN = re.compile(
    r"\s*(\d+\.?\d*|\"(?:\\.|[^\"\\])*\"|[A-Za-z_]\w*|&&|\|\||[<>=!]=|!~|\+\+|--|\+=|-=|[-+*/%<>=!~(){}\[\],;$?:])"
)


class AwkError(Exception):
    """A program this small awk does not know."""


class _Next(Exception):
    """`next` and `exit`."""


@dataclass(slots=True)
class Machine:
    """Variables, arrays and the current line."""

    c: Command
    variables: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, dict[str, Value]] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    stopped: bool = False

    def set_line(self, line: str) -> None:
        separator = str(self.variables.get("FS", " "))
        parts = line.split() if separator == " " else re.split(_separator(separator), line) if line else []
        self.fields = [line, *parts]
        self.variables["NF"] = float(len(parts))


@command("awk", "gawk", "nawk", "mawk")
async def awk(c: Command) -> int:
    options, rest = split_options(c.args, "Fv")
    machine = Machine(c, {"FS": " ", "OFS": " ", "ORS": "\n", "NR": 0.0, "NF": 0.0})
    if options.get("F"):
        machine.variables["FS"] = unescape(options["F"])
    for at, word in enumerate(c.args[:-1]):
        name, found, value = c.args[at + 1].partition("=")
        if word == "-v" and found:
            machine.variables[name] = unescape(value)
    try:
        rules = [(pattern, _compile(body)) for pattern, body in _split(rest[0])]
        found_data, status = await inputs(c, rest[1:]) if any(p != "BEGIN" for p, _ in rules) else ([], 0)
        _run(machine, rules, [line for _, data in found_data for line in lines_of(data)])
    except (AwkError, re.error, IndexError, RecursionError) as error:
        return c.say(
            f"awk: cmd. line:1: {rest[0] if rest else ''}\nawk: cmd. line:1: syntax error {error}", 2
        )
    return status


def _run(machine: Machine, rules: list[tuple[str, list[list[str]]]], lines: list[str]) -> None:
    try:
        _phase(machine, rules, "BEGIN")
        for number, line in enumerate(lines, start=1):
            machine.variables["NR"] = machine.variables["FNR"] = float(number)
            machine.set_line(line)
            try:
                for pattern, body in rules:
                    if pattern not in ("BEGIN", "END") and _matches(machine, pattern):
                        _execute(machine, body)
            except _Next:
                if machine.stopped:
                    break
        _phase(machine, rules, "END")
    except _Next:
        return


def _phase(machine: Machine, rules: list[tuple[str, list[list[str]]]], name: str) -> None:
    for pattern, body in rules:
        if pattern == name:
            _execute(machine, body)


def _split(program: str) -> list[tuple[str, str]]:
    """(pattern, action) pairs; an action that is missing prints the line."""
    rules: list[tuple[str, str]] = []
    rest = program.strip()
    while rest:
        brace = _find_brace(rest)
        pattern = rest[:brace].strip() if brace >= 0 else rest
        if brace < 0:
            rules.append((pattern, "print"))
            break
        depth, at, quoted = 0, brace, False
        while at < len(rest):
            if rest[at] == '"' and rest[at - 1] != "\\":
                quoted = not quoted
            depth += 0 if quoted else {"{": 1, "}": -1}.get(rest[at], 0)
            at += 1
            if depth == 0:
                break
        rules.append((pattern, rest[brace + 1 : at - 1]))
        rest = rest[at:].strip().lstrip(";").strip()
    return rules


def _find_brace(text: str) -> int:
    match = re.match(r"(?:/(?:\\.|[^/\\])*/|\"(?:\\.|[^\"\\])*\"|[^{/\"])*", text)
    end = match.end() if match else 0
    return end if end < len(text) and text[end] == "{" else -1


def _compile(body: str) -> list[list[str]]:
    """Statements as token lists."""
    return [_tokens(part.strip()) for part in _statements(body) if part.strip()]


def _statements(body: str) -> list[str]:
    parts, buffer, depth, quoted = [], "", 0, False
    for at, char in enumerate(body):
        if char == '"' and body[at - 1 : at] != "\\":
            quoted = not quoted
        depth += 0 if quoted else {"{": 1, "(": 1, "}": -1, ")": -1}.get(char, 0)
        if char in ";\n" and not quoted and depth == 0:
            parts.append(buffer)
            buffer = ""
        else:
            buffer += char
    return [*parts, buffer]


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest.lstrip().startswith("/") and (
            not tokens or tokens[-1] in ("~", "!~", "(", "&&", "||", "!", ",")
        ):
            match = re.match(r"\s*(/(?:\\.|[^/\\])*/)", rest)
        else:
            match = _TOKEN.match(rest)
        if match is None:
            if rest.strip():
                raise AwkError(rest)
            break
        tokens.append(match[1])
        at += match.end()
    return tokens


def _matches(machine: Machine, pattern: str) -> bool:
    return not pattern or _truth(_Expression(machine, _tokens(pattern)).whole())


def _truth(value: Value) -> bool:
    return (
        bool(value)
        if isinstance(value, float)
        else bool(value) and not (_is_number(value) and float(value) == 0)
    )


def _separator(text: str) -> str:
    return re.escape(text) if len(text) == 1 else posix(text, extended=True)


def _is_number(value: Value) -> bool:
    return isinstance(value, float) or bool(re.fullmatch(r"\s*[-+]?\d+\.?\d*\s*", value))


def _number(value: Value) -> float:
    match = re.match(r"\s*[-+]?\d+\.?\d*", value) if isinstance(value, str) else None
    return float(match[0]) if match else value if isinstance(value, float) else 0.0


def _text(value: Value) -> str:
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else f"{value:.6g}"
    return value


def _execute(machine: Machine, body: list[list[str]]) -> None:
    for statement in body:
        _statement(machine, list(statement))


def _statement(machine: Machine, tokens: list[str]) -> None:
    if not tokens:
        return
    word = tokens[0]
    if word in ("next", "exit"):
        machine.stopped = word == "exit"
        raise _Next
    if word == "{":
        _execute(machine, _group(tokens[1:-1]))
    elif word in ("print", "printf"):
        values = [_text(value) for value in _Expression(machine, _unwrapped(tokens[1:])).all()]
        if word == "printf":
            machine.c.write(format_values(values[0], values[1:])[0] if values else "")
        else:
            joined = _text(machine.variables["OFS"]).join(values) if values else machine.fields[0]
            machine.c.write(joined + _text(machine.variables["ORS"]))
    elif word == "if":
        close = _closing(tokens, 1)
        condition = _Expression(machine, tokens[2:close]).whole()
        then = tokens[close + 1 :]
        at = then.index("else") if "else" in then else len(then)
        _statement(
            machine, [token for token in then[:at] if token != ";"] if _truth(condition) else then[at + 1 :]
        )
    elif word == "for" and "in" in tokens:
        close = _closing(tokens, 1)
        for key in list(machine.arrays.get(tokens[4], {})):
            machine.variables[tokens[2]] = key
            _statement(machine, tokens[close + 1 :])
    else:
        _Expression(machine, tokens).whole()


def _unwrapped(tokens: list[str]) -> list[str]:
    return tokens[1:-1] if tokens[:1] == ["("] and _closing(tokens, 0) == len(tokens) - 1 else tokens


def _group(tokens: list[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for token in tokens:
        if token == ";":
            groups.append([])
        else:
            groups[-1].append(token)
    return groups


def _closing(tokens: list[str], start: int) -> int:
    depth = 0
    for at in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at], 0)
        if depth == 0:
            return at
    raise AwkError(" ".join(tokens))


class _Expression:
    """Recursive descent over one expression's tokens."""

    def __init__(self, machine: Machine, tokens: list[str]) -> None:
        self.m, self.tokens, self.at = machine, tokens, 0

    def all(self) -> list[Value]:
        values: list[Value] = []
        while self.at < len(self.tokens):
            values.append(self.choice())
            if self._peek() == ",":
                self.at += 1
        return values

    def whole(self) -> Value:
        value = self.choice()
        if self.at < len(self.tokens) and self._peek() != ";":
            raise AwkError(self._peek())
        return value

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def choice(self) -> Value:
        value = self.either()
        if self._peek() == "?":
            self.at += 1
            yes = self.choice()
            self.at += 1
            no = self.choice()
            return yes if _truth(value) else no
        return value

    def either(self) -> Value:
        value = self.both()
        while self._peek() == "||":
            self.at += 1
            other = self.both()
            value = float(_truth(value) or _truth(other))
        return value

    def both(self) -> Value:
        value = self.comparison()
        while self._peek() == "&&":
            self.at += 1
            other = self.comparison()
            value = float(_truth(value) and _truth(other))
        return value

    def comparison(self) -> Value:
        value = self.joined()
        operator = self._peek()
        if operator in ("~", "!~"):
            self.at += 1
            token = self._peek()
            if token.startswith("/"):
                self.at += 1
                pattern = token[1:-1]
            else:
                pattern = _text(self.joined())
            hit = re.search(posix(pattern, extended=True), _text(value)) is not None
            return float(hit == (operator == "~"))
        if operator in ("==", "!=", "<", ">", "<=", ">="):
            self.at += 1
            other = self.joined()
            a: Value
            b: Value
            both_numbers = _is_number(value) and _is_number(other)
            order = (_number(value) > _number(other)) - (_number(value) < _number(other))
            if not both_numbers:
                a, b = _text(value), _text(other)
                order = (a > b) - (a < b)
            return float({"==": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0, "<=": order <= 0,
                          ">=": order >= 0}[operator])  # fmt: skip
        return value

    def joined(self) -> Value:
        value = self.total()
        while self._peek() and re.match(r"[\w\"$(]", self._peek()) and self._peek() != "in":
            value = _text(value) + _text(self.total())
        return value

    def total(self) -> Value:
        value = self.product()
        while self._peek() in ("+", "-"):
            operator = self._peek()
            self.at += 1
            other = _number(self.product())
            value = _number(value) + other if operator == "+" else _number(value) - other
        return value

    def product(self) -> Value:
        value = self.atom()
        while self._peek() in ("*", "/", "%"):
            operator = self._peek()
            self.at += 1
            other = _number(self.atom())
            mine = _number(value)
            value = (
                mine * other
                if operator == "*"
                else (mine / other if operator == "/" else mine % other)
                if other
                else 0.0
            )
        return value

    def atom(self) -> Value:
        token = self._peek()
        self.at += 1
        if token == "(":
            value = self.choice()
            self.at += 1
            return value
        if token == "!":
            return float(not _truth(self.atom()))
        if token == "-":
            return -_number(self.atom())
        if token in ("++", "--"):
            return self._change(self._target(), 1.0 if token == "++" else -1.0)
        if token.startswith('"'):
            return unescape(token[1:-1])
        if token.startswith("/") and len(token) > 1:
            return float(re.search(posix(token[1:-1], extended=True), self.m.fields[0]) is not None)
        if token == "$":
            return self._field(int(_number(self.atom())))
        if re.match(r"\d", token):
            return float(token)
        if re.match(r"[A-Za-z_]", token):
            return self._named(token)
        raise AwkError(token)

    def _field(self, index: int) -> Value:
        if self._peek() == "=":
            self.at += 1
            value = _text(self.choice())
            self.m.fields += [""] * (index + 1 - len(self.m.fields))
            self.m.fields[index] = value
            self.m.fields[0] = value if index == 0 else _text(self.m.variables["OFS"]).join(self.m.fields[1:])
            return value
        return self.m.fields[index] if 0 <= index < len(self.m.fields) else ""

    def _target(self) -> tuple[str, str | None]:
        name = self._peek()
        self.at += 1
        if self._peek() != "[":
            return name, None
        self.at += 1
        key = _text(self.choice())
        self.at += 1
        return name, key

    def _named(self, name: str) -> Value:
        if self._peek() == "(":
            return self._function(name)
        self.at -= 1
        target = self._target()
        operator = self._peek()
        if operator in ("=", "+=", "-="):
            self.at += 1
            value = self.choice()
            if operator != "=":
                value = _number(self._get(target)) + _number(value) * (1 if operator == "+=" else -1)
            self._set(target, value)
            return value
        value = self._get(target)
        if operator in ("++", "--"):
            self.at += 1
            self._change(target, 1.0 if operator == "++" else -1.0)
            return _number(value)
        return value

    def _get(self, target: tuple[str, str | None]) -> Value:
        name, key = target
        return self.m.variables.get(name, "") if key is None else self.m.arrays.get(name, {}).get(key, "")

    def _set(self, target: tuple[str, str | None], value: Value) -> None:
        name, key = target
        if key is None:
            self.m.variables[name] = value
        else:
            self.m.arrays.setdefault(name, {})[key] = value

    def _change(self, target: tuple[str, str | None], by: float) -> Value:
        value = _number(self._get(target)) + by
        self._set(target, value)
        return value

    def _function(self, name: str) -> Value:
        close = _closing(self.tokens, self.at)
        inner = self.tokens[self.at + 1 : close]
        self.at = close + 1
        if name in ("gsub", "sub"):
            pattern = inner[0][1:-1]
            new = _text(_Expression(self.m, inner[2:3]).whole())
            self.m.fields[0], count = re.subn(
                posix(pattern, extended=True), new, self.m.fields[0], count=name == "sub"
            )
            self.m.set_line(self.m.fields[0])
            return float(count)
        values = _Expression(self.m, inner).all()
        text = _text(values[0]) if values else self.m.fields[0]
        if name == "length":
            return float(len(text))
        if name in ("tolower", "toupper"):
            return text.lower() if name == "tolower" else text.upper()
        if name == "int":
            return float(int(_number(values[0])))
        if name == "index":
            return float(text.find(_text(values[1])) + 1)
        if name == "substr":
            start = int(_number(values[1])) - 1
            return text[max(start, 0) : start + int(_number(values[2])) if len(values) > 2 else None]
        raise AwkError(name)
