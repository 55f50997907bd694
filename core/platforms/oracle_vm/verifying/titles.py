"""Titles of the verification's items that a plan may name before anybody has looked, and why they may stay unseen."""

from __future__ import annotations

from core.platforms.oracle_vm.spec import PoolSpec, Release

NO_LOGIN = "no SSH login to the servers is given"
OWNED = "an agent refuses the password once Manager owns its server"
NO_POLICY_WORDS = "the command line of 3.2 has no word for it"
SPARC_CLUSTER = "SPARC: the cluster's state is not read from the control domains"

VIP_HOLDER = "the virtual IP is on exactly one server"
CLUSTER_ONLINE = "the cluster is online on every server"
CLUSTER_CONF = "cluster.conf is equal everywhere and names every server"
CLUSTER_MOUNTED = "the pool file system is mounted on every server"
MEMBERSHIP = "the servers agree on the pool they are in"
OWNER = "every server is owned by this Manager"
CPU_GROUPS = "one processor compatibility group"
EVENTS = "no unacknowledged warning or error event"
POLICY = "the policy is the one asked for"


def expected_threshold(spec: PoolSpec, release: str) -> int | None:
    """Heartbeats that the pool's timeout amounts to; None where the release takes no timeout (3.2)."""
    return None if release == Release.R32 else spec.pool.timeout_s // 2 + 1


def threshold_title(expected: int | None) -> str:
    """Title of the item about O2CB's heartbeat threshold."""
    return f"heartbeat threshold is {expected or 'the same'} on every server"
