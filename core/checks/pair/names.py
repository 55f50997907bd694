"""R014, R015: servers find each other by name, and no two share one."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.reading import Ctx, gather_fact, grouped, in_words, is_ipv4, joined, lacking, not_yet, short
from core.checks.registry import shared, spec_value
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

_NAMES = "names of the peers"


@shared.check(
    "pair.names.resolve",
    rules=("R014",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="Every server knows the others by name",
    why="joining the cluster, and discovery by name, fail where a name leads nowhere or elsewhere",
    fix="add DNS A records for all servers, or equal lines in /etc/hosts everywhere",
    source="server-pools R014 (Installation Guide 3.3, network)",
    planes=("ssh",),
    touches=("servers", "ssh", "pool.clustered"),
)
def names_resolve(ctx: Ctx) -> Finding:
    """Hit when a server resolves a peer's short or full name to nothing or to another address."""
    servers = list(ctx.servers)
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    wrong: list[str] = []
    askers: dict[str, set[str]] = {}  # peer -> servers that see its names wrongly
    gaps: dict[str, FactMissing] = {}
    for name in ctx.spec.server_names:
        if name not in ctx.fleet.servers:
            gaps[name] = not_yet(_NAMES)
    for facts in servers:
        try:
            for peer, text in _wrong_names(facts, servers):
                wrong.append(text)
                askers.setdefault(peer, set()).add(facts.name)
        except FactMissing as gap:
            gaps[facts.name] = gap
        except _PeerUnknown as gap:
            gaps[gap.peer] = gap.missing
    if wrong:
        concerned = _to_blame(askers)
        fix = f"correct the DNS A records of {joined(sorted(askers))}, or /etc/hosts on {joined(concerned)}"
        return bad("; ".join(wrong), fix=fix, servers=concerned, severity=_severity(ctx))
    if gaps:
        raise lacking(_NAMES, gaps)
    return ok(f"all {len(servers)} servers resolve each other")


def _to_blame(askers: dict[str, set[str]]) -> list[str]:
    """A peer that several see wrongly has a wrong record; what one server alone sees wrongly is that server's."""
    found: set[str] = set()
    for peer, names in askers.items():
        found |= {peer} if len(names) > 1 else names
    return sorted(found)


class _PeerUnknown(Exception):
    """What is missing is the peer's, not the asking server's."""

    def __init__(self, peer: str, missing: FactMissing) -> None:
        super().__init__(missing.reason)
        self.peer, self.missing = peer, missing


def _severity(ctx: Ctx) -> Severity:
    return Severity.WARNING if spec_value(ctx.spec, "pool.clustered") is False else Severity.BLOCKER


def _wrong_names(facts: ServerFacts, servers: list[ServerFacts]) -> Iterator[tuple[str, str]]:
    """(peer, what is wrong) for every name of a peer that this server sees wrongly."""
    seen = known(facts.peer_addresses, _NAMES)
    for peer in servers:
        if peer.name == facts.name:
            continue
        try:
            host = known(peer.hostname, f"host name of {peer.name}")
        except FactMissing as gap:
            raise _PeerUnknown(peer.name, gap) from gap
        names = [name for name in dict.fromkeys((short(host), host.lower())) if name in seen]
        names += [name for name in seen if name == peer.name and not is_ipv4(name) and name not in names]
        if not names:
            raise FactMissing(f"name of {peer.name}", f"{host} was not looked up")
        own = _addresses_of(peer)
        for name in names:
            if not seen[name]:
                yield peer.name, f"on {facts.name}, {name} resolves to nothing"
            elif own and not set(seen[name]) & own:
                yield peer.name, f"on {facts.name}, {name} -> {joined(seen[name])}, not {joined(sorted(own))}"


def _addresses_of(peer: ServerFacts) -> set[str]:
    """The address a peer is managed by; for one named by host name, any address it has."""
    if is_ipv4(peer.address):
        return {peer.address}
    return {address.address for address in peer.addresses.value or ()}


@shared.check(
    "pair.names.unique",
    rules=("R015",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="No two servers share a short host name",
    why="the cluster names its nodes by short host name and answers `Node already exists`",
    fix="rename one of the servers before it is discovered",
    source="server-pools R015 (ocfs2.cluster.conf)",
    planes=("agent", "ssh"),
    touches=("servers",),
)
def names_unique(ctx: Ctx) -> Finding:
    """Hit when two servers have one short host name."""
    gathered = gather_fact(ctx, lambda facts: facts.hostname, "host name")
    groups = grouped({name: short(host) for name, host in gathered.values.items()})
    twice = {host: names for host, names in groups.items() if len(names) > 1}
    if twice:
        servers = [name for names in twice.values() for name in names]
        fix = f"rename all but one of {joined(servers)} before discovery"
        return bad(f"one host name on several servers: {in_words(twice)}", fix=fix, servers=servers)
    gathered.require_all()
    return ok(f"{len(groups)} different host names")
