"""Reads YAML as plain data, with the line and column of every part; ends soon, whatever the text is.

It works on the parser's events, never on a finished tree, so that text which nests, lists or multiplies (aliases, merge
keys) without end is refused while it is read. Only plain values are taken: no tag makes an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from core import files
from core.errors import SpecError, SpecProblem
from core.files import FileError

MAX_BYTES = 1024 * 1024  # a spec of 256 servers is about 20 KB
MAX_NODES = 20_000  # a spec of 256 servers has about 4,000; stops aliases that multiply
MAX_DEPTH = 20
_KEY = re.compile(r"\A(?:<<|[A-Za-z0-9_-]{1,40})\Z")  # what a key of ours looks like
_NUMBER_MAX = 40  # characters
_YAML = "tag:yaml.org,2002:"
_PLAIN = frozenset(_YAML + name for name in ("null", "bool", "int", "float", "str", "timestamp"))

Loc = tuple[str | int, ...]
Place = tuple[int, int]  # line and column, from 1


@dataclass(slots=True)
class Source:
    """Plain data of one file and where each part of it stands (line and column from 1)."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Loc, Place] = field(default_factory=dict)

    def place(self, loc: Loc) -> Place:
        """Line and column of a part, or of its nearest parent that stands in the file."""
        for length in range(len(loc), 0, -1):
            if loc[:length] in self.places:
                return self.places[loc[:length]]
        return (1, 1) if self.file else (0, 0)

    def problem(self, loc: Loc, message: str, fix: str = "", rule: str = "") -> SpecProblem:
        """A problem of one field, with its place in this file."""
        line, column = self.place(loc)
        return SpecProblem(field_name(loc), message, fix, rule, self.file, line, column)


def is_key(word: str) -> bool:
    """Whether a word looks like a key of ours: the file may be another one, whose content is not for the screen."""
    return _KEY.match(word) is not None


def field_name(loc: Loc) -> str:
    """`pool.timeout_s`, `servers[2].address`: the way people write a field; `?` for a part that looks like no key."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if is_key(part) else "?"
            text += f".{word}" if text else word
    return text or "the file"


def read_file(path: Path) -> Source:
    """Plain data with places of a file; a file that cannot be read is a SpecError too."""
    try:
        text = files.read_text(path, MAX_BYTES)
    except FileError as error:
        raise SpecError([SpecProblem("the file", error.message, error.fix)]) from None
    return read_text(text, str(path))


def read_text(text: str, file: str) -> Source:
    """Plain data with places; SpecError for what is no YAML, no mapping, or too large."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        why = f"is larger than {MAX_BYTES} bytes"
        raise SpecError([SpecProblem("the file", why, "a spec is small", file=file)])
    tree = _Parser(text, file).tree()
    if not isinstance(tree, _Map):
        what = "is empty" if not text.strip() else "is not a mapping of keys"
        raise SpecError([SpecProblem("the file", what, "see `poolwright schema`", "", file, 1, 1)])
    source = Source(file)
    source.data = _Plain(source).plain(tree, ())
    return source


@dataclass(frozen=True, slots=True)
class _Scalar:
    value: Any


@dataclass(frozen=True, slots=True)
class _List:
    items: list[tuple[Place, _Node]]


@dataclass(frozen=True, slots=True)
class _Map:
    pairs: list[tuple[Place, str, _Node]]
    merged: list[tuple[Place, _Node]]  # values of `<<`


_Node = _Scalar | _List | _Map


class _Parser:
    """Events of the text into nodes; an alias is the node that its anchor named."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._yaml = YAML(typ="safe", pure=True)
        self._events: Iterator[Event] = self._yaml.parse(StringIO(text))
        self._anchors: dict[str, _Node | None] = {}  # None: not at its end yet
        self._nodes = 0

    def tree(self) -> _Node | None:
        """The one document of the text, None when there is none."""
        root: _Node | None = None
        is_found = False
        try:
            for event in self._events:
                if isinstance(event, DocumentStartEvent) and is_found:
                    raise self._problem(_place(event), "holds a second document", "leave one `---`")
                if isinstance(event, NodeEvent):
                    root, is_found = self._node(event, 0), True
        except SpecError:
            raise
        except MarkedYAMLError as error:
            raise self._no_yaml(error) from None
        except ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            raise self._problem((line, 1), "cannot be read as YAML: it holds a control character") from None
        except Exception as error:  # noqa: BLE001 - whatever hostile text makes the library stumble over
            raise self._problem((1, 1), f"cannot be read as YAML ({type(error).__name__})") from None
        return root

    def _node(self, event: Event, depth: int) -> _Node:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self._problem(
                _place(event), "too much or too deep data for a pool", f"nest below {MAX_DEPTH} levels"
            )
        if isinstance(event, AliasEvent):
            return self._alias(event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        node: _Node
        if isinstance(event, ScalarEvent):
            node = _Scalar(self._value(event))
        else:
            self._no_tag(event)
            node = self._list(depth) if isinstance(event, SequenceStartEvent) else self._map(depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _list(self, depth: int) -> _List:
        items: list[tuple[Place, _Node]] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append((_place(event), self._node(event, depth + 1)))
        return _List(items)

    def _map(self, depth: int) -> _Map:
        pairs: dict[str, tuple[Place, str, _Node]] = {}
        merged: list[tuple[Place, _Node]] = []
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            place = _place(event)
            if not isinstance(event, ScalarEvent):
                raise self._problem(place, "a key is no plain word", "write `key: value`")
            key = self._checked(event)
            value = self._node(next(self._events), depth + 1)
            if key == "<<" and event.style is None:
                merged.append((place, value))
            elif key in pairs:
                line = pairs[key][0][0]
                name = f"key '{key}'" if is_key(key) else "this key"
                raise self._problem(place, f"cannot be read as YAML: {name} stands in line {line} already")
            else:
                pairs[key] = (place, key, value)
        return _Map(list(pairs.values()), merged)

    def _alias(self, event: AliasEvent) -> _Node:
        name = event.anchor
        if name not in self._anchors:
            of = f" '&{name}' above this '*{name}'" if is_key(name) else " above this alias"
            raise self._problem(_place(event), f"there is no anchor{of}")
        node = self._anchors[name]
        if node is None:
            of = f"'*{name}'" if is_key(name) else "an alias"
            raise self._problem(_place(event), f"{of} stands within what it names")
        return node

    def _value(self, event: ScalarEvent) -> Any:
        """A plain value by YAML 1.2's rules: text, number, yes or no, date, nothing."""
        text = self._checked(event)
        tag = event.tag
        if tag is None:
            tag = str(self._yaml.resolver.resolve(ScalarNode, text, event.implicit))
        if tag == "!":  # `! text`: text, whatever it looks like
            return text
        if tag not in _PLAIN:
            raise self._tagged(event)
        if tag in (_YAML + "int", _YAML + "float") and len(text) > _NUMBER_MAX:
            raise self._problem(_place(event), f"a number of {len(text)} characters", "put text in quotes")
        try:
            return self._yaml.constructor.construct_object(ScalarNode(tag, text, event.start_mark))
        except (ValueError, KeyError, TypeError, MarkedYAMLError):
            what = tag.removeprefix(_YAML)
            raise self._problem(_place(event), f"is no {what}", "put text in quotes") from None

    def _checked(self, event: ScalarEvent) -> str:
        """The text of a scalar, which must be text that can be written again."""
        text: str = event.value
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise self._problem(_place(event), "holds half a character (a lone surrogate)")
        return text

    def _no_tag(self, event: Event) -> None:
        if getattr(event, "tag", None) not in (None, "!", _YAML + "map", _YAML + "seq"):
            raise self._tagged(event)

    def _tagged(self, event: Event) -> SpecError:
        return self._problem(_place(event), "carries a tag (`!...`)", "write plain values")

    def _no_yaml(self, error: MarkedYAMLError) -> SpecError:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = (error.problem or error.context or "is no YAML").strip().splitlines()[0]
        return self._problem(place, f"cannot be read as YAML: {what}")

    def _problem(self, place: Place, message: str, fix: str = "") -> SpecError:
        return SpecError([SpecProblem("the file", message, fix, "", self._file, *place)])


def _place(event: Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1)


class _Plain:
    """Nodes into plain data, noting places; refuses what grows without end when aliases are followed."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes = 0

    def plain(self, node: _Node, loc: Loc) -> Any:
        """The data of a node; its parts are noted below `loc`."""
        self._count(1, loc, len(loc))
        match node:
            case _Scalar():
                return node.value
            case _List():
                return [
                    self._part(item, place, (*loc, index)) for index, (place, item) in enumerate(node.items)
                ]
            case _Map():
                pairs = self._pairs(node, loc, 0)
                return {key: self._part(value, place, (*loc, key)) for key, (place, value) in pairs.items()}

    def _part(self, node: _Node, place: Place, loc: Loc) -> Any:
        self.source.places[loc] = place
        return self.plain(node, loc)

    def _pairs(self, node: _Map, loc: Loc, depth: int) -> dict[str, tuple[Place, _Node]]:
        """Keys of a mapping: its own win over merged ones, and of merged mappings the first."""
        self._count(len(node.pairs), loc, depth)
        pairs = {key: (place, value) for place, key, value in node.pairs}
        for place, value in node.merged:
            for each in [inner for _, inner in value.items] if isinstance(value, _List) else [value]:
                if not isinstance(each, _Map):
                    self.source.places[*loc, "<<"] = place
                    why = "only a mapping, or a list of mappings, can be merged"
                    raise SpecError([self.source.problem((*loc, "<<"), why)])
                pairs = {**self._pairs(each, loc, depth + 1), **pairs}
        return pairs

    def _count(self, more: int, loc: Loc, depth: int) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            what = "too much or too deep data for a pool"
            raise SpecError([self.source.problem(loc[:1], what, "remove the aliases")])
