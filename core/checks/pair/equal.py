"""Checks that ask for one value on all servers: one function, one row each."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from core.checks.reading import Ctx, gather, grouped, in_words, joined
from core.checks.registry import Registry
from core.models.cpu import Arch
from core.models.facts import ServerFacts
from core.models.plan import JsonDict
from core.models.results import Finding, Scope, Severity, bad, not_applicable, ok

MOST_SHOWN = 6  # values told in a detail


@dataclass(frozen=True, slots=True)
class Equal:
    """One such check. `get` returns the value, or raises FactMissing; `fix` may name {few}, {most} and {value}."""

    id: str
    what: str
    get: Callable[[ServerFacts], Hashable]
    severity: Severity
    title: str
    why: str
    fix: str
    source: str
    planes: tuple[str, ...]
    rules: tuple[str, ...] = ()
    x86_only: bool = False
    touches: tuple[str, ...] = ("servers",)
    unknown_severity: Severity | None = None
    when: Callable[[Ctx], str] | None = None  # why the question does not arise, "" when it does

    def register(self, registry: Registry) -> None:
        """Put the check into a registry."""
        registry.check(
            self.id,
            rules=self.rules,
            scope=Scope.PAIR,
            severity=self.severity,
            title=self.title,
            why=self.why,
            fix=self.fix.format(few="the odd servers", most="the others", value="the same value"),
            source=self.source,
            planes=self.planes,
            touches=self.touches,
            unknown_severity=self.unknown_severity,
        )(self.judge)

    def judge(self, ctx: Ctx) -> Finding:
        """Hit when two servers tell different values; names the few that differ from the most."""
        if len(set(ctx.spec.server_names)) < 2:
            return not_applicable("one server has no peers")
        if self.when is not None and (reason := self.when(ctx)):
            return not_applicable(reason)
        if self.x86_only and all_sparc(ctx):
            return not_applicable("SPARC servers have none of it")
        gathered = gather(ctx, self.get, self.what)
        groups = grouped(gathered.values)
        if len(groups) > 1:
            few, most = split(groups)
            value = next(value for value, names in groups.items() if names is most)
            shown = dict(list(groups.items())[:MOST_SHOWN])
            more = f"; and {len(groups) - len(shown)} more" if len(groups) > len(shown) else ""
            return bad(
                f"{self.what}: {in_words(shown)}{more}",
                fix=self.fix.format(few=joined(few), most=joined(most), value=value),
                servers=few,
                data=_as_data(groups, few, most, value),
            )
        gathered.require_all()
        value = next(iter(groups))
        return ok(f"{self.what}: {value} on all servers", data=_as_data(groups, [], groups[value], value))


def split(groups: dict[Hashable, list[str]]) -> tuple[list[str], list[str]]:
    """(servers outside the largest group, the largest group); the first of equally large ones is the largest."""
    most = max(groups.values(), key=len)
    return [name for names in groups.values() if names is not most for name in names], most


def _as_data(groups: dict[Hashable, list[str]], few: list[str], most: list[str], value: Hashable) -> JsonDict:
    """The values by server, and what the words of the fix stand for."""
    values = {name: str(one) for one, names in groups.items() for name in names}
    return {"values": values, "few": few, "most": most, "value": str(value)}


def all_sparc(ctx: Ctx) -> bool:
    """Whether every server that was looked at is known to be SPARC."""
    archs = [facts.cpu.value.arch if facts.cpu.value is not None else None for facts in ctx.servers]
    return bool(archs) and all(arch is Arch.SPARC for arch in archs)
