"""A platform made of toys, and a runner process that serves it: `python -m tests.engine.toy_platform`.

The spec's `comment` of its servers carries the world's folder and its faults, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from core.checks.context import Context
from core.checks.registry import Registry
from core.engine.step import Step
from core.errors import LoginRefused
from core.models.cpu import CpuProfile
from core.models.events import Verified
from core.models.fleet import FleetFacts
from core.models.plan import Plan, PlannedStep, StepLines
from core.models.results import CheckResult
from core.models.spec import BaseSpec, ServerTarget
from core.platforms.base import FormSection, Narrate, OnServer, Platform, SecretField
from core.platforms.guards import NoGuards, NoSweeps
from core.platforms.listing import NoListing
from core.runner.protocol import RunDocument
from core.transports.base import Access, Endpoint
from tests.engine.toys import ToyStep, ToyWorld, toy_plan, toy_verify


class ToySpec(BaseSpec):
    """Servers are toys; where they live is told by the first one's comment."""

    @property
    @override
    def pool_name(self) -> str:
        return "toypool"


class Gate:
    """Holds a step until its file appears: tests decide when a step goes on, without sleeping."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, point: str) -> None:
        await asyncio.to_thread(self._wait, point)

    def _wait(self, point: str) -> None:
        wanted = self.folder / f"{point.replace(' ', '-')}.fifo"
        if (self.folder / "kill").exists() and (self.folder / "kill").read_text() == point:
            os.kill(os.getpid(), signal.SIGKILL)
        if wanted.exists():
            wanted.read_text()  # a named pipe: blocks until the test writes


_FRONT_END = "a runner gets its plan, it neither looks at a fleet nor plans"


class ToyPlatform(NoGuards, NoSweeps, NoListing, Platform):
    """A platform of toys; a runner that asks what only a front end may ask fails."""

    name = "toy"
    title = "Toys"
    spec_model: type[BaseSpec] = ToySpec
    checks = Registry()
    secret_names: Sequence[str] = ("manager",)
    step_kinds: Mapping[str, type[Step[Any]]] = {"toy": ToyStep}
    sections: Sequence[FormSection] = ()
    vocabulary = "toy toys box"
    fact_args: frozenset[str] = frozenset()

    @override
    def secrets_needed(self, spec: BaseSpec) -> Sequence[SecretField]:
        return (SecretField("manager", "Toy password", "for the toy box"),)

    @override
    def endpoints(self, spec: BaseSpec) -> Sequence[Endpoint]:
        box = settings(spec)["root"]
        servers = [Endpoint(name, "toy", name, f"{name}.{box}", 1, "tls") for name in spec.server_names]
        return (Endpoint("box", "toy", "box", box, 1, "tls"), *servers)

    @override
    async def collect(
        self,
        spec: BaseSpec,
        access: Access,
        *,
        only: Sequence[str] | None = None,
        base: FleetFacts | None = None,
        on_server: OnServer | None = None,
        intrusive: bool = False,
    ) -> FleetFacts:
        raise AssertionError(_FRONT_END)

    @override
    def context(self, spec: BaseSpec, fleet: FleetFacts, now: datetime) -> Context[Any, Any]:
        raise AssertionError(_FRONT_END)

    @override
    def cpu_profiles(self, fleet: FleetFacts) -> Mapping[str, CpuProfile | None]:
        raise AssertionError(_FRONT_END)

    @override
    def plan(self, spec: BaseSpec, fleet: FleetFacts, results: Sequence[CheckResult]) -> Plan:
        raise AssertionError(_FRONT_END)

    @override
    def spec_hash(self, spec: BaseSpec) -> str:
        return ""

    @override
    def lines_of(self, step: PlannedStep, release: str) -> StepLines:
        return StepLines(step.commands, step.undo_commands)

    @override
    @asynccontextmanager
    async def open_world(
        self, plan: Plan, spec: BaseSpec, access: Access, narrate: Narrate
    ) -> AsyncIterator[ToyWorld]:
        said = settings(spec)
        if said["faults"].get("login") == "refused":
            raise LoginRefused("box", "toy", f"cannot log in with {access.secrets.get('manager')}")
        secret = access.secrets.get("manager")
        if said["faults"].get("login") == "bug":
            raise ValueError(f"no login with {secret}")
        narrate("", f"login admin password={secret} url https://oracle:{secret}@box/ plain {secret}")
        for number in range(int(said["faults"].get("chatter", "0"))):
            narrate("", f"line {number} " + "x" * 200)
        world = ToyWorld(Path(said["root"]), said["faults"], at=Gate(Path(said["gates"])), narrate=narrate)
        yield world

    @override
    async def verify(self, world: ToyWorld, spec: BaseSpec, plan: Plan) -> Sequence[Verified]:
        return await toy_verify(world, plan)


def settings(spec: BaseSpec) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(spec.servers[0].comment)
    return said


def toy_document(folder: Path, plan_text: str = "a > b > c", **faults: str) -> RunDocument:
    """What a toy run shall do, with its world and gates below `folder`."""
    for name in ("world", "gates"):
        (folder / name).mkdir(exist_ok=True)
    comment = json.dumps({"root": str(folder / "world"), "gates": str(folder / "gates"), "faults": faults})
    spec = ToySpec(platform="toy", servers=(ServerTarget(address="toy1", comment=comment),))
    return RunDocument.of(spec, toy_plan(plan_text))


COMMAND = (sys.executable, "-P", "-m", "tests.engine.toy_platform")

if __name__ == "__main__":
    from core.engine.reading import EngineLimits
    from core.runner.__main__ import main

    sys.exit(
        main(lambda _name: ToyPlatform(), engine=lambda: EngineLimits(retry_delay_s=0.05, question_s=60))
    )
