"""A recorded look at a fleet, replayed at the rate it was recorded, for as many servers as wanted. No lab beside it.

`feed.json.gz` holds what one look at 16 lab servers told, second by second; server i of a larger fleet repeats server
i modulo 16, a little later in each round, as bounded logins do.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from core.models.facts import PlaneFact, ServerFacts
from core.models.fleet import FleetFacts
from core.models.results import CheckResult
from core.models.spec import BaseSpec
from core.secrets import Secrets
from core.service import Checked, OnResult, OnServer, Service
from core.transports.trust import Identity, TrustState

FILE = Path(__file__).with_name("feed.json.gz")
ROUND_S = 2.0  # how much later the next 16 servers come: 32 logins at once over the fleet (style.md 5)
SECRETS = Secrets({"manager": "throwaway", "agent": "throwaway", "ssh": "throwaway"})


@dataclass(frozen=True, slots=True)
class Told:
    """One thing told at one time: a server's planes, or a result."""

    at_s: float
    facts: ServerFacts | None = None
    result: CheckResult | None = None


def name_of(index: int) -> str:
    """Address of a server of the fleet."""
    return f"198.51.{100 + index // 250}.{index % 250 + 1}"


def spec_of(servers: int) -> dict[str, Any]:
    """A pool of that many servers, as the wizard takes it."""
    return {
        "manager": {"host": "203.0.113.250"},
        "ssh": {"user": "root"},
        "pool": {"name": "pool1", "virtual_ip": "203.0.113.100", "clustered": False},
        "servers": [{"address": name_of(index)} for index in range(servers)],
    }


def feed(servers: int) -> list[Told]:
    """Everything in order of time."""
    recorded = json.loads(gzip.decompress(FILE.read_bytes()))
    made = [told for index in range(servers) for told in _of_server(recorded["servers"], index)]
    return sorted(made, key=lambda told: told.at_s)


def _of_server(recorded: Sequence[dict[str, Any]], index: int) -> Iterator[Told]:
    own, later = recorded[index % len(recorded)], ROUND_S * (index // len(recorded))
    name = name_of(index)
    planes = {plane: PlaneFact.model_validate(fact) for plane, fact in own["planes"].items()}
    yield Told(own["at_s"] + later, facts=ServerFacts(name=name, address=name, planes=planes))
    for at_s, result in own["results"]:
        data = {**result, "target": name, "servers": (name,), "source": ""}
        yield Told(at_s + later, result=CheckResult.model_validate(data, strict=False))


class ReplayService(Service):
    """Replays the feed instead of looking; everything is known and trusted."""

    def __init__(self, state_dir: Path, servers: int) -> None:
        super().__init__(state_dir)
        self.feed = feed(servers)
        self.go = asyncio.Event()  # the feed waits for it
        self.over = False

    @override
    async def identities(self, spec: BaseSpec, secrets: Secrets) -> list[Identity]:
        return [Identity(each, TrustState.KNOWN) for each in self.platform().endpoints(spec)]

    @override
    async def check(
        self,
        spec: BaseSpec,
        secrets: Secrets,
        *,
        only: Sequence[str] | None = None,
        checks: Sequence[str] | None = None,
        touched: Sequence[str] | None = None,
        intrusive: bool = False,
        base: Checked | None = None,
        on_server: OnServer | None = None,
        on_result: OnResult | None = None,
    ) -> Checked:
        await self.go.wait()
        clock = asyncio.get_running_loop().time
        begin = clock()
        fleet, results = {}, []
        for told in self.feed:
            await asyncio.sleep(max(begin + told.at_s - clock(), 0))
            if told.facts is not None:
                fleet[told.facts.name] = told.facts
                if on_server is not None:
                    await on_server(told.facts)
            if told.result is not None:
                results.append(told.result)
                if on_result is not None:
                    await on_result(told.result)
        self.over = True
        return Checked(FleetFacts(servers=fleet, observed_at=datetime.now(UTC)), tuple(results))
