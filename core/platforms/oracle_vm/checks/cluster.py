"""R047, R048, R064, R078, R082, R107, R108, R122, R123: what OCFS2, Xen and the bonds of an x86 server bring."""

from __future__ import annotations

import re
from functools import partial

from core.checks.pair.equal import Equal
from core.checks.reading import gather, joined, management_address
from core.checks.server.host import is_sparc
from core.facts.firewall import UndecidedError, stopping_rule
from core.models.facts import FactMissing, ServerFacts, known, not_seen
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, managed, ovm, server
from core.platforms.oracle_vm.checks.drift import numbers_of
from core.platforms.oracle_vm.facts import O2cbSettings
from core.platforms.oracle_vm.look_mesh import MIGRATE_PORT, MIGRATE_TLS_PORT
from core.platforms.oracle_vm.spec import PolicyMode, Release
from core.text import inert

_check = partial(ovm.check, scope=Scope.SERVER, per_server=True, planes=("ssh",), touches=("servers", "ssh"))
BOND_MODES = {1: "active-backup", 4: "LACP", 6: "adaptive load balancing"}  # R082
MAX_DOM0_CPUS = 20  # R107
GNTTAB_FRAMES, GNTTAB_SINCE = 64, (3, 4, 4)  # R108, bug 26594820
MIN_IDLE_MS = 10_000  # below this a short stall of the network fences (o2cb defaults: 30 s)
_CLOSE = 0.8  # dom0 may have a fifth less memory than the installer's formula gives


def dom0_memory_mib(total_mib: int) -> int:
    """The installer's formula (server-pools R107)."""
    return 502 + int(0.0205 * total_mib)


Equal(
    "pair.agent.same", "agent", lambda facts: known(server(facts).agent_version, "version of the agent"),
    Severity.WARNING,
    title="One agent on all servers",
    why="agents of several versions speak of the cluster in several ways",
    fix="update ovs-agent on {few} to {value}",
    source="practice; agent-rpc 3", planes=("agent",), unknown_severity=Severity.INFO,
).register(ovm)  # fmt: skip


def _o2cb(facts: ServerFacts) -> O2cbSettings:
    return known(server(facts).o2cb, "o2cb settings")


def _no_cluster(ctx: Ctx) -> str:
    return "" if ctx.spec.pool.clustered else "an unclustered pool has no o2cb"


def _timings(facts: ServerFacts) -> str:
    one = _o2cb(facts)
    return (
        f"heartbeat {one.heartbeat_threshold}, idle {one.idle_timeout_ms}, keepalive {one.keepalive_delay_ms}, "
        f"reconnect {one.reconnect_delay_ms}"
    )


Equal(
    "pair.o2cb.same", "o2cb", _timings, Severity.WARNING,
    title="One set of o2cb values on all servers",
    why="`uses a heartbeat timeout of X ms, but we use Y ms locally. Disconnecting.`",
    fix="restore /etc/sysconfig/o2cb of {few} as on {most} ({value}); never edit it on a live cluster",
    source="server-pools R047 (fs/ocfs2/cluster/tcp.c)", planes=("ssh",), rules=("R047",), x86_only=True,
    when=_no_cluster, touches=("servers", "ssh", "pool.clustered"),
).register(ovm)  # fmt: skip


@ovm.check(
    "pair.cluster_conf.same",
    rules=("R048",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="One cluster.conf on all servers that have one",
    why="a node that has another one does not mount",
    fix="find out which pool each is of; Manager writes the file anew when it takes a server out and in again",
    source="server-pools R048 (ocfs2.cluster.conf)",
    planes=("ssh", "agent"),
    touches=("servers", "ssh", "pool.clustered"),
)
def cluster_conf_same(ctx: Ctx) -> Finding:
    """Hit when two servers of one cluster keep different files; not applicable while none has one."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no cluster.conf")
    found = gather(ctx, _digest, "cluster.conf")
    kept = {name: digest for name, digest in found.values.items() if digest}
    if len(set(kept.values())) > 1:
        fix = (
            f"find out which pool {joined(kept)} are of; in a living one let Manager write the file anew, else move "
            "it away once no server mounts that pool's file system"
        )
        return bad(f"{joined(kept)} keep different cluster.conf files", fix=fix, servers=list(kept))
    found.require_all()
    if not kept:
        return not_applicable("no server has a cluster.conf yet")
    return ok(f"one cluster.conf on {joined(kept)}")


def _digest(facts: ServerFacts) -> str:
    fact = server(facts).stored_cluster
    if not fact.is_known:
        raise not_seen(fact, "cluster.conf")
    if fact.value is None:
        return ""
    return fact.value.digest or f"{fact.value.name}:{','.join(sorted(fact.value.nodes))}"


@_check(
    "server.o2cb.values",
    severity=Severity.WARNING,
    title="The o2cb values are usable",
    why="with a short idle timeout a stall of a few seconds fences; with a long keepalive none is noticed",
    fix="restore /etc/sysconfig/o2cb as installed",
    source="server-pools R047, 7b (o2cb.sysconfig)",
)
def o2cb_values(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for an idle timeout under 10 s, or a keepalive that is not shorter than it."""
    if reason := _no_cluster(ctx):
        return not_applicable(reason)
    if is_sparc(facts):
        return not_applicable("SPARC clusters have no o2cb")
    one = _o2cb(facts)
    idle, keepalive = one.idle_timeout_ms, one.keepalive_delay_ms
    fix = f"restore /etc/sysconfig/o2cb of {facts.name} as installed (idle 30000, keepalive 2000, reconnect 2000)"
    if idle is not None and idle < MIN_IDLE_MS:
        return bad(f"{facts.name}: idle timeout {idle} ms", fix=fix)
    if idle is not None and keepalive is not None and keepalive >= idle:
        return bad(f"{facts.name}: keepalive {keepalive} ms, idle timeout {idle} ms", fix=fix)
    return ok(_timings(facts))


@_check(
    "server.cluster.modules",
    rules=("R122",),
    severity=Severity.BLOCKER,
    title="The kernel has the cluster's modules",
    why="`Node manager kernel module is not loaded`",
    fix="boot the kernel that Oracle ships",
    source="server-pools R122 (ocfs2-tools)",
    unknown_severity=Severity.WARNING,
    touches=("servers", "ssh", "pool.clustered"),
)
def cluster_modules(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when modprobe would not find the modules of o2cb."""
    if reason := _no_cluster(ctx):
        return not_applicable(reason)
    if is_sparc(facts):
        return not_applicable("SPARC clusters have no o2cb")
    if known(server(facts).cluster_modules, "modules of o2cb"):
        return ok("the modules can be loaded")
    kernel = inert(facts.kernel.value or "", 80)
    fix = f"boot the shipped UEK on {facts.name} (it runs {kernel}), or install its modules"
    return bad(f"{facts.name} has no ocfs2_stackglue or ocfs2_nodemanager for {kernel}", fix=fix)


@_check(
    "server.firewall.agent",
    rules=("R078",),
    severity=Severity.WARNING,
    title="The server's firewall lets Manager and the other servers in",
    why="parts fail one by one: discovery, consoles, live migration",
    fix="open the ports, or stop iptables on the management network",
    source="server-pools R078, 5 (Security Guide 3.2; Installation Guide 3.3, firewall)",
)
def firewall_agent(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a rule stops TCP 8899 from Manager, or the migration port from another server."""
    if is_sparc(facts):
        return not_applicable("a control domain has no iptables")
    rules = known(facts.firewall_rules, "firewall rules")
    migrate = MIGRATE_TLS_PORT if ctx.spec.pool.secure_migration else MIGRATE_PORT
    peer = next((one.address for one in ctx.servers if one.name != facts.name), ctx.spec.manager.host)
    asked = {ctx.spec.agent.port: ctx.spec.manager.host, migrate: peer}
    try:
        stopped = {
            port: rule for port, source in asked.items() if (rule := stopping_rule(rules, port, source))
        }
    except UndecidedError as gap:
        raise FactMissing("firewall rules", f"cannot tell what `{inert(gap.rule, 100)}` does") from gap
    if stopped:
        shown = joined(f"TCP {port} by `{inert(rule, 100)}`" for port, rule in stopped.items())
        ports = " ".join(f"-I INPUT -p tcp --dport {port} -j ACCEPT;" for port in stopped)
        return bad(
            f"{facts.name} stops {shown}",
            fix=f"on {facts.name}: `iptables {ports.rstrip(';')}` for each, saved",
        )
    return ok(f"TCP {joined(map(str, asked))} are let in")


@_check(
    "network.bond.mode",
    rules=("R082",),
    severity=Severity.WARNING,
    title="Bonds run in a supported mode",
    why="links flap, and guests lose their traffic",
    fix="change the mode through Manager: 1, 4 or 6",
    source="server-pools R082 (Concepts 3.4, bonding)",
)
def bond_mode(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for other modes than 1, 4 and 6, and for LACP legs that are on different aggregators."""
    if is_sparc(facts):
        return not_applicable("a control domain has aggregations")
    bonds = known(facts.bonds, "bonds")
    odd = [bond.name for bond in bonds if bond.mode not in BOND_MODES]
    if odd:
        fix = f"set the mode of {joined(odd)} of {facts.name} to 1 (active-backup), 4 (LACP) or 6 through Manager"
        return bad(f"{joined(odd)} of {facts.name} run in an unsupported mode", fix=fix)
    split = [
        bond.name
        for bond in bonds
        if bond.mode == 4 and len({p.aggregator for p in bond.ports if p.aggregator}) > 1
    ]
    if split:
        fix = f"connect all legs of {joined(split)} of {facts.name} to one (logical) switch with LACP"
        return bad(f"the legs of {joined(split)} of {facts.name} do not aggregate", fix=fix)
    if not bonds:
        return not_applicable(f"{facts.name} has no bond")
    return ok(joined(f"{bond.name} {BOND_MODES[bond.mode or 1]}" for bond in bonds))


@_check(
    "network.vlan.mode6",
    rules=("R123", "R082"),
    severity=Severity.BLOCKER,
    title="Management stands on no VLAN over an adaptive bond",
    why="after discovery the server has no network",
    fix="use mode 1 or 4 below the VLAN",
    source="server-pools R123 (Release Notes 3.1, issue 6.3.2)",
    unknown_severity=Severity.WARNING,
)
def vlan_mode6(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the management bridge stands on a VLAN of a bond in mode 6."""
    if is_sparc(facts):
        return not_applicable("a control domain has aggregations")
    adaptive = {bond.name for bond in known(facts.bonds, "bonds") if bond.mode == 6}
    name = management_address(facts).interface.split(":")[0]
    vlans = {
        one.name for one in known(facts.interfaces, "interfaces") if "." in one.name and one.master == name
    } | {name}
    wrong = sorted(one for one in vlans if "." in one and one.split(".")[0] in adaptive)
    if wrong:
        fix = f"set the bond of {joined(wrong)} on {facts.name} to mode 1 or 4 before it is discovered"
        return bad(f"management of {facts.name} stands on {joined(wrong)}, over a bond in mode 6", fix=fix)
    return ok("no VLAN over an adaptive bond")


@_check(
    "server.dom0.memory",
    rules=("R107",),
    severity=Severity.INFO,
    title="dom0 has the memory that its host's size asks for",
    why="the agent is killed for lack of memory, I/O is slow",
    fix="set dom0_mem as the installer would",
    source="server-pools R107",
)
def dom0_memory(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit under four fifths of 502 MiB + 2.05 % of the machine's memory."""
    if is_sparc(facts):
        return not_applicable("a control domain is sized otherwise")
    own, total = known(facts.own_memory_mib, "memory of dom0"), known(facts.memory_mib, "memory")
    wanted = dom0_memory_mib(total)
    if own < wanted * _CLOSE:
        fix = f"set `dom0_mem=max:{wanted}M` on the Xen line of grub.conf of {facts.name}, restart it"
        return bad(
            f"dom0 of {facts.name} has {own} MiB; {wanted} MiB fit a host of {total // 1024} GiB", fix=fix
        )
    return ok(f"{own} MiB of {wanted} MiB")


@_check(
    "server.dom0.cpus",
    rules=("R107",),
    severity=Severity.INFO,
    title="dom0 has 20 virtual processors at most",
    why="more of them make I/O slower, not faster",
    fix="set dom0_max_vcpus=20",
    source="server-pools R107 (Installation Guide 3.4, final steps)",
)
def dom0_cpus(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit above 20."""
    if is_sparc(facts):
        return not_applicable("a control domain is sized otherwise")
    own = known(facts.own_cpus, "processors of dom0")
    if own > MAX_DOM0_CPUS:
        fix = f"set `dom0_max_vcpus={MAX_DOM0_CPUS}` on the Xen line of grub.conf of {facts.name}, restart it"
        return bad(f"dom0 of {facts.name} has {own} virtual processors", fix=fix)
    return ok(f"{own} virtual processors")


@_check(
    "server.xen.gnttab",
    rules=("R108",),
    severity=Severity.INFO,
    title="Grant tables are large enough for Solaris guests",
    why="Solaris guests restart when they are migrated here: `gnttab_maps: Invalid pfn`",
    fix="add gnttab_max_frames=64 to the Xen line",
    source="server-pools R108 (bug 26594820)",
)
def xen_gnttab(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit on 3.4.4 and later without gnttab_max_frames=64 or more; only Solaris guests suffer."""
    if is_sparc(facts):
        return not_applicable("no Xen")
    if numbers_of(known(facts.release, "release"))[:3] < GNTTAB_SINCE:
        return not_applicable("before 3.4.4 the default is large enough")
    options = known(server(facts).hypervisor_options, "options of Xen")
    frames = re.search(r"\bgnttab_max_frames=(\d{1,6})\b", options)
    if frames is None or int(frames[1]) < GNTTAB_FRAMES:
        wanted = f"gnttab_max_frames={GNTTAB_FRAMES}"
        fix = f"for Solaris guests, add `{wanted}` to GRUB_CMDLINE_XEN of {facts.name}, restart it"
        return bad(f"{facts.name} boots Xen without gnttab_max_frames={GNTTAB_FRAMES}", fix=fix)
    return ok(frames[0])


@ovm.check(
    "server.inbound.lock",
    rules=("R064",),
    scope=Scope.SERVER,
    severity=Severity.WARNING,
    title="Policies may place guests on the server",
    why="DRS, DPM and HA skip a server with the inbound migration lock",
    fix="take the lock off in Manager",
    source="server-pools R064 (Concepts 3.3, DPM)",
    planes=("manager",),
    per_server=True,
    touches=("pool.policy", "servers"),
)
def inbound_lock(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Passes for servers that Manager does not list yet; of the others its command line does not show the lock."""
    if ctx.spec.pool.policy.mode is PolicyMode.OFF:
        return not_applicable("no policy is wanted")
    known(
        server(facts).server_uuid, "UUID of the server"
    )  # by its address alone it could be listed otherwise
    if managed(ctx, facts) is None:
        return ok(f"Manager does not know {facts.name} yet, and holds no lock for it")
    raise FactMissing(
        f"inbound migration lock of {facts.name}",
        "Manager's command line does not show it: look in its web interface (server, Edit, Protect Server)",
    )


@ovm.check(
    "input.timeout.release",
    rules=("R044",),
    scope=Scope.INPUT,
    severity=Severity.INFO,
    title="The cluster timeout can be told to Manager",
    why="the command line before 3.4 has no word for it: the pool gets the default",
    fix="leave pool.timeout_s out, or use Manager 3.4",
    source="manager-cli 3.5; server-pools 2c",
    planes=("input",),
    spec_only=True,
    touches=("pool.timeout_s", "release"),
)
def timeout_release(ctx: Ctx) -> Finding:
    """Hit when a timeout other than the default is given for 3.2 or 3.3."""
    pool = ctx.spec.pool
    default_s = type(pool).model_fields["timeout_s"].default
    if not pool.clustered or pool.timeout_s == default_s:
        return not_applicable("the default stands")
    if ctx.spec.release in (Release.R32, Release.R33):
        text = f"{pool.timeout_s} s cannot be told to Manager {ctx.spec.release}"
        return bad(
            text, fix="leave pool.timeout_s out, or set it in the web interface before servers are added"
        )
    return ok(f"{pool.timeout_s} s")
