"""What Manager shows of a finished pool, judged item by item (server-pools 7a)."""

from __future__ import annotations

from core.models.events import Verified
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.read import events_of
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import SeenPool, is_ours
from core.platforms.oracle_vm.verifying import titles
from core.platforms.oracle_vm.verifying.look import ServerLook
from core.platforms.oracle_vm.world import Talk
from core.text import listed


def pool_items(spec: PoolSpec, pool: SeenPool, made: str = "") -> list[Verified]:
    """The pool itself; `made` is the id that the run recorded when it made it, empty when it recorded none."""
    wanted = spec.pool
    seen_vip = pool.pool.virtual_ip
    is_shown = pool.shown.get(*objects.VIRTUAL_IP) is not None
    clustered = pool.pool.clustered
    return [
        Verified(
            id="pool.exists",
            title="the pool exists under its name",
            holds=pool.pool.name == wanted.name and pool.id == (made or pool.id),
            detail=f"{pool.pool.name} ({pool.id}{'' if pool.id == (made or pool.id) else f', not {made}'})",
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.virtual_ip",
            title="the virtual IP is the one asked for",
            holds=(seen_vip == wanted.virtual_ip) if is_shown or seen_vip else None,
            detail=f"{seen_vip or 'none'}" if is_shown else "Manager does not show it",
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.clustered",
            title="clustered" if wanted.clustered else "not clustered",
            holds=None if clustered is None else clustered == wanted.clustered,
            detail="Manager does not show it"
            if clustered is None
            else ("clustered" if clustered else "not clustered"),
            source="V01 Manager show ServerPool",
        ),
    ]


def member_items(spec: PoolSpec, pool: SeenPool, looks: list[ServerLook]) -> list[Verified]:
    """Who is in it, and who leads."""
    ids = {look.name: look.seen.id if look.seen else "" for look in looks}
    missing = [name for name, id_ in ids.items() if id_ not in pool.pool.members]
    others = [id_ for id_ in pool.pool.members if id_ not in ids.values()]
    names = {id_: name for name, id_ in ids.items() if id_}
    first = spec.master_first[0]
    master = pool.pool.master
    said = f"{len(pool.pool.members)} members"
    if missing:
        said = f"missing: {listed(missing)}"
    elif others:
        said += f", {len(others)} of them not in the spec"
    return [
        Verified(
            id="pool.members",
            title="every server is a member, and nobody else",
            holds=not missing and not others,
            detail=said,
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.master",
            title=f"{first} is the master",
            holds=None if master is None else master == ids[first],
            detail="Manager shows no master" if master is None else names.get(master, master),
            source="V01 Manager show ServerPool",
            is_essential=False,  # a master that moved is a change, not a broken pool
        ),
    ]


def server_items(talk: Talk, looks: list[ServerLook]) -> list[Verified]:
    """State and owner of every server."""
    unlisted = [look.name for look in looks if look.seen is None]
    states = {look.name: look.seen.server.state for look in looks if look.seen}
    down = [f"{name} is {state}" for name, state in states.items() if state and state.casefold() != "running"]
    untold = [name for name, state in states.items() if not state]
    owners = {look.name: is_ours(talk, look.seen) for look in looks if look.seen}
    foreign = [name for name, ours in owners.items() if ours is False]
    unclear = [name for name, ours in owners.items() if ours is None]
    return [
        Verified(
            id="servers.running",
            title="every server is Running",
            holds=False if down or unlisted else None if untold else True,
            detail=listed([*down, *(f"{name} is not listed" for name in unlisted)])
            or (f"no state shown for {listed(untold)}" if untold else f"{len(states)} servers Running"),
            source="V02 Manager show Server",
        ),
        Verified(
            id="servers.owner",
            title=titles.OWNER,
            holds=False if foreign or unlisted else None if unclear else True,
            detail=f"not ours: {listed(foreign)}" if foreign else f"not told for {listed(unclear)}" if unclear
            else f"{len(owners)} servers, owner read back",
            source="V02 Manager show Server",
        ),
    ]  # fmt: skip


def cpu_item(looks: list[ServerLook]) -> Verified:
    """Whether guests can migrate, as Manager groups the processors."""
    groups = {look.name: look.seen.server.cpu_group for look in looks if look.seen}
    known = sorted({group for group in groups.values() if group})
    holds = None if len([group for group in groups.values() if group]) < len(looks) else len(known) == 1
    return Verified(
        id="cpu.groups",
        title=titles.CPU_GROUPS,
        holds=holds,
        detail=listed(known) or "Manager shows no group",
        source="V16 Manager show Server",
        is_essential=False,
    )


async def events_item(talk: Talk, pool: SeenPool, looks: list[ServerLook]) -> Verified:
    """Nothing that Manager complains of."""
    command = talk.dialect.events()
    holds: bool | None = None
    detail = f"{talk.dialect.release} has no query for all events"
    if command is not None:
        reply = await talk.try_read(command)
        if reply.is_success:
            ours = {pool.id, *(look.seen.id for look in looks if look.seen)}
            events = [event for event in events_of(reply) if not event.object_id or event.object_id in ours]
            holds = not events
            detail = (
                "none"
                if not events
                else listed([event.text or event.kind or event.id for event in events], 4)
            )
        else:
            detail = talk.world.access.safe(reply.text)
    return Verified(
        id="events.clean",
        title=titles.EVENTS,
        holds=holds,
        detail=detail,
        source="V03 Manager getEvents",
        is_essential=False,
    )
