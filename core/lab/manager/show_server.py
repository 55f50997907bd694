"""`show Server`: attribute names of 3.2 and of 3.3/3.4 as clients of either read them (manager-cli 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from core.lab import view
from core.lab.manager.engine import Engine
from core.lab.manager.objects import (
    FILE_SERVER_PLUGINS,
    STORAGE_ARRAY_PLUGINS,
    Item,
    disks_of,
    guests_of,
    initiators_of,
    is_ours,
    pool_item,
    pool_of,
    ports_of,
)
from core.lab.operations import is_agent_up
from core.lab.world import LabServer, World

Attributes = list[tuple[str, str]]
ROLE_NAMES = {"utility": "Utility", "xen": "Vm"}
# REST sample of 3.3.3, booleans as the CLI would print them; layout UNCONFIRMED
ABILITIES = (
    ("Cluster", "Yes"),
    ("NFS", "Yes"),
    ("Fibre Channel", "Yes"),
    ("High Availability", "Yes"),
    ("VM Suspend", "Yes"),
    ("MTU Configuration", "Yes"),
    ("Local Storage Element", "Yes"),
    ("Migration Setup", "No"),
    ("Power on WOL", "Yes"),
    ("Repository on Shared Disk", "Yes"),
)


def status_of(world: World, server: LabServer) -> str:
    """Running, Stopped, ...; a server that is not ours is Unknown (server-pools F31)."""
    if not is_ours(world, server):
        return "Unknown"
    return server.run_state.capitalize() if is_agent_up(world, server) else "Stopped"


def numbered(name: str, found: Iterable[Item]) -> Attributes:
    """`<name> 1 = <id>  [<name>]` and so on."""
    return [(f"{name} {index}", item.reference) for index, item in enumerate(found, 1)]


def show_server(engine: Engine, item: Item) -> Attributes:
    """Attributes of a server; one that another Manager owns shows only what discovery alone tells."""
    world, server = engine.world, item.thing
    is_old = world.release == "3.2"
    head = [
        ("Name", item.name),
        ("Id", item.id),
        ("Description", server.description),
        ("Locked", "true" if item.id in engine.locks else "false"),
        ("Status", status_of(world, server)),
        ("IP Address" if is_old else "Ip Address", server.address),
    ]
    body = _identity_32(world, server) if is_old else _identity(server)
    if is_ours(world, server):
        body += _hardware_32(server) if is_old else _hardware(server)
        body += _related(world, server, is_old=is_old)
    return head + body


def _identity_32(world: World, server: LabServer) -> Attributes:
    return [
        ("Hypervisor Type", "Xen" if server.cpu.arch != "sparc" else "Ldom"),
        ("Version", server.release),
        ("Maintenance Mode", "Yes" if server.maintenance else "No"),
        ("TakeOwnership", "Yes" if server.owner == world.manager_uuid else "No"),
        ("Manager UUID", server.owner or ""),
    ]


def _identity(server: LabServer) -> Attributes:
    return [
        ("Host Name", server.name),
        ("Hypervisor Type", "XEN" if server.cpu.arch != "sparc" else "LDOM"),
        ("OVM Version", server.release),
        ("Maintenance Mode", "On" if server.maintenance else "Off"),
        ("Manager UUID", server.owner or ""),
    ]


def _logical(server: LabServer) -> int:
    cpu = server.cpu
    return cpu.sockets * cpu.cores_per_socket * cpu.threads_per_core


def _gib(mib: int) -> str:
    return str(round(mib / 1024, 2))


def _hardware_32(server: LabServer) -> Attributes:
    cpu = server.cpu
    device = view.management(server)
    return [
        ("Memory (GiB)", _gib(server.memory_mib)),
        ("Dom0 Memory (GiB)", _gib(view.dom0_memory_mib(server))),
        ("Processors", str(_logical(server))),
        ("Sockets Filled", str(cpu.sockets)),
        ("Processor Speed (GHz)", str(round(cpu.khz / 1e6, 2))),
        ("Processor Family", str(cpu.family)),
        ("Processor Model", str(cpu.model)),
        ("L1 Cache Size", "32 KB"),
        ("L2 Cache Size", "256 KB"),
        ("L3 Cache Size", "30720 KB"),
        ("BIOS Version", server.bios_version),
        ("BIOS Release Date", "12/29/2016"),
        ("Product Name", "LAB SERVER X5-2"),
        ("Manufacturer", "Lab Systems"),
        ("Serial Number", f"LAB{server.uuid.replace(':', '')[-7:].upper()}"),
        ("Server Architecture Type", server.cpu.arch.upper()),
        ("Mgmt MAC Address", device.mac if device else ""),
    ]


def _hardware(server: LabServer) -> Attributes:
    cpu = server.cpu
    return [
        ("Memory (MB)", str(server.memory_mib)),
        ("Usable Memory (MB)", str(server.free_memory_mib)),
        ("Processors", str(_logical(server))),
        ("Processor Sockets Populated", str(cpu.sockets)),
        ("Processor Speed (GHz)", str(round(cpu.khz / 1e6, 2))),
        ("Processor Type", "SPARC" if cpu.arch == "sparc" else cpu.arch.upper()),
        ("BIOS Version", server.bios_version),
        ("BIOS Release Date", "12/29/2016"),
        ("Product Name", "LAB SERVER X5-2"),
        ("Manufacturer", "Lab Systems"),
        ("Serial Number", f"LAB{server.uuid.replace(':', '')[-7:].upper()}"),
    ]


def _related(world: World, server: LabServer, *, is_old: bool) -> Attributes:
    found: Attributes = []
    pool = pool_of(world, server)
    if pool is not None:
        found.append(("Server Pool", pool_item(pool).reference))
    elif world.switches.extra.get("empty_attributes"):
        found.append(("Server Pool", ""))
    group = world.objects.get(server.cpu_group or "")
    if group is not None:
        name = "CPU Compatibility Group" if is_old else "Cpu Compatibility Group"
        found.append((name, f"{group.id}  [{group.name}]"))
    found += [(f"Role {n}", ROLE_NAMES.get(role, role)) for n, role in enumerate(sorted(server.roles), 1)]
    found += [(f"NTP Server {n}", text) for n, text in enumerate(server.ntp_servers, 1)]
    found += numbered("Ethernet Port", ports_of(server, "nic"))
    found += numbered("Bond Port", ports_of(server, "bond"))
    found += numbered("Physical Disk", disks_of(world, server))
    found += numbered("Storage Initiator", initiators_of(server))
    found += numbered("Vm", guests_of(server))
    if not is_old:
        files = [Item("fileserverplugin", key, name, None) for key, name in FILE_SERVER_PLUGINS.items()]
        arrays = [Item("storagearrayplugin", key, name, None) for key, name in STORAGE_ARRAY_PLUGINS.items()]
        found += numbered("FileServer Plugin", files) + numbered("StorageArray Plugin", arrays)
        found += [(f"Ability {name}", value) for name, value in ABILITIES]
    return found
