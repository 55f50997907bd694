"""`--intrusive`: what only writing tells, and nothing left of it; without it nothing is written."""

from __future__ import annotations

import pytest

from core.models.results import Verdict
from core.platforms.oracle_vm.facts import NfsLook, OvmFleet
from tests.lab.collect.looking import looking

SERVERS = ("203.0.113.11", "203.0.113.12")


def look_of(fleet: OvmFleet, name: str) -> NfsLook:
    facts = fleet.ovm_server(name)
    assert facts is not None
    assert facts.pool_nfs.value is not None, facts.pool_nfs.missing
    return facts.pool_nfs.value


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("changed", "writable", "root", "verdicts"),
    [
        ({}, True, True, {"R017": Verdict.PASS, "R018": Verdict.PASS}),
        ({"is_writable": False}, False, None, {"R017": Verdict.FAIL}),
        ({"squashes_root": True}, False, False, {"R018": Verdict.FAIL}),
    ],
    ids=["healthy", "read-only", "root is squashed"],
)
async def test_writing_tells_what_looking_cannot_and_leaves_nothing(
    changed: dict[str, bool], writable: bool, root: bool | None, verdicts: dict[str, Verdict]
) -> None:
    async with looking("healthy-nfs", servers=2) as look:
        nas = next(iter(look.lab.world.nas.values()))
        for name, value in changed.items():
            setattr(nas.exports[0], name, value)
        before = look.lab.snapshot()
        shy = await look.collect()
        assert [look_of(shy, name).is_writable for name in SERVERS] == [None, None]
        fleet = await look.collect(intrusive=True)
        results = await look.judged(fleet)
        assert look.lab.snapshot() == before
        assert not [name for name in nas.exports[0].files if name.startswith(".poolwright")]
        assert not any(server.mounts for server in look.lab.world.servers.values())
    for name in SERVERS:
        seen = look_of(fleet, name)
        assert (seen.is_writable, seen.keeps_root, seen.left_by_us) == (writable, root, "")
    for rule, verdict in verdicts.items():
        told = [one.verdict for one in results if rule in one.rules]
        assert told == [verdict]


@pytest.mark.asyncio
async def test_what_a_look_that_died_left_behind_is_swept_at_the_next_one() -> None:
    async with looking("healthy-nfs", servers=2) as look:
        server = look.lab.world.servers["ovs01"]
        nas = next(iter(look.lab.world.nas.values()))
        left = "/tmp/.poolwright-0123456789abcdef"
        server.mounts.append(
            {"device": f"{nas.host}:{nas.exports[0].path}", "path": left, "kind": "nfs", "options": "ro,soft"}
        )
        fleet = await look.collect()
        assert not server.mounts
    assert look_of(fleet, SERVERS[0]).entries == ()
