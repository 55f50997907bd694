"""R024, R025: every server is another machine, and says so."""

from __future__ import annotations

import re

from core.checks.reading import Ctx, gather_fact, grouped, in_words, joined, short
from core.checks.registry import shared
from core.models.results import Finding, Scope, Severity, bad, ok

_FILLER = re.compile(r"0+|f+|0123456789abcdef.*|(?:00020003000400050006000700080009)|(?:12345678)+.*")


def _plain(uuid: str) -> str:
    return re.sub(r"[^0-9a-f]", "", uuid.lower())


@shared.check(
    "pair.uuid.unique",
    rules=("R024",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="Every server has an identity of its own",
    why="two servers with one UUID appear as one, or the second replaces the first",
    fix="correct the system UUID in the firmware, or pin another one in the agent's configuration",
    source="server-pools R024, agent-rpc 5.1",
    planes=("agent", "ssh", "manager"),
    touches=("servers",),
)
def uuid_unique(ctx: Ctx) -> Finding:
    """Hit for a filler UUID, and for one UUID on servers that are otherwise different machines."""
    gathered = gather_fact(ctx, lambda facts: facts.server_uuid, "server UUID")
    plain = {name: _plain(uuid) for name, uuid in gathered.values.items()}
    fillers = [name for name, uuid in plain.items() if _FILLER.fullmatch(uuid) or len(uuid) != 32]
    if fillers:
        shown = joined(f"{name} ({gathered.values[name]})" for name in fillers)
        fix = f"give {joined(fillers)} a real system UUID in the firmware or in the agent's configuration"
        return bad(f"no identity but a filler: {shown}", fix=fix, servers=fillers)
    twice = {uuid: names for uuid, names in grouped(plain).items() if len(names) > 1}
    others = {uuid: names for uuid, names in twice.items() if not _one_machine(ctx, names)}
    if others:
        servers = [name for names in others.values() for name in names]
        fix = (
            f"give each of {joined(servers)} its own system UUID in the firmware or the agent's configuration"
        )
        return bad(f"one UUID on several servers: {in_words(others)}", fix=fix, servers=servers)
    gathered.require_all()
    return ok(f"{len(set(plain.values()))} different UUIDs")


@shared.check(
    "pair.server.once",
    rules=("R025",),
    scope=Scope.PAIR,
    severity=Severity.BLOCKER,
    title="No machine is named twice under different words",
    why="discovery of the second finds the first server again",
    fix="remove one of the two lines from `servers`",
    source="server-pools R025",
    planes=("agent", "ssh", "manager"),
    touches=("servers",),
)
def server_once(ctx: Ctx) -> Finding:
    """Hit when two lines lead to one machine: same UUID and same host name."""
    gathered = gather_fact(ctx, lambda facts: facts.server_uuid, "server UUID")
    groups = grouped({name: _plain(uuid) for name, uuid in gathered.values.items()})
    twice = [names for names in groups.values() if len(names) > 1 and _one_machine(ctx, names)]
    if twice:
        shown = "; ".join(joined(names) for names in twice)
        servers = [name for names in twice for name in names]
        return bad(
            f"one machine: {shown}", fix=f"remove all but one of {shown} from `servers`", servers=servers
        )
    gathered.require_all()
    return ok(f"{len(groups)} different machines")


def _one_machine(ctx: Ctx, names: list[str]) -> bool:
    """Servers of one UUID that also share their host name are one machine named twice."""
    hosts = {short(ctx.fleet.servers[name].hostname.value or name) for name in names}
    return len(hosts) == 1
