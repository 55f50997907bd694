"""Everything Manager tells, as facts. Reads only, bounded, and one list that cannot be read spoils no other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TypeVar

from core.errors import BadReply, LoginRefused, TransportError, TrustError
from core.models.facts import Fact, PlaneFact, PlaneState
from core.models.gaps import Gap, GapKind
from core.platforms.oracle_vm.endpoints import MANAGER
from core.platforms.oracle_vm.facts import ManagedEvent, ManagedPlugin, ManagedServer, ManagerFacts
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.parse import Item, Reply
from core.platforms.oracle_vm.manager_cli.session import ManagerSession
from core.platforms.oracle_vm.spec import Release
from core.text import inert

T = TypeVar("T")
MAX_SHOWN = 600  # objects of one type shown one by one; a Manager holds 256 servers (server-pools 2d)
MAX_JOBS = 20
OWN_PARTITION = "OVM_SYS_REPO_PART_"  # Manager's own partitions (manager-cli 3.10)
ALL = ("servers", "pools", "storage", "networks", "repositories", "guests", "jobs", "events")


async def read_manager(
    session: ManagerSession, *, what: Collection[str] = ALL, limit_s: float = 600.0
) -> ManagerFacts:
    """All that Manager tells of itself and its objects; never raises for Manager's answers, only for a lost trust.

    `what` limits the reading (words of ALL); within `limit_s` what was not reached stays 'not asked'.
    """
    reader = _Reader(session)
    plane = PlaneFact(state=PlaneState.OK)
    try:
        async with asyncio.timeout(limit_s):
            await reader.everything(what)
    except TimeoutError:
        plane = PlaneFact(state=PlaneState.BROKEN, reason=f"not all could be read within {limit_s:g} s")
    except (TrustError, LoginRefused):
        raise
    except TransportError as error:
        plane = PlaneFact(state=PlaneState.BROKEN, reason=inert(str(error), 400))
    return ManagerFacts(**reader.facts, plane=plane, observed_at=datetime.now(UTC))


class _Reader:
    """Collects facts by field name, so that what was read before a failure is kept."""

    def __init__(self, session: ManagerSession) -> None:
        self.session = session
        self.facts: dict[str, Fact[object]] = {}

    async def everything(self, what: Collection[str]) -> None:
        session = self.session
        self._see("version", session.version, "Manager showversion")
        self._see("release", str(session.dialect.release), "Manager showversion")
        await self._manager()
        if "servers" in what:
            await self._objects("servers", "Server", objects.server_of)
            await self._objects("cpu_groups", "CpuCompatibilityGroup", objects.group_of, since=Release.R33)
        if "pools" in what:
            await self._objects("pools", "ServerPool", objects.pool_of)
        if "storage" in what:
            await self._storage()
        if "networks" in what:
            await self._objects("networks", "Network", objects.network_of)
        if "repositories" in what:
            await self._objects("repositories", "Repository", objects.repository_of)
        if "guests" in what:
            await self._guests()
        if "jobs" in what:
            await self._objects("jobs", "Job", objects.job_of, newest=MAX_JOBS)
        if "events" in what:
            await self._events()

    async def _storage(self) -> None:
        array_type = self.session.dialect.array_type
        await self._plugins()
        await self._objects("file_servers", "FileServer", objects.file_server_of)
        await self._objects("file_systems", "FileSystem", objects.file_system_of)
        await self._objects("arrays", array_type, objects.array_of)
        await self._objects("access_groups", "AccessGroup", objects.access_group_of)
        await self._objects("disks", "PhysicalDisk", objects.disk_of, skip=OWN_PARTITION)

    async def _manager(self) -> None:
        reply = await self._list("Manager")
        if not reply.is_success or not reply.items:
            for field in ("uuid", "name", "run_state"):
                if reply.is_success:
                    self._miss(field, "Manager lists no Manager", "Manager list Manager")
                else:
                    self._failed(field, reply, "Manager list Manager")
            return
        item = reply.items[0]
        shown = await self._show("Manager", item)
        self._see("uuid", (shown.id if shown else "") or item.id, "Manager list Manager")
        self._see("name", item.name, "Manager list Manager")
        state = (shown.get("Manager Run State", "Run State", "Status") if shown else None) or None
        self._see("run_state", state, "Manager show Manager")

    async def _objects(
        self,
        field: str,
        type_: str,
        make: Callable[[Item, Reply], object],
        *,
        skip: str = "",
        newest: int = 0,
        since: Release = Release.R32,
    ) -> None:
        source = f"Manager list {type_}"
        if self.session.dialect.release < since:
            self._miss(field, f"{self.session.dialect.release} has no {type_}", source, GapKind.NOT_POSSIBLE)
            return
        reply = await self._list(type_)
        if not reply.is_success:
            self._failed(field, reply, source)
            return
        items = [item for item in reply.items if not (skip and item.name.startswith(skip))]
        if newest:
            items = sorted(items, key=lambda item: item.id, reverse=True)[:newest]
        if len(items) > MAX_SHOWN:
            self._miss(
                field, f"{len(items)} objects are more than the {MAX_SHOWN} that are looked at", source
            )
            return
        made = []
        for item in items:
            shown = await self._show(type_, item)
            made.append(make(item, shown or Reply()))
        self._see(field, tuple(made), source)

    async def _guests(self) -> None:
        """Only the list: pools and servers name the guests that are in them."""
        reply = await self._list("Vm")
        if reply.is_success:
            self._see("guests", tuple(objects.guest_of(item) for item in reply.items), "Manager list Vm")
        else:
            self._miss("guests", inert(reply.text, 200), "Manager list Vm")

    async def _plugins(self) -> None:
        if self.session.dialect.release is Release.R32:
            self._miss("plugins", "3.2 does not list plug-ins", "Manager", GapKind.NOT_POSSIBLE)
            return
        found = []
        for kind in ("FileServerPlugin", "StorageArrayPlugin"):
            reply = await self._list(kind)
            if not reply.is_success:
                self._failed("plugins", reply, f"Manager list {kind}")
                return
            found += [ManagedPlugin(id=item.id, name=item.name, kind=kind) for item in reply.items]
        self._see("plugins", tuple(found), "Manager list FileServerPlugin")

    async def _events(self) -> None:
        command = self.session.dialect.events()
        if command is None:
            why = f"{self.session.dialect.release} has no such query"
            self._miss("events", why, "Manager getEvents", GapKind.NOT_POSSIBLE)
            return
        reply = await self.session.try_read(command)
        if not reply.is_success:
            self._failed("events", reply, "Manager getEvents")
            return
        self._see("events", events_of(reply), "Manager getEvents")

    async def _list(self, type_: str) -> Reply:
        try:
            return await self.session.try_read(self.session.dialect.list_of(type_))
        except BadReply as error:
            return Reply(status="Failure", error=error.message)

    async def _show(self, type_: str, item: Item) -> Reply | None:
        try:
            reply = await self.session.try_read(self.session.dialect.show(type_, item.id))
        except BadReply:
            return None
        return reply if reply.is_success else None

    def _see(self, field: str, value: object, source: str) -> None:
        self.facts[field] = Fact[object].seen(value, source, datetime.now(UTC))

    def _miss(self, field: str, why: str, source: str, kind: GapKind = GapKind.NOT_TOLD) -> None:
        gap = Gap(kind=kind, fact=field, connection=MANAGER, source=source, text=why)
        self.facts[field] = Fact[object].absent(gap, observed_at=datetime.now(UTC))

    def _failed(self, field: str, reply: Reply, source: str) -> None:
        self._miss(field, self.session.told(reply, 200), source, GapKind.FAILED)


def events_of(reply: Reply) -> tuple[ManagedEvent, ...]:
    """Events out of getEvents: one attribute a line or `key:value` runs; a new id or a repeated key starts the next."""
    groups: list[dict[str, str]] = []
    pairs = [(one.name.casefold(), one.value) for one in reply.attributes]
    pairs += [
        ("id", item.id) if not item.name else ("item", f"{item.id}\t{item.name}") for item in reply.items
    ]
    groups += [_run_of(line) for line in reply.extra if re.match(r"\s*(?:id|type|severity):", line)]
    for name, value in pairs:
        key = name.replace("event", "").replace(" ", "") or "id"
        if key == "item":
            id_, text = value.split("\t", 1)
            groups.append({"id": id_, "summary": text})
            continue
        if not groups or key in groups[-1]:
            groups.append({})
        groups[-1][key] = value.strip()
    return tuple(_event(group) for group in groups if "id" in group or "type" in group)


def _run_of(line: str) -> dict[str, str]:
    """`id:1  type:StorageDeviceUpEvent  severity:...`, two blanks in between (manager-cli 3.14)."""
    found: dict[str, str] = {}
    for part in re.split(r"\s{2,}", line.strip()):
        key, _, value = part.partition(":")
        found.setdefault(key.strip().casefold(), value.strip())
    return found


def _event(group: dict[str, str]) -> ManagedEvent:
    return ManagedEvent(
        id=group.get("id", ""),
        severity=group.get("severity", ""),
        kind=group.get("type", ""),
        text=group.get("summary") or group.get("description") or group.get("message") or "",
        object_id=group.get("objid") or group.get("object") or group.get("objectid") or "",
    )


async def read_server(
    session: ManagerSession, id_: str, *, step: str = ""
) -> tuple[ManagedServer, Reply] | None:
    """One server as it is now, with the raw reply; None when Manager does not know it."""
    reply = await session.try_read(session.dialect.show("Server", id_), step=step)
    return (objects.server_of(Item(id_, reply.name), reply), reply) if reply.is_success else None
