"""Looks that guard a run, and the end of what failures left: abilities that every platform brings or declines by name.

An ability is an abstract base class, so that a misspelt or missing method stops a platform from being loaded instead
of silently dropping what it was for. Declining is an own class, named on purpose in the platform's bases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from core.errors import PoolwrightError
from core.models.events import Verified
from core.models.fingerprint import Fingerprint
from core.models.fleet import FleetFacts
from core.models.past import PastRun
from core.models.plan import Plan
from core.models.spec import BaseSpec
from core.models.use import PoolUse


@dataclass(frozen=True, slots=True)
class Login:
    """One login that an undo or its proof needs, as it was just tried: taken (True), refused (False), or None where
    the server cannot tell, because it is not reached or takes no password from anybody now."""

    server: str
    plane: str
    secret: str  # its name in Secrets
    is_taken: bool | None
    reason: str = ""


class Guards(ABC):
    """Looks before and after a run; all of them only read. `world` is what the platform's open_world gave."""

    @abstractmethod
    def secret_problem(self, name: str, value: str) -> str | None:
        """Why this secret could not be sent safely, without the secret; None when it can."""

    @abstractmethod
    async def survey(
        self, world: Any, spec: BaseSpec, plan: Plan, *, only: Sequence[str] | None = None
    ) -> FleetFacts:
        """All facts anew, through the sessions of the run; never raises for a server. `only`: of these servers."""

    @abstractmethod
    def fingerprint(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Fingerprint:
        """What a rollback must bring back, out of facts; pure."""

    @abstractmethod
    def undo_conditions(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Verified]:
        """What every undo needs (rights, reachability, the release's words), and whether it is there now."""

    @abstractmethod
    def logins(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Login]:
        """Every login to a server that was tried for these facts, and how it went; pure."""

    @abstractmethod
    def why_keep(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """Why what an ended run made must not be taken down now; empty when it may be."""

    @abstractmethod
    def use_of(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> PoolUse:
        """What lives on the plan's pool, out of facts of the controller and of what servers there are; pure."""

    @abstractmethod
    def drift(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """What is not as it was when the plan was made, each in words; empty when the plan still fits."""


class NoGuards(Guards):
    """Declines every guard: nothing is looked at before or after a run of this platform. All of them, or none."""

    @override
    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = sorted(
            name for name in Guards.__abstractmethods__ if getattr(cls, name) is not getattr(NoGuards, name)
        )
        if own:
            raise TypeError(f"{cls.__name__} declines guards (NoGuards) and brings {', '.join(own)}")

    @override
    def secret_problem(self, name: str, value: str) -> str | None:
        """Every secret may be sent."""
        return None

    @override
    async def survey(
        self, world: Any, spec: BaseSpec, plan: Plan, *, only: Sequence[str] | None = None
    ) -> FleetFacts:
        """No look."""
        return FleetFacts()

    @override
    def fingerprint(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Fingerprint:
        """Nothing to compare."""
        return Fingerprint()

    @override
    def undo_conditions(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Verified]:
        """No condition."""
        return ()

    @override
    def logins(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Login]:
        """No login."""
        return ()

    @override
    def why_keep(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """No objection."""
        return ()

    @override
    def use_of(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> PoolUse:
        """Nobody looks."""
        return PoolUse()

    @override
    def drift(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """No change is seen."""
        return ()


class Sweeps(ABC):
    """The end of what earlier failures left."""

    @abstractmethod
    def sweep_plan(self, spec: BaseSpec, fleet: FleetFacts, pool: str, past: Sequence[PastRun]) -> Plan:
        """A cleaning plan for one dead pool (`pool` picks one where there are several); pure. `past`: our own runs.

        PoolwrightError when none can be made.
        """


class NoSweeps(Sweeps):
    """Declines cleaning plans."""

    @override
    def sweep_plan(self, spec: BaseSpec, fleet: FleetFacts, pool: str, past: Sequence[PastRun]) -> Plan:
        """Always refused."""
        raise PoolwrightError(f"cannot sweep: platform {spec.platform} makes no such plan")
