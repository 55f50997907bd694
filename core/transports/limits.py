"""Every time, size and count limit of the transports, in one place. Defaults carry their origin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run; seconds, bytes and counts as the names say."""

    connect_s: float = 10.0  # agent-rpc 1, style 5
    agent_read_s: float = 30.0  # echo, get_*, is_*
    agent_discover_s: float = 120.0  # discover_*
    agent_body_s: float = 30.0  # from an answer's first byte to its last: a trickle is no answer
    ssh_command_s: float = 20.0
    manager_login_s: float = 60.0  # first login takes several seconds, Manager may be starting
    manager_command_s: float = 1800.0  # the kit's own ceiling (manager-cli 5.1)
    manager_settle_s: float = (
        180.0  # poll every manager_poll_s for what a refresh shall bring (manager-cli 5.1)
    )
    manager_poll_s: float = 5.0
    reply_max_bytes: int = 8 * 1024 * 1024
    command_max_bytes: int = 4 * 1024 * 1024
    logins_at_once: int = 32  # over the fleet; sshd drops bursts past MaxStartups (style 5)
    logins_through_jump: int = 8
    channels_per_session: int = 6  # sshd MaxSessions defaults to 10
    server_total_s: float = 180.0  # all facts of one server
