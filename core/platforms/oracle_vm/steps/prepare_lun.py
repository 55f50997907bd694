"""Make the pool's LUN known to Manager and seen by every server (manager-cli 3.10, 4.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, PoolwrightError, StepError
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.facts import ManagedArray, ManagedDisk
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import FC_ARRAY, SCSI_PLUGIN
from core.platforms.oracle_vm.spec import LunFileSystem, Release
from core.platforms.oracle_vm.steps.common import (
    SeenServer,
    Who,
    failed,
    held_back,
    id_now,
    need_server,
    residue,
    to_look,
    typed,
    why_not_take_away,
)
from core.platforms.oracle_vm.steps.storage import find_array, find_disk
from core.platforms.oracle_vm.world import OvmWorld, Talk


class PrepareLun(Step[OvmWorld]):
    """Args: lun (LunFileSystem), array_name, servers [Who]. Record: disk_id, array_id, array_existed, had_admin,
    had_initiators."""

    kind: ClassVar[str] = "prepare_lun"

    @property
    def lun(self) -> LunFileSystem:
        return LunFileSystem.model_validate(self.planned.args["lun"])

    @property
    def servers(self) -> list[Who]:
        return [Who.of(one) for one in self.planned.args["servers"]]

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        disk = await find_disk(talk, self.lun.wwid)
        if disk is not None and disk.is_local:
            return Look(Seen.FOREIGN, f"LUN {self.lun.wwid} is a local disk of one server (R022)")
        blind = await self._blind(talk, disk) if disk is not None else []
        if disk is not None and not blind:
            return Look(Seen.THERE, f"{disk.name} is seen by every server", {"disk_id": disk.id})
        array = await self._array(talk)
        before: JsonDict = {"array_existed": array is not None}
        if array is not None:
            before |= {"array_id": array.id, "had_admin": list(array.admin_servers)}
            if self.lun.transport == "iscsi":
                before["had_initiators"] = sorted((await self._access_group(talk, array))[1])
        detail = f"not seen by {', '.join(blind)}" if blind else f"Manager does not know LUN {self.lun.wwid}"
        return Look(Seen.NOT_THERE, detail, before)

    async def _array(self, talk: Talk) -> ManagedArray | None:
        lun = self.lun
        return await find_array(
            talk, name=lun.array, access_host=lun.access_host, is_fc=lun.transport == "fc"
        )

    async def _blind(self, talk: Talk, disk: ManagedDisk) -> list[str]:
        """Servers that do not see the disk (manager-cli 3.10: `Physical Disk N` of each server)."""
        seen = [(who.name, await need_server(talk, who)) for who in self.servers]
        return [name for name, found in seen if disk.id not in found.server.disks]

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        seen = [await need_server(talk, who) for who in self.servers]
        array = await self._array(talk) or await self._create(talk)
        for found in seen:
            if found.id not in array.admin_servers:
                await self._add_admin(talk, array, found)
        if self.lun.transport == "iscsi":
            await self._let_in(talk, array, seen)
        validate = talk.dialect.validate_array(array.id)
        if validate is not None:
            await self._must(talk, validate, f"validate the array {array.name}")
        await self._must(talk, self._refresh_array(talk, array), f"refresh the array {array.name}")
        for found in seen:
            command = talk.dialect.refresh_storage_layer(found.id)
            await self._must(talk, command, f"refresh the storage of {found.server.name}")
        disk = await self._appeared(talk)
        await self._must(talk, talk.dialect.refresh("PhysicalDisk", disk.id), f"refresh the LUN {disk.name}")
        return {"disk_id": disk.id, "array_id": array.id}

    @staticmethod
    def _refresh_array(talk: Talk, array: ManagedArray) -> Command:
        return talk.dialect.refresh(talk.dialect.array_type, array.id)

    async def _create(self, talk: Talk) -> ManagedArray:
        if self.lun.transport == "fc":
            raise StepError(
                self.id,
                f"cannot find the storage array {self.lun.array or FC_ARRAY} in Manager",
                fix="give pool.file_system.array as Manager names it",
            )
        command = talk.dialect.create_array(
            str(self.planned.args["array_name"]), self.lun, await self._plugin(talk)
        )
        try:
            array = await talk.change(command, lambda: self._array(talk))
        except CommandFailed as error:
            fix = "check portal, port and CHAP login"
            raise failed(talk, f"register the array {self.lun.access_host}", error, fix=fix) from error
        if array is None:
            raise StepError(
                self.id, f"cannot register the array {self.lun.access_host}: Manager does not list it"
            )
        return array

    async def _plugin(self, talk: Talk) -> str:
        planned = self.planned.args.get("plugin")
        if planned or talk.dialect.release is Release.R32:
            return str(planned or SCSI_PLUGIN)
        return (
            objects.generic_plugin("StorageArrayPlugin", await talk.list("StorageArrayPlugin")) or SCSI_PLUGIN
        )

    async def _add_admin(self, talk: Talk, array: ManagedArray, found: SeenServer) -> None:
        """A refusal is no failure where Manager does not tell who administers the array."""

        async def serves() -> bool | None:
            now = await self._array(talk)
            return True if now is not None and found.id in now.admin_servers else None

        command = talk.dialect.add_array_admin(array.id, found.id)
        try:
            await self._must(talk, command, f"let {found.server.name} administer {array.name}", serves)
        except StepError as error:
            if array.admin_servers:
                raise
            talk.note(f"{error.message} (it may administer it already)")

    async def _let_in(self, talk: Talk, array: ManagedArray, seen: list[SeenServer]) -> None:
        """Put the servers' iSCSI initiators into the array's access group."""
        group = await self._access_group(talk, array)
        for found in seen:
            for initiator in found.shown.references("Storage Initiator"):
                name = initiator.id or initiator.name
                if not name.startswith("iqn.") or name in group[1]:
                    continue
                command = talk.dialect.add_initiator(name, group[0])

                async def is_in(name: str = name) -> bool | None:
                    return True if name in (await self._access_group(talk, array))[1] else None

                await self._must(
                    talk, command, f"let {found.server.name} see the LUNs of {array.name}", is_in
                )

    async def _access_group(self, talk: Talk, array: ManagedArray) -> tuple[str, frozenset[str]]:
        """Id of the array's access group and the initiators it holds."""
        shown = await talk.show(talk.dialect.array_type, array.id)
        ids = [one.id for one in shown.references("Access Group", "AccessGroup")] if shown else []
        if not ids:
            items = await talk.list("AccessGroup")
            named = [item.id for item in items if array.name in item.name or array.id in item.id]
            ids = named or [item.id for item in items]
        if len(ids) != 1:
            raise StepError(
                self.id,
                f"cannot tell which access group of {array.name} to use: Manager lists {len(ids)}",
                fix="add the servers' initiators to it in the web interface, then try again (R071)",
            )
        group = await talk.show("AccessGroup", ids[0])
        held = group.references("Storage Initiator", "StorageInitiator") if group else ()
        return ids[0], frozenset(one.id for one in held)

    async def _appeared(self, talk: Talk) -> ManagedDisk:
        blind: list[str] = []

        async def probe() -> ManagedDisk | None:
            disk = await find_disk(talk, self.lun.wwid, quiet=True)
            blind[:] = await self._blind(talk, disk) if disk is not None else []
            return disk if disk is not None and not blind else None

        disk = await talk.settle(probe)
        if disk is None:
            limit_s = talk.world.limits.manager_settle_s
            who = f"{', '.join(blind)} cannot see it" if blind else "no server sees it"
            raise StepError(
                self.id,
                f"cannot use LUN {self.lun.wwid}: {limit_s:g} s after the refresh {who}",
                fix="check zoning, LUN masking or the access group (R007, R071)",
            )
        return disk

    async def _must(
        self,
        talk: Talk,
        command: Command,
        aim: str,
        effect: Callable[[], Awaitable[bool | None]] | None = None,
    ) -> None:
        try:
            await talk.apply(command, effect)
        except CommandFailed as error:
            raise failed(talk, aim, error) from error

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)
        disk = await find_disk(talk, self.lun.wwid)
        if disk is None:
            return Look(Seen.NOT_THERE, f"Manager does not list LUN {self.lun.wwid}")
        blind = await self._blind(talk, disk)
        if blind:
            return Look(Seen.NOT_THERE, f"{', '.join(blind)} cannot see LUN {self.lun.wwid}")
        return Look(Seen.THERE, f"{disk.name} is seen by every server", {"disk_id": disk.id})

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        talk = world.talk(self.id)
        array = await self._array(talk)
        if array is None:
            return Undone(detail="Manager has no such array")
        if not record.get("array_existed", True):
            return await self._delete(talk, array)
        left = []
        for command in await self._backward(talk, array, record):
            try:
                await talk.write(command)
            except PoolwrightError as error:
                left.append(self._left(talk, array, str(error), command))
        return Undone(
            tuple(left), detail="the array was there before and stays; the LUN stays in Manager's lists"
        )

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        talk = world.talk(self.id)
        type_, name = talk.dialect.array_type, str(self.planned.args["array_name"])
        if why := await why_not_take_away(talk, world.plan.pool):
            return (held_back(f"the array {name}", why),)
        if record.get("array_existed", True):
            return await self._commands_left_of_known(talk, record)
        id_ = str(record.get("array_id") or "") or await id_now(lambda: self._array(talk))
        if id_:
            return typed(talk.dialect.delete_array(id_))
        return (to_look(talk, type_, f"no {name} was listed when this was written"),)

    async def _commands_left_of_known(self, talk: Talk, record: JsonDict) -> tuple[str, ...]:
        try:
            array = await self._array(talk)
            return typed(*await self._backward(talk, array, record)) if array is not None else ()
        except PoolwrightError:
            if not record.get("array_id"):
                return (to_look(talk, talk.dialect.array_type, "take our servers off the array of the LUN"),)
            show = talk.dialect.show(talk.dialect.array_type, str(record["array_id"]))
            had = ", ".join((*record.get("had_admin", ()), *record.get("had_initiators", ()))) or "nobody"
            return (f"{show}   # before this run it was used by: {had}",)

    async def _backward(self, talk: Talk, array: ManagedArray, record: JsonDict) -> list[Command]:
        """Commands that take away the servers and initiators we added to an array that was there before."""
        commands = []
        had = record.get("had_initiators")
        if had is not None:
            group, held = await self._access_group(talk, array)
            commands += [talk.dialect.remove_initiator(one, group) for one in sorted(held) if one not in had]
        had = record.get("had_admin")
        if had is not None:
            new = [one for one in array.admin_servers if one not in had]
            commands += [talk.dialect.remove_array_admin(array.id, one) for one in new]
        return commands

    async def _delete(self, talk: Talk, array: ManagedArray) -> Undone:
        command = talk.dialect.delete_array(array.id)

        async def is_gone() -> bool | None:
            items = await talk.list(talk.dialect.array_type, quiet=True)
            return True if all(item.id != array.id for item in items) else None

        try:
            is_deleted = await talk.change(command, is_gone)
        except PoolwrightError as error:
            return Undone((self._left(talk, array, error.message, command),), may_retry=True)
        if is_deleted is None:
            return Undone((self._left(talk, array, "Manager still lists it", command),), may_retry=True)
        return Undone(detail="the array was deleted from Manager; the LUN itself was not touched")

    def _left(self, talk: Talk, array: ManagedArray, why: str, command: Command) -> Residue:
        return residue(
            talk, f"storage array {array.name} is not as it was in Manager", array.name, why, [command]
        )
