"""get_api_version, echo, sleep, dispatch (agent-rpc 4.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from core.lab.agent.calls.base import Call, agent_call, run_call
from core.lab.operations import CallRefusedError, accepts_password, is_agent_up, pause

API_VERSIONS = [3]
_DISPATCH_DEPTH = 3


@agent_call
def get_api_version(call: Call) -> list[int]:
    return list(API_VERSIONS)


@agent_call
def echo(call: Call, msg: Any) -> Any:
    return msg


@agent_call
async def sleep(call: Call, secs: int) -> None:
    await pause(call.world, float(secs))


@agent_call
async def dispatch(call: Call, uri: str, func: str, *args: Any) -> Any:
    """Run `func` on the agent of `uri`, which has the login inside."""
    parts = urlsplit(uri)
    target = call.world.server_by(parts.hostname or "")
    if target is None or not is_agent_up(call.world, target) or call.depth >= _DISPATCH_DEPTH:
        raise CallRefusedError("(111, 'Connection refused')", exception="socket.error")
    if not accepts_password(call.world, target, unquote(parts.username or ""), unquote(parts.password or "")):
        shown = f"<ProtocolError for {parts.hostname}:{parts.port or 8899}/api/3/: 403 Unauthorized access attempt>"
        raise CallRefusedError(shown, exception="xmlrpclib.ProtocolError")
    return await run_call(replace(call, server=target, name=func, depth=call.depth + 1), func, args)
