"""Processor descriptions of every known format become CpuProfiles. Pure: formats are told by their content."""

from __future__ import annotations

from core.cpu.formats import cpuid, cpuinfo, documents, lscpu, solaris, xen
from core.errors import ExitCode, PoolwrightError
from core.models.cpu import CpuProfile

MAX_TEXT = 32 * 1024 * 1024  # characters; /proc/cpuinfo of 4,096 threads is about 6 MiB


class CpuFormatError(PoolwrightError):
    """The text is none of the processor descriptions we can read."""

    code = "PW120"
    title = "a processor description cannot be read"
    exit_code = ExitCode.BAD_INPUT


def parse_profiles(text: str) -> dict[str, CpuProfile]:
    """Every server described in `text`, by the name the text gives it ('' where it gives none).

    Raises CpuFormatError when no format fits. What a format does not tell stays None or empty.
    """
    if len(text) > MAX_TEXT:
        raise CpuFormatError(
            "cannot read this processor description: larger than 32 MiB", fix="pass one server a file"
        )
    found = _read(text)
    if not found:
        raise CpuFormatError(
            "cannot read this processor description: no known format fits its content",
            fix="pass /proc/cpuinfo, lscpu, xl info, psrinfo -pv, an agent or Manager document, or a CPUID dump",
        )
    return found


def parse_profile(text: str) -> CpuProfile:
    """The processor of the one server described in `text` (the first one when there are several)."""
    return next(iter(parse_profiles(text).values()))


def _unquoted(text: str) -> str:
    """The text without the `> ` that mail puts before every line of a quotation."""
    lines = text.split("\n")
    if not text.startswith(">") or any(line and not line.startswith(">") for line in lines):
        return text
    return "\n".join(line[1:].removeprefix(" ") for line in lines)


def _read(text: str) -> dict[str, CpuProfile]:
    """The first format that fits the content; the strict ones are asked before the lax ones."""
    plain = _unquoted(text.lstrip("\ufeff \t\r\n").replace("\r\n", "\n").replace("\r", "\n"))
    if plain[:1] in ("{", "["):
        found = documents.read_json(plain)
        if found:
            return found
    if plain[:1] == "<":
        found = documents.read_xml(plain)
        if found:
            return found
    if xen.reads_info(plain) and cpuinfo.reads(plain):  # both commands pasted into one text
        (name, info), *_ = xen.read_info(plain).items()
        (seen, *_) = cpuinfo.read(plain).values()
        return {name: xen.completed(seen, info)}
    for reads, read in (
        (cpuid.reads, cpuid.read),
        (solaris.reads, solaris.read),
        (xen.reads_info, xen.read_info),
        (xen.reads_cpu_info, xen.read_cpu_info),
        (lscpu.reads, lscpu.read),
        (cpuinfo.reads, cpuinfo.read),
        (cpuinfo.reads_flags_only, cpuinfo.read_flags_only),
    ):
        if reads(plain):
            return read(plain)
    return {}
