"""Laws that hold for any fleet, and for fleets drawn from the recorded processors."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from core.cpu import flags
from core.cpu.compat import pair
from core.cpu.fleet import Fleet
from core.cpu.matrix import build
from core.cpu.parse import parse_profile
from core.cpu.pool import PoolView
from core.cpu.verdict import XEN_GUESTS, CellVerdict, Guest
from core.models.cpu import Arch, CpuProfile, FlagSource
from core.reports.compat_build import report
from core.reports.compat_document import document
from core.reports.compat_html import compat_html
from core.reports.compat_svg import compat_svg
from core.reports.compat_text import compat_text
from tests.examples import examples

from .samples import RECORDED, rows

WORSENING = [
    CellVerdict.ALLOWED,
    CellVerdict.RISK,
    CellVerdict.UNKNOWN,
    CellVerdict.FAILS,
    CellVerdict.REFUSED,
]
DOCUMENTED = sorted(name for name, row in flags.table().items() if "w" not in row.tags)
FEATURES = [*DOCUMENTED, "a_new_feature", "another_one"]
NAMES = st.sets(st.sampled_from(FEATURES), max_size=25).map(frozenset)
TEXTS = [
    (RECORDED / "cpuinfo" / row["file"]).read_text(encoding="utf-8")
    for row in rows("cpuinfo")
    if row["vendor_id"]
]


@st.composite
def profiles(draw: st.DrawFn) -> CpuProfile:
    """Made-up servers: few keys, any flags, every way of having seen them."""
    if bool(TEXTS) and draw(st.booleans()):
        found: CpuProfile = parse_profile(draw(st.sampled_from(TEXTS)))
    else:
        found = CpuProfile(
            arch=Arch.X86_64,
            vendor=draw(st.sampled_from(["GenuineIntel", "AuthenticAMD"])),
            family="6",
            model=draw(st.sampled_from(["63", "85", None])),
            stepping=draw(st.sampled_from(["2", "4", "7", None])),
            microcode=draw(st.sampled_from(["0x1", "0x2", None])),
            flags=draw(NAMES) | {"lm", "rep_good"},
            flag_source=draw(
                st.sampled_from(
                    [FlagSource.CPUINFO, FlagSource.XEN_DOM0, FlagSource.HW_CAPS, FlagSource.CPUID]
                )
            ),
            flags_cut=draw(st.booleans()) and draw(st.booleans()),
        )
    if draw(st.booleans()):
        found = found.model_copy(update={"flags": found.flags - draw(NAMES)})
    return found


GUESTS = st.sampled_from(list(Guest))
FLEETS = st.lists(st.none() | profiles(), min_size=1, max_size=7).map(
    lambda items: {f"server{number}": item for number, item in enumerate(items)}
)


def whole(profile: CpuProfile) -> bool:
    """All that a verdict needs is there."""
    known = profile.key is not None and profile.arch is Arch.X86_64
    return known and not profile.flags_cut and profile.flag_source is not FlagSource.NONE


@given(profiles(), GUESTS)
def test_a_processor_is_compatible_with_itself(profile: CpuProfile, guest: Guest) -> None:
    verdict = pair(profile, profile, guest).verdict
    if whole(profile):
        assert verdict in (
            CellVerdict.ALLOWED,
            CellVerdict.FAILS if profile.has_hvm is False else CellVerdict.ALLOWED,
        )
    else:
        assert verdict is CellVerdict.UNKNOWN or profile.arch is Arch.SPARC or guest is Guest.KVM


@given(profiles(), profiles(), GUESTS, st.lists(profiles(), max_size=3))
def test_a_verdict_depends_only_on_the_two_profiles(
    a: CpuProfile, b: CpuProfile, guest: Guest, others: list[CpuProfile]
) -> None:
    alone = pair(a, b, guest).verdict
    fleet: dict[str, CpuProfile | None] = {
        "a": a,
        "b": b,
        **{f"o{n}": other for n, other in enumerate(others)},
    }
    assert build(fleet, [guest]).verdict("a", "b", guest) is alone


@examples(300)
@given(profiles(), profiles(), GUESTS, st.data())
def test_fewer_features_on_the_source_never_make_it_worse(
    a: CpuProfile, b: CpuProfile, guest: Guest, data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(a.flags)), max_size=12)) if a.flags else set()
    poorer = a.model_copy(update={"flags": a.flags - lost})
    before, after = pair(a, b, guest).verdict, pair(poorer, b, guest).verdict
    assert WORSENING.index(after) <= WORSENING.index(before)


@given(FLEETS)
def test_the_baseline_is_in_every_member(fleet: dict[str, CpuProfile | None]) -> None:
    view = PoolView(build(fleet))
    for profile in fleet.values():
        assert set(view.baseline) <= (profile.flags if profile is not None else set())
    for profile in fleet.values():
        if profile is not None and profile.flag_source is not FlagSource.NONE:
            assert set(view.baseline_of_known) <= profile.flags


@given(FLEETS)
def test_the_partition_covers_all_servers_and_every_pair_inside_works(
    fleet: dict[str, CpuProfile | None],
) -> None:
    matrix = build(fleet)
    view = PoolView(matrix)
    assert sorted(itertools.chain(*view.partition)) == sorted(fleet)
    assert sorted(itertools.chain(*view.sets)) == sorted(fleet)
    for part in (*view.partition, view.largest):
        for a, b in itertools.permutations(part, 2):
            assert all(matrix.verdict(a, b, guest).works for guest in XEN_GUESTS)
    assert len(view.largest) == max(len(view.largest), *(len(part) for part in view.partition))


@given(FLEETS, st.randoms(use_true_random=False))
def test_the_order_of_servers_changes_nothing(fleet: dict[str, CpuProfile | None], random: object) -> None:
    names = list(fleet)
    random.shuffle(names)  # type: ignore[attr-defined]
    one = document(report(Fleet(profiles=dict(fleet))))
    two = document(report(Fleet(profiles={name: fleet[name] for name in names})))
    for data in (one, two):
        data["servers"].sort(key=lambda server: server["name"])
        data["notes"].sort()
    assert one == two


@given(FLEETS)
def test_strongly_connected_sets_are_those_of_the_graph(fleet: dict[str, CpuProfile | None]) -> None:
    matrix = build(fleet)
    names = list(fleet)
    reach = {
        (a, b): a == b or all(matrix.verdict(a, b, guest).works for guest in XEN_GUESTS)
        for a in names
        for b in names
    }
    for middle, a, b in itertools.product(names, names, names):
        reach[a, b] = reach[a, b] or (reach[a, middle] and reach[middle, b])
    for part in PoolView(matrix).sets:
        for server in names:
            mutual = reach[part[0], server] and reach[server, part[0]]
            assert mutual == (server in part)


TEXT = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(["0x", "0xzz", "9" * 5000, "9.9." + "9" * 5000, "\u00b2", "\x1b[2J"])
)
WILD = st.builds(
    CpuProfile,
    arch=st.sampled_from(list(Arch)),
    vendor=TEXT,
    family=TEXT,
    model=TEXT,
    stepping=TEXT,
    model_name=TEXT,
    microcode=TEXT,
    flags=st.frozensets(st.text(max_size=8), max_size=5),
    flag_source=st.sampled_from(list(FlagSource)),
    khz=st.none() | st.integers(),
    platform_release=TEXT,
    hypervisor=TEXT,
    kernel=TEXT,
    group=TEXT,
    remarks=st.just(()),
)


@given(st.dictionaries(st.text(max_size=8), st.none() | WILD, min_size=1, max_size=4))
def test_no_profile_however_wild_breaks_a_report(profiles_by_name: dict[str, CpuProfile | None]) -> None:
    fleet = Fleet()
    for name, profile in profiles_by_name.items():
        fleet.add(name, profile)
    found = report(fleet)
    json.dumps(document(found))
    text = compat_text(found)
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80
    ET.fromstring(compat_svg(found))
    assert "\x1b" not in compat_html(found)
