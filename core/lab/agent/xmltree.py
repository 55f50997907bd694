"""Documents as nested nodes, written as the agent does: indented or on one line, `<X/>` or `<X></X>`."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr


@dataclass(slots=True)
class Node:
    """One element: either a text or children."""

    tag: str
    children: list[Node] = field(default_factory=list)
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def node(tag: str, *content: Node | str | int | None, **attributes: str) -> Node:
    """An element; None among the content is left out, so that optional children read in place."""
    made = Node(tag, attributes=dict(attributes))
    for item in content:
        if isinstance(item, Node):
            made.children.append(item)
        elif item is not None:
            made.text += str(item)
    return made


def render(root: Node, *, indented: bool = True, short_empty: bool = True, encoding: str = "") -> str:
    """The document as one string, with the declaration that Python's minidom writes."""
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else '<?xml version="1.0" ?>'
    parts: list[str] = []
    _write(root, parts, 0, indented, short_empty)
    return head + ("\n" if indented else "") + "".join(parts)


def _write(item: Node, parts: list[str], depth: int, indented: bool, short_empty: bool) -> None:
    pad, end = ("  " * depth, "\n") if indented else ("", "")
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in item.attributes.items())
    if item.children:
        parts.append(f"{pad}<{item.tag}{attributes}>{end}")
        for child in item.children:
            _write(child, parts, depth + 1, indented, short_empty)
        parts.append(f"{pad}</{item.tag}>{end}")
    elif item.text or not short_empty:
        parts.append(f"{pad}<{item.tag}{attributes}>{escape(item.text)}</{item.tag}>{end}")
    else:
        parts.append(f"{pad}<{item.tag}{attributes}/>{end}")
