"""What a lab server's agent and dom0 both derive from the world: clock, names, addresses, storage. Reads only."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator

from core.lab import faults
from core.lab.world import LabExport, LabInterface, LabLun, LabNas, LabServer, World


def now(world: World, server: LabServer) -> float:
    """The server's own clock, epoch seconds."""
    jump = faults.active(world, "clock-jump", server, peek=True)
    return (
        time.time() + server.clock_offset_s + (float(jump.get("seconds", 300.0)) if jump is not None else 0.0)
    )


def boot_time(world: World, server: LabServer) -> int:
    """When the server booted, epoch seconds by its own clock."""
    return int(world.started_at + server.clock_offset_s - server.boot_age_s)


def is_sparc(server: LabServer) -> bool:
    return server.cpu.arch == "sparc"


def is_el5(server: LabServer) -> bool:
    """Releases up to 3.2 stand on Enterprise Linux 5, later ones on 6 (agent-rpc 1)."""
    return server.os_version[0] == 5


def logical_cpus(server: LabServer) -> int:
    cpu = server.cpu
    return cpu.sockets * cpu.cores_per_socket * cpu.threads_per_core


def dom0_memory_mib(server: LabServer) -> int:
    """Memory of dom0 by the installer's formula (server-pools R107)."""
    return 502 + int(0.0205 * server.memory_mib)


def dom0_vcpus(server: LabServer) -> int:
    return min(20, logical_cpus(server))


def management(server: LabServer) -> LabInterface | None:
    """The interface that carries the management address."""
    return next((item for item in server.interfaces if item.address == server.address), None)


def subnet(interface: LabInterface) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"{interface.address}/{interface.prefix}", strict=False)


def physical_ports(server: LabServer) -> list[LabInterface]:
    return [item for item in server.interfaces if item.kind == "nic"]


def master_of(server: LabServer, port: LabInterface) -> LabInterface | None:
    """The bond or bridge a port belongs to."""
    return next((item for item in server.interfaces if port.name in item.ports), None)


def pool_members(world: World, pool: str) -> list[LabServer]:
    """Members of a pool by their node numbers."""
    members = [item for item in world.servers.values() if item.pool == pool]
    return sorted(members, key=lambda item: item.node_number or 0)


def resolve(world: World, server: LabServer, name: str) -> list[str]:
    """Addresses of a name as this server sees them: its hosts file first, then DNS."""
    try:
        return [str(ipaddress.IPv4Address(name))]
    except ValueError:
        pass
    found = [address for address, names in hosts_entries(server) if name in names]
    if found:
        return [address for address in found if ":" not in address] or found
    if name in server.resolves:
        return [server.resolves[name]] if server.resolves[name] else []
    return [address for known, address in dns_names(world, server) if known == name][:1]


def reverse(world: World, server: LabServer, address: str) -> list[str]:
    """Names of an address: the hosts file first, then DNS."""
    for known, names in hosts_entries(server):
        if known == address:
            return names
    return [name for name, known in dns_names(world, server) if known == address][:1]


def hosts_lines(server: LabServer) -> list[str]:
    """Lines of /etc/hosts; the default is the one a careful operator leaves (server-pools R001)."""
    if server.hosts_lines:
        return server.hosts_lines
    return [
        "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4",
        "::1         localhost localhost.localdomain localhost6 localhost6.localdomain6",
        f"{server.address}   {server.fqdn} {server.name}",
    ]


def hosts_entries(server: LabServer) -> list[tuple[str, list[str]]]:
    """/etc/hosts as (address, names), in order."""
    text = server.files.get("/etc/hosts")
    lines = text.splitlines() if text is not None else hosts_lines(server)
    entries = [line.split("#")[0].split() for line in lines]
    return [(words[0], words[1:]) for words in entries if len(words) > 1]


def dns_names(world: World, server: LabServer) -> Iterator[tuple[str, str]]:
    """Every (name, address) the lab's DNS knows, full names first."""
    for peer in world.servers.values():
        yield peer.fqdn, peer.address
        yield peer.name, peer.address
    domain = server.domain
    yield f"{world.manager_name}.{domain}", world.manager_address
    yield world.manager_name, world.manager_address
    for nas in world.nas.values():
        short = nas.host.split(".")[0]
        yield nas.host, nas.address
        yield short, nas.address


def address_owner(world: World, address: str) -> tuple[str, LabServer | None] | None:
    """Who answers ARP for an address on the fleet's networks: its MAC and, if it is one, the lab server."""
    for peer in world.servers.values():
        for interface in peer.interfaces:
            if interface.address == address:
                return interface.mac, peer
        if peer.has_vip and peer.pool_vip == address:
            device = management(peer)
            return (device.mac if device else "00:21:f6:00:00:00"), peer
    if address in world.neighbours:
        return world.neighbours[address], None
    known = {world.manager_address: "00:21:f6:00:00:fa", world.dns_address: "00:21:f6:00:00:fd"}
    known.update({nas.address: f"00:21:f6:00:01:{index:02x}" for index, nas in enumerate(world.nas.values())})
    known.update({peer.gateway: "00:21:f6:00:00:fe" for peer in world.servers.values()})
    return (known[address], None) if address in known else None


def sees_lun(server: LabServer, lun: LabLun) -> bool:
    """Is the LUN presented to this server?"""
    if lun.local_to is not None:
        return lun.local_to == server.name
    return lun.seen_by is None or server.name in lun.seen_by


def luns_of(world: World, server: LabServer) -> list[LabLun]:
    """Disks this server sees, local ones first."""
    seen = [lun for lun in world.luns.values() if sees_lun(server, lun)]
    return sorted(seen, key=lambda lun: lun.local_to is None)


def nas_by(world: World, text: str) -> LabNas | None:
    """An NFS server by host name, short name or address."""
    for nas in world.nas.values():
        if text in (nas.host, nas.address, nas.host.split(".")[0]):
            return nas
    return None


def export_by(world: World, target: str) -> tuple[LabNas, LabExport] | None:
    """NFS server and export of a `host:/path` text."""
    host, _, path = target.partition(":")
    nas = nas_by(world, host)
    if nas is None:
        return None
    found = next((item for item in nas.exports if item.path == path), None)
    return (nas, found) if found is not None else None


def sees_export(server: LabServer, export: LabExport) -> bool:
    return export.seen_by is None or server.name in export.seen_by


def all_mounts(world: World, server: LabServer) -> list[dict[str, str]]:
    """Every mount of the server, the system's own first, as /proc/mounts tells them."""
    if is_sparc(server):
        own = [("rpool/ROOT/solaris", "/", "zfs", "rw,devices,setuid"), ("proc", "/proc", "proc", "rw")]
    else:
        root = "ext3" if is_el5(server) else "ext4"
        own = [
            ("rootfs", "/", "rootfs", "rw"),
            ("/proc", "/proc", "proc", "rw,relatime"),
            ("/sys", "/sys", "sysfs", "rw,relatime"),
            ("/dev/sda2", "/", root, "rw,relatime,barrier=1,data=ordered"),
            ("/dev/sda1", "/boot", root, "rw,relatime,barrier=1,data=ordered"),
            ("none", "/sys/kernel/config", "configfs", "rw,relatime"),
            ("none", "/proc/xen", "xenfs", "rw,relatime"),
        ]
        if server.is_cluster_online:
            own.append(("ocfs2_dlmfs", "/dlm", "ocfs2_dlmfs", "rw,relatime"))
    names = ("device", "path", "kind", "options")
    return [dict(zip(names, item, strict=True)) for item in own] + [dict(item) for item in server.mounts]


def kernel_build(server: LabServer) -> str:
    """`uname -v` of the kernels of the lab."""
    builds = {
        "2.6.39": "#1 SMP Tue Apr 11 14:38:50 PDT 2017",
        "3.8.13": "#2 SMP Wed Nov 15 12:51:30 PST 2017",
        "4.1.12": "#2 SMP Tue Apr 24 17:21:15 PDT 2018",
        "5.11": "11.3",
    }
    return next((text for start, text in builds.items() if server.kernel.startswith(start)), "#1 SMP")


def xen_build(server: LabServer) -> tuple[str, str]:
    """Compiler and date of Xen's build."""
    if is_el5(server):
        return "gcc version 4.1.2 20080704 (Red Hat 4.1.2-55)", "Tue Feb 14 09:11:29 PST 2017"
    return "gcc (GCC) 4.4.7 20120313 (Red Hat 4.4.7-18)", "Mon Apr  9 13:25:58 PDT 2018"


def machine(server: LabServer) -> tuple[str, str]:
    """Manufacturer and product name."""
    if is_sparc(server):
        return "Oracle Corporation", "SPARC T5-2"
    if server.cpu.vendor == "AuthenticAMD":
        return "Supermicro", "AS -1123US-TR4"
    return "Oracle Corporation", "SUN SERVER X5-2" if server.cpu.model == 63 else "ORACLE SERVER X6-2"


def serial(server: LabServer) -> str:
    """Serial number of the machine, made from its id."""
    return f"1536NM{server.uuid.replace(':', '')[-4:].upper()}"
