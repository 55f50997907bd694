"""Whose identities were seen, and which of them the operator confirmed. Talks to the service; knows no widget.

What could not be reached is never confirmed: it is passed over, so that one dead server does not stop the rest, and
asked for again as soon as it answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.models.facts import PlaneState
from core.models.fleet import FleetFacts
from core.models.spec import BaseSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.secrets import Secrets
    from core.service import Service
    from core.transports.base import Endpoint
    from core.transports.trust import Identity

CONTROLLER = "manager"  # the controller's plane, and the name of its secret (core/secrets)
JUMP = "jump"  # plane of the machine in between (core.transports.jump)
UNREACHED = "unreachable"


class Trust:
    """Identities as they were last seen, and what was decided about them."""

    def __init__(self, service: Service, endpoints: Callable[[BaseSpec], Iterable[Endpoint]]) -> None:
        self.service = service
        self._endpoints = endpoints  # of a spec, as its platform lists them
        self.seen: list[Identity] = []
        self._confirmed: frozenset[Endpoint] = frozenset()
        self._passed: frozenset[Endpoint] = frozenset()
        self._names: tuple[BaseSpec, frozenset[Endpoint]] | None = None  # of the spec asked about last
        self._settled: tuple[BaseSpec, bool] | None = None  # the last answer; a draw asks many times
        self._looked_through: object = None  # the machine in between when they were seen
        self._confirmed_through: object = None  # ... when they were confirmed

    async def look(self, spec: BaseSpec | None, secrets: Secrets) -> list[Identity]:
        """Fetch the identities of everything a spec names; sends no secret."""
        self.seen = [] if spec is None else await self.service.identities(spec, secrets)
        self._looked_through = None if spec is None else spec.jump
        return self.seen

    def of(self, state: str) -> list[Identity]:
        """Those that are known, new, changed or unreachable."""
        return [each for each in self.seen if each.state.value == state]

    def confirm(self) -> None:
        """Pin all new ones and pass over what could not be reached; refuses while a changed one is there."""
        self.service.trust(self.of("changed") or self.of("new"))
        if self.is_jump_in_the_way:
            return
        self._settled = None
        self._confirmed_through = self._looked_through
        unreached = {each.endpoint for each in self.of(UNREACHED)}
        self._confirmed |= {each.endpoint for each in self.seen} - unreached
        self._passed = (self._passed | unreached) - self._confirmed

    def settles(self, spec: BaseSpec) -> bool:
        """Was everything the spec names confirmed by this way, or passed over because it could not be reached?"""
        if self._settled is None or self._settled[0] is not spec:
            same_way = spec.jump == self._confirmed_through
            self._settled = (spec, same_way and self._named(spec) <= self._confirmed | self._passed)
        return self._settled[1]

    def passed_over(self, spec: BaseSpec) -> int:
        """How many identities of what the spec names were not seen, because nobody answered there."""
        return len(self._named(spec) & self._passed)

    def reconsider(self, fleet: FleetFacts) -> None:
        """A look at the fleet reached what had been passed over: its identity is asked for again."""
        self._settled = None
        self._passed = frozenset(
            each for each in self._passed if _state(fleet, each) is not PlaneState.UNTRUSTED
        )

    @property
    def is_jump_in_the_way(self) -> bool:
        """Is the machine in between all that was asked, and did it not answer?"""
        return bool(self.seen) and all(
            each.endpoint.plane == JUMP and each.state.value == UNREACHED for each in self.seen
        )

    def _named(self, spec: BaseSpec) -> frozenset[Endpoint]:
        if self._names is None or self._names[0] is not spec:
            self._names = (spec, frozenset(self._endpoints(spec)))
        return self._names[1]


def _state(fleet: FleetFacts, endpoint: Endpoint) -> PlaneState | None:
    if endpoint.plane == CONTROLLER:
        return fleet.controller.state
    facts = fleet.servers.get(endpoint.server)
    plane = facts.planes.get(endpoint.plane) if facts is not None else None
    return plane.state if plane is not None else None
