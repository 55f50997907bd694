"""Commands about events and jobs. Events come in no time order, as the real ones do (manager-cli 3.14)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

from core.lab.manager.context import Context, command
from core.lab.manager.objects import find, items
from core.lab.manager.reply import Body, Reply
from core.lab.manager.texts import invented, reply_time
from core.lab.world import LabObject

SEVERITIES = ("UNKNOWN", "INFORMATIONAL", "WARNING", "CRITICAL")
DEFAULT_AMOUNT = 100  # events a query answers with at most (our choice)


@command("getEvents")
async def get_events(ctx: Context) -> Reply:
    if ctx.world.release == "3.2":
        return _events_of_object(ctx)
    if bool(ctx.param("objType")) != bool(ctx.param("objId")):
        raise invented("objType and objId go together")
    is_acked = ctx.is_yes("acknowledged")
    found = [item for item in _events(ctx) if bool(item.attrs["acked"]) == is_acked]
    if ctx.param("objId"):
        found = [item for item in found if item.attrs["object_id"] == _object_id(ctx)]
    severity = ctx.param("severity", "UNKNOWN")
    found = [item for item in found if _rank(item) >= SEVERITIES.index(severity)]
    begin, end = _time(ctx, "startTime"), _time(ctx, "endTime")
    found = [item for item in found if (not begin or item.attrs["time"] >= begin)]
    found = [item for item in found if (not end or item.attrs["time"] <= end)]
    return _reply(ctx, found)


def _events_of_object(ctx: Context) -> Reply:
    key = ctx.target().id
    found = [item for item in _events(ctx) if item.attrs["object_id"] == key]
    if ctx.param("type") == "Ackable":
        found = [item for item in found if not item.attrs["acked"]]
    return _reply(ctx, found)


@command("getEventsForObject")
async def get_events_for_object(ctx: Context) -> Reply:
    key = _object_id(ctx)
    return _reply(ctx, [item for item in _events(ctx) if item.attrs["object_id"] == key])


@command("getTriageEvent")
async def get_triage_event(ctx: Context) -> Reply:
    """The worst one that nobody acknowledged."""
    key = _object_id(ctx)
    found = [item for item in _events(ctx) if item.attrs["object_id"] == key and not item.attrs["acked"]]
    return _reply(ctx, sorted(found, key=_rank)[-1:])


@command("ackEvent")
async def acknowledge(ctx: Context) -> Reply:
    for item in _events(ctx):
        if item.id == ctx.param("eventId"):
            item.attrs["acked"] = True
            return Reply()
    raise invented(f"No event found with id: {ctx.param('eventId')}")


def _object_id(ctx: Context) -> str:
    """The id of objType/objId; a type the release does not know is refused."""
    type_ = ctx.param("objType")
    if type_.lower() not in (name.lower() for name in ctx.dialect.types):
        raise invented(f"No object type: {type_}")
    found = [item.id for item in items(ctx.world, type_) if ctx.param("objId") in (item.id, item.name)]
    return found[0] if found else ctx.param("objId")


def _events(ctx: Context) -> list[LabObject]:
    return ctx.world.of_type("event")


def _rank(item: LabObject) -> int:
    return SEVERITIES.index(item.attrs["severity"])


def _time(ctx: Context, name: str) -> datetime | None:
    text = ctx.param(name)
    if not text:
        return None
    try:
        return datetime.strptime(text, "%m-%d-%Y %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise invented(f"{name} is not of the form MM-dd-yyyy HH:mm: {text}") from None


def _reply(ctx: Context, found: Iterable[LabObject]) -> Reply:
    mixed = sorted(found, key=lambda item: zlib.crc32(item.id.encode()))
    lines: list[str] = []
    for item in mixed[: int(ctx.param("amount", str(DEFAULT_AMOUNT)))]:
        lines += _old_lines(item) if ctx.world.release == "3.2" else _lines(item)
    return Reply(Body.LIST, extra_lines=lines)


def _lines(item: LabObject) -> list[str]:
    attrs = item.attrs
    return [
        f"id = {item.id}",
        f"type = {item.name}",
        f"severity = {attrs['severity']}",
        f"createTime = {reply_time(attrs['time'])}",
        f"objType = {attrs['object_type']}",
        f"objId = {attrs['object_id']}",
        f"acknowledged = {'Yes' if attrs['acked'] else 'No'}",
        f"summary = {' '.join(attrs['summary'].split())}",
        "",
    ]


_OLD_NAMES = {
    "create": "Created",
    "modify": "Modified",
    "delete": "Deleted",
    "path": "Offline",
    "online": "Up",
}


def _old_name(item: LabObject) -> str:
    """3.2 names events as classes (StorageDeviceOfflineEvent, ...CreatedEvent; manager-cli 3.14)."""
    object_type = "StorageDevice" if item.name.startswith("storage.device") else item.attrs["object_type"]
    last = item.name.rpartition(".")[2]
    return f"{object_type}{_OLD_NAMES.get(last, last.capitalize())}Event"


def _old_lines(item: LabObject) -> list[str]:
    attrs = item.attrs
    summary = " ".join(attrs["summary"].split())
    return [f"id:{item.id}  type:{_old_name(item)}  severity:{attrs['severity']}  summary:{summary}"]


@command("abort", "Job")
async def abort_job(ctx: Context) -> Reply:
    assert ctx.call.ref is not None
    item = find(ctx.world, "Job", ctx.call.ref)
    if item.thing.attrs["end"] is not None:
        raise invented(f"Job {item.id} has ended already")
    item.thing.attrs["aborted"] = ctx.user
    return Reply()
