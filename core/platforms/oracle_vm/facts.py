"""What is observed on Oracle VM servers (agent, dom0) and in Manager, beyond what every platform has.

Pure data. Field sources: agent-rpc 5.1-5.8, 13; manager-cli 3.3-3.16; server-pools 3a of the fact sheets.
Precedence where two planes tell the same is set in merge.py.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime
from typing_extensions import override

from core.facts.looks import LunLook as LunLook
from core.facts.looks import NfsLook as NfsLook
from core.facts.mesh import PairLook as PairLook
from core.models.base import Frozen
from core.models.facts import Fact, PlaneFact, ServerFacts
from core.models.fleet import FleetFacts


class AgentLogin(StrEnum):
    """How the agent took the password. An owned server of 3.3+ may refuse a right one (agent-rpc 1)."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # nobody owns it, or nobody can tell: the password is wrong
    REFUSED_OWNED = "refused_owned"  # owned: certificates took the place of the password


class StoredCluster(Frozen):
    """A cluster that a server's own configuration names (discover_cluster, cluster.conf, sysconfig o2cb)."""

    name: str = ""
    heartbeat_threshold: int | None = None  # seconds / 2 + 1
    heartbeat_mode: str = ""
    nodes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    digest: str = ""  # of the text of cluster.conf, "" where only the agent told
    addresses: tuple[str, ...] = ()

    @property
    def timeout_s(self) -> int | None:
        """Cluster timeout in seconds (server-pools 7b)."""
        return None if self.heartbeat_threshold is None else (self.heartbeat_threshold - 1) * 2


class O2cbSettings(Frozen):
    """/etc/sysconfig/o2cb: what the cluster of this server runs with (server-pools 7b). None: not set."""

    is_enabled: bool | None = None
    cluster: str = ""
    heartbeat_threshold: int | None = None
    idle_timeout_ms: int | None = None
    keepalive_delay_ms: int | None = None
    reconnect_delay_ms: int | None = None


class PoolFilesystem(Frozen):
    """The pool file system a server believes in (discover_pool_filesystem)."""

    kind: str = ""  # "nfs" or "lun"
    target: str = ""
    uuid: str = ""
    nfsbase_uuid: str = ""
    manager_uuid: str = ""
    pool_uuid: str = ""


class RepositoryEntry(Frozen):
    """One repository in a server's own data base (discover_repository_db)."""

    uuid: str
    alias: str = ""
    location: str = ""
    mount_point: str = ""
    manager_uuid: str = ""
    status: str = ""


class OvmServerFacts(ServerFacts):
    """One Oracle VM server. `release` of the base is OVM_Version (3.4.6-2105)."""

    agent_login: Fact[AgentLogin] = Fact[AgentLogin]()
    api_versions: Fact[tuple[int, ...]] = Fact[tuple[int, ...]]()
    agent_version: Fact[str] = Fact[str]()
    ovm_version: Fact[str] = Fact[str]()
    cpu_type: Fact[str] = Fact[str]()  # x86_64, sparc
    hypervisor_type: Fact[str] = Fact[str]()  # xen, ldoms
    owner: Fact[str] = Fact[str]()  # Manager UUID, None = nobody
    pool_id: Fact[str] = Fact[str]()  # None = in no pool
    pool_alias: Fact[str] = Fact[str]()
    membership_state: Fact[str] = Fact[str]()  # Unowned, Owned, Pooled
    is_master: Fact[bool] = Fact[bool]()
    master_vip: Fact[str] = Fact[str]()
    registered_ip: Fact[str] = Fact[str]()
    node_number: Fact[int] = Fact[int]()
    roles: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # xen, utility
    cluster_state: Fact[str] = Fact[str]()
    cluster_online: Fact[bool] = Fact[bool]()  # as the agent tells it
    cluster_running: Fact[bool] = Fact[bool]()  # as its own system tells it: o2cb online, or a heartbeat
    db_owner: Fact[str] = Fact[str]()  # owner as the agent's data base has it, read over SSH
    db_pool_id: Fact[str] = Fact[str]()  # the same of its pool
    conf_cluster: Fact[StoredCluster] = Fact[StoredCluster]()  # cluster.conf, read over SSH; None = none
    stored_cluster: Fact[StoredCluster] = Fact[StoredCluster]()  # None = no cluster configured
    pool_members: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    pool_filesystem: Fact[PoolFilesystem] = Fact[PoolFilesystem]()  # None = none
    capabilities: Fact[frozenset[str]] = Fact[frozenset[str]]()  # names whose value is True
    vmm_capabilities: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    repositories: Fact[tuple[RepositoryEntry, ...]] = Fact[tuple[RepositoryEntry, ...]]()
    o2cb: Fact[O2cbSettings] = Fact[O2cbSettings]()  # None = no such file
    cluster_modules: Fact[bool] = Fact[bool]()  # the kernel's o2cb modules can be loaded
    agent_trouble: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # last error lines of the agent's log
    hypervisor_options: Fact[str] = Fact[str]()  # Xen's command line
    dlm_package: Fact[str] = Fact[str]()  # SPARC: the DLM package, None = not installed
    service_domains: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # SPARC
    ldoms_version: Fact[str] = Fact[str]()  # SPARC
    network_tags: Fact[tuple[str, ...]] = Fact[
        tuple[str, ...]
    ]()  # `bond0 ethernet:<id>{<name>}:<roles>`, as Manager wrote them
    pool_nfs: Fact[NfsLook] = Fact[NfsLook]()
    pool_lun: Fact[LunLook] = Fact[LunLook]()
    peer_looks: Fact[tuple[PairLook, ...]] = Fact[
        tuple[PairLook, ...]
    ]()  # what it sees of its peers, of Manager

    @override
    def closed_by_design(self, connection: str) -> str:
        if connection != "agent" or self.agent_login.value is not AgentLogin.REFUSED_OWNED:
            return ""
        return "nothing to do: a Manager owns the server, so its agent takes certificates only; SSH tells what it can"


class ManagedServer(Frozen):
    """A server as Manager lists it (manager-cli 3.3)."""

    id: str
    name: str
    address: str = ""
    hostname: str = ""
    owner: str | None = None  # Manager UUID as shown; None = not shown or empty
    pool_id: str | None = None
    pool_name: str | None = None
    cpu_group: str | None = None
    state: str = ""  # Running, Stopped, Starting, Stopping, Unknown
    maintenance: bool | None = None
    release: str = ""
    hypervisor: str = ""
    processor_type: str = ""
    roles: tuple[str, ...] = ()
    disks: tuple[str, ...] = ()  # ids of the physical disks it sees
    locked: bool | None = None
    guests: tuple[str, ...] = ()  # names of the virtual machines on it
    is_shown: bool = True  # False: listed, but `show` gave nothing, so that empty fields say nothing


class ManagedPool(Frozen):
    """A server pool in Manager (manager-cli 3.5)."""

    id: str
    name: str
    virtual_ip: str | None = None
    members: tuple[str, ...] = ()  # server ids
    master: str | None = None
    clustered: bool | None = None
    file_system: str | None = None  # id of its pool file system or physical disk
    guests: tuple[str, ...] = ()  # names of its virtual machines
    is_shown: bool = True  # False: listed, but `show` gave nothing, so that empty fields say nothing


class ManagedFileServer(Frozen):
    """A file server in Manager; `is_local` for the `Local FS <server>` ones."""

    id: str
    name: str
    access_host: str = ""
    plugin: str = ""
    is_local: bool = False
    uniform: bool | None = None
    admin_servers: tuple[str, ...] = ()
    refresh_servers: tuple[str, ...] = ()
    file_systems: tuple[str, ...] = ()


class ManagedFileSystem(Frozen):
    """A file system in Manager. Sizes are known after a refresh only."""

    id: str
    name: str
    path: str = ""
    file_server: str | None = None
    size_bytes: int | None = None
    free_bytes: int | None = None


class ManagedDisk(Frozen):
    """A physical disk (LUN or local) in Manager."""

    id: str
    name: str
    page83: str = ""
    size_bytes: int | None = None
    is_local: bool | None = None
    array: str | None = None
    volume_group: str = ""
    state: str = ""  # online, offline, ...
    shareable: bool | None = None
    in_use_by: tuple[str, ...] = ()  # mappings, file systems


class ManagedArray(Frozen):
    """A storage array in Manager, the built-in unmanaged ones included."""

    id: str
    name: str
    kind: str = ""
    access_hosts: tuple[str, ...] = ()
    admin_servers: tuple[str, ...] = ()


class ManagedAccessGroup(Frozen):
    """Who may see the LUNs of an array (manager-cli 3.10)."""

    id: str
    name: str
    initiators: tuple[str, ...] = ()


class ManagedCpuGroup(Frozen):
    """A processor compatibility group."""

    id: str
    name: str
    servers: tuple[str, ...] = ()


class ManagedNetwork(Frozen):
    """A network with its roles (output spelling) and ports."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class ManagedRepository(Frozen):
    """A repository and the file system it lies on."""

    id: str
    name: str
    file_system: str | None = None
    pool: str | None = None
    presented: tuple[str, ...] = ()  # ids of the servers it is presented to
    is_shown: bool = True  # False: listed, but `show` gave nothing, so that empty fields say nothing


class ManagedGuest(Frozen):
    """A virtual machine that Manager lists, wherever it is."""

    id: str
    name: str


class ManagedJob(Frozen):
    """A job; `done` None when Manager did not say."""

    id: str
    name: str
    state: str = ""
    done: bool | None = None


class ManagedPlugin(Frozen):
    """A storage plug-in: `kind` is FileServerPlugin or StorageArrayPlugin."""

    id: str
    name: str
    kind: str = ""


class ManagedEvent(Frozen):
    """An unacknowledged event of severity warning or higher."""

    id: str
    severity: str = ""
    kind: str = ""
    text: str = ""
    object_id: str = ""


class ManagerFacts(Frozen):
    """What Manager tells. A list that could not be read carries the reason in its Fact."""

    version: Fact[str] = Fact[str]()  # 3.4.6.2105
    release: Fact[str] = Fact[str]()  # dialect: "3.2", "3.3", "3.4"
    uuid: Fact[str] = Fact[str]()
    name: Fact[str] = Fact[str]()
    run_state: Fact[str] = Fact[str]()
    servers: Fact[tuple[ManagedServer, ...]] = Fact[tuple[ManagedServer, ...]]()
    pools: Fact[tuple[ManagedPool, ...]] = Fact[tuple[ManagedPool, ...]]()
    file_servers: Fact[tuple[ManagedFileServer, ...]] = Fact[tuple[ManagedFileServer, ...]]()
    file_systems: Fact[tuple[ManagedFileSystem, ...]] = Fact[tuple[ManagedFileSystem, ...]]()
    disks: Fact[tuple[ManagedDisk, ...]] = Fact[tuple[ManagedDisk, ...]]()
    arrays: Fact[tuple[ManagedArray, ...]] = Fact[tuple[ManagedArray, ...]]()
    access_groups: Fact[tuple[ManagedAccessGroup, ...]] = Fact[tuple[ManagedAccessGroup, ...]]()
    cpu_groups: Fact[tuple[ManagedCpuGroup, ...]] = Fact[tuple[ManagedCpuGroup, ...]]()
    networks: Fact[tuple[ManagedNetwork, ...]] = Fact[tuple[ManagedNetwork, ...]]()
    repositories: Fact[tuple[ManagedRepository, ...]] = Fact[tuple[ManagedRepository, ...]]()
    guests: Fact[tuple[ManagedGuest, ...]] = Fact[tuple[ManagedGuest, ...]]()
    jobs: Fact[tuple[ManagedJob, ...]] = Fact[tuple[ManagedJob, ...]]()
    plugins: Fact[tuple[ManagedPlugin, ...]] = Fact[tuple[ManagedPlugin, ...]]()
    events: Fact[tuple[ManagedEvent, ...]] = Fact[tuple[ManagedEvent, ...]]()
    plane: PlaneFact = PlaneFact()
    observed_at: AwareDatetime | None = None

    def server(self, *, uuid: str | None = None, address: str | None = None) -> ManagedServer | None:
        """Manager's entry of a server, by Unique_Id first, then by address or name; None when it has none."""
        entries = self.servers.value or ()
        for entry in entries:
            if uuid and entry.id.lower() == uuid.lower():
                return entry
        for entry in entries:
            if address and address in (entry.address, entry.name, entry.hostname):
                return entry
        return None


class OvmFleet(FleetFacts):
    """Facts of all servers plus Manager's. `manager` None: nobody asked yet."""

    manager: ManagerFacts | None = None

    def ovm_server(self, name: str) -> OvmServerFacts | None:
        """One server's facts in this platform's type, None when nobody looked at it."""
        facts = self.servers.get(name)
        return facts if isinstance(facts, OvmServerFacts) else None
