"""Fingerprints, drift and what keeps a pool: judgements over facts, without any server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.facts import Address, Fact, Mount, PlaneFact, PlaneState
from core.models.fingerprint import Fingerprint, FingerprintItem, compare, residue_of
from core.models.use import PoolUse, why_not_undo
from core.platforms.oracle_vm.facts import (
    ManagedPool,
    ManagedRepository,
    ManagedServer,
    ManagerFacts,
    NfsLook,
    OvmFleet,
    OvmServerFacts,
    StoredCluster,
)
from core.platforms.oracle_vm.fingerprint import basis_of, drift_of, fingerprint_of
from core.platforms.oracle_vm.guarding import undo_conditions, use_of, why_keep
from core.platforms.oracle_vm.planner import make_plan
from tests.unit.checks.builders import absent
from tests.unit.oracle_vm_plan.test_planner import FOREIGN, OWN, seen, spec

POOL = "0004fb0000020000aaaabbbbccccdddd"
NAMES = ("203.0.113.11", "203.0.113.12")


def server(name: str, **facts: Any) -> OvmServerFacts:
    """A free server that told everything; facts replace parts."""
    told: dict[str, Any] = {
        "server_uuid": name.rpartition(".")[2] + ":00", "owner": None, "pool_id": None, "stored_cluster": None,
        "mounts": (), "roles": ("xen", "utility"), "network_tags": (), "ntp_servers": ("203.0.113.1",),
        "addresses": (Address(interface="bond0", address=name, prefix=24),), "running_guests": (),
        "repositories": (), "pool_nfs": NfsLook(export="nas1:/vol/poolfs", entries=()),
    } | facts  # fmt: skip
    known = {key: value if isinstance(value, Fact) else seen(value) for key, value in told.items()}
    planes = {"agent": PlaneFact(state=PlaneState.OK)}
    return OvmServerFacts(name=name, address=name, planes=planes, **known)


def entry(name: str, **more: Any) -> ManagedServer:
    return ManagedServer(id=name.rpartition(".")[2] + ":00", name=name, address=name, state="Running", **more)


def fleet(*servers: OvmServerFacts, pools: tuple[ManagedPool, ...] = (), **manager: Any) -> OvmFleet:
    lists = {
        "servers": (),
        "file_servers": (),
        "file_systems": (),
        "arrays": (),
        "repositories": (),
    } | manager
    facts = {name: value if isinstance(value, Fact) else seen(value) for name, value in lists.items()}
    told = servers or tuple(server(name) for name in NAMES)
    return OvmFleet(
        servers={one.name: one for one in told},
        manager=ManagerFacts(
            release=seen("3.4"), uuid=seen(OWN), pools=seen(pools), plane=PlaneFact(state=PlaneState.OK), **facts
        ),
    )  # fmt: skip


# -- comparing ---------------------------------------------------------------------------------------------------------

ITEMS = st.builds(
    FingerprintItem,
    key=st.sampled_from("abcdef"), title=st.just("t"), where=st.just("w"), value=st.text(max_size=3),
    unknown=st.sampled_from(["", "", "", "nobody tells"]),
)  # fmt: skip
PRINTS = st.lists(ITEMS, unique_by=lambda item: item.key).map(lambda items: Fingerprint(items=tuple(items)))


@given(PRINTS)
def test_a_fingerprint_differs_from_itself_only_in_nothing(one: Fingerprint) -> None:
    assert compare(one, one) == ()


@given(PRINTS, PRINTS)
def test_what_was_known_is_never_taken_for_clean_when_it_is_not_the_same(
    before: Fingerprint, after: Fingerprint
) -> None:
    told = {one.before.key for one in compare(before, after)}
    for item in before.items:
        now = after.by_key().get(item.key)
        is_same = now is not None and not now.unknown and now.value == item.value
        if not item.unknown:
            assert (item.key in told) is not is_same
    assert all(residue_of(one).what for one in compare(before, after))


def test_our_own_look_and_local_file_systems_are_no_mounts() -> None:
    mounts = (
        Mount(device="nas1:/x", path="/tmp/.pwabc", kind="nfs"),
        Mount(device="/dev/sda1", path="/", kind="ext4"),
    )
    items = fingerprint_of(spec(), fleet(server(NAMES[0], mounts=mounts), server(NAMES[1]))).by_key()
    assert items[f"server:{NAMES[0]}:mounts"].value == "none"


@pytest.mark.parametrize("servers", [(), ("127.127.1.0",)])
def test_agent_and_dom0_spell_the_own_clock_alike(servers: tuple[str, ...]) -> None:
    taken = fingerprint_of(spec(), fleet(server(NAMES[0], ntp_servers=servers), server(NAMES[1])))
    ntp = taken.by_key()[f"server:{NAMES[0]}:NTP"]
    assert (ntp.value, ntp.restored_by_undo) == ("own clock only", False)
    assert "server 127.127.1.0" in ntp.restore[0]


def test_a_plan_says_beforehand_what_a_release_leaves() -> None:
    plan = make_plan(spec(), fleet(server(NAMES[0], ntp_servers=()), server(NAMES[1])), [])
    notes = [step.undo_note for step in plan.steps if step.kind == "own_server"]
    assert "Manager will set NTP" in notes[0]
    assert "leaves alone" in notes[1]
    assert all(step.undo_needs for step in plan.steps if step.undo_commands)


# -- drift -------------------------------------------------------------------------------------------------------------


def test_nothing_drifts_while_nothing_changes() -> None:
    assert drift_of(basis_of(spec(), fleet()), spec(), fleet()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"owner": FOREIGN}, f"owner of {NAMES[0]}: was nobody, is {FOREIGN}"),
        ({"pool_id": POOL}, f"pool of {NAMES[0]}: was none"),
        ({"stored_cluster": StoredCluster(name="c1")}, f"cluster of {NAMES[0]}: was none, is c1"),
        ({"pool_nfs": NfsLook(export="x", entries=("a",))}, "content of nas1:/vol/poolfs: was empty, is a"),
        ({"server_uuid": "ff:ff"}, f"{NAMES[0]} id: was 11:00, is ff:ff"),
        ({"owner": absent("refused")}, f"owner of {NAMES[0]} cannot be read any more: refused"),
    ],
)
def test_drift_names_what_changed(change: dict[str, Any], words: str) -> None:
    told = drift_of(basis_of(spec(), fleet()), spec(), fleet(server(NAMES[0], **change), server(NAMES[1])))
    assert len(told) == 1
    assert words in told[0]


# -- undo --------------------------------------------------------------------------------------------------------------


def test_an_undo_that_could_not_be_done_is_seen_before_the_first_step() -> None:
    plan = make_plan(spec(), fleet(), [])
    assert all(item.holds for item in undo_conditions(plan, fleet()))
    silent = server(NAMES[1]).model_copy(
        update={"planes": {"agent": PlaneFact(state=PlaneState.UNREACHABLE, reason="no route")}}
    )
    missing = [one for one in undo_conditions(plan, fleet(server(NAMES[0]), silent)) if not one.holds]
    assert [(one.id, one.is_essential) for one in missing] == [(f"undo:own_server:{NAMES[1]}", True)]
    blind = [server(name, pool_nfs=absent("no login")) for name in NAMES]
    unseen = [one for one in undo_conditions(plan, fleet(*blind)) if not one.holds]
    assert [(one.holds, one.is_essential) for one in unseen] == [(None, False)]


def test_what_cannot_be_read_keeps_a_pool() -> None:
    plan = make_plan(spec(), fleet(), [])
    assert why_keep(plan, fleet()) == []
    unread = fleet().manager
    assert unread is not None
    blind = OvmFleet(manager=unread.model_copy(update={"repositories": absent("busy")}))
    assert "repositories cannot be read: busy" in why_keep(plan, blind)[0]


def in_use(
    *, pool: dict[str, Any] | None = None, member: dict[str, Any] | None = None, **manager: Any
) -> PoolUse:
    """What lives on a pool of both servers."""
    entries = (
        entry(NAMES[0], owner=OWN, pool_id=POOL, **(member or {})),
        entry(NAMES[1], owner=OWN, pool_id=POOL),
    )
    made = ManagedPool(id=POOL, name="pool1", **{"members": tuple(one.id for one in entries), **(pool or {})})
    return use_of(make_plan(spec(), fleet(), []), fleet(pools=(made,), servers=entries, **manager))


REPOSITORY = ManagedRepository(id="r1", name="repo1")


@pytest.mark.parametrize(
    ("told", "vms", "repositories"),
    [
        ({}, (), ()),
        ({"pool": {"guests": ("payroll",)}}, ("payroll",), ()),
        ({"member": {"guests": ("payroll",)}}, ("payroll",), ()),
        ({"repositories": (REPOSITORY.model_copy(update={"pool": POOL}),)}, (), ("repo1",)),
        ({"repositories": (REPOSITORY.model_copy(update={"presented": ("11:00",)}),)}, (), ("repo1",)),
        (
            {"repositories": (REPOSITORY.model_copy(update={"pool": "another", "presented": ("99:00",)}),)},
            (),
            (),
        ),
    ],
)
def test_who_lives_on_a_pool(
    told: dict[str, Any], vms: tuple[str, ...], repositories: tuple[str, ...]
) -> None:
    use = in_use(**told)
    assert (use.is_there, use.members, use.vms, use.repositories, use.unread) == (
        True,
        NAMES,
        vms,
        repositories,
        (),
    )
    assert bool(why_not_undo(use, is_whole=False)) is bool(vms or repositories)


@pytest.mark.parametrize(
    "told",
    [
        {"pool": {"is_shown": False}},
        {"member": {"is_shown": False}},
        {"repositories": (REPOSITORY.model_copy(update={"is_shown": False}),)},
        {"repositories": absent("busy")},
    ],
)
def test_what_manager_does_not_show_keeps_a_whole_pool_only(told: dict[str, Any]) -> None:
    use = in_use(**told)
    assert use.unread
    assert why_not_undo(use, is_whole=True)
    assert not why_not_undo(use, is_whole=False)


def test_another_pool_of_that_name_is_not_asked() -> None:
    other = ManagedPool(id=POOL, name="pool1", members=("99:00",), guests=("payroll",))
    use = use_of(make_plan(spec(), fleet(), []), fleet(pools=(other,)))
    assert (use.is_there, use.vms) == (False, ())


HOSTILE = ('x"; rm -rf /; "', "$(reboot)", "-a", "`id`", "a b", "x\ny")


@pytest.mark.parametrize("word", HOSTILE)
def test_a_hostile_time_source_is_in_no_command(word: str) -> None:
    taken = fingerprint_of(
        spec(), fleet(server(NAMES[0], ntp_servers=("203.0.113.1", word)), server(NAMES[1]))
    )
    restore = {item.key: item.restore for item in taken.items}
    assert restore[f"server:{NAMES[0]}:NTP"] == ()
    assert "server 203.0.113.1" in restore[f"server:{NAMES[1]}:NTP"][0]
