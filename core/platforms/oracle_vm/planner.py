"""Spec and facts to a plan: ordered steps with the exact commands and the way back. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from core.errors import PoolwrightError
from core.models.facts import Fact
from core.models.fingerprint import digest
from core.models.plan import JsonDict, Plan, PlannedStep, PlanWarning
from core.models.results import CheckResult, Verdict
from core.platforms.oracle_vm.facts import ManagedFileServer, ManagedServer, ManagerFacts, OvmFleet
from core.platforms.oracle_vm.fingerprint import basis_of, has_own_clock_only, ntp_commands
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.allow_list import later
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import (
    FC_ARRAY,
    NFS_PLUGIN,
    SCSI_PLUGIN,
    Dialect,
    NoSuchWordError,
    dialect_of,
)
from core.platforms.oracle_vm.manager_cli.session import commands_of
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PolicyMode, PoolSpec, StartPolicy
from core.platforms.oracle_vm.steps.common import Who, roles_of

T = TypeVar("T")
POOL_LANE = "pool"
NTP_SET = "it has no time source but its own clock: Manager will set NTP on it (R031); a release does not undo that."
NTP_STAYS = "it has NTP servers of its own, which Manager leaves alone"
NTP_UNREAD = (
    "nobody could read its NTP servers; if Manager sets some, a release does not put that back (R031)"
)
SEEN_BY_SSH = "a server's own system can look at the storage"
STAYS = "stays after a rollback: this Manager owned it before"


def make_plan(
    spec: PoolSpec, fleet: OvmFleet, results: Sequence[CheckResult], now: datetime | None = None
) -> Plan:
    """The plan; raises PoolwrightError when the release is unknown or cannot do what is asked for."""
    return _Planner(spec, fleet).plan(results, now)


def release_of(spec: PoolSpec, fleet: OvmFleet) -> str:
    """Release word of the Manager that was seen, else the one in the spec; PoolwrightError when neither tells."""
    seen = fleet.manager.release.value if fleet.manager else None
    release = seen or (str(spec.release) if spec.release else None)
    if release is None:
        raise PoolwrightError(
            "cannot plan: the release of Manager is not known", fix="give `release: 3.4` or reach Manager"
        )
    return release


class _Planner:
    def __init__(self, spec: PoolSpec, fleet: OvmFleet) -> None:
        self.spec, self.fleet = spec, fleet
        self.manager = fleet.manager or ManagerFacts()
        self.release = release_of(spec, fleet)
        self.dialect: Dialect = dialect_of(self.release)
        self.targets = {target.address: target for target in spec.servers}

    def plan(self, results: Sequence[CheckResult], now: datetime | None) -> Plan:
        pool = self.spec.pool
        if pool.start_policy is StartPolicy.BALANCE_SERVER and self.release != "3.4":
            raise NoSuchWordError(
                f"cannot plan for {self.release}: start policy BALANCE_SERVER exists since 3.4",
                fix="use CURRENT_SERVER or BEST_SERVER (R098)",
            )
        owns = [self._own(name) for name in self.spec.master_first]
        storage = self._storage([step.id for step in owns])
        create = self._create([step.id for step in (*owns, *storage)])
        joins = self._joins(create.id)
        policy = self._policy(joins)
        basis = basis_of(self.spec, self.fleet)
        return Plan(
            platform=self.spec.platform,
            pool=pool.name,
            steps=(*owns, *storage, create, *joins, *policy),
            warnings=(*self._warnings(), *_found(results)),
            release=self.release,
            spec_hash=fingerprint(self.spec),
            facts_hash=digest(basis),
            basis=basis,
            made_at=now,
            verification=tuple(self._verification()),
        )

    # -- servers ---------------------------------------------------------------------------------------------------

    def who(self, name: str) -> Who:
        """Everything by which Manager may know a server."""
        facts = self.fleet.servers.get(name)
        uuid = _value(facts.server_uuid) if facts else None
        hostname = _value(facts.hostname) if facts else None
        managed = self._managed(name)
        also = [facts.address if facts else "", hostname or "", managed.address if managed else ""]
        words = tuple(dict.fromkeys(word for word in also if word and word != name))
        return Who(name, str(uuid or (managed.id if managed else "")), words)

    def _managed(self, name: str) -> ManagedServer | None:
        facts = self.fleet.servers.get(name)
        uuid = _value(facts.server_uuid) if facts else None
        return self.manager.server(uuid=str(uuid) if uuid else None, address=name)

    def _is_ours(self, managed: ManagedServer | None) -> bool:
        own = _value(self.manager.uuid)
        return bool(managed and own and managed.owner and managed.owner.casefold() == str(own).casefold())

    def id_of(self, name: str) -> str:
        """Manager's id of a server, or the mark of one that is not known yet."""
        managed = self._managed(name)
        return managed.id if managed else self.who(name).uuid or later(name)

    def _roles(self, name: str) -> tuple[str, ...]:
        return tuple(sorted(roles_of(self.targets[name].roles or self.spec.pool.roles), reverse=True))

    def _own(self, name: str) -> PlannedStep:
        dialect, managed, roles = self.dialect, self._managed(name), self._roles(name)
        server = self.id_of(name)
        is_ours = self._is_ours(managed)
        commands: list[Command] = []
        if managed is None:
            commands.append(dialect.discover(name, self.spec.agent))
        elif not is_ours:
            commands.append(dialect.own(server))
        if managed is not None and is_ours and roles_of(managed.roles) not in (frozenset(), frozenset(roles)):
            commands.append(dialect.set_roles(server, roles))
        if managed is None and roles != ("vm", "utility"):
            commands.append(dialect.set_roles(server, roles))  # a fresh server has both (manager-cli 3.4)
        undo = [] if is_ours else [dialect.release_server(server)]
        undo += [dialect.delete_server(server)] if managed is None else []
        verb = "adopt" if is_ours else "own" if managed else "discover and own"
        return PlannedStep(
            id=f"own_server:{name}",
            kind="own_server",
            title=f"{verb} {name}",
            lane=name,
            args={
                "server": self.who(name).as_args(),
                "address": name,
                "agent": self.spec.agent.model_dump(mode="json"),
                "roles": list(roles),
            },
            commands=commands_of(commands),
            undo_commands=commands_of(undo),
            undo_needs=() if is_ours else (f"the agent of {name} answers", f"{name} is in no pool"),
            undo_note=STAYS if is_ours else self._not_restored(name),
        )

    def _not_restored(self, name: str) -> str:
        """What Manager sets when it takes this server, and a release does not put back (server-pools R031)."""
        facts = self.fleet.ovm_server(name)
        own_clock = has_own_clock_only(facts)
        if own_clock is None:
            return NTP_UNREAD
        if not own_clock:
            return NTP_STAYS
        commands = ntp_commands(facts.address if facts else name, [])
        return f"{NTP_SET} Afterwards: {commands[0]}" if commands else NTP_SET

    # -- storage ---------------------------------------------------------------------------------------------------

    def _storage(self, needs: list[str]) -> list[PlannedStep]:
        wanted = self.spec.pool.file_system if self.spec.pool.clustered else None
        if isinstance(wanted, NfsFileSystem):
            return [self._nfs(wanted, needs)]
        if isinstance(wanted, LunFileSystem):
            return [self._lun(wanted, needs)]
        return []

    def _nfs(self, wanted: NfsFileSystem, needs: list[str]) -> PlannedStep:
        dialect = self.dialect
        ids = [self.id_of(name) for name in self.spec.master_first]
        known = self._file_server(wanted.server)
        name = self._free_name(
            f"nfs {wanted.server}", [one.name for one in self.manager.file_servers.value or ()]
        )
        commands: list[Command | None] = []
        if known is None:
            commands.append(
                dialect.create_file_server(name, wanted.server, self._plugin(), ids, uniform=wanted.uniform)
            )
        server = known.id if known else later(f"file server {wanted.server}")
        admins = known.admin_servers if known else () if self.release == "3.2" else tuple(ids)
        refreshers = known.refresh_servers if known else admins
        commands += [dialect.add_file_server_admin(server, id_) for id_ in ids if id_ not in admins]
        commands += [dialect.add_refresh_server(server, id_) for id_ in ids if id_ not in refreshers]
        system = self._file_system(known, wanted.export) or later(f"nfs:{wanted.export}")
        commands += [dialect.refresh("FileServer", server), dialect.refresh("FileSystem", system)]
        undo = [dialect.delete_file_server(server)] if known is None else []
        return PlannedStep(
            id="prepare_nfs:pool",
            kind="prepare_nfs",
            title=f"prepare the export {wanted.server}:{wanted.export}",
            lane=POOL_LANE,
            args={
                "host": wanted.server,
                "export": wanted.export,
                "uniform": wanted.uniform,
                "name": name,
                "servers": self._all_servers(),
            },
            needs=tuple(needs),
            commands=commands_of(commands),
            undo_commands=commands_of(undo),
            undo_needs=("no file system of it is in use",),
            undo_note="the file server was registered before and stays"
            if known
            else "the share is not touched",
        )

    def _file_server(self, host: str) -> ManagedFileServer | None:
        servers = self.manager.file_servers.value or ()
        return next(
            (one for one in servers if not one.is_local and one.access_host.casefold() == host.casefold()),
            None,
        )

    def _file_system(self, server: ManagedFileServer | None, export: str) -> str | None:
        if server is None:
            return None
        for one in self.manager.file_systems.value or ():
            is_there = one.file_server == server.id or one.id in server.file_systems
            if is_there and objects.same_export(one.path or objects.export_of(one.name), export):
                return one.id
        return None

    def _plugin(self) -> str:
        plugins = self.manager.plugins.value or ()
        nfs = (one for one in plugins if one.kind == "FileServerPlugin" and "eneric" in one.name)
        return next((one.id for one in nfs if "nfs" in one.id.casefold()), NFS_PLUGIN)

    @staticmethod
    def _free_name(wanted: str, taken: Sequence[str]) -> str:
        """A name that no object has: a second one gets a number."""
        plain = "".join(char if char.isalnum() or char in "._- " else "-" for char in wanted)
        numbered = (plain, *(f"{plain} {number}" for number in range(2, 1000)))
        return next(name for name in numbered if name not in taken)

    def _lun(self, wanted: LunFileSystem, needs: list[str]) -> PlannedStep:
        dialect, names = self.dialect, self.spec.master_first
        ids = [self.id_of(name) for name in names]
        arrays = self.manager.arrays.value or ()
        known = next(
            (one for one in arrays if self._is_array(one.name, one.id, one.access_hosts, wanted)), None
        )
        taken = [one.name for one in arrays]
        name = wanted.array or self._free_name(f"iscsi {wanted.access_host}", taken)
        array = known.id if known else later(f"array {name if wanted.transport == 'iscsi' else FC_ARRAY}")
        commands: list[Command | None] = []
        is_new = known is None and wanted.transport == "iscsi"
        if is_new:
            commands.append(dialect.create_array(name, wanted, SCSI_PLUGIN))
        admins = known.admin_servers if known else ()
        commands += [dialect.add_array_admin(array, id_) for id_ in ids if id_ not in admins]
        commands += [dialect.validate_array(array), dialect.refresh(dialect.array_type, array)]
        commands += [dialect.refresh_storage_layer(id_) for id_ in ids]
        commands.append(
            dialect.refresh("PhysicalDisk", self._disk(wanted.wwid) or later(f"LUN {wanted.wwid}"))
        )
        note = "the LUN stays in Manager's lists; nothing on it is touched"
        if wanted.transport == "iscsi":
            note += "; initiators are put into the array's access group before the refresh"
        return PlannedStep(
            id="prepare_lun:pool",
            kind="prepare_lun",
            title=f"prepare LUN {wanted.wwid}",
            lane=POOL_LANE,
            args={"lun": wanted.model_dump(mode="json"), "array_name": name, "servers": self._all_servers()},
            needs=tuple(needs),
            commands=commands_of(commands),
            undo_commands=commands_of([dialect.delete_array(array)] if is_new else []),
            undo_needs=("no LUN of it is in use",) if is_new else (),
            undo_note=note,
        )

    @staticmethod
    def _is_array(name: str, id_: str, hosts: Sequence[str], wanted: LunFileSystem) -> bool:
        if wanted.array or wanted.transport == "fc":
            return (wanted.array or FC_ARRAY) in (name, id_)
        return bool(wanted.access_host) and wanted.access_host in hosts

    def _disk(self, wwid: str) -> str | None:
        disks = self.manager.disks.value or ()
        return next((one.id for one in disks if objects.same_wwid(one.page83, wwid)), None)

    # -- pool ------------------------------------------------------------------------------------------------------

    def _create(self, needs: list[str]) -> PlannedStep:
        pool, dialect = self.spec.pool, self.dialect
        storage = self._storage_args()
        file_system = disk = None
        if storage is not None and storage["kind"] == "nfs":
            known = self._file_server(storage["host"])
            file_system = self._file_system(known, storage["export"]) or later(f"nfs:{storage['export']}")
        elif storage is not None:
            disk = self._disk(storage["wwid"]) or later(f"LUN {storage['wwid']}")
        command = dialect.create_pool(pool, file_system=file_system, disk=disk)
        note = "" if storage is None else (
            "a pool file system that Manager leaves on the storage is not wiped by us; you would be told the commands"
        )  # fmt: skip
        before = [one.id for one in self.manager.pools.value or ()]
        return PlannedStep(
            id="create_pool:pool",
            kind="create_pool",
            title=f"create the pool {pool.name}",
            lane=POOL_LANE,
            args={
                "pool": pool.model_dump(mode="json"),
                "storage": storage,
                "servers": self._all_servers(),
                "pools_before": before,
            },
            needs=tuple(needs),
            commands=commands_of([command]),
            undo_commands=commands_of([dialect.delete_pool(later(f"pool {pool.name}"))]),
            undo_needs=("the pool is empty", *(() if storage is None else (SEEN_BY_SSH,))),
            undo_note=note,
            is_point_of_no_return=storage is not None,
        )

    def _storage_args(self) -> JsonDict | None:
        pool = self.spec.pool
        if not pool.clustered or pool.file_system is None:
            return None
        if isinstance(pool.file_system, NfsFileSystem):
            return {
                "kind": "nfs",
                "host": pool.file_system.server,
                "export": pool.file_system.export,
                "entries_before": self._entries(),
                "is_sparc": self._is_sparc(),
            }
        return {"kind": "lun", "wwid": pool.file_system.wwid, "signatures_before": self._signatures()}

    def _entries(self) -> list[str] | None:
        """Names on the share as a server saw them, None when no server did."""
        for name in self.spec.server_names:
            facts = self.fleet.ovm_server(name)
            look = _value(facts.pool_nfs) if facts else None
            if look is not None and look.entries is not None:
                return list(look.entries)
        return None

    def _signatures(self) -> list[str]:
        """What a server saw on the LUN before; empty when nothing was there or nobody looked."""
        for name in self.spec.server_names:
            facts = self.fleet.ovm_server(name)
            look = _value(facts.pool_lun) if facts else None
            if look is not None and look.signatures:
                return list(look.signatures)
        return []

    def _is_sparc(self) -> bool:
        seen = [facts for name in self.spec.server_names if (facts := self.fleet.ovm_server(name))]
        return any("sparc" in (_value(facts.cpu_type) or "").casefold() for facts in seen)

    def _joins(self, create: str) -> list[PlannedStep]:
        pool = later(f"pool {self.spec.pool.name}")
        steps: list[PlannedStep] = []
        for index, name in enumerate(self.spec.master_first):
            server = self.id_of(name)
            before = [steps[-1].id] if steps else [create]
            steps.append(
                PlannedStep(
                    id=f"join_server:{name}",
                    kind="join_server",
                    title=f"add {name} to the pool" + (" as its master" if index == 0 else ""),
                    lane=POOL_LANE,
                    args={
                        "server": self.who(name).as_args(),
                        "pool": self.spec.pool.name,
                        "is_first": index == 0,
                    },
                    needs=tuple(before),
                    commands=commands_of([self.dialect.add_server(server, pool)]),
                    undo_commands=commands_of([self.dialect.remove_server(server, pool)]),
                    undo_needs=(
                        "no other member is offline (R117)",
                        *(("it is the last member (R118)",) if index == 0 else ()),
                    ),
                )
            )
        return steps

    def _policy(self, joins: list[PlannedStep]) -> list[PlannedStep]:
        policy = self.spec.pool.policy
        if policy.mode is PolicyMode.OFF or self.release == "3.2":
            return []
        pool = later(f"pool {self.spec.pool.name}")
        servers = [self.dialect.add_policy_server(pool, self.id_of(name)) for name in self.spec.master_first]
        return [
            PlannedStep(
                id="set_policy:pool",
                kind="set_policy",
                title=f"set the policy {policy.mode}",
                lane=POOL_LANE,
                args={
                    "pool": self.spec.pool.name,
                    "policy": policy.model_dump(mode="json"),
                    "servers": self._all_servers(),
                },
                needs=(joins[-1].id,),
                commands=commands_of([self.dialect.edit_policy(pool, policy), *servers]),
                undo_note="it goes with the pool",
            )
        ]

    def _all_servers(self) -> list[JsonDict]:
        return [self.who(name).as_args() for name in self.spec.master_first]

    # -- words -----------------------------------------------------------------------------------------------------

    def _warnings(self) -> list[PlanWarning]:
        warnings = [
            PlanWarning(id=f"release.{self.release}", text=text)
            for text in self.dialect.refuses(self.spec.pool)
        ]
        adopted = [name for name in self.spec.master_first if self._is_ours(self._managed(name))]
        if adopted:
            text = f"{', '.join(adopted)}: owned by this Manager already, {STAYS.split(':')[0]}"
            warnings.append(PlanWarning(id="plan.adopted", text=text))
        warnings.append(
            PlanWarning(
                id="manager.log",
                text="Manager's own command logs may hold the agent password (manager-cli 1.10)",
            )
        )
        return warnings

    def _verification(self) -> list[str]:
        pool = self.spec.pool
        items = [
            "pool, name, virtual IP and clustering",
            "all members, and the master",
            "every server is Running",
        ]
        items += ["owner of every server", "agent password after ownership", "virtual IP on one server only"]
        if pool.clustered:
            items += [
                "cluster online everywhere",
                f"heartbeat threshold for {pool.timeout_s} s",
                "cluster.conf equal",
            ]
            items += ["pool file system mounted"]
        return [*items, "processor compatibility groups", "events"]


def _found(results: Sequence[CheckResult]) -> list[PlanWarning]:
    """Warnings, waived and unknown findings of the checks that the operator goes on with."""
    shown = (Verdict.WARN, Verdict.WAIVED, Verdict.UNKNOWN)
    return [
        PlanWarning(
            id=one.id,
            text=f"{one.target}: {one.title}: {one.detail}"
            + (f" ({one.waived_by})" if one.waived_by else ""),
        )
        for one in results
        if one.verdict in shown
    ]


def fingerprint(model: BaseModel) -> str:
    """SHA-256 of a model's content without the times at which it was observed, which tell nothing of the world."""
    plain = _without_times(model.model_dump(mode="json"))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


_VOLATILE = frozenset({"observed_at", "clock_offset_s", "clock_error_s", "free_memory_mib", "jobs"})


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(child) for key, child in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_without_times(child) for child in value]
    return value


def _value(fact: Fact[T] | None) -> T | None:
    return fact.value if fact is not None and fact.is_known else None
