"""What a freshly installed server of each release says of itself (agent-rpc 3, server-pools 9 item 16)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Version texts of one release's servers; `xen` is major, minor, extra."""

    release: str
    agent: str
    kernel: str
    xen: tuple[int, int, str]
    os_version: tuple[int, int]
    cpu: str


RELEASES: dict[str, ReleaseFacts] = {
    "3.2": ReleaseFacts(
        "3.2.11-775", "3.2.11-120", "2.6.39-400.290.1.el5uek", (4, 1, ".3OVM"), (5, 7), "sandybridge"
    ),
    "3.3": ReleaseFacts(
        "3.3.4-1160", "3.3.4-77", "3.8.13-118.20.1.el6uek.x86_64", (4, 3, ".1OVM"), (6, 6), "haswell"
    ),
    "3.4": ReleaseFacts(
        "3.4.6-2105", "3.4.6-44", "4.1.12-124.18.6.el6uek.x86_64", (4, 4, ".4OVM"), (6, 9), "haswell"
    ),
    "sparc": ReleaseFacts("3.4.6-2105", "3.4.6-44", "5.11", (3, 5, ""), (11, 3), "t5"),
}
