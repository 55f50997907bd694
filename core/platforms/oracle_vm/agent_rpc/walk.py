"""Small readers over an element tree: by path without regard to case, typed, None when missing or odd. Pure."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NOTHING = ("", "none", "null", "nil")


def children(element: Element | None, name: str | None = None) -> list[Element]:
    """Children in order, of that name or (None) all of them; none of a missing element."""
    if element is None:
        return []
    return [child for child in element if name is None or child.tag.lower() == name.lower()]


def one(element: Element | None, path: str) -> Element | None:
    """The first element at a path like VMM/Version/Major."""
    for name in path.split("/"):
        found = children(element, name)
        if not found:
            return None
        element = found[0]
    return element


def every(element: Element | None, path: str) -> list[Element]:
    """All elements at a path; only its last name repeats."""
    parent, _, last = path.rpartition("/")
    return children(one(element, parent) if parent else element, last)


def attribute(element: Element, name: str) -> str | None:
    """An attribute, its name without regard to case."""
    return next((value.strip() for key, value in element.attrib.items() if key.lower() == name.lower()), None)


def text_at(element: Element | None, path: str) -> str | None:
    """Stripped text; None when missing or empty."""
    found = one(element, path)
    return None if found is None else ((found.text or "").strip() or None)


def id_at(element: Element | None, path: str) -> str | None:
    """An identifier; None also when it reads `none`."""
    text = text_at(element, path)
    return None if text is None or text.lower() in _NOTHING else text


def int_at(element: Element | None, path: str) -> int | None:
    """A decimal number."""
    return integer(text_at(element, path))


def bool_at(element: Element | None, path: str) -> bool | None:
    """A flag in either spelling (True, true, 1)."""
    return flag(text_at(element, path))


def words_at(element: Element | None, path: str) -> list[str]:
    """Words between blanks or commas."""
    return (text_at(element, path) or "").replace(",", " ").split()


def integer(text: str | None) -> int | None:
    """A decimal number of sane length, or None."""
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None


def flag(text: str | None) -> bool | None:
    """True or False in any usual spelling, or None."""
    return {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}.get(
        (text or "").lower()
    )


def typed(text: str | None) -> bool | int | str | None:
    """True/False, a number, or the text."""
    if text is not None and text.lower() in ("true", "false"):
        return text.lower() == "true"
    number = integer(text)
    return text if number is None else number
