"""Cutting shell text into tokens: quotes, expansions, operators and here-documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from core.lab.dom0.tree import Arithmetic, Literal, Param, Part, Sequence, Substitution, Word

OPERATORS = (
    "&>>",
    "<<-",
    "<<<",
    "&&",
    "||",
    ";;",
    ">>",
    "<<",
    ">&",
    "<&",
    "<>",
    "&>",
    ">|",
    ";",
    "&",
    "|",
    "(",
    ")",
    "<",
    ">",
    "\n",
)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile("|".join(map(re.escape, OPERATORS)))
_ANSI_C = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ANSI_C_LETTERS = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))
_REDIRECT = re.compile(r"(\d*)(&>>|<<<|<<-|<>|>>|<<|>&|<&|&>|>\||<|>)")


class ShellSyntaxError(Exception):
    """Text that bash would not accept; `token` is what it was surprised by, empty at the end of the text."""

    def __init__(self, token: str = "") -> None:
        super().__init__(token)
        self.token = token


Parse = Callable[[str], Sequence]


@dataclass(slots=True)
class RedirectSign:
    """A redirection operator with the descriptor written before it."""

    fd: int | None
    op: str


Token = Word | str | RedirectSign


class Lexer:
    """Cuts shell text into words, operators and redirection signs; what `$( )` holds is parsed at once by `parse`."""

    def __init__(self, text: str, parse: Parse) -> None:
        self.text, self.at = text, 0
        self._parse = parse
        self.heredocs: list[tuple[Word, str, bool, bool]] = []

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char in " \t\r":
                self.at += 1
            elif char == "#":
                self.at = self._line_end()
            elif (io := self._redirect()) is not None:
                found.append(io)
                if io.op in ("<<", "<<-"):
                    found.append(self._heredoc_word(io.op))
            elif (operator := self._operator()) is not None:
                self.at += len(operator)
                found.append(operator)
                if operator == "\n":
                    self._read_heredocs()
            else:
                found.append(self.word())
        self._read_heredocs()
        return found

    def word(self) -> Word:
        parts: list[Part] = []
        buffer = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\n\r;&|<>()":
                break
            if char == "'":
                buffer = self._flush(parts, buffer)
                parts.append(Literal(self._until("'"), quoted=True))
            elif char == '"':
                buffer = self._flush(parts, buffer)
                parts.extend(self._double_quoted())
            elif char == "\\":
                buffer = self._flush(parts, buffer)
                if not self.text.startswith("\\\n", self.at):
                    parts.append(Literal(self.text[self.at + 1 : self.at + 2], quoted=True))
                self.at += 2
            elif char in "$`":
                if self.text.startswith("$'", self.at):
                    self.at += 1
                    raw = self._until("'")
                    buffer = self._flush(parts, buffer)
                    parts.append(Literal(_ANSI_C.sub(_ansi_c, raw), quoted=True))
                    continue
                part = self._expansion(quoted=False)
                buffer = self._flush(parts, buffer)
                parts.append(part)
            else:
                buffer += char
                self.at += 1
        self._flush(parts, buffer)
        return Word(parts)

    @staticmethod
    def _flush(parts: list[Part], buffer: str) -> str:
        if buffer:
            parts.append(Literal(buffer))
        return ""

    def _until(self, end: str) -> str:
        close = self.text.find(end, self.at + 1)
        if close < 0:
            raise ShellSyntaxError
        found = self.text[self.at + 1 : close]
        self.at = close + 1
        return found

    def _double_quoted(self) -> list[Part]:
        self.at += 1
        parts: list[Part] = [Literal("", quoted=True)]
        buffer = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                parts.append(Literal(buffer, quoted=True))
                return parts
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`", "\n"):
                if self.text[self.at + 1] != "\n":
                    buffer += self.text[self.at + 1]
                self.at += 2
            elif char in "$`":
                parts.append(Literal(buffer, quoted=True))
                buffer = ""
                parts.append(self._expansion(quoted=True))
            else:
                buffer += char
                self.at += 1
        raise ShellSyntaxError

    def _expansion(self, *, quoted: bool) -> Part:
        text = self.text
        if text[self.at] == "`":
            body = self._until("`").replace("\\`", "`").replace("\\$", "$")
            return Substitution(self._parse(body), quoted)
        if text.startswith("$((", self.at):
            close = text.find("))", self.at)
            if close < 0:
                raise ShellSyntaxError
            inner = text[self.at + 3 : close]
            self.at = close + 2
            return Arithmetic(inner, quoted)
        if text.startswith("$(", self.at):
            body = self._balanced("(", ")")
            return Substitution(self._parse(body), quoted)
        if text.startswith("${", self.at):
            return self._braced(self._balanced("{", "}"), quoted=quoted)
        match = NAME.match(text, self.at + 1)
        if match:
            self.at = match.end()
            return Param(match.group(), quoted=quoted)
        special = text[self.at + 1 : self.at + 2]
        if special and special in "?$#@*!-0123456789":
            self.at += 2
            return Param(special, quoted=quoted)
        self.at += 1
        return Literal("$", quoted=quoted)

    def _braced(self, text: str, *, quoted: bool) -> Param:
        if text.startswith("#") and len(text) > 1:
            return Param(text[1:], "len", quoted=quoted)
        match = re.match(r"([A-Za-z_][A-Za-z0-9_]*|[?$#@*!0-9-])(:?[-=+?]|##?|%%?|/)?(.*)$", text, re.DOTALL)
        if match is None:
            raise ShellSyntaxError(f"${{{text}}}")
        name, op, rest = match.groups()
        word = Word(Lexer('"' + rest.replace('"', '\\"') + '"', self._parse).word().parts) if op else None
        return Param(name, op or "", word, quoted)

    def _balanced(self, opener: str, closer: str) -> str:
        start = self.at + 2
        depth, at = 1, start
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char == "'" or (char == '"' and opener == "("):
                at = _quote_end(self.text, at)
            elif char == opener:
                depth += 1
            elif char == closer:
                depth -= 1
                if depth == 0:
                    self.at = at + 1
                    return self.text[start:at]
            at += 1
        raise ShellSyntaxError

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def _operator(self) -> str | None:
        found = _OPERATOR.match(self.text, self.at)
        return found[0] if found else None

    def _redirect(self) -> RedirectSign | None:
        match = _REDIRECT.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return RedirectSign(int(match[1]) if match[1] else None, match[2])

    def _heredoc_word(self, op: str) -> Word:
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        mark = self.word()
        literal = any(isinstance(part, Literal) and part.quoted for part in mark.parts)
        end = "".join(part.text for part in mark.parts if isinstance(part, Literal))
        body = Word()
        self.heredocs.append((body, end, literal, op == "<<-"))
        return body

    def _read_heredocs(self) -> None:
        for body, end, literal, strips in self.heredocs:
            lines: list[str] = []
            while True:
                if self.at >= len(self.text):
                    if not lines:
                        raise ShellSyntaxError
                    break
                stop = self._line_end()
                line = self.text[self.at : stop]
                self.at = min(stop + 1, len(self.text))
                line = line.lstrip("\t") if strips else line
                if line == end:
                    break
                lines.append(line + "\n")
            text = "".join(lines)
            if literal:
                body.parts.append(Literal(text, quoted=True))
            else:
                quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\\\\$", "\\$")
                body.parts.extend(Lexer(f'"{quoted}"', self._parse).word().parts)
        self.heredocs.clear()


def _quote_end(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" and quote == '"' else 1
    return at


def _ansi_c(match: re.Match[str]) -> str:
    """One escape of $'...'; what bash has no meaning for stays as it is."""
    hexadecimal, octal, letter = match.groups()
    if letter is None:
        return chr(int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 0xFF)
    return _ANSI_C_LETTERS.get(letter, letter if letter in "\\'\"?" else match[0])
