"""What the readers of dom0's own batch share: the text of a section, and which system it came from."""

from __future__ import annotations

from collections.abc import Mapping

from core.facts.batch import Section
from core.facts.probe import NoAnswer
from core.models.gaps import GapKind

Sections = Mapping[str, Section]


def text_of(sections: Sections, *names: str) -> str:
    """Output of the first command that worked; ValueError tells why the first one did not."""
    first: Section | None = None
    for name in names:
        section = sections.get(name)
        if section is not None and section.worked:
            return section.text
        first = first or section
    raise first.no_answer() if first is not None else NoAnswer("not asked", GapKind.NOT_ASKED)


def is_missing_file(section: Section | None) -> bool:
    return section is not None and section.status == 1 and "No such file" in section.text


def is_solaris(sections: Sections) -> bool:
    """Whether `uname` says SunOS."""
    section = sections.get("uname")
    return section is not None and section.text.startswith("SunOS")


def x86_only(sections: Sections) -> None:
    if is_solaris(sections):
        raise NoAnswer("a control domain has no such thing", GapKind.NOT_TOLD)


def sparc_only(sections: Sections) -> None:
    if not is_solaris(sections):
        raise NoAnswer("only a control domain has such a thing", GapKind.NOT_TOLD)


def is_sun4(sections: Sections) -> bool:
    return "sun4" in sections["uname"].text
