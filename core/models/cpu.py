"""What we know of the processors of one server. Pure data; the rules live in core/cpu."""

from __future__ import annotations

from enum import StrEnum

from core.models.base import Frozen


class Arch(StrEnum):
    """Processor architecture, as far as pools care."""

    X86_64 = "x86_64"
    SPARC = "sparc"
    OTHER = "other"
    UNKNOWN = "unknown"


class FlagSource(StrEnum):
    """How the flag names were seen; lists from different sources are not compared bit by bit without care."""

    CPUINFO = "cpuinfo"  # bare kernel
    XEN_DOM0 = "xen-dom0"  # filtered by Xen
    HW_CAPS = "hw_caps"  # Xen's own words
    CPUID = "cpuid"  # raw leaves
    OTHER = "other"
    NONE = "none"


class CpuProfile(Frozen):
    """The processor of one server. None and an empty source mean 'not known', never 'not there'.

    vendor, family, model, stepping and microcode are as the source writes them (decimal text for
    /proc/cpuinfo, hexadecimal with 0x for microcode). `flags` are normalised names (see core/cpu/flags).
    """

    arch: Arch = Arch.UNKNOWN
    vendor: str | None = None
    family: str | None = None
    model: str | None = None
    stepping: str | None = None
    model_name: str | None = None
    microcode: str | None = None
    flags: frozenset[str] = frozenset()
    flag_source: FlagSource = FlagSource.NONE
    khz: int | None = None
    sockets: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    logical_cpus: int | None = None
    is_virtual: bool | None = None
    differs_inside: bool = False  # two processors of one server are not alike
    remarks: tuple[str, ...] = ()
    flags_cut: bool = False  # the list of flags is known to be incomplete: what is not in it is unknown
    has_hvm: bool | None = (
        None  # hardware virtualization is on, as the hypervisor or the bare kernel shows it
    )
    hypervisor: str | None = None  # e.g. "xen 4.4.4OVM"; releases decide the direction of a move
    platform_release: str | None = None  # e.g. the Oracle VM release 3.4.6-2105
    kernel: str | None = None  # dom0 kernel, as uname -r writes it
    group: str | None = None  # the compatibility group a controller said it is in

    @property
    def key(self) -> tuple[str, str, str] | None:
        """Oracle VM's default compatibility key (vendor, family, model), None when a part is unknown."""
        if self.vendor is None or self.family is None or self.model is None:
            return None
        return (self.vendor, self.family, self.model)
