"""Whom a server looks at, and through which ports: the peers of its pool, and Manager. Pure.

All servers look side by side, each at one peer after the other in one batch, so N servers take O(N) turns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.checks.reading import is_ipv4
from core.facts.mesh import Peer
from core.facts.probe import Observed
from core.models.facts import Address, Interface
from core.platforms.oracle_vm.spec import PoolSpec, Release

FIELD = "peer_looks"
MANAGER = "manager"  # the name Manager has among the peers
HEARTBEAT_PORT = 7777  # o2net (server-pools 5)
MIGRATE_PORT, MIGRATE_TLS_PORT = 8002, 8003
CALLBACK_PORT, CALLBACK_PLAIN_PORT = 7002, 7001  # the agents' way back to Manager; plain until 3.2


def ports_between(spec: PoolSpec) -> tuple[int, ...]:
    """TCP ports the members of this pool need among themselves (R016, R079)."""
    migrate = MIGRATE_TLS_PORT if spec.pool.secure_migration else MIGRATE_PORT
    return (HEARTBEAT_PORT, migrate) if spec.pool.clustered else (migrate,)


def callback_port(spec: PoolSpec) -> int:
    """Where the agents report to (R053)."""
    return CALLBACK_PLAIN_PORT if spec.release is Release.R32 else CALLBACK_PORT


HEARTBEAT = "heartbeat"  # PairLook.network of the cluster's own network


def management_mtu(name: str, seen: Observed) -> int | None:
    """MTU of the interface that has the server's management address, None where it is not known."""
    addresses: tuple[Address, ...] = _value(seen, "addresses") or ()
    own = {name, *(_value(seen, "own_name_addresses") or ())}
    device = next((one.interface for one in addresses if one.address in own), None)
    return None if device is None else mtu_of(device, seen)


def mtu_of(device: str, seen: Observed) -> int | None:
    """MTU of an interface in bytes, None where it is not known."""
    interfaces: tuple[Interface, ...] = _value(seen, "interfaces") or ()
    return next((one.mtu for one in interfaces if one.name == device), None)


def heartbeat_address(seen: Observed) -> Address | None:
    """The server's address on the network with the heartbeat role, where that is not the management network.

    By the tags that Manager keeps beside the interfaces' files (agent-rpc 5.5): the tagged port, or the bridge over
    it, which has the network's id for a name. None on a server that has none: no Manager has owned it yet.
    """
    addresses: tuple[Address, ...] = _value(seen, "addresses") or ()
    for tag in _value(seen, "network_tags") or ():
        found = re.match(r"(\S+) ethernet:([\w.:-]{1,64})\{[^}]*\}:([A-Z_,]+)$", tag)
        if found is None or "CLUSTER_HEARTBEAT" not in found[3].split(",") or "MANAGEMENT" in found[3]:
            continue
        for address in addresses:
            if address.interface in (found[1], found[2]) and is_ipv4(address.address):
                return address
    return None


def peer_of(name: str, address: str, seen: Observed) -> Peer | None:
    """A server as its peers reach it: by the address it is named by, or else by the one its own name means."""
    if is_ipv4(address):
        return Peer(name, address)
    has = {one.address for one in _value(seen, "addresses") or ()}
    for own in _value(seen, "own_name_addresses") or ():
        if own in has and is_ipv4(own) and not own.startswith("127."):
            return Peer(name, own)
    return None


def _value(seen: Mapping[str, Any], field: str) -> Any:
    fact = seen.get(field)
    return fact.value if fact is not None and fact.is_known else None
