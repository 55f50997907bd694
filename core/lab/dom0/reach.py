"""What one lab server can reach over the simulated network: ports, pings, ARP answers."""

from __future__ import annotations

import asyncio
import math
from contextvars import ContextVar
from typing import TYPE_CHECKING

from core.lab import faults, view
from core.lab.operations import is_agent_up
from core.lab.world import LabServer, World

if TYPE_CHECKING:
    from core.lab.dom0.shell import Shell

REFUSED = "Connection refused"
TIMED_OUT = "Connection timed out"
UNKNOWN = "unknown"
BUDGET_S: ContextVar[float] = ContextVar(
    "budget_s", default=math.inf
)  # what `timeout` leaves, simulated seconds
TCP_TIMEOUT_S = 63.0  # Linux' default before it gives up on a silent peer
MANAGER_PORTS = frozenset({22, 7001, 7002, 10000})
SERVICES = {"ssh": 22, "http": 80, "https": 443, "nfs": 2049, "sunrpc": 111, "iscsi-target": 3260}


async def connect(shell: Shell, host: str, port: str) -> str | None:
    """Try a TCP connection as a server would; None is success, else why not. A silent peer takes a minute."""
    found = view.resolve(shell.world, shell.server, host)
    if not found:
        return UNKNOWN
    number = SERVICES.get(port) or (int(port) if port.isdigit() else 0)
    refusal = tcp(shell.world, shell.server, found[0], number)
    if refusal == TIMED_OUT:
        budget_s = BUDGET_S.get()
        await asyncio.sleep(min(TCP_TIMEOUT_S, budget_s) / shell.world.speed)
        if budget_s < TCP_TIMEOUT_S:
            raise TimeoutError
    return refusal


def tcp(world: World, server: LabServer, address: str, port: int) -> str | None:
    """Why a TCP connection to address:port fails, None when it succeeds."""
    if address.startswith("127.") or address in own_addresses(server):
        return None if port in _open_ports(world, server) else REFUSED
    if is_filtered(server, port, "OUTPUT"):
        return TIMED_OUT
    if address == world.manager_address:
        return None if port in MANAGER_PORTS else REFUSED
    if address == world.dns_address:
        return None if port == 53 else REFUSED
    nas = next((item for item in world.nas.values() if item.address == address), None)
    if nas is not None:
        if not nas.is_up:
            return TIMED_OUT
        ports = {2049} | ({111, 20048, 4045} if 3 in nas.versions else set())
        return None if port in ports else REFUSED
    if any(lun.transport == "iscsi" for lun in world.luns.values()) and address == "198.51.100.241":
        return None if port == 3260 else REFUSED
    owner = view.address_owner(world, address)
    if owner is None or owner[1] is None:
        return TIMED_OUT if owner is None else REFUSED
    peer = owner[1]
    if is_filtered(peer, port, "INPUT"):
        return TIMED_OUT
    return None if port in _open_ports(world, peer) else REFUSED


def is_filtered(server: LabServer, port: int, chain: str) -> bool:
    """Would this chain drop or reject TCP to the port? Reads the rules in order, ports and protocols only."""
    policy = "ACCEPT"
    for line in server.firewall:
        words = line.split()
        if words[:2] == ["-P", chain]:
            policy = words[2]
        if words[:2] != ["-A", chain] or "-j" not in words:
            continue
        target = words[words.index("-j") + 1]
        if any(flag in words for flag in ("-s", "-i", "-d")) or "ESTABLISHED" in line:
            continue
        if "-p" in words and words[words.index("-p") + 1] != "tcp":
            continue
        ports = words[words.index("--dport") + 1] if "--dport" in words else ""
        low, _, high = ports.partition(":")
        if ports and not int(low) <= port <= int(high or low):
            continue
        if target in ("ACCEPT", "DROP", "REJECT"):
            return target != "ACCEPT"
    return policy != "ACCEPT"


def answers_ping(world: World, address: str) -> bool:
    """Does anybody answer ICMP at this address?"""
    owner = view.address_owner(world, address)
    if owner is None:
        return False
    nas = next((item for item in world.nas.values() if item.address == address), None)
    return nas.is_up if nas is not None else owner[1] is None or owner[1].run_state == "RUNNING"


def own_addresses(server: LabServer) -> set[str]:
    """Every address the server carries, the virtual one included."""
    own = {item.address for item in server.interfaces if item.address is not None}
    return own | ({server.pool_vip} if server.has_vip else set())


def listening(world: World, server: LabServer) -> list[int]:
    """TCP ports the server listens on, sorted."""
    return sorted(_open_ports(world, server))


def _open_ports(world: World, server: LabServer) -> set[int]:
    ports = {22, 111}
    if is_agent_up(world, server):
        ports.add(8899)
    if not view.is_sparc(server):
        ports |= {8002, 8003}
    if server.is_cluster_online and not view.is_sparc(server):
        ports.add(7777)
    if faults.active(world, "ssh-down", server, peek=True) is not None:
        ports.discard(22)
    return ports
