"""Facts of a whole fleet: every server plus what the platform's controller told. Pure data."""

from __future__ import annotations

from pydantic import AwareDatetime, SerializeAsAny

from core.models.base import Frozen
from core.models.facts import PlaneFact, ServerFacts


class FleetFacts(Frozen):
    """What the checks, the planner and the screens look at. A platform extends it with its controller's facts."""

    servers: dict[str, SerializeAsAny[ServerFacts]] = {}  # by name, in the operator's order
    controller: PlaneFact = PlaneFact()
    observed_at: AwareDatetime | None = None

    def with_server(self, facts: ServerFacts) -> FleetFacts:
        """A copy in which one server's facts are replaced or added."""
        return self.model_copy(update={"servers": {**self.servers, facts.name: facts}})
