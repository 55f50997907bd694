"""One look at every server of a finished pool: Manager's entry, its agent, its own system. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import CommandFailed, LoginRefused, PoolwrightError, SecretError, TransportError
from core.facts.batch import Section, run_batch
from core.facts.commands import BASE
from core.models.plan import Plan
from core.platforms.oracle_vm.facts import AgentLogin
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import SeenServer, Who, find_server
from core.platforms.oracle_vm.verifying import titles
from core.platforms.oracle_vm.world import OvmWorld, Talk
from core.text import inert

DOM0_LIMIT_S = 30.0
Refused = set[str]  # servers whose agents are not asked again
O2CB_STATUS = "service o2cb status"  # server-pools V07


@dataclass(frozen=True, slots=True)
class ServerLook:
    """What one server's own planes told; a missing dom0 carries the reason."""

    name: str
    seen: SeenServer | None
    dom0: Mapping[str, Section] = field(default_factory=dict)
    dom0_missing: str = titles.NO_LOGIN
    agent: Mapping[str, Any] | None = None  # discover_server
    agent_online: bool | None = None  # is_cluster_online
    agent_login: AgentLogin | None = None  # ACCEPTED, REFUSED, None where it is not known
    agent_missing: str = ""  # why it is not known


async def look_at_servers(world: OvmWorld, talk: Talk, whos: list[Who], refused: Refused) -> list[ServerLook]:
    """All of them side by side; `refused` remembers agents that are not asked again."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_look_at(world, talk, who, refused)) for who in whos]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


def servers_of(spec: PoolSpec, plan: Plan) -> list[Who]:
    """Servers in the order they joined, with what the plan knows of them."""
    known = {
        step.args["server"]["name"]: step.args["server"] for step in plan.steps if step.kind == "own_server"
    }
    return [Who.of(known.get(name, {"name": name})) for name in spec.master_first]


async def _look_at(world: OvmWorld, talk: Talk, who: Who, refused: Refused) -> ServerLook:
    seen = await find_server(talk, who)
    look = await _ask_agent(world, ServerLook(who.name, seen), refused)
    dom0, missing = await _ask_dom0(world, who.name)
    return replace(look, dom0=dom0, dom0_missing=missing)


async def _ask_agent(world: OvmWorld, look: ServerLook, refused: Refused) -> ServerLook:
    """The look with whether the password is still taken, and what the agent tells if so.

    Ownership may have changed what the agent takes, so it is asked once more; a refusal is final.
    """
    if look.name in refused:
        return replace(look, agent_login=AgentLogin.REFUSED)
    agent = world.agent(look.name)
    if agent is None:
        return replace(look, agent_missing="not in the spec")
    world.access.logins.forget(agent.endpoint.host, agent.endpoint.port)
    try:
        document = await agent.document("discover_server")
        online = await agent.call("is_cluster_online")
    except LoginRefused:
        refused.add(look.name)
        return replace(look, agent_login=AgentLogin.REFUSED)
    except (TransportError, SecretError, CommandFailed, ValueError) as error:
        return replace(look, agent_missing=inert(str(error), 200))
    told = online if isinstance(online, bool) else None
    return replace(look, agent_login=AgentLogin.ACCEPTED, agent=document, agent_online=told)


async def _ask_dom0(world: OvmWorld, name: str) -> tuple[Mapping[str, Section], str]:
    commands = {key: BASE[key] for key in ("addr", "ipadm", "mounts", "cluster_conf", "o2cb")}
    commands["o2cb_status"] = O2CB_STATUS
    try:
        session = await world.dom0(name)
        if session is None:
            return {}, titles.NO_LOGIN
        return await run_batch(session, commands, limit_s=DOM0_LIMIT_S), ""
    except (PoolwrightError, ValueError) as error:
        world.forget_dom0(name)
        return {}, inert(str(error), 200)
