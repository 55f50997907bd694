"""Plans out of specs and facts, without any server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.executor import check_plan
from core.errors import PoolwrightError, SpecError
from core.models.facts import Fact
from core.models.results import CheckResult, Scope, Severity, Verdict
from core.platforms.oracle_vm.facts import (
    ManagedArray,
    ManagedDisk,
    ManagedFileServer,
    ManagedFileSystem,
    ManagedPool,
    ManagedServer,
    ManagerFacts,
    OvmFleet,
    OvmServerFacts,
)
from core.platforms.oracle_vm.manager_cli.dialect import FC_ARRAY, NoSuchWordError
from core.platforms.oracle_vm.planner import make_plan
from core.platforms.oracle_vm.planning.words import fingerprint
from core.platforms.oracle_vm.spec import PoolSpec, Release
from core.platforms.oracle_vm.steps.kinds import STEP_KINDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN, FOREIGN = "0004fb0000010000aa", "0004fb0000010000bb"
UUIDS = {f"203.0.113.{n}": f"{n:02x}:00" for n in range(11, 20)}
NFS = {"kind": "nfs", "server": "nas1", "export": "/vol/poolfs"}
LUN = {"kind": "lun", "wwid": "3600601601110190080a4f954c48de311"}


def spec(servers: int = 2, **pool: Any) -> PoolSpec:
    settings = {"name": "pool1", "virtual_ip": "203.0.113.200", "file_system": NFS, **pool}
    return PoolSpec.model_validate(
        {
            "manager": {"host": "203.0.113.250"},
            "pool": settings,
            "servers": [{"address": f"203.0.113.{11 + index}"} for index in range(servers)],
        }
    )


def seen(value: Any) -> Any:
    return Fact[Any].seen(value, "test", NOW)


def fleet(release: str = "3.4", *, uuids: bool = True, **manager: Any) -> OvmFleet:
    facts = {name: seen(value) for name, value in manager.items()}
    servers = {
        name: OvmServerFacts(name=name, address=name, server_uuid=seen(uuid)) if uuids
        else OvmServerFacts(name=name, address=name)
        for name, uuid in UUIDS.items()
    }  # fmt: skip
    return OvmFleet(servers=servers, manager=ManagerFacts(release=seen(release), uuid=seen(OWN), **facts))


def test_the_order_of_a_clustered_pool_on_nfs() -> None:
    plan = make_plan(spec(master="203.0.113.12"), fleet(), [], NOW)
    assert [step.id for step in plan.steps] == [
        "own_server:203.0.113.12",
        "own_server:203.0.113.11",
        "prepare_nfs:pool",
        "create_pool:pool",
        "join_server:203.0.113.12",
        "join_server:203.0.113.11",
    ]
    assert [step.lane for step in plan.steps] == [
        "203.0.113.12",
        "203.0.113.11",
        "pool",
        "pool",
        "pool",
        "pool",
    ]
    assert plan.steps[3].needs == tuple(step.id for step in plan.steps[:3])
    assert plan.steps[4].needs == ("create_pool:pool",)
    assert plan.steps[5].needs == ("join_server:203.0.113.12",)
    assert plan.steps[4].args["is_first"] is True
    check_plan(plan)


def test_ids_that_are_known_stand_in_the_commands() -> None:
    known = make_plan(spec(), fleet(), [], NOW)
    unknown = make_plan(spec(), fleet(uuids=False), [], NOW)
    assert known.steps[-1].commands == ("add Server id=0c:00 to ServerPool id=<id of pool pool1>",)
    assert unknown.steps[-1].commands == (
        "add Server id=<id of 203.0.113.12> to ServerPool id=<id of pool pool1>",
    )


def test_servers_of_this_manager_are_adopted() -> None:
    servers = (
        ManagedServer(id="0b:00", name="ovs1", address="203.0.113.11", owner=OWN, roles=("Vm", "Utility")),
        ManagedServer(id="0c:00", name="ovs2", address="203.0.113.12"),
    )
    plan = make_plan(spec(), fleet(servers=servers), [], NOW)
    first, second = plan.steps[:2]
    assert (first.commands, first.undo_commands) == ((), ())
    assert "stays after a rollback" in first.undo_note
    assert second.commands == ('takeOwnership Server id=0c:00 password="<agent password>"',)
    assert second.undo_commands == ("releaseOwnership Server id=0c:00",)
    assert any("203.0.113.11" in warning.text for warning in plan.warnings if warning.id == "plan.adopted")


def test_the_undo_of_a_new_server_is_release_and_delete_by_dialect() -> None:
    new = make_plan(spec(), fleet("3.4"), [], NOW).steps[0]
    old = make_plan(spec(), fleet("3.2"), [], NOW).steps[0]
    assert new.undo_commands == ("releaseOwnership Server id=0b:00", "delete Server id=0b:00")
    assert old.undo_commands == ("edit Server id=0b:00 takeOwnership=no", "delete Server id=0b:00")
    assert "NTP" in new.undo_note


def test_a_known_file_server_is_used_and_stays() -> None:
    file_servers = (
        ManagedFileServer(id="L1", name="Local FS ovs1", is_local=True, access_host="nas1"),
        ManagedFileServer(
            id="F1", name="nas", access_host="NAS1", admin_servers=("0b:00",), refresh_servers=("0b:00",)
        ),
    )
    systems = (
        ManagedFileSystem(id="S9", name="nfs:/vol/poolfs", path="/vol/poolfs", file_server="F9"),
        ManagedFileSystem(id="S1", name="nfs://vol//poolfs", file_server="F1"),
    )
    plan = make_plan(spec(), fleet(file_servers=file_servers, file_systems=systems), [], NOW)
    prepare = plan.steps[2]
    assert prepare.commands == (
        "addAdminServer FileServer id=F1 server=0c:00",
        "addRefreshServer FileServer id=F1 server=0c:00",
        "refresh FileServer id=F1",
        "refresh FileSystem id=S1",
    )
    assert prepare.undo_commands == ()
    assert "fileSystem=S1" in plan.steps[3].commands[0]


def test_a_lun_is_found_whatever_the_spelling_of_its_wwid() -> None:
    disks = (ManagedDisk(id="D1", name="DGC", page83="600601601110190080A4F954C48DE311"),)
    arrays = (ManagedArray(id=FC_ARRAY, name=FC_ARRAY, admin_servers=("0b:00",)),)
    plan = make_plan(spec(file_system=LUN), fleet(disks=disks, arrays=arrays), [], NOW)
    commands = plan.steps[2].commands
    assert commands[0] == f'addAdminServer StorageArray id="{FC_ARRAY}" server=0c:00'
    assert commands[-1] == "refresh PhysicalDisk id=D1"
    assert "physicalDisk=D1" in plan.steps[3].commands[0]


def test_an_unclustered_pool_needs_no_storage() -> None:
    plan = make_plan(spec(clustered=False, file_system=None), fleet(), [], NOW)
    assert [step.kind for step in plan.steps] == [
        "own_server",
        "own_server",
        "create_pool",
        "join_server",
        "join_server",
    ]
    assert not any(step.is_point_of_no_return for step in plan.steps)
    assert "clusterEnable=No" in plan.steps[2].commands[0]


def test_what_a_release_cannot_do_is_said() -> None:
    policy = {"mode": "DRS", "period_min": 5}
    old = make_plan(spec(policy=policy, timeout_s=60), fleet("3.2"), [], NOW)
    assert len([warning for warning in old.warnings if warning.id == "release.3.2"]) == 2
    assert old.steps[-1].kind == "join_server"
    middle = make_plan(spec(policy=policy), fleet("3.3"), [], NOW).steps[-1]
    assert middle.commands[0].endswith("policyMode=DRS policyPeriod=5  (UNCONFIRMED form)")
    with pytest.raises(NoSuchWordError, match="BALANCE_SERVER"):
        make_plan(spec(start_policy="BALANCE_SERVER"), fleet("3.3"), [], NOW)


def test_no_release_no_plan() -> None:
    with pytest.raises(PoolwrightError, match="release"):
        make_plan(spec(), OvmFleet(), [], NOW)
    wanted = spec().model_copy(update={"release": Release.R33})
    assert make_plan(wanted, OvmFleet(), [], NOW).release == "3.3"


def test_unsafe_names_make_no_plan() -> None:
    with pytest.raises(SpecError, match=r"pool\.name"):
        make_plan(spec(name="pool?"), fleet(), [], NOW)


def test_warnings_of_the_checks_are_carried() -> None:
    def result(verdict: Verdict) -> CheckResult:
        return CheckResult(
            id=f"x.{verdict}", rules=(), scope=Scope.POOL, target="pool", verdict=verdict,
            severity=Severity.WARNING, title="t", detail="d",
        )  # fmt: skip

    plan = make_plan(spec(), fleet(), [result(verdict) for verdict in Verdict], NOW)
    found = {warning.id for warning in plan.warnings}
    assert {"x.warn", "x.waived", "x.unknown"} <= found
    assert "x.pass" not in found


def test_pools_that_were_there_are_remembered() -> None:
    plan = make_plan(spec(), fleet(pools=(ManagedPool(id="P1", name="pool1"),)), [], NOW)
    assert next(step for step in plan.steps if step.kind == "create_pool").args["pools_before"] == ["P1"]


def test_fingerprints_tell_the_world_and_not_the_clock() -> None:
    later = fleet().model_copy(update={"observed_at": datetime(2027, 1, 1, tzinfo=UTC)})
    assert fingerprint(later) == fingerprint(fleet())
    assert fingerprint(fleet("3.3")) != fingerprint(fleet())


@given(
    st.integers(1, 9),
    st.sampled_from(["3.2", "3.3", "3.4"]),
    st.sampled_from([NFS, LUN, None]),
    st.booleans(),
)
def test_every_plan_survives_json_and_can_be_run(
    servers: int, release: str, storage: dict[str, Any] | None, uuids: bool
) -> None:
    plan = make_plan(
        spec(servers, file_system=storage, clustered=storage is not None),
        fleet(release, uuids=uuids),
        [],
        NOW,
    )
    check_plan(plan)
    assert type(plan).model_validate_json(plan.model_dump_json()) == plan
    assert {step.kind for step in plan.steps} <= STEP_KINDS.keys()
    assert all(command for step in plan.steps for command in (*step.commands, *step.undo_commands))
