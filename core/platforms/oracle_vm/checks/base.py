"""The registry of Oracle VM's own checks and how they read spec, servers and Manager."""

from __future__ import annotations

from typing import TypeVar

from core.checks.context import Context
from core.checks.registry import Registry
from core.models.facts import Fact, FactMissing, PlaneState, ServerFacts, known
from core.platforms.oracle_vm.facts import ManagedServer, ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.planes import short_reason
from core.platforms.oracle_vm.spec import PoolSpec, Release

T = TypeVar("T")
Ctx = Context[PoolSpec, OvmFleet]

ovm = Registry()  # Oracle VM's own checks; importing a topic beside this file fills it


def server(facts: ServerFacts) -> OvmServerFacts:
    """The facts in Oracle VM's type; FactMissing when they are another platform's."""
    if not isinstance(facts, OvmServerFacts):
        raise FactMissing("Oracle VM facts", "nobody looked at this server as an Oracle VM server")
    return facts


def manager(ctx: Ctx) -> ManagerFacts:
    """Manager's facts; FactMissing with the reason when it could not be asked."""
    facts = ctx.fleet.manager
    if facts is None:
        raise FactMissing("Manager", ctx.fleet.controller.reason or "Manager was not asked")
    return facts


def of_manager(ctx: Ctx, fact: Fact[T], what: str) -> T:
    """A value that Manager tells; FactMissing carries the plane's reason where nothing was asked."""
    facts = manager(ctx)
    if fact.missing == "not asked" and facts.plane.state is not PlaneState.OK:
        raise FactMissing(what, short_reason("Manager", facts.plane))
    return known(fact, what)


def release(ctx: Ctx) -> Release:
    """Manager's release: as detected, else as the spec says; FactMissing when neither is known."""
    facts = ctx.fleet.manager
    text = facts.release.value if facts is not None else None
    if text in {one.value for one in Release}:
        return Release(text)
    if ctx.spec.release is not None:
        return ctx.spec.release
    raise FactMissing("release of Manager", "Manager was not reached and the spec does not say it")


def managed(ctx: Ctx, facts: ServerFacts) -> ManagedServer | None:
    """Manager's entry of a server, None when it has none; FactMissing when Manager's list was not read."""
    of_manager(ctx, manager(ctx).servers, "servers in Manager")
    return manager(ctx).server(uuid=facts.server_uuid.value, address=facts.address)
