"""Make the empty pool. A half-made one of a failed try stays behind on 3.3.1 and later (server-pools R006)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, PoolwrightError, StepError
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.parse import Item
from core.platforms.oracle_vm.spec import PoolSettings
from core.platforms.oracle_vm.steps.common import (
    SeenPool,
    Who,
    failed,
    find_pools,
    find_server,
    held_back,
    in_use,
    residue,
    show_pool,
    to_look,
    typed,
    who_lives_in,
    why_not_delete,
)
from core.platforms.oracle_vm.steps.leftovers import look_for_leftovers, place_of, storage_residue
from core.platforms.oracle_vm.steps.storage import find_disk, find_file_server, find_file_system
from core.platforms.oracle_vm.world import OvmWorld, Talk


class CreatePool(Step[OvmWorld]):
    """Args: pool (PoolSettings), storage {kind, ...} or None, servers [Who], pools_before [ids].

    Record: pool_id, pool_name, pool (what runs are shown with); was_free from the look before it.
    """

    kind: ClassVar[str] = "create_pool"

    @property
    def pool(self) -> PoolSettings:
        return PoolSettings.model_validate(self.planned.args["pool"])

    @property
    def storage(self) -> JsonDict | None:
        return self.planned.args.get("storage")

    @property
    def servers(self) -> list[Who]:
        return [Who.of(one) for one in self.planned.args["servers"]]

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        found = await find_pools(talk, self.pool.name)
        if not found:
            return Look(Seen.NOT_THERE, "no pool has that name", {"was_free": True})
        if len(found) > 1:
            return Look(Seen.FOREIGN, f"{len(found)} pools are called {self.pool.name} (R006)")
        why_not = await self._not_ours(talk, found[0])
        if why_not:
            return Look(Seen.FOREIGN, f"a pool {self.pool.name} is there: {why_not} (R006)")
        return Look(Seen.THERE, "the pool is there", self._record(found[0]))

    def _record(self, found: SeenPool) -> JsonDict:
        return {"pool_id": found.id, "pool_name": self.pool.name, "pool": {"id": found.id}}

    async def _not_ours(self, talk: Talk, found: SeenPool) -> str:
        """Why a pool of our name is none that this run made; '' when it fits in all that Manager tells."""
        if found.id in self.planned.args.get("pools_before", ()):
            return "it was there before this plan"
        differing = self._differences(found)
        if differing:
            return "; ".join(differing)
        ours = {seen.id for who in self.servers if (seen := await find_server(talk, who))}
        others = [one for one in found.pool.members if one not in ours]
        return f"it holds {len(others)} other servers" if others else ""

    def _differences(self, found: SeenPool) -> list[str]:
        """What is shown and differs from what was asked for; what Manager does not show is left out."""
        wanted, pool, shown = self.pool, found.pool, found.shown
        differing = []
        if pool.virtual_ip != wanted.virtual_ip and shown.get(*objects.VIRTUAL_IP) is not None:
            differing.append(f"virtual IP {pool.virtual_ip}, not {wanted.virtual_ip}")
        if pool.clustered is not None and pool.clustered != wanted.clustered:
            differing.append("clustered" if pool.clustered else "not clustered")
        return differing

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        command = talk.dialect.create_pool(self.pool, **await self._storage_ids(talk))

        async def is_listed() -> SeenPool | None:
            found = await find_pools(talk, self.pool.name, quiet=True)
            return found[0] if len(found) == 1 else None

        try:
            found = await talk.change(command, is_listed)
        except CommandFailed as error:
            raise failed(talk, f"create the pool {self.pool.name}", error) from error
        if found is None:
            raise StepError(
                self.id, f"cannot create the pool {self.pool.name}: Manager said yes, but does not list it"
            )
        return self._record(found)

    async def _storage_ids(self, talk: Talk) -> dict[str, str | None]:
        storage = self.storage
        if storage is None:
            return {"file_system": None, "disk": None}
        if storage["kind"] == "nfs":
            server = await find_file_server(talk, str(storage["host"]))
            system = await find_file_system(talk, server, str(storage["export"]))
            if system is None:
                raise StepError(
                    self.id, f"cannot find {place_of(storage)} in Manager", fix="refresh the file server"
                )
            return {"file_system": system.id, "disk": None}
        disk = await find_disk(talk, str(storage["wwid"]))
        if disk is None:
            raise StepError(self.id, f"cannot find {place_of(storage)} in Manager", fix="refresh the storage")
        return {"file_system": None, "disk": disk.id}

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)
        found = await show_pool(talk, Item(str(record.get("pool_id", "")), self.pool.name))
        if found is None:
            return Look(Seen.NOT_THERE, f"Manager does not know the pool {self.pool.name}")
        differing = self._differences(found)
        if found.pool.name != self.pool.name:
            differing.append(f"name {found.pool.name}")
        if differing:
            return Look(Seen.NOT_THERE, f"the pool is not as asked for: {'; '.join(differing)}")
        return Look(Seen.THERE, "the pool is there as asked for", self._record(found))

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        talk = world.talk(self.id)
        await talk.settle(talk.is_idle, limit_s=world.limits.manager_command_s)
        left: list[Residue] = []
        is_refused = False
        for found in await self._made_by_us(talk, record):
            if why := await who_lives_in(talk, found):
                return in_use(talk, f"the pool {self.pool.name} is still there", self.pool.name, why)
            why = await self._delete(talk, found)
            if why:
                is_refused = True
                what, name = f"the pool {self.pool.name} is still there", self.pool.name
                left.append(residue(talk, what, name, why, await self._ending(talk, found), [found.id]))
        if self.storage is not None:
            names = [who.name for who in self.servers]
            seen = await look_for_leftovers(world, self.storage, names)
            on_storage = storage_residue(talk, self.storage, seen, is_free=not is_refused)
            left += [on_storage] if on_storage else []
        detail = "no pool object is left" if not left else ""
        return Undone(tuple(left), may_retry=is_refused, detail=detail)

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        talk, name = world.talk(self.id), self.pool.name
        try:
            made = await self._made_by_us(talk, record)
        except PoolwrightError:
            look = to_look(talk, "ServerPool", f"is {name} there, and who is in it?")
            return look, held_back(f"the pool {name}", "Manager cannot be asked who uses it")
        if len(made) != 1:
            return (to_look(talk, "ServerPool", f"no {name} of this run was listed when this was written"),)
        return await self._ending(talk, made[0])

    async def _ending(self, talk: Talk, found: SeenPool) -> tuple[str, ...]:
        """What a person types to delete the pool, as it is now; withheld while anybody is in it."""
        try:
            now = await show_pool(talk, Item(found.id, self.pool.name))
            why = await why_not_delete(talk, now) if now is not None else ""
        except PoolwrightError as error:
            why = f"Manager cannot be asked who uses it ({error.message})"
        if why:
            return str(talk.dialect.show("ServerPool", found.id)), held_back(
                f"the pool {self.pool.name}", why
            )
        return typed(talk.dialect.delete_pool(found.id))

    async def _made_by_us(self, talk: Talk, record: JsonDict) -> list[SeenPool]:
        """The recorded pool; without a record, pools of our name that came after our look and fit."""
        if record.get("pool_id"):
            found = await show_pool(talk, Item(str(record["pool_id"]), self.pool.name))
            return [found] if found is not None else []
        if not record.get("was_free"):
            return []
        return [one for one in await find_pools(talk, self.pool.name) if not await self._not_ours(talk, one)]

    async def _delete(self, talk: Talk, found: SeenPool) -> str:
        """Delete an empty pool; '' when it is gone, else why not."""
        if found.pool.members:
            return f"it still holds {len(found.pool.members)} servers"

        async def is_gone() -> bool | None:
            items = await talk.list("ServerPool", quiet=True)
            return True if all(item.id != found.id for item in items) else None

        try:
            is_deleted = await talk.change(talk.dialect.delete_pool(found.id), is_gone)
        except PoolwrightError as error:
            return error.message
        return "" if is_deleted else "Manager said yes, but still lists it"
