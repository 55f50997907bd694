"""Short words for the rows: verdicts, and contexts that differ from a healthy fleet in one thing."""

from __future__ import annotations

from typing import Any

from core.models.results import Verdict
from core.platforms.oracle_vm.facts import ManagedServer
from tests.unit.checks.builders import LUN, OWN, context, manager, server

P, F, W, INFO, U, N = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.INFO,
    Verdict.UNKNOWN,
    Verdict.NOT_APPLICABLE,
)
Row = tuple[str, Any, Verdict, str]  # check id, context, verdict of its first target, a word of its text
ON_LUN: dict[str, Any] = {"file_system": LUN}
ON_ISCSI: dict[str, Any] = {"file_system": {**LUN, "transport": "iscsi", "access_host": "198.51.100.241"}}
NO_VIP: dict[str, Any] = {"virtual_ip": None}
UNCLUSTERED: dict[str, Any] = {"clustered": False, "file_system": None}


def one(**facts: Any) -> Any:
    """One server with these facts."""
    return context(server(1, **facts))


def two(**second: Any) -> Any:
    """A healthy first server and a second one with these facts."""
    return context(server(1), server(2, **second))


def all_of(**facts: Any) -> Any:
    """Two servers that both have these facts."""
    return context(server(1, **facts), server(2, **facts))


def lun_one(**facts: Any) -> Any:
    """One server of a pool on a LUN."""
    return context(server(1, **facts), pool=ON_LUN)


def lun_two(**second: Any) -> Any:
    """Two servers of a pool on a LUN, the second with these facts."""
    return context(server(1), server(2, **second), pool=ON_LUN)


def pooled(**pool: Any) -> Any:
    """A healthy fleet and a pool with these settings."""
    return context(pool=pool)


def wanting(**more: Any) -> Any:
    """A healthy fleet and a spec that says this too."""
    return context(**more)


def on_lun(*servers: Any) -> Any:
    """These servers of a pool on a LUN."""
    return context(*servers, pool=ON_LUN)


def told(**facts: Any) -> Any:
    """A healthy fleet and a Manager that tells these facts."""
    return context(manager_facts=manager(**facts))


def entry(**update: Any) -> ManagedServer:
    """Manager's entry of the first server."""
    known = ManagedServer(
        id="aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:01",
        name="ovs01",
        address="203.0.113.11",
        hostname="ovs01",
        state="Running",
        owner=OWN,
        maintenance=False,
    )
    return known.model_copy(update=update)


def listed(facts: dict[str, Any] | None = None, **update: Any) -> Any:
    """One server that Manager lists so."""
    return context(server(1, **(facts or {})), manager_facts=manager(servers=(entry(**update),)))


def managed(**update: Any) -> ManagedServer:
    """Manager's entry of the first server before it knows the server's own name."""
    return entry(hostname=ManagedServer.model_fields["hostname"].default, **update)


def knows(**update: Any) -> Any:
    """One server that Manager lists so, without the server's own name."""
    return context(server(1), manager_facts=manager(servers=(managed(**update),)))
