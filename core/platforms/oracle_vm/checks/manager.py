"""R006, R013, R096, R098 and words that Manager's own release lacks: what Manager alone can tell."""

from __future__ import annotations

from core.checks.reading import joined
from core.models.results import Finding, Scope, Severity, bad, ok
from core.platforms.oracle_vm.checks.base import Ctx, manager, of_manager, ovm, release
from core.platforms.oracle_vm.checks.input import AGENT_PORT, AGENT_USER
from core.platforms.oracle_vm.spec import Release, StartPolicy
from core.text import inert

_NEEDS = ("manager.cli.reachable",)


@ovm.check(
    "manager.pool.leftover",
    rules=("R006",),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="No half-made pool is in the way",
    why="since 3.3.1 a failed creation can leave the pool object behind; the next attempt collides with it",
    fix="choose another name; `poolwright sweep` ends the pool where nothing of it is alive",
    source="server-pools R006 (Release Notes 3.4, transactions; bugs 17377700, 17436889)",
    planes=("manager",),
    needs=_NEEDS,
    touches=("pool.name", "pool.virtual_ip"),
)
def pool_leftover(ctx: Ctx) -> Finding:
    """Hit when a pool without servers has the wanted name, or any pool has the wanted virtual IP."""
    pools = of_manager(ctx, manager(ctx).pools, "pools in Manager")
    vip = ctx.spec.pool.virtual_ip
    for pool in pools:
        name = inert(pool.name, 80)
        if vip and pool.virtual_ip == vip:
            fix = f"choose another virtual IP; whether pool {name} is a left-over, `poolwright sweep` tells"
            return bad(f"pool {name} has the virtual IP {vip}", fix=fix)
        if pool.name == ctx.spec.pool.name and not pool.members:
            fix = "choose another pool.name; or run `poolwright sweep`, which ends it where nothing of it is alive"
            return bad(f"an empty pool {name} exists, maybe of a failed attempt", fix=fix)
    return ok(f"{len(pools)} pools, none in the way")


@ovm.check(
    "manager.pool.name",
    rules=("R096",),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="No pool has the name yet",
    why="two equal names break every command that selects by name",
    fix="choose another name",
    source="server-pools R096 (policy of poolwright)",
    planes=("manager",),
    needs=_NEEDS,
    touches=("pool.name",),
)
def pool_name(ctx: Ctx) -> Finding:
    """Hit when Manager has a pool of this name, letter case apart."""
    pools = of_manager(ctx, manager(ctx).pools, "pools in Manager")
    same = [pool.name for pool in pools if pool.name.lower() == ctx.spec.pool.name.lower()]
    if same:
        return bad(
            f"Manager has a pool {inert(same[0], 80)} already",
            fix="choose another pool.name",
        )
    return ok(f"{len(pools)} pools, none of this name")


@ovm.check(
    "manager.vip.required",
    rules=("R013",),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="A virtual IP is given where Manager's release needs one",
    why="create ServerPool answers that an attribute is missing",
    fix="enter a virtual IP",
    source="server-pools R013 (CLI 3.2 and 3.4, create ServerPool)",
    planes=("manager",),
    touches=("pool.virtual_ip", "release", "manager.host"),
)
def vip_required(ctx: Ctx) -> Finding:
    """Hit when none is given and Manager is not known to be 3.4."""
    if ctx.spec.pool.virtual_ip:
        return ok(f"virtual IP {ctx.spec.pool.virtual_ip}")
    found = release(ctx)
    if found is not Release.R34:
        text = f"Manager is {found} and needs a virtual IP"
        return bad(text, fix="enter a spare address of the servers' management subnet as pool.virtual_ip")
    return ok("Manager 3.4 makes pools without a virtual IP")


@ovm.check(
    "manager.start_policy.release",
    rules=("R098",),
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="Manager knows the start policy",
    why="create ServerPool refuses it",
    fix="choose CURRENT_SERVER or BEST_SERVER",
    source="server-pools R098 (CLI 3.2 and 3.4, create ServerPool)",
    planes=("manager",),
    touches=("pool.start_policy", "release", "manager.host"),
)
def start_policy_release(ctx: Ctx) -> Finding:
    """Hit for BALANCE_SERVER with a Manager before 3.4."""
    policy = ctx.spec.pool.start_policy
    if policy is not StartPolicy.BALANCE_SERVER:
        return ok(policy.value)
    found = release(ctx)
    if found is not Release.R34:
        return bad(f"{policy} needs 3.4, Manager is {found}", fix="choose CURRENT_SERVER or BEST_SERVER")
    return ok(policy.value)


@ovm.check(
    "manager.agent.dialect",
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="Manager can be told the agent's user and port",
    why="since 3.3 discoverServer has no words for them: Manager would use oracle and 8899 all the same",
    fix="leave agent.user and agent.port out",
    source="manager-cli 3.1",
    planes=("manager",),
    touches=("agent", "release", "manager.host"),
)
def agent_dialect(ctx: Ctx) -> Finding:
    """Hit for another agent user or port than oracle and 8899 with a Manager since 3.3."""
    agent = ctx.spec.agent
    if (agent.user, agent.port) == (AGENT_USER, AGENT_PORT):
        return ok(f"user {AGENT_USER}, port {AGENT_PORT}")
    found = release(ctx)
    if found is not Release.R32:
        return bad(f"Manager {found} cannot be told them", fix="leave agent.user and agent.port out")
    return ok(f"user {agent.user}, port {agent.port}")


@ovm.check(
    "manager.release.spec",
    scope=Scope.MANAGER,
    severity=Severity.BLOCKER,
    title="Manager's release is the one the spec names",
    why="the plan would speak another dialect than Manager",
    fix="correct `release`, or leave it out",
    source="manager-cli 3.18",
    planes=("manager",),
    needs=_NEEDS,
    touches=("release", "manager.host"),
)
def release_spec(ctx: Ctx) -> Finding:
    """Hit when Manager shows another release than the spec names, or one whose dialect nobody here speaks."""
    text = of_manager(ctx, manager(ctx).release, "release of Manager")
    speakable = [one.value for one in Release]
    if text not in speakable:
        return bad(
            f"Manager is {inert(text, 40)}; spoken are {joined(speakable)}",
            fix="use a Manager 3.2, 3.3 or 3.4",
        )
    if ctx.spec.release is not None and ctx.spec.release.value != text:
        return bad(
            f"the spec says {ctx.spec.release}, Manager is {text}",
            fix=f"write `release: '{text}'`, or leave it out",
        )
    return ok(f"Manager {manager(ctx).version.value or text}")
