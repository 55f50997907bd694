"""What several steps need: finding servers and pools by reading, words for failures, residue. Writes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from core.engine.step import Undone
from core.errors import CommandFailed, PoolwrightError, StepError
from core.models.events import Residue
from core.models.plan import JsonDict
from core.platforms.oracle_vm.facts import ManagedPool, ManagedRepository, ManagedServer
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.parse import Item, Reply
from core.platforms.oracle_vm.world import Talk
from core.text import inert, listed

MAX_SERVERS = 300  # a Manager holds 256 (server-pools 2d)


class Who(NamedTuple):
    """A server as plan and spec know it: the operator's name, its Unique_Id when known, further names and addresses."""

    name: str
    uuid: str = ""
    also: tuple[str, ...] = ()
    id: str = ""  # Manager's, when it knew the server while the plan was made

    @classmethod
    def of(cls, data: JsonDict) -> Who:
        """From a step's args."""
        words, id_ = tuple(data.get("also") or ()), str(data.get("id") or "")
        return cls(str(data["name"]), str(data.get("uuid") or ""), words, id_)

    def as_args(self) -> JsonDict:
        """For a step's args."""
        return {"name": self.name, "uuid": self.uuid, "also": list(self.also), "id": self.id}

    @property
    def words(self) -> frozenset[str]:
        """Everything Manager might call it, lower case."""
        return frozenset(word.casefold() for word in (self.name, *self.also) if word)


class SeenServer(NamedTuple):
    """A server as Manager shows it now."""

    server: ManagedServer
    shown: Reply

    @property
    def id(self) -> str:
        return self.server.id


async def find_server(talk: Talk, who: Who, *, quiet: bool = False) -> SeenServer | None:
    """Manager's entry of a server: by its Unique_Id, else by address or name; None when Manager does not know it."""
    items = await talk.list("Server", quiet=quiet)
    for item in items:
        if who.uuid and item.id.casefold() == who.uuid.casefold():
            return await _shown(talk, item, quiet)
    return await _by_address(talk, who, items, quiet)


async def _by_address(talk: Talk, who: Who, items: Sequence[Item], quiet: bool) -> SeenServer | None:
    known = talk.world.known_servers
    if len(items) > MAX_SERVERS:
        raise StepError(talk.step, f"cannot look for {who.name}: Manager lists {len(items)} servers")
    for item in items:
        if not known.get(item.id):
            seen = await _shown(talk, item, quiet)
            if seen is None:
                continue
            server = seen.server
            words = (server.address, server.hostname, server.name, item.name)
            known[item.id] = tuple(word.casefold() for word in words if word)
    matching = [item for item in items if who.words & set(known.get(item.id, ()))]
    if not matching:  # Manager may know a full name by its first label only
        short = frozenset(word.split(".")[0] for word in who.words if not _is_address(word))
        matching = [item for item in items if short & set(known.get(item.id, ()))]
    return await _shown(talk, matching[0], quiet) if len(matching) == 1 else None


def _is_address(word: str) -> bool:
    return ":" in word or word.replace(".", "").isdigit()


async def _shown(talk: Talk, item: Item, quiet: bool) -> SeenServer | None:
    shown = await talk.show("Server", item.id, quiet=quiet)
    return SeenServer(objects.server_of(item, shown), shown) if shown is not None else None


async def need_server(talk: Talk, who: Who) -> SeenServer:
    """As find_server, but its absence fails the step."""
    found = await find_server(talk, who)
    if found is None:
        raise StepError(talk.step, f"cannot find {who.name} in Manager", fix="look at `list Server`")
    return found


def is_ours(talk: Talk, seen: SeenServer) -> bool | None:
    """Whether this Manager owns the server: True, False (nobody or another one), None when Manager does not tell."""
    own, owner = talk.world.own_uuid, seen.server.owner
    if own and owner:
        return own.casefold() == owner.casefold()
    taken = objects.is_taken(seen.shown)
    if taken is not None:
        return taken
    if owner is None and (own or seen.shown.get(*objects.OWNER) is not None):
        return False
    return None


class SeenPool(NamedTuple):
    """A pool as Manager shows it now."""

    pool: ManagedPool
    shown: Reply

    @property
    def id(self) -> str:
        return self.pool.id


async def find_pools(talk: Talk, name: str, *, quiet: bool = False) -> list[SeenPool]:
    """All pools of that very name; names need not be unique (manager-cli 3.0)."""
    found = []
    for item in await talk.list("ServerPool", quiet=quiet):
        if item.name == name:
            pool = await show_pool(talk, item, quiet=quiet)
            if pool is not None:
                found.append(pool)
    return found


async def show_pool(talk: Talk, item: Item, *, quiet: bool = False) -> SeenPool | None:
    """One pool; None when it is gone."""
    shown = await talk.show("ServerPool", item.id, quiet=quiet)
    return SeenPool(objects.pool_of(item, shown), shown) if shown is not None else None


async def our_pool(talk: Talk, name: str, *, quiet: bool = False) -> SeenPool:
    """The pool of this run: by the id that its making recorded, else by its name when that is unique."""
    recorded = recorded_id(talk, name)
    if recorded:
        pool = await show_pool(talk, Item(recorded, name), quiet=quiet)
        if pool is not None:
            return pool
    found = await find_pools(talk, name, quiet=quiet)
    if len(found) != 1:
        many = "no pool has that name" if not found else f"{len(found)} pools have that name"
        raise StepError(talk.step, f"cannot find the pool {name}: {many}", fix="look at `list ServerPool`")
    return found[0]


async def who_lives_in(talk: Talk, pool: SeenPool) -> str:
    """Why an undo must leave this pool alone: VMs or repositories live in it; '' when none does.

    Raises what a read raises: a list that cannot be read is no empty one.
    """
    if pool.pool.guests:
        return f"VMs live in the pool: {listed(pool.pool.guests)}"
    found = [one.name for one in await _repositories(talk) if _is_in(one, pool)]
    return f"repositories live in the pool: {listed(found)}" if found else ""


def _is_in(repository: ManagedRepository, pool: SeenPool) -> bool:
    return repository.pool == pool.id or bool(set(repository.presented) & set(pool.pool.members))


async def _repositories(talk: Talk) -> list[ManagedRepository]:
    found = []
    for item in await talk.list("Repository", quiet=True):
        reply = await talk.read(talk.dialect.show("Repository", item.id), quiet=True)
        found.append(objects.repository_of(item, reply))
    return found


def recorded_id(talk: Talk, name: str) -> str:
    """Manager's id of the pool as its making recorded it; empty when it was not made yet."""
    record = next((one for one in talk.world.records.values() if one.get("pool_name") == name), {})
    return str(record.get("pool_id") or "")


def failed(talk: Talk, aim: str, error: CommandFailed, *, fix: str = "") -> StepError:
    """A step's error out of Manager's own: what matters first, the codes after it (server-pools 6)."""
    codes = f" ({' '.join(error.codes)})" if error.codes else ""
    return StepError(talk.step, f"cannot {aim}: {inert(error.reason, 600)}{codes}", fix=fix)


def in_use(talk: Talk, what: str, where: str, why: str) -> Undone:
    """Not undone since somebody lives there: no command is told that would harm them, and what it stands on stays."""
    left = residue(talk, what, where, why).model_copy(update={"is_in_use": True})
    return Undone((left,), certain=False)


def residue(
    talk: Talk, what: str, where: str, why: str, commands: Iterable[Any] = (), objects: Iterable[str] = ()
) -> Residue:
    """Something this run leaves behind, with the commands a person can run and Manager's ids of it."""
    return Residue(
        id=talk.step,
        what=what,
        where=where,
        why=inert(why, 600),
        commands=tuple(str(one) for one in commands),
        objects=tuple(objects),
    )


def held_back(what: str, settle: str) -> str:
    """In the place of a command that would end something in use, or of which nobody knows whether it is."""
    return f"# no command is offered that ends {what}; settle first: {inert(settle, 300)}; then roll this run back"


async def why_not_delete(talk: Talk, pool: SeenPool) -> str:
    """Why no command may be told that deletes a pool: who lives in it, and its servers; '' when it is empty.

    Raises what a read raises.
    """
    count = len(pool.pool.members)
    return await who_lives_in(talk, pool) or (f"{count} servers are in it" if count else "")


def why_not_release(talk: Talk, seen: SeenServer) -> str:
    """Why no command may be told that lets go of a server; '' when it is in nobody's use."""
    if vms := [*seen.server.guests]:
        return f"VMs live on it: {listed(vms)}"
    if seen.server.pool_id:
        return f"it is in the pool {seen.server.pool_name or seen.server.pool_id}"
    owner = seen.server.owner
    if owner and talk.world.own_uuid and owner.casefold() != talk.world.own_uuid.casefold():
        return f"Manager {owner} owns it"
    return ""


async def why_not_take_away(talk: Talk, pool_name: str) -> str:
    """Why storage that this run registered must stay registered: its pool is in use, or nobody can tell."""
    try:
        for pool in await find_pools(talk, pool_name, quiet=True):
            if why := await why_not_delete(talk, pool):
                return f"the pool {pool_name} uses it: {why}"
    except PoolwrightError as error:
        return f"Manager cannot be asked whether the pool {pool_name} uses it ({error.message})"
    return ""


class HasId(Protocol):
    """Anything that Manager shows."""

    @property
    def id(self) -> str:
        """Manager's id of it."""
        ...


async def id_now(find: Callable[[], Awaitable[HasId | None]]) -> str | None:
    """Its id as Manager shows it now, '' when Manager does not list it, None when Manager cannot be asked."""
    try:
        found = await find()
    except PoolwrightError:
        return None
    return found.id if found is not None else ""


def typed(*commands: Command) -> tuple[str, ...]:
    """Commands as a person types them."""
    return tuple(str(one) for one in commands)


def to_look(talk: Talk, type_: str, remark: str) -> str:
    """The command that lists what nobody could look up, and what to look for in it."""
    return f"{talk.dialect.list_of(type_)}   # {remark}"


async def server_id_left(talk: Talk, who: Who, record: JsonDict) -> tuple[str, tuple[str, ...]]:
    """For commands left to a person: a server's id, or '' and the command that shows it."""
    id_: str | None = str(record.get("server_id") or who.uuid)
    if not id_:
        id_ = await id_now(lambda: find_server(talk, who, quiet=True))
    if id_:
        return id_, ()
    why = "nobody could ask for its id" if id_ is None else "it was not listed when this was written"
    return "", (to_look(talk, "Server", f"{who.name}: {why}"),)


def roles_of(words: Iterable[str]) -> frozenset[str]:
    """Roles in our words (`vm`, `utility`) out of Manager's, REST's or the agent's spelling (manager-cli 3.3)."""
    found = set()
    for word in words:
        for part in word.replace(" ", "_").split(","):
            plain = part.strip("_ ").casefold()
            if plain in ("vm", "virtual_machine", "xen", "vm_server", "virtual_machine_server"):
                found.add("vm")
            elif plain in ("utility", "utility_server"):
                found.add("utility")
    return frozenset(found)
