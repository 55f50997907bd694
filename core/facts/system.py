"""Pure parsers of what a server's system tells: disks, boot, logs, multipath."""

from __future__ import annotations

import hashlib
import re

from core.facts.linux import lines_of
from core.facts.storage import parse_multipath
from core.models.facts import FreeSpace, MultipathMap, MultipathSettings

# Lines of the kernel's log that matter before a pool is made (server-pools F17-F20, R069), and those that do not.
TROUBLE = (
    "I/O error|Medium Error|Hardware Error|Machine check|rejecting I/O|remaining active paths: 0|"
    "LUN assignments on this target have changed|Warning! Received an indication that the LUN|"
    "o2net: .*(idle for|heartbeat timeout)|o2hb: .*(write timeout|unable)|fencing this system|soft lockup|"
    "Out of memory|EXT[34]-fs error|Remounting filesystem read-only"
)
_HARMLESS = re.compile(r"fd0|floppy|sr0|cdrom|loop\d", re.IGNORECASE)
_MAX_LOG = 20


def parse_df(text: str) -> tuple[FreeSpace, ...]:
    """`df -Plk`: every file system with its size and room; lines of anything else are left out."""
    found: list[FreeSpace] = []
    for line in lines_of(text):
        match = re.search(r"\s(\d{1,18})\s+(\d{1,18})\s+(-?\d{1,18})\s+\d{1,3}%\s+(/\S{0,300})$", line)
        if match:
            free = max(int(match[3]), 0) * 1024
            found.append(FreeSpace(path=match[4], size_bytes=int(match[1]) * 1024, free_bytes=free))
    if not found:
        raise ValueError("df gave no figures")
    return tuple(found)


def parse_grub(text: str) -> str:
    """The kernel that /boot/grub/grub.conf starts by default; ValueError when it cannot be told.

    Below Xen the kernel is the first `module`; without Xen it stands in `kernel`.
    """
    default = re.search(r"^[ \t]*default\s*=?\s*(\d{1,3})\s*$", text, re.MULTILINE)
    entries = re.split(r"^[ \t]*title\b", text[:65536], flags=re.MULTILINE)[1:]
    index = int(default[1]) if default else 0
    if index >= len(entries):
        raise ValueError("grub.conf has no such entry")
    match = re.search(r"^[ \t]*(?:kernel|module)\s+\S*vmlinuz-(\S{1,120})", entries[index], re.MULTILINE)
    if match is None:
        raise ValueError("grub.conf names no kernel")
    return match[1]


def parse_trouble(text: str) -> tuple[str, ...]:
    """The lines of a log that matter, the last ones, each once."""
    wanted = re.compile(TROUBLE, re.IGNORECASE)
    found = [line.strip() for line in lines_of(text) if wanted.search(line) and not _HARMLESS.search(line)]
    return tuple(dict.fromkeys(found))[-_MAX_LOG:]


def parse_uptime_s(text: str) -> float:
    """/proc/uptime in seconds; ValueError when it is no number."""
    match = re.match(r"\s*(\d{1,12}(?:\.\d{1,6})?)\b", text)
    if match is None:
        raise ValueError("uptime gave no number")
    return float(match[1])


def parse_maps(text: str) -> tuple[MultipathMap, ...]:
    """`multipath -ll` as facts."""
    queueing = set(
        re.findall(
            r"^(?:\w+: )?([\w.:-]+)(?: \([\w.:-]+\))? dm-\d+[^\n]*\n[^\n]*queue_if_no_path",
            text,
            re.MULTILINE,
        )
    )
    return tuple(
        MultipathMap(
            name=one.name, wwid=one.wwid, size_bytes=one.size_bytes, paths=one.paths, active=one.active,
            queues=one.name in queueing,
        )
        for one in parse_multipath(text)
    )  # fmt: skip


def parse_multipath_conf(text: str) -> MultipathSettings:
    """/etc/multipath.conf: sections are found by their braces, comments are dropped."""
    lines = [re.sub(r"[#!].*$", "", line).strip() for line in lines_of(text)]
    plain = [re.sub(r"\s+", " ", line) for line in lines if line]
    body = "\n".join(plain)
    friendly = re.findall(r'^user_friendly_names "?(\w+)"?', body, re.MULTILINE)
    return MultipathSettings(
        digest=hashlib.sha256(body.encode()).hexdigest()[:16],
        has_friendly_names=friendly[0].lower() in ("yes", "1") if friendly else None,
        has_multipaths_section=re.search(r"^multipaths ?\{", body, re.MULTILINE) is not None,
        has_blacklist=re.search(r"^(?:blacklist|devnode_blacklist) ?\{", body, re.MULTILINE) is not None,
        no_path_retry=tuple(dict.fromkeys(re.findall(r'^no_path_retry "?(\w+)"?', body, re.MULTILINE))),
    )


def parse_iscsi_sessions(text: str) -> tuple[str, ...]:
    """`iscsiadm -m session`: portals logged in to, host:port, without repeats."""
    found = re.findall(r"^\S+: \[\d+\]\s+(\S{1,260}?:\d{1,5}),", text, re.MULTILINE)
    return tuple(dict.fromkeys(found))


def parse_expanders(text: str) -> tuple[str, ...]:
    """Names with `expander` in a listing of /sys/class/sas_end_device."""
    return tuple(dict.fromkeys(re.findall(r"\bexpander-[\w:.]{1,40}", text)))


def digest_of(text: str) -> str:
    """A short digest of a configuration file, blanks at line ends and empty lines apart."""
    plain = "\n".join(line for line in lines_of(text) if line.strip())
    return hashlib.sha256(plain.encode()).hexdigest()[:16]
