"""Pure parsers of `xm` and `xl`, which tell of the machine below dom0."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.facts.linux import lines_of


class XenInfo(NamedTuple):
    """What `xl info` or `xm info` says of the machine; None where it does not."""

    version: str | None
    memory_mib: int | None
    free_memory_mib: int | None
    sockets: int | None
    cores_per_socket: int | None
    threads_per_core: int | None
    logical_cpus: int | None
    has_hvm: bool | None
    capabilities: tuple[str, ...]
    hw_caps: tuple[int, ...]  # CPU feature words


def parse_info(text: str) -> XenInfo:
    """`xl info` (Xen 4.x) or `xm info` (Xen 3.x, 4.1); ValueError when it is neither."""
    pairs = dict(re.findall(r"^(\w+)\s*:\s*(.*?)\s*$", text[:65536], re.MULTILINE))
    if "nr_cpus" not in pairs and "xen_major" not in pairs:
        raise ValueError("neither xl nor xm told of the machine")
    number = {key: int(value) for key, value in pairs.items() if re.fullmatch(r"\d{1,12}", value)}
    cpus, cores, threads = (number.get(key) for key in ("nr_cpus", "cores_per_socket", "threads_per_core"))
    sockets = cpus // (cores * threads) if cpus and cores and threads else None
    major, minor, extra = (pairs.get(key) for key in ("xen_major", "xen_minor", "xen_extra"))
    words = re.sub(r"[^0-9a-fA-F:]", "", pairs.get("hw_caps", "")).strip(":") if pairs.get("hw_caps") else ""
    words = words if re.fullmatch(r"[0-9a-fA-F]{1,8}(:[0-9a-fA-F]{1,8}){0,31}", words) else ""
    capabilities = tuple(pairs.get("xen_caps", "").split())
    return XenInfo(
        version=f"{major}.{minor}{extra or ''}" if major and minor else None,
        memory_mib=number.get("total_memory"),
        free_memory_mib=number.get("free_memory"),
        sockets=sockets or None,
        cores_per_socket=cores,
        threads_per_core=threads,
        logical_cpus=cpus,
        has_hvm=any(name.startswith("hvm-") for name in capabilities) if capabilities else None,
        capabilities=capabilities,
        hw_caps=tuple(int(word, 16) for word in words.split(":")) if words else (),
    )


def parse_list(text: str) -> tuple[str, ...]:
    """Names of the domains besides Domain-0 in `xl list` or `xm list`."""
    found: list[str] = []
    is_table = False
    for line in lines_of(text):
        if line.startswith("Name"):
            is_table = True
            continue
        match = re.match(r"^(\S+)\s+\d+\s+\d+\s+\d+\s+", line)
        if is_table and match and match[1] != "Domain-0":
            found.append(match[1])
    if not is_table:
        raise ValueError("no list of domains")
    return tuple(found)
