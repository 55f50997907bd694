"""R072 and what else must be everybody's own: addresses, MACs, initiator names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.checks.reading import Ctx, gather, in_words, joined
from core.checks.registry import shared, spec_value
from core.models.facts import ServerFacts, known
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok


def shared_by_several(
    ctx: Ctx,
    get: Callable[[ServerFacts], Iterable[str]],
    what: str,
    fix: str,
    severity: Severity | None = None,
) -> Finding:
    """Hit when one value stands on several servers; `fix` may name {servers}."""
    gathered = gather(ctx, lambda facts: tuple(dict.fromkeys(get(facts))), what)
    holders: dict[str, list[str]] = {}
    for name, values in gathered.values.items():
        for value in values:
            holders.setdefault(value, []).append(name)
    twice = {value: names for value, names in holders.items() if len(names) > 1}
    if twice:
        servers = list(dict.fromkeys(name for names in twice.values() for name in names))
        shown = dict(list(twice.items())[:6])
        return bad(
            f"one {what} on several servers: {in_words(shown)}",
            fix=fix.format(servers=joined(servers)),
            servers=servers,
            severity=severity,
        )
    gathered.require_all()
    return ok(f"{len(holders)} different values" if holders else f"no {what} at all")


def _own_addresses(facts: ServerFacts) -> list[str]:
    return [
        one.address
        for one in known(facts.addresses, "network addresses")
        if not one.address.startswith(("127.", "169.254.", "192.168.122."))
    ]


def _own_macs(facts: ServerFacts) -> list[str]:
    nics = known(facts.interfaces, "interfaces")
    return [nic.mac for nic in nics if nic.mac and nic.mac.strip("0:") and not _is_virtual(nic.name)]


def _is_virtual(name: str) -> bool:
    """xen's own back ends all carry fe:ff:ff:ff:ff:ff, and lo none."""
    return name.startswith(("vif", "tap", "lo", "virbr"))


def _initiator(facts: ServerFacts) -> list[str]:
    if not facts.initiator.is_known:
        known(facts.initiator, "initiator name")
    return [facts.initiator.value.lower()] if facts.initiator.value else []


def is_iscsi(ctx: Ctx) -> bool:
    """Whether the pool file system is wanted on an iSCSI LUN."""
    return bool(spec_value(ctx.spec, "pool.file_system.transport") == "iscsi")


@shared.check(
    "pair.address.unique",
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="No address stands on two servers",
    why="whoever answers first is reached: connections break off at random",
    fix="give every server addresses of its own",
    source="practice; server-pools R010",
    planes=("agent", "ssh"),
    touches=("servers",),
    unknown_severity=Severity.WARNING,
)
def address_unique(ctx: Ctx) -> Finding:
    """Hit when two servers carry one IPv4 address, on whatever interface."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    return shared_by_several(
        ctx, _own_addresses, "address", "give {servers} different addresses; one may be a clone of the other"
    )


@shared.check(
    "pair.mac.unique",
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="No MAC address stands on two servers",
    why="switches send frames to one of the two; the agent's fall-back identity is the same too",
    fix="correct the cloned interface configuration (HWADDR, MACADDR) or the NIC",
    source="practice; server-pools R024",
    planes=("agent", "ssh"),
    touches=("servers",),
    unknown_severity=Severity.WARNING,
)
def mac_unique(ctx: Ctx) -> Finding:
    """Hit when interfaces of two servers carry one MAC address; within a server bonds and bridges share theirs."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    return shared_by_several(
        ctx, _own_macs, "MAC address", "correct HWADDR and MACADDR in the interface files of {servers}"
    )


@shared.check(
    "pair.initiator.unique",
    rules=("R072",),
    scope=Scope.PAIR,
    severity=Severity.WARNING,
    title="Every server has an iSCSI initiator name of its own",
    why="cloned images share one: the sessions kick each other out",
    fix="make a new name (iscsi-iname) and restart iscsid",
    source="server-pools R072",
    planes=("agent", "ssh"),
    touches=("servers", "pool.file_system"),
)
def initiator_unique(ctx: Ctx) -> Finding:
    """Hit when two servers carry one initiator name: a blocker where the pool's LUN comes over iSCSI."""
    if len(set(ctx.spec.server_names)) < 2:
        return not_applicable("one server has no peers")
    fix = "on all but one of {servers}, write `InitiatorName=$(iscsi-iname)` into /etc/iscsi/initiatorname.iscsi, "
    fix += "restart iscsid and correct the array's access group"
    severity = Severity.BLOCKER if is_iscsi(ctx) else None
    return shared_by_several(ctx, _initiator, "initiator name", fix, severity)
