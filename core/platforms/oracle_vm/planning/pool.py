"""Steps that make the pool, put its servers in and set its policy. Pure."""

from __future__ import annotations

from core.models.plan import JsonDict, PlannedStep
from core.platforms.oracle_vm.planning.draft import POOL_LANE, Draft, value_of
from core.platforms.oracle_vm.planning.storage import known_disk, known_file_server, known_file_system
from core.platforms.oracle_vm.spec import NfsFileSystem, PolicyMode

SEEN_BY_SSH = "a server's own system can look at the storage"


def create_step(draft: Draft, needs: list[str]) -> PlannedStep:
    """The empty pool."""
    pool = draft.spec.pool
    storage = _storage_args(draft)
    note = "" if storage is None else (
        "a pool file system that Manager leaves on the storage is not wiped by us; you would be told the commands"
    )  # fmt: skip
    before = [one.id for one in draft.manager.pools.value or ()]
    return PlannedStep(
        id="create_pool:pool",
        kind="create_pool",
        title=f"create the pool {pool.name}",
        lane=POOL_LANE,
        args={
            "pool": pool.model_dump(mode="json"),
            "storage": storage,
            "servers": draft.all_servers(),
            "pools_before": before,
        },
        needs=tuple(needs),
        undo_needs=("the pool is empty", *(() if storage is None else (SEEN_BY_SSH,))),
        undo_note=note,
        is_point_of_no_return=storage is not None,
    )


def _storage_args(draft: Draft) -> JsonDict | None:
    pool = draft.spec.pool
    if not pool.clustered or pool.file_system is None:
        return None
    if isinstance(pool.file_system, NfsFileSystem):
        return {
            "kind": "nfs",
            "host": pool.file_system.server,
            "export": pool.file_system.export,
            "entries_before": _entries(draft),
            "is_sparc": draft.is_sparc,
            "file_system": known_file_system(
                draft, known_file_server(draft, pool.file_system.server), pool.file_system.export
            ),
        }
    return {
        "kind": "lun",
        "wwid": pool.file_system.wwid,
        "signatures_before": _signatures(draft),
        "disk": known_disk(draft, pool.file_system.wwid),
    }


def _entries(draft: Draft) -> list[str] | None:
    """Names on the share as a server saw them, None when no server did."""
    for name in draft.spec.server_names:
        facts = draft.fleet.ovm_server(name)
        look = value_of(facts.pool_nfs) if facts else None
        if look is not None and look.entries is not None:
            return list(look.entries)
    return None


def _signatures(draft: Draft) -> list[str]:
    """What a server saw on the LUN before; empty when nothing was there or nobody looked."""
    for name in draft.spec.server_names:
        facts = draft.fleet.ovm_server(name)
        look = value_of(facts.pool_lun) if facts else None
        if look is not None and look.signatures:
            return list(look.signatures)
    return []


def join_steps(draft: Draft, create: str) -> list[PlannedStep]:
    """One step a server, the master first."""
    steps: list[PlannedStep] = []
    for index, name in enumerate(draft.spec.master_first):
        before = [steps[-1].id] if steps else [create]
        steps.append(
            PlannedStep(
                id=f"join_server:{name}",
                kind="join_server",
                title=f"add {name} to the pool" + (" as its master" if index == 0 else ""),
                lane=POOL_LANE,
                args={
                    "server": draft.who(name).as_args(),
                    "pool": draft.spec.pool.name,
                    "is_first": index == 0,
                },
                needs=tuple(before),
                undo_needs=(
                    "no other member is offline (R117)",
                    *(("it is the last member (R118)",) if index == 0 else ()),
                ),
            )
        )
    return steps


def policy_steps(draft: Draft, joins: list[PlannedStep]) -> list[PlannedStep]:
    """The policy where one is wanted and the release has words for it."""
    policy = draft.spec.pool.policy
    if policy.mode is PolicyMode.OFF or draft.release == "3.2":
        return []
    return [
        PlannedStep(
            id="set_policy:pool",
            kind="set_policy",
            title=f"set the policy {policy.mode}",
            lane=POOL_LANE,
            args={
                "pool": draft.spec.pool.name,
                "policy": policy.model_dump(mode="json"),
                "servers": draft.all_servers(),
            },
            needs=(joins[-1].id,),
            undo_note="it goes with the pool",
        )
    ]
