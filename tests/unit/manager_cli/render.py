"""Replies as a Manager prints them, for the parser's laws: every variant that the fact sheet names."""

from __future__ import annotations

from dataclasses import dataclass

from core.platforms.oracle_vm.manager_cli.parse import Attribute, Item, Reply


@dataclass(frozen=True, slots=True)
class Style:
    """One way to print a reply."""

    line_end: str = "\n\r"
    echo: bool = True
    prompt: bool = True
    banner: str = ""
    job_id_at: int = 3  # index among the header lines; beyond their number: last before the body
    error_before_time: bool = False
    none_word: bool = False
    data_blank: bool = True


def render(reply: Reply, style: Style = Style()) -> str:
    """The text of a reply in one style."""
    lines = [style.banner] if style.banner else []
    if style.echo:
        lines.append(reply.command)
    headers = [f"Command: {reply.command}", f"Status: {reply.status}", f"Time: {reply.time}"]
    if reply.error:
        headers.insert(2 if style.error_before_time else 3, f"Error Msg: {reply.error}")
    if reply.job_id:
        place = min(style.job_id_at, len(headers))
        if reply.error and place > headers.index(f"Error Msg: {reply.error}"):
            place = 2
        headers.insert(max(place, 1), f"JobId: {reply.job_id}")
    lines += [part for header in headers for part in header.split("\n")]
    if not reply.error:
        lines.append("Data: " if style.data_blank else "Data:")
        if style.none_word and not reply.items and not reply.attributes:
            lines.append("  None")
        lines += [f"  id:{item.id}  name:{item.name}" for item in reply.items]
        lines += [f"  {one.name} = {one.value}" for one in reply.attributes]
    text = style.line_end.join([*lines, ""])
    return text + ("OVM> " if style.prompt else "")


def render_xml(reply: Reply, *, one_list: bool) -> str:
    """The same in Xml mode, in both shapes of lists (manager-cli 2.3)."""
    from xml.sax.saxutils import escape

    parts = [f"{reply.command}\n\r<?xml version='1.0' encoding='UTF-8'?>\n\r<Result>"]
    parts.append(f"<Command>{escape(reply.command)}</Command><Status>{reply.status}</Status>")
    parts.append(f"<Time>{reply.time}</Time>")
    if reply.job_id:
        parts.append(f"<JobId>{reply.job_id}</JobId>")
    if reply.error:
        parts.append(f"<ErrorMsg>{escape(reply.error)}</ErrorMsg>")
    pairs = [f"<Id>{escape(item.id)}</Id><Name>{escape(item.name)}</Name>" for item in reply.items]
    if one_list and pairs:
        pairs = ["".join(pairs)]
    parts.append(
        "<CommandData>" + "".join(f"<ListCommandResult>{pair}</ListCommandResult>" for pair in pairs)
    )
    for one in reply.attributes:
        name, value = escape(one.name), escape(one.value)
        parts.append(
            f"<ShowCommandResult><PropertyName>{name}</PropertyName>"
            f"<PropertyValue>{value}</PropertyValue></ShowCommandResult>"
        )
    parts.append("</CommandData></Result>\n\rOVM> ")
    return "".join(parts)


def listed(*pairs: tuple[str, str], command: str = "list Server") -> Reply:
    """A successful list."""
    return Reply(
        command, "Success", "2017-08-08 09:43:08,874 EDT", items=tuple(Item(*pair) for pair in pairs)
    )


def shown(*pairs: tuple[str, str], command: str = "show Server id=x") -> Reply:
    """A successful show."""
    return Reply(
        command,
        "Success",
        "2017-08-08 09:43:08,874 EDT",
        attributes=tuple(Attribute(*pair) for pair in pairs),
    )


def failure(text: str, command: str = "show Server id=x") -> Reply:
    """A refusal."""
    return Reply(command, "Failure", "2017-08-08 09:43:08,874 EDT", error=text)
