"""Errors keep their type and attributes across the runner's pipe and socket; the words decide nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from core.errors import (
    CommandFailed,
    CommandTimeout,
    ControlledElsewhere,
    DriftError,
    PoolwrightError,
    RunnerError,
    SpecError,
    SpecProblem,
    StepError,
)
from core.runner.told import as_data, from_data


def plain(text: str) -> str:
    return text


def tree(kind: type[PoolwrightError] = PoolwrightError) -> Iterator[type[PoolwrightError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def sent(error: PoolwrightError) -> PoolwrightError:
    return from_data(json.loads(json.dumps(as_data(error, plain))))


@pytest.mark.parametrize(
    "error",
    [
        ControlledElsewhere("r1", "pause", "anna (pid 7)"),
        StepError("own_server:s1", "cannot own it", fix="look at it"),
        DriftError("pool1", ["a", "b"]),
        CommandTimeout("s1", "ssh", "df", 3.0),
        CommandFailed("s1", "manager", "show", "no", 4),
    ],
)
def test_an_error_arrives_as_it_was(error: PoolwrightError) -> None:
    other = sent(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


def test_every_type_has_a_name_of_its_own_and_needs_no_more_than_words() -> None:
    kinds = list(tree())
    assert len({kind.__name__ for kind in kinds}) == len(kinds)
    for kind in kinds:
        error = from_data({"type": kind.__name__, "code": kind.code, "message": "why", "fix": "do"})
        assert type(error) is kind
        assert (error.message, error.fix) == ("why", "do")


def test_a_type_that_is_new_here_is_raised_as_the_one_of_its_code() -> None:
    error = from_data({"type": "ControlledByRobot", "code": "PW601", "message": "why"})
    assert type(error) is ControlledElsewhere


def test_what_another_version_tells_is_an_error_of_the_runner() -> None:
    error = from_data({"code": "PW999", "message": "why"})
    assert type(error) is RunnerError
    assert str(error) == "why"
    assert from_data({}).message == ""


def test_what_json_cannot_hold_stays_behind_and_words_are_masked() -> None:
    spec = SpecError([SpecProblem("pool.name", "is required")])
    other = sent(spec)
    assert isinstance(other, SpecError)
    assert other.problems == ()
    assert other.message == spec.message
    told = json.dumps(as_data(StepError("own:hunter2", "hunter2", fix="hunter2"), lambda text: "****"))
    assert "hunter2" not in told
