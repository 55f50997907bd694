"""R004, R005, R008, R009, R026, R027: may Manager take this server, and is it free?"""

from __future__ import annotations

from core.checks.reading import joined
from core.checks.server.reach import judge_plane
from core.models.facts import FactMissing, PlaneState, ServerFacts, known, not_seen
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, managed, manager, of_manager, ovm, server
from core.platforms.oracle_vm.facts import AgentLogin, OvmServerFacts
from core.text import inert

_HEARD = frozenset({PlaneState.OK, PlaneState.REFUSED})  # the port answers TLS


@ovm.check(
    "network.agent.port",
    rules=("R008",),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="The agent answers",
    why="Manager cannot discover a server whose agent does not answer",
    fix="start ovs-agent where nothing listens; open TCP 8899 where a firewall stops it; switch TLS on where it is off",
    source="server-pools R008 (Installation Guide 3.3, firewall)",
    planes=("agent",),
    per_server=True,
    touches=("agent.port", "servers"),
)
def agent_port(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when nothing that can be trusted and read answers on the agent's port; a refused login still answers."""
    plane = facts.plane("agent")
    if plane.state in _HEARD:
        return ok(f"the agent of {facts.name} answers on port {ctx.spec.agent.port}")
    return judge_plane(plane, "agent", f"agent of {facts.name}")


@ovm.check(
    "server.owner.this_manager",
    rules=("R004", "R091"),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The server belongs to nobody or to this Manager",
    why="takeOwnership of a server that another Manager owns is ignored without a message",
    fix="let the Manager that owns it release it, once it is free there; check again",
    source="server-pools R004, R091 (Concepts 3.3, discover; CLI 3.4, takeOwnership)",
    planes=("agent", "ssh", "manager"),
    per_server=True,
    touches=("manager.host", "servers"),
)
def owner_this_manager(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when another Manager owns it, and when its owner is known but this Manager's id is not."""
    one = server(facts)
    owner = _owner(one)
    if owner is None:
        return ok(f"nobody owns {facts.name}")
    own = of_manager(ctx, manager(ctx).uuid, "UUID of this Manager")
    if owner.lower() == own.lower():
        return ok(f"this Manager owns {facts.name}")
    return bad(
        f"{facts.name} is owned by another Manager ({inert(owner, 64)}); this one is {inert(own, 64)}",
        fix=f"settle with whoever runs the Manager that owns it whether {facts.name} is free: in no pool, no virtual "
        "machine on it; they release it there; check again",
        servers=(facts.name,),
        data={"owner": owner, "manager": own},
    )


def _owner(one: OvmServerFacts) -> str | None:
    if not one.owner.is_known:
        raise not_seen(one.owner, "owner")
    return one.owner.value


@ovm.check(
    "server.agent.password",
    rules=("R009",),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The agent takes the password",
    why="discovery fails with an authentication error",
    fix="correct the agent password, here or on the server",
    source="server-pools R009, agent-rpc 1",
    planes=("agent",),
    needs=("network.agent.port",),
    per_server=True,
    touches=("agent.user", "servers"),
)
def agent_password(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a server that nobody owns refuses the password; owned ones trust certificates instead."""
    one = server(facts)
    login = known(one.agent_login, "login to the agent")
    if login is AgentLogin.ACCEPTED:
        return ok(f"{facts.name} takes the password")
    if login is AgentLogin.REFUSED_OWNED:
        return not_applicable(f"{facts.name} is owned: it trusts its Manager's certificate, not the password")
    unsure = "" if one.owner.is_known else " (whether a Manager owns it could not be seen)"
    return bad(
        f"{facts.name} refuses the agent password of user {ctx.spec.agent.user!a}{unsure}",
        fix=f"give the right password, or set the one of all servers on {facts.name} (ovs-agent-passwd); it was "
        "tried once and is not tried again",
        servers=(facts.name,),
    )


@ovm.check(
    "server.pool.free",
    rules=("R005", "R034"),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The server is in no pool",
    why="it is not offered, or its agent answers that it is in a pool already",
    fix="take it out of its pool in Manager",
    source="server-pools R005, R034 (Concepts 3.3, discover)",
    planes=("agent", "ssh", "manager"),
    per_server=True,
    touches=("servers",),
)
def pool_free(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when its agent or Manager names a pool of it."""
    one = server(facts)
    entry = None
    try:
        entry = managed(ctx, facts)
    except FactMissing:
        if not one.pool_id.is_known:
            raise
    if entry is not None and (entry.pool_id or entry.pool_name):
        pool = entry.pool_name or entry.pool_id or ""
        fix = f"use another server, or have {facts.name} taken out of that pool once nobody needs it there; check again"
        return bad(
            f"{facts.name} is in pool {inert(pool, 80)}",
            fix=fix,
            servers=(facts.name,),
            data={"pool": pool, "told_by": "manager"},
        )
    if not one.pool_id.is_known:
        raise not_seen(one.pool_id, "pool of the server")
    if one.pool_id.value:
        pool = one.pool_alias.value or one.pool_id.value
        fix = (
            f"take {facts.name} out of that pool on the Manager that has it; where no Manager has it, `poolwright "
            "sweep` tells what is left and whether it is alive"
        )
        return bad(
            f"{facts.name} believes to be in pool {inert(pool, 80)}",
            fix=fix,
            servers=(facts.name,),
            data={"pool": pool, "told_by": "server"},
        )
    return ok(f"{facts.name} is in no pool")


@ovm.check(
    "server.cluster.stale",
    rules=("R033",),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The server carries no left-over cluster",
    why="`Cluster already exists`, `Heartbeat region in use`, or it joins the wrong cluster",
    fix="find out which pool the cluster is of; `poolwright sweep` tells what is left and whether it is alive",
    source="server-pools R033 (o2cb, ocfs2.cluster.conf)",
    planes=("agent", "ssh"),
    per_server=True,
    needs=("server.pool.free",),
    touches=("servers", "pool.clustered"),
)
def cluster_stale(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a cluster is configured or online on a server that is in no pool."""
    one = server(facts)
    if not ctx.spec.pool.clustered:
        return not_applicable("the pool is not clustered")
    if one.cluster_online.is_known and one.cluster_online.value:
        fix = f"find out which pool {facts.name} serves; it is alive: use another server, or take it out of that pool"
        return bad(
            f"a cluster is online on {facts.name}", fix=fix, servers=(facts.name,), data={"is_online": True}
        )
    if not one.stored_cluster.is_known:
        raise not_seen(one.stored_cluster, "cluster configuration")
    stored = one.stored_cluster.value
    if stored is not None and stored.name:
        fix = (
            f"find out which pool that was; once no server mounts its file system, move /etc/ocfs2/cluster.conf of "
            f"{facts.name} away"
        )
        return bad(
            f"{facts.name} is configured for cluster {inert(stored.name, 40)}",
            fix=fix,
            servers=(facts.name,),
            data={"is_online": False, "cluster": stored.name},
        )
    return ok(f"no cluster on {facts.name}")


@ovm.check(
    "server.state.running",
    rules=("R026",),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="Manager sees the server running",
    why="a server that is starting, stopped or unknown cannot be added",
    fix="mend the cause, acknowledge its events, rediscover it",
    source="server-pools R026 (Concepts 3.4, server states)",
    planes=("manager",),
    needs=("server.owner.this_manager",),
    per_server=True,
    touches=("servers",),
)
def state_running(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when Manager knows the server in another state than Running; not applicable before discovery."""
    entry = managed(ctx, facts)
    if entry is None:
        return not_applicable(f"Manager does not know {facts.name} yet")
    if not entry.state:
        raise FactMissing("state in Manager", "Manager shows none")
    if entry.state.lower() != "running":
        fix = f"mend the cause on {facts.name}, acknowledge its events in Manager, rediscover it"
        return bad(f"Manager sees {facts.name} as {inert(entry.state, 40)}", fix=fix, servers=(facts.name,))
    critical = [
        event.kind or event.text
        for event in manager(ctx).events.value or ()
        if event.object_id.lower() == entry.id.lower() and event.severity.lower() == "critical"
    ]
    if critical:
        fix = f"mend the cause and acknowledge the events of {facts.name} (ackEvent)"
        text = f"{facts.name} has unacknowledged events: {joined(inert(text, 80) for text in critical[:3])}"
        return bad(text, fix=fix, servers=(facts.name,))
    return ok(f"{facts.name} is running")


@ovm.check(
    "server.maintenance.off",
    rules=("R027",),
    scope=Scope.SERVER,
    severity=Severity.BLOCKER,
    title="The server is not in maintenance mode",
    why="it can take neither guests nor the master role",
    fix="end maintenance mode",
    source="server-pools R027 (Concepts 3.3, maintenance mode)",
    planes=("manager",),
    needs=("server.owner.this_manager",),
    per_server=True,
    unknown_severity=Severity.WARNING,  # whether 3.3 and later show it is not confirmed (manager-cli 3.3)
    touches=("servers",),
)
def maintenance_off(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when Manager shows maintenance mode; not applicable before discovery."""
    entry = managed(ctx, facts)
    if entry is None:
        return not_applicable(f"Manager does not know {facts.name} yet")
    if entry.maintenance is None:
        raise FactMissing("maintenance mode", "Manager does not show it")
    if entry.maintenance:
        fix = f"run `setMaintenanceMode Server name={entry.name} mode=off` in Manager"
        return bad(f"{facts.name} is in maintenance mode", fix=fix, servers=(facts.name,))
    return ok(f"{facts.name} is not in maintenance mode")
