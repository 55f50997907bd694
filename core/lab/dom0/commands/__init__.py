"""Commands of lab servers by topic. Importing this package fills the table in shell.py."""

from core.lab.dom0.commands import (
    builtin,
    clock,
    cluster,
    filters,
    folders,
    names,
    network,
    solaris,
    storage,
    system,
    xen,
)

__all__ = [
    "builtin",
    "clock",
    "cluster",
    "filters",
    "folders",
    "names",
    "network",
    "solaris",
    "storage",
    "system",
    "xen",
]
