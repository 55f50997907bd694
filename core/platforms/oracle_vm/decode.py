"""`poolwright decode`: any agent reply or CLI transcript -> one JSON shape, whatever comes. Pure; never raises."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.platforms.oracle_vm.agent_rpc.documents import facts_of
from core.platforms.oracle_vm.agent_rpc.marshal import FaultReply, load_reply
from core.platforms.oracle_vm.agent_rpc.values import facts_of_value
from core.platforms.oracle_vm.agent_rpc.xml_tree import add_value, raw_of, read_xml
from core.secrets import MASK, redact
from core.text import inert

SCHEMA = "poolwright.decode/1"
TEXT_MAX = 8 * 1024 * 1024  # as much as a transport would have taken
_DEPTH_MAX = 80
MANAGER = "manager"
_LINE_MAX = 20_000  # a description has at most 4,000 characters (manager-cli 1.6)
_LATIN = re.compile(
    rb"""\s{0,20}<\?xml[^>]{0,100}encoding=["'](?:iso-8859-1|latin-?1|windows-1252)["']""", re.IGNORECASE
)
_BLANKS_MAX = 60  # the deepest indentation recorded is 17
_BLANKS = re.compile(rf"[ \t]{{{_BLANKS_MAX + 1},}}")


def decode(method: str, text: str | bytes) -> dict[str, Any]:
    """Decode a reply of `method` (an agent method, or `manager` for a CLI transcript); never raises.

    {"schema", "method", "kind": document|value|fault|nil, "facts": {}, "raw": {}}; leading `#` lines are skipped,
    secrets masked. `raw` holds every element or member under its original name; a value that is no struct stands
    under `value`, a text that is neither document nor envelope under `text`, with the reason in facts' `unreadable`.
    """
    plain = _characters(text[: 4 * TEXT_MAX]) if isinstance(text, bytes) else text
    plain = _without_comments(plain[:TEXT_MAX])
    try:
        kind, facts, raw = _transcript(plain) if method.lower() == MANAGER else _reply(method, plain)
    except Exception as error:  # noqa: BLE001 - whatever comes, the caller gets the shape
        kind, facts, raw = _unreadable(plain, f"{type(error).__name__}")
    return {
        "schema": SCHEMA,
        "method": inert(method, 200),
        "kind": kind,
        "facts": masked(facts),
        "raw": masked(raw),
    }


def masked(value: Any, depth: int = 0) -> Any:
    """JSON data with secrets masked, texts inert, and nothing JSON cannot say."""
    if depth > _DEPTH_MAX:
        return "(deeper than anything honest)"
    match value:
        case {"name": str(name), "value": str(secret)} if len(value) == 2 and _is_secret(name) and secret:
            return {"name": inert(name, 300), "value": MASK}
        case dict():
            return {
                inert(str(key), 300): MASK
                if _is_secret(str(key)) and item not in (None, "")
                else masked(item, depth + 1)
                for key, item in value.items()
            }
        case list() | tuple():
            return [masked(item, depth + 1) for item in value]
        case str():
            return inert(redact(value), TEXT_MAX, keep_lines=True)
        case bytes():
            return inert(redact(value.decode("utf-8", "replace")), TEXT_MAX, keep_lines=True)
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.isoformat()
        case _:
            return inert(redact(str(value)), TEXT_MAX, keep_lines=True)


def _is_secret(name: str) -> bool:
    """Names like *passw* hold secrets, whatever their type."""
    return "passw" in name.lower()


def _reply(method: str, text: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A document as it is, or an envelope with whatever it carries; what a tool wrote before it is left out."""
    text = _without_headers(text)
    if "<methodResponse" in text:
        return _envelope(method, text)
    try:
        root = read_xml(text)
    except ValueError as error:
        return _unreadable(text, str(error))
    return "document", _facts(lambda: facts_of(method, root)), {root.tag: raw_of(root)}


def _envelope(method: str, text: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    try:
        value = load_reply(text.encode("utf-8", "replace"))
    except ValueError as error:
        return _unreadable(text, str(error))
    match value:
        case None:
            return "nil", {}, {}
        case FaultReply():
            facts = {"code": value.code, "type": value.type, "message": value.message}
            return "fault", facts, value.members
        case dict():
            return "value", facts_of_value(method, value), value
        case str() if value.lstrip().startswith("<"):
            return _embedded(method, value)
        case _:
            return "value", facts_of_value(method, value), {"value": value}


def _embedded(method: str, value: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A document inside an envelope's string."""
    try:
        root = read_xml(value)
    except ValueError as error:
        return "value", {"unreadable": str(error)}, {"value": value}
    return "document", _facts(lambda: facts_of(method, root)), {root.tag: raw_of(root)}


def _transcript(text: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A CLI transcript: what the parser makes of it, and every attribute under its own name."""
    from core.platforms.oracle_vm.manager_cli.parse import parse_transcript  # only for this one method

    transcript = parse_transcript(_tamed(text))
    facts = asdict(transcript)
    for key in ("items", "attributes"):
        facts[key] = [dict(one._asdict()) for one in getattr(transcript, key)]
    facts["replies"] = [_reply_facts(reply) for reply in transcript.replies]
    raw: dict[str, Any] = {}
    for reply in transcript.replies:
        for name, value in _headers(reply).items():
            add_value(raw, name, value)
    for attribute in transcript.attributes:
        add_value(raw, attribute.name, attribute.value)
    names = ("Id", "Name") if any(reply.form == "xml" for reply in transcript.replies) else ("id", "name")
    for item in transcript.items:
        add_value(raw, names[0], item.id)
        add_value(raw, names[1], item.name)
    raw.setdefault("lines", list(transcript.lines))
    kind = "fault" if transcript.errors and not transcript.items and not transcript.attributes else "value"
    return kind, facts, raw


def _tamed(text: str) -> str:
    """Lines of honest length: the line parsers look at a run of blanks, or a line, more than once."""
    lines = _BLANKS.sub(lambda run: run[0][:_BLANKS_MAX], text).split("\n")
    return "\n".join(line if len(line) <= _LINE_MAX else f"{line[:_LINE_MAX]}…" for line in lines)


def _reply_facts(reply: Any) -> dict[str, Any]:
    fields = ("command", "status", "time", "job_id", "error", "form", "is_success")
    found = {name: getattr(reply, name) for name in fields}
    found["items"] = [dict(one._asdict()) for one in reply.items]
    found["attributes"] = [dict(one._asdict()) for one in reply.attributes]
    found["extra"] = list(reply.extra)
    return found


def _headers(reply: Any) -> dict[str, str]:
    """Header lines of a reply under the names they had."""
    named = {"Command": reply.command, "Status": reply.status, "Time": reply.time, "JobId": reply.job_id}
    error = "ErrorMsg" if reply.form == "xml" else "Error Msg"
    return {name: value for name, value in {**named, error: reply.error}.items() if value}


def _facts(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Facts of a document; a document of another call keeps its raw form and says so."""
    try:
        return read()
    except ValueError as error:
        return {"unreadable": str(error)}


def _characters(data: bytes) -> str:
    """The text of bytes: by their mark, else UTF-8, else what the declaration says (agents name none)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        is_latin = _LATIN.match(data) is not None
        return data.decode("iso-8859-1" if is_latin else "utf-8", "replace")


def _without_headers(text: str) -> str:
    """The reply without the HTTP status line and headers that `curl -i` writes before it."""
    if not text.startswith("HTTP/"):
        return text
    _, found, body = text.replace("\r\n", "\n").partition("\n\n")
    return body if found else text


def _unreadable(text: str, reason: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "value", {"unreadable": reason}, {"text": text}


def _without_comments(text: str) -> str:
    """The text from its first line on that is neither empty nor starts with `#`."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        line = text[at : len(text) if end < 0 else end].strip(" \t\r\ufeff")
        if line and not line.startswith("#"):
            return text[at:].lstrip("\ufeff")
        if end < 0:
            return ""
        at = end + 1
    return ""
