"""Make the pool's NFS export usable in Manager: file server, refreshes, file system (manager-cli 4.2)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, PoolwrightError, StepError
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.facts import ManagedFileSystem
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.dialect import NFS_PLUGIN
from core.platforms.oracle_vm.spec import Release
from core.platforms.oracle_vm.steps.common import (
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
from core.platforms.oracle_vm.steps.storage import SeenFileServer, find_file_server, find_file_system
from core.platforms.oracle_vm.world import OvmWorld, Talk


class PrepareNfs(Step[OvmWorld]):
    """Args: host, export, uniform, name, servers [Who].

    Record: file_server_id, file_system_id, and from the look before it: existed, had_admin, had_refresh.
    """

    kind: ClassVar[str] = "prepare_nfs"

    @property
    def host(self) -> str:
        return str(self.planned.args["host"])

    @property
    def export(self) -> str:
        return str(self.planned.args["export"])

    @property
    def servers(self) -> list[Who]:
        return [Who.of(one) for one in self.planned.args["servers"]]

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        found = await find_file_server(talk, self.host)
        if found is None:
            return Look(Seen.NOT_THERE, f"Manager has no file server {self.host}", {"existed": False})
        before: JsonDict = {
            "existed": True,
            "file_server_id": found.id,
            "had_admin": list(found.server.admin_servers),
            "had_refresh": list(found.server.refresh_servers),
        }
        system = await find_file_system(talk, found, self.export)
        if system is None or system.size_bytes is None:
            return Look(Seen.NOT_THERE, f"{self.export} has not been refreshed", before)
        missing = await self._missing(talk, found)
        if missing:
            return Look(Seen.NOT_THERE, f"{len(missing)} servers do not serve {self.host} yet", before)
        record = {"file_server_id": found.id, "file_system_id": system.id}
        return Look(Seen.THERE, f"{system.name} is known and refreshed", record)

    async def _missing(self, talk: Talk, found: SeenFileServer) -> list[str]:
        """Ids of our servers that are not refresh servers yet; none when Manager does not tell which are."""
        if not found.server.refresh_servers:
            return []
        ids = [(await need_server(talk, who)).id for who in self.servers]
        return [id_ for id_ in ids if id_ not in found.server.refresh_servers]

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        ids = [(await need_server(talk, who)).id for who in self.servers]
        found = await find_file_server(talk, self.host) or await self._create(talk, ids)
        await self._serve(talk, found, ids)
        await self._must(
            talk, talk.dialect.refresh("FileServer", found.id), f"refresh the file server {self.host}"
        )
        system = await self._appeared(talk)
        await self._must(talk, talk.dialect.refresh("FileSystem", system.id), f"refresh {system.name}")
        return {"file_server_id": found.id, "file_system_id": system.id}

    async def _create(self, talk: Talk, ids: list[str]) -> SeenFileServer:
        args = self.planned.args
        command = talk.dialect.create_file_server(
            str(args["name"]),
            self.host,
            await self._plugin(talk),
            ids,
            uniform=bool(args.get("uniform", True)),
        )
        try:
            found = await talk.change(command, lambda: find_file_server(talk, self.host, quiet=True))
        except CommandFailed as error:
            raise failed(
                talk, f"register the file server {self.host}", error, fix="check the NFS server"
            ) from error
        if found is None:
            raise StepError(self.id, f"cannot register the file server {self.host}: Manager does not list it")
        return found

    async def _plugin(self, talk: Talk) -> str:
        """The generic NFS plug-in as the plan or this Manager names it."""
        planned = self.planned.args.get("plugin")
        if planned or talk.dialect.release is Release.R32:
            return str(planned or NFS_PLUGIN)
        return objects.generic_plugin("FileServerPlugin", await talk.list("FileServerPlugin")) or NFS_PLUGIN

    async def _serve(self, talk: Talk, found: SeenFileServer, ids: list[str]) -> None:
        """Make all our servers admin and refresh servers of it."""
        for id_ in ids:
            if id_ not in found.server.admin_servers:
                command = talk.dialect.add_file_server_admin(found.id, id_)
                await self._add(talk, command, id_, is_told=bool(found.server.admin_servers))
        for id_ in ids:
            if id_ not in found.server.refresh_servers:
                command = talk.dialect.add_refresh_server(found.id, id_)
                await self._add(talk, command, id_, is_told=bool(found.server.refresh_servers))

    async def _add(self, talk: Talk, command: Command, id_: str, *, is_told: bool) -> None:
        """Where Manager does not tell who serves it already, a refusal is no failure."""

        async def serves() -> bool | None:
            now = await find_file_server(talk, self.host, quiet=True)
            serving = (*now.server.admin_servers, *now.server.refresh_servers) if now else ()
            return True if id_ in serving else None

        try:
            await talk.apply(command, serves)
        except CommandFailed as error:
            if is_told:
                raise failed(talk, f"let a server serve {self.host}", error) from error
            talk.note("refused; it may serve it already")

    async def _appeared(self, talk: Talk) -> ManagedFileSystem:
        async def probe() -> ManagedFileSystem | None:
            found = await find_file_server(talk, self.host, quiet=True)
            return await find_file_system(talk, found, self.export, quiet=True)

        system = await talk.settle(probe)
        if system is None:
            limit_s = talk.world.limits.manager_settle_s
            raise StepError(
                self.id,
                f"cannot find {self.export} on {self.host}: not in Manager {limit_s:g} s after the refresh",
                fix="check that it is exported to every server, and its spelling (R007, R019)",
            )
        return system

    async def _must(self, talk: Talk, command: Command, aim: str) -> None:
        try:
            await talk.apply(command)
        except CommandFailed as error:
            raise failed(talk, aim, error) from error

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)
        system = await find_file_system(talk, await find_file_server(talk, self.host), self.export)
        if system is None:
            return Look(Seen.NOT_THERE, f"Manager does not list {self.export} on {self.host}")
        return Look(Seen.THERE, f"{system.name} is known and refreshed", {"file_system_id": system.id})

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        talk = world.talk(self.id)
        found = await find_file_server(talk, self.host)
        if found is None:
            return Undone(detail="Manager has no such file server")
        if record.get("existed", True):
            return await self._stop_serving(talk, found, record)
        command = talk.dialect.delete_file_server(found.id)

        async def is_gone() -> bool | None:
            return None if await find_file_server(talk, self.host, quiet=True) else True

        try:
            is_deleted = await talk.change(command, is_gone)
        except PoolwrightError as error:
            return Undone((self._left(talk, error.message, [command]),), may_retry=True)
        if is_deleted is None:
            return Undone((self._left(talk, "Manager still lists it", [command]),), may_retry=True)
        return Undone(detail="deleted; the share itself was not touched")

    async def _stop_serving(self, talk: Talk, found: SeenFileServer, record: JsonDict) -> Undone:
        """Take away the servers that we added to a file server that was there before."""
        left = []
        for command in self._backward(talk, found, record):
            try:
                await talk.write(command)
            except PoolwrightError as error:
                left.append(self._left(talk, error.message, [command]))
        return Undone(tuple(left), may_retry=bool(left), detail="it was there before and stays")

    @staticmethod
    def _backward(talk: Talk, found: SeenFileServer, record: JsonDict) -> list[Command]:
        dialect = talk.dialect
        had_refresh, had_admin = record.get("had_refresh"), record.get("had_admin")
        commands = []
        if had_refresh is not None:
            new = [one for one in found.server.refresh_servers if one not in had_refresh]
            commands += [dialect.remove_refresh_server(found.id, one) for one in new]
        if had_admin is not None:
            new = [one for one in found.server.admin_servers if one not in had_admin]
            commands += [dialect.remove_file_server_admin(found.id, one) for one in new]
        return commands

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        talk = world.talk(self.id)
        if why := await why_not_take_away(talk, world.plan.pool):
            return (held_back(f"the file server {self.host}", why),)
        if record.get("existed", True):
            return await self._commands_left_of_known(talk, record)
        id_ = str(record.get("file_server_id") or "") or await id_now(
            lambda: find_file_server(talk, self.host, quiet=True)
        )
        if id_:
            return typed(talk.dialect.delete_file_server(id_))
        return (to_look(talk, "FileServer", f"none of {self.host} was listed when this was written"),)

    async def _commands_left_of_known(self, talk: Talk, record: JsonDict) -> tuple[str, ...]:
        try:
            found = await find_file_server(talk, self.host, quiet=True)
        except PoolwrightError:
            show = talk.dialect.show("FileServer", str(record["file_server_id"]))
            had = ", ".join((*record.get("had_admin", ()), *record.get("had_refresh", ()))) or "none"
            return (f"{show}   # before this run it was served by: {had}",)
        return typed(*self._backward(talk, found, record)) if found is not None else ()

    def _left(self, talk: Talk, why: str, commands: list[Command]) -> Residue:
        return residue(
            talk, f"file server {self.host} is still registered in Manager", self.host, why, commands
        )
