"""Rows of what Manager tells, and of the storage and the paths to it."""

from __future__ import annotations

from core.models.facts import MultipathMap, MultipathSettings, PlaneFact, PlaneState
from core.platforms.oracle_vm.facts import (
    ManagedDisk,
    ManagedEvent,
    ManagedFileServer,
    ManagedFileSystem,
    ManagedJob,
    ManagedNetwork,
    ManagedPool,
    ManagedRepository,
)
from tests.unit.checks.builders import (
    NETWORKS,
    WWID,
    absent,
    certificate,
    context,
    lun,
    manager,
    nfs,
    server,
)
from tests.unit.checks.making import (
    INFO,
    ON_ISCSI,
    ON_LUN,
    UNCLUSTERED,
    F,
    N,
    P,
    Row,
    U,
    W,
    entry,
    lun_one,
    lun_two,
    one,
    told,
    two,
)

NAS = ManagedFileServer(id="nas", name="nas", access_host="nas01")
ABOVE = ManagedFileSystem(id="fs0", name="nfs:/export", path="/export", file_server="nas")
SIBLING = ManagedFileSystem(id="fs2", name="nfs:/export/repo", path="/export/repo", file_server="nas")
REPO = ManagedRepository(id="r", name="repo1", file_system="fs0")
DISK = ManagedDisk(id="d1", name="LUN", page83=WWID)
GONE = ManagedEvent(
    id="e", severity="critical", kind="PhysicalDiskOffline", object_id="d1", text="disk is offline"
)
OLD_TLS = {"agent": PlaneFact(state=PlaneState.OLD_CRYPTO, reason="too old", tls_version="TLSv1")}
SAYS_OLD_TLS = {"agent": PlaneFact(state=PlaneState.OLD_CRYPTO, reason="it offers only TLS 1.0 or so")}
MAP = MultipathMap(name=WWID, wwid=WWID, paths=4, active=4)
CONF = MultipathSettings(digest="d1", has_friendly_names=False, has_blacklist=True)
SHARED = ManagedNetwork(
    id="n", name="all", roles=("MANAGEMENT", "CLUSTER_HEARTBEAT", "LIVE_MIGRATE", "STORAGE")
)
MANAGEMENT = ManagedNetwork(id="m", name="mgmt", roles=("MANAGEMENT", "LIVE_MIGRATE"))
GUESTS = ManagedNetwork(id="g", name="san", roles=("Storage", "Virtual Machine"))
CHANGED = (
    "sd 1:0:0:1: Warning! Received an indication that the LUN assignments on this target have changed.",
)


def conf(**update: object) -> MultipathSettings:
    return CONF.model_copy(update=update)


def paths(**update: object) -> tuple[MultipathMap, ...]:
    return (MAP.model_copy(update=update),)


def reached(**states: str) -> dict[str, str]:
    return {f"nas01:{port.removeprefix('p')}": state for port, state in states.items()}


ROWS: list[Row] = [
    # fitness of Manager
    ("manager.version.supports", context(), P, ""),
    ("manager.version.supports", two(release="3.5.1-1"), F, "newer"),
    ("manager.version.supports", two(release="3.2.11-775"), F, "3.4.6"),
    (
        "manager.version.supports",
        context(server(1, release="3.2.9-1"), manager_facts=manager(version="3.4.3.1")),
        F,
        "older than 3.2.10",
    ),
    (
        "manager.version.supports",
        context(server(1, release="3.2.11-775"), manager_facts=manager(version="3.4.3.1")),
        P,
        "",
    ),
    ("manager.version.supports", two(release=absent()), U, ""),
    ("manager.version.supports", told(version=absent()), U, ""),
    ("manager.tls.servers", context(), P, ""),
    ("manager.tls.servers", two(agent_certificate=certificate(tls_version="TLSv1")), F, "203.0.113.12"),
    ("manager.tls.servers", two(agent_certificate=absent(), release="3.2.11-775"), F, "TLS 1.0 only"),
    ("manager.tls.servers", two(agent_certificate=absent(), release=absent()), U, ""),
    ("manager.tls.servers", two(agent_certificate=absent(), planes=OLD_TLS), F, "TLS 1.0 only"),
    ("manager.tls.servers", two(agent_certificate=absent(), planes=SAYS_OLD_TLS), P, ""),
    ("manager.tls.servers", told(version="3.4.4.1"), N, ""),
    ("manager.state.running", context(), P, "RUNNING"),
    ("manager.state.running", told(run_state="STARTING"), F, "STARTING"),
    ("manager.state.running", told(run_state=absent()), U, ""),
    ("manager.jobs.idle", context(), P, ""),
    ("manager.jobs.idle", told(jobs=(ManagedJob(id="7", name="Refresh", done=False),)), W, "abort Job id=7"),
    ("manager.jobs.idle", told(jobs=(ManagedJob(id="7", name="Refresh", state="In Progress"),)), W, ""),
    ("manager.jobs.idle", told(jobs=(ManagedJob(id="7", name="Refresh", state="Success"),)), P, ""),
    ("manager.jobs.idle", told(jobs=absent()), U, ""),
    ("manager.network.settled", context(), P, ""),
    (
        "manager.network.settled",
        told(events=(ManagedEvent(id="1", severity="warning", kind="NetworkCreateFailed"),)),
        W,
        "NetworkCreateFailed",
    ),
    (
        "manager.network.settled",
        told(jobs=(ManagedJob(id="1", name="Rediscover Server ovs01", done=False),)),
        W,
        "Rediscover",
    ),
    ("manager.network.settled", told(jobs=absent()), U, ""),
    ("manager.events.clear", context(), P, ""),
    (
        "manager.events.clear",
        told(
            servers=(entry(),),
            events=(ManagedEvent(id="9", severity="warning", kind="X", object_id=entry().id),),
        ),
        W,
        "ackEvent id=9",
    ),
    (
        "manager.events.clear",
        told(events=(ManagedEvent(id="9", severity="warning", kind="X", object_id="elsewhere"),)),
        P,
        "",
    ),
    ("manager.events.clear", told(events=absent()), U, ""),
    ("manager.capacity.room", context(), P, "1 pools"),
    (
        "manager.capacity.room",
        told(pools=tuple(ManagedPool(id=str(n), name=str(n)) for n in range(16))),
        W,
        "17 pools",
    ),
    (
        "manager.capacity.room",
        told(servers=tuple(entry(id=f"{n}", address=f"10.0.0.{n}", name=f"s{n}") for n in range(90))),
        INFO,
        "92 servers",
    ),
    ("manager.capacity.room", told(pools=absent()), U, ""),
    ("manager.servers.listed_once", context(), P, ""),
    (
        "manager.servers.listed_once",
        told(servers=(entry(), entry(id="11:22", address="203.0.113.99"))),
        W,
        "11:22",
    ),
    ("manager.servers.listed_once", told(servers=absent()), U, ""),
    ("manager.clock.skew", context(), P, ""),
    ("manager.clock.skew", context(server(1, clock_offset_s=-300.0)), W, "-300 s"),
    ("manager.clock.skew", two(clock_offset_s=absent()), U, ""),
    # networks
    ("network.heartbeat.separate", context(), P, "mgmt"),
    ("network.heartbeat.separate", told(networks=(SHARED,)), W, "storage"),
    ("network.heartbeat.separate", told(networks=absent()), U, ""),
    ("network.heartbeat.separate", told(networks=()), U, ""),
    ("network.heartbeat.separate", context(pool=UNCLUSTERED), N, ""),
    ("network.migrate.separate", context(), P, "san"),
    ("network.migrate.separate", told(networks=(MANAGEMENT,)), W, "mgmt"),
    ("network.migrate.separate", told(networks=absent()), U, ""),
    ("network.roles.covered", context(), P, ""),
    ("network.roles.covered", told(networks=(MANAGEMENT,)), F, "Cluster Heartbeat"),
    ("network.roles.covered", told(networks=(NETWORKS[0],)), W, "Live Migrate"),
    ("network.roles.covered", told(networks=absent()), U, ""),
    ("network.guests.apart", context(), P, ""),
    ("network.guests.apart", told(networks=(GUESTS,)), W, "guests"),
    ("network.guests.apart", told(networks=absent()), U, ""),
    ("network.heartbeat.fixed", context(), P, "mgmt"),
    ("network.heartbeat.fixed", told(networks=(*NETWORKS, SHARED)), INFO, "all"),
    ("network.heartbeat.fixed", told(networks=absent()), U, ""),
    ("network.heartbeat.fixed", context(pool=UNCLUSTERED), N, ""),
    # storage in Manager
    ("storage.nfs.overlap", context(), P, ""),
    ("storage.nfs.overlap", told(file_servers=(NAS,), file_systems=(SIBLING,)), P, "1 exports"),
    ("storage.nfs.overlap", told(file_servers=(NAS,), file_systems=(ABOVE,)), W, "overlap"),
    (
        "storage.nfs.overlap",
        told(file_servers=(NAS,), file_systems=(ABOVE,), repositories=(REPO,)),
        F,
        "repo1",
    ),
    ("storage.nfs.overlap", told(file_systems=absent()), U, ""),
    ("storage.nfs.overlap", context(pool=ON_LUN), N, ""),
    ("storage.nfs.busy", context(), P, ""),
    ("storage.nfs.busy", told(file_servers=(NAS,), file_systems=(ABOVE,), repositories=(REPO,)), W, "repo1"),
    ("storage.nfs.busy", told(repositories=absent()), U, ""),
    ("storage.nfs.busy", context(pool=ON_LUN), N, ""),
    ("storage.nfs.registered", context(), P, ""),
    (
        "storage.nfs.registered",
        told(file_servers=(NAS, NAS.model_copy(update={"id": "b", "access_host": "nas01.example.com"}))),
        W,
        "2 file servers",
    ),
    (
        "storage.nfs.registered",
        told(file_servers=(NAS.model_copy(update={"uniform": False}),)),
        W,
        "non-uniform",
    ),
    ("storage.nfs.registered", told(file_servers=absent()), U, ""),
    ("storage.nfs.registered", context(pool=ON_LUN), N, ""),
    ("storage.repository.bound", context(), P, ""),
    (
        "storage.repository.bound",
        told(repositories=(ManagedRepository(id="r", name="repo1", pool="gone"),)),
        INFO,
        "takeOwnership",
    ),
    ("storage.repository.bound", told(repositories=absent()), U, ""),
    ("storage.lun.online", context(), N, ""),
    ("storage.lun.online", context(pool=ON_LUN), P, ""),
    (
        "storage.lun.online",
        context(pool=ON_LUN, manager_facts=manager(disks=(DISK,), events=(GONE,))),
        F,
        "offline",
    ),
    ("storage.lun.online", context(pool=ON_LUN, manager_facts=manager(events=absent())), U, ""),
    # paths
    ("pair.multipath.conf", lun_two(), P, "d1"),
    ("pair.multipath.conf", lun_two(multipath_settings=conf(digest="d2")), W, "d2"),
    ("pair.multipath.conf", lun_two(multipath_settings=absent()), U, ""),
    ("pair.multipath.conf", context(), N, ""),
    ("storage.multipath.names", lun_one(), P, ""),
    ("storage.multipath.names", lun_one(multipath_settings=conf(has_friendly_names=True)), F, "is on"),
    ("storage.multipath.names", lun_one(multipath_settings=conf(has_friendly_names=None)), W, "not set"),
    ("storage.multipath.names", lun_one(multipath_settings=absent()), U, ""),
    ("storage.multipath.names", context(), N, ""),
    ("storage.multipath.sections", lun_one(), P, ""),
    (
        "storage.multipath.sections",
        lun_one(multipath_settings=conf(has_multipaths_section=True)),
        W,
        "multipaths",
    ),
    ("storage.multipath.sections", lun_one(multipath_settings=conf(has_blacklist=False)), W, "blacklist"),
    ("storage.multipath.sections", lun_one(multipath_settings=absent()), U, ""),
    ("storage.multipath.sections", context(), N, ""),
    ("storage.paths.two", lun_one(), P, "4 active"),
    ("storage.paths.two", lun_one(multipath=paths(active=1)), W, "1 active"),
    ("storage.paths.two", lun_one(multipath=()), U, ""),
    ("storage.paths.two", context(), N, ""),
    ("storage.paths.failed", lun_one(), P, "4 paths"),
    ("storage.paths.failed", lun_one(multipath=paths(active=3)), W, "1 failed"),
    ("storage.paths.failed", lun_two(multipath=paths(paths=2, active=2)), W, "2: 203.0.113.12"),
    ("storage.paths.failed", lun_one(multipath=absent()), U, ""),
    ("storage.paths.failed", context(), N, ""),
    ("storage.lun.remapped", lun_one(), P, ""),
    ("storage.lun.remapped", lun_one(kernel_trouble=CHANGED), W, "203.0.113.11"),
    ("storage.lun.remapped", lun_one(kernel_trouble=absent()), U, ""),
    ("storage.lun.remapped", context(), N, ""),
    ("storage.lun.sas", lun_one(), P, ""),
    (
        "storage.lun.sas",
        lun_one(sas_expanders=("expander-0:0",), pool_lun=lun(is_local=None)),
        F,
        "SAS",
    ),
    ("storage.lun.sas", lun_one(sas_expanders=("expander-0:0",)), P, ""),
    ("storage.lun.sas", lun_one(sas_expanders=absent()), U, ""),
    ("storage.lun.sas", context(), N, ""),
    (
        "storage.iscsi.sessions",
        context(server(1, iscsi_sessions=("198.51.100.241:3260",)), pool=ON_ISCSI),
        P,
        "",
    ),
    (
        "storage.iscsi.sessions",
        context(server(1, ports_reached={"198.51.100.241:3260": "open"}), pool=ON_ISCSI),
        P,
        "",
    ),
    (
        "storage.iscsi.sessions",
        context(server(1, ports_reached={"198.51.100.241:3260": "timeout"}), pool=ON_ISCSI),
        F,
        "timeout",
    ),
    ("storage.iscsi.sessions", context(server(1, iscsi_sessions=absent()), pool=ON_ISCSI), U, ""),
    ("storage.iscsi.sessions", lun_one(), N, ""),
    ("storage.failover.timeout", context(), P, "120"),
    ("storage.failover.timeout", context(pool={"timeout_s": 90}), INFO, "90"),
    ("storage.failover.timeout", context(pool={"timeout_s": 30}), W, "30"),
    ("storage.failover.timeout", context(pool=UNCLUSTERED), N, ""),
    ("storage.nfs.reach", context(), P, "2049"),
    ("storage.nfs.reach", two(ports_reached=reached(p2049="timeout", p111="open")), F, "timeout"),
    ("storage.nfs.reach", two(ports_reached=reached(p2049="open", p111="timeout")), W, "111"),
    (
        "storage.nfs.reach",
        context(server(1, ports_reached=reached(p2049="open", p111="refused"), pool_nfs=nfs(versions=(4,)))),
        P,
        "",
    ),
    ("storage.nfs.reach", two(ports_reached=absent()), U, ""),
    ("storage.nfs.reach", two(ports_reached={}), U, ""),
    ("storage.nfs.reach", lun_one(), N, ""),
    ("storage.nfs.version", context(), P, ""),
    ("storage.nfs.version", one(pool_nfs=nfs(versions=(4,))), INFO, "version 3"),
    ("storage.nfs.version", one(pool_nfs=nfs(versions=None)), U, ""),
    ("storage.nfs.version", lun_one(), N, ""),
    ("storage.nfs.same", context(), P, ""),
    ("storage.nfs.same", two(pool_nfs=nfs(size_bytes=5 * 2**40)), F, "not one share"),
    ("storage.nfs.same", two(pool_nfs=nfs(entries=("x",))), F, "different names"),
    ("storage.nfs.same", two(pool_nfs=nfs(size_bytes=None)), U, ""),
    ("storage.nfs.same", lun_one(), N, ""),
    ("storage.nfs.space", context(), P, "GB left"),
    ("storage.nfs.space", two(pool_nfs=nfs(free_bytes=10**9)), W, "1.0 GB"),
    ("storage.nfs.space", one(pool_nfs=nfs(free_bytes=None)), U, ""),
    ("storage.nfs.space", lun_one(), N, ""),
    ("storage.trial.clean", context(), P, ""),
    ("storage.trial.clean", two(pool_nfs=nfs(left_by_us="s2:/tmp/.pw")), W, "rmdir /tmp/.pw"),
    ("storage.trial.clean", one(pool_nfs=absent()), U, ""),
    ("storage.trial.clean", lun_one(), N, ""),
]
