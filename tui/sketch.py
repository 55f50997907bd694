"""A spec with placeholders for what is still missing: only to ask what will be needed, never to connect. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from core.models.spec import BaseSpec

_PLACEHOLDER = "placeholder"
_TURNS = 8  # each turn mends all the model complains of; what it then finds behind takes another


def sketch(model: type[BaseSpec], answers: Mapping[str, Any]) -> BaseSpec | None:
    """The spec as far as it is known; None when it cannot be made even so."""
    data = deepcopy(dict(answers))
    for _turn in range(_TURNS):
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False, include_context=False):
                _fill(data, detail["loc"], detail["type"])
    return None


def _fill(data: dict[str, Any], loc: tuple[int | str, ...], kind: str) -> None:
    """Put a placeholder where the model misses something, take away what does not fit."""
    here: Any = data
    path = list(loc)
    while len(path) > 1:
        part = path.pop(0)
        if isinstance(here, dict) and isinstance(part, str):
            if part not in here and kind != "missing":
                continue  # the tag of a union
            here = here.setdefault(part, {})
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
    if not isinstance(here, dict):
        return
    if kind == "missing":
        here[path[0]] = [{"address": _PLACEHOLDER}] if path[0] == "servers" else _PLACEHOLDER
    elif here.get(path[0]) == _PLACEHOLDER and kind.startswith(("model", "dict")):
        here[path[0]] = {}  # a part, not a value
    else:
        here.pop(path[0], None)
