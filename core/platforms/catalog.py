"""Which platforms exist. The only place that names them; each is imported when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

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
    found: Platform = import_module(module).PLATFORM
    return found
