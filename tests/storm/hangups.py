"""Manager hangs up at one command, in one way: before it does anything, at work, when done, or in the reply."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.storm.play import Played, Stage, play_weather
from tests.storm.weather import Fault, Weather

WAYS = ("disconnect-before", "disconnect-after")
WAYS_OF_A_CHANGE = ("disconnect-midway", "half-reply")
CHANGES = ("discoverServer", "create", "add", "addAdminServer", "addRefreshServer", "refresh")


class Place(NamedTuple):
    """The n-th command (or change) that Manager gets while a run is under way, counted from 0."""

    scenario: str
    servers: int
    command: int
    way: str
    is_change: bool = False

    @property
    def weather(self) -> Weather:
        """This and nothing else."""
        args = {"after": self.command, "count": 1, **_those(is_change=self.is_change)}
        return Weather(1, self.scenario, self.servers, (Fault(f"lab:{self.way}", 0.0, args),))


def _those(*, is_change: bool) -> dict[str, Any]:
    return {"verb": CHANGES} if is_change else {}


def commands_of(scenario: str, *, servers: int, is_change: bool = False) -> int:
    """How many commands (or changes) Manager gets in a run that nobody disturbs."""
    seen: list[int] = []

    def count(stage: Stage, _played: Played) -> None:
        seen.append(stage.fleet.world.fault_hits["disconnect-before"])

    never = Fault("lab:disconnect-before", 0.0, {"after": 10**9, **_those(is_change=is_change)})
    played = play_weather(Weather(1, scenario, servers, (never,)), count)
    assert played.outcome == "created", str(played)
    return seen[0]


def places(scenario: str, *, servers: int) -> list[Place]:
    """Every command before and after it is carried out, and every change also at work and in its reply."""
    found = []
    for is_change, ways in ((False, WAYS), (True, WAYS_OF_A_CHANGE)):
        many = commands_of(scenario, servers=servers, is_change=is_change)
        found += [
            Place(scenario, servers, command, way, is_change) for command in range(many) for way in ways
        ]
    return found


def try_place(place: Place) -> tuple[Place, str]:
    """What is wrong with the end; '' when the pool is there, or everything is as before."""
    played = play_weather(place.weather)
    if played.problems:
        return place, "; ".join(played.problems)
    if played.outcome not in ("created", "rolled_back", "refused"):
        return place, f"ended {played.outcome}"
    return place, ""
