"""R089, R104 and what else one machine must bring: guests gone, virtualization on, enough of everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from core.checks.reading import Ctx, joined
from core.checks.registry import shared
from core.models.cpu import Arch
from core.models.facts import FactMissing, FreeSpace, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.text import inert

_check = partial(shared.check, scope=Scope.SERVER, per_server=True, touches=("servers", "ssh"))
FREE_MIN_BYTES = 200 * 2**20  # MiB that logs and the agent's data base need to go on; poolwright's own bound
FREE_MIN_PCT = 5
WATCHED = ("/", "/var", "/var/log", "/tmp", "/boot")  # noqa: S108 - only looked at
RECENT_BOOT = timedelta(minutes=10)
LONG_UP = timedelta(days=497)  # 2^32 ticks of 10 ms; old kernels and firmware stumble there


def is_sparc(facts: ServerFacts) -> bool:
    """Whether the server is known to be SPARC."""
    return facts.cpu.value is not None and facts.cpu.value.arch is Arch.SPARC


@_check(
    "server.guests.none",
    rules=("R089",),
    severity=Severity.WARNING,
    title="No guest runs on the server",
    why="changes of ownership and role are refused, and guests of a foreign pool are in the way",
    fix="stop or move the guests first",
    source="server-pools R089 (Concepts 3.3, server roles)",
    planes=("agent", "ssh"),
)
def guests_none(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the server runs guests."""
    guests = known(facts.running_guests, "running guests")
    if guests:
        shown = joined(inert(name, 60) for name in guests[:6])
        fix = f"stop these guests of {facts.name} or move them away, then check again"
        return bad(f"{facts.name} runs {len(guests)} guests: {shown}", fix=fix)
    return ok(f"{facts.name} runs no guest")


@_check(
    "server.hvm.enabled",
    rules=("R104",),
    severity=Severity.WARNING,
    title="Hardware virtualization is on",
    why="HVM and PVHVM guests cannot start there, HA cannot restart them there",
    fix="enable VT-x or AMD-V (and NX) in the BIOS, power cycle",
    source="server-pools R104",
    planes=("agent", "ssh"),
)
def hvm_enabled(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the hypervisor offers no hardware-virtualized guests."""
    if is_sparc(facts):
        return not_applicable("SPARC has no such switch")
    hvm = known(facts.cpu, "processor").has_hvm
    if hvm is None:
        raise FactMissing("hardware virtualization", "the hypervisor does not tell it")
    if not hvm:
        fix = f"enable VT-x or AMD-V and NX in the BIOS of {facts.name}, then power cycle it"
        return bad(f"{facts.name} offers no hardware virtualization", fix=fix)
    return ok("hardware virtualization is on")


@_check(
    "server.disk.space",
    severity=Severity.WARNING,
    title="Room on the server's own disk",
    why="a full root or log file system stops the agent and its data base in the middle of a change",
    fix="remove old logs and packages",
    source="practice; bounds are poolwright's",
    planes=("ssh",),
)
def disk_space(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit below 200 MiB and below 5 % free on /, /var, /tmp or /boot."""
    spaces = [one for one in known(facts.free_space, "free space") if one.path in WATCHED]
    if not spaces:
        raise FactMissing("free space", "df named none of the server's own file systems")
    tight = [one for one in spaces if _is_tight(one)]
    if tight:
        shown = joined(f"{one.path} {one.free_bytes // 2**20} MiB" for one in tight)
        fix = f"on {facts.name}, remove old logs, packages and cores from {joined(one.path for one in tight)}"
        return bad(f"{facts.name} has left: {shown}", fix=fix)
    return ok(joined(f"{one.path} {one.free_bytes // 2**20} MiB free" for one in spaces))


def _is_tight(one: FreeSpace) -> bool:
    """Under 5 % always; under 200 MiB (20 on /boot, which is small by design) when that is under 10 %."""
    floor = FREE_MIN_BYTES // 10 if one.path == "/boot" else FREE_MIN_BYTES
    free_pct = 100.0 * one.free_bytes / max(one.size_bytes, 1)
    return free_pct < FREE_MIN_PCT or (one.free_bytes < floor and free_pct < 2 * FREE_MIN_PCT)


@_check(
    "server.boot.pending",
    severity=Severity.WARNING,
    title="The running kernel is the one that boots next",
    why="an update waits for a restart: after the first fencing the server comes back as another one",
    fix="restart the server before it joins",
    source="practice; server-pools R040",
    planes=("ssh",),
)
def boot_pending(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when the boot loader's default is another kernel than the running one."""
    if is_sparc(facts):
        return not_applicable("Solaris boots an environment, not a kernel file")
    running, next_ = known(facts.kernel, "kernel"), known(facts.boot_kernel, "kernel of the next boot")
    if running != next_:
        fix = f"restart {facts.name} before it joins, or correct `default` in its grub.conf"
        return bad(f"{facts.name} runs {inert(running, 80)} and will boot {inert(next_, 80)}", fix=fix)
    return ok(f"{inert(running, 80)} runs and boots")


@_check(
    "server.uptime.sane",
    severity=Severity.INFO,
    title="The server has been up for a while, and not for years",
    why="a server that has just restarted may do so again; one that has not for years may not come back",
    fix="find out why it restarted, or restart it once on purpose",
    source="practice",
    planes=("agent", "ssh"),
)
def uptime_sane(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit under 10 minutes and over 497 days; reads the server's own clock against ours."""
    boot_s = known(facts.boot_time_s, "time of the last boot")
    offset_s = facts.clock_offset_s.value or 0.0
    now = facts.boot_time_s.observed_at or ctx.now
    up = now - datetime.fromtimestamp(min(max(boot_s - offset_s, 0.0), 4e9), UTC)
    if up < RECENT_BOOT:
        fix = f"find out why {facts.name} restarted; wait until it has settled"
        return bad(f"{facts.name} booted {max(int(up.total_seconds()), 0)} s ago", fix=fix)
    if up > LONG_UP:
        fix = f"restart {facts.name} once before it joins, to know that it comes back"
        return bad(f"{facts.name} has been up for {up.days} days", fix=fix)
    return ok(f"up for {up.days} days")


@_check(
    "server.kernel.log",
    severity=Severity.WARNING,
    title="The kernel's log shows no trouble",
    why="failing disks, lost paths and cluster messages of today are the fencing of tomorrow",
    fix="look at dmesg and mend the cause first",
    source="server-pools R016, R069, F17-F20",
    planes=("ssh",),
)
def kernel_log(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when lines about I/O errors, machine checks, link loss, changed LUNs or fencing stand in dmesg."""
    lines = known(facts.kernel_trouble, "kernel log")
    if lines:
        shown = "; ".join(inert(line, 120) for line in lines[:3])
        fix = f"look at `dmesg` on {facts.name} and mend the cause before it joins"
        return bad(f"{facts.name}: {shown}", fix=fix, data={"lines": list(lines)})
    return ok("nothing that matters in dmesg")
