"""An ability is brought whole or declined by name: what is missing or misspelt stops a platform, and a world, from
being made at all. Nothing asks at run time whether an object happens to have a method."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import core
import tui
from core.engine.step import World
from core.models.fleet import FleetFacts
from core.models.plan import Plan
from core.models.spec import BaseSpec
from core.platforms import catalog
from core.platforms.base import Platform
from core.platforms.guards import Guards, NoGuards, NoSweeps
from core.platforms.listing import NoListing
from core.platforms.oracle_vm.platform import PLATFORM, OracleVm
from core.platforms.oracle_vm.world import OvmWorld
from tests.engine.toy_platform import ToyPlatform


def misspelt(whole: type, bases: tuple[type, ...], name: str) -> type[Any]:
    """A class with all that `whole` brings, but one method spelt wrong."""
    body = {key: value for key, value in vars(whole).items() if not key.startswith("_abc_")}
    for leave_out in ("__dict__", "__weakref__", "__abstractmethods__"):
        body.pop(leave_out, None)
    body[f"{name}s"] = body.pop(name)
    return type("Misspelt", bases, body)


@pytest.mark.parametrize("name", sorted(Platform.__abstractmethods__))
def test_a_platform_with_one_misspelt_method_does_not_load(name: str) -> None:
    with pytest.raises(TypeError, match=rf"abstract.*\b{name}\b"):
        misspelt(OracleVm, (Platform,), name)()


@pytest.mark.parametrize("name", sorted(World.__abstractmethods__))
def test_a_world_with_one_misspelt_method_is_not_made(name: str) -> None:
    with pytest.raises(TypeError, match=rf"abstract.*\b{name}\b"):
        misspelt(OvmWorld, (World,), name)()


def test_whoever_declines_guards_brings_none_of_them() -> None:
    def drift(self: object, spec: BaseSpec, plan: Plan, fleet: FleetFacts) -> list[str]:
        return ["changed"]

    with pytest.raises(TypeError, match=r"Half declines guards \(NoGuards\) and brings drift"):
        type("Half", (NoGuards, NoSweeps, NoListing, Platform), {"drift": drift})
    with pytest.raises(TypeError, match="declines guards"):
        type("Last", (OracleVm, NoGuards), {})


def test_every_guard_is_declined_by_name() -> None:
    assert all(isinstance(vars(NoGuards)[name], FunctionType) for name in Guards.__abstractmethods__)
    assert isinstance(ToyPlatform(), NoGuards)
    assert not isinstance(PLATFORM, NoGuards)


def test_the_type_checker_sees_it_too() -> None:
    """`warn_unused_ignores` makes mypy fail here the day it no longer does."""

    class Silent(NoSweeps, NoListing, Platform):
        """Neither brings guards nor declines them."""

    with pytest.raises(TypeError, match="abstract"):
        Silent()  # type: ignore[abstract]


MISSPELT = '''
from core.platforms.guards import NoGuards, NoSweeps
from tests.engine.toy_platform import ToyPlatform
from core.platforms.base import Platform

class Misspelt(NoGuards, NoSweeps, Platform):
    """All that a toy has, but its list of servers, which is spelt wrong."""
    vars().update({k: v for k, v in vars(ToyPlatform).items() if k[:2] != "__" and k[:5] != "_abc_"})

    async def known_server(self, spec, access):
        return ("203.0.113.11",)

PLATFORM = Misspelt()
'''


def test_a_misspelt_platform_stops_where_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misspelt_platform.py").write_text(MISSPELT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(catalog._PLATFORMS, "misspelt", "misspelt_platform")
    with pytest.raises(TypeError, match=r"abstract class Misspelt .*known_servers"):
        catalog.platform("misspelt")


def test_what_is_no_platform_is_not_loaded() -> None:
    class Duck:
        """Has a name, and that is all."""

        name = "duck"

    with pytest.raises(TypeError, match="Duck does not derive from Platform"):
        catalog.loaded("duck", Duck())
    assert catalog.loaded("oracle_vm", PLATFORM) is PLATFORM


@pytest.mark.parametrize("field", ["name", "title", "spec_model", "checks", "step_kinds", "sections"])
def test_a_platform_without_one_of_its_fields_is_not_loaded(field: str) -> None:
    body = {key: value for key, value in vars(ToyPlatform).items() if key != field and key[:2] != "__"}
    whole = {key: value for key, value in body.items() if not key.startswith("_abc_")}
    poor = type("Poor", (NoGuards, NoSweeps, NoListing, Platform), whole)()
    with pytest.raises(TypeError, match=f"Poor has no {field}"):
        catalog.loaded("poor", poor)


def test_no_module_asks_a_protocol_at_run_time() -> None:
    roots = [Path(str(package.__file__)).parent for package in (core, tui)]
    files = [path for root in roots for path in root.rglob("*.py")]
    assert len(files) > 200
    asking = [path.name for path in files if "runtime_checkable" in path.read_text(encoding="utf-8")]
    assert asking == []
