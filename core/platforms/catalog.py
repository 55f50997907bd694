"""Which platforms exist. The only place that names them; each is imported when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import get_annotations

from core.errors import SpecError, SpecProblem
from core.platforms.base import Platform

_PLATFORMS = {"oracle_vm": "core.platforms.oracle_vm.platform"}


def names() -> tuple[str, ...]:
    """Names a spec may give as `platform`."""
    return tuple(_PLATFORMS)


@cache
def platform(name: str) -> Platform:
    """The platform of that name; SpecError names the ones that exist."""
    module = _PLATFORMS.get(name)
    if module is None:
        problem = SpecProblem(
            "platform", f"no platform is called {name!r}", fix=f"use one of {', '.join(_PLATFORMS)}"
        )
        raise SpecError([problem])
    return loaded(name, import_module(module).PLATFORM)


def loaded(name: str, found: object) -> Platform:
    """A platform that is whole; TypeError for one that is none, or lacks what every platform has.

    What it lacks of the methods stops it earlier, as it is made: they are abstract.
    """
    if not isinstance(found, Platform):
        raise TypeError(f"platform {name}: {type(found).__name__} does not derive from Platform")
    missing = [field for field in get_annotations(Platform) if not hasattr(found, field)]
    if missing:
        raise TypeError(f"platform {name}: {type(found).__name__} has no {', '.join(missing)}")
    return found
