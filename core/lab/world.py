"""State of the simulated fleet: what exists, who owns it, what is switched on. No sockets, no rendering.

The Manager, agent and dom0 servers of the lab all read and change this one world; operations.py holds the rules.
Addresses are model addresses (203.0.113.0/24); sockets are elsewhere.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class LabCpu:
    """Processor of a lab server, as /proc/cpuinfo of its dom0 would tell it."""

    vendor: str = "GenuineIntel"
    family: int = 6
    model: int = 63
    stepping: int = 2
    model_name: str = "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz"
    microcode: str = "0x49"
    khz: int = 2494224
    flags: str = ""  # blank-separated; empty takes the profile's
    hw_caps: tuple[str, ...] = ()
    sockets: int = 2
    cores_per_socket: int = 12
    threads_per_core: int = 2
    has_hvm: bool = True
    arch: str = "x86_64"  # or "sparc"
    cache_kib: int = 30720


@dataclass(slots=True)
class LabInterface:
    """One device of a lab server."""

    name: str
    kind: str  # nic, bond, bridge, vlan
    mac: str
    mtu: int = 1500
    address: str | None = None
    prefix: int = 24
    ports: tuple[str, ...] = ()
    network: str | None = None  # id of the Manager network it carries, once Manager set its metadata
    bond_mode: int = 1
    is_up: bool = True
    speed_mbps: int = 1000
    wakes_on_lan: bool = True
    boot_proto: str = ""  # "" = static with an address, none without
    metadata: str = ""  # tag set through ovs_if_meta; "" = what Manager's network says


@dataclass(slots=True)
class LabLun:
    """One LUN or local disk. `page83` is the WWID the servers see; `seen_by` None means every server."""

    id: str  # Manager's physical disk id, 0004fb0000180000...
    name: str
    page83: str
    size_bytes: int
    transport: str = "fc"  # fc, iscsi, local
    seen_by: frozenset[str] | None = None
    local_to: str | None = None
    array: str | None = None  # id of the storage array
    content: str = ""  # "", "ocfs2", "lvm", "gpt", "poolfs"
    cluster: str = ""  # cluster name in the OCFS2 superblock
    label: str = ""
    paths: int = 2
    shareable: bool = False
    vendor: str = "LAB"
    product: str = "SHAREDLUN"
    is_offline: bool = False
    is_known: bool = False  # Manager has it in its lists
    is_refreshed: bool = False  # Manager refreshed it since it appeared


@dataclass(slots=True)
class LabExport:
    """One NFS export of a lab NFS server. `files` are names at its top level."""

    path: str
    fs_uuid: str  # dashed, the id it is mounted under
    fs_id: str  # Manager's file system id, 0004fb0000050000...
    size_bytes: int = 100 * 2**30
    free_bytes: int = 98 * 2**30
    is_writable: bool = True
    squashes_root: bool = False
    seen_by: frozenset[str] | None = None
    files: list[str] = field(default_factory=list)
    is_known: bool = False
    is_refreshed: bool = False
    poolfs_cluster: str = ""  # cluster whose pool file system its files are, "" when none of this lab's


@dataclass(slots=True)
class LabNas:
    """An NFS server outside the pool."""

    host: str
    address: str
    exports: list[LabExport] = field(default_factory=list)
    is_up: bool = True
    versions: tuple[int, ...] = (3, 4)


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node stanza of cluster.conf (ip_port is always 7777)."""

    number: int
    name: str
    address: str


@dataclass(slots=True)
class LabServer:
    """One server (agent + dom0), with everything its agent and its dom0 would tell."""

    name: str  # short host name
    address: str  # model address of the management interface
    uuid: str  # Unique_Id, 16 bytes as lower-case hex with colons
    release: str = "3.4.6-2105"  # OVM_Version
    agent_version: str = "3.4.6-44"
    kernel: str = "4.1.12-124.18.6.el6uek.x86_64"
    xen: tuple[int, int, str] = (4, 4, ".4OVM")
    os_version: tuple[int, int] = (6, 9)
    domain: str = "lab.example"
    cpu: LabCpu = field(default_factory=LabCpu)
    memory_mib: int = 131072
    free_memory_mib: int = 122880
    password: str = ""  # agent password
    ssh_password: str = ""
    owner: str | None = None  # Manager UUID
    roles: tuple[str, ...] = ("xen", "utility")
    pool: str | None = None  # pool uuid
    node_number: int | None = None
    is_master: bool = False
    has_vip: bool = False
    cluster: str | None = None  # cluster name in cluster.conf
    is_cluster_online: bool = False
    cluster_timeout_s: int = 120
    poolfs: dict[str, str] | None = None  # type, target, uuid, nfsbase_uuid, manager_uuid, pool_uuid
    mounts: list[dict[str, str]] = field(default_factory=list)  # device, path, kind, options
    interfaces: list[LabInterface] = field(default_factory=list)
    gateway: str = "203.0.113.254"
    hosts_lines: list[str] = field(default_factory=list)  # /etc/hosts
    resolves: dict[str, str] = field(default_factory=dict)  # name -> address as this server resolves it
    ntp_servers: tuple[str, ...] = ("203.0.113.250",)
    is_ntp_running: bool = True
    clock_offset_s: float = 0.0
    time_zone: str = "UTC"
    initiator: str = ""
    guests: list[str] = field(default_factory=list)
    repositories: list[dict[str, str]] = field(default_factory=list)
    maintenance: bool = False
    run_state: str = "RUNNING"
    bios_version: str = "2.8.0"
    statistic_interval_s: int = 20
    firewall: list[str] = field(default_factory=list)  # iptables -S lines
    packages: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # extra or overriding files, path -> text
    boot_age_s: float = 30 * 86400.0  # how long it has been up when the lab starts
    is_known: bool = False  # Manager has it in its list
    cpu_group: str | None = None
    faults: set[str] = field(default_factory=set)  # names from faults.py
    pool_alias: str = ""  # what the agent stored of its pool: name, virtual IP, member addresses
    pool_vip: str = ""
    pool_members: list[str] = field(default_factory=list)
    cluster_nodes: list[ClusterNode] = field(default_factory=list)  # this server's own copy of cluster.conf
    description: str = ""
    manager_name: str = ""  # the name Manager shows when an operator gave it another one
    before_ownership: dict[str, Any] = field(
        default_factory=dict
    )  # what Manager changed, put back on release

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{self.domain}"


@dataclass(slots=True)
class LabObject:
    """Any other object Manager knows (pool, network, repository, array, job, event, ...) with its attributes."""

    id: str
    type: str  # lower-case CLI type: serverpool, network, repository, storagearray, ...
    name: str
    attrs: dict[str, Any] = field(default_factory=dict)
    locked_by: str | None = None  # job id


@dataclass(slots=True)
class Switches:
    """Every UNCONFIRMED variant of the fact sheets, one switch each; defaults are the sheets' assumptions."""

    password_after_ownership: bool = False  # agent still takes the password once owned (agent-rpc 1)
    job_id_line: bool = True  # manager-cli 2.1
    empty_list_none: bool = False  # manager-cli 2.1
    bare_syntax_error: bool = False  # manager-cli 1.7
    exec_exit_status: bool = True  # manager-cli 1.2
    id_with_name: bool = False  # `Id = <id>  [<name>]`, manager-cli 3.0
    create_fails_at: str = "add"  # cluster errors appear at "add" or at "create", manager-cli 3.5
    cleans_failed_pool: bool = True  # a failed child operation leaves nothing (False: R006, 3.3.1+)
    release_keeps_ntp: bool = True  # a release leaves the NTP servers that Manager set (server-pools R031)
    leaves_pool_fs: bool = False  # delete ServerPool leaves the pool file system on the storage
    old_ssh: bool = False  # only ssh-dss, group1-sha1, aes128-cbc (Manager and dom0)
    old_tls: bool = False  # only TLS 1.0 with a 1024-bit certificate (agents)
    keyboard_interactive: bool = False  # manager-cli 1.1
    password_auth: bool = True
    banner: str = ""  # text before the first prompt
    line_end: str = "\n\r"  # manager-cli 1.4
    indented_documents: bool = True  # agent-rpc 2
    short_empty_elements: bool = True
    plain_http: bool = False
    extra: dict[str, Any] = field(default_factory=dict)  # further ones, documented where they are read


class World:
    """The whole simulated installation. One per lab; every server socket of the lab shares it."""

    def __init__(self, *, release: str = "3.4", seed: int = 1) -> None:
        self.release = release  # Manager's dialect: 3.2, 3.3, 3.4
        self.manager_version = {"3.2": "3.2.11.775", "3.3": "3.3.4.1160", "3.4": "3.4.6.2105"}[release]
        self.manager_uuid = "0004fb0000010000a1b2c3d4e5f60718"
        self.manager_address = "203.0.113.250"
        self.manager_name = "ovmm"
        self.manager_user = "admin"
        self.manager_password = ""
        self.servers: dict[str, LabServer] = {}
        self.nas: dict[str, LabNas] = {}
        self.luns: dict[str, LabLun] = {}
        self.objects: dict[str, LabObject] = {}
        self.neighbours: dict[str, str] = {}  # further addresses in use on the subnet -> MAC
        self.switches = Switches()
        self.faults: dict[str, dict[str, Any]] = {}  # name -> parameters (server, at, count, ...)
        self.started_at = time.time()  # real epoch seconds at which the lab began
        self.latency_s: dict[
            str, float
        ] = {}  # simulated seconds an answer takes, by plane: agent, ssh, manager
        self.agent_restarts: dict[str, Callable[[], None]] = {}  # server name -> restart its agent's socket
        self.dns_address = "203.0.113.253"  # resolver of the management network
        self.speed = 1.0  # simulated seconds per real second of delays; larger is faster
        self.random = random.Random(seed)
        self.fault_hits: dict[str, int] = {}  # how often each fault matched so far; see operations.reach
        self.audit: list[str] = []  # what changed, in words, for before/after comparisons in tests
        self._ids: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))

    def new_id(self, kind: str) -> str:
        """A Manager-made id: `0004fb00`, four hex of kind, `0000`, sixteen random hex (agent-rpc 7)."""
        return f"0004fb00{kind}0000{self.random.getrandbits(64):016x}"

    def server_by(self, text: str) -> LabServer | None:
        """A server by name, full name, address or uuid, None when unknown."""
        for server in self.servers.values():
            if text in (server.name, server.fqdn, server.address, server.uuid):
                return server
        return None

    def of_type(self, type_: str) -> list[LabObject]:
        """All objects of one CLI type, in creation order."""
        return [item for item in self.objects.values() if item.type == type_]
