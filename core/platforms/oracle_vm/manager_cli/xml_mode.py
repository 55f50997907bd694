"""Replies in `set OutputMode=Xml` (manager-cli 2.3). We never ask for it, but transcripts may hold it. Pure.

Entities, external documents and doctypes are refused by defusedxml; both shapes of lists are understood.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.platforms.oracle_vm.manager_cli.parse import Attribute, Item, Reply, plain

MAX_CHARS = 8 * 1024 * 1024
MAX_ELEMENTS = 200_000
_END = "</Result>"


def parse_xml(text: str) -> Reply | None:
    """The first `<Result>` of a text, echo and declaration skipped; None when it is not well-formed."""
    begin, end = text.find("<Result"), text.find(_END)
    if begin < 0 or end < begin or end - begin > MAX_CHARS:
        return None
    try:
        root = fromstring(text[begin : end + len(_END)], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return None
    if sum(1 for _ in zip(root.iter(), range(MAX_ELEMENTS + 1), strict=False)) > MAX_ELEMENTS:
        return None
    return _reply(root)


def _reply(root: Element) -> Reply:
    heads = {child.tag.casefold(): _text(child) for child in root}
    items: list[Item] = []
    attributes: list[Attribute] = []
    for element in root.iter():
        if element.tag in ("ListCommandResult", "CreateCommandResult"):
            items.extend(Item(key, name) for key, name in _pairs(element, "Id", "Name"))
        elif element.tag == "ShowCommandResult":
            attributes.extend(
                Attribute(key, value) for key, value in _pairs(element, "PropertyName", "PropertyValue")
            )
    return Reply(
        command=heads.get("command", ""),
        status=heads.get("status", ""),
        time=heads.get("time", ""),
        job_id=heads.get("jobid", ""),
        error=heads.get("errormsg", ""),
        items=tuple(items),
        attributes=tuple(attributes),
        form="xml",
    )


def _pairs(element: Element, first: str, second: str) -> list[tuple[str, str]]:
    """Pairs of children: one pair an element, or many with repeated children; a missing second is empty."""
    pairs: list[tuple[str, str]] = []
    for child in element:
        if child.tag == first:
            pairs.append((_text(child), ""))
        elif child.tag == second and pairs:
            pairs[-1] = (pairs[-1][0], _text(child))
    return pairs


def _text(element: Element) -> str:
    return plain((element.text or "").strip())
