"""take_ownership, release_ownership, update_server_roles (agent-rpc 4.2)."""

from __future__ import annotations

from typing import Any

from core.lab.agent.calls.base import TYPE_ERROR, Call, agent_call
from core.lab.operations import CallRefusedError, apply_ownership, clear_ownership, set_roles

STRUCT_KEYS = (
    "manager_uuid",
    "manager_event_url",
    "manager_statistic_url",
    "manager_certificate",
    "signed_server_certificate",
)


@agent_call
def take_ownership(call: Call, *args: Any) -> None:
    """3.2: (manager uuid, core API URL); 3.3 and later: one struct of five strings, then the agent restarts."""
    if call.server.release.startswith("3.2"):
        _expect(args, 2)
        uuid = args[0]
    else:
        _expect(args, 1)
        if not isinstance(args[0], dict):
            raise CallRefusedError("string indices must be integers, not str", exception=TYPE_ERROR)
        missing = next((key for key in STRUCT_KEYS if key not in args[0]), None)
        if missing is not None:
            raise CallRefusedError(repr(missing), exception="exceptions.KeyError")
        uuid = args[0]["manager_uuid"]
    if not isinstance(uuid, str) or not uuid:
        raise CallRefusedError("Invalid manager uuid")  # text invented
    apply_ownership(call.world, call.server, uuid)


@agent_call
def release_ownership(call: Call, manager_uuid: str) -> None:
    clear_ownership(call.world, call.server, manager_uuid)


@agent_call
def update_server_roles(call: Call, roles: str) -> None:
    set_roles(call.world, call.server, tuple(roles.split(",")))


def _expect(args: tuple[Any, ...], count: int) -> None:
    if len(args) != count:
        plural = "" if count == 1 else "s"
        text = f"take_ownership() takes exactly {count} argument{plural} ({len(args)} given)"
        raise CallRefusedError(text, exception=TYPE_ERROR)
