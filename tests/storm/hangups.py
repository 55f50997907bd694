"""Manager hangs up at one command, in one way: before it does anything, at work, when done, or in the reply."""

from __future__ import annotations

from typing import NamedTuple

from tests.storm.play import Played, Stage, play_weather
from tests.storm.weather import Fault, Weather

WAYS = ("disconnect-before", "disconnect-midway", "disconnect-after", "half-reply")


class Place(NamedTuple):
    """The n-th command that Manager gets while a run is under way, counted from 0."""

    scenario: str
    servers: int
    command: int
    way: str

    @property
    def weather(self) -> Weather:
        """This and nothing else."""
        fault = Fault(f"lab:{self.way}", 0.0, {"after": self.command, "count": 1})
        return Weather(1, self.scenario, self.servers, (fault,))


def commands_of(scenario: str, *, servers: int) -> int:
    """How many commands Manager gets in a run that nobody disturbs."""
    seen: list[int] = []

    def count(stage: Stage, _played: Played) -> None:
        seen.append(stage.fleet.world.fault_hits["disconnect-before"])

    never = Fault("lab:disconnect-before", 0.0, {"after": 10**9})
    played = play_weather(Weather(1, scenario, servers, (never,)), count)
    assert played.outcome == "created", str(played)
    return seen[0]


def places(scenario: str, *, servers: int) -> list[Place]:
    """Every command in every way."""
    many = commands_of(scenario, servers=servers)
    return [Place(scenario, servers, command, way) for command in range(many) for way in WAYS]


def try_place(place: Place) -> tuple[Place, str]:
    """What is wrong with the end; '' when the pool is there, or everything is as before."""
    played = play_weather(place.weather)
    if played.problems:
        return place, "; ".join(played.problems)
    if played.outcome not in ("created", "rolled_back", "refused"):
        return place, f"ended {played.outcome}"
    return place, ""
