"""Hostile servers side by side with healthy ones: each ends within its limit and is told, the others are untouched."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from core.checks.coverage import cover
from core.checks.folding import fold
from core.lab.faults import FAULTS
from core.models.facts import PlaneState
from core.models.results import Verdict
from core.platforms.oracle_vm.platform import PLATFORM
from core.reports.checks import check_document
from core.reports.text import check_text, results_text
from core.text import is_inert
from tests.lab.collect.looking import QUICK, looking

HOSTILE = [
    "agent-escape", "agent-huge", "agent-garbage", "agent-bomb", "agent-trickle", "agent-hangs", "agent-half-reply",
    "agent-short-length", "agent-charset", "agent-truncated-document", "agent-drops", "agent-nil",
    "ssh-escape", "ssh-huge", "ssh-garbage", "ssh-charset", "ssh-trickle", "ssh-hangs", "ssh-command-hangs",
    "ssh-half-reply",
]  # fmt: skip
HEALTHY = ("203.0.113.11", "203.0.113.12")
LIMITS = replace(
    QUICK, connect_s=15.0, agent_read_s=25.0, agent_discover_s=40.0, agent_body_s=10.0, ssh_command_s=25.0,
    server_total_s=160.0,
)  # fmt: skip
FINE = (Verdict.PASS, Verdict.NOT_APPLICABLE)


@pytest.mark.timeout(600)
@pytest.mark.asyncio
async def test_each_hostile_server_is_told_within_its_limit_and_the_others_are_undisturbed() -> None:
    assert set(HOSTILE) <= set(FAULTS)
    struck = {f"ovs{number:02d}": {fault} for number, fault in enumerate(HOSTILE, 3)}
    address = {f"ovs{number:02d}": f"203.0.113.{number + 10}" for number in range(1, len(HOSTILE) + 3)}
    async with looking(servers=len(HOSTILE) + 2, limits=LIMITS, faults=struck, speed=20.0) as look:
        async with asyncio.timeout(
            2 * LIMITS.server_total_s
        ):  # side by side: one server's limit and room to spare
            fleet = await look.collect()
        results = await look.judged(fleet)
    for name, fault in struck.items():
        told = [one for one in results if one.target == address[name] and one.verdict not in FINE]
        told += [one for one in results if one.verdict not in FINE and address[name] in one.servers]
        assert told, f"{next(iter(fault))} left no trace in the findings on {name}"
    for healthy in HEALTHY:
        assert {plane.state for plane in fleet.servers[healthy].planes.values()} == {PlaneState.OK}
        odd = [
            (one.id, one.verdict, one.detail)
            for one in results
            if one.target == healthy and one.verdict not in FINE
        ]
        assert not odd
    causes = fold(PLATFORM.checks, results)
    coverage = cover(results, look.spec.server_names)
    shown = check_text(results, causes, coverage) + results_text(results, all_of_them=True)
    assert all(is_inert(line) for line in shown.splitlines())
    document = json.dumps(
        check_document(results, False, causes=causes, coverage=coverage), ensure_ascii=False
    )
    assert is_inert(document)
    assert len(document) < 4 * 1024 * 1024
