"""What a platform may bring beyond its contract: looks that guard a run. One that brings none gets harmless defaults.

The runner, the service and the front ends ask `guards_of(platform)`, so that a platform without them still works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from core.models.events import Verified
from core.models.fingerprint import Fingerprint
from core.models.fleet import FleetFacts
from core.models.plan import Plan
from core.models.spec import BaseSpec


@runtime_checkable
class Guards(Protocol):
    """Looks before and after a run; all of them only read. `world` is what the platform's open_world gave."""

    def secret_problem(self, name: str, value: str) -> str | None:
        """Why this secret could not be sent safely, without the secret; None when it can."""
        ...

    async def survey(self, world: Any, spec: BaseSpec, plan: Plan) -> FleetFacts:
        """All facts anew, through the sessions of the run; never raises for a server."""
        ...

    def fingerprint(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Fingerprint:
        """What a rollback must bring back, out of facts; pure."""
        ...

    def undo_conditions(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[Verified]:
        """What every undo needs (rights, reachability, the release's words), and whether it is there now."""
        ...

    def why_keep(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """Why what an ended run made must not be taken down now; empty when it may be."""
        ...

    def drift(self, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> Sequence[str]:
        """What is not as it was when the plan was made, each in words; empty when the plan still fits."""
        ...


@runtime_checkable
class Sweeps(Protocol):
    """A platform that can end what earlier failures left."""

    def sweep_plan(self, spec: BaseSpec, fleet: FleetFacts, pool: str) -> Plan:
        """A cleaning plan for one dead pool (`pool` picks one where there are several); pure.

        PoolwrightError when none can be made.
        """
        ...


def guards_of(platform: object) -> Guards | None:
    """The platform's guards; None when it brings none."""
    return platform if isinstance(platform, Guards) else None
