"""Names of CPU features: one spelling, what each means, where its bit is, and integer sets of them.

The table is profiles/flags.toml, read once. A name that is not in the table counts as a feature guests see.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_TOKEN = re.compile(r"[a-z0-9][a-z0-9_]{0,39}\Z")
MAX_FLAGS = 1_000  # names in one list; the longest real list has about 190
WORDS = (
    "1d",
    "1c",
    "e1d",
    "e1c",
    "Da1",
    "7b0",
    "7c0",
    "e7d",
    "e8b",
    "7d0",
    "7a1",
    "e21a",
)  # Xen's featureset order
UNKNOWN_MEANING = "not in poolwright's table: taken as something guests may use"


@dataclass(frozen=True, slots=True)
class Flag:
    """One row of the table; see the head of profiles/flags.toml."""

    name: str
    word: str  # leaf, "" when it has no bit of its own
    bit: int
    reach: str  # A, S, K or ""
    since: tuple[int, ...]  # Linux release that first prints it
    tags: str
    meaning: str


def load_table(name: str) -> dict[str, Any]:
    """One packaged table of core/cpu/profiles, parsed."""
    return tomllib.loads(resources.files("core.cpu").joinpath("profiles", name).read_text(encoding="utf-8"))


@cache
def _tables() -> tuple[dict[str, Flag], dict[str, tuple[str, ...]]]:
    data = load_table("flags.toml")
    rows = {name: _row(name, *cells) for name, cells in data["flags"].items()}
    return rows, {name: tuple(names) for name, names in data["aliases"].items()}


def _row(name: str, at: str, reach: str, since: str, tags: str, meaning: str) -> Flag:
    word, _, bit = at.rpartition(".")
    release = tuple(int(part) for part in since.split(".")) if since else ()
    return Flag(name, word, int(bit) if at else -1, reach, release, tags, meaning)


def table() -> Mapping[str, Flag]:
    """All documented flags by normalised name."""
    return _tables()[0]


def meaning(name: str) -> str:
    """What uses this feature, in plain words."""
    row = table().get(name)
    return row.meaning if row else UNKNOWN_MEANING


def normalise(tokens: Iterable[str]) -> frozenset[str]:
    """Flag names in our one spelling (pni is sse3, abm is lzcnt ...); what cannot be a name is dropped."""
    rows, aliases = _tables()
    found: set[str] = set()
    for token in tokens:
        if token in rows and token not in aliases:
            found.add(token)
            continue
        name = token.strip().lower().replace("-", "_").replace(".", "_")
        if name in aliases:
            found.update(aliases[name])
        elif _TOKEN.match(name) and len(found) < MAX_FLAGS:
            found.add(name)
    return frozenset(found)


@cache
def _by_word() -> dict[str, tuple[Flag, ...]]:
    words: dict[str, list[Flag]] = {}
    for row in table().values():
        if row.word:
            words.setdefault(row.word, []).append(row)
    return {word: tuple(rows) for word, rows in words.items()}


def decode_words(words: Mapping[str, int]) -> frozenset[str]:
    """Flags of CPUID words, keyed by our short names of leaves (1d, 1c, e1d, ...)."""
    names = {
        row.name for word, value in words.items() for row in _by_word().get(word, ()) if value >> row.bit & 1
    }
    ebx = words.get("e8b", 0)  # AMD has its own bits for what Intel put into 7d0
    for bit, name in ((12, "ibpb"), (14, "ibrs"), (15, "stibp"), (24, "ssbd")):
        if ebx >> bit & 1:
            names.add(name)
    return frozenset(names)


class Bits:
    """Numbers flag names so that sets become integers; table names first, new ones as they come."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {name: number for number, name in enumerate(table())}
        self._names: list[str] = list(self._index)
        self._named: dict[int, tuple[str, ...]] = {}
        self.all_new = 0  # bits of names that are not in the table

    def mask(self, names: Iterable[str]) -> int:
        """The set as an integer."""
        index = self._index
        value = 0
        for name in names:
            number = index.get(name)
            if number is None:
                number = index[name] = len(self._names)
                self._names.append(name)
                self.all_new |= 1 << number
            value |= 1 << number
        return value

    def names(self, mask: int) -> tuple[str, ...]:
        """Names of a set, in alphabetical order."""
        found = self._named.get(mask)
        if found is None:
            names, left = [], mask
            while left:
                low = left & -left
                names.append(self._names[low.bit_length() - 1])
                left ^= low
            found = self._named[mask] = tuple(sorted(names))
        return found


@dataclass(frozen=True, slots=True)
class Masks:
    """Fixed sets over the table, as integers of one Bits."""

    pv: int  # every guest sees them
    hvm: int  # HVM and PVHVM guests see them
    kvm: int
    worse: int  # 1 means worse
    state: int  # need extended state (C10)
    kernel: int  # used by kernels only if there at boot (C09)
    microcode: int


def masks(bits: Bits) -> Masks:
    """The sets for these numbers."""
    rows = table().values()

    def pick(reach: str = "", tag: str = "") -> int:
        return bits.mask(
            row.name for row in rows if (row.reach and row.reach in reach) or (tag and tag in row.tags)
        )

    worse = pick(tag="w")
    pv, hvm, kvm = pick("A"), pick("AS"), pick("ASK")
    return Masks(
        pv & ~worse, hvm & ~worse, kvm & ~worse, worse, pick(tag="x"), bits.mask(("nx",)), pick(tag="m")
    )


def vocabulary(names: frozenset[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The youngest Linux release that this list proves, for features at large and for those of microcode.

    Names that vendors backport are no proof; each microcode feature was backported with its whole batch.
    """
    if "lm" in names and "rep_good" not in names and "hypervisor" not in names:
        return (2, 6, 18), ()  # 64-bit kernels since 2.6.2x print rep_good for every server
    youngest: tuple[int, ...] = ()
    batch: tuple[int, ...] = ()
    rows = table()
    for name in names:
        row = rows.get(name)
        if row is None:
            continue
        if "m" in row.tags and row.since >= (4, 15):
            batch = max(batch, row.since)
        elif not set(row.tags) & set("mr") and ("s" not in row.tags or name == "cpuid"):
            youngest = max(youngest, row.since)
    return youngest, batch


@cache
def expected(vendor: str | None, order: int | None) -> frozenset[str]:
    """Features that every server processor of this generation has; empty for generations we do not rank."""
    if order is None:
        return frozenset()
    rows = load_table("introduced.toml").get(vendor or "", {}).get("rows", ())
    return frozenset(name for row in rows if row["order"] <= order for name in row["flags"].split())
