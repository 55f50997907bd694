"""What the operator wants, as far as every platform needs it; a platform's spec extends BaseSpec. Pure data.

A field's metadata is the single home of its label (title), help (description), unit and rule: forms, JSON Schema and
error texts are made from it. The model checks shape only; rules are checks of scope `input`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.models.addresses import Fingerprint, Host, Tunnel
from core.models.base import Frozen
from core.models.scalars import Day, Whole

PLANES = ("manager", "agent", "ssh")  # ways to a controller and its servers that a spec may name
SERVER_PLANES = ("agent", "ssh")


def meta(
    *, unit: str = "", rule: str = "", choices: tuple[str, ...] = (), advanced: bool = False
) -> dict[str, Any]:
    """Extra metadata of a field for forms and help: its unit, the rule behind it, fixed choices."""
    extra: dict[str, Any] = {}
    if unit:
        extra["unit"] = unit
    if rule:
        extra["rule"] = rule
    if choices:
        extra["choices"] = list(choices)
    if advanced:
        extra["advanced"] = True
    return extra


class ServerTarget(Frozen):
    """One machine to provision, as the operator named it."""

    address: Host = Field(
        title="Server", description="IP address or host name of the server's management interface"
    )
    comment: str = Field(default="", title="Comment", description="for people only")
    roles: tuple[str, ...] | None = Field(
        default=None, title="Roles", description="roles of this server in the pool; empty takes the pool's"
    )
    connect: dict[str, Tunnel] = Field(
        default={},
        title="Tunnels",
        description="plane -> host:port to really connect to (agent, ssh); checks still judge the address",
        json_schema_extra={**meta(advanced=True), "propertyNames": {"enum": list(SERVER_PLANES)}},
    )
    fingerprints: dict[str, Fingerprint] = Field(
        default={},
        title="Fingerprints",
        description="plane -> SHA256:... of its host key (ssh) or certificate (agent), confirmed beforehand",
        json_schema_extra={**meta(advanced=True), "propertyNames": {"enum": list(SERVER_PLANES)}},
    )


class SshAccess(Frozen):
    """How to log in to the servers' own SSH. Optional: without it fewer facts are known."""

    user: str = Field(default="root", title="SSH user", description="login of the servers' own system")
    port: Whole = Field(
        default=22, ge=1, le=65535, title="SSH port", description="TCP port of the servers' SSH"
    )
    key_file: str | None = Field(
        default=None,
        title="SSH key file",
        description="private key; without it the ssh password is asked for",
    )


class JumpHost(Frozen):
    """A machine between here and the servers, for every plane (ProxyJump)."""

    host: Host = Field(title="Jump host", description="address or name of the machine in between")
    port: Whole = Field(default=22, ge=1, le=65535, title="Jump port", description="TCP port of its SSH")
    user: str = Field(default="root", title="Jump user", description="login on it")
    key_file: str | None = Field(default=None, title="Jump key file", description="private key for it")
    fingerprint: Fingerprint | None = Field(
        default=None, title="Jump fingerprint", description="SHA256:... of its host key"
    )


class TrustSpec(Frozen):
    """Where identities confirmed beforehand come from."""

    known_hosts: str | None = Field(
        default=None, title="Known hosts file", description="OpenSSH known_hosts file to take host keys from"
    )


class Waiver(Frozen):
    """A finding that somebody answers for, until a date."""

    check: str = Field(title="Check", description="check id or rule id that is waived")
    target: str = Field(default="*", title="Target", description="server or object; * means everywhere")
    reason: str = Field(min_length=3, title="Reason", description="why this is acceptable")
    who: str = Field(min_length=1, title="Who", description="who answers for it")
    until: Day = Field(title="Until", description="last day it holds, YYYY-MM-DD")


class BaseSpec(Frozen):
    """The part of the spec that every platform shares."""

    platform: str = Field(default="oracle_vm", title="Platform", description="which platform makes the pool")
    servers: tuple[ServerTarget, ...] = Field(
        min_length=1, title="Servers", description="addresses or names, ranges such as ovs[01-16].example.com"
    )
    ssh: SshAccess | None = Field(
        default=None,
        title="Server SSH",
        description="optional login to the servers for the checks that need it",
    )
    jump: JumpHost | None = Field(default=None, title="Jump host", description="machine in between, if any")
    trust: TrustSpec = Field(
        default=TrustSpec(), title="Trust", description="where confirmed identities come from"
    )
    allow_old_crypto: tuple[str, ...] = Field(
        default=(),
        title="Allow old cryptography",
        description="planes (manager, agent, ssh) whose obsolete algorithms are accepted, with a warning",
        json_schema_extra={"items": {"type": "string", "enum": list(PLANES)}},
    )
    accept: tuple[str, ...] = Field(
        default=(), title="Accepted", description="rule or check ids whose warning or unknown is accepted"
    )
    waivers: tuple[Waiver, ...] = Field(
        default=(), title="Waivers", description="findings somebody answers for"
    )

    @property
    def server_names(self) -> tuple[str, ...]:
        """The servers as named, in the operator's order."""
        return tuple(server.address for server in self.servers)

    @property
    def pool_name(self) -> str:
        """Name of the pool to be made; each platform says where it stands."""
        raise NotImplementedError  # abstract
