"""What may be ended: the decision alone, and the decision on facts. Less evidence never ends more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from core.facts.looks import VolumeLook
from core.models.facts import Address, Mount, PlaneFact, PlaneState
from core.platforms.oracle_vm.evidence import of_pool, of_server
from core.platforms.oracle_vm.facts import (
    LunLook,
    ManagedGuest,
    ManagedRepository,
    OvmFleet,
    RepositoryEntry,
    StoredCluster,
)
from core.platforms.oracle_vm.halfmade import (
    OF_A_POOL,
    WITH_VIRTUAL_IP,
    Answer,
    Asked,
    Evidence,
    Says,
    decide,
)
from core.platforms.oracle_vm.spec import PoolSpec
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
from tests.unit.oracle_vm_plan.test_planner import FOREIGN, LUN, OWN, seen, spec

DEAD = Answer(Says.DEAD)
WHOLE = Evidence(
    questions=OF_A_POOL,
    manager=dict.fromkeys(OF_A_POOL, DEAD),
    heard=NAMES,
    server_questions=WITH_VIRTUAL_IP,
    servers={name: dict.fromkeys(WITH_VIRTUAL_IP, DEAD) for name in NAMES},
    has_shape=True,
)

# -- the decision ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "ends", "words"),
    [
        (WHOLE, True, "nothing of it is alive"),
        (replace(WHOLE, has_shape=False), False, "nothing shows that a failed run left it"),
        (replace(WHOLE, has_shape=False, left_by="R1"), True, "run R1 left it"),
        (replace(WHOLE, servers={}), False, "203.0.113.11: owner not read: nobody looked"),
        (replace(WHOLE, manager={}), False, "its servers in Manager not read: nobody looked"),
        (replace(WHOLE, heard=(*NAMES, "203.0.113.13")), False, "203.0.113.13: owner not read"),
        (Evidence(has_shape=True, left_by="R1"), False, "nothing shows"),
    ],
)
def test_it_takes_a_reason_and_every_answer(evidence: Evidence, ends: bool, words: str) -> None:
    told = decide(evidence)
    assert (told.ends, words in told.text) == (ends, True), told


@pytest.mark.parametrize("left_by", ["", "R1"])
@pytest.mark.parametrize("says", [Says.ALIVE, Says.UNREAD])
@pytest.mark.parametrize("asked", WITH_VIRTUAL_IP)
def test_one_living_or_unread_answer_of_one_server_keeps_it(asked: Asked, says: Says, left_by: str) -> None:
    answers = {**WHOLE.servers[NAMES[1]], asked: Answer(says, "seen here")}
    told = decide(replace(WHOLE, servers={**WHOLE.servers, NAMES[1]: answers}, left_by=left_by))
    assert (told.ends, told.is_proven) == (False, says is Says.ALIVE)
    assert "seen here" in told.text


ANSWERS = st.sampled_from([Answer(Says.DEAD), Answer(Says.ALIVE, "x"), Answer(Says.UNREAD, "x")])
EVIDENCE = st.builds(
    Evidence,
    questions=st.just(OF_A_POOL),
    manager=st.dictionaries(st.sampled_from(OF_A_POOL), ANSWERS),
    heard=st.just(NAMES),
    server_questions=st.just(WITH_VIRTUAL_IP),
    servers=st.dictionaries(
        st.sampled_from(NAMES), st.dictionaries(st.sampled_from(WITH_VIRTUAL_IP), ANSWERS)
    ),
    left_by=st.sampled_from(["", "R1"]),
    has_shape=st.booleans(),
)


@given(st.one_of(EVIDENCE, st.just(WHOLE)), st.data())
def test_removing_an_answer_never_ends_what_was_kept(evidence: Evidence, data: st.DataObject) -> None:
    kept = {name: dict(answers) for name, answers in evidence.servers.items() if data.draw(st.booleans())}
    for answers in kept.values():
        for asked in list(answers):
            if data.draw(st.booleans()):
                del answers[asked]
    manager = {asked: one for asked, one in evidence.manager.items() if data.draw(st.booleans())}
    less = replace(
        evidence,
        manager=manager,
        servers=kept,
        left_by=data.draw(st.sampled_from(["", evidence.left_by])),
        has_shape=evidence.has_shape and data.draw(st.booleans()),
    )
    assert decide(evidence).ends or not decide(less).ends


# -- the decision on facts ---------------------------------------------------------------------------------------------


def ends(found: OvmFleet, wanted: PoolSpec | None = None, left_by: str = "") -> tuple[bool, str]:
    manager = found.manager
    assert manager is not None
    (one,) = manager.pools.value or ()
    told = decide(of_pool(one, wanted or spec(), found, left_by))
    return told.ends, told.text


ABSENT = absent("it did not answer")
UNREACHABLE = PlaneFact(state=PlaneState.UNREACHABLE, reason="no route")
REFUSED = PlaneFact(state=PlaneState.REFUSED, reason="refused")
SSH = PlaneFact(state=PlaneState.OK)
CLUSTER = StoredCluster(name=POOL[-16:])


def test_a_half_made_pool_of_which_nothing_is_alive_is_ended() -> None:
    assert ends(half_made()) == (True, "nothing of it is alive on any connection")


def test_an_owned_agent_that_refuses_the_password_is_read_by_its_data_base() -> None:
    planes = {"agent": REFUSED, "ssh": SSH}
    assert ends(half_made(first=member(NAMES[0], planes=planes, cluster_online=ABSENT)))[0]
    told = ends(half_made(first=member(NAMES[0], planes=planes, db_pool_id=ABSENT)))
    assert not told[0]
    assert "agent not read" in told[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": member(NAMES[0], cluster_online=True)}, "a cluster is online"),
        ({"first": member(NAMES[0], cluster_running=True)}, "a cluster is online"),
        (
            {"second": server(NAMES[1], cluster_running=True, stored_cluster=CLUSTER)},
            f"{POOL[-16:]} is online",
        ),
        ({"first": member(NAMES[0], vip_holder_mac="00:21:f6:aa:bb:cc")}, f"{VIP} answers"),
        (
            {"first": member(NAMES[0], addresses=(Address(interface="cb0", address=VIP, prefix=24),))},
            "is up on cb0",
        ),
        ({"first": member(NAMES[0], running_guests=("vm1",))}, "vm1 runs on it"),
        ({"first": member(NAMES[0], repositories=(RepositoryEntry(uuid="r", alias="repo1"),))}, "repo1"),
        (
            {"first": member(NAMES[0], mounts=(Mount(device="d", path="/OVS/Repositories/r", kind="nfs"),))},
            "/OVS/Repositories/r",
        ),
        (
            {"first": member(NAMES[0], mounts=(Mount(device="d", path="/poolfsmnt/x", kind="ocfs2"),))},
            "/poolfsmnt/x",
        ),
        ({"first": member(NAMES[0], owner=FOREIGN)}, "owns it"),
        ({"first": member(NAMES[0], pool_id=OTHER)}, "believes to be in"),
        ({"pools": (pool("11:00", guests=("vm1",)),)}, "vm1"),
        ({"servers": (entry(NAMES[0], pool_id=POOL, guests=("vm1",)),)}, "vm1"),
        ({"repositories": (ManagedRepository(id="r", name="repo1", pool=POOL),)}, "repo1"),
        ({"repositories": (ManagedRepository(id="r", name="repo1", presented=("11:00",)),)}, "repo1"),
        ({"pools": (pool("11:00", "99:00"),)}, "not in the spec"),
    ],
)
def test_whatever_is_alive_keeps_it(change: dict[str, Any], words: str) -> None:
    for run in ("", "R1"):
        told, why = ends(half_made(**change), left_by=run)
        assert not told
        assert words in why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"guests": ABSENT}, "virtual machines not read"),
        ({"repositories": ABSENT}, "repositories not read"),
        ({"servers": ABSENT}, "its servers in Manager not read"),
        ({"pools": (pool(is_shown=False),)}, "its servers in Manager not read"),
        ({"guests": (ManagedGuest(id="g", name="vm1"),)}, "in which pool vm1 is"),
        ({"repositories": (ManagedRepository(id="r", name="repo1", is_shown=False),)}, "does not show it"),
        ({"pools": (pool("11:00", virtual_ip="203.0.113.99"),)}, "nobody asked for 203.0.113.99"),
        ({"second": server(NAMES[1], planes={"agent": UNREACHABLE, "ssh": SSH})}, "agent not read"),
        ({"second": server(NAMES[1], planes={"agent": REFUSED, "ssh": SSH})}, "agent not read"),
        ({"second": server(NAMES[1], planes={"agent": SSH, "ssh": UNREACHABLE})}, "SSH not read"),
        ({"second": server(NAMES[1], planes={"agent": SSH})}, "SSH was not asked"),
        ({"first": member(NAMES[0], cluster_online=ABSENT)}, "cluster and heartbeat not read"),
        ({"first": member(NAMES[0], cluster_running=ABSENT)}, "cluster and heartbeat not read"),
        ({"first": member(NAMES[0], vip_holder_mac=ABSENT)}, "virtual IP not read"),
        ({"first": member(NAMES[0], running_guests=ABSENT)}, "virtual machines not read"),
        ({"first": member(NAMES[0], repositories=ABSENT)}, "repositories not read"),
        ({"first": member(NAMES[0], db_owner=None)}, "the agent says"),
        ({"first": member(NAMES[0], db_pool_id=ABSENT)}, "pool it believes to be in not read"),
    ],
)
def test_whatever_was_not_read_keeps_it(change: dict[str, Any], words: str) -> None:
    for run in ("", "R1"):
        told, why = ends(half_made(**change), left_by=run)
        assert not told
        assert words in why


@pytest.mark.parametrize(
    "shape",
    [
        {"pools": (pool("11:00", clustered=False),)},  # no heartbeat whose silence could tell anything
        {"pools": (pool("11:00", clustered=None),)},
        {"pools": (pool("11:00", name="pool2"),)},
        {"pools": (pool(name="pool2"),), "servers": ()},
        {
            "second": member(NAMES[1]),
            "pools": (pool("11:00", "12:00"),),
            "servers": tuple(entry(name, pool_id=POOL) for name in NAMES),
        },
    ],
)
def test_what_has_not_the_shape_of_a_failed_try_needs_our_journal(shape: dict[str, Any]) -> None:
    assert ends(half_made(**shape)) == (False, "nothing shows that a failed run left it")
    assert ends(half_made(**shape), left_by="R1")[0]


def test_a_heartbeat_on_the_lun_keeps_it() -> None:
    look = LunLook(wwid="w", is_seen=True, cluster=POOL[-16:], volume=VolumeLook(alive=(1,)))
    lun = spec(file_system=LUN)
    told, why = ends(half_made(first=member(NAMES[0], pool_lun=look)), lun)
    assert not told
    assert why == f"{NAMES[0]}: cluster and heartbeat: a heartbeat beats on the LUN"
    assert ends(half_made(), lun)[0]
    assert not ends(half_made(second=server(NAMES[1], pool_lun=ABSENT)), lun)[0]
    assert ends(half_made(second=server(NAMES[1], pool_lun=ABSENT)))[0]  # no LUN is part of this pool


def test_a_neighbour_in_another_pool_is_no_sign_of_life() -> None:
    busy = server(
        NAMES[1], owner=OWN, pool_id=OTHER, cluster_online=True, cluster_running=True, running_guests=("vm9",),
        stored_cluster=StoredCluster(name=OTHER[-16:]),
    )  # fmt: skip
    assert ends(half_made(second=busy))[0]


SERVER_CHANGES: dict[str, list[Any]] = {
    "cluster_online": [True], "cluster_running": [True], "vip_holder_mac": ["00:21:f6:aa:bb:cc"],
    "running_guests": [("vm1",)], "repositories": [(RepositoryEntry(uuid="r"),)], "owner": [FOREIGN, None],
    "pool_id": [OTHER, POOL], "stored_cluster": [CLUSTER, StoredCluster(name=OTHER[-16:])],
    "conf_cluster": [CLUSTER, StoredCluster(name=OTHER[-16:])], "db_pool_id": [OTHER], "db_owner": [FOREIGN],
    "mounts": [(Mount(device="d", path="/poolfsmnt/x", kind="ocfs2"),)], "master_vip": ["203.0.113.60", VIP],
    "addresses": [(Address(interface="cb0", address=VIP, prefix=24),)],
    "pool_lun": [LunLook(wwid="w", is_seen=True, volume=VolumeLook(alive=(1,)))],
}  # fmt: skip
MANAGER_CHANGES: dict[str, list[Any]] = {
    "guests": [(ManagedGuest(id="g", name="vm1"),)],
    "repositories": [(ManagedRepository(id="r", name="repo1", pool=POOL),)],
    "servers": [(entry(NAMES[0], pool_id=POOL, guests=("vm1",)),)],
    "uuid": [FOREIGN],
}


@st.composite
def more_and_less(draw: st.DrawFn) -> tuple[OvmFleet, OvmFleet]:
    """A fleet with a sign of life or two, and the same fleet of which less was read: above all, not that sign."""
    signs = st.tuples(st.sampled_from(NAMES), st.sampled_from(sorted(SERVER_CHANGES)))
    shown = draw(st.lists(signs, max_size=2, unique=True))
    gone = {*shown[:1], *draw(st.lists(signs, max_size=2))}
    lists = draw(st.lists(st.sampled_from(sorted(MANAGER_CHANGES)), max_size=1))
    unread = {*lists, *draw(st.lists(st.sampled_from(sorted(MANAGER_CHANGES)), max_size=1))}
    more = half_made(**{name: draw(st.sampled_from(MANAGER_CHANGES[name])) for name in lists})
    for name, fact in shown:
        more = changed(more, name, {fact: seen(draw(st.sampled_from(SERVER_CHANGES[fact])))})
    less = more
    for name, fact in gone:
        less = changed(less, name, {fact: ABSENT})
    if draw(st.integers(0, 9)) == 0:  # nobody looked at this server
        hidden = draw(st.sampled_from(NAMES))
        less = less.model_copy(update={"servers": {n: one for n, one in less.servers.items() if n != hidden}})
    assert less.manager is not None
    manager = less.manager.model_copy(update=dict.fromkeys(unread, ABSENT))
    return more, less.model_copy(update={"manager": manager})


class _Quiet:
    """Two fleets in a box: their text would fill a screen."""

    def __init__(self, both: tuple[OvmFleet, OvmFleet]) -> None:
        self.both = both

    @override
    def __repr__(self) -> str:
        return "two fleets"


def changed(found: OvmFleet, name: str, update: dict[str, Any]) -> OvmFleet:
    """The fleet with other facts of one server."""
    one = found.servers[name].model_copy(update=update)
    return found.model_copy(update={"servers": {**found.servers, name: one}})


PLANES: list[dict[str, PlaneFact]] = [
    {}, {"agent": SSH}, {"ssh": SSH}, {"agent": REFUSED, "ssh": SSH}, {"agent": SSH, "ssh": UNREACHABLE},
]  # fmt: skip


@pytest.mark.parametrize("has_lun", [False, True])
@pytest.mark.parametrize("left_by", ["", "R1"])
@pytest.mark.parametrize("fact", sorted(SERVER_CHANGES))
@pytest.mark.parametrize("name", NAMES)
def test_a_sign_of_life_that_is_not_read_keeps_as_well(
    name: str, fact: str, left_by: str, has_lun: bool
) -> None:
    """Every sign alone, then everything that could hide it: the fact itself, each other fact, each connection."""
    wanted = spec(file_system=LUN) if has_lun else spec()
    for value in SERVER_CHANGES[fact]:
        alive = changed(half_made(), name, {fact: seen(value)})
        kept = not ends(alive, wanted, left_by)[0]
        held = not _server_ends(alive, name, left_by, wanted)
        hidden = [changed(alive, name, {other: ABSENT}) for other in SERVER_CHANGES]
        hidden += [changed(alive, name, {"planes": planes}) for planes in PLANES]
        for less in hidden:
            assert not (kept and ends(less, wanted, left_by)[0])
            assert not (held and _server_ends(less, name, left_by, wanted))


@given(st.data(), st.sampled_from(["", "R1"]), st.booleans())
def test_reading_less_never_ends_what_was_kept(data: st.DataObject, left_by: str, has_lun: bool) -> None:
    more, less = data.draw(more_and_less().map(_Quiet)).both
    wanted = spec(file_system=LUN) if has_lun else spec()
    for name in NAMES:
        assert _server_ends(more, name, left_by, wanted) or not _server_ends(less, name, left_by, wanted)
    assert ends(more, wanted, left_by)[0] or not ends(less, wanted, left_by)[0]


def _server_ends(found: OvmFleet, name: str, left_by: str, wanted: PoolSpec) -> bool:
    dead = frozenset({POOL[-16:]})
    return decide(of_server(name, dead, wanted, found, left_by=left_by, has_shape=True)).ends


# -- servers that this Manager owns ------------------------------------------------------------------------------------


def test_an_owned_server_is_let_go_only_with_its_pool_or_by_our_journal() -> None:
    owned = fleet(server(NAMES[0], owner=OWN), server(NAMES[1]), servers=(entry(NAMES[0]),))

    def told(**more: Any) -> bool:
        return decide(of_server(NAMES[0], frozenset(), spec(), owned, **more)).ends

    assert not told(has_shape=False)
    assert told(has_shape=False, left_by="R1")
    assert told(has_shape=True)


def test_a_sparc_server_has_no_o2cb_and_is_never_proven_dead() -> None:
    sparc = member(NAMES[0], cluster_running=absent("a control domain has no such thing"))
    assert not ends(half_made(first=sparc))[0]
