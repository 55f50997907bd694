"""Words that everybody reads in Manager's, an agent's or our own texts: none of them can be hidden by a mask."""

from __future__ import annotations

from functools import cache
from importlib import resources

from core.checks.registry import Registry

# Status words, states and attribute names of replies (manager-cli 2, 3; agent-rpc 4, 5), names of the products
REPLIES = """
Command Status Success Failure Time JobId Data Error Msg Server error Exception OVM> id name None null
Running Stopped Starting Stopping Suspended Unknown Unavailable Maintenance Done Summary State Progress Message
Yes No true false on off root admin oracle Oracle Generic Network File System SCSI Plugin Unmanaged FibreChannel
Storage Array Physical Disk Access Group Initiator Repository Server Pool Master Virtual Ip Cluster Enable Clustered
Owner Manager UUID Host Address Version Hypervisor Processor Type Role Roles Locked Job Event WARNING CRITICAL
ovs-agent ovspoolfs ovm ovs o2cb ocfs2 dom0 xen nfs iscsi multipath vncpasswd localhost localdomain password login
refused timeout connection closed denied permission exists cannot failed invalid found create delete edit show list
"""


@cache
def _files() -> str:
    """The rule book: a thousand lines of this platform's own words."""
    folder = resources.files("core.platforms.oracle_vm.checks")
    return folder.joinpath("rules.toml").read_text(encoding="utf-8")


def vocabulary(checks: Registry) -> str:
    """All of it, once."""
    titles = "\n".join(f"{check.id} {check.title}" for check in checks.checks.values())
    return f"{REPLIES}\n{titles}\n{_files()}"
