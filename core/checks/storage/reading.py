"""How the storage checks read what each server sees of the pool's storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.checks.reading import Ctx, Gathered, gather
from core.checks.registry import spec_value
from core.facts.looks import LunLook, NfsLook
from core.models.cpu import Arch
from core.models.facts import Fact, FactMissing, ServerFacts, known
from core.models.gaps import GapKind

T = TypeVar("T")
STORAGE_FIELDS = ("pool.file_system", "pool.clustered", "ssh", "servers")


def wants(ctx: Ctx, kind: str) -> bool:
    """Whether the pool is clustered on this kind of storage (`nfs` or `lun`), and its servers can use it.

    SPARC servers use no LUN at all: that alone is told then (R124), not what the LUN looks like.
    """
    if (
        spec_value(ctx.spec, "pool.clustered") is False
        or spec_value(ctx.spec, "pool.file_system.kind") != kind
    ):
        return False
    return kind != "lun" or not any(_is_sparc(facts) for facts in ctx.servers)


def _is_sparc(facts: ServerFacts) -> bool:
    return facts.cpu.value is not None and facts.cpu.value.arch is Arch.SPARC


def share_of(ctx: Ctx) -> str:
    """`server:/export` of the spec."""
    return (
        f"{spec_value(ctx.spec, 'pool.file_system.server')}:{spec_value(ctx.spec, 'pool.file_system.export')}"
    )


def wwid_of(ctx: Ctx) -> str:
    """WWID of the spec."""
    return str(spec_value(ctx.spec, "pool.file_system.wwid"))


def nfs_look(facts: ServerFacts) -> NfsLook:
    """What the server sees of the share; FactMissing when nobody looked."""
    fact: Fact[NfsLook] = getattr(facts, "pool_nfs", Fact[NfsLook]())
    return known(fact, "the NFS share as the server sees it")


def lun_look(facts: ServerFacts) -> LunLook:
    """What the server sees of the LUN; FactMissing when nobody looked."""
    fact: Fact[LunLook] = getattr(facts, "pool_lun", Fact[LunLook]())
    return known(fact, "the LUN as the server sees it")


def gather_nfs(
    ctx: Ctx,
    get: Callable[[NfsLook], T | None],
    what: str,
    why_not: str,
    kind: GapKind = GapKind.NOT_TOLD,
) -> Gathered[T]:
    """One value of the NFS look over all servers; None becomes a gap of this kind with `why_not`."""
    return gather(ctx, lambda facts: _there(get(nfs_look(facts)), what, why_not, kind), what)


def gather_lun(ctx: Ctx, get: Callable[[LunLook], T | None], what: str, why_not: str) -> Gathered[T]:
    """One value of the LUN look over all servers; None becomes a gap with `why_not`."""
    return gather(ctx, lambda facts: _there(get(lun_look(facts)), what, why_not, GapKind.NOT_TOLD), what)


def _there(value: T | None, what: str, why_not: str, kind: GapKind) -> T:
    if value is None:
        raise FactMissing(what, why_not, kind=kind)
    return value
