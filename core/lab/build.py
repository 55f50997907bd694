"""A world from a scenario: servers, network, storage, owners. Everything random comes from the world's own seed."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from core.errors import LabError
from core.lab.dead_pool import leave_dead_pool
from core.lab.operations import configure_owned
from core.lab.releases import RELEASES
from core.lab.scenario import ObjectWish, Scenario, ServerChange, load_cpu
from core.lab.world import (
    LabCpu,
    LabExport,
    LabInterface,
    LabLun,
    LabNas,
    LabObject,
    LabServer,
    Switches,
    World,
)

FIRST_ADDRESS = 11  # 203.0.113.11 is the first server; .10 is the virtual IP, from .240 on the infrastructure
MAX_SERVERS = 220
NAS = "nas01.lab.example"
POOLFS_EXPORT = "/export/poolfs"
REPO_EXPORT = "/export/repo1"
OTHER_MANAGER = "0004fb0000010000ffeeddccbbaa9988"
GIB = 2**30
VIP_MAC = "00:21:f6:aa:bb:cc"
PACKAGES = {
    "ovs-agent": "",
    "ocfs2-tools": "1.8.2-3.el6",
    "device-mapper-multipath": "0.4.9-93.0.1.el6",
    "nfs-utils": "1.2.3-75.0.1.el6",
    "iscsi-initiator-utils": "6.2.0.873-26.0.1.el6",
    "ntp": "4.2.6p5-12.0.1.el6",
    "xen": "4.4.4-105.0.35.el6",
}


def build_world(scenario: Scenario, *, servers: int, seed: int) -> World:
    """The whole world; passwords are random and differ from lab to lab. Raises LabError."""
    if not scenario.min_servers <= servers <= MAX_SERVERS:
        raise LabError(
            f"cannot build the lab: {servers} servers, this scenario needs {scenario.min_servers} to {MAX_SERVERS}",
            fix="change --servers",
        )
    world = World(release=scenario.release, seed=seed)
    world.manager_password = f"Mgr{secrets.token_hex(6)}"
    world.latency_s.update(scenario.latency_s)
    world.faults.update({name: dict(params) for name, params in scenario.faults.items()})
    _set_switches(world.switches, scenario.switches)
    agent_password, ssh_password = f"Agt{secrets.token_hex(6)}", f"Ssh{secrets.token_hex(6)}"
    width = max(2, len(str(servers)))
    for number in range(1, servers + 1):
        server = _server(world, scenario, number, f"ovs{number:0{width}d}")
        server.password, server.ssh_password = agent_password, ssh_password
        world.servers[server.name] = server
    _add_networks(world)
    _add_storage(world, scenario)
    for change in scenario.servers:
        for server in _chosen(world, change):
            _apply(world, scenario, server, change)
    for wish in scenario.objects:
        _add_object(world, wish)
    poolfs = next(item for item in world.nas[NAS].exports if item.path == POOLFS_EXPORT)
    leave_dead_pool(world, scenario, f"{NAS}:{POOLFS_EXPORT}", poolfs.fs_id)
    if scenario.vip_answers_arp and scenario.pool.virtual_ip:
        world.neighbours[scenario.pool.virtual_ip] = VIP_MAC
    return world


def _set_switches(switches: Switches, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(switches, name, dict(value) if isinstance(value, dict) else value)


def _server(world: World, scenario: Scenario, number: int, name: str) -> LabServer:
    facts = RELEASES["sparc" if scenario.platform == "sparc" else scenario.release]
    address = f"203.0.113.{FIRST_ADDRESS + number - 1}"
    server = LabServer(
        name=name,
        address=address,
        uuid=world.random.getrandbits(128).to_bytes(16, "big").hex(":"),
        release=facts.release,
        agent_version=facts.agent,
        kernel=facts.kernel,
        xen=facts.xen,
        os_version=facts.os_version,
        ntp_servers=(world.manager_address,),
        initiator=f"iqn.1988-12.com.oracle:{world.random.getrandbits(48):012x}",
        firewall=["-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT"],
        packages={**PACKAGES, "ovs-agent": facts.agent},
        run_state="RUNNING",
    )
    _set_cpu(server, facts.cpu)
    server.interfaces = (
        _solaris_network(server, number) if scenario.platform == "sparc" else _network(server, number)
    )
    return server


def _set_cpu(server: LabServer, profile: str) -> None:
    values = load_cpu(profile)
    server.memory_mib = int(values.pop("memory_mib", 131072))
    server.free_memory_mib = server.memory_mib * 94 // 100
    values["hw_caps"] = tuple(values.get("hw_caps", ()))
    known = {item.name for item in fields(LabCpu)}
    server.cpu = LabCpu(**{name: value for name, value in values.items() if name in known})


def _network(server: LabServer, number: int) -> list[LabInterface]:
    """Two ports under bond0 and the management bridge, two fast ones under bond1 for storage and migration."""
    macs = [f"00:21:f6:{number:02x}:00:{port:02x}" for port in range(4)]
    ports = [
        LabInterface(f"eth{index}", "nic", mac, speed_mbps=1000 if index < 2 else 10000)
        for index, mac in enumerate(macs)
    ]
    return [
        *ports,
        LabInterface("bond0", "bond", macs[0], ports=("eth0", "eth1")),
        LabInterface(
            "bond1",
            "bond",
            macs[2],
            ports=("eth2", "eth3"),
            speed_mbps=10000,
            address=storage_address(server),
        ),
        LabInterface("cb007100", "bridge", macs[0], ports=("bond0",), address=server.address),
    ]


def _solaris_network(server: LabServer, number: int) -> list[LabInterface]:
    """Two ports in an LACP aggregation with the management address, one with the storage address."""
    macs = [f"00:10:e0:{number:02x}:00:{port:02x}" for port in range(3)]
    ports = [LabInterface(f"net{index}", "nic", mac, speed_mbps=10000) for index, mac in enumerate(macs)]
    ports[2].address = storage_address(server)
    return [
        *ports,
        LabInterface("aggr0", "bond", macs[0], ports=("net0", "net1"), bond_mode=4, address=server.address),
    ]


def storage_address(server: LabServer) -> str:
    """The server's address on the storage network: the same last number as its management address."""
    return f"198.51.100.{server.address.rpartition('.')[2]}"


def _add_networks(world: World) -> None:
    """Manager's networks, split as its guides ask: heartbeat apart from storage and live migration (R049, R081)."""
    for key, name, roles in (
        ("cb007100", "203.0.113.0", ["MANAGEMENT", "CLUSTER_HEARTBEAT", "VIRTUAL_MACHINE"]),
        ("c6336400", "198.51.100.0", ["LIVE_MIGRATE", "STORAGE"]),
    ):
        attrs = {"roles": roles, "subnet": f"{name}/24", "builtin": True}
        world.objects[key] = LabObject(key, "network", name, attrs)


def _add_storage(world: World, scenario: Scenario) -> None:
    wish = scenario.storage
    nas = LabNas(NAS, "198.51.100.240", is_up=wish.nas_is_up, versions=wish.nas_versions)
    nas.exports = [
        _export(
            world,
            POOLFS_EXPORT,
            wish.poolfs_gib,
            is_writable=wish.export_is_writable,
            squashes_root=wish.export_squashes_root,
            seen_by=_names(world, wish.export_seen_by),
            files=list(wish.export_files),
        ),
        _export(world, REPO_EXPORT, 500),
    ]
    world.nas[nas.host] = nas
    if scenario.platform == "x86":
        _add_luns(world, scenario)


def _export(world: World, path: str, gib: int, **more: Any) -> LabExport:
    fs_id = world.new_id("0005")
    return LabExport(
        path, str(uuid.UUID(fs_id)), fs_id, size_bytes=gib * GIB, free_bytes=gib * GIB - 64 * 2**20, **more
    )


def _add_luns(world: World, scenario: Scenario) -> None:
    wish = scenario.storage
    for server in world.servers.values():
        local = LabLun(
            world.new_id("0018"),
            f"LSI (1) @ {server.name}",
            f"3600605b0{world.random.getrandbits(96):024x}",
            600 * 10**9,
            transport="local",
            local_to=server.name,
            paths=1,
            vendor="LSI",
            product="MR9361-8i",
            content="gpt",
        )
        world.luns[local.id] = local
    for index, gib in enumerate((wish.poolfs_gib, 500)):
        lun = LabLun(
            world.new_id("0018"),
            f"LAB ({index + 1})",
            f"360a98000{world.random.getrandbits(96):024x}",
            gib * GIB,
            transport=wish.lun_transport,
            seen_by=_names(world, wish.lun_seen_by) if index == 0 else None,
            content=wish.lun_content if index == 0 else "",
            cluster=wish.lun_cluster if index == 0 else "",
            paths=wish.paths,
            shareable=True,
        )
        world.luns[lun.id] = lun


def poolfs_lun(world: World) -> LabLun:
    """The LUN meant for the pool file system: the first shared one."""
    return next(lun for lun in world.luns.values() if lun.local_to is None)


def _names(world: World, numbers: tuple[int, ...]) -> frozenset[str] | None:
    names = list(world.servers)
    return frozenset(names[number - 1] for number in numbers if number <= len(names)) if numbers else None


def _chosen(world: World, change: ServerChange) -> list[LabServer]:
    servers = list(world.servers.values())
    if change.at == "all":
        return servers
    index = change.at - 1 if change.at > 0 else change.at
    return servers[index : index + 1 or None] if -len(servers) <= index < len(servers) else []


def _apply(world: World, scenario: Scenario, server: LabServer, change: ServerChange) -> None:
    if change.release is not None:
        facts = RELEASES[change.release]
        server.release, server.agent_version, server.kernel = facts.release, facts.agent, facts.kernel
        server.xen, server.os_version = facts.xen, facts.os_version
        if change.release == "sparc":
            server.interfaces = _solaris_network(server, list(world.servers).index(server.name) + 1)
            for lun_id in [lun.id for lun in world.luns.values() if lun.local_to == server.name]:
                del world.luns[lun_id]
            change = change.model_copy(update={"cpu": change.cpu or facts.cpu})
    if change.cpu is not None:
        _set_cpu(server, change.cpu)
    if change.owner is not None:
        server.owner = {"this": world.manager_uuid, "other": OTHER_MANAGER, "none": None}[change.owner]
    if change.is_known is not None:
        server.is_known = change.is_known
    if change.owner == "this" and server.is_known:
        configure_owned(world, server)
    if change.other_agent_password:
        server.password = f"Oth{secrets.token_hex(6)}"
    if change.other_ssh_password:
        server.ssh_password = f"Oth{secrets.token_hex(6)}"
    if change.same_uuid_as is not None:
        server.uuid = list(world.servers.values())[change.same_uuid_as - 1].uuid
    if change.hostname_on_loopback:
        server.hosts_lines = [
            f"127.0.0.1   {server.fqdn} {server.name} localhost localhost.localdomain localhost4",
            "::1         localhost localhost.localdomain localhost6 localhost6.localdomain6",
        ]
    for name, value in change.cpu_set.items():
        setattr(server.cpu, name, tuple(value) if isinstance(value, list) else value)
    for device, values in change.interfaces.items():
        _change_interface(server, device, values)
    server.faults |= set(change.faults)
    for name, value in change.set.items():
        setattr(server, name, tuple(value) if isinstance(getattr(server, name), tuple) else value)


def _change_interface(server: LabServer, device: str, values: dict[str, Any]) -> None:
    found = next((item for item in server.interfaces if item.name == device), None)
    if found is None:
        raise LabError(
            f"cannot build the lab: {server.name} has no {device!r}",
            fix=f"one of {', '.join(item.name for item in server.interfaces)}",
        )
    for name, value in values.items():
        setattr(found, name, tuple(value) if isinstance(value, list) else value)


def _add_object(world: World, wish: ObjectWish) -> None:
    """An object with the attributes that Manager itself would have given it."""
    now = datetime.now(UTC)
    given: dict[str, dict[str, Any]] = {
        "job": {"state": "Running", "progress": "", "user": "admin", "start": now, "end": None, "error": ""},
        "event": {"severity": "CRITICAL", "object_type": "", "object_id": "", "acked": False, "time": now},
    }  # fmt: skip
    numbered = wish.type in given
    key = str(len(world.objects) + 1) if numbered else world.new_id("0002")
    world.objects[f"{wish.type} {key}" if numbered else key] = LabObject(
        key, wish.type, wish.name, {**given.get(wish.type, {}), **wish.attrs}
    )
