"""R037, R038, R088, R110, R113, R114: Manager fits the servers, has room and rests."""

from __future__ import annotations

from functools import partial

from core.checks.reading import Gathered, gather, joined
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, manager, of_manager, ovm, server
from core.platforms.oracle_vm.checks.drift import numbers_of
from core.platforms.oracle_vm.facts import ManagedEvent, ManagedJob, ManagedServer
from core.text import inert

_check = partial(
    ovm.check,
    scope=Scope.MANAGER,
    planes=("manager",),
    needs=("manager.cli.reachable",),
    touches=("manager.host",),
)
MAX_POOLS, MAX_SERVERS, TUNE_SERVERS = 16, 256, 80  # server-pools 2d
_ENDED = frozenset({"success", "failure", "failed", "aborted", "done", "completed", "complete", "cancelled"})
_NETWORK_WORDS = ("network", "bond", "vlan", "port", "rediscover", "discover")


@_check(
    "manager.version.supports",
    rules=("R037",),
    severity=Severity.BLOCKER,
    title="Manager supports the servers' releases",
    why="discovery or ownership fails",
    fix="upgrade the servers, or use a Manager that supports them",
    source="server-pools R037 (Release Notes 3.4.7, backward compatibility)",
    unknown_severity=Severity.WARNING,
)
def version_supports(ctx: Ctx) -> Finding:
    """Hit for servers newer than Manager, and for 3.2.x (3.3.x) outside what the release notes allow."""
    version = numbers_of(of_manager(ctx, manager(ctx).version, "version of Manager"))
    releases = gather(ctx, lambda facts: known(facts.release, "release"), "release")
    wrong = {
        name: why for name, text in releases.values.items() if (why := _unfit(version, numbers_of(text)))
    }
    shown_version = ".".join(map(str, version[:3]))
    if wrong:
        shown = joined(f"{name} ({inert(releases.values[name], 40)}) {why}" for name, why in wrong.items())
        fix = (
            f"bring {joined(wrong)} to a release that Manager {shown_version} manages, or use another Manager"
        )
        return bad(f"Manager {shown_version}: {shown}", fix=fix, servers=list(wrong))
    releases.require_all()
    return ok(f"Manager {shown_version} manages all of them")


def _unfit(manager_version: tuple[int, ...], release: tuple[int, ...]) -> str:
    """Why a Manager cannot manage a server of this release, '' when it can or nothing is documented."""
    if release[:2] > manager_version[:2]:
        return "is newer than Manager"
    if manager_version[:2] == (3, 4) and release[:2] == (3, 2):
        if manager_version[:3] >= (3, 4, 6):
            return "is 3.2, which 3.4.6 and later do not manage"
        if manager_version[:3] >= (3, 4, 2) and release[:3] < (3, 2, 10):
            return "is older than 3.2.10"
    return ""


@_check(
    "manager.tls.servers",
    rules=("R038",),
    severity=Severity.BLOCKER,
    title="Manager and agents speak one TLS",
    why="Manager 3.4.5 and later speak TLS 1.2 by default; the handshake with old agents fails",
    fix="upgrade the agents; TLS 1.0 on Manager only as a bridge",
    source="server-pools R038 (Release Notes 3.4.7)",
    unknown_severity=Severity.WARNING,
)
def tls_servers(ctx: Ctx) -> Finding:
    """Hit when Manager is 3.4.5 or later and an agent is known to speak TLS 1.0 only (3.2 on x86, 3.3.1 on SPARC)."""
    version = numbers_of(of_manager(ctx, manager(ctx).version, "version of Manager"))
    if version[:3] < (3, 4, 5):
        return not_applicable("this Manager still speaks TLS 1.0")
    old = gather(ctx, _speaks_old_tls, "TLS of the agent")
    wrong = [name for name, is_old in old.values.items() if is_old]
    if wrong:
        fix = f"upgrade the agents of {joined(wrong)}; enable TLS 1.0 on Manager for the time of that only"
        return bad(f"agents that speak TLS 1.0 only: {joined(wrong)}", fix=fix, servers=wrong)
    old.require_all()
    return ok("every agent speaks TLS 1.2 or later")


def _speaks_old_tls(facts: ServerFacts) -> bool:
    certificate = facts.agent_certificate.value
    version = certificate.tls_version if certificate is not None else ""
    version = version or facts.plane("agent").tls_version
    if version:
        return version in ("TLSv1", "TLSv1.1", "SSLv3")
    one = server(facts)
    release = numbers_of(known(one.release, "release"))
    is_sparc = one.cpu.value is not None and one.cpu.value.arch is Arch.SPARC
    return release[:2] == (3, 2) or (is_sparc and release[:3] <= (3, 3, 1))


@_check(
    "manager.state.running",
    severity=Severity.BLOCKER,
    title="Manager itself is running",
    why="jobs queue up or fail while it starts or stops",
    fix="wait until Manager has started",
    source="manager-cli 3.16 (Web Services guide 3.3)",
    unknown_severity=Severity.INFO,
)
def state_running(ctx: Ctx) -> Finding:
    """Hit when Manager shows another run state than running."""
    state = of_manager(ctx, manager(ctx).run_state, "run state of Manager")
    if state.lower() not in ("running", "ok", "online"):
        return bad(f"Manager is {inert(state, 40)}", fix="wait until Manager is RUNNING, then check again")
    return ok(f"Manager is {inert(state, 40)}")


@_check(
    "manager.jobs.idle",
    rules=("R114",),
    severity=Severity.WARNING,
    title="No job is at work in Manager",
    why="it holds locks on servers or storage: our commands wait, or are refused as in use",
    fix="wait for the jobs, or abort the ones that hang",
    source="server-pools R114",
)
def jobs_idle(ctx: Ctx) -> Finding:
    """Hit when a job is neither done nor ended."""
    open_jobs = [job for job in of_manager(ctx, manager(ctx).jobs, "jobs in Manager") if is_open(job)]
    if open_jobs:
        shown = joined(f"{inert(job.name, 60) or job.id} ({inert(job.state, 30)})" for job in open_jobs[:4])
        fix = "wait for them; one that hangs ends with `abort Job id=" + f"{inert(open_jobs[0].id, 40)}`"
        return bad(f"{len(open_jobs)} jobs at work: {shown}", fix=fix)
    return ok("no job at work")


def is_open(job: ManagedJob) -> bool:
    """Whether a job is still at work, as far as Manager tells."""
    if job.done is not None:
        return not job.done
    return bool(job.state) and job.state.lower() not in _ENDED


@_check(
    "manager.network.settled",
    rules=("R088",),
    severity=Severity.WARNING,
    title="No network operation has just failed",
    why="Manager rediscovers the server afterwards; creating a pool meanwhile fails",
    fix="wait for the rediscovery, acknowledge the event",
    source="server-pools R088 (Concepts 3.4, failed network operations)",
)
def network_settled(ctx: Ctx) -> Finding:
    """Hit when an unacknowledged event tells of a network operation, or such a job is at work."""
    events = manager(ctx).events.value or ()
    jobs = [job for job in of_manager(ctx, manager(ctx).jobs, "jobs in Manager") if is_open(job)]
    told = [event.kind or event.text for event in events if _is_network(event)]
    told += [job.name for job in jobs if any(word in job.name.lower() for word in _NETWORK_WORDS)]
    if told:
        fix = "wait until the rediscovery has ended, mend the cause, acknowledge the event (ackEvent)"
        return bad(f"in Manager: {joined(inert(text, 80) for text in told[:3])}", fix=fix)
    return ok("no failed network operation is open")


def _is_network(event: ManagedEvent) -> bool:
    text = f"{event.kind} {event.text}".lower()
    return any(word in text for word in ("network", "bond", "vlan")) and any(
        word in text for word in ("fail", "error", "down")
    )


@_check(
    "manager.events.clear",
    rules=("R110",),
    severity=Severity.WARNING,
    title="No open event concerns this pool's servers or storage",
    why="servers with unacknowledged errors cannot be selected; DPM seems stuck",
    fix="mend the causes and acknowledge the events",
    source="server-pools R110, R026 (bug 18962618; Concepts 3.4, acknowledging events)",
)
def events_clear(ctx: Ctx) -> Finding:
    """Hit for open events of severity critical or warning on objects of this pool, or without an object."""
    events = of_manager(ctx, manager(ctx).events, "events in Manager")
    mine = {entry.id.lower() for facts in ctx.servers if (entry := _entry(ctx, facts)) is not None}
    bad_ones = [
        event
        for event in events
        if event.severity.lower() in ("critical", "warning", "fatal", "error")
        and (event.object_id.lower() in mine or not event.object_id)
    ]
    if bad_ones:
        shown = joined(inert(event.kind or event.text, 80) for event in bad_ones[:4])
        fix = f"mend the causes; then `ackEvent id={inert(bad_ones[0].id, 40)}` and so on in Manager"
        return bad(f"{len(bad_ones)} open events: {shown}", fix=fix)
    return ok("no open event concerns this pool")


def _entry(ctx: Ctx, facts: ServerFacts) -> ManagedServer | None:
    return manager(ctx).server(uuid=facts.server_uuid.value, address=facts.address)


@_check(
    "manager.capacity.room",
    rules=("R113",),
    severity=Severity.WARNING,
    title="Manager has room for this pool",
    why="beyond 16 pools or 256 servers nothing is supported; from about 80 servers on Manager must be tuned",
    fix="use another Manager, or raise its memory and statistics interval",
    source="server-pools R113, 2d (Release Notes 3.4, configuration limits)",
)
def capacity_room(ctx: Ctx) -> Finding:
    """Hit beyond 16 pools or 256 servers once this pool is made; an information from 80 servers on."""
    pools = len(of_manager(ctx, manager(ctx).pools, "pools in Manager")) + 1
    listed = of_manager(ctx, manager(ctx).servers, "servers in Manager")
    new = [facts for facts in ctx.servers if _entry(ctx, facts) is None]
    servers = len(listed) + len(new)
    shown = f"{pools} pools and {servers} servers once this one is made"
    if pools > MAX_POOLS or servers > MAX_SERVERS:
        return bad(
            shown, fix=f"use another Manager: {MAX_POOLS} pools and {MAX_SERVERS} servers are the limit"
        )
    if servers > TUNE_SERVERS:
        fix = "raise the heap of Manager's JVM and the statistics interval (Release Notes 3.4)"
        return bad(shown, fix=fix, severity=Severity.INFO)
    return ok(shown)


@_check(
    "manager.servers.listed_once",
    severity=Severity.WARNING,
    title="Manager lists every server once",
    why="an old entry of the same address or name takes the commands that were meant for the new one",
    fix="find out which entry is stale; take it out of Manager once it has no pool and no virtual machine",
    source="practice; server-pools R024, R094",
)
def servers_listed_once(ctx: Ctx) -> Finding:
    """Hit when two entries in Manager have the address or the name of one server of this pool."""
    entries = of_manager(ctx, manager(ctx).servers, "servers in Manager")
    twice: list[str] = []
    for facts in ctx.servers:
        mine = [entry for entry in entries if facts.address in (entry.address, entry.name)]
        host = (facts.hostname.value or "").split(".")[0].lower()
        mine += [e for e in entries if host and e.name.split(".")[0].lower() == host and e not in mine]
        if len(mine) > 1:
            twice.append(f"{facts.name}: {joined(inert(entry.id, 60) for entry in mine)}")
    if twice:
        fix = "find out by UUID which entry is stale; take it out of Manager once it has no pool and no virtual machine"
        return bad("; ".join(twice), fix=fix)
    return ok(f"{len(entries)} servers in Manager, none of these twice")


@_check(
    "manager.clock.skew",
    rules=("R030",),
    severity=Severity.WARNING,
    title="Servers are not ahead of this machine by minutes",
    why="Manager's certificate is not valid yet, or no more, to a server whose clock is far off",
    fix="correct the time of that server",
    source="server-pools R030; TLS",
    unknown_severity=Severity.INFO,
)
def clock_skew(ctx: Ctx) -> Finding:
    """Hit when all servers together are more than a minute off this machine: one of the two sides is wrong."""
    offsets: Gathered[float] = gather(ctx, lambda facts: known(facts.clock_offset_s, "clock"), "clock")
    values = sorted(offsets.require_all().values())
    middle = values[len(values) // 2]
    if abs(middle) > 60.0:
        fix = "compare this machine's clock with Manager's (`getManagerTime`) and with NTP; correct the wrong side"
        return bad(f"the servers are {middle:+.0f} s off this machine", fix=fix)
    if not offsets.values:
        raise FactMissing("clock", "no server told its time")
    return ok(f"{middle:+.1f} s off this machine")
