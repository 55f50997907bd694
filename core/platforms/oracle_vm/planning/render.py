"""The commands of a step and of its undo, out of its kind and its args: what is executed is what is shown. Pure.

Plans hold these lines for people and scripts, but nobody trusts them there: what is shown is made here, once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.errors import PoolwrightError
from core.models.plan import JsonDict, PlannedStep, StepLines
from core.platforms.oracle_vm.manager_cli.allow_list import later
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import (
    FC_ARRAY,
    NFS_PLUGIN,
    SCSI_PLUGIN,
    Dialect,
    dialect_of,
)
from core.platforms.oracle_vm.manager_cli.session import commands_of
from core.platforms.oracle_vm.spec import AgentAccess, LunFileSystem, Policy, PoolSettings, Release
from core.platforms.oracle_vm.steps.common import roles_of

Commands = Sequence[Command | None]
_FACTS = """
server.id server.uuid server.also servers.id servers.uuid servers.also known plugin file_system disk name array_name
pools_before storage.file_system storage.disk storage.entries_before storage.signatures_before storage.is_sparc
server_id pool_id
"""
FACT_ARGS = frozenset(_FACTS.split())  # learned from servers; every other arg comes from the spec
FRESH_ROLES = ["vm", "utility"]  # what a server has that was just discovered (manager-cli 3.4)


def lines_of(step: PlannedStep, release: str) -> StepLines:
    """What is sent for this step to a Manager of this release, and what for its undo."""
    made = _KINDS.get(step.kind)
    if made is None:
        raise PoolwrightError(f"cannot show step {step.id}: no step is of kind {step.kind!a}")
    try:
        run, undo = made(step.args, dialect_of(release))
    except (KeyError, ValueError, TypeError, AttributeError) as error:  # args that no plan of ours has
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise PoolwrightError(f"cannot show step {step.id}: its args cannot be read: {why!a}") from error
    return StepLines(commands_of(run), commands_of(undo))


def _own(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    """One that Manager does not know is discovered, one that is known taken, one that is ours left alone."""
    server, known, roles = _server(args["server"]), args.get("known"), list(args.get("roles") or ())
    if known is None:
        agent = AgentAccess(**args.get("agent", {}))
        run = [dialect.discover(str(args["address"]), agent)]
        run += [] if roles == FRESH_ROLES else [dialect.set_roles(server, roles)]
        return run, [dialect.release_server(server), dialect.delete_server(server)]
    if not known["is_ours"]:
        return [dialect.own(server)], [dialect.release_server(server)]
    differ = roles_of(known.get("roles") or ()) not in (frozenset(), frozenset(roles))
    return ([dialect.set_roles(server, roles)] if differ else []), []


def _nfs(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    host, known, ids = str(args["host"]), args.get("known"), _servers(args)
    run: list[Command | None] = []
    if known is None:
        plugin, is_uniform = str(args.get("plugin") or NFS_PLUGIN), bool(args.get("uniform", True))
        run.append(dialect.create_file_server(str(args["name"]), host, plugin, ids, uniform=is_uniform))
    server = str(known["id"]) if known else later(f"file server {host}")
    admins = known["admin_servers"] if known else [] if dialect.release is Release.R32 else ids
    refreshers = known["refresh_servers"] if known else admins
    run += [dialect.add_file_server_admin(server, id_) for id_ in ids if id_ not in admins]
    run += [dialect.add_refresh_server(server, id_) for id_ in ids if id_ not in refreshers]
    system = str(args["file_system"]) if args.get("file_system") else later(f"nfs:{args['export']}")
    run += [dialect.refresh("FileServer", server), dialect.refresh("FileSystem", system)]
    return run, [] if known else [dialect.delete_file_server(server)]


def _lun(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    lun, known, ids = LunFileSystem.model_validate(args["lun"]), args.get("known"), _servers(args)
    name, is_iscsi = str(args["array_name"]), lun.transport == "iscsi"
    array = str(known["id"]) if known else later(f"array {name if is_iscsi else FC_ARRAY}")
    is_new = known is None and is_iscsi
    run: list[Command | None] = []
    if is_new:
        run.append(dialect.create_array(name, lun, str(args.get("plugin") or SCSI_PLUGIN)))
    admins = known["admin_servers"] if known else ()
    run += [dialect.add_array_admin(array, id_) for id_ in ids if id_ not in admins]
    run += [dialect.validate_array(array), dialect.refresh(dialect.array_type, array)]
    run += [dialect.refresh_storage_layer(id_) for id_ in ids]
    run.append(
        dialect.refresh("PhysicalDisk", str(args["disk"]) if args.get("disk") else later(f"LUN {lun.wwid}"))
    )
    return run, [dialect.delete_array(array)] if is_new else []


def _create(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    pool, storage = PoolSettings.model_validate(args["pool"]), args.get("storage")
    file_system = disk = None
    if storage is not None and storage["kind"] == "nfs":
        file_system = storage.get("file_system") or later(f"nfs:{storage['export']}")
    elif storage is not None:
        disk = storage.get("disk") or later(f"LUN {storage['wwid']}")
    create = dialect.create_pool(pool, file_system=file_system, disk=disk)
    return [create], [dialect.delete_pool(later(f"pool {pool.name}"))]


def _join(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    server, pool = _server(args["server"]), later(f"pool {args['pool']}")
    return [dialect.add_server(server, pool)], [dialect.remove_server(server, pool)]


def _policy(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    pool, policy = later(f"pool {args['pool']}"), Policy.model_validate(args["policy"])
    servers = [dialect.add_policy_server(pool, id_) for id_ in _servers(args)]
    return [dialect.edit_policy(pool, policy), *servers], []


def _sweep_member(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    return [dialect.remove_server(str(args["server_id"]), str(args["pool_id"]))], []


def _sweep_pool(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    return [dialect.delete_pool(str(args["pool_id"]))], []


def _sweep_server(args: JsonDict, dialect: Dialect) -> tuple[Commands, Commands]:
    id_ = str(args["server_id"])
    return [dialect.release_server(id_), dialect.delete_server(id_)], []


def _servers(args: JsonDict) -> list[str]:
    return [_server(one) for one in args["servers"]]


def _server(who: JsonDict) -> str:
    """Manager's id of a server, or the mark of one that is not known yet."""
    known = who.get("id") or who.get("uuid")
    return str(known) if known else later(str(who["name"]))


_KINDS: Mapping[str, Callable[[JsonDict, Dialect], tuple[Commands, Commands]]] = {
    "own_server": _own,
    "prepare_nfs": _nfs,
    "prepare_lun": _lun,
    "create_pool": _create,
    "join_server": _join,
    "set_policy": _policy,
    "sweep_member": _sweep_member,
    "sweep_pool": _sweep_pool,
    "sweep_server": _sweep_server,
}
