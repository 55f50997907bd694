"""Reading shell text into a tree: the POSIX part that operators and scripts use on a server. Runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.lab.dom0.tree import (
    AndOr,
    Arithmetic,
    Block,
    Case,
    For,
    Function,
    If,
    Literal,
    Node,
    Param,
    Part,
    Pipeline,
    Redirect,
    Sequence,
    Simple,
    Substitution,
    While,
    Word,
)

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
REDIRECTS = frozenset({"<>", ">", ">>", "<", "<<", "<<-", "<<<", ">&", "<&", "&>", "&>>", ">|"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLOSERS = frozenset({"then", "else", "elif", "fi", "do", "done", "esac", "}"})


class ShellSyntaxError(Exception):
    """Text that bash would not accept; `token` is what it was surprised by, empty at the end of the text."""

    def __init__(self, token: str = "") -> None:
        super().__init__(token)
        self.token = token


Token = Word | str


def parse(text: str) -> Sequence:
    """The tree of a script. Raises ShellSyntaxError, with an empty token where more text could complete it."""
    return _Parser(_Lexer(text).tokens()).script()


@dataclass(slots=True)
class _Io:
    """A redirection operator with the descriptor written before it."""

    fd: int | None
    op: str


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.heredocs: list[tuple[Word, str, bool, bool]] = []

    def tokens(self) -> list[Token | _Io]:
        found: list[Token | _Io] = []
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
                    parts.append(Literal(raw.encode().decode("unicode_escape"), quoted=True))
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
            return Substitution(parse(body), quoted)
        if text.startswith("$((", self.at):
            close = text.find("))", self.at)
            if close < 0:
                raise ShellSyntaxError
            inner = text[self.at + 3 : close]
            self.at = close + 2
            return Arithmetic(inner, quoted)
        if text.startswith("$(", self.at):
            body = self._balanced("(", ")")
            return Substitution(parse(body), quoted)
        if text.startswith("${", self.at):
            return _braced(self._balanced("{", "}"), quoted=quoted)
        match = _NAME.match(text, self.at + 1)
        if match:
            self.at = match.end()
            return Param(match.group(), quoted=quoted)
        special = text[self.at + 1 : self.at + 2]
        if special and special in "?$#@*!-0123456789":
            self.at += 2
            return Param(special, quoted=quoted)
        self.at += 1
        return Literal("$", quoted=quoted)

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
        return next((item for item in OPERATORS if self.text.startswith(item, self.at)), None)

    def _redirect(self) -> _Io | None:
        match = re.compile(r"(\d*)(&>>|<<<|<<-|<>|>>|<<|>&|<&|&>|>\||<|>)").match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return _Io(int(match[1]) if match[1] else None, match[2])

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
                body.parts.extend(_Lexer(f'"{quoted}"').word().parts)
        self.heredocs.clear()


def _quote_end(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" and quote == '"' else 1
    return at


def _braced(text: str, *, quoted: bool) -> Param:
    if text.startswith("#") and len(text) > 1:
        return Param(text[1:], "len", quoted=quoted)
    match = re.match(r"([A-Za-z_][A-Za-z0-9_]*|[?$#@*!0-9-])(:?[-=+?]|##?|%%?|/)?(.*)$", text, re.DOTALL)
    if match is None:
        raise ShellSyntaxError(f"${{{text}}}")
    name, op, rest = match.groups()
    word = Word(_Lexer('"' + rest.replace('"', '\\"') + '"').word().parts) if op else None
    return Param(name, op or "", word, quoted)


class _Parser:
    def __init__(self, tokens: list[Token | _Io]) -> None:
        self.tokens, self.at = tokens, 0

    def script(self) -> Sequence:
        body = self._sequence(frozenset())
        if self.at < len(self.tokens):
            raise ShellSyntaxError(self._shown(self._peek()))
        return body

    def _peek(self) -> Token | _Io | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _bare(self) -> str | None:
        token = self._peek()
        return token.bare if isinstance(token, Word) else None

    @staticmethod
    def _shown(token: Token | _Io | None) -> str:
        if isinstance(token, Word):
            return token.bare or "word"
        if isinstance(token, _Io):
            return token.op
        return "newline" if token == "\n" else token or ""

    def _take(self, wanted: str) -> None:
        token = self._peek()
        if token != wanted and self._bare() != wanted:
            raise ShellSyntaxError(self._shown(token))
        self.at += 1

    def _skip_newlines(self) -> None:
        while self._peek() == "\n":
            self.at += 1

    def _sequence(self, ends: frozenset[str]) -> Sequence:
        body = Sequence()
        while True:
            while self._peek() in ("\n", ";", "&") and (body.items or self._peek() == "\n"):
                self.at += 1
            token = self._peek()
            if token is None or token in (")", ";;") or self._bare() in ends:
                return body
            if isinstance(token, str) and token != "(":
                raise ShellSyntaxError(token)
            body.items.append(self._and_or())
            if self._peek() not in ("\n", ";", "&", None, ")", ";;"):
                raise ShellSyntaxError(self._shown(self._peek()))

    def _needed(self, *ends: str) -> Sequence:
        body = self._sequence(frozenset(ends))
        if not body.items:
            raise ShellSyntaxError(self._shown(self._peek()))
        return body

    def _and_or(self) -> Node:
        first = self._pipeline()
        rest: list[tuple[str, Node]] = []
        while (operator := self._peek()) in ("&&", "||"):
            self.at += 1
            self._skip_newlines()
            rest.append((str(operator), self._pipeline()))
        return AndOr(first, rest) if rest else first

    def _pipeline(self) -> Node:
        negated = False
        while self._bare() == "!":
            self.at += 1
            negated = not negated
        stages = [self._command()]
        while self._peek() == "|":
            self.at += 1
            self._skip_newlines()
            stages.append(self._command())
        return Pipeline(stages, negated) if negated or len(stages) > 1 else stages[0]

    def _command(self) -> Node:
        token = self._peek()
        if token is None:
            raise ShellSyntaxError
        if token == "(":
            self.at += 1
            body = self._needed()
            self._take(")")
            return Block(body, is_subshell=True, redirects=self._redirects())
        compound = {
            "{": self._group,
            "if": self._if,
            "for": self._for,
            "while": self._while,
            "until": self._while,
            "case": self._case,
        }.get(self._bare() or "")
        if compound is not None:
            return compound()
        if self._bare() in _CLOSERS:
            raise ShellSyntaxError(self._bare() or "")
        return self._simple()

    def _group(self) -> Node:
        self.at += 1
        body = self._needed("}")
        self._take("}")
        return Block(body, is_subshell=False, redirects=self._redirects())

    def _if(self) -> Node:
        branches: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        while self._bare() in ("if", "elif"):
            self.at += 1
            condition = self._needed("then")
            self._take("then")
            branches.append((condition, self._needed("elif", "else", "fi")))
        if self._bare() == "else":
            self.at += 1
            otherwise = self._needed("fi")
        self._take("fi")
        return If(branches, otherwise, self._redirects())

    def _for(self) -> Node:
        self.at += 1
        name = self._bare()
        if name is None or not _NAME.fullmatch(name):
            raise ShellSyntaxError(self._shown(self._peek()))
        self.at += 1
        self._skip_newlines()
        words: list[Word] | None = None
        if self._bare() == "in":
            self.at += 1
            words = []
            while isinstance(token := self._peek(), Word):
                words.append(token)
                self.at += 1
        while self._peek() in (";", "\n"):
            self.at += 1
        self._take("do")
        body = self._needed("done")
        self._take("done")
        return For(name, words, body, self._redirects())

    def _while(self) -> Node:
        until = self._bare() == "until"
        self.at += 1
        condition = self._needed("do")
        self._take("do")
        body = self._needed("done")
        self._take("done")
        return While(condition, body, until, self._redirects())

    def _case(self) -> Node:
        self.at += 1
        subject = self._peek()
        if not isinstance(subject, Word):
            raise ShellSyntaxError(self._shown(subject))
        self.at += 1
        self._skip_newlines()
        self._take("in")
        branches: list[tuple[list[Word], Node]] = []
        self._skip_newlines()
        while self._bare() != "esac":
            if self._peek() == "(":
                self.at += 1
            patterns: list[Word] = []
            while isinstance(token := self._peek(), Word):
                patterns.append(token)
                self.at += 1
                if self._peek() == "|":
                    self.at += 1
            self._take(")")
            branches.append((patterns, self._sequence(frozenset({"esac"}))))
            if self._peek() == ";;":
                self.at += 1
            self._skip_newlines()
        self._take("esac")
        return Case(subject, branches, self._redirects())

    def _simple(self) -> Node:
        command = Simple()
        while True:
            token = self._peek()
            if isinstance(token, _Io):
                command.redirects.append(self._redirect())
            elif isinstance(token, Word):
                self.at += 1
                assigned = None if command.words else _assignment(token)
                if assigned is not None:
                    command.assigns.append(assigned)
                else:
                    command.words.append(token)
            elif token == "(" and len(command.words) == 1 and command.words[0].bare and not command.assigns:
                self.at += 1
                self._take(")")
                self._skip_newlines()
                return Function(command.words[0].bare, self._command())
            else:
                break
        if not (command.words or command.assigns or command.redirects):
            raise ShellSyntaxError(self._shown(self._peek()))
        return command

    def _redirects(self) -> list[Redirect]:
        found = []
        while isinstance(self._peek(), _Io):
            found.append(self._redirect())
        return found

    def _redirect(self) -> Redirect:
        io = self._peek()
        assert isinstance(io, _Io)
        self.at += 1
        target = self._peek()
        if not isinstance(target, Word):
            raise ShellSyntaxError(self._shown(target) or "newline")
        self.at += 1
        default = 0 if io.op.startswith("<") else 1
        return Redirect(default if io.fd is None else io.fd, io.op, target)


def _assignment(word: Word) -> tuple[str, Word] | None:
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Literal) or first.quoted:
        return None
    match = re.match(r"([A-Za-z_][A-Za-z0-9_]*)=", first.text)
    if match is None:
        return None
    rest = first.text[match.end() :]
    parts: list[Part] = [Literal(rest)] if rest else []
    return match[1], Word(parts + word.parts[1:])
