"""The exact command texts of Manager 3.2, 3.3 and 3.4 (manager-cli 3.1-3.18). Pure: nothing is sent here.

Objects are addressed by id, so that names with `/`, blanks or `;` never reach a command line. Forms that the fact sheet
only assumes are marked `unconfirmed`.
"""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from core.errors import ExitCode, PoolwrightError
from core.platforms.oracle_vm.manager_cli import allow_list as allow
from core.platforms.oracle_vm.manager_cli.command import (
    AGENT_PASSWORD,
    CHAP_PASSWORD,
    Command,
    Hole,
    read,
    refresh,
    write,
)
from core.platforms.oracle_vm.spec import (
    AgentAccess,
    LunFileSystem,
    Policy,
    PolicyMode,
    PoolSettings,
    Release,
)

NFS_PLUGIN = "Oracle Generic Network File System"  # manager-cli 3.0, 3.8
SCSI_PLUGIN = "Oracle Generic SCSI Plugin"  # manager-cli 3.0
FC_ARRAY = "Unmanaged FibreChannel Storage Array"  # manager-cli 3.10
ROLE_WORDS = {"vm": "VIRTUAL_MACHINE", "utility": "UTILITY", "xen": "VIRTUAL_MACHINE"}  # manager-cli 3.4

SHOW_VERSION = read("showversion", is_bare=True)
SET_VERBOSE = read("set OutputMode=Verbose")


class NoSuchWordError(PoolwrightError):
    """This release's CLI has no words for what was asked."""

    code = "PW120"
    title = "the release cannot do that"
    exit_code = ExitCode.BAD_INPUT


class Dialect:
    """Manager 3.4; the older ones override what differs (manager-cli 3.18)."""

    release = Release.R34
    yes, no = "Yes", "No"
    array_type = "StorageArray"
    takes_name_as_reference = False  # fileSystem= by id

    def yes_no(self, value: bool) -> str:
        """Yes/No in this release's spelling (1.5)."""
        return self.yes if value else self.no

    # -- reading ---------------------------------------------------------------------------------------------------

    def list_of(self, type_: str) -> Command:
        """All objects of a type."""
        return read("list", allow.word(type_))

    def show(self, type_: str, id_: str) -> Command:
        """One object."""
        return read("show", allow.word(type_), f"id={allow.object_id(id_)}")

    def events(self) -> Command | None:
        """Unacknowledged events of severity warning and higher; None where the release has no such query (3.14)."""
        return read("getEvents severity=WARNING acknowledged=No amount=200")

    # -- servers ---------------------------------------------------------------------------------------------------

    def discover(self, address: str, agent: AgentAccess, *, own: bool = True) -> Command:
        """Discover a server and take it if nobody owns it; on an owned one that is silently ignored (3.1)."""
        self._plain_agent(agent)
        where = f"ipAddress={allow.address(address)}"
        return write(
            "discoverServer", where, "password=", AGENT_PASSWORD, f"takeOwnership={self.yes_no(own)}"
        )

    def _plain_agent(self, agent: AgentAccess) -> None:
        if agent != AgentAccess():
            raise NoSuchWordError(
                f"cannot discover with agent user {agent.user} and port {agent.port}: the CLI of {self.release} has"
                " no words for them",
                fix="leave agent.user and agent.port at oracle and 8899",
            )

    def own(self, server: str) -> Command:
        """Take a server that Manager knows and nobody owns (3.2)."""
        return write("takeOwnership Server", self._id(server), "password=", AGENT_PASSWORD)

    def release_server(self, server: str) -> Command:
        """Give up the ownership of a server that is in no pool (3.2)."""
        return write("releaseOwnership Server", self._id(server))

    def delete_server(self, server: str) -> Command:
        """Make Manager forget a server (3.4)."""
        return write("delete Server", self._id(server))

    def set_roles(self, server: str, roles: Sequence[str]) -> Command:
        """Replace a server's roles: `vm`, `utility` (3.4; the page of 3.3/3.4 was not seen)."""
        words = ",".join(dict.fromkeys(ROLE_WORDS[role] for role in roles))
        return write(
            "edit Server", self._id(server), f"roles={words}", unconfirmed=self.release is not Release.R32
        )

    def refresh(self, type_: str, id_: str) -> Command:
        """Refresh an object (3.7)."""
        return refresh("refresh", allow.word(type_), self._id(id_))

    def refresh_storage_layer(self, server: str) -> Command:
        """Make a server look again at its file servers and arrays (3.7)."""
        return refresh("refreshStorageLayer Server", self._id(server))

    # -- file servers ----------------------------------------------------------------------------------------------

    def create_file_server(
        self, name: str, host: str, plugin: str, servers: Sequence[str], *, uniform: bool = True
    ) -> Command:
        """Register an NFS server with admin and refresh servers in one command (3.8)."""
        ids = allow.quoted(",".join(allow.object_id(server) for server in servers))
        return write(
            "create FileServer", f"plugin={allow.quoted(_plugin(plugin))}", f"accessHost={allow.address(host)}",
            f"adminServers={ids}", f"refreshServers={ids}", f"uniformedExports={self.yes_no(uniform)}",
            f"name={allow.name(name, 'file server name')}",
        )  # fmt: skip

    def add_file_server_admin(self, file_server: str, server: str) -> Command:
        """Let a server administer a file server (3.8)."""
        return write("addAdminServer FileServer", self._id(file_server), f"server={allow.object_id(server)}")

    def add_refresh_server(self, file_server: str, server: str) -> Command:
        """Let a server refresh a file server (3.8)."""
        return write(
            "addRefreshServer FileServer", self._id(file_server), f"server={allow.object_id(server)}"
        )

    def remove_file_server_admin(self, file_server: str, server: str) -> Command:
        """Take an admin server away again (3.8)."""
        return write(
            "removeAdminServer FileServer", self._id(file_server), f"server={allow.object_id(server)}"
        )

    def remove_refresh_server(self, file_server: str, server: str) -> Command:
        """Take a refresh server away again (3.8; by analogy with addRefreshServer)."""
        line = ("removeRefreshServer FileServer", self._id(file_server), f"server={allow.object_id(server)}")
        return write(*line, unconfirmed=True)

    def delete_file_server(self, file_server: str) -> Command:
        """Make Manager forget an NFS server; the share is not touched (4.3)."""
        return write("delete FileServer", self._id(file_server))

    # -- storage arrays --------------------------------------------------------------------------------------------

    def create_array(self, name: str, lun: LunFileSystem, plugin: str) -> Command:
        """Register an iSCSI array by its portal, with CHAP when a user is given (3.10)."""
        words: list[str | Hole] = [
            f"create {self.array_type}", f"plugin={allow.quoted(_plugin(plugin))}", "storageType=ISCSI",
            f"accessHost={allow.address(lun.access_host or '', 'pool.file_system.access_host')}",
            f"accessPort={lun.access_port}",
        ]  # fmt: skip
        if lun.chap_user:
            user = allow.login(lun.chap_user, "pool.file_system.chap_user")
            words += [f"useChap={self.yes}", f"accessUsername={user}", "accessPassword=", CHAP_PASSWORD]
        words.append(f"name={allow.name(name, 'pool.file_system.array')}")
        return write(*words)

    def add_array_admin(self, array: str, server: str) -> Command:
        """Let a server administer an array (3.10)."""
        return write(
            f"addAdminServer {self.array_type}", self._id(array), f"server={allow.object_id(server)}"
        )

    def remove_array_admin(self, array: str, server: str) -> Command:
        """Take an admin server away again (3.8)."""
        return write(
            f"removeAdminServer {self.array_type}", self._id(array), f"server={allow.object_id(server)}"
        )

    def add_initiator(self, initiator: str, group: str) -> Command:
        """Let a server's iSCSI initiator see what the array's access group holds (3.10)."""
        return write(
            "add StorageInitiator", f"id={allow.initiator(initiator)}", "to AccessGroup", self._id(group)
        )

    def remove_initiator(self, initiator: str, group: str) -> Command:
        """Take an initiator out of an access group again."""
        return write(
            "remove StorageInitiator", f"id={allow.initiator(initiator)}", "from AccessGroup", self._id(group)
        )

    def validate_array(self, array: str) -> Command | None:
        """Let Manager check an array before its refresh (3.7); None where the release has no such command."""
        return refresh(f"validate {self.array_type}", self._id(array))

    def delete_array(self, array: str) -> Command:
        """Make Manager forget an array that we made (4.3)."""
        return write(f"delete {self.array_type}", self._id(array))

    # -- pools -----------------------------------------------------------------------------------------------------

    def create_pool(self, pool: PoolSettings, *, file_system: str | None, disk: str | None) -> Command:
        """Create the empty pool with everything this release can say at creation (3.5)."""
        words = [f"create ServerPool clusterEnable={self.yes_no(pool.clustered)}"]
        if pool.clustered:
            words.append(f"clusterTimeout={pool.timeout_s}")
            words += self._pool_storage(file_system, disk)
        words += self._common(pool)
        words += self._policy_words(pool.policy)
        words += self._names(pool)
        return write(*words)

    def _pool_storage(self, file_system: str | None, disk: str | None) -> Sequence[str]:
        if (file_system is None) == (disk is None):
            raise ValueError("a clustered pool needs a file system or a disk, and not both")
        if file_system is not None:
            return [f"fileSystem={allow.object_id(file_system)}"]
        return [f"physicalDisk={allow.object_id(disk or '')}"]

    def _common(self, pool: PoolSettings) -> Sequence[str]:
        return [
            f"keymapName={allow.word(pool.keymap)}",
            f"migrateUsingSsl={self.yes_no(pool.secure_migration)}",
            f"startPolicy={pool.start_policy}",
        ]

    def _names(self, pool: PoolSettings) -> Sequence[str]:
        words = [f"name={allow.name(pool.name)}"]
        if pool.description:
            words.append(f"description={allow.free_text(pool.description)}")
        if pool.virtual_ip:
            words.append(f"virtualIP={allow.address(pool.virtual_ip, 'pool.virtual_ip')}")
        return words

    def _policy_words(self, policy: Policy) -> Sequence[str]:
        if policy.mode is PolicyMode.OFF:
            return []
        return _policy(policy, self)

    def edit_policy(self, pool: str, policy: Policy) -> Command | None:
        """Set the policy after creation; None when it is off, or was already set at creation (3.5, not seen)."""
        return None

    def add_policy_server(self, pool: str, server: str) -> Command:
        """Let the policy act on a server (3.5)."""
        return write("addPolicyServer ServerPool", self._id(pool), f"server={allow.object_id(server)}")

    def add_server(self, server: str, pool: str) -> Command:
        """Put a server into a pool; the first becomes master (3.6)."""
        return write("add Server", self._id(server), "to ServerPool", self._id(pool))

    def remove_server(self, server: str, pool: str) -> Command:
        """Take a server out of a pool; the master goes last (3.6)."""
        return write("remove Server", self._id(server), "from ServerPool", self._id(pool))

    def delete_pool(self, pool: str) -> Command:
        """Delete an empty pool (3.5)."""
        return write("delete ServerPool", self._id(pool))

    def refuses(self, pool: PoolSettings) -> list[str]:
        """Wishes this release has no words for, in words for the operator."""
        return []

    @staticmethod
    def _id(value: str) -> str:
        return allow.reference(value)


def _plugin(value: str) -> str:
    allow.object_id(value)  # the id or name of a plug-in, as Manager told it
    return value


def _policy(policy: Policy, dialect: Dialect) -> list[str]:
    words = [f"policyMode={policy.mode}"]
    if policy.cpu_threshold_pct is not None:
        words += [f"policyCpuEnable={dialect.yes}", f"policyCpuThreshold={policy.cpu_threshold_pct}"]
    if policy.period_min is not None:
        words.append(f"policyPeriod={policy.period_min}")
    return words


class Dialect33(Dialect):
    """Manager 3.3: as 3.4, but the policy is set after creation."""

    release = Release.R33

    @override
    def _policy_words(self, policy: Policy) -> Sequence[str]:
        return []

    @override
    def edit_policy(self, pool: str, policy: Policy) -> Command | None:
        if policy.mode is PolicyMode.OFF:
            return None
        return write("edit ServerPool", self._id(pool), *_policy(policy, self), unconfirmed=True)

    @override
    def refuses(self, pool: PoolSettings) -> list[str]:
        if pool.start_policy.value == "BALANCE_SERVER":
            return [f"start policy BALANCE_SERVER is not known to {self.release}"]
        return []


class Dialect32(Dialect33):
    """Manager 3.2: lower-case yes and no, ownership by `edit Server`, SanServer, admin servers by `add Server`."""

    release = Release.R32
    yes, no = "yes", "no"
    array_type = "SanServer"

    @override
    def events(self) -> Command | None:
        return None

    @override
    def discover(self, address: str, agent: AgentAccess, *, own: bool = True) -> Command:
        return write(
            "discoverServer", f"ipAddress={allow.address(address)}", f"port={agent.port}",
            f"username={allow.login(agent.user, 'agent.user')}", "password=", AGENT_PASSWORD,
            f"takeOwnership={self.yes_no(own)}",
        )  # fmt: skip

    @override
    def own(self, server: str) -> Command:
        return write("edit Server", self._id(server), f"takeOwnership={self.yes}")

    @override
    def release_server(self, server: str) -> Command:
        return write("edit Server", self._id(server), f"takeOwnership={self.no}")

    @override
    def create_file_server(
        self, name: str, host: str, plugin: str, servers: Sequence[str], *, uniform: bool = True
    ) -> Command:
        return write(
            "create FileServer", f"name={allow.name(name, 'file server name')}",
            f"plugin={allow.quoted(_plugin(plugin))}", f"accessHost={allow.address(host)}",
        )  # fmt: skip

    @override
    def add_file_server_admin(self, file_server: str, server: str) -> Command:
        return write("add Server", self._id(server), "to FileServer", self._id(file_server))

    @override
    def add_refresh_server(self, file_server: str, server: str) -> Command:
        return write(
            "addNfsRefreshServer FileServer",
            self._id(file_server),
            f"nfsRefreshServer={allow.object_id(server)}",
        )

    @override
    def remove_file_server_admin(self, file_server: str, server: str) -> Command:
        return write("remove Server", self._id(server), "from FileServer", self._id(file_server))

    @override
    def remove_refresh_server(self, file_server: str, server: str) -> Command:
        line = (
            "removeNfsRefreshServer FileServer",
            self._id(file_server),
            f"nfsRefreshServer={allow.object_id(server)}",
        )
        return write(*line, unconfirmed=True)

    @override
    def add_array_admin(self, array: str, server: str) -> Command:
        return write("add Server", self._id(server), "to SanServer", self._id(array))

    @override
    def remove_array_admin(self, array: str, server: str) -> Command:
        return write("remove Server", self._id(server), "from SanServer", self._id(array))

    @override
    def validate_array(self, array: str) -> Command | None:
        return None

    @override
    def create_pool(self, pool: PoolSettings, *, file_system: str | None, disk: str | None) -> Command:
        if not pool.virtual_ip:
            raise NoSuchWordError(
                "cannot create the pool on 3.2: it needs a virtual IP", fix="give pool.virtual_ip (R013)"
            )
        words = [
            f"create ServerPool virtualIP={allow.address(pool.virtual_ip, 'pool.virtual_ip')}",
            f"clusterEnable={self.yes_no(pool.clustered)}",
        ]
        if pool.clustered:
            words += self._pool_storage(file_system, disk)
        words += self._common(pool)
        words.append(f"name={allow.name(pool.name)}")
        if pool.description:
            words.append(f"description={allow.free_text(pool.description)}")
        return write(*words)

    @override
    def _pool_storage(self, file_system: str | None, disk: str | None) -> Sequence[str]:
        return [
            word.replace("fileSystem=", "filesystem=", 1) for word in super()._pool_storage(file_system, disk)
        ]

    @override
    def edit_policy(self, pool: str, policy: Policy) -> Command | None:
        return None

    @override
    def refuses(self, pool: PoolSettings) -> list[str]:
        wishes = super().refuses(pool)
        if pool.clustered and pool.timeout_s != PoolSettings.model_fields["timeout_s"].default:
            wishes.append(
                f"cluster timeout {pool.timeout_s} s: the CLI of 3.2 has no word for it, its default stands"
            )
        if pool.policy.mode is not PolicyMode.OFF:
            wishes.append(
                f"policy {pool.policy.mode}: the CLI of 3.2 has no word for it, set it in the web interface"
            )
        return wishes


_DIALECTS: dict[Release, type[Dialect]] = {
    Release.R32: Dialect32,
    Release.R33: Dialect33,
    Release.R34: Dialect,
}


def dialect_of(release: Release | str) -> Dialect:
    """The dialect of a release word (`3.4`) or a version (`3.4.6.2105`); NoSuchWordError names the ones we speak."""
    word = ".".join(str(release).split(".")[:2])
    try:
        return _DIALECTS[Release(word)]()
    except ValueError:
        raise NoSuchWordError(
            f"cannot speak with Manager {release}: only 3.2, 3.3 and 3.4 are known",
            fix="use one of these releases",
        ) from None
