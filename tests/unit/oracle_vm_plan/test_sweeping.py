"""Left-overs and the plan that ends them: what is planned, what is printed, what is kept and why. Facts only."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import PoolwrightError
from core.models.events import Outcome, StepState
from core.models.facts import Address
from core.models.past import PastRun, PastStep
from core.models.plan import SWEEP_KEPT, PlanAim
from core.platforms.oracle_vm.facts import OvmFleet, StoredCluster
from core.platforms.oracle_vm.left import left_by
from core.platforms.oracle_vm.orphans import OrphanKind, find_orphans
from core.platforms.oracle_vm.sweeping import UNPROVEN, sweep_plan, verified
from tests.unit.checks.builders import absent
from tests.unit.oracle_vm_plan.pools import (
    NAMES,
    OTHER,
    POOL,
    VIP,
    entry,
    fleet,
    half_made,
    member,
    pool,
    server,
)
from tests.unit.oracle_vm_plan.test_planner import FOREIGN, OWN, spec

ADDRESS = Address(interface="cb007100", address=VIP, prefix=24)
CLUSTER = StoredCluster(name=POOL[-16:].upper())


def kinds(found: OvmFleet, past: tuple[PastRun, ...] = ()) -> list[str]:
    return [step.kind for step in sweep_plan(spec(), found, "", past).steps]


def test_a_free_fleet_has_no_left_overs() -> None:
    assert find_orphans(spec(), fleet()).orphans == ()
    plan = sweep_plan(spec(), fleet())
    assert (plan.steps, plan.by_hand, plan.warnings) == ((), (), ())


def test_a_half_made_pool_is_taken_apart_in_order() -> None:
    plan = sweep_plan(spec(), half_made())
    assert [(step.id, step.needs) for step in plan.steps] == [
        (f"sweep_member:{NAMES[0]}", ()),
        (f"sweep_pool:{POOL}", (f"sweep_member:{NAMES[0]}",)),
        (f"sweep_server:{NAMES[0]}", (f"sweep_pool:{POOL}",)),
    ]
    assert plan.pool == "pool1"
    assert plan.steps[1].commands == (f"delete ServerPool id={POOL}",)


@pytest.mark.parametrize(
    "living",
    [
        half_made(first=member(NAMES[0], cluster_online=True)),
        half_made(guests=absent("Manager does not answer")),
        fleet(
            *(member(name, cluster_online=True) for name in NAMES),
            pools=(pool("11:00", "12:00"),),
            servers=tuple(entry(name, pool_id=POOL) for name in NAMES),
        ),
        fleet(member(NAMES[0], vip_holder_mac="00:21:f6:aa:bb:cc"), server(NAMES[1]), pools=(pool(),)),
    ],
)
def test_a_pool_that_is_kept_is_named_with_the_reason_and_nothing_of_it_is_planned(living: OvmFleet) -> None:
    plan = sweep_plan(spec(), living)
    assert (plan.steps, plan.by_hand) == ((), ())
    (said,) = plan.warnings
    assert said.id in (SWEEP_KEPT, UNPROVEN)
    assert said.text.startswith("pool pool1 is kept: ")


def test_an_empty_pool_of_another_name_is_nobodys_affair() -> None:
    assert sweep_plan(spec(), fleet(pools=(pool(name="pool2"),))).warnings == ()


def test_a_server_that_somebody_prepared_is_kept() -> None:
    owned = fleet(server(NAMES[0], owner=OWN), server(NAMES[1]), servers=(entry(NAMES[0]),))
    plan = sweep_plan(spec(), owned)
    assert plan.steps == ()
    assert [said.id for said in plan.warnings] == [SWEEP_KEPT]
    assert "nothing shows that a failed run left it" in plan.warnings[0].text


def test_another_managers_server_is_another_managers_affair() -> None:
    foreign = server(NAMES[0], owner=FOREIGN, pool_id=POOL, stored_cluster=StoredCluster(name=POOL[-16:]))
    assert find_orphans(spec(), fleet(foreign, server(NAMES[1]))).orphans == ()


def test_traces_on_all_planes_lead_to_one_dead_pool() -> None:
    left = fleet(server(NAMES[0], pool_id=POOL), server(NAMES[1], stored_cluster=CLUSTER), pools=(pool(),))
    found = find_orphans(spec(), left)
    assert found.keys == (POOL[-16:],)
    assert {one.kind for one in found.orphans} == {OrphanKind.POOL, OrphanKind.AGENT_DB, OrphanKind.CLUSTER}


def test_several_dead_pools_are_never_swept_together() -> None:
    left = fleet(server(NAMES[0], pool_id=POOL), server(NAMES[1], pool_id=OTHER))
    with pytest.raises(PoolwrightError, match="left-overs of 2 dead pools"):
        sweep_plan(spec(), left)
    picked = sweep_plan(spec(), left, OTHER)
    assert [one.where for one in picked.by_hand] == [NAMES[1]]
    with pytest.raises(PoolwrightError, match="no dead pool"):
        sweep_plan(spec(), left, "0004fb0000020000ffffffffffffffff")


def test_what_nobody_could_look_at_is_told() -> None:
    blind = server(NAMES[0], pool_id=absent("refused"))
    plan = sweep_plan(spec(), fleet(blind, server(NAMES[1])))
    assert "data base: refused" in plan.warnings[0].text


# -- commands for a person ---------------------------------------------------------------------------------------------

HOSTILE = ('x"; rm -rf /; "', "$(reboot)", "-a", "`id`", "a b", "x\ny")
TRACES: dict[str, Any] = {
    "pool_id": POOL,
    "stored_cluster": StoredCluster(name=POOL[-16:]),
    "addresses": (ADDRESS,),
}
ENDING = ("ip addr del", "mv -i", "ovs-agent stop", "rm -i", "dd if", "o2cb offline")


def lines_of(*servers: Any) -> list[str]:
    left = fleet(*servers)
    key = next(iter(find_orphans(spec(), left).keys), "")
    return [line for one in sweep_plan(spec(), left, key).by_hand for line in one.commands]


@pytest.mark.parametrize("word", HOSTILE)
def test_no_command_for_a_person_holds_what_a_hostile_server_calls_things(word: str) -> None:
    vip = Address(interface=word, address=VIP, prefix=24)
    left = fleet(
        server(NAMES[0], stored_cluster=StoredCluster(name=f"{word}{POOL[-16:]}"), addresses=(vip,)),
        server(NAMES[1], pool_id=f"{word}{POOL}"),
    )
    keys = find_orphans(spec(), left).keys
    told = [one for key in keys for one in sweep_plan(spec(), left, key).by_hand]
    assert {one.id.split(":")[0] for one in told} == {"vip", "cluster", "agent_db"}
    for one in told:
        (line,) = one.commands
        assert line.startswith("# no command is offered")
        assert word not in line


def test_commands_for_a_person_are_exact() -> None:
    lines = lines_of(server(NAMES[0], **TRACES), server(NAMES[1]))
    assert f'ssh root@{NAMES[0]} "ip addr del {VIP}/24 dev cb007100"' in lines
    assert f'ssh root@{NAMES[0]} "mv -i /etc/ocfs2/cluster.conf /root/"' in lines
    assert not [line for line in lines if any(mark in line for mark in "<>{}")]


@pytest.mark.parametrize(
    "sign",
    [
        {"cluster_online": True}, {"cluster_running": True}, {"running_guests": ("vm1",)},
        {"cluster_running": absent("x")}, {"running_guests": absent("x")},
        {"db_pool_id": absent("x")}, {"planes": {}}, {"owner": absent("x")},
    ],
)  # fmt: skip
def test_nothing_that_ends_something_is_printed_where_it_may_be_alive(sign: dict[str, Any]) -> None:
    lines = lines_of(server(NAMES[0], **(TRACES | sign)), server(NAMES[1]))
    assert lines
    assert not [line for line in lines if any(word in line for word in ENDING)]
    assert all("settle first" in line for line in lines)


# -- what our journal says ---------------------------------------------------------------------------------------------

MADE = {"pool_id": POOL}
TAKEN = {"server_id": "11:00", "known_before": False, "owned_before": False}
S = StepState


def past(
    outcome: Outcome | None, pool_state: StepState, server_state: StepState = S.DONE, **more: Any
) -> PastRun:
    steps = (
        PastStep(kind="own_server", state=server_state, record=more.pop("taken", TAKEN)),
        PastStep(kind="create_pool", state=pool_state, record=MADE),
        PastStep(kind="join_server", state=more.pop("last", S.SKIPPED)),
    )
    return PastRun(run="R1", platform="oracle_vm", aim=PlanAim.CREATE, outcome=outcome, steps=steps, **more)


@pytest.mark.parametrize(
    ("one", "ids"),
    [
        (past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED), {POOL, "11:00"}),
        (past(None, S.DOING), {POOL, "11:00"}),
        (past(Outcome.NEEDS_HUMAN, S.UNDONE, S.UNDONE, objects=(POOL,)), {POOL}),
        (past(Outcome.NEEDS_HUMAN, S.UNDONE, S.UNDONE), set()),
        (past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED, S.ADOPTED), {POOL}),
        (past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED, taken=TAKEN | {"known_before": True}), {POOL}),
        (past(Outcome.CREATED, S.DONE, last=S.DONE), set()),
        (past(Outcome.NEEDS_HUMAN, S.DONE, last=S.DONE), set()),  # it stands, and could not be verified
        (past(None, S.DONE, is_live=True), set()),
        (past(Outcome.ROLLED_BACK, S.UNDONE, S.UNDONE), set()),
        (past(Outcome.REFUSED, S.WAITING, S.WAITING), set()),
    ],
)
def test_what_a_run_left(one: PastRun, ids: set[str]) -> None:
    assert dict(left_by([one])) == dict.fromkeys(ids, "R1")


def test_what_a_later_run_made_its_own_is_not_left() -> None:
    adopted = past(Outcome.CREATED, S.ADOPTED, S.ADOPTED, last=S.DONE)
    assert left_by([past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED), adopted]) == {}


def test_our_own_left_over_of_any_name_is_ended_and_a_server_of_it_for_itself() -> None:
    left = fleet(
        server(NAMES[0], owner=OWN), server(NAMES[1]),
        pools=(pool(name="pool9", clustered=False),), servers=(entry(NAMES[0]),),
    )  # fmt: skip
    assert kinds(left) == []
    plan = sweep_plan(spec(), left, "", (past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED),))
    assert [step.kind for step in plan.steps] == ["sweep_pool", "sweep_server"]
    assert [step.args["left_by"] for step in plan.steps] == ["R1", "R1"]
    assert plan.steps[1].needs == ()


def test_our_own_left_over_that_is_alive_is_kept_and_the_way_back_is_named() -> None:
    living = half_made(first=member(NAMES[0], cluster_online=True))
    plan = sweep_plan(spec(), living, "", (past(Outcome.NEEDS_HUMAN, S.UNDO_FAILED),))
    assert plan.steps == ()
    assert "`poolwright rollback R1` takes it back" in plan.warnings[0].text


# -- afterwards --------------------------------------------------------------------------------------------------------


def test_what_came_alive_meanwhile_is_still_there_and_not_gone() -> None:
    plan = sweep_plan(spec(), half_made())
    living = half_made(first=member(NAMES[0], cluster_online=True))
    assert {item.holds for item in verified(spec(), plan, living)} == {False}
    assert {item.holds for item in verified(spec(), plan, fleet())} == {True}
    blind = half_made(pools=absent("Manager does not answer"))
    assert [item.holds for item in verified(spec(), plan, blind)[: len(plan.steps)]] == [None, None, None]
