"""Discover a server and own it. `takeOwnership` on an owned server succeeds and does nothing (manager-cli 3.1)."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone
from core.errors import CommandFailed, PoolwrightError, ReplyLost, StepError
from core.models.plan import JsonDict
from core.platforms.oracle_vm.spec import AgentAccess
from core.platforms.oracle_vm.steps.common import (
    SeenServer,
    Who,
    failed,
    find_server,
    held_back,
    in_use,
    is_ours,
    residue,
    roles_of,
    server_id_left,
    to_look,
    typed,
    why_not_release,
)
from core.platforms.oracle_vm.world import OvmWorld, Talk
from core.text import listed

RELEASE_FIX = "let its owner release it, once it is free there (no pool, no virtual machine), then try again"


class OwnServer(Step[OvmWorld]):
    """Args: server (Who), address, agent {user, port}, roles.

    Record: server_id, and from the look before it: known_before, owned_before, roles_before.
    """

    kind: ClassVar[str] = "own_server"

    @property
    def who(self) -> Who:
        return Who.of(self.planned.args["server"])

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.planned.args.get("roles") or ())

    @override
    async def look(self, world: OvmWorld) -> Look:
        talk = world.talk(self.id)
        found = await find_server(talk, self.who)
        if found is None:
            return Look(
                Seen.NOT_THERE, "Manager does not know it", {"known_before": False, "owned_before": False}
            )
        ours = is_ours(talk, found)
        if ours is None:
            return Look(Seen.UNKNOWN, f"Manager does not tell who owns {self.who.name}")
        if ours:
            return self._look_at_owned(found)
        if found.server.owner:
            return Look(
                Seen.FOREIGN, f"{self.who.name} is owned by Manager {found.server.owner}; {RELEASE_FIX}"
            )
        return Look(
            Seen.NOT_THERE,
            "known, but nobody owns it",
            {"server_id": found.id, "known_before": True, "owned_before": False},
        )

    def _look_at_owned(self, found: SeenServer) -> Look:
        if self._roles_differ(found):
            before = sorted(roles_of(found.server.roles))
            record = {
                "server_id": found.id,
                "known_before": True,
                "owned_before": True,
                "roles_before": before,
            }
            return Look(Seen.NOT_THERE, f"owned by this Manager, roles are {', '.join(before)}", record)
        return Look(Seen.THERE, "owned by this Manager", {"server_id": found.id})

    def _roles_differ(self, found: SeenServer) -> bool:
        now = roles_of(found.server.roles)
        return bool(now) and bool(self.roles) and now != self.roles

    @override
    async def do(self, world: OvmWorld) -> JsonDict:
        talk = world.talk(self.id)
        found = await find_server(talk, self.who)
        if found is None:
            found = await self._discover(talk)
        if is_ours(talk, found) is not True:
            found = await self._take(talk, found)
        if self._roles_differ(found):
            await self._set_roles(talk, found.id, self.roles)
        return {"server_id": found.id}

    async def _discover(self, talk: Talk) -> SeenServer:
        args = self.planned.args
        command = talk.dialect.discover(str(args["address"]), AgentAccess(**args.get("agent", {})))

        async def is_listed() -> SeenServer | None:
            found = await find_server(talk, self.who, quiet=True)
            return found if found is not None and is_ours(talk, found) is not None else None

        try:
            found = await talk.change(command, is_listed)
        except CommandFailed as error:
            fix = "check the agent password, port 8899 and the name of the server (R008, R009)"
            raise failed(talk, f"discover {self.who.name}", error, fix=fix) from error
        if found is None:
            raise StepError(
                self.id, f"cannot discover {self.who.name}: Manager said yes, but does not list it"
            )
        return await self._settled_owner(talk, found)

    async def _settled_owner(self, talk: Talk, found: SeenServer) -> SeenServer:
        """The owner may show a moment after the server; a foreign one shows at once and stays."""

        async def is_owned() -> SeenServer | None:
            seen = await find_server(talk, self.who, quiet=True)
            return seen if seen is not None and (is_ours(talk, seen) or seen.server.owner) else None

        return await talk.settle(is_owned, limit_s=3 * talk.world.limits.manager_poll_s) or found

    async def _take(self, talk: Talk, found: SeenServer) -> SeenServer:
        """Own a server that is known and that nobody owns; tell of an owner that made Manager ignore us."""
        if not found.server.owner:
            found = await self._ask_for_it(talk, found)
        if is_ours(talk, found) is True:
            return found
        owner = found.server.owner or await self._owner_by_agent(talk)
        whose = (
            f"it belongs to Manager {owner}"
            if owner not in ("", "none")
            else "Manager ignored it without a word"
        )
        raise StepError(self.id, f"cannot own {self.who.name}: {whose}", fix=RELEASE_FIX)

    async def _ask_for_it(self, talk: Talk, found: SeenServer) -> SeenServer:
        async def is_owned() -> SeenServer | None:
            seen = await find_server(talk, self.who, quiet=True)
            return seen if seen is not None and is_ours(talk, seen) else None

        try:
            seen = await talk.change(talk.dialect.own(found.id), is_owned)
        except CommandFailed as error:
            owner = await self._owner_by_agent(talk)
            if owner not in ("", "none") and owner.casefold() != talk.world.own_uuid.casefold():
                text = f"cannot own {self.who.name}: it belongs to Manager {owner}"
                raise StepError(self.id, text, fix=RELEASE_FIX) from error
            raise failed(talk, f"own {self.who.name}", error, fix=RELEASE_FIX) from error
        return seen or await find_server(talk, self.who) or found

    async def _owner_by_agent(self, talk: Talk) -> str:
        """Owner as the server itself tells it: a UUID, `none`, or '' when it does not tell."""
        agent = talk.world.agent(self.who.name)
        if agent is None:
            return ""
        talk.world.access.logins.forget(
            agent.endpoint.host, agent.endpoint.port
        )  # ownership changes what it takes
        try:
            document = await agent.document("discover_server")
        except (PoolwrightError, ValueError):
            return ""
        if document.get("is_owned") is False:
            return "none"
        return str(document.get("manager_id") or "")

    async def _set_roles(self, talk: Talk, server_id: str, roles: frozenset[str]) -> None:
        async def is_set() -> bool | None:
            seen = await find_server(talk, self.who, quiet=True)
            return True if seen is not None and roles_of(seen.server.roles) == roles else None

        try:
            done = await talk.change(talk.dialect.set_roles(server_id, sorted(roles, reverse=True)), is_set)
        except CommandFailed as error:
            fix = "set the roles in the web interface, then try again"
            raise failed(talk, f"set the roles of {self.who.name}", error, fix=fix) from error
        if done is None:
            raise StepError(self.id, f"cannot set the roles of {self.who.name}: Manager shows other ones")

    @override
    async def verify(self, world: OvmWorld, record: JsonDict) -> Look:
        talk = world.talk(self.id)

        async def is_usable() -> SeenServer | None:
            seen = await find_server(talk, self.who, quiet=True)
            return seen if seen is not None and is_ours(talk, seen) and _is_running(seen) else None

        found = await talk.settle(is_usable) or await find_server(talk, self.who)
        if found is None:
            return Look(Seen.NOT_THERE, f"Manager does not list {self.who.name}")
        ours = is_ours(talk, found)
        if ours is None:
            return Look(Seen.UNKNOWN, f"Manager does not tell who owns {self.who.name}")
        if not ours:
            owner = found.server.owner or "nobody"
            return Look(
                Seen.FOREIGN if found.server.owner else Seen.NOT_THERE,
                f"it is owned by {owner}; {RELEASE_FIX}",
            )
        if not _is_running(found):
            return Look(Seen.NOT_THERE, f"it is owned, but {found.server.state}, not Running (R026)")
        return Look(
            Seen.THERE,
            f"owned by this Manager, {found.server.state or 'state not told'}",
            {"server_id": found.id},
        )

    @override
    async def undo(self, world: OvmWorld, record: JsonDict) -> Undone:
        talk = world.talk(self.id)
        found = await find_server(talk, self.who)
        if found is None:
            await talk.settle(
                talk.is_idle, limit_s=world.limits.manager_command_s
            )  # a lost discover may still run
            found = await find_server(talk, self.who)
        if found is None:
            return Undone(detail="Manager does not list it")
        if record.get("owned_before"):
            return await self._put_back_roles(talk, found, record)
        name = self.who.name
        if vms := found.shown.references("Vm"):
            why = f"VMs live on it: {listed([one.name or one.id for one in vms])}"
            return in_use(talk, f"{name} is still owned by this Manager", name, why)
        release, delete = talk.dialect.release_server(found.id), talk.dialect.delete_server(found.id)
        if found.server.pool_id:
            what, why = f"{name} is still owned by this Manager", why_not_release(talk, found)
            return Undone((residue(talk, what, name, why, [held_back(what, why)], [found.id]),))
        try:
            is_certain = await self._release(talk, found)
        except (CommandFailed, ReplyLost, StepError) as error:
            left = residue(
                talk,
                f"{name} is still owned by this Manager",
                name,
                error.message,
                (release, delete),
                [found.id],
            )
            return Undone((left,), may_retry=True)
        if not record.get("known_before", True):
            try:
                await self._forget(talk, found)
            except (CommandFailed, ReplyLost, StepError) as error:
                what = f"Manager still lists {name}"
                left = residue(talk, what, name, error.message, (delete,), [found.id])
                return Undone((left,), may_retry=True)
        if not is_certain:
            return Undone(certain=False, detail=f"released, but nobody tells whether {name} is unowned now")
        return Undone(detail="released; its NTP and network data stay as Manager set them")

    @override
    async def commands_left(self, world: OvmWorld, record: JsonDict) -> tuple[str, ...]:
        talk = world.talk(self.id)
        if record.get("owned_before"):
            id_, look = await server_id_left(talk, self.who, record)
            before = sorted(record.get("roles_before") or (), reverse=True)
            if not id_ or not before:
                return look
            return typed(talk.dialect.set_roles(id_, before))
        name = self.who.name
        try:
            found = await find_server(talk, self.who, quiet=True)
        except PoolwrightError as error:
            look_up = to_look(talk, "Server", f"is {name} there, and in a pool?")
            return look_up, held_back(
                f"the ownership of {name}", f"Manager cannot be asked ({error.message})"
            )
        if found is None:
            return (to_look(talk, "Server", f"{name}: it was not listed when this was written"),)
        if why := why_not_release(talk, found):
            return (held_back(f"the ownership of {name}", why),)
        if record.get("known_before", True):
            return typed(talk.dialect.release_server(found.id))
        return typed(talk.dialect.release_server(found.id), talk.dialect.delete_server(found.id))

    async def _put_back_roles(self, talk: Talk, found: SeenServer, record: JsonDict) -> Undone:
        before = frozenset(record.get("roles_before") or ())
        if before and roles_of(found.server.roles) != before:
            try:
                await self._set_roles(talk, found.id, before)
            except (StepError, ReplyLost) as error:
                command = talk.dialect.set_roles(found.id, sorted(before, reverse=True))
                left = residue(talk, "other roles than before", self.who.name, error.message, [command])
                return Undone((left,), may_retry=True)
        return Undone(detail="it was owned by this Manager before and stays so")

    async def _release(self, talk: Talk, found: SeenServer) -> bool:
        """Give the server up; True when it is certainly not ours any more, False when nobody tells."""
        if is_ours(talk, found) is False:
            return True

        async def is_free() -> bool | None:
            seen = await find_server(talk, self.who, quiet=True)
            return True if seen is None or is_ours(talk, seen) is False else None

        if await talk.change(talk.dialect.release_server(found.id), is_free):
            return True
        seen = await find_server(talk, self.who)
        if seen is not None and is_ours(talk, seen):
            raise StepError(self.id, f"cannot release {self.who.name}: Manager said yes, but still owns it")
        return await self._owner_by_agent(talk) == "none"

    async def _forget(self, talk: Talk, found: SeenServer) -> None:
        async def is_gone() -> bool | None:
            items = await talk.list("Server", quiet=True)
            return True if all(item.id != found.id for item in items) else None

        if await talk.change(talk.dialect.delete_server(found.id), is_gone) is None:
            raise StepError(self.id, f"cannot make Manager forget {self.who.name}: it still lists it")


def _is_running(seen: SeenServer) -> bool:
    return seen.server.state.casefold() in ("", "running") and seen.server.locked is not True
