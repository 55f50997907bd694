"""Pool view, what-if and migrate-check on small pools."""

from __future__ import annotations

import pytest

from core.cpu import migrate, whatif
from core.cpu.compat import Disagreeing
from core.cpu.fleet import Fleet
from core.cpu.matrix import build, letters, natural
from core.cpu.pool import Memory, PoolView
from core.cpu.verdict import CellVerdict, Guest
from core.models.cpu import CpuProfile
from core.reports.compat_build import report

from .samples import BASE, HASWELL, SKYLAKE, server

RICH = HASWELL + " hle rtm"
NO_AES = HASWELL.replace(" aes ", " ")


def three() -> dict[str, CpuProfile | None]:
    """Two equals, and one whose firmware hides AES."""
    return {"node10": server(HASWELL), "node2": server(HASWELL), "node1": server(NO_AES)}


def test_names_sort_as_people_do() -> None:
    assert sorted(["node10", "node2", "a", "node1b"], key=natural) == ["a", "node1b", "node2", "node10"]


def test_class_letters_go_on_after_z() -> None:
    assert [letters(number) for number in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_equal_processors_are_one_class_in_an_order_of_their_own() -> None:
    matrix = build(three())
    backwards = build(dict(reversed(three().items())))
    found = [(item.id, item.servers) for item in matrix.classes]
    assert {servers for _, servers in found} == {("node1",), ("node2", "node10")}
    assert found == [(item.id, item.servers) for item in backwards.classes]


def test_clock_noise_and_counts_do_not_split_a_class() -> None:
    noisy = {
        f"s{number}": server(HASWELL).model_copy(update={"khz": 2_494_000 + number, "logical_cpus": number})
        for number in range(20)
    }
    assert len(build(noisy).classes) == 1


def test_a_hidden_feature_makes_a_one_way_street() -> None:
    view = PoolView(build(three()))
    poor, rich = (next(c.id for c in view.matrix.classes if name in c.servers) for name in ("node1", "node2"))
    assert view.sets == (("node2", "node10"), ("node1",))
    assert view.one_way == ((poor, rich),)
    assert view.partition == (("node2", "node10"), ("node1",))
    assert (view.partition_bound, view.largest, view.largest_bound) == (2, ("node2", "node10"), 2)


def test_guests_start_where_they_may_leave_for_everywhere() -> None:
    best = PoolView(build(three())).start[0]
    assert (best.servers, best.reaches, best.others) == (("node1",), 2, 2)


def test_the_drag_of_a_server_is_what_the_rest_would_gain() -> None:
    view = PoolView(build(three()))
    assert "aes" not in view.baseline
    drag = {item.servers: item for item in view.drag}
    assert drag["node1",].flags == ("aes",)
    assert drag["node1",].pairs == 2


def test_an_unreadable_server_leaves_no_baseline_and_its_own_part() -> None:
    view = PoolView(build({**three(), "silent": None, "mute": None}))
    assert view.baseline == ()
    assert "sse2" in view.baseline_of_known
    assert ("mute",) in view.partition
    assert ("silent",) in view.partition


def test_evacuation_counts_only_servers_guests_may_go_to() -> None:
    memory = {
        name: Memory(100_000, free)
        for name, free in (("node10", 20_000), ("node2", 85_000), ("node1", 90_000))
    }
    found = {item.server: item for item in PoolView(build(three()), memory).evacuation}
    assert (found["node10"].peers, found["node10"].used_mib, found["node10"].free_mib) == (1, 80_000, 85_000)
    assert found["node10"].fits is True
    assert (found["node1"].peers, found["node1"].free_mib, found["node1"].fits) == (2, 105_000, True)
    assert found["node2"].fits is True  # 15,000 used, node10 has 20,000


def test_evacuation_is_not_known_without_memory_and_fails_without_peers() -> None:
    memory = {"node10": Memory(100, 50), "node2": Memory(None, None), "node1": Memory(100, 0)}
    found = {item.server: item.fits for item in PoolView(build(three()), memory).evacuation}
    assert found["node10"] is None
    alone = PoolView(build({"one": server(HASWELL)}), {"one": Memory(100, 50)}).evacuation
    assert alone[0].fits is False


def test_a_refresh_that_suffices_one_way_only_is_said_so() -> None:
    view = PoolView(
        build({"v3": server(HASWELL), "v4": server(HASWELL + " adx rdseed", model=79, stepping=1)})
    )
    texts = {item.text for item in view.disagreements}
    assert texts == {Disagreeing.SUFFICE_ONE_WAY}


def test_what_if_a_microcode_comes_to_all_the_cells_turn_back() -> None:
    fleet: dict[str, CpuProfile | None] = {
        "one": server(RICH, microcode="0x1"),
        "two": server(HASWELL, microcode="0x2"),
    }
    change = whatif.Change(microcode={"one": "0x2"}, lose={"one": ["hle", "rtm"]})
    found = whatif.compare(fleet, whatif.apply(fleet, change), [Guest.PVHVM])
    assert [(t.source, t.target, t.before, t.after) for t in found.turns] == [
        ("one", "two", CellVerdict.FAILS, CellVerdict.ALLOWED)
    ]


def test_what_if_servers_come_and_go() -> None:
    fleet = three()
    change = whatif.Change(add={"new": server(BASE, model=45)}, remove=["node10"], gain={"node1": ["AES"]})
    after = whatif.apply(fleet, change)
    assert list(after) == ["node2", "node1", "new"]
    found = whatif.compare(fleet, after, [Guest.PV])
    turned = {(t.source, t.target): (t.before, t.after) for t in found.turns}
    assert turned["node2", "node1"] == (CellVerdict.FAILS, CellVerdict.ALLOWED)
    assert turned["node2", "new"] == (None, CellVerdict.REFUSED)
    assert turned["node10", "node2"] == (CellVerdict.ALLOWED, None)
    assert found.count == len(found.turns)


@pytest.mark.parametrize(
    "change",
    [
        whatif.Change(remove=["x"]),
        whatif.Change(microcode={"x": "0x1"}),
        whatif.Change(lose={"silent": ["aes"]}),
    ],
)
def test_what_if_about_a_server_that_is_not_there_is_an_error(change: whatif.Change) -> None:
    with pytest.raises(KeyError):
        whatif.apply({"silent": None}, change)


POOL: dict[str, CpuProfile | None] = {
    "v3a": server(HASWELL),
    "v3b": server(NO_AES),
    "v4": server(HASWELL, model=79, stepping=1),
    "silent": None,
}
V3, V4 = "Default_Intel_F6_M63", "Default_Intel_F6_M79"


@pytest.mark.parametrize(
    ("a", "b", "groups", "refused", "verdict", "row"),
    [
        ("v3b", "v3a", {}, False, CellVerdict.ALLOWED, "C07"),
        ("v3a", "v3b", {}, False, CellVerdict.FAILS, "C08"),
        ("v3a", "v4", {}, True, CellVerdict.REFUSED, "C04"),
        ("v3a", "silent", {}, None, CellVerdict.UNKNOWN, "C28"),
        ("v3a", "v3a", {}, False, CellVerdict.ALLOWED, None),
        ("v3a", "v4", {V3: ["v3a"], V4: ["v4"], "mine": ["v3a", "v4"]}, False, CellVerdict.RISK, "C24"),
        ("v3a", "v3b", {"mine": ["v3a", "v3b"]}, False, CellVerdict.FAILS, "C24"),
        ("v3a", "silent", {"mine": ["v3a", "silent"]}, False, CellVerdict.UNKNOWN, "C24"),
        ("v3a", "v3b", {V3: ["v3a"], "other": ["v3b"]}, True, CellVerdict.REFUSED, "C08"),
        ("v3a", "silent", {V3: ["v3a"], V4: ["silent"]}, True, CellVerdict.REFUSED, "C28"),
        ("v3b", "v3a", {V3: ["v3a", "v3b"]}, False, CellVerdict.ALLOWED, "C07"),
        ("v3a", "v4", {V3: ["v3a", "v4"]}, None, CellVerdict.UNKNOWN, "C28"),
    ],
)
def test_an_attempt_is_foretold(
    a: str, b: str, groups: dict[str, list[str]], refused: bool | None, verdict: CellVerdict, row: str | None
) -> None:
    answer = migrate.check(POOL, a, b, Guest.PVHVM, migrate.GroupReading(groups))
    assert (answer.refused, answer.verdict) == (refused, verdict)
    assert answer.rows[:1] == ((row,) if row else ())
    assert answer.text


def test_a_group_that_differs_from_the_prediction_is_shown() -> None:
    reading = migrate.GroupReading({"Default_Intel_Family:6_Model:62": ["v3a"], V3: ["v3b"]})
    assert migrate.mismatches(POOL, reading) == (migrate.Mismatch("v3a", V3, "Default_Intel_F6_M62"),)


def test_a_release_that_refuses_is_not_overridden_by_a_group() -> None:
    new = server(HASWELL).model_copy(update={"platform_release": "3.4.6-2105"})
    old = new.model_copy(update={"platform_release": "3.3.4-1093"})
    answer = migrate.check(
        {"a": new, "b": old}, "a", "b", Guest.PV, migrate.GroupReading({"mine": ["a", "b"]})
    )
    assert (answer.refused, answer.rows[0]) == (True, "C18")


def test_facts_of_a_report_know_their_own_groups() -> None:
    profile = server(HASWELL).model_copy(update={"group": V4})
    fleet = Fleet()
    fleet.add("s", profile)
    assert fleet.add("s", profile) == "s#2"
    found = report(fleet)
    assert migrate.mismatches(found.fleet.profiles, found.fleet.reading)[0].actual == V4


def test_an_older_kernel_on_the_same_release_is_a_risk() -> None:
    new = server(SKYLAKE).model_copy(update={"kernel": "4.1.12-124.48"})
    old = server(SKYLAKE).model_copy(update={"kernel": "4.1.12-61.1"})
    assert build({"a": new, "b": old}).verdict("a", "b", Guest.PV) is CellVerdict.RISK
