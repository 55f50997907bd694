"""R060, R093, R094, R092, R052, R121, R119: what a server, its agent and Manager say of one another."""

from __future__ import annotations

import ipaddress
import re
from functools import partial

from core.checks.reading import is_ipv4, joined, management_address, network_of, short
from core.checks.server.host import is_sparc
from core.models.facts import ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, managed, manager, of_manager, ovm, server
from core.text import inert

_check = partial(ovm.check, scope=Scope.SERVER, per_server=True, touches=("servers",))
LOST_PATHS_FIXED = {"2.6.39": (2, 6, 39, 400, 288, 1), "3.8.13": None, "4.1.12": (4, 1, 12, 41)}  # R052


@_check(
    "server.name.drift",
    rules=("R060",),
    severity=Severity.BLOCKER,
    title="The host name is the one it was discovered by",
    why="the cluster names its nodes by the short host name: `Could not determine local host name`",
    fix="restore the name; or remove the server, rename it, discover it again",
    source="server-pools R060 (ocfs2.cluster.conf)",
    planes=("agent", "ssh", "manager"),
    unknown_severity=Severity.WARNING,
)
def name_drift(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when Manager, or the server's own cluster.conf, has another short host name."""
    host = short(known(facts.hostname, "host name"))
    one = server(facts)
    nodes = one.stored_cluster.value.nodes if one.stored_cluster.value is not None else ()
    if nodes and host not in {short(node) for node in nodes}:
        fix = f"restore the host name of {facts.name}, or remove it, rename it and discover it again"
        return bad(f"{facts.name} is {inert(host, 60)}; its cluster.conf names {joined(nodes)}", fix=fix)
    entry = managed(ctx, facts)
    if entry is None or not entry.hostname:
        return not_applicable(f"Manager knows no host name of {facts.name} yet")
    if short(entry.hostname) != host:
        fix = f"restore the host name {inert(entry.hostname, 60)} on {facts.name}, or remove and discover it again"
        return bad(f"{facts.name} is {inert(host, 60)}, Manager has {inert(entry.hostname, 60)}", fix=fix)
    return ok(f"{host} here and in Manager")


@_check(
    "server.address.drift",
    rules=("R093",),
    severity=Severity.BLOCKER,
    title="Manager has the address that the server has",
    why="`The server has changed IP or is unreachable`",
    fix="restore the address; or remove the server and discover it again",
    source="server-pools R093",
    planes=("agent", "ssh", "manager"),
    unknown_severity=Severity.WARNING,
)
def address_drift(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the address stored by the agent or by Manager is not among the server's own."""
    one = server(facts)
    own = {address.address for address in known(facts.addresses, "network addresses")}
    entry = manager(ctx).server(uuid=facts.server_uuid.value) if ctx.fleet.manager is not None else None
    stored = {
        "its agent": one.registered_ip.value if one.owner.value is not None else None,
        "Manager": entry.address if entry is not None and is_ipv4(entry.address) else None,
    }
    wrong = {who: address for who, address in stored.items() if address and address not in own}
    if wrong:
        shown = joined(f"{who} has {inert(address, 60)}" for who, address in wrong.items())
        fix = f"restore that address on {facts.name}, or remove it in Manager and discover it again"
        return bad(f"{shown}, {facts.name} has {joined(sorted(own))}", fix=fix)
    if not any(stored.values()):
        return not_applicable(f"nobody registered an address of {facts.name} yet")
    return ok(f"registered as {joined(sorted({text for text in stored.values() if text}))}")


@_check(
    "server.uuid.drift",
    rules=("R094",),
    severity=Severity.BLOCKER,
    title="The identity is the one it was discovered by",
    why="it cannot join after a restart, and rediscovery fails",
    fix="pin the old UUID in the agent's configuration",
    source="server-pools R094",
    planes=("agent", "ssh", "manager"),
    unknown_severity=Severity.WARNING,
)
def uuid_drift(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when Manager lists the address, or the host name, under another UUID."""
    uuid = known(facts.server_uuid, "server UUID").lower()
    entries = of_manager(ctx, manager(ctx).servers, "servers in Manager")
    names = {facts.address, *(address.address for address in facts.addresses.value or ())}
    same = [entry for entry in entries if entry.address in names or entry.name in names]
    if not same:
        return not_applicable(f"Manager does not know {facts.name} yet")
    if any(entry.id.lower() == uuid for entry in same):
        return ok("the same UUID in Manager")
    fix = f"pin UUID {inert(same[0].id, 60)} in the agent's configuration of {facts.name}, or take that entry out of "
    fix += "Manager, once it has no pool and no virtual machine, and discover the server again"
    return bad(f"{facts.name} is {uuid}, Manager has {inert(same[0].id, 60)} at that address", fix=fix)


@_check(
    "server.manager.auth",
    rules=("R092",),
    severity=Severity.BLOCKER,
    title="The server still trusts this Manager",
    why="after new certificates or a restored Manager, every job on the server fails to authenticate",
    fix="discover the server again with the agent password",
    source="server-pools R092 (Concepts 3.4, server states)",
    planes=("manager", "agent", "ssh"),
    unknown_severity=Severity.WARNING,
)
def manager_auth(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when this Manager owns the server and shows its state as unknown."""
    entry = managed(ctx, facts)
    if entry is None:
        return not_applicable(f"Manager does not know {facts.name} yet")
    own = of_manager(ctx, manager(ctx).uuid, "UUID of this Manager")
    owner = server(facts).owner.value or entry.owner
    if owner is None or owner.lower() != own.lower():
        return not_applicable(f"this Manager does not own {facts.name}")
    if entry.state.lower() == "unknown":
        fix = f"in Manager, discover {facts.name} again with the agent password, then acknowledge its events"
        return bad(f"this Manager owns {facts.name} and sees it as {inert(entry.state, 40)}", fix=fix)
    return ok(f"{facts.name} answers its Manager")


@_check(
    "server.kernel.lost_paths",
    rules=("R052",),
    severity=Severity.WARNING,
    title="The kernel waits when all servers lose the storage",
    why="older kernels fence: the whole pool restarts on a short outage of the storage",
    fix="update the kernel",
    source="server-pools R052 (MOS 2217229.1)",
    planes=("agent", "ssh"),
    touches=("servers", "pool.clustered"),
)
def kernel_lost_paths(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for UEK2 before 2.6.39-400.288.1 and UEK4 before 4.1.12-41, which do not extend the heartbeat."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no heartbeat")
    if is_sparc(facts):
        return not_applicable("SPARC clusters have another heartbeat")
    kernel = known(facts.kernel, "kernel")
    base = next((one for one in LOST_PATHS_FIXED if kernel.startswith(f"{one}-")), None)
    if base is None:
        return not_applicable(f"nothing is known of kernel {inert(kernel, 60)} in this")
    fixed = LOST_PATHS_FIXED[base]
    if fixed is None:
        return not_applicable(f"nothing is documented of {base} (UEK3) in this")
    if numbers_of(kernel)[: len(fixed)] < fixed:
        wanted = f"{base}-{'.'.join(map(str, fixed[3:]))}"
        fix = f"update the kernel of {facts.name} to {wanted} or later, restart it"
        return bad(f"{facts.name} runs {inert(kernel, 60)}, before {wanted}", fix=fix)
    return ok(f"{inert(kernel, 60)} extends the heartbeat")


def numbers_of(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: 4.1.12-124.18.6.el6uek -> (4, 1, 12, 124, 18, 6)."""
    head = re.match(r"\d+(?:[.-]\d+)*", text)
    return tuple(int(part) for part in re.split(r"[.-]", head[0])[:12]) if head else ()


@_check(
    "server.release.generation",
    rules=("R121",),
    severity=Severity.BLOCKER,
    title="The server is of release 3",
    why="a 2.x server cannot be managed, nor upgraded in place",
    fix="install it anew",
    source="server-pools R121 (Installation Guide 3.3)",
    planes=("agent", "ssh"),
    unknown_severity=Severity.WARNING,
)
def release_generation(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for a release other than 3.x."""
    text = known(facts.release, "release")
    if not text.startswith("3."):
        fix = f"install Oracle VM Server 3 anew on {facts.name}: there is no upgrade in place"
        return bad(f"{facts.name} is release {inert(text, 40)}", fix=fix)
    return ok(f"release {inert(text, 40)}")


@_check(
    "server.vip.orphan",
    rules=("R119",),
    severity=Severity.WARNING,
    title="The server carries no virtual IP of a pool that is gone",
    why="the address is taken as long as it stays there: nobody can use it, or two machines answer",
    fix="take the address off the management bridge",
    source="server-pools R119",
    planes=("ssh", "agent"),
    touches=("servers", "pool.virtual_ip"),
)
def vip_orphan(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a server that is in no pool has a second address in its management subnet; the pool's own blocks."""
    one = server(facts)
    mine = management_address(facts)
    if not one.pool_id.is_known:
        known(one.pool_id, "pool of the server")
    if one.pool_id.value is not None:
        return not_applicable(f"{facts.name} is in a pool")
    others = [
        address
        for address in known(facts.addresses, "network addresses")
        if address.interface.split(":")[0] == mine.interface
        and address.address != mine.address
        and ipaddress.IPv4Address(address.address) in network_of(mine)
    ]
    if others:
        left = others[0]
        severity = Severity.BLOCKER if left.address == ctx.spec.pool.virtual_ip else None
        fix = (
            f"find out what {left.address} is for; take it off {inert(left.interface, 40)} of {facts.name} once no "
            "pool has it"
        )
        return bad(
            f"{facts.name} also has {left.address}, of a pool that is gone?", fix=fix, severity=severity
        )
    return ok(f"{facts.name} has one address on {mine.interface}")


@_check(
    "server.agent.log",
    severity=Severity.WARNING,
    title="The agent's log ends without errors",
    why="an agent that fails now fails in the middle of the pool's creation too",
    fix="mend what the log names, restart ovs-agent",
    source="practice; server-pools 6 (logs)",
    planes=("ssh",),
)
def agent_log(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the last lines of the agent's log hold errors or tracebacks."""
    lines = known(server(facts).agent_trouble, "agent's log")
    if lines:
        shown = "; ".join(inert(line, 140) for line in lines[-2:])
        fix = f"on {facts.name}, look at /var/log/ovs-agent.log, mend the cause, restart ovs-agent"
        return bad(f"{facts.name}: {shown}", fix=fix, data={"lines": list(lines)})
    return ok("no error in its last lines")
