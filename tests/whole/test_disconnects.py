"""A Manager that hangs up at any command: nothing is sent twice, nothing is lost, and the run ends as promised."""

from __future__ import annotations

import pytest

from tests.storm import hangups
from tests.storm.hangups import WAYS, Place
from tests.storm.play import play_weather

SAMPLED = 12


@pytest.mark.parametrize("way", WAYS)
def test_hanging_up_at_a_sample_of_commands_ends_whole_or_leaves_nothing(way: str) -> None:
    """`make crashpoints` tries every command."""
    many = hangups.commands_of("healthy-nfs", servers=2)
    assert many > 60
    tried = [Place("healthy-nfs", 2, command, way) for command in range(1, many, max(1, many // SAMPLED))]
    ended = [hangups.try_place(place) for place in tried]
    assert not [(place, wrong) for place, wrong in ended if wrong]


@pytest.mark.parametrize("verb", ["discover", "create", "add"])
@pytest.mark.parametrize("way", ["disconnect-after", "half-reply", "disconnect-midway"])
def test_a_change_that_was_made_is_found_and_never_made_again(verb: str, way: str) -> None:
    from tests.storm.weather import Fault, Weather

    played = play_weather(
        Weather(1, "healthy-nfs", 2, (Fault(f"lab:{way}", 0.0, {"verb": verb, "count": 1}),))
    )
    assert played.is_clean, str(played)
    assert played.outcome == "created"
    sent = [line for line in played.story if " OVM> " in line and f"OVM> {verb}" in line]
    assert len(sent) == len(set(sent)), sent
