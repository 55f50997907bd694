"""What a platform must bring. Engine, checks runner, CLI and TUI know only this.

All of it is abstract: what is missing or misspelt stops the platform from being loaded (TypeError). What a platform
does not bring on purpose it declines by name: NoGuards, NoSweeps, NoListing in front of Platform.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.checks.context import Context
from core.checks.registry import Registry
from core.engine.step import Step, World
from core.models.cpu import CpuProfile
from core.models.events import Verified
from core.models.facts import ServerFacts
from core.models.fleet import FleetFacts
from core.models.plan import Plan, PlannedStep, StepLines
from core.models.results import CheckResult
from core.models.spec import BaseSpec
from core.platforms.guards import Guards, Sweeps
from core.platforms.listing import Listing
from core.transports.base import Access, Endpoint

OnServer = Callable[[ServerFacts], Awaitable[None]]
Narrate = Callable[[str, str], None]  # (step id or "", line): commands and replies as they happen


@dataclass(frozen=True, slots=True)
class SecretField:
    """One secret the platform asks for: its name in Secrets, the prompt's label, and why it is needed."""

    name: str
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class FormSection:
    """One form of the wizard: fields are dotted paths into the spec, their metadata does the rest."""

    id: str  # connect, pool, servers, storage
    title: str
    fields: tuple[str, ...]


class Platform(Guards, Sweeps, Listing):
    """Everything poolwright needs to know about one virtualization platform."""

    name: str
    title: str
    spec_model: type[BaseSpec]
    checks: Registry
    secret_names: Sequence[str]  # every secret there is, needed or not; another word is refused
    step_kinds: Mapping[str, type[Step[Any]]]
    sections: Sequence[FormSection]
    fact_args: frozenset[str]  # dotted names in steps' args that servers told, not the spec

    @property
    @abstractmethod
    def vocabulary(self) -> str:
        """Words that its texts and its servers' replies hold anyway, so that no mask hides them; see core.masking."""

    @abstractmethod
    def secrets_needed(self, spec: BaseSpec) -> Sequence[SecretField]:
        """Which secrets this spec needs."""

    @abstractmethod
    def endpoints(self, spec: BaseSpec) -> Sequence[Endpoint]:
        """Everything whose identity must be trusted before a secret is sent: controller and every server's planes."""

    @abstractmethod
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
        """Observe the fleet, concurrently and bounded; `only` limits it to some servers, the rest is kept from `base`.

        Nothing is written on a server, except with `intrusive`: then into scratch folders, taken away again at once.

        Never raises for a server: what could not be seen stands in that server's facts.
        """

    @abstractmethod
    def context(self, spec: BaseSpec, fleet: FleetFacts, now: datetime) -> Context[Any, Any]:
        """The context its checks expect."""

    @abstractmethod
    def cpu_profiles(self, fleet: FleetFacts) -> Mapping[str, CpuProfile | None]:
        """Processor of each server, None where it could not be read."""

    @abstractmethod
    def plan(self, spec: BaseSpec, fleet: FleetFacts, results: Sequence[CheckResult]) -> Plan:
        """Ordered steps with commands and undo; pure. Raises PoolwrightError when no plan can be made."""

    @abstractmethod
    def spec_hash(self, spec: BaseSpec) -> str:
        """What a plan names its spec by (Plan.spec_hash); pure."""

    @abstractmethod
    def lines_of(self, step: PlannedStep, release: str) -> StepLines:
        """The commands that a step's kind and args make on this release, and those of its undo; pure.

        What is shown of a plan is made here, never taken from its labels. PoolwrightError when the args make none.
        """

    @abstractmethod
    def open_world(
        self, plan: Plan, spec: BaseSpec, access: Access, narrate: Narrate
    ) -> AbstractAsyncContextManager[World]:
        """Sessions for the steps, opened once per run; the engine never looks inside."""

    @abstractmethod
    async def verify(self, world: Any, spec: BaseSpec, plan: Plan) -> Sequence[Verified]:
        """Look at the finished pool from every plane; each item says what was expected and what was seen."""
