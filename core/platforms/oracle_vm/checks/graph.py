"""Which checks tell whether a plane can be used, and whose hit explains whose: what folds results to their causes."""

from __future__ import annotations

from core.checks.registry import Registry
from core.platforms.oracle_vm.checks.rules import rule_book

GATES: dict[str, tuple[str, ...]] = {
    "agent": ("network.agent.port", "server.agent.password"),
    "ssh": ("server.ssh.reachable",),
    "manager": ("manager.cli.reachable",),
}

# A check on the left is only a consequence where one on the right is hit for the same servers.
EXPLAINED: dict[str, tuple[str, ...]] = {
    "pair.names.resolve": ("server.hostname.loopback",),
    "pair.network.reach": ("network.agent.port",),
    "pair.port.heartbeat": ("network.o2net.port",),
    "pair.port.migrate": ("server.firewall.agent",),
    "pair.mtu.same": ("network.mtu.layers",),
    "pair.network.mtu": ("pair.mtu.same", "network.mtu.layers"),
    "pair.kernel.same": ("server.kernel.lost_paths", "pair.release.same"),
    "pair.agent.same": ("pair.release.same",),
    "pair.hypervisor.same": ("pair.release.same",),
    "pair.hvm.same": ("server.hvm.enabled",),
    "pair.o2cb.same": ("server.o2cb.values", "server.cluster.stale"),
    "server.ntp.synchronised": (
        "server.ntp.running",
        "server.ntp.source",
        "network.ntp.answers",
        "pair.clock.skew",
    ),
    "storage.nfs.uniform": ("storage.visible.all",),
    "storage.poolfs.dedicated": ("storage.nfs.empty", "storage.lun.clean"),
    "manager.pool.name": ("manager.pool.leftover",),
}


def connect(registry: Registry) -> None:
    """Write gates, consequences and the rule book into a registry; ids that are not registered are left out."""
    registry.rule_book = rule_book
    for plane, ids in GATES.items():
        registry.gate(plane, *(id_ for id_ in ids if id_ in registry.checks))
    for id_, causes in EXPLAINED.items():
        if id_ in registry.checks:
            registry.explained_by(id_, *(cause for cause in causes if cause in registry.checks))
