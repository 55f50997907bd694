"""What a check may look at: the spec, the fleet's facts, the clock of this look. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from core.models.facts import ServerFacts
from core.models.fleet import FleetFacts
from core.models.spec import BaseSpec

S = TypeVar("S", bound=BaseSpec)
F = TypeVar("F", bound=FleetFacts)


@dataclass(frozen=True, slots=True)
class Context(Generic[S, F]):
    """One look: `fleet` is empty while only the spec is judged."""

    spec: S
    fleet: F
    now: datetime

    @property
    def servers(self) -> Iterator[ServerFacts]:
        """Facts of the servers in the operator's order; a server nobody looked at yet is left out."""
        return (self.fleet.servers[name] for name in self.spec.server_names if name in self.fleet.servers)
