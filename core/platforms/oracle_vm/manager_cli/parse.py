"""Replies of the Manager CLI as data: Verbose blocks, Xml results, bare text. Pure; never raises on any text.

Source: manager-cli 1.3, 1.4, 2.1-2.6 and server-pools 6. What fits nothing is kept in `extra`, never lost, never fatal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from core.text import inert

PROMPT = "OVM>"
LINE_MAX_CHARS = 20_000  # a description has at most 4,000 (manager-cli 1.6)
LINES_MAX = 100_000  # a list of everything a Manager can hold has far fewer
_PROMPTS = re.compile(rf"(?:{PROMPT} *)*")
_LINE_END = re.compile(
    r"\n\r|\r\n|\n|\r"
)  # LF CR is the default, CR LF, LF and CR can be set (manager-cli 1.4)
_HEADER = re.compile(r"^(Command|Status|Time|Job ?Id|Error Msg|Data):[ \t]?(.*)$", re.IGNORECASE)
_ITEM = re.compile(r"^\s*id:(?P<id>.*?)  name:(?P<name>.*)$")
_ATTRIBUTE = re.compile(r"^\s+(?P<name>[^=\s][^=]*?) =(?: (?P<value>.*))?$")
_LOOSE_ATTRIBUTE = re.compile(r"^(?P<name>[A-Z][^=:]{0,80}?) = (?P<value>.*)$")
_CODE = re.compile(r"\b(?:OVM[A-Z]*|GEN)_[0-9A-Z]{3,12}\b")
_SERVER_ERROR = re.compile(r"Server error:\s*", re.IGNORECASE)
_EXCEPTION = re.compile(
    r"^(?:[\w.$]{1,200}(?:Exception|Error|Fault)\w{0,100}\s*:\s*)?(?:<[^<>\n]{1,200}>\s*:\s*)?", re.IGNORECASE
)
_STAMP = re.compile(r"\s*\[?\w{3} \w{3} +\d{1,2} \d\d:\d\d:\d\d [A-Z0-9+:-]{1,12} \d{4}\]?\s*$")
_BARE_ID = re.compile(r"^\s*id:(?P<id>\S+)\s+name:(?P<name>.*)$")


class Reference(NamedTuple):
    """Another object as an attribute names it; `name` is empty where the reply gave only the id."""

    id: str
    name: str


class Item(NamedTuple):
    """One line of a list."""

    id: str
    name: str


class Attribute(NamedTuple):
    """One line of a show; the same name may come several times."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ManagerError:
    """A Manager error text taken apart: what matters (`reason`), its codes, and the whole of it."""

    codes: tuple[str, ...]
    reason: str
    original: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `status` is empty when the text had none, as for bare commands."""

    command: str = ""
    status: str = ""
    time: str = ""
    job_id: str = ""
    error: str = ""
    items: tuple[Item, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    extra: tuple[str, ...] = ()
    form: str = "verbose"  # verbose, xml or bare

    @property
    def is_success(self) -> bool:
        """Necessary, never sufficient: read the state back."""
        return self.status.casefold() == "success"

    @property
    def text(self) -> str:
        """What to show of a reply that is no success, in its own words."""
        return self.error or "\n".join(self.extra) or self.status or "no status in the reply"

    @property
    def created(self) -> Item | None:
        """The object a create answers with, None when it gave no line (then list by name)."""
        return self.items[0] if self.items else None

    def get(self, *names: str) -> str | None:
        """Value of the first attribute with one of these names, whatever the letter case; None when absent."""
        wanted = {name.casefold() for name in names}
        return next((one.value for one in self.attributes if one.name.casefold() in wanted), None)

    def flag(self, *names: str) -> bool | None:
        """Yes/true/on as True, no/false/off as False, anything else None."""
        value = (self.get(*names) or "").strip().casefold()
        return {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}.get(value)

    def number(self, *names: str) -> float | None:
        """Leading number of an attribute, None when there is none."""
        match = re.match(r"\s*(-?\d{1,18}(?:\.\d{1,9})?)", self.get(*names) or "")
        return float(match[1]) if match else None

    def reference(self, *names: str) -> Reference | None:
        """The object an attribute points to; None when the attribute is absent or empty."""
        value = self.get(*names)
        return parse_reference(value) if value is not None else None

    def numbered(self, *names: str) -> tuple[str, ...]:
        """Values of `<name> 1`, `<name> 2`, ... in the order of the reply (and of a plain `<name>`)."""
        wanted = {name.casefold() for name in names}
        return tuple(
            one.value
            for one in self.attributes
            if _without_number(one.name).casefold() in wanted or one.name.casefold() in wanted
        )

    def references(self, *names: str) -> tuple[Reference, ...]:
        """Objects that numbered attributes point to."""
        return tuple(one for one in map(parse_reference, self.numbered(*names)) if one is not None)

    @property
    def id(self) -> str:
        """Id of a shown object; `Id = <id>` and `Id = <id>  [<name>]` both occur."""
        reference = self.reference("Id")
        return reference.id if reference else ""

    @property
    def name(self) -> str:
        """Name of a shown object, from its own line or from the brackets of its id."""
        name = self.get("Name")
        if name is not None:
            return name
        reference = self.reference("Id")
        return reference.name if reference else ""


def parse_reference(value: str) -> Reference | None:
    """`<id>  [<name>]`, or an id alone; names may hold brackets. None for an empty value or the word None/null."""
    value = value.strip()
    if value.casefold() in ("", "none", "null", "[]"):
        return None
    id_, brackets, rest = value.partition("  [")
    return Reference(id_.strip(), rest[:-1]) if brackets and rest.endswith("]") else Reference(value, "")


def _without_number(name: str) -> str:
    """`Server` of `Server 3`; the name itself where no number stands behind it."""
    parts = name.rsplit(maxsplit=1)
    return parts[0] if len(parts) == 2 and parts[1].isdecimal() else name


def split_lines(text: str) -> list[str]:
    """Lines of any line end, made inert (no control characters, nothing that moves a cursor); blanks are kept.

    What is beyond LINES_MAX lines, or LINE_MAX_CHARS in one, is cut off.
    """
    lines = _LINE_END.split(text, maxsplit=LINES_MAX)[:LINES_MAX]
    return [line[:LINE_MAX_CHARS] if line.isprintable() else plain(line) for line in lines]


def plain(line: str) -> str:
    """One inert line in which runs of blanks survive: they separate ids from names."""
    return inert(line, LINE_MAX_CHARS, keep_lines=True).replace("\n", " ")


def strip_prompt(line: str) -> str:
    """A line without the prompts before it (an exec with several commands repeats them)."""
    prompts = _PROMPTS.match(line)
    return line[prompts.end() :] if prompts else line


@dataclass(slots=True)
class _Draft:
    """A reply being read line by line."""

    seen: dict[str, str] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=list)
    error: list[str] | None = None
    items: list[Item] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    def feed(self, line: str) -> None:
        header = _HEADER.match(line)
        if header and self._take_header(header[1].casefold().replace(" ", ""), header[2].strip()):
            return
        if "data" in self.seen:
            self._take_body(line)
        elif self.error is not None:
            self.error.append(line.strip())
        elif line.strip():
            self._take_body(line)

    def _take_header(self, key: str, value: str) -> bool:
        """True when the line is a header; a header word that came before is text of a value or of an error."""
        if key in self.seen:
            return False
        if "data" in self.seen and self.statuses:
            return False
        if key == "command" and self.error is not None:
            return False  # agent faults quote 'Command: create_server_pool, Server error: ...'
        self.seen[key] = value
        if key == "status":
            self.statuses.append(value)
        elif key == "errormsg":
            self.error = [value]
        elif key == "data" and value and value.casefold() != "none":
            self._take_body("  " + value)
        return True

    def _take_body(self, line: str) -> None:
        if not line.strip() or line.strip().casefold() == "none":
            return
        item = _ITEM.match(line) or _BARE_ID.match(line)
        if item:
            self.items.append(Item(item["id"].strip(), item["name"].rstrip()))
            return
        attribute = _ATTRIBUTE.match(line)
        if attribute:
            self.attributes.append(Attribute(attribute["name"].strip(), (attribute["value"] or "").rstrip()))
            return
        self.extra.append(line.rstrip())

    def done(self) -> Reply:
        return Reply(
            command=self.seen.get("command", ""),
            status=self.seen.get("status", ""),
            time=self.seen.get("time", ""),
            job_id=self.seen.get("jobid", ""),
            error="\n".join(line for line in self.error or [] if line),
            items=tuple(self.items),
            attributes=tuple(self.attributes),
            extra=tuple(self.extra),
            form="verbose" if self.statuses or self.seen else "bare",
        )


def parse_reply(text: str) -> Reply:
    """One reply as it came over the channel: echo before it and prompt after it are cut off."""
    if "<Result" in text:
        from core.platforms.oracle_vm.manager_cli.xml_mode import (
            parse_xml,
        )  # only needed when somebody set it

        parsed = parse_xml(text)
        if parsed is not None:
            return parsed
    lines = split_lines(text)
    while lines and (not lines[-1].strip() or lines[-1].rstrip() == PROMPT):
        lines.pop()
    draft = _Draft()
    for line in lines[_start(lines) :]:
        draft.feed(strip_prompt(line) if line.startswith(PROMPT) else line)
    return draft.done()


def _start(lines: list[str]) -> int:
    """Index of the last `Command:` line before any other header: what stands before it is echo or noise."""
    start = 0
    for index, line in enumerate(lines):
        header = _HEADER.match(strip_prompt(line))
        if not header:
            continue
        if header[1].casefold() != "command":
            break
        start = index
    return start


@dataclass(frozen=True, slots=True)
class Transcript:
    """A pasted or captured text: whole replies, and what stands outside of them."""

    replies: tuple[Reply, ...]
    items: tuple[Item, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    errors: tuple[ManagerError, ...] = ()
    lines: tuple[str, ...] = ()


def parse_transcript(text: str) -> Transcript:
    """All that can be made of a transcript: blocks, loose body lines, error texts; leading `#` lines are skipped."""
    lines = list(_without_comments(split_lines(text)))
    if any("<Result" in line for line in lines):
        reply = parse_reply("\n".join(lines))
        return Transcript((reply,), reply.items, reply.attributes, _errors_of([reply], []), ())
    blocks, loose = _blocks(lines)
    replies = [parse_reply("\n".join(block)) for block in blocks]
    items, attributes, rest = _loose(loose)
    for reply in replies:
        items.extend(reply.items)
        attributes.extend(reply.attributes)
    return Transcript(tuple(replies), tuple(items), tuple(attributes), _errors_of(replies, rest), tuple(rest))


def _without_comments(lines: list[str]) -> Iterator[str]:
    is_top = True
    for line in lines:
        is_top = is_top and (line.startswith("#") or not line.strip())
        if not is_top:
            yield line


def _blocks(lines: list[str]) -> tuple[list[list[str]], list[str]]:
    """Split at each `Command:` line that a header follows; the lines before the first block are loose."""
    blocks: list[list[str]] = []
    loose: list[str] = []
    for index, line in enumerate(lines):
        header = _HEADER.match(strip_prompt(line))
        following = _HEADER.match(lines[index + 1]) if index + 1 < len(lines) else None
        if (
            header
            and header[1].casefold() == "command"
            and following
            and following[1].casefold() != "command"
        ):
            blocks.append([line])
        elif blocks and not line.startswith(PROMPT):
            blocks[-1].append(line)
        elif not blocks:
            loose.append(strip_prompt(line) if line.startswith(PROMPT) else line)
    if not blocks and any(
        (found := _HEADER.match(line)) and found[1].casefold() == "status" for line in loose
    ):
        return [loose], []
    return blocks, loose


def _loose(lines: Iterable[str]) -> tuple[list[Item], list[Attribute], list[str]]:
    items: list[Item] = []
    attributes: list[Attribute] = []
    rest: list[str] = []
    for line in lines:
        item = _ITEM.match(line) or _BARE_ID.match(line)
        attribute = _ATTRIBUTE.match(line) or _LOOSE_ATTRIBUTE.match(line)
        if item:
            items.append(Item(item["id"].strip(), item["name"].rstrip()))
        elif attribute:
            attributes.append(Attribute(attribute["name"].strip(), (attribute["value"] or "").rstrip()))
        elif line.strip():
            rest.append(line.rstrip())
    return items, attributes, rest


def _errors_of(replies: Iterable[Reply], rest: list[str]) -> tuple[ManagerError, ...]:
    errors = [parse_error(reply.error) for reply in replies if reply.error]
    if any(_CODE.search(line) for line in rest):
        errors.append(parse_error("\n".join(rest)))
    return tuple(errors)


def parse_error(text: str) -> ManagerError:
    """Codes, what stands behind the last 'Server error:' and its exception class, the original (server-pools 6)."""
    original = text.strip()
    flat = " ".join(original.split())
    codes = tuple(dict.fromkeys(_CODE.findall(flat)))
    parts = _SERVER_ERROR.split(flat)
    reason = parts[-1]
    if len(parts) > 1:
        reason = _EXCEPTION.sub("", reason, count=1)
    else:
        reason = re.sub(r"^(?:OVM[A-Z]*|GEN)_[0-9A-Z]+\s*:?\s*", "", reason)
    reason = _STAMP.sub("", reason).strip()
    return ManagerError(codes, reason or flat, original)


def parse_version(text: str) -> str | None:
    """Version out of showversion's bare text (`3.3.1.1065`), with or without a block around it; None when absent."""
    found = None
    for line in split_lines(text):
        header = _HEADER.match(line)
        if header and header[1].casefold() in ("time", "command", "jobid", "status"):
            continue
        match = re.search(r"(?<![\d.])(\d{1,3}\.\d{1,4}(?:\.\d{1,6}){0,4})(?![\d.])\s*$", line)
        if match:
            found = match[1]
    return found
