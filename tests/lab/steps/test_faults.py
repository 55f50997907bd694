"""What wire and Manager may break: lost replies are read back, half-done steps taken back, nothing is sent twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.lab.steps.support import IMPATIENT, Walked, running, undo, walk

WRITES = [
    ("discoverServer", "", 0),
    pytest.param("discoverServer", "", 1, marks=pytest.mark.slow),
    pytest.param("create", "FileServer", 0, marks=pytest.mark.slow),
    pytest.param("refresh", "FileServer", 0, marks=pytest.mark.slow),
    pytest.param("refresh", "FileSystem", 0, marks=pytest.mark.slow),
    ("create", "ServerPool", 0),
    pytest.param("add", "Server", 0, marks=pytest.mark.slow),
    ("add", "Server", 1),
]
READS = ("list", "show", "refresh", "set")  # what may be sent twice
LOST = [
    "disconnect-after",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("disconnect-midway", "half-reply")),
]


def _strike(verb: str, type_: str, after: int) -> dict[str, Any]:
    params: dict[str, Any] = {"verb": verb, "after": after, "count": 1}
    return {**params, "type": type_} if type_ else params


def _storage_apart(walked: Walked) -> list[str]:
    """Residue without the look at the storage, which needs a login to the servers."""
    return [left.what for left in walked.residue if not left.id.endswith(":storage")]


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize(("verb", "type_", "after"), WRITES)
async def test_a_reply_lost_after_the_effect_is_read_back(
    fault: str, verb: str, type_: str, after: int
) -> None:
    async with running("healthy-nfs") as run:
        plan = await run.plan()
        run.lab.world.faults[fault] = _strike(verb, type_, after)
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        sent = Counter(line for line in run.sent if line.split(" ")[0] not in READS)
        assert max(sent.values()) == 1
        assert all(server.pool for server in run.lab.world.servers.values())


@pytest.mark.asyncio
@pytest.mark.parametrize(("verb", "type_", "after"), WRITES)
async def test_a_command_lost_before_its_effect_is_not_sent_again_and_leaves_nothing(
    verb: str, type_: str, after: int
) -> None:
    async with running("healthy-nfs", limits=IMPATIENT) as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        run.lab.world.faults["disconnect-before"] = _strike(verb, type_, after)
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            sent = Counter(line for line in run.sent if line.split(" ")[0] not in READS)
            assert max(sent.values()) == 1
            assert bool(walked.failed) is (verb != "refresh"), walked.why
            await undo(world, walked)
            assert _storage_apart(walked) == []
            assert run.lab.snapshot() == before
            again = await walk(world, plan)
            assert again.failed == "", again.why


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario",
    [
        "join-fails",
        pytest.param("create-fails", marks=pytest.mark.slow),
        "create-fails-dirty",
        pytest.param("join-fails-dirty", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("create_fails_at", ["add", pytest.param("create", marks=pytest.mark.slow)])
async def test_a_failed_pool_is_taken_back(scenario: str, create_fails_at: str) -> None:
    async with running(scenario, servers=3, switches={"create_fails_at": create_fails_at}) as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed.startswith(("create_pool", "join_server"))
            assert "made to fail" in walked.why
            await undo(world, walked)
        assert _storage_apart(walked) == []
        after = run.lab.snapshot()
        assert after["servers"] == before["servers"]
        assert after["objects"] == before["objects"]
        if not scenario.endswith("dirty"):
            assert after == before


VARIANTS: list[dict[str, Any]] = [
    {"job_id_line": False},
    {"empty_list_none": True},
    {"bare_syntax_error": True},
    {"id_with_name": True},
    {"line_end": "\r\n"},
    {"line_end": "\n"},
    {"banner": "Welcome to the OVM> of today\nOVM> "},
    {"keyboard_interactive": True, "password_auth": False},
    {"password_after_ownership": True},
    {"extra": {"empty_attributes": True, "multiline_errors": False}},
]


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("switches", VARIANTS, ids=lambda one: next(iter(one)))
async def test_every_unconfirmed_variant_is_understood(switches: dict[str, Any]) -> None:
    async with running("healthy-nfs", switches=switches) as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
            await undo(world, walked)
        assert _storage_apart(walked) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["prompt-in-name", "hostile-names"])
async def test_hostile_names_change_nothing(fault: str) -> None:
    async with running("healthy-nfs") as run:
        run.lab.world.faults[fault] = {}
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why
        assert all(line.replace("\n", "").isprintable() for _, line in run.said)


@pytest.mark.asyncio
async def test_what_appears_late_is_waited_for() -> None:
    async with running("healthy-nfs") as run:
        run.lab.world.faults["settle-late"] = {"seconds": 0.3 * run.lab.world.speed}
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
        assert walked.failed == "", walked.why


@pytest.mark.asyncio
async def test_ignored_ownership_is_found_out_and_nothing_stays() -> None:
    async with running("healthy-nfs", limits=IMPATIENT) as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        run.lab.world.faults["own-ignored"] = {"server": "ovs02"}
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "own_server:203.0.113.12"
            assert "own 203.0.113.12" in walked.why
            await undo(world, walked)
        assert walked.residue == []
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
async def test_an_owner_that_came_meanwhile_is_named() -> None:
    async with running("healthy-nfs") as run:
        plan = await run.plan()
        run.lab.world.servers["ovs01"].owner = "0004fb0000010000ffeeddccbbaa9988"
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert "0004fb0000010000ffeeddccbbaa9988" in walked.why
            assert "let its owner release it" in walked.why
            await undo(world, walked)
        assert run.lab.world.servers["ovs01"].owner == "0004fb0000010000ffeeddccbbaa9988"
        assert not run.lab.world.servers["ovs01"].is_known


@pytest.mark.asyncio
async def test_a_pool_of_that_name_that_is_not_ours_stops_us() -> None:
    async with running("healthy-nfs") as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            await walk(world, plan)
        other = plan.model_copy(
            update={"steps": tuple(step for step in plan.steps if step.kind == "create_pool")}
        )
        other.steps[0].args["pool"]["virtual_ip"] = "203.0.113.99"
        async with run.world(other) as world:
            walked = await walk(world, other)
        assert walked.failed == "create_pool:pool"
        assert "203.0.113.10" in walked.why
        assert walked.done == []


@pytest.mark.asyncio
async def test_an_adopted_server_stays_after_an_undo() -> None:
    async with running("already-owned") as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        assert any("stays after a rollback" in step.undo_note for step in plan.steps)
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.adopted == ["own_server:203.0.113.11"]
            await undo(world, walked)
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
async def test_undo_of_half_done_steps_without_a_record() -> None:
    async with running("healthy-nfs") as run:
        before = run.lab.snapshot()
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            looks = {"existed": False, "was_free": True, "known_before": False, "owned_before": False}
            walked.done = [(step, looks) for step, _ in walked.done]
            await undo(world, walked)
        assert _storage_apart(walked) == []
        assert run.lab.snapshot() == before


@pytest.mark.asyncio
async def test_undo_twice_is_undo_once() -> None:
    async with running("healthy-3.2") as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            await undo(world, walked)
            once = run.lab.snapshot()
            await undo(world, walked)
        assert _storage_apart(walked) == []
        assert run.lab.snapshot() == once


@pytest.mark.asyncio
async def test_no_server_leaves_the_pool_while_another_member_is_offline() -> None:
    async with running("healthy-nfs") as run:
        plan = await run.plan()
        async with run.world(plan) as world:
            walked = await walk(world, plan)
            assert walked.failed == "", walked.why
            run.lab.world.servers["ovs01"].run_state = "STOPPED"
            last = next(one for one in reversed(walked.done) if one[0].id.startswith("join_server"))
            undone = await last[0].undo(world, last[1])
        assert undone.may_retry
        (left,) = undone.residue
        assert "R117" in left.why
        (line,) = left.commands  # taking it out now would part the cluster
        assert line.startswith("# no command is offered")
        assert run.lab.world.servers["ovs02"].pool
