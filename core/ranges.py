"""Server ranges such as `ovs[01-16].example.com`, expanded in order. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_GROUP = re.compile(r"\[([^\[\]]*)\]")
_PART = re.compile(r"(\d+)(?:-(\d+))?$")
MAX_SERVERS = 1024  # four times what one Manager can hold (server-pools 2d): a typing error, not a fleet


def _numbers(inside: str) -> Iterator[str]:
    for part in inside.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"'[{inside}]' is not a range; write it like [01-16] or [1,3,7-9]")
        first, last = match.group(1), match.group(2) or match.group(1)
        if int(last) < int(first):
            raise ValueError(f"'[{inside}]' runs backwards; write the smaller number first")
        if int(last) - int(first) >= MAX_SERVERS:
            raise ValueError(f"'[{inside}]' names more than {MAX_SERVERS} servers; split the pool")
        width = len(first) if first.startswith("0") or len(first) == len(last) else 0
        yield from (f"{number:0{width}d}" for number in range(int(first), int(last) + 1))


def expand(text: str) -> list[str]:
    """Every server that `text` names, in order; a text without brackets names itself.

    Raises ValueError, with what to write instead, for a range that cannot be read or names too many.
    """
    pieces = _GROUP.split(text)
    if any(bracket in piece for piece in pieces[::2] for bracket in "[]"):
        raise ValueError(f"'{text}' has a bracket without its partner")
    choices = [list(_numbers(piece)) if index % 2 else [piece] for index, piece in enumerate(pieces)]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > MAX_SERVERS:
        raise ValueError(f"'{text}' names {total} servers, more than {MAX_SERVERS}; split the pool")
    return ["".join(combination) for combination in itertools.product(*choices)]
