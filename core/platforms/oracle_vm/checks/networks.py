"""R049, R081, R085, R086, R087: which of Manager's networks does what."""

from __future__ import annotations

from functools import partial

from core.checks.reading import joined
from core.models.facts import FactMissing
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, manager, of_manager, ovm, release
from core.platforms.oracle_vm.facts import ManagedNetwork
from core.platforms.oracle_vm.spec import Release
from core.text import inert

_check = partial(
    ovm.check,
    scope=Scope.NETWORK,
    planes=("manager",),
    needs=("manager.cli.reachable",),
    touches=("manager.host", "pool.clustered", "servers"),
)
HEARTBEAT, STORAGE, MIGRATE, MANAGEMENT, GUESTS = (
    "clusterheartbeat", "storage", "livemigrate", "management", "virtualmachine",
)  # fmt: skip


def roles_of(network: ManagedNetwork) -> frozenset[str]:
    """Roles in one spelling: `CLUSTER_HEARTBEAT`, `Cluster Heartbeat` and `cluster_heartbeat` are one."""
    return frozenset("".join(char for char in role.lower() if char.isalpha()) for role in network.roles)


def networks(ctx: Ctx) -> tuple[ManagedNetwork, ...]:
    """Manager's networks; FactMissing when they, or all their roles, are not told."""
    found = of_manager(ctx, manager(ctx).networks, "networks in Manager")
    if not any(network.roles for network in found):
        raise FactMissing("roles of the networks", "Manager lists no network with a role")
    return found


def with_role(ctx: Ctx, role: str) -> list[ManagedNetwork]:
    return [network for network in networks(ctx) if role in roles_of(network)]


def named(found: list[ManagedNetwork]) -> str:
    return joined(inert(network.name, 60) for network in found)


@_check(
    "network.heartbeat.separate",
    rules=("R049",),
    severity=Severity.WARNING,
    title="The heartbeat shares no network with storage or live migration",
    why="bursts of migration and storage traffic delay it: servers fence without need",
    fix="give the Cluster Heartbeat role to a network of its own",
    source="server-pools R049 (Concepts 3.3, heartbeat and live migrate networks)",
)
def heartbeat_separate(ctx: Ctx) -> Finding:
    """Hit when a network with the heartbeat role also has the Storage or Live Migrate role."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no heartbeat")
    shared = [one for one in with_role(ctx, HEARTBEAT) if roles_of(one) & {STORAGE, MIGRATE}]
    if shared:
        fix = f"take Storage and Live Migrate off {named(shared)}, or the heartbeat, before the pool is made"
        return bad(f"{named(shared)} carries the heartbeat and {_others(shared)}", fix=fix)
    return ok(f"heartbeat on {named(with_role(ctx, HEARTBEAT))}")


def _others(found: list[ManagedNetwork]) -> str:
    both = {role for one in found for role in roles_of(one)} & {STORAGE, MIGRATE}
    return joined({STORAGE: "storage", MIGRATE: "live migration"}[role] for role in sorted(both))


@_check(
    "network.migrate.separate",
    rules=("R081",),
    severity=Severity.WARNING,
    title="Live migration has a network apart from management and heartbeat",
    why="evacuations are slow, and they crowd out what keeps the cluster together",
    fix="give the Live Migrate role to a fast network of its own",
    source="server-pools R081 (Concepts 3.3, live migrate network)",
)
def migrate_separate(ctx: Ctx) -> Finding:
    """Hit when live migration runs over a network that also carries the heartbeat or management."""
    shared = [one for one in with_role(ctx, MIGRATE) if roles_of(one) & {HEARTBEAT, MANAGEMENT}]
    if shared:
        return bad(
            f"live migration runs over {named(shared)}, with management or heartbeat",
            fix="make a network on the fast ports and move the Live Migrate role there",
        )
    return ok(f"live migration on {named(with_role(ctx, MIGRATE)) or 'no network yet'}")


@_check(
    "network.roles.covered",
    rules=("R085",),
    severity=Severity.WARNING,
    title="Every role that a pool uses has a network",
    why="joining fails without a heartbeat network; migration falls off without its own",
    fix="give the missing role to a network that all servers have a port on",
    source="server-pools R085 (User's Guide 3.2, networks)",
)
def roles_covered(ctx: Ctx) -> Finding:
    """Hit when no network has Management, Live Migrate or (clustered: a blocker) Cluster Heartbeat."""
    wanted = {MANAGEMENT: "Management", MIGRATE: "Live Migrate"}
    if ctx.spec.pool.clustered:
        wanted[HEARTBEAT] = "Cluster Heartbeat"
    covered = {role for network in networks(ctx) for role in roles_of(network)}
    lacking = {role: words for role, words in wanted.items() if role not in covered}
    if lacking:
        severity = Severity.BLOCKER if HEARTBEAT in lacking else None
        fix = f"give {joined(lacking.values())} to a network in Manager, with a port of every server"
        return bad(f"no network has the role {joined(lacking.values())}", fix=fix, severity=severity)
    return ok(f"{joined(wanted.values())} are covered")


@_check(
    "network.guests.apart",
    rules=("R087",),
    severity=Severity.WARNING,
    title="Guests do not share the storage network",
    why="adding the guests' role to the storage or heartbeat network of a live cluster can break the heartbeat",
    fix="decide about the Virtual Machine role before the pool is made",
    source="server-pools R087 (Private Cloud Appliance 2.4.2, known issues)",
)
def guests_apart(ctx: Ctx) -> Finding:
    """Hit when a network with the Storage role also has the Virtual Machine role."""
    shared = [one for one in networks(ctx) if {STORAGE, GUESTS} <= roles_of(one)]
    if shared:
        fix = f"take the Virtual Machine role off {named(shared)}, or keep it so for good: later it costs an outage"
        return bad(f"{named(shared)} carries storage and guests", fix=fix)
    return ok("no guests on the storage network")


@_check(
    "network.heartbeat.fixed",
    rules=("R086",),
    severity=Severity.INFO,
    title="The heartbeat network is decided before the pool is made",
    why="3.0 and 3.1 do not take a later move to the servers: cluster.conf must be edited everywhere",
    fix="move the Cluster Heartbeat role now",
    source="server-pools R086 (Release Notes 3.1, issue 6.3.3)",
)
def heartbeat_fixed(ctx: Ctx) -> Finding:
    """Hit when several networks have the heartbeat role: which one will be taken is not ours to guess."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no heartbeat")
    found = with_role(ctx, HEARTBEAT)
    if len(found) > 1:
        fix = "leave the Cluster Heartbeat role on one network that all servers have a port on"
        return bad(f"{named(found)} have the heartbeat role", fix=fix)
    words = "" if release(ctx) is Release.R34 else "; move it now, not later"
    return ok(f"heartbeat on {named(found) or 'no network yet'}{words}")
