"""Certificates that the agents show: valid now, for a while, and with a key of today."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from core.checks.reading import Ctx
from core.checks.registry import shared
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, ok

_check = partial(
    shared.check,
    scope=Scope.SERVER,
    per_server=True,
    planes=("agent",),
    touches=("servers",),
    severity=Severity.WARNING,
)
SOON = timedelta(days=30)
MIN_RSA_BITS = 2048


@_check(
    "server.certificate.valid",
    title="The agent's certificate is valid today and next month",
    why="Manager or a later release refuses it: the server is lost to it until somebody makes a new one",
    fix="make a new certificate on the server, then confirm its fingerprint",
    source="practice; agent-rpc 1",
)
def certificate_valid(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit before its first and after its last day, and within 30 days of the latter."""
    shown = known(facts.agent_certificate, "certificate of the agent")
    if shown.not_after is None or shown.not_before is None:
        raise FactMissing("certificate of the agent", "it does not tell its dates")
    fix = f"on {facts.name}, make a new one (ovs-agent-keygen -f), restart ovs-agent, confirm the fingerprint"
    last = f"{shown.not_after:%Y-%m-%d}"
    if ctx.now < shown.not_before:
        text = f"the certificate of {facts.name} is valid from {shown.not_before:%Y-%m-%d}: which clock is wrong?"
        return bad(text, fix=f"compare the clocks of {facts.name} and of this machine")
    if ctx.now > shown.not_after:
        return bad(f"the certificate of {facts.name} ended on {last}", fix=fix)
    if ctx.now > shown.not_after - SOON:
        return bad(f"the certificate of {facts.name} ends on {last}", fix=fix, severity=Severity.INFO)
    return ok(f"valid until {last}")


@_check(
    "server.certificate.key",
    title="The agent's certificate has a key of today",
    why="a short key can be computed: somebody in between becomes the server",
    fix="make a new certificate with 2048 bits or more",
    source="practice; server-pools R038",
)
def certificate_key(facts: ServerFacts, ctx: Ctx) -> Finding:
    """Hit for RSA and DSA keys under 2048 bits."""
    shown = known(facts.agent_certificate, "certificate of the agent")
    if shown.bits is None:
        raise FactMissing("key of the certificate", "it could not be read")
    if ("RSA" in shown.algorithm or "DSA" in shown.algorithm) and shown.bits < MIN_RSA_BITS:
        fix = f"on {facts.name}, make a new one with 2048 bits or more, restart ovs-agent, confirm the fingerprint"
        return bad(f"the certificate of {facts.name} is {shown.algorithm}", fix=fix)
    return ok(shown.algorithm)
