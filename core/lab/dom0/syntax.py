"""Reading shell text into a tree: the POSIX part that operators and scripts use on a server. Runs nothing."""

from __future__ import annotations

import re
from functools import lru_cache

from core.lab.dom0.lexer import NAME, Lexer, RedirectSign, ShellSyntaxError, Token
from core.lab.dom0.tree import (
    AndOr,
    Block,
    Case,
    For,
    Function,
    If,
    Literal,
    Node,
    Part,
    Pipeline,
    Redirect,
    Sequence,
    Simple,
    While,
    Word,
)

_CLOSERS = frozenset({"then", "else", "elif", "fi", "do", "done", "esac", "}"})


@lru_cache(maxsize=512)  # every server of a fleet is asked the same; nobody changes a tree
def parse(text: str) -> Sequence:
    """The tree of a script. Raises ShellSyntaxError, with an empty token where more text could complete it."""
    return _Parser(Lexer(text, parse).tokens()).script()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def script(self) -> Sequence:
        body = self._sequence(frozenset())
        if self.at < len(self.tokens):
            raise ShellSyntaxError(self._shown(self._peek()))
        return body

    def _peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _bare(self) -> str | None:
        token = self._peek()
        return token.bare if isinstance(token, Word) else None

    @staticmethod
    def _shown(token: Token | None) -> str:
        if isinstance(token, Word):
            return token.bare or "word"
        if isinstance(token, RedirectSign):
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
        if name is None or not NAME.fullmatch(name):
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
            if isinstance(token, RedirectSign):
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
        while isinstance(self._peek(), RedirectSign):
            found.append(self._redirect())
        return found

    def _redirect(self) -> Redirect:
        io = self._peek()
        assert isinstance(io, RedirectSign)
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
