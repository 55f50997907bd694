"""All checks of Oracle VM, the shared ones first: importing this module fills both registries."""

from __future__ import annotations

from core.checks.input import servers as _servers
from core.checks.input import vip as _vip
from core.checks.manager import reach as _manager_reach
from core.checks.network import vip as _network_vip
from core.checks.pair import alike as _pair_alike
from core.checks.pair import clock, cpu, duplicates, identity, names
from core.checks.pair import mesh as _pair_mesh
from core.checks.pool import alike, capacity
from core.checks.registry import Registry, shared
from core.checks.server import addresses, certificate, host, reach, time
from core.checks.server import names as _server_names
from core.checks.storage import lun, nfs, paths, trial, visible
from core.platforms.oracle_vm.checks import (
    cluster,
    drift,
    fitting,
    graph,
    manager,
    mesh,
    network,
    networks,
    ownership,
    remedies,
    sharing,
    sparc,
    storage,
)
from core.platforms.oracle_vm.checks import input as _input
from core.platforms.oracle_vm.checks.base import ovm

# Imported for what they register; the order is the order of results (server-pools 3c: input, reach, agent, ...).
_TOPICS = (
    _servers, _vip, _input, _manager_reach, reach, ownership, _server_names, names, identity, alike, cpu, clock,
    _network_vip, network, visible, nfs, lun, sparc, storage, manager,
    _pair_alike, duplicates, capacity, host, drift, fitting, networks, sharing, _pair_mesh, mesh, remedies, trial,
    time, addresses, certificate, paths, cluster,
)  # fmt: skip


def registry() -> Registry:
    """A registry with every check that an Oracle VM pool is judged by."""
    both = Registry()
    both.include(shared)
    both.include(ovm)
    order = {scope: index for index, scope in enumerate(_SCOPES)}
    ordered = Registry()
    for check in sorted(both, key=lambda check: order[check.scope.value]):
        ordered.checks[check.id] = check
    ordered.remedies |= both.remedies
    graph.connect(ordered)
    return ordered


_SCOPES = ("input", "manager", "server", "network", "storage", "pair", "pool")
