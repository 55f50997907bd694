"""Look at the finished pool through Manager, agents and dom0 (server-pools 7a). Reads only.

What nobody could look at is holds=None with the reason: that is not a yes. One item a question, not a server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from core.errors import StepError
from core.models.events import Verified
from core.models.plan import Plan
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import our_pool
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
from core.platforms.oracle_vm.world import OvmWorld, Talk

STEP = "verify:pool"


async def verify_pool(world: OvmWorld, spec: PoolSpec, plan: Plan) -> Sequence[Verified]:
    """All items in a fixed order; an essential one that does not hold is asked again until things have settled."""
    talk = world.talk(STEP)
    deadline = time.monotonic() + world.limits.manager_settle_s
    refused: Refused = {}
    while True:
        items = await _all_items(world, talk, spec, plan, refused)
        if all(item.holds is not False or not item.is_essential for item in items):
            return items
        if time.monotonic() >= deadline:
            return items
        await asyncio.sleep(world.limits.manager_poll_s)


async def _all_items(
    world: OvmWorld, talk: Talk, spec: PoolSpec, plan: Plan, refused: Refused
) -> list[Verified]:
    try:
        pool = await our_pool(talk, spec.pool.name)
    except StepError as error:
        return [
            Verified(
                id="pool.exists", title="the pool exists", holds=False, detail=error.message, source="V01"
            )
        ]
    looks = await look_at_servers(world, talk, servers_of(spec, plan), refused)
    items = [*pool_items(spec, pool), *member_items(spec, pool, looks), *server_items(talk, looks)]
    items += [password_item(looks), membership_item(looks), vip_item(spec, looks)]
    if spec.pool.clustered:
        items += cluster_items(spec, plan, looks)
    items += [cpu_item(looks), await events_item(talk, pool, looks)]
    return items
