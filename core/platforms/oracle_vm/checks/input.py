"""What the spec alone tells: R013, R021, R035, R044, R095, R097, R098, R099, R111, and words a release lacks."""

from __future__ import annotations

from core.checks.reading import joined
from core.errors import SpecError
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, ovm
from core.platforms.oracle_vm.manager_cli import allow_list
from core.platforms.oracle_vm.spec import KEYMAPS, LunFileSystem, PolicyMode, Release, StartPolicy

MAX_CLUSTERED, MAX_UNCLUSTERED = 32, 64  # server-pools 2d
MAX_NAME, MAX_DESCRIPTION = 256, 4000  # server-pools 2a
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 30, 300  # CLI 3.4, create ServerPool
AGENT_USER, AGENT_PORT = "oracle", 8899
ROLES = frozenset({"vm", "utility"})


@ovm.check(
    "input.vip.required",
    rules=("R013",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="A virtual IP is given where the release needs one",
    why="create ServerPool answers that an attribute is missing",
    fix="enter a virtual IP",
    source="server-pools R013 (CLI 3.2 and 3.4, create ServerPool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.virtual_ip", "release"),
)
def vip_required(ctx: Ctx) -> Finding:
    """Hit when the spec names 3.2 or 3.3 and gives none; Manager's own release is judged by manager.vip.required."""
    if ctx.spec.pool.virtual_ip:
        return ok(f"virtual IP {ctx.spec.pool.virtual_ip}")
    if ctx.spec.release in (Release.R32, Release.R33):
        text = f"release {ctx.spec.release} needs a virtual IP"
        return bad(text, fix="enter a spare address of the servers' management subnet as pool.virtual_ip")
    if ctx.spec.release is None:
        return not_applicable("the spec names no release; Manager's own decides")
    return ok("release 3.4 makes pools without a virtual IP")


@ovm.check(
    "input.storage.choice",
    rules=("R021",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="A clustered pool has a pool file system, an unclustered one none",
    why="create ServerPool refuses anything else",
    fix="give pool.file_system, or set pool.clustered to false",
    source="server-pools R021 (CLI 3.2 and 3.4, create ServerPool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.file_system", "pool.clustered"),
)
def storage_choice(ctx: Ctx) -> Finding:
    """Hit when a clustered pool has no storage or an unclustered one has some."""
    pool = ctx.spec.pool
    if pool.clustered and pool.file_system is None:
        fix = "give pool.file_system (an NFS export or a LUN), or set pool.clustered to false"
        return bad("a clustered pool needs a pool file system", fix=fix)
    if not pool.clustered and pool.file_system is not None:
        fix = "leave pool.file_system out, or set pool.clustered to true"
        return bad("an unclustered pool takes no pool file system", fix=fix)
    return ok(
        f"pool file system on {pool.file_system.kind}" if pool.file_system else "unclustered, no storage"
    )


@ovm.check(
    "input.storage.iscsi",
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="An iSCSI LUN names its portal",
    why="Manager cannot make the storage array without its access host",
    fix="give pool.file_system.access_host, or set the transport to fc",
    source="manager-cli 3.10 (create StorageArray)",
    planes=("input",),
    spec_only=True,
    touches=("pool.file_system",),
)
def storage_iscsi(ctx: Ctx) -> Finding:
    """Hit when iSCSI is chosen with neither a portal nor an array that Manager knows."""
    lun = ctx.spec.pool.file_system
    if not isinstance(lun, LunFileSystem) or lun.transport != "iscsi":
        return not_applicable("no iSCSI LUN is wanted")
    if not lun.access_host and not lun.array:
        fix = "give pool.file_system.access_host (address of the portal), or array when Manager knows it already"
        return bad("an iSCSI LUN without a portal", fix=fix)
    return ok(f"portal {lun.access_host}:{lun.access_port}" if lun.access_host else f"array {lun.array}")


@ovm.check(
    "input.storage.words",
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The storage's names can be typed into Manager",
    why="Manager's command line acts upon some characters, and a WWID stands in commands for a person",
    fix="use letters, digits, dots, dashes and colons",
    source="manager-cli 1.6, 1.7, 3.10",
    planes=("input",),
    spec_only=True,
    touches=("pool.file_system",),
)
def storage_words(ctx: Ctx) -> Finding:
    """Hit for a WWID, portal, array or CHAP user that holds characters Manager's command line acts upon."""
    lun = ctx.spec.pool.file_system
    if not isinstance(lun, LunFileSystem):
        return not_applicable("no LUN is wanted")
    given = {"wwid": lun.wwid, "access_host": lun.access_host, "array": lun.array, "chap_user": lun.chap_user}
    try:
        for field, value in given.items():
            if value and field in ("wwid", "access_host"):
                allow_list.address(value, f"pool.file_system.{field}")
            elif value:
                allow_list.name(value, f"pool.file_system.{field}")
    except SpecError as error:
        problem = error.problems[0]
        return bad(f"{problem.field}: {problem.message}", fix=problem.fix)
    return ok("plain words")


@ovm.check(
    "input.timeout.range",
    rules=("R044",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The cluster timeout is 30 to 300 seconds",
    why="create ServerPool refuses it",
    fix="give pool.timeout_s between 30 and 300",
    source="server-pools R044 (CLI 3.4, create ServerPool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.timeout_s",),
)
def timeout_range(ctx: Ctx) -> Finding:
    """Hit outside 30..300 s."""
    timeout_s = ctx.spec.pool.timeout_s
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no cluster timeout")
    if not MIN_TIMEOUT_S <= timeout_s <= MAX_TIMEOUT_S:
        return bad(f"{timeout_s} s is not between 30 and 300 s", fix="give pool.timeout_s between 30 and 300")
    return ok(f"{timeout_s} s")


@ovm.check(
    "input.name.allowed",
    rules=("R095",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The pool's name can be used",
    why="creation is refused, or the name cannot be typed into Manager's command line",
    fix="use letters, digits, - and _, at most 256",
    source="server-pools R095, 2a (User's Guide 3.1 and 3.3)",
    planes=("input",),
    spec_only=True,
    touches=("pool.name",),
)
def name_allowed(ctx: Ctx) -> Finding:
    """Hit for an empty or overlong name and for characters that Manager's command line acts upon."""
    name = ctx.spec.pool.name
    if not name.strip():
        return bad("the name is empty", fix="give pool.name: letters, digits, - and _")
    if len(name) > MAX_NAME:
        return bad(f"{len(name)} characters are more than {MAX_NAME}", fix=f"shorten pool.name to {MAX_NAME}")
    try:
        allow_list.name(name)
    except SpecError as error:
        return bad(error.problems[0].message, fix="use letters, digits, - and _ in pool.name")
    if name != name.strip():
        return bad("the name begins or ends with a blank", fix="take the blanks off pool.name")
    return ok(f"{len(name)} characters")


@ovm.check(
    "input.keymap.value",
    rules=("R097",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The keymap is one that Manager knows",
    why="create ServerPool refuses it",
    fix="choose one of Manager's keymaps",
    source="server-pools R097, 2a (CLI 3.4, create ServerPool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.keymap",),
)
def keymap_value(ctx: Ctx) -> Finding:
    """Hit for a keymap that is not in the list; the letter case counts (`No`)."""
    keymap = ctx.spec.pool.keymap
    if keymap in KEYMAPS:
        return ok(keymap)
    near = [one for one in KEYMAPS if one.lower() == keymap.lower()]
    fix = f"write {near[0]}" if near else f"choose one of {' '.join(KEYMAPS)}"
    return bad(f"{keymap[:40]!a} is no keymap of Manager", fix=fix)


@ovm.check(
    "input.start_policy.release",
    rules=("R098",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The start policy exists in the release",
    why="create ServerPool refuses it",
    fix="choose CURRENT_SERVER or BEST_SERVER",
    source="server-pools R098 (CLI 3.2 and 3.4, create ServerPool)",
    planes=("input",),
    spec_only=True,
    touches=("pool.start_policy", "release"),
)
def start_policy_release(ctx: Ctx) -> Finding:
    """Hit for BALANCE_SERVER where the spec names 3.2 or 3.3."""
    policy, release = ctx.spec.pool.start_policy, ctx.spec.release
    if policy is StartPolicy.BALANCE_SERVER and release in (Release.R32, Release.R33):
        return bad(f"{policy} needs 3.4, the spec says {release}", fix="choose CURRENT_SERVER or BEST_SERVER")
    return ok(policy.value)


@ovm.check(
    "input.description.length",
    rules=("R099",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The description can be used",
    why="create ServerPool refuses it, or it cannot be typed into Manager's command line",
    fix="shorten it to 4000 plain characters",
    source="server-pools R099 (CLI 3.4)",
    planes=("input",),
    spec_only=True,
    touches=("pool.description",),
)
def description_length(ctx: Ctx) -> Finding:
    """Hit above 4000 characters and for characters that Manager's command line acts upon."""
    text = ctx.spec.pool.description
    if len(text) > MAX_DESCRIPTION:
        return bad(
            f"{len(text)} characters are more than {MAX_DESCRIPTION}", fix="shorten pool.description to 4000"
        )
    try:
        allow_list.free_text(text)
    except SpecError as error:
        return bad(error.problems[0].message, fix="use plain letters without ? ; quotes and backslashes")
    return ok(f"{len(text)} characters")


@ovm.check(
    "input.policy.range",
    rules=("R111",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The policy's figures are possible",
    why="the policy is refused",
    fix="give a threshold of 0 to 100 % and a period above 0 minutes",
    source="server-pools R111 (CLI, ServerPoolNetworkPolicy)",
    planes=("input",),
    spec_only=True,
    touches=("pool.policy",),
)
def policy_range(ctx: Ctx) -> Finding:
    """Hit for a threshold outside 0..100 % or a period that is not above 0 minutes."""
    policy = ctx.spec.pool.policy
    threshold, period = policy.cpu_threshold_pct, policy.period_min
    if threshold is not None and not 0 <= threshold <= 100:
        return bad(
            f"a threshold of {threshold} % is not possible", fix="give pool.policy.cpu_threshold_pct 0 to 100"
        )
    if period is not None and period <= 0:
        return bad(f"a period of {period} minutes is not possible", fix="give pool.policy.period_min above 0")
    if policy.mode is PolicyMode.OFF:
        return not_applicable("no policy is wanted")
    return ok(policy.mode.value)


@ovm.check(
    "input.pool.size",
    rules=("R035",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The pool is not larger than supported",
    why="more servers are refused or not supported",
    fix="split the servers into several pools",
    source="server-pools R035, 2d (Release Notes 3.4, configuration limits)",
    planes=("input",),
    spec_only=True,
    touches=("servers", "pool.clustered"),
)
def pool_size(ctx: Ctx) -> Finding:
    """Hit above 32 servers clustered, 64 unclustered."""
    count = len(ctx.spec.servers)
    limit = MAX_CLUSTERED if ctx.spec.pool.clustered else MAX_UNCLUSTERED
    kind = "clustered" if ctx.spec.pool.clustered else "unclustered"
    if count > limit:
        return bad(
            f"{count} servers; a {kind} pool takes at most {limit}",
            fix="split the servers into several pools",
        )
    return ok(f"{count} of at most {limit} servers")


@ovm.check(
    "input.agent.dialect",
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The agent's user and port can be told to Manager",
    why="since 3.3 discoverServer has no words for them: Manager would use oracle and 8899 all the same",
    fix="leave agent.user and agent.port out",
    source="manager-cli 3.1 (discoverServer 3.2 and 3.4)",
    planes=("input",),
    spec_only=True,
    touches=("agent", "release"),
)
def agent_dialect(ctx: Ctx) -> Finding:
    """Hit when the spec names 3.3 or 3.4 and another agent user or port than oracle and 8899."""
    agent = ctx.spec.agent
    if (agent.user, agent.port) == (AGENT_USER, AGENT_PORT):
        return ok(f"user {AGENT_USER}, port {AGENT_PORT}")
    if ctx.spec.release in (Release.R33, Release.R34):
        text = (
            f"{agent.user!a} on port {agent.port} can be told to Manager 3.2 only, not to {ctx.spec.release}"
        )
        return bad(text, fix=f"leave agent.user and agent.port out ({AGENT_USER}, {AGENT_PORT})")
    return ok(f"user {agent.user}, port {agent.port}; needs Manager 3.2")


@ovm.check(
    "input.master.listed",
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The wanted master is one of the servers",
    why="the first server added becomes master, so it must be among them",
    fix="name one of `servers` as pool.master",
    source="manager-cli 3.6; server-pools 1 (Master)",
    planes=("input",),
    spec_only=True,
    touches=("pool.master", "servers"),
)
def master_listed(ctx: Ctx) -> Finding:
    """Hit when pool.master is not named in `servers`."""
    master = ctx.spec.pool.master
    if master is None:
        return ok(f"{ctx.spec.servers[0].address}, the first server")
    if master not in ctx.spec.server_names:
        return bad(
            f"{master!a} is not among the servers",
            fix="name one of `servers` as pool.master, letter by letter",
        )
    return ok(master)


@ovm.check(
    "input.roles.known",
    rules=("R063",),
    scope=Scope.INPUT,
    severity=Severity.BLOCKER,
    title="The roles exist, and one server runs guests",
    why="an unknown role is refused; without the VM role guests have nowhere to run",
    fix="give pool.roles as vm, utility or both",
    source="server-pools R063, 1 (Roles); manager-cli 3.4",
    planes=("input",),
    spec_only=True,
    touches=("pool.roles", "servers"),
)
def roles_known(ctx: Ctx) -> Finding:
    """Hit for role words other than vm and utility, an empty list, and when no server has the vm role."""
    roles = {server.address: server.roles or ctx.spec.pool.roles for server in ctx.spec.servers}
    unknown = sorted({role for given in roles.values() for role in given if role not in ROLES})
    if unknown:
        return bad(f"unknown roles: {joined(ascii(role) for role in unknown)}", fix="use vm and utility")
    without = [name for name, given in roles.items() if not given]
    if without:
        return bad(f"no role for {joined(without)}", fix="give vm, utility or both", servers=without)
    if not any("vm" in given for given in roles.values()):
        return bad("no server has the vm role", fix="give the vm role to at least one server")
    return ok("vm and utility" if all(set(given) == ROLES for given in roles.values()) else "as given")
