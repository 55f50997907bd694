"""R016: the cluster's messages get through the servers' own firewalls."""

from __future__ import annotations

from core.checks.reading import joined, lacking, not_yet, said_by
from core.facts.firewall import UndecidedError, stopping_rule
from core.models.cpu import Arch
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok
from core.platforms.oracle_vm.checks.base import Ctx, ovm
from core.text import inert

O2NET_PORT = 7777  # agent-rpc 8; o2cb(7)
_RULES = "firewall rules"


@ovm.check(
    "network.o2net.port",
    rules=("R016",),
    scope=Scope.NETWORK,
    severity=Severity.BLOCKER,
    title="TCP 7777 is open between the servers",
    why="joining hangs, and nodes fence each other",
    fix="open TCP 7777 on the heartbeat network, or stop iptables there",
    source="server-pools R016 (Security Guide 3.2; o2cb)",
    planes=("ssh",),
    touches=("pool.clustered", "servers", "ssh"),
)
def o2net_port(ctx: Ctx) -> Finding:
    """Hit when a server's firewall would stop a new TCP connection of another server to port 7777."""
    if not ctx.spec.pool.clustered:
        return not_applicable("an unclustered pool has no cluster traffic")
    servers = list(ctx.servers)
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    stopped: dict[str, str] = {}
    gaps = {name: not_yet(_RULES) for name in ctx.spec.server_names if name not in ctx.fleet.servers}
    for facts in servers:
        try:
            rule = _stopped_by(facts, servers)
        except FactMissing as gap:
            gaps[facts.name] = gap
        else:
            if rule:
                stopped[facts.name] = f"`{inert(rule, 120)}`"
    if stopped:
        fix = (
            f"on {joined(stopped)}, put `-I INPUT -p tcp --dport {O2NET_PORT} -j ACCEPT` before it, or stop iptables "
            "on the heartbeat network"
        )
        return bad(f"TCP {O2NET_PORT} is stopped by {said_by(stopped)}", fix=fix, servers=list(stopped))
    if gaps:
        raise lacking(_RULES, gaps)
    return ok(f"no firewall rule stops TCP {O2NET_PORT}")


def _stopped_by(facts: ServerFacts, servers: list[ServerFacts]) -> str | None:
    cpu = facts.cpu.value
    if cpu is not None and cpu.arch is Arch.SPARC:
        return None  # SPARC clusters have no o2net (server-pools 8)
    rules = known(facts.firewall_rules, _RULES)
    for peer in servers:
        if peer.name == facts.name:
            continue
        try:
            rule = stopping_rule(rules, O2NET_PORT, peer.address)
        except UndecidedError as gap:
            raise FactMissing(_RULES, f"cannot tell what `{inert(gap.rule, 100)}` does") from gap
        if rule is not None:
            return rule
    return None
