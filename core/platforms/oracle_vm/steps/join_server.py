"""Put one server into the pool. The first becomes master; one at a time, since the pool is locked (manager-cli 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, PoolwrightError, StepError
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.guarding import is_running
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.parse import Item
from core.platforms.oracle_vm.steps.common import (
    SeenPool,
    Who,
    failed,
    find_pools,
    find_server,
    held_back,
    in_use,
    need_server,
    our_pool,
    residue,
    to_look,
    typed,
    who_lives_in,
)
from core.platforms.oracle_vm.world import OvmWorld, Talk
from core.text import listed


class JoinServer(Step[OvmWorld]):
    """Args: server (Who), pool (name), is_first. Record: server_id, joined_pool."""

    kind: ClassVar[str] = "join_server"

    @property
    def who(self) -> Who:
        return Who.of(self.planned.args["server"])

    @property
    def pool_name(self) -> str:
        return str(self.planned.args["pool"])

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        pool = await our_pool(talk, self.pool_name)
        found = await need_server(talk, self.who)
        if found.id in pool.pool.members:
            return Look(Seen.THERE, "it is in the pool", {"server_id": found.id, "joined_pool": pool.id})
        if found.server.pool_id and found.server.pool_id != pool.id:
            other = found.server.pool_name or found.server.pool_id
            return Look(Seen.FOREIGN, f"{self.who.name} is in the pool {other} (R005)")
        return Look(Seen.NOT_THERE, "it is in no pool", {"server_id": found.id, "joined_pool": pool.id})

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        pool = await our_pool(talk, self.pool_name)
        found = await need_server(talk, self.who)

        async def is_member() -> bool | None:
            now = await our_pool(talk, self.pool_name, quiet=True)
            return True if found.id in now.pool.members else None

        try:
            joined = await talk.change(talk.dialect.add_server(found.id, pool.id), is_member)
        except CommandFailed as error:
            raise failed(talk, f"add {self.who.name} to the pool", error) from error
        if joined is None:
            raise StepError(
                self.id, f"cannot add {self.who.name} to the pool: Manager said yes, but does not list it"
            )
        return {"server_id": found.id, "joined_pool": pool.id}

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)
        pool = await our_pool(talk, self.pool_name)
        id_ = str(record.get("server_id", ""))
        if id_ not in pool.pool.members:
            return Look(Seen.NOT_THERE, f"{self.who.name} is not in the member list")
        if self.planned.args.get("is_first") and pool.pool.master not in (None, id_):
            return Look(Seen.NOT_THERE, f"{self.who.name} joined first, but {pool.pool.master} is master")
        is_master = pool.pool.master == id_
        return Look(Seen.THERE, "it is the master" if is_master else "it is in the member list")

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        talk = world.talk(self.id)
        await talk.settle(talk.is_idle, limit_s=world.limits.manager_command_s)
        found = await find_server(talk, self.who)
        pool = await self._pool_now(talk, record)
        if found is None or pool is None:
            return Undone(detail="the pool or the server is gone")
        if found.id not in pool.pool.members and found.server.pool_id != pool.id:
            return Undone(detail="it is not in the pool")
        if why := await who_lives_in(talk, pool):
            return in_use(talk, self._still(), self.who.name, why)
        others = [one for one in pool.pool.members if one != found.id]
        if pool.pool.master == found.id and others:
            why = f"it is the master and {len(others)} other servers are still in the pool (R118)"
            return Undone((self._kept(talk, why),))
        offline = await self._offline(talk, others) if pool.pool.clustered is not False else []
        if offline:
            why = (
                f"{listed(offline)} is not Running; the cluster would part in two (R117): bring it back first"
            )
            return Undone((self._kept(talk, why),), may_retry=True)
        return await self._remove(talk, found.id, pool)

    async def _offline(self, talk: Talk, members: Sequence[str]) -> list[str]:
        """Names of those members that Manager does not see Running."""
        found = []
        for id_ in members:
            shown = await talk.show("Server", id_)
            if shown is not None:
                server = objects.server_of(Item(id_, shown.name), shown)
                found += [] if is_running(server) else [server.name]
        return found

    async def _remove(self, talk: Talk, id_: str, pool: SeenPool) -> Undone:
        async def is_out() -> bool | None:
            now = await find_server(talk, self.who, quiet=True)
            return True if now is None or now.server.pool_id != pool.id else None

        try:
            is_removed = await talk.change(talk.dialect.remove_server(id_, pool.id), is_out)
        except PoolwrightError as error:
            return Undone((self._left(talk, id_, pool, error.message),), may_retry=True)
        if is_removed is None:
            why = "Manager said yes, but still shows it in the pool"
            return Undone((self._left(talk, id_, pool, why),), may_retry=True)
        return Undone(detail="removed from the pool")

    async def _pool_now(self, talk: Talk, record: JsonDict) -> SeenPool | None:
        joined = record.get("joined_pool")
        found = await find_pools(talk, self.pool_name)
        return next((one for one in found if joined in (None, one.id)), None)

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        talk = world.talk(self.id)
        try:
            found, pool = await find_server(talk, self.who), await self._pool_now(talk, record)
            why = await who_lives_in(talk, pool) if pool is not None else ""
        except PoolwrightError as error:
            look = to_look(talk, "Server", f"is {self.who.name} in a pool?")
            return look, held_back(
                self._still(), f"Manager cannot be asked who uses the pool ({error.message})"
            )
        if found is None or pool is None or found.id not in pool.pool.members:
            return (
                to_look(talk, "Server", f"{self.who.name}: in no pool of this run when this was written"),
            )
        if why:
            return (held_back(self._still(), why),)
        return typed(talk.dialect.remove_server(found.id, pool.id))

    def _kept(self, talk: Talk, why: str) -> Residue:
        """Left with no command: taking it out now would part the cluster, or is refused (R117, R118)."""
        return residue(talk, self._still(), self.who.name, why, [held_back(self._still(), why)])

    def _left(self, talk: Talk, id_: str, pool: SeenPool, why: str) -> Residue:
        command = talk.dialect.remove_server(id_, pool.id)
        return residue(talk, self._still(), self.who.name, why, [command])

    def _still(self) -> str:
        return f"{self.who.name} is still in the pool {self.pool_name}"
