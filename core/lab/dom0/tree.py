"""The tree of a shell script: words with their parts, and the commands they make up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Literal:
    text: str
    quoted: bool = False


@dataclass(slots=True)
class Param:
    """$name or ${name<op>word}; op is one of `` :- - := :+ + # ## % %% len``."""

    name: str
    op: str = ""
    word: Word | None = None
    quoted: bool = False


@dataclass(slots=True)
class Substitution:
    """$(...) or `...`."""

    body: Node
    quoted: bool = False


@dataclass(slots=True)
class Arithmetic:
    """$((...)), still as text."""

    text: str
    quoted: bool = False


Part = Literal | Param | Substitution | Arithmetic


@dataclass(slots=True)
class Word:
    parts: list[Part] = field(default_factory=list)

    @property
    def bare(self) -> str | None:
        """The text of a word without quotes and expansions, None otherwise: reserved words are recognised by it."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Literal) and not self.parts[0].quoted:
            return self.parts[0].text
        return None


@dataclass(slots=True)
class Redirect:
    fd: int
    op: str
    target: Word


@dataclass(slots=True)
class Simple:
    assigns: list[tuple[str, Word]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Pipeline:
    stages: list[Node]
    negated: bool = False


@dataclass(slots=True)
class AndOr:
    first: Node
    rest: list[tuple[str, Node]]


@dataclass(slots=True)
class Sequence:
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """( ... ) when `is_subshell`, else { ... }."""

    body: Node
    is_subshell: bool
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class If:
    branches: list[tuple[Node, Node]]
    otherwise: Node | None = None
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class For:
    name: str
    words: list[Word] | None
    body: Node
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class While:
    condition: Node
    body: Node
    until: bool
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    subject: Word
    branches: list[tuple[list[Word], Node]]
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    name: str
    body: Node


Node = Simple | Pipeline | AndOr | Sequence | Block | If | For | While | Case | Function
