"""Look at the finished pool through Manager, agents and dom0 (server-pools 7a). Reads only.

What nobody could look at is holds=None with the reason: that is not a yes. One item a question, not a server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence

from core.errors import StepError
from core.models.events import Verified
from core.models.plan import Plan
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import our_pool, recorded_id
from core.platforms.oracle_vm.verifying.look import Refused, look_at_servers, servers_of
from core.platforms.oracle_vm.verifying.manager import (
    cpu_item,
    events_item,
    member_items,
    pool_items,
    server_items,
)
from core.platforms.oracle_vm.verifying.servers import (
    cluster_items,
    membership_item,
    password_item,
    vip_item,
)
from core.platforms.oracle_vm.verifying.settings import setting_items
from core.platforms.oracle_vm.world import OvmWorld, Talk

STEP = "verify:pool"


async def verify_pool(world: OvmWorld, spec: PoolSpec, plan: Plan) -> Sequence[Verified]:
    """All items in a fixed order; an essential one that does not hold, or that nobody could look at although the plan
    says that it can be seen, is asked again until things have settled."""
    talk = world.talk(STEP)
    deadline = time.monotonic() + world.limits.manager_settle_s
    refused: Refused = set()
    accepted = {item.id for item in plan.unobservable}
    while True:
        items = await _all_items(world, talk, spec, plan, refused)
        if all(_is_settled(item, accepted) for item in items):
            return items
        if time.monotonic() >= deadline:
            return items
        await asyncio.sleep(world.limits.manager_poll_s)


def _is_settled(item: Verified, accepted: Collection[str]) -> bool:
    return bool(item.holds) or not item.is_essential or (item.holds is None and item.id in accepted)


async def _all_items(
    world: OvmWorld, talk: Talk, spec: PoolSpec, plan: Plan, refused: Refused
) -> list[Verified]:
    try:
        pool = await our_pool(talk, spec.pool.name)
    except StepError as error:
        return [await _no_pool(talk, spec.pool.name, error.message)]
    looks = await look_at_servers(world, talk, servers_of(spec, plan), refused)
    items = [*pool_items(spec, pool, recorded_id(talk, spec.pool.name)), *setting_items(spec, plan, pool)]
    items += [*member_items(spec, pool, looks), *server_items(talk, looks)]
    items += [password_item(looks), membership_item(looks)]
    if spec.pool.virtual_ip:
        items.append(vip_item(spec.pool.virtual_ip, looks))
    if spec.pool.clustered:
        items += cluster_items(spec, plan, looks)
    items += [cpu_item(looks), await events_item(talk, pool, looks)]
    return items


async def _no_pool(talk: Talk, name: str, why: str) -> Verified:
    """No pool could be looked at. One that Manager lists once is there, and only nobody could look at it."""
    is_listed = [item.name for item in await talk.list("ServerPool")].count(name) == 1
    detail = "Manager lists it, but does not show it" if is_listed else why
    holds = None if is_listed else False
    return Verified(id="pool.exists", title="the pool exists", holds=holds, detail=detail, source="V01")
