"""Set the pool's DRS or DPM policy and its servers. 3.3's `edit ServerPool` is UNCONFIRMED (manager-cli 3.5)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed
from core.models.plan import JsonDict
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.spec import Policy
from core.platforms.oracle_vm.steps.common import SeenPool, Who, failed, need_server, our_pool
from core.platforms.oracle_vm.world import OvmWorld, Talk


class SetPolicy(Step[OvmWorld]):
    """Args: pool (name), policy (Policy), servers [Who]. The policy goes with the pool: its undo does nothing."""

    kind: ClassVar[str] = "set_policy"

    @property
    def policy(self) -> Policy:
        return Policy.model_validate(self.planned.args["policy"])

    @property
    def pool_name(self) -> str:
        return str(self.planned.args["pool"])

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        pool = await our_pool(talk, self.pool_name)
        missing = await self._missing(talk, pool)
        mode = (pool.shown.get(*objects.POLICY_MODE) or "").strip().upper()
        if mode != self.policy.mode:
            return Look(Seen.NOT_THERE, f"the policy is {mode or 'not shown'}")
        if missing:
            return Look(Seen.NOT_THERE, f"the policy does not act on {len(missing)} servers")
        return Look(Seen.THERE, f"the policy is {mode} on all servers")

    async def _missing(self, talk: Talk, pool: SeenPool) -> list[str]:
        ids = [(await need_server(talk, Who.of(one))).id for one in self.planned.args["servers"]]
        known = {one.id for one in pool.shown.references(*objects.POLICY_SERVERS)}
        return [id_ for id_ in ids if id_ not in known]

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        pool = await our_pool(talk, self.pool_name)
        edit = talk.dialect.edit_policy(pool.id, self.policy)

        async def is_set() -> bool | None:
            now = await our_pool(talk, self.pool_name, quiet=True)
            return (
                True
                if (now.shown.get(*objects.POLICY_MODE) or "").strip().upper() == self.policy.mode
                else None
            )

        try:
            if edit is not None:
                await talk.apply(edit, is_set)
            for id_ in await self._missing(talk, pool):

                async def acts(id_: str = id_) -> bool | None:
                    now = await our_pool(talk, self.pool_name, quiet=True)
                    return (
                        True
                        if id_ in {one.id for one in now.shown.references(*objects.POLICY_SERVERS)}
                        else None
                    )

                await talk.apply(talk.dialect.add_policy_server(pool.id, id_), acts)
        except CommandFailed as error:
            fix = "set pool.policy.mode to OFF and set the policy in the web interface afterwards"
            raise failed(talk, f"set the policy {self.policy.mode}", error, fix=fix) from error
        return {}

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)
        if (await our_pool(talk, self.pool_name)).shown.get(*objects.POLICY_MODE) is None:
            return Look(Seen.THERE, "accepted; Manager does not show the policy")
        return await self.look(world)

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        return ()  # it goes with the pool

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        return Undone(detail="it goes with the pool")
