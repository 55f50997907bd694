"""What Manager, an agent and a server's own system say about life, one answer a question, for halfmade.decide. Pure.

An agent that refuses the password since this Manager owns its server was read where its own data base was read over
SSH: it answers from that data base (agent-rpc 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.models.facts import Fact, PlaneState
from core.platforms.oracle_vm.facts import ManagedPool, ManagedServer, ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.halfmade import (
    OF_A_POOL,
    WITH_VIRTUAL_IP,
    Answer,
    Answers,
    Asked,
    Evidence,
    Says,
)
from core.platforms.oracle_vm.planes import short_reason
from core.platforms.oracle_vm.spec import LunFileSystem, PoolSpec
from core.text import inert, listed

CLUSTER_DIGITS = 16  # a cluster is named by the last hex digits of its pool's id (agent-rpc 7)
TRACE_QUESTIONS = (
    Asked.OWNER,
    Asked.AGENT,
    Asked.OWN_SYSTEM,
    Asked.CLUSTER,
    Asked.GUESTS,
    Asked.REPOSITORIES,
    Asked.MEMBERSHIP,
)
_REPOSITORIES = "/OVS/Repositories/"
_DEAD = Answer(Says.DEAD)


def key_of(pool: str) -> str:
    """The word by which a pool's id and its cluster's name are the same."""
    return pool.replace("-", "").replace(":", "").lower()[-CLUSTER_DIGITS:]


def entry_of(name: str, fleet: OvmFleet, manager: ManagerFacts) -> ManagedServer | None:
    """Manager's entry of a server of the spec."""
    facts = fleet.ovm_server(name)
    uuid = facts.server_uuid.value if facts is not None else None
    return manager.server(uuid=str(uuid) if uuid else None, address=name)


def of_pool(pool: ManagedPool, spec: PoolSpec, fleet: OvmFleet, left_by: str = "") -> Evidence:
    """About a pool in Manager; every server of the spec must have been heard."""
    manager = fleet.manager or ManagerFacts()
    wanted = {entry.id: name for name in spec.server_names if (entry := entry_of(name, fleet, manager))}
    servers = {}
    for name in spec.server_names:
        facts, entry = fleet.ovm_server(name), entry_of(name, fleet, manager)
        if facts is not None:
            is_member = entry is not None and entry.id in pool.members
            look = _Look(facts, entry, manager, key_of(pool.id), has_lun=_has_lun(spec), is_strict=is_member)
            servers[name] = {**look.answers(), Asked.VIRTUAL_IP: _virtual_ip(facts, pool.virtual_ip, spec)}
    return Evidence(
        questions=OF_A_POOL,
        manager={
            Asked.MEMBERS: _members(pool, wanted, manager),
            Asked.GUESTS: _guests(pool, manager),
            Asked.REPOSITORIES: _repositories(pool, manager),
        },
        heard=tuple(spec.server_names),
        server_questions=WITH_VIRTUAL_IP,
        servers=servers,
        left_by=left_by,
        has_shape=_has_shape(pool, spec, wanted),
    )


def of_server(
    name: str, dead: frozenset[str], spec: PoolSpec, fleet: OvmFleet, *, left_by: str = "", has_shape: bool
) -> Evidence:
    """About a server that this Manager owns; `dead` are keys of pools that it may believe to be in."""
    manager = fleet.manager or ManagerFacts()
    facts, entry = fleet.ovm_server(name), entry_of(name, fleet, manager)
    servers = {}
    if facts is not None:
        look = _Look(facts, entry, manager, "", has_lun=_has_lun(spec), is_strict=True)
        servers[name] = {**look.answers(), Asked.MEMBERSHIP: _belief(facts, dead)}
    return Evidence(heard=(name,), servers=servers, left_by=left_by, has_shape=has_shape)


def of_trace(facts: OvmServerFacts, spec: PoolSpec, fleet: OvmFleet) -> Evidence:
    """About what a dead pool left on a server's own system: is it in nobody's use? Which pool the server believes to
    be in must be known; that Manager keeps no such pool is for the caller to say.
    """
    manager = fleet.manager or ManagerFacts()
    look = _Look(facts, None, manager, "", has_lun=_has_lun(spec), is_strict=True, may_be_free=True)
    return Evidence(
        heard=(facts.name,),
        server_questions=TRACE_QUESTIONS,
        servers={facts.name: {**look.answers(), Asked.MEMBERSHIP: _is_told(facts.pool_id, facts.db_pool_id)}},
        has_shape=True,
    )


def _has_lun(spec: PoolSpec) -> bool:
    return isinstance(spec.pool.file_system, LunFileSystem)


def _has_shape(pool: ManagedPool, spec: PoolSpec, wanted: Mapping[str, str]) -> bool:
    """The wanted name, and empty, or clustered with some of the wanted servers (server-pools R006).

    An unclustered pool has no heartbeat whose silence could tell that it is dead.
    """
    if pool.name != spec.pool.name or not pool.is_shown:
        return False
    is_part = set(pool.members) < set(wanted) or (
        set(pool.members) <= set(wanted) and len(wanted) < len(set(spec.server_names))
    )
    return not pool.members or (pool.clustered is True and is_part)


def _members(pool: ManagedPool, wanted: Mapping[str, str], manager: ManagerFacts) -> Answer:
    if manager.servers.missing:
        return _unread(manager.servers.missing)
    if not pool.is_shown:
        return _unread("Manager lists the pool, but does not show it")
    others = [id_ for id_ in pool.members if id_ not in wanted]
    names = {one.id: one.name for one in manager.servers.value or ()}
    if others:
        return _alive(f"{listed(names.get(id_, id_) for id_ in others)} is in it, and not in the spec")
    claiming = [
        one.name for one in manager.servers.value or () if one.pool_id == pool.id and one.id not in wanted
    ]
    return _alive(f"{listed(claiming)} says to be in it, and is not in the spec") if claiming else _DEAD


def _guests(pool: ManagedPool, manager: ManagerFacts) -> Answer:
    """Pools and servers name their guests; a guest that none of them names could be anywhere."""
    servers, pools = manager.servers.value or (), manager.pools.value or ()
    ours = [*pool.guests, *(guest for one in servers if one.id in pool.members for guest in one.guests)]
    if ours:
        return _alive(f"the pool has {listed(dict.fromkeys(ours), 3)}")
    if manager.guests.missing or not pool.is_shown:
        return _unread(manager.guests.missing or "Manager does not show the pool")
    placed = {guest for shown in pools for guest in shown.guests}
    placed |= {guest for shown in servers for guest in shown.guests}
    loose = [
        one.name for one in manager.guests.value or () if one.name not in placed and one.id not in placed
    ]
    return _unread(f"Manager does not show in which pool {listed(loose, 3)} is") if loose else _DEAD


def _repositories(pool: ManagedPool, manager: ManagerFacts) -> Answer:
    kept = manager.repositories.value or ()
    ours = [one.name for one in kept if one.pool == pool.id or set(one.presented) & set(pool.members)]
    if ours:
        return _alive(f"it has {listed(ours, 3)}")
    if manager.repositories.missing:
        return _unread(manager.repositories.missing)
    blind = [one.name for one in kept if not one.is_shown]
    return _unread(f"Manager lists {listed(blind, 3)}, but does not show it") if blind else _DEAD


def _virtual_ip(facts: OvmServerFacts, of_the_pool: str | None, spec: PoolSpec) -> Answer:
    """Neither up on the server, nor answering when the server asks for it."""
    asked_for = spec.pool.virtual_ip
    known = {one for one in (of_the_pool, asked_for, facts.master_vip.value) if one}
    if facts.plane("agent").state is PlaneState.OK and not facts.master_vip.is_known:
        return _missing(facts.master_vip)
    if not known:
        return _DEAD
    if not facts.addresses.is_known:
        return _missing(facts.addresses)
    held = [
        one for one in facts.addresses.value or () if one.address in known and one.address != facts.address
    ]
    if held:
        return _alive(f"{held[0].address} is up on {inert(held[0].interface, 40)}")
    if asked_for and facts.vip_holder_mac.value:
        return _alive(f"{asked_for} answers ({inert(facts.vip_holder_mac.value, 40)})")
    if asked_for and not facts.vip_holder_mac.is_known:
        return _missing(facts.vip_holder_mac)
    others = known - {asked_for}
    return _unread(f"nobody asked for {listed(sorted(others))}") if others else _DEAD


def _belief(facts: OvmServerFacts, dead: frozenset[str]) -> Answer:
    """What the server itself believes to be in, by its agent and by its agent's data base."""
    for fact in (facts.pool_id, facts.db_pool_id):
        if fact.value and key_of(fact.value) not in dead:
            return _alive(f"it believes to be in {inert(fact.value, 60)}")
    return _is_told(facts.pool_id, facts.db_pool_id)


def _is_told(*facts: Fact[Any]) -> Answer:
    return next((_missing(one) for one in facts if not one.is_known), _DEAD)


@dataclass(frozen=True, slots=True)
class _Look:
    """One server's answers about the pool `key`; "" about anything at all.

    `is_strict`: it is in the pool, or the server itself is what may be ended; otherwise its guests, repositories and
    owner are another pool's affair. `may_be_free`: nobody needs to own it.
    """

    facts: OvmServerFacts
    entry: ManagedServer | None
    manager: ManagerFacts
    key: str
    has_lun: bool  # the spec's pool file system is a LUN, on which a heartbeat can be seen
    is_strict: bool
    may_be_free: bool = False

    def answers(self) -> Answers:
        return {
            Asked.OWNER: self._owner(),
            Asked.AGENT: self._agent(),
            Asked.OWN_SYSTEM: self._own_system(),
            Asked.CLUSTER: self._cluster(),
            Asked.GUESTS: self._guests(),
            Asked.REPOSITORIES: self._repositories(),
            Asked.MEMBERSHIP: self._membership(),
        }

    def _is_ours(self) -> bool:
        own, owner = self.manager.uuid.value, self.facts.owner.value
        return bool(own and owner) and str(own).casefold() == str(owner).casefold()

    def _owner(self) -> Answer:
        if not self.facts.owner.is_known:
            return _missing(self.facts.owner)
        owner, by_ssh = self.facts.owner.value, self.facts.db_owner
        if self.is_strict and not by_ssh.is_known:
            return _missing(by_ssh)
        if self.is_strict and (owner or "").casefold() != (by_ssh.value or "").casefold():
            told = (inert(one or "nobody", 60) for one in (owner, by_ssh.value))
            return _unread("the agent says {}, SSH {}".format(*told))
        if self._is_ours() or not self.is_strict or (self.may_be_free and not owner):
            return _DEAD
        if owner and not self.manager.uuid.value:
            return _unread("Manager does not tell its own id")
        whose = f"Manager {inert(owner, 60)} owns it" if owner else "nobody owns it, Manager shows otherwise"
        return _alive(whose)

    def _agent(self) -> Answer:
        plane = self.facts.plane("agent")
        if plane.state is PlaneState.OK:
            return _DEAD
        if plane.state is PlaneState.REFUSED and self._is_ours() and self.facts.db_pool_id.is_known:
            return _DEAD
        return _unread(short_reason("the agent", plane))

    def _own_system(self) -> Answer:
        plane = self.facts.plane("ssh")
        return _DEAD if plane.state is PlaneState.OK else _unread(short_reason("SSH", plane))

    def _cluster(self) -> Answer:
        """Online by either word, or an OCFS2 volume mounted, or a heartbeat on the LUN."""
        facts = self.facts
        names = [one.value.name for one in (facts.stored_cluster, facts.conf_cluster) if one.value]
        name = next(iter(names), "")
        is_of_another = bool(self.key and names) and all(key_of(one) != self.key for one in names)
        online = [one for one in (facts.cluster_online, facts.cluster_running) if one.value]
        if online and not is_of_another:
            return _alive(f"{inert(name, 40) or 'a cluster'} is online")
        volumes = [one.path for one in facts.mounts.value or () if one.kind == "ocfs2"]
        if volumes and not is_of_another:
            return _alive(f"an OCFS2 file system is mounted on {inert(volumes[0], 80)}")
        lun = facts.pool_lun.value
        beats = self.has_lun and lun is not None and lun.volume is not None and bool(lun.volume.alive)
        if lun is not None and beats and (not self.key or not lun.cluster or key_of(lun.cluster) == self.key):
            return _alive("a heartbeat beats on the LUN")
        needed: list[Fact[Any]] = [
            facts.cluster_running,
            facts.mounts,
            facts.stored_cluster,
            facts.conf_cluster,
        ]
        if self.has_lun:
            needed.append(facts.pool_lun)
        if facts.plane("agent").state is PlaneState.OK:
            needed.append(facts.cluster_online)
        return _is_told(*needed)

    def _guests(self) -> Answer:
        if not self.is_strict:
            return _DEAD
        if self.entry is not None and self.entry.guests:
            return _alive(f"Manager shows {listed(self.entry.guests, 3)} on it")
        guests = self.facts.running_guests
        if guests.value:
            return _alive(f"{listed(guests.value, 3)} runs on it")
        if not self.may_be_free and (self.entry is None or not self.entry.is_shown):
            return _unread("Manager does not show it")
        return _DEAD if guests.is_known else _missing(guests)

    def _repositories(self) -> Answer:
        if not self.is_strict:
            return _DEAD
        kept = self.facts.repositories.value or ()
        mounted = [one.path for one in self.facts.mounts.value or () if one.path.startswith(_REPOSITORIES)]
        if kept or mounted:
            names = [one.alias or one.uuid for one in kept] or mounted
            return _alive(f"it has {listed(names, 3)}")
        if self.facts.plane("agent").state is PlaneState.OK and not self.facts.repositories.is_known:
            return _missing(self.facts.repositories)
        return _DEAD if self.facts.mounts.is_known else _missing(self.facts.mounts)

    def _membership(self) -> Answer:
        """A server in the pool believes to be in this pool, or in none; one outside may be in another."""
        facts = self.facts
        if not self.is_strict and facts.pool_id.is_known and facts.db_pool_id.is_known:
            return _DEAD
        return _belief(facts, frozenset({self.key}))


def _alive(detail: str) -> Answer:
    return Answer(Says.ALIVE, inert(detail, 300))


def _unread(why: str) -> Answer:
    return Answer(Says.UNREAD, inert(why, 300))


def _missing(fact: Fact[Any]) -> Answer:
    return _unread(fact.missing or "not told")
