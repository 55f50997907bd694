"""Small builders of specs, servers and Managers, all healthy unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.checks.context import Context
from core.checks.runner import POOL, run_one, targets
from core.facts.looks import LunLook, NfsLook
from core.facts.mesh import PairLook, Ping, PortState
from core.models.cpu import Arch, CpuProfile, FlagSource
from core.models.facts import (
    Address,
    Bond,
    BondPort,
    CertificateFact,
    Disk,
    Fact,
    FreeSpace,
    Interface,
    MultipathMap,
    MultipathSettings,
    NtpPeer,
    PlaneFact,
    PlaneState,
)
from core.models.gaps import Gap, GapKind
from core.models.results import CheckResult, Verdict
from core.platforms.oracle_vm.checks.catalog import registry
from core.platforms.oracle_vm.facts import (
    AgentLogin,
    ManagedNetwork,
    ManagerFacts,
    O2cbSettings,
    OvmFleet,
    OvmServerFacts,
)
from core.platforms.oracle_vm.spec import PoolSpec

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWN = "0004fb0000010000a1b2c3d4e5f60718"
OTHER = "0004fb0000010000ffeeddccbbaa9988"
VIP = "203.0.113.10"
WWID = "360a98000a648a7dd06839eb905b6e6e3"
NFS: dict[str, Any] = {"kind": "nfs", "server": "nas01", "export": "/export/poolfs"}
LUN: dict[str, Any] = {"kind": "lun", "transport": "fc", "wwid": WWID}
OK = PlaneFact(state=PlaneState.OK)
REGISTRY = registry()
NETWORKS = (
    ManagedNetwork(id="n1", name="mgmt", roles=("MANAGEMENT", "CLUSTER_HEARTBEAT", "VIRTUAL_MACHINE")),
    ManagedNetwork(id="n2", name="san", roles=("LIVE_MIGRATE", "STORAGE")),
)


def seen(value: Any) -> Fact[Any]:
    return Fact[Any].seen(value, "test", NOW)


def absent(
    reason: str = "no SSH login to the servers was given", kind: GapKind = GapKind.NO_CONNECTION
) -> Fact[Any]:
    """A fact that is missing; without words because the spec has no `ssh:`."""
    gap = Gap(kind=kind, connection="ssh", source="test", text=reason)
    return Fact[Any].absent(gap, observed_at=NOW)


def spec(
    *,
    servers: Sequence[Any] = ("203.0.113.11", "203.0.113.12"),
    pool: Mapping[str, Any] | None = None,
    **more: Any,
) -> PoolSpec:
    """A clustered pool on NFS with a virtual IP; `pool` and keywords override."""
    data: dict[str, Any] = {
        "manager": {"host": "203.0.113.250"},
        "pool": {"name": "pool1", "virtual_ip": VIP, "file_system": NFS, **(pool or {})},
        "servers": [{"address": one} if isinstance(one, str) else one for one in servers],
        "ssh": {"user": "root"},
        **more,
    }
    return PoolSpec.model_validate(data)


def haswell(**update: Any) -> CpuProfile:
    profile = CpuProfile(
        arch=Arch.X86_64,
        vendor="GenuineIntel",
        family="6",
        model="63",
        stepping="2",
        flags=frozenset({"fpu", "sse2", "avx2"}),
        flag_source=FlagSource.XEN_DOM0,
        microcode="0x49",
        khz=2494224,
        threads_per_core=2,
        has_hvm=True,
        sockets=2,
        cores_per_socket=12,
        kernel="4.1.12-124",
        platform_release="3.4.6-2105",
        hypervisor="xen 4.4.4OVM",
    )
    return profile.model_copy(update=update)


def sparc() -> CpuProfile:
    return CpuProfile(arch=Arch.SPARC, sockets=2, cores_per_socket=12)


def server(number: int = 1, **update: Any) -> OvmServerFacts:
    """A healthy, unowned server 203.0.113.1<number>; keywords are facts, given as values or as Facts."""
    address = f"203.0.113.1{number}"
    peers = {f"ovs0{n}": (f"203.0.113.1{n}",) for n in (1, 2, 3) if n != number}
    values: dict[str, Any] = {
        "hostname": f"ovs0{number}",
        "server_uuid": f"aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:0{number}",
        "cpu": haswell(),
        "memory_mib": 131072,
        "addresses": (Address(interface="cb007100", address=address, prefix=24),),
        "interfaces": (
            Interface(name="eth0", kind="nic", mac=f"00:21:f6:00:00:0{number}", mtu=1500, master="bond0"),
            Interface(name="eth1", kind="nic", mac=f"00:21:f6:00:01:0{number}", mtu=1500, master="bond0"),
            Interface(
                name="bond0", kind="bond", mac=f"00:21:f6:00:00:0{number}", mtu=1500, master="cb007100"
            ),
            Interface(name="cb007100", kind="bridge", mac=f"00:21:f6:00:00:0{number}", mtu=1500),
        ),
        "bonds": (bond(),),
        "boot_protocols": {"eth0": "none", "bond0": "none", "cb007100": "static"},
        "wakes_on_lan": {"eth0": True, "eth1": True},
        "reverse_names": (f"ovs0{number}.example.com",),
        "dns_servers": ("203.0.113.253",),
        "name_sources": ("files", "dns"),
        "ntp_is_running": True,
        "ntp_servers": ("203.0.113.250",),
        "ntp_peers": (NtpPeer(address="203.0.113.250", is_chosen=True, stratum=3, reach=255, offset_ms=0.2),),
        "local_time_source": False,
        "time_zone": "UTC",
        "release": "3.4.6-2105",
        "ovm_version": "3.4.6-2105",
        "agent_version": "3.4.6-44",
        "kernel": "4.1.12-124.18.6.el6uek.x86_64",
        "boot_kernel": "4.1.12-124.18.6.el6uek.x86_64",
        "hypervisor": "Xen 4.4.4OVM",
        "hypervisor_options": "dom0_mem=max:3189M gnttab_max_frames=64 dom0_max_vcpus=20",
        "bios_version": "2.8.0",
        "boot_time_s": int(NOW.timestamp()) - 30 * 86400,
        "free_memory_mib": 122880,
        "own_memory_mib": 3189,
        "own_cpus": 20,
        "running_guests": (),
        "initiator": f"iqn.1988-12.com.oracle:00000000000{number}",
        "iscsi_sessions": (),
        "sas_expanders": (),
        "kernel_trouble": (),
        "agent_trouble": (),
        "cluster_modules": True,
        "o2cb": O2cbSettings(
            is_enabled=False,
            cluster="ocfs2",
            heartbeat_threshold=31,
            idle_timeout_ms=30000,
            keepalive_delay_ms=2000,
            reconnect_delay_ms=2000,
        ),
        "free_space": (FreeSpace(path="/", size_bytes=50 * 2**30, free_bytes=41 * 2**30),),
        "multipath": (MultipathMap(name=WWID, wwid=WWID, size_bytes=20 * 2**30, paths=4, active=4),),
        "multipath_settings": MultipathSettings(digest="d1", has_friendly_names=False, has_blacklist=True),
        "ports_reached": {"203.0.113.250:7002": "open", "nas01:2049": "open", "nas01:111": "open"},
        "agent_certificate": certificate(),
        "registered_ip": None,
        "peer_looks": looks(number),
        "default_gateway": "203.0.113.254",
        "own_name_addresses": (address,),
        "loopback_names": ("localhost",),
        "peer_addresses": peers,
        "clock_offset_s": 0.1,
        "clock_error_s": 0.05,
        "disks": (Disk(name="sda", size_bytes=600 * 10**9, is_local=True),),
        "firewall_rules": ("-P INPUT ACCEPT",),
        "vip_holder_mac": None,
        "agent_login": AgentLogin.ACCEPTED,
        "owner": None,
        "pool_id": None,
        "stored_cluster": None,
        "cluster_online": False,
        "cluster_running": False,
        "mounts": (),
        "repositories": (),
        "master_vip": None,
        "pool_nfs": nfs(),
        "pool_lun": lun(),
    }
    planes = update.pop("planes", {"agent": OK, "ssh": OK})
    address = update.pop("address", address)
    name = update.pop("name", address)
    values |= update
    for by_ssh, told in {
        "db_owner": "owner",
        "db_pool_id": "pool_id",
        "conf_cluster": "stored_cluster",
    }.items():
        values.setdefault(by_ssh, values[told])
    facts = {key: value if isinstance(value, Fact) else seen(value) for key, value in values.items()}
    return OvmServerFacts(name=name, address=address, planes=planes, observed_at=NOW, **facts)


def bond(**update: Any) -> Bond:
    """bond0 in active-backup mode on two healthy ports."""
    ports = tuple(
        BondPort(name=name, is_up=True, speed_mbps=1000, is_full_duplex=True) for name in ("eth0", "eth1")
    )
    return Bond(name="bond0", mode=1, ports=ports).model_copy(update=update)


def certificate(**update: Any) -> CertificateFact:
    """A certificate of today for ten years."""
    fact = CertificateFact(
        algorithm="x509 RSA 2048",
        bits=2048,
        not_before=NOW - timedelta(days=30),
        not_after=NOW + timedelta(days=3600),
        tls_version="TLSv1.2",
    )
    return fact.model_copy(update=update)


def look(number: int, target: str, **update: Any) -> PairLook:
    """What server `number` sees of a healthy target."""
    one = PairLook(
        source=f"203.0.113.1{number}",
        target=target,
        ping=Ping(sent=5, received=5, rtt_ms=0.2, rtt_max_ms=0.3),
        ports=dict.fromkeys((7777, 8002), PortState.REFUSED),
        path_mtu=1500,
        mtu_tried=1500,
    )
    return one.model_copy(update=update)


def looks(number: int, **update: Any) -> tuple[PairLook, ...]:
    """What server `number` sees of its peers 1 to 3 and of Manager; keywords change its looks at the peers."""
    peers = [look(number, f"203.0.113.1{other}", **update) for other in (1, 2, 3) if other != number]
    return (*peers, look(number, "manager", ports={7002: PortState.OPEN}))


def nfs(**update: Any) -> NfsLook:
    look = NfsLook(
        export="nas01:/export/poolfs",
        answers=True,
        is_exported=True,
        exports=("/export/poolfs",),
        entries=(),
        size_bytes=100 * 2**30,
        free_bytes=98 * 2**30,
        versions=(3, 4),
        address="198.51.100.240",
    )
    return look.model_copy(update=update)


def lun(**update: Any) -> LunLook:
    look = LunLook(
        wwid=WWID,
        is_seen=True,
        device=f"/dev/mapper/{WWID}",
        size_bytes=20 * 2**30,
        is_local=False,
        paths=4,
        signatures=(),
        holders=(),
        is_blank=True,
    )
    return look.model_copy(update=update)


def manager(**update: Any) -> ManagerFacts:
    """A reachable Manager 3.4 that knows nothing yet."""
    values: dict[str, Any] = {
        "version": "3.4.6.2105",
        "release": "3.4",
        "uuid": OWN,
        "name": "ovmm",
        "run_state": "RUNNING",
    }
    lists = "servers pools file_servers file_systems disks arrays cpu_groups networks repositories guests jobs plugins"
    lists += " events"
    values |= dict.fromkeys(lists.split(), ()) | {"networks": NETWORKS} | update
    plane = values.pop("plane", OK)
    facts = {key: value if isinstance(value, Fact) else seen(value) for key, value in values.items()}
    return ManagerFacts(plane=plane, observed_at=NOW, **facts)


def context(
    *servers: OvmServerFacts,
    of: PoolSpec | None = None,
    manager_facts: ManagerFacts | None = None,
    **more: Any,
) -> Context[PoolSpec, OvmFleet]:
    """A look at these servers (two healthy ones by default) with a healthy Manager."""
    looked = servers or (server(1), server(2))
    wanted = of or spec(servers=[facts.name for facts in looked], **more)
    told = manager_facts or manager()
    fleet = OvmFleet(
        servers={facts.name: facts for facts in looked}, controller=told.plane, manager=told, observed_at=NOW
    )
    return Context(wanted, fleet, NOW)


def judge(check_id: str, ctx: Context[PoolSpec, OvmFleet], target: str | None = None) -> CheckResult:
    """The result of one check on one target (the first one by default), prerequisites aside."""
    check = REGISTRY.checks[check_id]
    chosen = target or next(iter(targets(check, ctx)), POOL)
    return run_one(check, ctx, chosen)


def verdict(check_id: str, ctx: Context[PoolSpec, OvmFleet], target: str | None = None) -> Verdict:
    return judge(check_id, ctx, target).verdict
