"""Commands of lab servers by topic. Importing this package fills the table in shell.py."""

from core.lab.dom0.commands import (
    awk,
    builtin,
    clock,
    cluster,
    filters,
    folders,
    names,
    network,
    nfs,
    packing,
    sed,
    solaris,
    storage,
    system,
    xen,
)

__all__ = [
    "awk",
    "builtin",
    "clock",
    "cluster",
    "filters",
    "folders",
    "names",
    "network",
    "nfs",
    "packing",
    "sed",
    "solaris",
    "storage",
    "system",
    "xen",
]
