"""Whether a lab server can be reached and logged in to, which faults apply now, and how simulated time
passes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from core.lab.world import LabServer, World

# Names in LabServer.faults, or in World.faults with `server`, that make the agent's socket refuse
# connections.
AGENT_DOWN_FAULTS = frozenset({"agent-down", "server-down", "unreachable"})


class CallRefusedError(Exception):
    """A call the agent of a lab server refuses: `reason` without exception type, `exception` as Python names
    it.
    """

    def __init__(self, reason: str, *, exception: str = "exceptions.Exception") -> None:
        super().__init__(reason)
        self.reason = reason
        self.exception = exception

    def text(self, server: LabServer) -> str:
        """The faultString in this server's release: 3.2 bare, later in `<type '...'>` (agent-rpc 6.2)."""
        if server.release.startswith("3.2"):
            return f"{self.exception}:{self.reason}"
        return f"<type '{self.exception}'>:{self.reason}"


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(str(part) for part in value)
    return (str(value),)


def fault(
    world: World, name: str, *, server: LabServer | None = None, peek: bool = False, **given: object
) -> Mapping[str, Any] | None:
    """The parameters of fault `name` when it applies to this server and these circumstances, else None.

    A fault is set in `LabServer.faults` (by name) or in `World.faults` (name -> parameters).
    Filters among the parameters: `server`/`servers` (names), `after_s`/`for_s` (simulated seconds since the
    lab began), and every keyword given here (`verb`, `number`, `object`), compared without case. `after` lets
    that many matches pass, `count` is how many times it strikes. `peek` looks without counting.
    """
    if server is not None and name in server.faults:
        return world.faults.get(name, {})
    params = world.faults.get(name)
    if params is None or not _concerns(params, server) or not _is_time(world, params):
        return None
    for key, value in given.items():
        if key in params and str(value).lower() not in {part.lower() for part in _names(params[key])}:
            return None
    hits = world.fault_hits.get(name, 0)
    if not peek:
        world.fault_hits[name] = hits + 1
    first = int(params.get("after", 0))
    if hits < first or ("count" in params and hits >= first + int(params["count"])):
        return None
    return params


def _concerns(params: Mapping[str, Any], server: LabServer | None) -> bool:
    wanted = {*_names(params.get("server", ())), *_names(params.get("servers", ()))}
    return not wanted or (server is not None and bool(wanted & {server.name, server.fqdn, server.address}))


def _is_time(world: World, params: Mapping[str, Any]) -> bool:
    age_s = (time.time() - world.started_at) * world.speed
    begin = float(params.get("after_s", 0.0))
    return age_s >= begin and age_s <= begin + float(params.get("for_s", "inf"))


def is_agent_up(world: World, server: LabServer) -> bool:
    """Whether the agent's socket answers at all; Manager and the agent's socket both go by this."""
    if server.run_state != "RUNNING":
        return False
    return not any(fault(world, name, server=server, peek=True) is not None for name in AGENT_DOWN_FAULTS)


def accepts_password(world: World, server: LabServer, user: str, password: str) -> bool:
    """Whether the agent takes this basic login now; once owned (3.3+) it does not, unless the switch says
    so.
    """
    if (
        server.owner is not None
        and not server.release.startswith("3.2")
        and not world.switches.password_after_ownership
    ):
        return False
    return user == "oracle" and password == server.password


async def pause(world: World, seconds: float) -> None:
    """Let simulated seconds pass, divided by `world.speed`."""
    await asyncio.sleep(max(0.0, seconds) / world.speed if world.speed > 0 else 0.0)
