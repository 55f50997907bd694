"""End in Manager what earlier failures left: servers of a dead pool, the pool, ownership. Nothing else is ever run.

Each step looks right before it acts whether it still is a left-over, on fresh facts of all planes and by the same
decision as the plan; what is in use by now is foreign to it, what cannot be read by now is not touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, StepError
from core.models.plan import JsonDict
from core.platforms.oracle_vm.evidence import of_pool, of_server
from core.platforms.oracle_vm.guarding import is_running
from core.platforms.oracle_vm.halfmade import Decision, decide
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.parse import Item
from core.platforms.oracle_vm.steps.common import SeenPool, SeenServer, failed, is_ours, show_pool
from core.platforms.oracle_vm.world import OvmWorld, Talk


class Sweep(Step[OvmWorld]):
    """What the three have in common: a change that must show, and no way back."""

    kind: ClassVar[str] = "sweep"

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        return await self.look(world)

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        return Undone(detail="a sweep is not taken back")

    async def _server(self, talk: Talk) -> SeenServer | None:
        id_ = str(self.planned.args["server_id"])
        shown = await talk.show("Server", id_)
        return (
            SeenServer(objects.server_of(Item(id_, shown.name), shown), shown) if shown is not None else None
        )

    async def _pool(self, talk: Talk) -> SeenPool | None:
        return await show_pool(talk, Item(str(self.planned.args["pool_id"]), ""))

    async def _allowed(self, world: OvmWorld, there: str) -> Look:
        """NOT_THERE (so that it is done) only when the pool may still be ended."""
        id_ = str(self.planned.args["pool_id"])
        fleet = await world.survey()
        pools = fleet.manager.pools.value or () if fleet.manager is not None else ()
        pool = next((one for one in pools if one.id == id_), None)
        if pool is None:
            return Look(Seen.UNKNOWN, "Manager's list of pools cannot be read")
        return _look_of(decide(of_pool(pool, world.spec, fleet, self._left_by)), there)

    @property
    def _left_by(self) -> str:
        return str(self.planned.args.get("left_by") or "")

    async def _change(
        self, talk: Talk, command: Command, aim: str, effect: Callable[[], Awaitable[bool | None]]
    ) -> None:
        try:
            done = await talk.change(command, effect)
        except CommandFailed as error:
            raise failed(talk, aim, error) from error
        if done is None:
            raise StepError(self.id, f"cannot {aim}: Manager said yes, but shows no effect")


def _look_of(decision: Decision, there: str) -> Look:
    """What a decision means for a step that looks: only what may be ended is done."""
    if decision.ends:
        return Look(Seen.NOT_THERE, there)
    return Look(Seen.FOREIGN if decision.is_proven else Seen.UNKNOWN, f"it is kept: {decision.text}")


class SweepMember(Sweep):
    """Args: server_id, name, pool_id, left_by (the run of ours that left the pool, or "")."""

    kind: ClassVar[str] = "sweep_member"

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        pool, server = await self._pool(talk), await self._server(talk)
        id_ = str(self.planned.args["server_id"])
        if pool is None or server is None or id_ not in pool.pool.members:
            return Look(Seen.THERE, "it is not in the pool")
        if pool.pool.guests:
            return Look(Seen.FOREIGN, f"the pool has {len(pool.pool.guests)} guests")
        others = [one for one in pool.pool.members if one != id_]
        if pool.pool.master == id_ and others:
            return Look(Seen.FOREIGN, f"it is the master of {len(others)} other servers (R118)")
        for other in others:
            shown = await talk.show("Server", other)
            if shown is not None and not is_running(objects.server_of(Item(other, shown.name), shown)):
                return Look(Seen.FOREIGN, f"{shown.name or other} is not Running, bring it back first (R117)")
        return await self._allowed(world, "it is in the pool")

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk, args = world.talk(self.id), self.planned.args
        command = talk.dialect.remove_server(str(args["server_id"]), str(args["pool_id"]))

        async def is_out() -> bool | None:
            pool = await self._pool(talk)
            return True if pool is None or args["server_id"] not in pool.pool.members else None

        await self._change(talk, command, f"take {args['name']} out of the pool", is_out)
        return {}


class SweepPool(Sweep):
    """Args: pool_id, left_by."""

    kind: ClassVar[str] = "sweep_pool"

    @override
    async def look(self, world: OvmWorld) -> Look:
        pool = await self._pool(world.talk(self.id))
        if pool is None:
            return Look(Seen.THERE, "Manager does not list it")
        if pool.pool.members or pool.pool.guests:
            return Look(Seen.FOREIGN, f"it holds {len(pool.pool.members)} servers by now")
        return await self._allowed(world, "it is there, empty")

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk, id_ = world.talk(self.id), str(self.planned.args["pool_id"])

        async def is_gone() -> bool | None:
            return True if all(item.id != id_ for item in await talk.list("ServerPool", quiet=True)) else None

        await self._change(talk, talk.dialect.delete_pool(id_), "delete the pool", is_gone)
        return {}


class SweepServer(Sweep):
    """Args: server_id, name, left_by, of_pools (keys of the dead pools it goes with).

    Gives up the ownership, then makes Manager forget the server.
    """

    kind: ClassVar[str] = "sweep_server"

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        server = await self._server(talk)
        if server is None:
            return Look(Seen.THERE, "Manager does not list it")
        if server.server.pool_id:
            return Look(Seen.FOREIGN, f"it is in the pool {server.server.pool_name or server.server.pool_id}")
        if server.shown.references("Vm"):
            return Look(Seen.FOREIGN, "it has guests")
        if is_ours(talk, server) is None:
            return Look(Seen.UNKNOWN, "Manager does not tell who owns it")
        name, dead = str(self.planned.args["name"]), frozenset(self.planned.args.get("of_pools") or ())
        fleet = await world.survey([name])
        evidence = of_server(name, dead, world.spec, fleet, left_by=self._left_by, has_shape=bool(dead))
        return _look_of(decide(evidence), "Manager lists it")

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk, id_, name = world.talk(self.id), str(self.planned.args["server_id"]), self.planned.args["name"]

        async def is_free() -> bool | None:
            seen = await self._server(talk)
            return True if seen is None or is_ours(talk, seen) is False else None

        async def is_gone() -> bool | None:
            return True if all(item.id != id_ for item in await talk.list("Server", quiet=True)) else None

        seen = await self._server(talk)
        if seen is not None and is_ours(talk, seen):
            await self._change(talk, talk.dialect.release_server(id_), f"release {name}", is_free)
        await self._change(talk, talk.dialect.delete_server(id_), f"make Manager forget {name}", is_gone)
        return {}
