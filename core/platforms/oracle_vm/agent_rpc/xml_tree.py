"""Hardened reading of XML that an agent or a file brings: no DTD, no entities, bounded size, depth and count. Pure."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import defusedxml.ElementTree as Safe
from defusedxml.common import DefusedXmlException
from typing_extensions import override

DEPTH_MAX = 64  # the deepest recorded document has 9 levels
ELEMENTS_MAX = 300_000
CHARACTERS_MAX = 8 * 1024 * 1024
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&#(x[0-9a-fA-F]{1,8}|[0-9]{1,8});")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")


class _BoundedBuilder(TreeBuilder):
    """Stops a document that is deeper or longer than any honest one."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    @override
    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise ValueError("it is too deep" if self._depth > DEPTH_MAX else "it has too many elements")
        return super().start(tag, attrs)

    @override
    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def mended(text: str) -> str:
    """The text without characters that XML forbids (an old agent escapes none), and without its declaration."""
    plain = _CONTROLS.sub("?", _DECLARATION.sub("", text, count=1))
    return _REFERENCE.sub(lambda match: match[0] if _is_allowed(match[1]) else "?", plain)


def read_xml(text: str) -> Element:
    """The root element; ValueError (never another error) when it is no well-formed, honest document."""
    if len(text) > CHARACTERS_MAX:
        raise ValueError(f"it is longer than {CHARACTERS_MAX} characters")
    try:
        return _parsed(mended(text.strip()))
    except DefusedXmlException as error:
        raise ValueError("it declares a document type or entities, which no agent does") from error
    except ValueError:
        raise
    except Exception as error:  # a hostile document may raise anything in a parser
        raise ValueError(f"no XML document ({type(error).__name__})") from error


def _parsed(text: str) -> Element:
    parser = Safe.XMLParser(
        target=_BoundedBuilder(), forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    parser.feed(text)
    root: Element = parser.close()
    return root


def text_of(element: Element | None) -> str | None:
    """Stripped text of a leaf; None when the element is missing, '' when it is empty."""
    return None if element is None else (element.text or "").strip()


def raw_of(element: Element) -> Any:
    """Everything in an element under its original names: text for a plain leaf, else a dict.

    Attributes stand beside the children, repeated elements become a list; text beside either stands under `#text`.
    """
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    found: dict[str, Any] = dict(element.attrib)
    for child in element:
        add_value(found, child.tag, raw_of(child))
    if text:
        add_value(found, "#text", text)
    return found


def add_value(found: dict[str, Any], name: str, value: Any) -> None:
    """Add one more value under a name; the second makes it a list."""
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def _is_allowed(reference: str) -> bool:
    code = int(reference[1:], 16) if reference.startswith("x") else int(reference)
    return (
        code in (9, 10, 13)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
