"""Faults of agents and dom0s by name, and when they strike. Manager's own faults are in Manager's rooms.

A fault stands in `World.faults[name]` with parameters, or in `LabServer.faults` (then it always strikes).
Parameters, all optional: `server` (name or names; without it all), `on` (calls or commands it strikes), `after`
(hits that pass first), `count` (hits that strike), times as operations.reach reads them, `seconds` (how long,
simulated), `bytes` (how much).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.lab.operations.reach import fault
from core.lab.world import LabServer, World

Params = Mapping[str, Any]

FAULTS: dict[str, str] = {
    "agent-down": "the agent's port refuses every connection",
    "agent-slow": "the agent answers only after `seconds` (default 30)",
    "agent-hangs": "the agent takes the request and never answers",
    "agent-drops": "the agent closes the connection once it has read the request",
    "agent-garbage": "the agent answers with bytes that are neither XML nor HTTP-like content",
    "agent-huge": "the agent answers with a string of `bytes` (default 64 MiB)",
    "agent-bomb": "the agent answers with an XML entity bomb inside the document",
    "agent-escape": "texts of the agent's documents carry terminal escape sequences and markup",
    "agent-truncated-document": "the reply is whole, the document inside it stops in the middle",
    "agent-half-reply": "the agent promises a length, sends half of it and closes",
    "agent-charset": "the agent's answer says one encoding and is in another, with bytes that are in none",
    "agent-short-length": "the agent promises half the length that it sends",
    "agent-trickle": "the agent sends its answer one byte a second",
    "agent-status": "the agent answers HTTP 500 with an HTML page",
    "agent-nil": "discover_* calls return nil",
    "agent-no-tls": "the port speaks plain HTTP where TLS is expected",
    "agent-new-certificate": "from `after` connections on, the agent shows another certificate",
    "agent-fault": "every call ends in a fault with the text `text`",
    "ssh-down": "dom0's SSH port refuses every connection",
    "ssh-hangs": "dom0 accepts the connection and says nothing",
    "ssh-drops": "dom0 closes the connection while a command runs",
    "ssh-slow": "every command takes `seconds` (default 30) longer",
    "ssh-command-hangs": "the commands of `on` never end",
    "ssh-huge": "commands print `bytes` (default 64 MiB) of text",
    "ssh-charset": "command output is Latin-1 where UTF-8 is expected",
    "ssh-trickle": "command output begins with `bytes` (default 3600) more, one a second",
    "ssh-escape": "command output carries terminal escape sequences",
    "ssh-garbage": "command output is random bytes",
    "ssh-new-host-key": "the host key is another one than the ready file says",
    "ssh-no-exec": "channels are refused: no command can be run",
    "ssh-half-reply": "dom0 cuts the output of a command in the middle and closes",
    "clock-jump": "the server's clock jumps by `seconds` (default 300) once the fault has begun",
}
DEFAULT_SECONDS = 30.0
DEFAULT_BYTES = 64 * 1024 * 1024
ESCAPE_TEXT = "\x1b]0;owned\x07\x1b[2J\x1b[31m[bold]<script>alert(1)</script>\u202e\x00\x9b1m"


def active(
    world: World, name: str, server: LabServer | None = None, *, on: str = "", peek: bool = False
) -> Mapping[str, Any] | None:
    """Parameters of a fault that strikes now (maybe empty), or None; `peek` looks without counting a hit."""
    return fault(world, name, server=server, peek=peek, on=on)


def seconds_of(params: Mapping[str, Any], world: World, default: float = DEFAULT_SECONDS) -> float:
    """How long a fault lasts in real seconds: its simulated `seconds` divided by the lab's speed."""
    return float(params.get("seconds", default)) / world.speed


def bytes_of(params: Mapping[str, Any]) -> int:
    """How much a fault sends."""
    return int(params.get("bytes", DEFAULT_BYTES))
