"""How checks read many servers at once: values where they are known, the gaps kept for an honest `unknown`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from core.checks.context import Context
from core.models.facts import Address, Fact, FactMissing, ServerFacts, known, not_seen
from core.models.gaps import GapKind

T = TypeVar("T")
Ctx = Context[Any, Any]


@dataclass(slots=True)
class Gathered(Generic[T]):
    """One fact over the fleet: values by server, and why it is missing on the others."""

    what: str
    values: dict[str, T] = field(default_factory=dict)
    gaps: dict[str, FactMissing] = field(default_factory=dict)

    def require_all(self) -> dict[str, T]:
        """The values; FactMissing names the servers that lack one."""
        if self.gaps:
            raise lacking(self.what, self.gaps)
        if not self.values:
            raise FactMissing(self.what, "no server was looked at", kind=GapKind.NOT_ASKED)
        return self.values


def gather(ctx: Ctx, get: Callable[[ServerFacts], T], what: str) -> Gathered[T]:
    """`get` on every server; a FactMissing it raises becomes a gap. Servers nobody looked at are gaps too."""
    gathered: Gathered[T] = Gathered(what)
    for name in dict.fromkeys(ctx.spec.server_names):
        facts = ctx.fleet.servers.get(name)
        if facts is None:
            gathered.gaps[name] = not_yet(what)
            continue
        try:
            gathered.values[name] = get(facts)
        except FactMissing as gap:
            gathered.gaps[name] = gap
    return gathered


def gather_fact(ctx: Ctx, get: Callable[[ServerFacts], Fact[T]], what: str) -> Gathered[T]:
    """The same for a plain fact that must have a value."""
    return gather(ctx, lambda facts: known(get(facts), what), what)


def not_yet(what: str) -> FactMissing:
    """The gap of a server that nobody looked at so far."""
    return FactMissing(what, "not looked at yet", kind=GapKind.NOT_ASKED)


def lacking(what: str, gaps: Mapping[str, FactMissing]) -> FactMissing:
    """What to raise when these servers lack something: each gap once, about its server."""
    found = [one.on(name) for name, gap in gaps.items() for one in gap.gaps]
    return FactMissing(what, said_by({name: gap.reason for name, gap in gaps.items()}), found)


def said_by(reasons: Mapping[str, str]) -> str:
    """'s1, s2: reason; s3: other reason': equal reasons are told once."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def grouped(values: dict[str, T]) -> dict[T, list[str]]:
    """Servers by equal value, in the operator's order."""
    groups: dict[T, list[str]] = {}
    for name, value in values.items():
        groups.setdefault(value, []).append(name)
    return groups


def in_words(groups: dict[Any, list[str]]) -> str:
    """'63: s1, s2; 79: s3'."""
    return "; ".join(f"{value}: {', '.join(names)}" for value, names in groups.items())


def management_address(facts: ServerFacts) -> Address:
    """The address and network a server is managed through.

    The address the operator gave, where the server has it; for a host name, what the server's own name means to it.
    """
    addresses = known(facts.addresses, "network addresses")
    wanted = [facts.address] if is_ipv4(facts.address) else list(facts.own_name_addresses.value or ())
    for address in addresses:
        if address.address in wanted:
            return address
    if is_ipv4(facts.address):
        raise FactMissing("management address", f"the server shows no interface with {facts.address}")
    if facts.own_name_addresses.missing is not None:
        raise not_seen(facts.own_name_addresses, "management address")
    raise FactMissing("management address", "its own name leads to none of its addresses")


def network_of(address: Address) -> ipaddress.IPv4Network:
    """The IPv4 network an address lies in."""
    return ipaddress.IPv4Network(f"{address.address}/{address.prefix}", strict=False)


def is_ipv4(text: str) -> bool:
    """Whether a text is a dotted IPv4 address."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def short(name: str) -> str:
    """The first part of a host name, lower case; an address stays whole."""
    return name if is_ipv4(name) else name.split(".", 1)[0].lower()


def joined(names: Iterable[str]) -> str:
    """Names with commas."""
    return ", ".join(names)
