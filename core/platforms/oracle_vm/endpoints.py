"""The spec's addresses as endpoints: Manager, and agent and SSH of every server. Pure."""

from __future__ import annotations

import ipaddress

from core.models.spec import ServerTarget
from core.platforms.oracle_vm.spec import PoolSpec
from core.transports.base import Endpoint

MANAGER = "manager"
AGENT = "agent"
SSH = "ssh"


def manager_endpoint(spec: PoolSpec) -> Endpoint:
    """Manager's CLI, which is SSH."""
    manager = spec.manager
    host, port = split_host_port(manager.connect, manager.host, manager.port)
    return Endpoint(
        server=manager.host,
        plane=MANAGER,
        address=manager.host,
        host=host,
        port=port,
        kind="ssh",
        allow_old_crypto=MANAGER in spec.allow_old_crypto,
        pinned=manager.fingerprint,
    )


def agent_endpoint(spec: PoolSpec, target: ServerTarget) -> Endpoint:
    """The agent of one server."""
    return _server_endpoint(spec, target, AGENT, spec.agent.port, "tls")


def ssh_endpoint(spec: PoolSpec, target: ServerTarget) -> Endpoint | None:
    """The own SSH of one server; None when the spec has no login for it."""
    if spec.ssh is None:
        return None
    return _server_endpoint(spec, target, SSH, spec.ssh.port, "ssh")


def split_host_port(text: str | None, host: str, port: int) -> tuple[str, int]:
    """Host and port of a `host:port` override (IPv6 in brackets), each falling back to the given one."""
    if not text:
        return host, port
    if text.startswith("[") and "]" in text:
        inner, _, rest = text[1:].partition("]")
        return inner, int(rest[1:]) if rest[1:].isdigit() else port
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        name, _, digits = text.rpartition(":")
        return (name, int(digits)) if name and digits.isdigit() else (text, port)
    return text, port


def _server_endpoint(spec: PoolSpec, target: ServerTarget, plane: str, port: int, kind: str) -> Endpoint:
    host, real_port = split_host_port(target.connect.get(plane), target.address, port)
    return Endpoint(
        server=target.address,
        plane=plane,
        address=target.address,
        host=host,
        port=real_port,
        kind=kind,
        allow_old_crypto=plane in spec.allow_old_crypto,
        pinned=target.fingerprints.get(plane),
    )
