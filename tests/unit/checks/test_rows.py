"""Every verdict of every check, from facts that differ from a healthy fleet in one thing: one row each."""

from __future__ import annotations

from typing import Any

import pytest

from core.models.results import Severity, Verdict
from core.platforms.oracle_vm.facts import (
    ManagerFacts,
    OvmServerFacts,
)
from tests.unit.checks import rows_fleet, rows_input, rows_manager, rows_pair, rows_server, rows_storage
from tests.unit.checks.builders import (
    NFS,
    REGISTRY,
    context,
    judge,
    nfs,
    server,
)
from tests.unit.checks.making import ON_LUN, UNCLUSTERED, F, N, P, Row, U, W, one, two

FROM_THE_SPEC = {  # what the spec says settles these, whatever the facts are
    "manager.vip.required",
    "manager.start_policy.release",
    "manager.agent.dialect",
    "storage.failover.timeout",
}
ROWS: list[Row] = [
    row
    for room in (rows_input, rows_fleet, rows_storage, rows_pair, rows_server, rows_manager)
    for row in room.ROWS
]


def _name(value: object) -> str | None:
    """Words and verdicts in the name of a test; a context has a number there."""
    return str(value)[:30] if isinstance(value, str) else None


@pytest.mark.parametrize(("check_id", "ctx", "expected", "word"), ROWS, ids=_name)
def test_verdict(check_id: str, ctx: Any, expected: Verdict, word: str) -> None:
    result = judge(check_id, ctx)
    assert result.verdict is expected, result.detail
    assert word in f"{result.detail} {result.fix}"
    assert result.detail
    if expected in (F, W, U):
        assert result.fix


def test_every_check_has_a_row_for_every_verdict_it_was_written_for() -> None:
    covered: dict[str, set[Verdict]] = {}
    for check_id, _ctx, expected, _word in ROWS:
        covered.setdefault(check_id, set()).add(expected)
    assert set(covered) == set(REGISTRY.checks)
    assert not {id_ for id_, found in covered.items() if P not in found or not found - {P, N}}


def test_nothing_passes_where_nothing_was_seen() -> None:
    """Facts of nobody: a check that reads facts is unknown, or the question does not arise."""
    servers = tuple(OvmServerFacts(name=f"203.0.113.1{n}", address=f"203.0.113.1{n}") for n in (1, 2, 3))
    for pool in ({}, ON_LUN, UNCLUSTERED):
        ctx = context(*servers, pool=pool, manager_facts=ManagerFacts())
        for check in REGISTRY:
            result = judge(check.id, ctx)
            if not check.spec_only and check.id not in FROM_THE_SPEC:
                assert result.verdict in (U, N), (check.id, result.verdict, result.detail)


def test_a_check_that_only_reads_the_spec_never_reads_facts() -> None:
    empty = context()
    for check in REGISTRY:
        if check.spec_only:
            assert "input" in check.planes
            assert judge(check.id, empty).verdict is not U


@pytest.mark.parametrize("check_id", ["storage.nfs.writable", "storage.nfs.root"])
def test_what_only_a_write_would_tell_is_an_unknown_warning(check_id: str) -> None:
    result = judge(check_id, context())
    assert (result.verdict, result.severity) == (U, Severity.WARNING)
    assert (
        judge(check_id, one(pool_nfs=nfs(is_writable=False, keeps_root=False))).severity is Severity.BLOCKER
    )


def test_peers_that_do_not_resolve_only_warn_in_an_unclustered_pool() -> None:
    servers = (server(1), server(2, peer_addresses={"ovs01": ()}))
    assert judge("pair.names.resolve", context(*servers, pool=UNCLUSTERED)).verdict is W


def test_a_finding_names_its_servers_and_never_the_nfs_default() -> None:
    result = judge("server.hostname.loopback", two(own_name_addresses=("127.0.0.1",)), "203.0.113.12")
    assert result.servers == ("203.0.113.12",)
    assert "203.0.113.12" in result.detail
    assert NFS["export"] not in result.detail
