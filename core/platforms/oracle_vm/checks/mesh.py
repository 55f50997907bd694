"""R016, R053, R054, R079: the ports that servers need of each other and of Manager, tried from each server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from core.checks.pair.mesh import judge_pairs, looks_of, port_judge
from core.checks.reading import joined
from core.facts.mesh import PairLook, PortState
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts
from core.models.gaps import GapKind
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, ovm
from core.platforms.oracle_vm.look_mesh import (
    HEARTBEAT,
    HEARTBEAT_PORT,
    MANAGER,
    MIGRATE_PORT,
    MIGRATE_TLS_PORT,
    callback_port,
)


def _looks(ctx: Ctx) -> Iterator[PairLook]:
    for facts in ctx.servers:
        with suppress(FactMissing):
            yield from looks_of(facts)


def _is_sparc(ctx: Ctx) -> bool:
    return any(facts.cpu.value is not None and facts.cpu.value.arch is Arch.SPARC for facts in ctx.servers)


@ovm.check(
    "pair.port.heartbeat",
    rules=("R016",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="The cluster's port is let through between all servers",
    why="joining the cluster hangs, or members fence themselves",
    fix="open TCP 7777 between all servers, or stop iptables on that interface",
    source="server-pools R016 (Security Guide 3.2; o2cb)",
    planes=("ssh",),
    needs=("pair.network.reach",),
    unknown_severity=Severity.WARNING,
    touches=("servers", "ssh", "pool.clustered"),
)
def heartbeat_port(ctx: Ctx) -> Finding:
    """Hit when a try from one server to another is dropped or rejected; refused is fine before there is a cluster."""
    if not ctx.spec.pool.clustered:
        return not_applicable("the pool is not clustered")
    if _is_sparc(ctx):
        return not_applicable("SPARC servers do not use o2cb")
    apart = {(look.source, look.target) for look in _looks(ctx) if look.network == HEARTBEAT}
    judge = port_judge(HEARTBEAT_PORT)
    return judge_pairs(
        ctx,
        f"TCP {HEARTBEAT_PORT} of the peers",
        # o2net listens on the cluster's own network where there is one: the other one does not matter then
        lambda look: "" if not look.network and (look.source, look.target) in apart else judge(look),
        fix=lambda names: (
            f"open TCP {HEARTBEAT_PORT} in the firewall of {joined(names)} and between, check again"
        ),
        good=f"TCP {HEARTBEAT_PORT} is let through on {{pairs}} ways",
    )


@ovm.check(
    "pair.port.migrate",
    rules=("R079",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="Live migration's port is let through between all servers",
    why="live migrations time out",
    fix="open TCP 8002 (8003 for secure migration) between all servers",
    source="server-pools R079 (xend-config)",
    planes=("ssh",),
    needs=("pair.network.reach",),
    unknown_severity=Severity.INFO,
    touches=("servers", "ssh", "pool.secure_migration"),
)
def migrate_port(ctx: Ctx) -> Finding:
    """Hit when a try is dropped or rejected; refused is fine, the daemon may listen only when needed."""
    if _is_sparc(ctx):
        return not_applicable("SPARC servers migrate over another port")
    port = MIGRATE_TLS_PORT if ctx.spec.pool.secure_migration else MIGRATE_PORT
    judge = port_judge(port)
    return judge_pairs(
        ctx,
        f"TCP {port} of the peers",
        lambda look: judge(look) if not look.network else "",
        fix=lambda names: f"open TCP {port} in the firewall of {joined(names)} and between, check again",
        good=f"TCP {port} is let through on {{pairs}} ways",
    )


@ovm.check(
    "network.manager.callback",
    rules=("R053", "R054"),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="The server reaches Manager",
    why="events never arrive and jobs time out; behind NAT the server registers under a wrong address",
    fix="open TCP 7002 of Manager to the servers, without NAT between them",
    source="server-pools R053, R054 (Installation Guide 3.3, firewall)",
    planes=("ssh",),
    per_server=True,
    unknown_severity=Severity.WARNING,
    touches=("manager.host", "servers", "ssh"),
)
def manager_callback(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a try from the server to Manager's port fails."""
    port = callback_port(ctx.spec)
    look = _manager_look(facts)
    state = look.ports.get(port, PortState.UNKNOWN)
    if state is PortState.OPEN:
        return ok(f"{facts.name} reaches Manager on TCP {port}")
    if state is PortState.UNKNOWN:
        if look.resolved.get(ctx.spec.manager.host) == ():
            reason = f"{facts.name} does not know the name {ctx.spec.manager.host}; give manager.host as an address"
            raise FactMissing("the way to Manager", reason)
        reason = look.missing or "it could not be tried"
        raise FactMissing("the way to Manager", reason, kind=GapKind.NOT_POSSIBLE)
    how = {PortState.REFUSED: "is refused", PortState.NO_ROUTE: "is rejected on the way"}.get(
        state, "is not answered"
    )
    manager = ctx.spec.manager.host
    fix = f"open TCP {port} of Manager ({manager}) to {facts.name}; the two must see each other's own address"
    return bad(f"on {facts.name}, TCP {port} of Manager {how}", fix=fix)


def _manager_look(facts: ServerFacts) -> PairLook:
    for look in looks_of(facts):
        if look.target == MANAGER:
            return look
    raise FactMissing("the way to Manager", "it was not tried", kind=GapKind.NOT_POSSIBLE)
