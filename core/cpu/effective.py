"""What of a profile matters for verdicts, in a form that compares quickly: numbers and integer sets of flags."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from core.cpu import flags
from core.cpu.generation import Generation, generation
from core.models.cpu import Arch, CpuProfile, FlagSource


class Guest(StrEnum):
    """How a guest is virtualized; KVM is for a later platform (model and flags, no groups)."""

    PV = "pv"
    PVHVM = "pvhvm"
    HVM = "hvm"
    KVM = "kvm"


XEN_GUESTS = (Guest.PV, Guest.PVHVM, Guest.HVM)


_DUMP_WORDS = ("1d", "1c", "e1d", "e1c", "7b0")  # words of HW_Caps that every Xen reports
MODERN_KERNEL = (4, 11)  # Linux that prints `cpuid` for every processor; it names all that older servers have


@dataclass(frozen=True, slots=True)
class Effective:
    """Everything of one profile that a verdict may depend on; servers with equal ones form a class."""

    arch: Arch
    vendor: str | None
    family: str | None
    model: str | None
    stepping: str | None
    microcode: str | None
    flags: int
    names: frozenset[str]
    source: FlagSource
    cut: bool
    has_hvm: bool | None
    release: tuple[int, ...]
    hypervisor: tuple[int, ...]
    kernel: str | None
    rate: int | None  # clock rate in steps of half a percent
    cores: int | None
    threads: int | None
    generation: Generation
    unnamed: int  # flags its list could not show, because the kernel had no name for them

    @property
    def key(self) -> tuple[str, str, str] | None:
        if self.vendor is None or self.family is None or self.model is None:
            return None
        return (self.vendor, self.family, self.model)

    @property
    def knows_flags(self) -> bool:
        return self.source is not FlagSource.NONE

    def same_silicon(self, other: Effective) -> bool:
        """Same vendor, family, model and stepping, all known."""
        return (
            self.key is not None
            and self.key == other.key
            and self.stepping is not None
            and self.stepping == other.stepping
        )


def release_of(text: str | None) -> tuple[int, ...]:
    """Comparable numbers of a release text such as 3.4.6-2105 or xen 4.4.4OVM; () when there are none."""
    hit = re.search(r"\d{1,9}(?:\.\d{1,9})+(?:-\d{1,9})?", text or "")
    return tuple(int(part) for part in re.split(r"[.-]", hit[0])) if hit else ()


@cache
def _rate(khz: int | None) -> int | None:
    return round(math.log(khz) / 0.005) if khz and khz > 0 else None


@dataclass(slots=True)
class Space:
    """One numbering of flags with the sets that the table needs; profiles of one report share it."""

    bits: flags.Bits = field(default_factory=flags.Bits)
    masks: flags.Masks = field(init=False)
    quiet: int = field(init=False)
    worse: int = field(init=False)
    vt: int = field(init=False)
    shy: int = field(init=False)
    firmware: int = field(init=False)
    dumped: int = field(init=False)
    _later: dict[tuple[int, ...], int] = field(default_factory=dict)
    _masks: dict[frozenset[str], int] = field(default_factory=dict)
    _effective: dict[tuple[object, ...], Effective] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.masks = flags.masks(self.bits)
        rows = flags.table().values()
        self.quiet = self.bits.mask(row.name for row in rows if "q" in row.tags)
        self.shy = self.bits.mask(row.name for row in rows if "p" in row.tags)
        self.firmware = self.bits.mask(row.name for row in rows if "b" in row.tags)
        self.vt = self.bits.mask(("vmx", "svm"))
        self.dumped = self.bits.mask(row.name for row in rows if row.word in _DUMP_WORDS)

    def reach(self, guest: Guest) -> int:
        """Flags that guests of this kind see; names we do not know are among them."""
        known = (
            self.masks.pv if guest is Guest.PV else self.masks.kvm if guest is Guest.KVM else self.masks.hvm
        )
        return known | self.bits.all_new

    def later_than(self, vocabulary: tuple[int, ...]) -> int:
        """Flags whose name is younger than this Linux release."""
        found = self._later.get(vocabulary)
        if found is None:
            rows = flags.table().values()
            found = self._later[vocabulary] = self.bits.mask(
                row.name for row in rows if row.since > vocabulary
            )
        return found

    def effective(self, profile: CpuProfile) -> Effective:
        """What of this profile matters; equal for servers of one class."""
        p = profile
        kind = generation(p)
        key = (
            p.arch, p.vendor, p.family, p.model, p.stepping, p.microcode, p.flags, p.flag_source, p.flags_cut,
            p.has_hvm, p.platform_release, p.hypervisor, p.kernel, _rate(p.khz), p.cores_per_socket,
            p.threads_per_core, kind.name,
        )  # fmt: skip
        found = self._effective.get(key)
        if found is None:
            found = self._effective[key] = self._new(p, kind)
        return found

    def _unnamed(self, p: CpuProfile, kind: Generation) -> int:
        """What this list cannot show because its kernel had no name for it, as far as the list itself tells."""
        proven, batch = flags.vocabulary(p.flags)
        proven = max(proven, release_of(p.kernel)[:3])
        by_microcode = self.later_than(max(proven, batch)) & self.masks.microcode
        is_modern = proven >= MODERN_KERNEL
        of_old = (
            0 if is_modern else self.bits.mask(flags.expected(p.vendor, kind.order)) & self.later_than(proven)
        )
        unnamed = by_microcode | of_old
        return unnamed & ~self.dumped if p.flag_source is FlagSource.HW_CAPS else unnamed

    def _new(self, p: CpuProfile, kind: Generation) -> Effective:
        value = self._masks.get(p.flags)
        if value is None:
            value = self._masks[p.flags] = self.bits.mask(p.flags)
        unnamed = 0
        if p.flag_source not in (FlagSource.CPUID, FlagSource.NONE) and p.arch is Arch.X86_64:
            unnamed = self._unnamed(p, kind)
        return Effective(
            p.arch, p.vendor, p.family, p.model, p.stepping, p.microcode, value, p.flags, p.flag_source, p.flags_cut,
            p.has_hvm, release_of(p.platform_release), release_of(p.hypervisor), p.kernel, _rate(p.khz),
            p.cores_per_socket, p.threads_per_core, kind, unnamed,
        )  # fmt: skip
