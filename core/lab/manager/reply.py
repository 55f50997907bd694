"""What a command answers, and how it looks in Verbose, Sparse and Xml (manager-cli 2). Lines end in LF
here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from xml.sax.saxutils import escape

from core.lab.world import Switches

# XML 1.0 cannot carry these at all; what the real Manager does with them is unknown.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Body(Enum):
    """What kind of `Data:` a reply has."""

    NONE = "none"
    LIST = "list"
    SHOW = "show"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command; `error` None means success. `bare` replies have no block at all."""

    body: Body = Body.NONE
    items: Sequence[tuple[str, str]] = ()  # (id, name) of a list or create
    attributes: Sequence[tuple[str, str]] = ()  # of a show
    error: str | None = None
    job_id: str | None = None
    bare: Sequence[str] | None = None
    is_syntax_error: bool = False
    extra_lines: Sequence[str] = field(default=())  # body lines of a form of their own (events)


def render(reply: Reply, *, command: str, time: str, mode: str, switches: Switches) -> str:
    """The reply as text with LF line ends, the last line ended too; empty when Sparse has nothing to say."""
    if reply.bare is not None:
        return _lines(reply.bare)
    if reply.is_syntax_error and switches.bare_syntax_error:
        return _lines([reply.error or ""])
    if mode == "Xml":
        return _xml(reply, command, time, switches)
    if mode == "Sparse":
        return _lines([reply.error] if reply.error is not None else _data(reply, switches))
    return _verbose(reply, command, time, switches)


def _verbose(reply: Reply, command: str, time: str, switches: Switches) -> str:
    header = {
        "command": f"Command: {command}",
        "status": f"Status: {'Success' if reply.error is None else 'Failure'}",
        "time": f"Time: {time}",
        "jobid": f"JobId: {reply.job_id}" if reply.job_id and switches.job_id_line else "",
        "error": f"Error Msg: {reply.error}" if reply.error is not None else "",
    }
    order = switches.extra.get("header_order", ("command", "status", "time", "jobid", "error"))
    lines = [header[key] for key in order if header[key]]
    if reply.error is None and reply.body is not Body.NONE:
        lines += ["Data: ", *_data(reply, switches)]
    return _lines(lines)


def _data(reply: Reply, switches: Switches) -> list[str]:
    if reply.body is Body.SHOW:
        return [f"  {name} = {value}" for name, value in reply.attributes]
    lines = [f"  id:{key}  name:{name}" for key, name in reply.items]
    lines += [f"  {line}" for line in reply.extra_lines]
    if not lines and reply.body is Body.LIST and switches.empty_list_none:
        lines = ["  None"]
    return lines


def _xml(reply: Reply, command: str, time: str, switches: Switches) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
        "<Result>",
        f"  <Command>{_text(command)}</Command>",
        f"  <Status>{'Success' if reply.error is None else 'Failure'}</Status>",
        f"  <Time>{_text(time)}</Time>",
    ]
    if reply.job_id and switches.job_id_line:
        lines.append(f"  <JobId>{_text(reply.job_id)}</JobId>")
    if reply.error is not None:
        lines.append(f"  <ErrorMsg>{_text(reply.error)}</ErrorMsg>")
    elif reply.body is not Body.NONE:
        lines += ["  <CommandData>", *_xml_data(reply, switches), "  </CommandData>"]
    return _lines([*lines, "</Result>"])


def _xml_data(reply: Reply, switches: Switches) -> list[str]:
    if reply.body is Body.SHOW:
        return [
            f"    <ShowCommandResult><PropertyName>{_text(name)}</PropertyName>"
            f"<PropertyValue>{_text(value)}</PropertyValue></ShowCommandResult>"
            for name, value in reply.attributes
        ]
    element = "CreateCommandResult" if reply.body is Body.CREATE else "ListCommandResult"
    pairs = [f"<Id>{_text(key)}</Id><Name>{_text(name)}</Name>" for key, name in reply.items]
    if pairs and switches.extra.get("xml_one_list"):  # one element with repeated children (manager-cli 2.3)
        pairs = ["".join(pairs)]
    lines = [f"    <{element}>{pair}</{element}>" for pair in pairs]
    return lines + [f"    <CommandResult>{_text(line)}</CommandResult>" for line in reply.extra_lines]


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("", value))


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
