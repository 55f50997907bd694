"""R031, R032: every server's clock follows a source that answers."""

from __future__ import annotations

from functools import partial

from core.checks.reading import Ctx, joined
from core.checks.registry import shared
from core.models.facts import FactMissing, NtpPeer, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.text import inert

_check = partial(
    shared.check, scope=Scope.SERVER, per_server=True, severity=Severity.WARNING, touches=("servers", "ssh")
)
UNSYNCHRONISED = 16  # stratum of a source that has no time itself (RFC 5905)
FAR_MS = 1000.0


def is_own_clock(address: str) -> bool:
    """127.127.x.y is the server's own clock."""
    return address.startswith("127.127.")


@_check(
    "server.ntp.running",
    rules=("R031",),
    title="NTP runs",
    why="the clock drifts: certificates, events and guests' time go wrong",
    fix="start ntpd and switch it on at boot",
    source="server-pools R031 (Concepts 3.3, NTP)",
    planes=("agent", "ssh"),
)
def ntp_running(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when no NTP daemon runs."""
    if known(facts.ntp_is_running, "NTP daemon"):
        return ok(f"NTP runs on {facts.name}")
    fix = f"on {facts.name}: `service ntpd start; chkconfig ntpd on`, or set NTP servers for it in Manager"
    return bad(f"no NTP daemon runs on {facts.name}", fix=fix)


@_check(
    "server.ntp.source",
    rules=("R031",),
    title="NTP follows another clock than the server's own",
    why="a fresh server follows only itself: it drifts, and calls that synchronised",
    fix="set NTP servers on Manager or on the servers",
    source="server-pools R031 (Concepts 3.3, NTP)",
    planes=("agent", "ssh"),
)
def ntp_source(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when no NTP server, or only the own clock, is configured."""
    servers = known(facts.ntp_servers, "NTP servers")
    real = [one for one in servers if not is_own_clock(one)]
    if not real:
        manager = str(getattr(getattr(ctx.spec, "manager", None), "host", "") or "the Manager")
        fix = (
            f"set NTP servers for {facts.name} in Manager (or {manager} itself), best the same as everywhere"
        )
        return bad(f"{facts.name} follows no clock but its own", fix=fix)
    return ok(f"{facts.name} follows {joined(inert(one, 60) for one in real)}")


@_check(
    "server.ntp.synchronised",
    rules=("R031",),
    title="NTP is synchronised",
    why="it runs and reaches nothing: the clock drifts all the same",
    fix="correct the NTP servers or the way to them",
    source="server-pools R031",
    planes=("ssh",),
    needs=("server.ntp.running",),
)
def ntp_synchronised(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when no source but the own clock is chosen, or the chosen one is more than a second away."""
    peers = known(facts.ntp_peers, "NTP sources")
    if not facts.ntp_is_running.value and not peers:
        return not_applicable("no NTP daemon runs")
    chosen = [peer for peer in peers if peer.is_chosen and not is_own_clock(peer.address)]
    if not chosen:
        fix = f"on {facts.name}, see `ntpq -pn`; correct its NTP servers or open UDP 123 to them"
        return bad(f"{facts.name} is not synchronised{_seen(peers)}", fix=fix)
    far = chosen[0].offset_ms
    if far is not None and abs(far) > FAR_MS:
        fix = f"on {facts.name}: stop ntpd, `ntpdate {inert(chosen[0].address, 60)}`, start ntpd"
        return bad(f"{facts.name} is {far / 1000:+.1f} s from its own source", fix=fix)
    return ok(f"{facts.name} follows {inert(chosen[0].address, 60)}")


def _seen(peers: tuple[NtpPeer, ...]) -> str:
    return f": {joined(inert(peer.address, 60) for peer in peers[:4])}" if peers else ": it has no source"


@_check(
    "network.ntp.answers",
    rules=("R032",),
    title="The NTP servers answer",
    why="peers stay at stratum 16: the Manager's ntp.conf may not permit the servers' subnet",
    fix="open UDP 123, and permit the subnet in ntp.conf of the time server",
    source="server-pools R032 (Installation Guide 3.3, NTP)",
    planes=("ssh",),
    needs=("server.ntp.running",),
)
def ntp_answers(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit when a source never answered, or has no time itself."""
    peers = known(facts.ntp_peers, "NTP sources")
    others = [peer for peer in peers if not is_own_clock(peer.address)]
    if not others:
        return not_applicable(f"{facts.name} asks no other clock")
    if all(peer.reach is None for peer in others):
        raise FactMissing("NTP sources", "ntpq does not tell whether they answer")
    silent = [peer for peer in others if peer.reach == 0 or peer.stratum == UNSYNCHRONISED]
    if silent:
        shown = joined(inert(peer.address, 60) for peer in silent)
        fix = f"open UDP 123 from {facts.name} to {shown}; there, add `restrict <net> mask <mask> nomodify notrap`"
        return bad(f"{facts.name} hears nothing from {shown}", fix=fix)
    return ok(f"{len(others)} sources answer {facts.name}")
