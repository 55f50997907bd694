"""The registry of Oracle VM's own checks and how they read spec, servers and Manager."""

from __future__ import annotations

from typing import TypeVar

from core.checks.context import Context
from core.checks.registry import Registry
from core.models.facts import Fact, FactMissing, PlaneState, ServerFacts, known
from core.models.gaps import GapKind, kinds
from core.platforms.oracle_vm.endpoints import MANAGER
from core.platforms.oracle_vm.facts import ManagedServer, ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.planes import short_reason
from core.platforms.oracle_vm.spec import PoolSpec, Release

T = TypeVar("T")
Ctx = Context[PoolSpec, OvmFleet]

ovm = Registry()  # Oracle VM's own checks; importing a topic beside this file fills it


def server(facts: ServerFacts) -> OvmServerFacts:
    """The facts in Oracle VM's type; FactMissing when they are another platform's."""
    if not isinstance(facts, OvmServerFacts):
        reason = "nobody looked at this server as an Oracle VM server"
        raise FactMissing("Oracle VM facts", reason, kind=GapKind.NOT_ASKED)
    return facts


def manager(ctx: Ctx) -> ManagerFacts:
    """Manager's facts; FactMissing with the reason when it could not be asked."""
    facts = ctx.fleet.manager
    if facts is None:
        gap = ctx.fleet.controller.gap(MANAGER, ctx.fleet.controller.reason or "Manager was not asked")
        raise FactMissing("Manager", gap.text, (gap,))
    return facts


def of_manager(ctx: Ctx, fact: Fact[T], what: str) -> T:
    """A value that Manager tells; FactMissing carries the plane's reason where nothing was asked."""
    facts = manager(ctx)
    if facts.plane.state is not PlaneState.OK and kinds(fact.why_missing) == {GapKind.NOT_ASKED}:
        gap = facts.plane.gap(MANAGER, short_reason("Manager", facts.plane))
        raise FactMissing(what, gap.text, (gap,))
    return known(fact, what)


def release(ctx: Ctx) -> Release:
    """Manager's release: as detected, else as the spec says; FactMissing when neither is known."""
    facts = ctx.fleet.manager
    text = facts.release.value if facts is not None else None
    if text in {one.value for one in Release}:
        return Release(text)
    if ctx.spec.release is not None:
        return ctx.spec.release
    reason = "Manager was not reached and the spec does not say it"
    gap = (
        facts.plane.gap(MANAGER, reason)
        if facts is not None and facts.plane.state is not PlaneState.OK
        else None
    )
    raise FactMissing("release of Manager", reason, (gap,) if gap is not None else ())


def managed(ctx: Ctx, facts: ServerFacts) -> ManagedServer | None:
    """Manager's entry of a server, None when it has none; FactMissing when Manager's list was not read."""
    of_manager(ctx, manager(ctx).servers, "servers in Manager")
    return manager(ctx).server(uuid=facts.server_uuid.value, address=facts.address)
