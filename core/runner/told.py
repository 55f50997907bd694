"""Errors across the runner's pipe and socket: the other side raises the same type with the same attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.errors import PoolwrightError, RunnerError

_WORDS = frozenset({"message", "fix"})


def as_data(error: PoolwrightError, mask: Callable[[str], str]) -> dict[str, Any]:
    """An error as JSON; every text in it passes `mask`. Attributes that JSON has no word for stay behind."""
    attributes = {
        name: _masked(value, mask)
        for name, value in vars(error).items()
        if name not in _WORDS and _is_plain(value)
    }
    return {
        "type": type(error).__name__,
        "code": error.code,
        "message": mask(error.message),
        "fix": mask(error.fix),
        "attributes": attributes,
    }


def from_data(data: Mapping[str, Any]) -> PoolwrightError:
    """The error of the other side: of its own type, or else of its code's, or a RunnerError where both are new here."""
    kinds = list(_tree(PoolwrightError))
    by_code = next((kind for kind in kinds if kind.code == data.get("code")), RunnerError)
    kind = next((kind for kind in kinds if kind.__name__ == data.get("type")), by_code)
    error = kind.__new__(kind)
    PoolwrightError.__init__(error, str(data.get("message", "")), fix=str(data.get("fix", "")))
    attributes = data.get("attributes")
    if isinstance(attributes, Mapping):
        plain = {str(name): value for name, value in attributes.items() if name not in _WORDS}
        vars(error).update(
            {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
        )
    return error


def _tree(kind: type[PoolwrightError]) -> Iterator[type[PoolwrightError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, str | int | float | bool)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    return [_masked(one, mask) for one in value] if isinstance(value, tuple | list) else value
