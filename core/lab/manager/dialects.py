"""What each release's CLI accepts: the syntax table as data, and the parser of one line into a Call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from core.lab.manager.grammar import CliSyntaxError, Word, listed, undouble, words
from core.lab.manager.syntax_table import COMMANDS, TYPES

MAX_DESCRIPTION = 4000  # characters, [D34 vmcli-ref-create-cpucompatibilitygroup]
_PREPOSITIONS = ("to", "from", "on")


@dataclass(frozen=True, slots=True)
class Param:
    """One `key=value` of a command."""

    name: str
    is_mandatory: bool = False
    choices: tuple[str, ...] = ()
    is_list: bool = False
    is_integer: bool = False
    low: int | None = None
    high: int | None = None

    def accept(self, value: str) -> str:
        """The value in its canonical spelling. Raises CliSyntaxError."""
        if self.is_integer:
            if not re.fullmatch(r"\d{1,9}", value) or not self._is_within(int(value)):
                limits = f" from {self.low} to {self.high}" if self.high is not None else ""
                raise CliSyntaxError(f"{self.name} must be an integer{limits}: {value}")
            return value
        if not self.choices:
            if self.name == "description" and len(value) > MAX_DESCRIPTION:
                raise CliSyntaxError(f"description has more than {MAX_DESCRIPTION} characters")
            return value
        if self.is_list:
            return ",".join(self._choice(part) for part in listed(value))
        return self._choice(value)

    def _is_within(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def _choice(self, value: str) -> str:
        for choice in self.choices:
            if choice.lower() == value.lower():
                return choice
        raise CliSyntaxError(f"{self.name} must be one of {'|'.join(self.choices)}: {value}")


@dataclass(frozen=True, slots=True)
class Syntax:
    """One form of one command, for one or several object types."""

    verb: str
    types: tuple[str, ...] = ()
    has_ref: bool = False
    params: tuple[Param, ...] = ()
    preposition: str = ""
    clause_types: tuple[str, ...] = ()
    is_clause_optional: bool = False

    def param(self, key: str) -> Param | None:
        return next((item for item in self.params if item.name.lower() == key.lower()), None)


@dataclass(frozen=True, slots=True)
class Ref:
    """How a line addresses an object."""

    key: str  # id or name
    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """One command, understood: canonical verb, type and parameter names."""

    line: str
    verb: str
    type: str = ""
    ref: Ref | None = None
    params: dict[str, str] = field(default_factory=dict)
    clause_type: str = ""
    clause_ref: Ref | None = None


class Dialect:
    """The CLI language of one release (3.2, 3.3 or 3.4)."""

    def __init__(self, release: str) -> None:
        self.release = release
        self.types: tuple[str, ...] = tuple(TYPES[release])
        self.syntaxes = tuple(_read_table(release))
        self._verbs = {item.verb.lower(): item.verb for item in self.syntaxes}

    def verbs(self) -> list[str]:
        """Every command word, in the table's order."""
        return list(dict.fromkeys(item.verb for item in self.syntaxes))

    def forms(self, verb: str) -> list[Syntax]:
        """Every form of one verb, in any letter case."""
        return [item for item in self.syntaxes if item.verb.lower() == verb.lower()]

    def form(self, verb: str, type_: str) -> Syntax | None:
        """The form of a verb for an object type, in any letter case."""
        for item in self.forms(verb):
            if not item.types or type_.lower() in (name.lower() for name in item.types):
                return item
        return None

    def parse(self, line: str) -> Call:
        """One command line. Raises CliSyntaxError with what is wrong."""
        found = words(line)
        if not found:
            raise CliSyntaxError("empty command")
        verb = self._verbs.get(found[0].value.lower())
        if verb is None or found[0].key is not None or found[0].is_quoted:
            raise CliSyntaxError(f"unknown command: {found[0].value}")
        return _Reader(self, verb, line, found[1:]).call()


class _Reader:
    """Reads the words behind the verb, left to right."""

    def __init__(self, dialect: Dialect, verb: str, line: str, rest: list[Word]) -> None:
        self.dialect, self.verb, self.line, self.rest = dialect, verb, line, rest

    def call(self) -> Call:
        type_, syntax = self._type()
        ref = self._ref(type_) if syntax.has_ref and not self._may_miss_ref(type_) else None
        params: dict[str, str] = {}
        clause_type, clause_ref = "", None
        while self.rest:
            word = self.rest.pop(0)
            if word.key is not None:
                self._take_param(syntax, word, params)
            elif not clause_type and syntax.preposition and word.value.lower() == syntax.preposition:
                clause_type = self._clause_type(syntax)
                clause_ref = self._ref(clause_type)
            else:
                raise CliSyntaxError(f"unexpected word: {word.value}")
        self._check_whole(syntax, type_, params, clause_type)
        return Call(self.line, self.verb, type_, ref, params, clause_type, clause_ref)

    def _type(self) -> tuple[str, Syntax]:
        forms = self.dialect.forms(self.verb)
        if not forms[0].types:
            return "", forms[0]
        if not self.rest or self.rest[0].key is not None:
            raise CliSyntaxError(f"{self.verb} needs an object type")
        typed = self.rest.pop(0).value
        syntax = self.dialect.form(self.verb, typed)
        if syntax is None:
            raise CliSyntaxError(f"{self.verb} does not know object type {typed}")
        return next(name for name in syntax.types if name.lower() == typed.lower()), syntax

    def _may_miss_ref(self, type_: str) -> bool:
        return type_ == "Manager" and not self.rest  # there is only one

    def _ref(self, type_: str) -> Ref:
        word = self.rest.pop(0) if self.rest else None
        if word is None or word.key is None or word.key.lower() not in ("id", "name"):
            raise CliSyntaxError(f"id= or name= expected after {type_}")
        if not word.value:
            raise CliSyntaxError(f"{word.key}= of {type_} is empty")
        key = word.key.lower()
        return Ref(key, self._name(word.value) if key == "name" else word.value)

    def _name(self, value: str) -> str:
        return value if self.dialect.release == "3.2" else undouble(value)

    def _take_param(self, syntax: Syntax, word: Word, params: dict[str, str]) -> None:
        assert word.key is not None
        param = syntax.param(word.key)
        if param is None:
            raise CliSyntaxError(f"unknown parameter: {word.key}")
        value = self._name(word.value) if param.name == "name" else word.value
        params[param.name] = param.accept(value)  # given twice: the last one wins

    def _clause_type(self, syntax: Syntax) -> str:
        typed = self.rest.pop(0) if self.rest else None
        for name in syntax.clause_types:
            if typed is not None and typed.key is None and typed.value.lower() == name.lower():
                return name
        raise CliSyntaxError(f"{syntax.preposition} must be followed by {'|'.join(syntax.clause_types)}")

    def _check_whole(self, syntax: Syntax, type_: str, params: dict[str, str], clause_type: str) -> None:
        for param in syntax.params:
            if param.is_mandatory and not params.get(param.name):
                raise CliSyntaxError(f"missing parameter: {param.name}")
        if syntax.preposition and not clause_type and not syntax.is_clause_optional:
            raise CliSyntaxError(f"{syntax.preposition} {'|'.join(syntax.clause_types)} is missing")
        if syntax.verb in ("edit", "set") and not params:
            raise CliSyntaxError(f"{' '.join(filter(None, (syntax.verb, type_)))} needs at least one option")
        if syntax.verb == "edit" and params.get("name") == "":
            raise CliSyntaxError("name is empty")


@cache
def dialect_of(release: str) -> Dialect:
    """The dialect of a release."""
    return Dialect(release)


def _read_table(release: str) -> list[Syntax]:
    digit = release[-1]
    found = []
    for line in COMMANDS.splitlines():
        releases, _, rest = line.strip().partition(" ")
        if digit in releases:
            found.append(_read_syntax(rest.split(), release))
    return found


def _read_syntax(parts: list[str], release: str) -> Syntax:
    verb, rest = parts[0], parts[1:]
    types: tuple[str, ...] = ()
    if rest and rest[0].startswith("{"):
        types = tuple(TYPES[release]) if rest[0] == "{ALL}" else tuple(rest[0][1:-1].split("|"))
        rest = rest[1:]
    has_ref = bool(rest) and rest[0] == "@"
    preposition, is_optional = "", False
    clause_types: tuple[str, ...] = ()
    params: list[Param] = []
    for index, part in enumerate(rest[1:] if has_ref else rest):
        bare = part.removeprefix("?")
        if bare in _PREPOSITIONS:
            after = (rest[1:] if has_ref else rest)[index + 1]
            preposition, is_optional = bare, part.startswith("?")
            clause_types = tuple(after[1:-1].split("|"))
            break
        params.append(_read_param(part))
    return Syntax(verb, types, has_ref, tuple(params), preposition, clause_types, is_optional)


def _read_param(text: str) -> Param:
    is_mandatory = text.startswith("*")
    name, _, form = text.removeprefix("*").partition("=")
    if form.startswith("#"):
        low, _, high = form[1:].partition("-")
        return Param(
            name,
            is_mandatory,
            is_integer=True,
            low=int(low) if low else None,
            high=int(high) if high else None,
        )
    choices = tuple(form[1:-1].split("|")) if form else ()
    return Param(name, is_mandatory, choices, is_list=form.startswith("["))
