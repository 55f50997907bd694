"""R014, R050, R083: what servers see of each other over the network: reach, latency, loss, path MTU.

A pair that fails is blamed on as few servers as explain all failing pairs, so that one dead server is one finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from core.checks.reading import Ctx, joined, lacking, not_yet
from core.checks.registry import shared, spec_value
from core.facts.mesh import PairLook, Ping, PortState
from core.models.facts import Fact, FactMissing, ServerFacts, known
from core.models.gaps import GapKind
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

GOOD_MS, SLOW_MS = 2.0, 10.0  # server-pools R050; the numbers are poolwright's
_SHOWN = 6
Pair = tuple[str, str]
_FIELDS = ("servers", "ssh")


def looks_of(facts: ServerFacts) -> tuple[PairLook, ...]:
    """What a server sees of others; FactMissing when nobody looked."""
    fact: Fact[tuple[PairLook, ...]] = getattr(facts, "peer_looks", Fact[tuple[PairLook, ...]]())
    return known(fact, "what it sees of its peers")


def judge_pairs(
    ctx: Ctx,
    what: str,
    judge: Callable[[PairLook], str | None],
    *,
    fix: Callable[[tuple[str, ...]], str],
    good: str,
    severity: Severity | None = None,
) -> Finding:
    """Every pair of servers judged by `judge`: text of what is wrong, '' for good; None means not known."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    wrong: dict[Pair, str] = {}
    gaps: dict[str, FactMissing] = {name: not_yet(what) for name in ctx.spec.server_names}
    asked = 0
    for facts in ctx.servers:
        gaps.pop(facts.name, None)
        try:
            looks = looks_of(facts)
        except FactMissing as gap:
            gaps[facts.name] = gap
            continue
        for look in looks:
            if look.target not in ctx.spec.server_names:
                continue
            asked += 1
            text = None if look.missing else judge(look)
            where = f" on the {look.network} network" if look.network else ""
            if text is None:
                reason = look.missing or f"{look.target} could not be tried{where}"
                both = (facts.name, look.target)
                gaps.setdefault(
                    facts.name, FactMissing(what, reason, kind=GapKind.NOT_POSSIBLE, servers=both)
                )
            elif text:
                pair = (look.source, look.target)
                wrong[pair] = f"{wrong[pair]}, {text}{where}" if pair in wrong else f"{text}{where}"
    if wrong:
        servers = blamed(wrong)
        return bad(_told(wrong), fix=fix(servers), servers=servers, severity=severity)
    if gaps:
        raise lacking(what, gaps)
    return ok(good.format(pairs=asked))


def blamed(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """As few servers as explain all these pairs: the one in most of them first; both ends where it is a draw."""
    left = list(pairs)
    found: list[str] = []
    while left:
        counts = Counter(name for pair in left for name in pair)
        most = max(counts.values())
        worst = sorted(name for name, count in counts.items() if count == most)
        only = worst[:1]
        if len(worst) > 1 and all(set(pair) <= set(worst) for pair in left if set(pair) & set(worst[:1])):
            only = sorted({name for pair in left if worst[0] in pair for name in pair})
        found += only
        left = [pair for pair in left if not set(pair) & set(only)]
    return tuple(dict.fromkeys(found))


def _told(wrong: dict[Pair, str]) -> str:
    lines = [f"{source} -> {target}: {text}" for (source, target), text in wrong.items()]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def _if_clustered(ctx: Ctx) -> Severity:
    return Severity.WARNING if spec_value(ctx.spec, "pool.clustered") is False else Severity.BLOCKER


@shared.check(
    "pair.network.reach",
    rules=("R050",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="Every server reaches every other",
    why="a member that cannot be reached by the others cannot join, or is fenced at once",
    fix="correct routes, VLANs, cables or firewalls between the servers",
    source="server-pools R050, 5",
    planes=("ssh",),
    unknown_severity=Severity.WARNING,
    touches=(*_FIELDS, "pool.clustered"),
)
def reach(ctx: Ctx) -> Finding:
    """Hit when neither a ping nor any port of a peer answers a server."""

    def judge(look: PairLook) -> str | None:
        return None if look.is_reached is None else "" if look.is_reached else "nothing of it answers"

    return judge_pairs(
        ctx,
        "reach of the peers",
        judge,
        fix=lambda names: f"correct the route, VLAN, cable or firewall of {joined(names)}, check again",
        good="{pairs} ways between servers answer",
        severity=_if_clustered(ctx),
    )


@shared.check(
    "pair.network.latency",
    rules=("R050",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="Packets between servers are quick and none is lost",
    why="members that miss each other's messages fence themselves",
    fix="mend the switch, NIC or duplex setting on the way",
    source="server-pools R050; the numbers are poolwright's",
    planes=("ssh",),
    needs=("pair.network.reach",),
    unknown_severity=Severity.INFO,
    touches=_FIELDS,
)
def latency(ctx: Ctx) -> Finding:
    """Hit by any lost packet, or an average round trip over 10 ms where no packet at all was good.

    Where some packets are quick and only the average is high, a busy machine or a busy way may be the reason: that is
    told without a warning.
    """
    told = _round_trips(ctx, _slow, "mend switch port, NIC or duplex setting of")
    return told if told.hit is not False else _round_trips(ctx, _uneven, "see how busy are", Severity.INFO)


def _round_trips(
    ctx: Ctx, judge: Callable[[PairLook], str | None], fix: str, severity: Severity | None = None
) -> Finding:
    return judge_pairs(
        ctx,
        "round trips to the peers",
        judge,
        fix=lambda names: f"{fix} {joined(names)}, and the way between; check again",
        good="{pairs} ways without loss, under 10 ms",
        severity=severity,
    )


def _slow(look: PairLook) -> str | None:
    if look.is_reached is False:
        return ""  # the check before this one tells it
    if look.ping is None or look.ping.received == 0:
        return None  # pings are dropped as such, and the ports answer
    if look.ping.received < look.ping.sent:
        return f"{look.ping.loss_pct:.0f} % of {look.ping.sent} packets lost"
    has_good = look.ping.rtt_min_ms is not None and look.ping.rtt_min_ms <= GOOD_MS
    return "" if has_good else _average(look.ping)


def _uneven(look: PairLook) -> str:
    return "" if look.ping is None or look.is_reached is False else _average(look.ping)


def _average(ping: Ping) -> str:
    average = ping.rtt_ms or 0.0
    if average <= SLOW_MS:
        return ""
    least = f", {ping.rtt_min_ms:.1f} ms at best" if ping.rtt_min_ms is not None else ""
    return f"{average:.1f} ms on average{least}"


@shared.check(
    "pair.network.mtu",
    rules=("R083",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="Packets as large as the servers send get through whole",
    why="small packets pass and large ones vanish: migrations and NFS hang",
    fix="set one MTU on all NICs, bridges and switch ports of the network",
    source="server-pools R083",
    planes=("ssh",),
    needs=("pair.network.reach",),
    unknown_severity=Severity.INFO,
    touches=_FIELDS,
)
def mtu(ctx: Ctx) -> Finding:
    """Hit when the path carries less than the sender's own MTU, told per direction."""

    def judge(look: PairLook) -> str | None:
        if look.is_reached is False:
            return ""
        if look.mtu_tried is None:
            return None
        if look.path_mtu is None:
            return f"packets of {look.mtu_tried} bytes do not pass"
        return f"{look.path_mtu} of {look.mtu_tried} bytes pass" if look.path_mtu < look.mtu_tried else ""

    return judge_pairs(
        ctx,
        "path MTU to the peers",
        judge,
        fix=lambda names: f"set the MTU of {joined(names)} and of the switch ports between as on the others",
        good="{pairs} ways carry the senders' whole MTU",
    )


def port_judge(port: int) -> Callable[[PairLook], str | None]:
    """A judge of one TCP port: filtered is wrong; refused only means that nobody listens yet."""

    def judge(look: PairLook) -> str | None:
        state = look.ports.get(port)
        if look.is_reached is False:
            return ""
        if state in (PortState.OPEN, PortState.REFUSED):
            return ""
        if state is PortState.TIMEOUT:
            return f"TCP {port} is dropped on the way"
        return f"TCP {port} is rejected on the way" if state is PortState.NO_ROUTE else None

    return judge
