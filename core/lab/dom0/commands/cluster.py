"""OCFS2 and o2cb tools: mounted.ocfs2, o2cb, o2info."""

from __future__ import annotations

from core.lab.dom0 import disks
from core.lab.dom0.command import Command, command
from core.lab.world import LabLun


@command("mounted.ocfs2", solaris=False)
def mounted_ocfs2(c: Command) -> int:
    options, rest = c.options()
    found = (
        [disks.find(c.world, c.server, path) for path in rest]
        if rest
        else [item for item in disks.devices(c.world, c.server) if item.kind != "part"]
    )
    volumes = [item for item in found if item is not None and disks.signature(item) == "ocfs2"]
    missing = next((path for path, item in zip(rest, found, strict=False) if item is None), None)
    if missing is not None:
        return c.say(f"mounted.ocfs2: No such file or directory while opening device {missing}")
    if "f" in options:
        c.print("Device                          Stack  Cluster           F  Nodes")
        for item in volumes:
            nodes = ", ".join(users_of(c, item.lun)) or "Not mounted"
            c.print(f"{item.path:<31} {'o2cb':<6} {item.lun.cluster:<17} G  {nodes}")
        return 0
    c.print(
        "Device                          Stack  Cluster           F  UUID                              Label"
    )
    for item in volumes:
        uuid = disks.volume_uuid(item.lun).replace("-", "").upper()
        label = item.lun.label or ("OVS" + uuid[:13].lower() if item.lun.cluster else "")
        stack, mode = ("o2cb", "G") if item.lun.cluster else ("None", " ")
        c.print(f"{item.path:<31} {stack:<6} {item.lun.cluster:<17} {mode}  {uuid}  {label}")
    return 0


def users_of(c: Command, lun: LabLun) -> list[str]:
    """Names of the servers that have the volume's cluster online now."""
    if not lun.cluster:
        return []
    return [
        item.name
        for item in c.world.servers.values()
        if item.is_cluster_online and item.cluster == lun.cluster
    ]


@command("o2cb", "o2cb_ctl", solaris=False)
def o2cb(c: Command) -> int:
    from core.lab.dom0.commands.system import o2cb_status

    server = c.server
    action = c.args[0] if c.args else ""
    if action == "status":
        return o2cb_status(c)
    if action == "list-clusters":
        c.print(*([server.cluster] if server.cluster else []))
        return 0
    if action in ("list-cluster", "list-nodes", "list-heartbeats"):
        name = c.args[-1]
        if name != server.cluster:
            return c.say(f"o2cb: Unknown cluster '{name}'")
        for node in server.cluster_nodes:
            c.print(
                "node:",
                f"\tnumber = {node.number}",
                f"\tname = {node.name}",
                f"\tip_address = {node.address}",
                "\tip_port = 7777",
                f"\tcluster = {name}",
                "",
            )
        return 0
    if action == "cluster-status":
        state = "online" if server.is_cluster_online else "offline"
        c.print(f"Cluster '{server.cluster or 'ocfs2'}' is {state}")
        return 0 if server.is_cluster_online else 1
    return c.say(
        "o2cb: usage: o2cb [--config-file=path] [-h|--help] [-v|--verbose] [-V|--version] COMMAND [ARGS]"
    )


@command("fsck.ocfs2", "tunefs.ocfs2", "debugfs.ocfs2", "mkfs.ocfs2", solaris=False)
def ocfs2_tools(c: Command) -> int:
    """Only their version; the lab formats nothing by hand."""
    if {"-V", "--version"} & set(c.args):
        return c.say(f"{c.name} 1.8.2", 0)
    return c.say(f"{c.name}: this lab does not touch file systems", 1)


@command("o2info", solaris=False)
def o2info(c: Command) -> int:
    for item in c.server.mounts:
        if item["kind"] == "ocfs2" and item["path"] in c.args:
            c.print("       Label: OVS", "     Max Node Slots: 32", "   Block Size: 4096")
            return 0
    return c.say("o2info: not an ocfs2 volume")
