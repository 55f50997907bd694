"""Look at the finished pool through Manager, agents and dom0 (server-pools 7a). Reads only.

What nobody could look at is holds=None with the reason: that is not a yes. One item a question, not a server.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import CommandFailed, LoginRefused, PoolwrightError, SecretError, StepError, TransportError
from core.facts.batch import Section, run_batch
from core.facts.commands import BASE
from core.facts.linux import parse_ip_addr, parse_mounts
from core.models.events import Verified
from core.models.plan import Plan
from core.platforms.oracle_vm.manager_cli import objects
from core.platforms.oracle_vm.manager_cli.read import events_of
from core.platforms.oracle_vm.spec import PoolSpec, Release
from core.platforms.oracle_vm.steps.common import SeenPool, SeenServer, Who, find_server, is_ours, our_pool
from core.platforms.oracle_vm.world import OvmWorld, Talk
from core.text import inert, listed

STEP = "verify:pool"
DOM0_LIMIT_S = 30.0
Refused = dict[str, str]  # server -> answer of an agent that is not asked again
O2CB_STATUS = "service o2cb status"  # server-pools V07


@dataclass(frozen=True, slots=True)
class ServerLook:
    """What one server's own planes told; a missing dom0 carries the reason."""

    name: str
    seen: SeenServer | None
    dom0: Mapping[str, Section] = field(default_factory=dict)
    dom0_missing: str = "no SSH login to the servers is given"
    agent: Mapping[str, Any] | None = None  # discover_server
    agent_online: bool | None = None  # is_cluster_online
    agent_password: str = ""  # accepted, refused, or why it is not known


async def verify_pool(world: OvmWorld, spec: PoolSpec, plan: Plan) -> Sequence[Verified]:
    """All items in a fixed order; an essential one that does not hold is asked again until things have settled."""
    talk = world.talk(STEP)
    deadline = time.monotonic() + world.limits.manager_settle_s
    refused: Refused = {}
    while True:
        items = await _all_items(world, talk, spec, plan, refused)
        if all(item.holds is not False or not item.is_essential for item in items):
            return items
        if time.monotonic() >= deadline:
            return items
        await asyncio.sleep(world.limits.manager_poll_s)


async def _all_items(
    world: OvmWorld, talk: Talk, spec: PoolSpec, plan: Plan, refused: Refused
) -> list[Verified]:
    try:
        pool = await our_pool(talk, spec.pool.name)
    except StepError as error:
        return [
            Verified(
                id="pool.exists", title="the pool exists", holds=False, detail=error.message, source="V01"
            )
        ]
    looks = await _look_at_servers(world, talk, _whos(spec, plan), refused)
    items = [*_pool_items(spec, pool), *_member_items(spec, pool, looks), *_server_items(talk, looks)]
    items += [_password_item(looks), _membership_item(looks), _vip_item(spec, looks)]
    if spec.pool.clustered:
        items += _cluster_items(spec, plan, looks)
    items += [_cpu_item(looks), await _events_item(talk, pool, looks)]
    return items


# -- looking -------------------------------------------------------------------------------------------------------


async def _look_at_servers(
    world: OvmWorld, talk: Talk, whos: list[Who], refused: Refused
) -> list[ServerLook]:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_look_at(world, talk, who, refused)) for who in whos]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


def _whos(spec: PoolSpec, plan: Plan) -> list[Who]:
    """Servers in the order they joined, with what the plan knows of them."""
    known = {
        step.args["server"]["name"]: step.args["server"] for step in plan.steps if step.kind == "own_server"
    }
    return [Who.of(known.get(name, {"name": name})) for name in spec.master_first]


async def _look_at(world: OvmWorld, talk: Talk, who: Who, refused: Refused) -> ServerLook:
    seen = await find_server(talk, who)
    password, document, online = await _ask_agent(world, who.name, refused)
    dom0, missing = await _ask_dom0(world, who.name)
    return ServerLook(who.name, seen, dom0, missing, document, online, password)


async def _ask_agent(
    world: OvmWorld, name: str, refused: Refused
) -> tuple[str, Mapping[str, Any] | None, bool | None]:
    """Whether the password is still taken, and what the agent tells if so.

    Ownership may have changed what the agent takes, so it is asked once more; a refusal is final.
    """
    if name in refused:
        return refused[name], None, None
    agent = world.agent(name)
    if agent is None:
        return "not in the spec", None, None
    world.access.logins.forget(agent.endpoint.host, agent.endpoint.port)
    try:
        document = await agent.document("discover_server")
        online = await agent.call("is_cluster_online")
    except LoginRefused:
        refused[name] = "refused"
        return "refused", None, None
    except (TransportError, SecretError, CommandFailed, ValueError) as error:
        return inert(str(error), 200), None, None
    return "accepted", document, online if isinstance(online, bool) else None


async def _ask_dom0(world: OvmWorld, name: str) -> tuple[Mapping[str, Section], str]:
    commands = {key: BASE[key] for key in ("addr", "ipadm", "mounts", "cluster_conf", "o2cb")}
    commands["o2cb_status"] = O2CB_STATUS
    try:
        session = await world.dom0(name)
        if session is None:
            return {}, "no SSH login to the servers is given"
        return await run_batch(session, commands, limit_s=DOM0_LIMIT_S), ""
    except (PoolwrightError, ValueError) as error:
        world.forget_dom0(name)
        return {}, inert(str(error), 200)


# -- Manager's side ------------------------------------------------------------------------------------------------


def _pool_items(spec: PoolSpec, pool: SeenPool) -> list[Verified]:
    wanted = spec.pool
    seen_vip = pool.pool.virtual_ip
    is_shown = pool.shown.get(*objects.VIRTUAL_IP) is not None
    clustered = pool.pool.clustered
    return [
        Verified(
            id="pool.exists",
            title="the pool exists under its name",
            holds=pool.pool.name == wanted.name,
            detail=f"{pool.pool.name} ({pool.id})",
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.virtual_ip",
            title="the virtual IP is the one asked for",
            holds=(seen_vip == wanted.virtual_ip) if is_shown or seen_vip else None,
            detail=f"{seen_vip or 'none'}" if is_shown else "Manager does not show it",
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.clustered",
            title="clustered" if wanted.clustered else "not clustered",
            holds=None if clustered is None else clustered == wanted.clustered,
            detail="Manager does not show it"
            if clustered is None
            else ("clustered" if clustered else "not clustered"),
            source="V01 Manager show ServerPool",
        ),
    ]


def _member_items(spec: PoolSpec, pool: SeenPool, looks: list[ServerLook]) -> list[Verified]:
    ids = {look.name: look.seen.id if look.seen else "" for look in looks}
    missing = [name for name, id_ in ids.items() if id_ not in pool.pool.members]
    others = [id_ for id_ in pool.pool.members if id_ not in ids.values()]
    names = {id_: name for name, id_ in ids.items() if id_}
    first = spec.master_first[0]
    master = pool.pool.master
    said = f"{len(pool.pool.members)} members"
    if missing:
        said = f"missing: {listed(missing)}"
    elif others:
        said += f", {len(others)} of them not in the spec"
    return [
        Verified(
            id="pool.members",
            title="every server is a member, and nobody else",
            holds=not missing and not others,
            detail=said,
            source="V01 Manager show ServerPool",
        ),
        Verified(
            id="pool.master",
            title=f"{first} is the master",
            holds=None if master is None else master == ids[first],
            detail="Manager shows no master" if master is None else names.get(master, master),
            source="V01 Manager show ServerPool",
            is_essential=False,  # a master that moved is a change, not a broken pool
        ),
    ]


def _server_items(talk: Talk, looks: list[ServerLook]) -> list[Verified]:
    unlisted = [look.name for look in looks if look.seen is None]
    states = {look.name: look.seen.server.state for look in looks if look.seen}
    down = [f"{name} is {state}" for name, state in states.items() if state and state.casefold() != "running"]
    untold = [name for name, state in states.items() if not state]
    owners = {look.name: is_ours(talk, look.seen) for look in looks if look.seen}
    foreign = [name for name, ours in owners.items() if ours is False]
    unclear = [name for name, ours in owners.items() if ours is None]
    return [
        Verified(
            id="servers.running",
            title="every server is Running",
            holds=False if down or unlisted else None if untold else True,
            detail=listed([*down, *(f"{name} is not listed" for name in unlisted)])
            or (f"no state shown for {listed(untold)}" if untold else f"{len(states)} servers Running"),
            source="V02 Manager show Server",
        ),
        Verified(
            id="servers.owner",
            title="every server is owned by this Manager",
            holds=False if foreign or unlisted else None if unclear else True,
            detail=f"not ours: {listed(foreign)}" if foreign else f"not told for {listed(unclear)}" if unclear
            else f"{len(owners)} servers, owner read back",
            source="V02 Manager show Server",
        ),
    ]  # fmt: skip


def _cpu_item(looks: list[ServerLook]) -> Verified:
    groups = {look.name: look.seen.server.cpu_group for look in looks if look.seen}
    known = sorted({group for group in groups.values() if group})
    holds = None if len([group for group in groups.values() if group]) < len(looks) else len(known) == 1
    return Verified(
        id="cpu.groups",
        title="one processor compatibility group",
        holds=holds,
        detail=listed(known) or "Manager shows no group",
        source="V16 Manager show Server",
        is_essential=False,
    )


async def _events_item(talk: Talk, pool: SeenPool, looks: list[ServerLook]) -> Verified:
    command = talk.dialect.events()
    holds: bool | None = None
    detail = f"{talk.dialect.release} has no query for all events"
    if command is not None:
        reply = await talk.try_read(command)
        if reply.is_success:
            ours = {pool.id, *(look.seen.id for look in looks if look.seen)}
            events = [event for event in events_of(reply) if not event.object_id or event.object_id in ours]
            holds = not events
            detail = (
                "none"
                if not events
                else listed([event.text or event.kind or event.id for event in events], 4)
            )
        else:
            detail = inert(reply.text, 200)
    return Verified(
        id="events.clean",
        title="no unacknowledged warning or error event",
        holds=holds,
        detail=detail,
        source="V03 Manager getEvents",
        is_essential=False,
    )


# -- the servers' side ---------------------------------------------------------------------------------------------


def _password_item(looks: list[ServerLook]) -> Verified:
    """As seen: documentation says certificates take its place, a refusal was never seen (server-pools 9, 20)."""
    by_answer: dict[str, list[str]] = {}
    for look in looks:
        by_answer.setdefault(look.agent_password, []).append(look.name)
    told = {answer: names for answer, names in by_answer.items() if answer in ("accepted", "refused")}
    words = {"accepted": "still accepted by", "refused": "refused by"}
    detail = "; ".join(f"{words.get(answer, answer)} {listed(names)}" for answer, names in by_answer.items())
    return Verified(
        id="agent.password",
        title="agent password after ownership, as seen",
        holds=True if len(told) == len(by_answer) else None,
        detail=detail,
        source="R009 agent discover_server",
        is_essential=False,
    )


def _membership_item(looks: list[ServerLook]) -> Verified:
    pools = {look.name: look.agent.get("pool_id") for look in looks if look.agent is not None}
    silent = [look.name for look in looks if look.agent is None]
    differing = len(set(pools.values())) > 1 or None in pools.values()
    return Verified(
        id="agents.membership",
        title="the servers agree on the pool they are in",
        holds=False if differing else None if silent else True,
        detail=f"not told by {listed(silent)} (an owned server refuses the password)" if silent
        else f"pools seen: {listed(sorted({str(pool) for pool in pools.values()}))}",
        source="V04 agent discover_server",
        is_essential=False,
    )  # fmt: skip


def _by_dom0(looks: list[ServerLook], key: str) -> tuple[dict[str, Section], str]:
    """A dom0 section of every server, or why it is not there for all of them."""
    sections = {look.name: look.dom0[key] for look in looks if key in look.dom0}
    reasons = [f"{look.name}: {look.dom0_missing}" for look in looks if key not in look.dom0]
    reasons += [f"{name}: {section.why_not}" for name, section in sections.items() if not section.worked]
    if len(reasons) == len(looks) and not sections:
        return {}, looks[0].dom0_missing if len({look.dom0_missing for look in looks}) == 1 else listed(
            reasons, 3
        )
    return sections, listed(reasons, 3)


def _vip_item(spec: PoolSpec, looks: list[ServerLook]) -> Verified:
    vip = spec.pool.virtual_ip
    title = "the virtual IP is on exactly one server" if vip else "no virtual IP was asked for"
    source = "V06 ssh ip addr"
    if vip is None:
        return Verified(id="pool.vip_holder", title=title, holds=True, detail="none", source="spec")
    is_solaris = any("ipadm" in look.dom0 and look.dom0["ipadm"].worked for look in looks)
    sections, missing = _by_dom0(looks, "ipadm" if is_solaris else "addr")
    holders = [name for name, section in sections.items() if vip in _addresses(section.text)]
    holds: bool | None = len(holders) == 1
    if missing and len(holders) < 2:
        holds = None
    detail = f"on {listed(holders)}" if holders else "on none of the servers looked at"
    return Verified(
        id="pool.vip_holder",
        title=title,
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source=source,
    )


def _addresses(text: str) -> set[str]:
    """Addresses in `ip -o -4 addr show` or, of a SPARC control domain, `ipadm show-addr -p -o addrobj,addr`."""
    return {one.address for one in parse_ip_addr(text)} | set(
        re.findall(r"(?m):([\d.]{7,15})/\d{1,2}$", text)
    )


def _cluster_items(spec: PoolSpec, plan: Plan, looks: list[ServerLook]) -> list[Verified]:
    if any("sparc" in (look.seen.server.processor_type if look.seen else "").casefold() for look in looks):
        detail = "SPARC: the cluster's state is not read from the control domains"
        return [
            Verified(
                id="cluster.online",
                title="the cluster is online",
                holds=None,
                detail=detail,
                is_essential=False,
            )
        ]
    expected = None if plan.release == Release.R32 else spec.pool.timeout_s // 2 + 1
    return [
        _online_item(looks),
        _threshold_item(looks, expected),
        _conf_item(looks),
        _mount_item(looks),
    ]


def _online_item(looks: list[ServerLook]) -> Verified:
    answers = {look.name: _is_online(look) for look in looks}
    offline = [name for name, answer in answers.items() if answer is False]
    untold = [name for name, answer in answers.items() if answer is None]
    why = next((look.dom0_missing for look in looks if look.name in untold and look.dom0_missing), "not told")
    return Verified(
        id="cluster.online",
        title="the cluster is online on every server",
        holds=False if offline else None if untold else True,
        detail=f"offline on {listed(offline)}"
        if offline
        else f"{listed(untold)}: {why}"
        if untold
        else "online",
        source="V07 agent is_cluster_online, ssh service o2cb status",
    )


def _is_online(look: ServerLook) -> bool | None:
    if look.agent_online is not None:
        return look.agent_online
    section = look.dom0.get("o2cb_status")
    if section is None or section.status in (None, 126, 127):
        return None
    if re.search(r"(?i)cluster\s+\"?[\w.-]*\"?\s*:?\s*online", section.text):
        return True
    return False if re.search(r"(?i)\boffline\b|not (?:loaded|running|mounted)", section.text) else None


def _threshold_item(looks: list[ServerLook], expected: int | None) -> Verified:
    sections, missing = _by_dom0(looks, "o2cb")
    values = {name: _threshold(section.text) for name, section in sections.items() if section.worked}
    wrong = [f"{name} has {value}" for name, value in values.items() if expected and value != expected]
    is_equal = len(set(values.values())) <= 1
    holds: bool | None = is_equal and not wrong
    if missing or not values:
        holds = None if is_equal and not wrong else False
    aim = f"{expected}" if expected else "the same"
    detail = listed(wrong) or listed(sorted({str(value) for value in values.values()})) or "not seen"
    return Verified(
        id="cluster.threshold",
        title=f"heartbeat threshold is {aim} on every server",
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V08 ssh cat /etc/sysconfig/o2cb",
    )


def _threshold(text: str) -> int | None:
    match = re.search(r"(?m)^\s*O2CB_HEARTBEAT_THRESHOLD\s*=\s*\"?(\d{1,6})", text)
    return int(match[1]) if match else None


def _conf_item(looks: list[ServerLook]) -> Verified:
    sections, missing = _by_dom0(looks, "cluster_conf")
    texts = {name: stanzas(section.text) for name, section in sections.items() if section.worked}
    is_equal = len(set(texts.values())) <= 1
    nodes = [sum(1 for stanza in stanza_list if stanza.startswith("node:")) for stanza_list in texts.values()]
    wrong_count = [count for count in nodes if count != len(looks)]
    holds: bool | None = is_equal and not wrong_count
    if missing or not texts:
        holds = None if is_equal and not wrong_count else False
    detail = "differs between servers" if not is_equal else f"{nodes[0]} nodes" if nodes else "not seen"
    return Verified(
        id="cluster.conf",
        title="cluster.conf is equal everywhere and names every server",
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V09 ssh cat /etc/ocfs2/cluster.conf",
    )


def stanzas(text: str) -> tuple[str, ...]:
    """Stanzas of a cluster.conf, blanks and order apart: files are equal when these are (agent-rpc 8)."""
    found: list[list[str]] = []
    for line in text.replace("\r", "").split("\n"):
        plain = re.sub(r"\s*=\s*", "=", line.strip())
        if not plain:
            continue
        if not line[:1].isspace() and plain.endswith(":"):
            found.append([plain])
        elif found:
            found[-1].append(plain)
    return tuple(sorted(" ".join([stanza[0], *sorted(stanza[1:])]) for stanza in found))


def _mount_item(looks: list[ServerLook]) -> Verified:
    sections, missing = _by_dom0(looks, "mounts")
    mounted = {name: _pool_mounts(section.text) for name, section in sections.items() if section.worked}
    without = [name for name, count in mounted.items() if count == 0]
    holds: bool | None = not without
    if missing or not mounted:
        holds = False if without else None
    detail = f"not on {listed(without)}" if without else f"on {len(mounted)} servers"
    return Verified(
        id="cluster.mounted",
        title="the pool file system is mounted on every server",
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V10 ssh cat /proc/mounts",
    )


def _pool_mounts(text: str) -> int:
    return sum(
        1 for mount in parse_mounts(text) if mount.kind == "ocfs2" and "/Repositories/" not in mount.path
    )
