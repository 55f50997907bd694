"""Which items of the verification the given connections cannot see, known from spec and facts before the run. Pure."""

from __future__ import annotations

from core.models.facts import PlaneState
from core.models.plan import Unobservable
from core.platforms.oracle_vm.planning.draft import Draft, value_of
from core.platforms.oracle_vm.spec import PolicyMode, Release
from core.platforms.oracle_vm.verifying import titles
from core.text import listed


def unobservable(draft: Draft) -> list[Unobservable]:
    """In the order of the verification; each with the reason."""
    return [*_by_manager(draft), *_by_agents_and_ssh(draft)]


def _by_manager(draft: Draft) -> list[Unobservable]:
    found = []
    is_old = draft.release == Release.R32
    if is_old and draft.spec.pool.policy.mode is not PolicyMode.OFF:
        found.append(Unobservable(id="pool.policy", title=titles.POLICY, why=titles.NO_POLICY_WORDS))
    if draft.fleet.manager is not None and not value_of(draft.manager.uuid) and not is_old:
        why = "Manager does not show its own UUID"
        found.append(Unobservable(id="servers.owner", title=titles.OWNER, why=why))
    if draft.dialect.events() is None:
        why = f"{draft.release} has no query for all events"
        found.append(Unobservable(id="events.clean", title=titles.EVENTS, why=why))
    return found


def _by_agents_and_ssh(draft: Draft) -> list[Unobservable]:
    pool = draft.spec.pool
    found = [Unobservable(id="agents.membership", title=titles.MEMBERSHIP, why=titles.OWNED)]
    blind = _blind(draft)
    if pool.virtual_ip and blind:
        found.append(Unobservable(id="pool.vip_holder", title=titles.VIP_HOLDER, why=blind))
    if not pool.clustered:
        return found
    if draft.is_sparc:
        why = titles.SPARC_CLUSTER
        return [*found, Unobservable(id="cluster.online", title=titles.CLUSTER_ONLINE, why=why)]
    if blind:
        threshold = titles.threshold_title(titles.expected_threshold(draft.spec, draft.release))
        named = (
            ("cluster.online", titles.CLUSTER_ONLINE),
            ("cluster.threshold", threshold),
            ("cluster.conf", titles.CLUSTER_CONF),
            ("cluster.mounted", titles.CLUSTER_MOUNTED),
        )
        found += [Unobservable(id=id_, title=title, why=blind) for id_, title in named]
    return found


def _blind(draft: Draft) -> str:
    """Why a server's own system cannot be looked at; empty when all of them could be, or were not asked yet."""
    if draft.spec.ssh is None:
        return titles.NO_LOGIN
    reasons = []
    for name in draft.spec.server_names:
        facts = draft.fleet.servers.get(name)
        plane = facts.plane("ssh") if facts is not None else None
        if plane is not None and plane.state not in (PlaneState.OK, PlaneState.NOT_ASKED):
            reasons.append(f"{name}: {plane.reason or plane.state}")
    return listed(reasons, 3)
