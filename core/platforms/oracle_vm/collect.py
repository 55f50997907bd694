"""Observes a fleet: Manager and every server, side by side and bounded. No server delays or breaks another.

A server's facts are streamed when its own planes are read, and once more when the names of its peers are. Nothing
secret goes to an endpoint whose identity is not pinned: the transports refuse before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from core import own_limit
from core.errors import PoolwrightError
from core.facts.commands import is_host
from core.facts.mesh import Peer, targets_of
from core.facts.probe import Observed
from core.models.facts import PlaneFact, PlaneState
from core.models.gaps import Gap, GapKind
from core.models.spec import ServerTarget
from core.platforms.base import OnServer
from core.platforms.oracle_vm.agent_rpc.client import AgentClient
from core.platforms.oracle_vm.endpoints import SSH, agent_endpoint, manager_endpoint, ssh_endpoint
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.look_agent import AgentLook, not_finished
from core.platforms.oracle_vm.look_dom0 import Dom0Look
from core.platforms.oracle_vm.look_mesh import FIELD, heartbeat_address, peer_of
from core.platforms.oracle_vm.manager_cli.read import read_manager
from core.platforms.oracle_vm.manager_cli.session import open_manager
from core.platforms.oracle_vm.merge import merge
from core.platforms.oracle_vm.planes import plane_of
from core.platforms.oracle_vm.spec import PoolSpec
from core.text import inert
from core.transports.base import Access, Endpoint
from core.transports.jump import Jump, open_jump
from core.transports.ssh import open_ssh

ReadManager = Callable[[], Coroutine[Any, Any, ManagerFacts]]
PEERS_WAIT_S = 5.0  # beyond connect_s: how long a server that is ready waits for its peers' host names
_NO_SSH = Gap(kind=GapKind.NO_CONNECTION, connection=SSH, text="no SSH login to the servers was given")
_SHORT_NAME = 1  # labels of a short host name


async def collect(
    spec: PoolSpec,
    access: Access,
    *,
    only: Sequence[str] | None = None,
    base: OvmFleet | None = None,
    on_server: OnServer | None = None,
    intrusive: bool = False,
) -> OvmFleet:
    """Facts of Manager and of all servers, or of those in `only` on top of `base`. Never raises for a server."""
    targets = [server for server in _unique(spec) if only is None or server.address in only]
    kept = (
        {}
        if base is None
        else {name: facts for name, facts in base.servers.items() if name in spec.server_names}
    )
    try:
        async with open_jump(spec.jump, access) as jump:
            manager, looked = await _look_at_all(
                spec, access, jump, targets, base, on_server, intrusive=intrusive
            )
    except PoolwrightError as error:
        manager, looked = _unreached(targets, plane_of(error))
        for facts in looked.values():
            if on_server is not None:
                await on_server(facts)
    fresh = {**kept, **looked}
    servers = {name: fresh[name] for name in dict.fromkeys(spec.server_names) if name in fresh}
    return OvmFleet(servers=servers, controller=manager.plane, manager=manager, observed_at=datetime.now(UTC))


async def collect_within(
    spec: PoolSpec, access: Access, jump: Jump | None, read: ReadManager, only: Sequence[str] | None = None
) -> OvmFleet:
    """All facts anew inside a run: through its jump host, Manager by its own session. Never raises for a server.

    Ownership may have changed what a login to an agent means, so each server (`only`: each of these) is asked again.
    """
    targets = [target for target in _unique(spec) if only is None or target.address in only]
    for target in targets:
        endpoint = agent_endpoint(spec, target)
        access.logins.forget(endpoint.host, endpoint.port)
    manager, servers = await _look_at_all(spec, access, jump, targets, None, None, read)
    return OvmFleet(servers=servers, controller=manager.plane, manager=manager, observed_at=datetime.now(UTC))


async def _look_at_all(
    spec: PoolSpec,
    access: Access,
    jump: Jump | None,
    targets: Sequence[ServerTarget],
    base: OvmFleet | None,
    on_server: OnServer | None,
    read: ReadManager | None = None,
    *,
    intrusive: bool = False,
) -> tuple[ManagerFacts, dict[str, OvmServerFacts]]:
    looks = {target.address: _ServerLook(spec, access, jump, target, intrusive) for target in targets}
    peers = _Peers(spec, looks, base)
    async with asyncio.TaskGroup() as group:
        manager_task = group.create_task(read() if read is not None else look_at_manager(spec, access, jump))
        for look in looks.values():
            group.create_task(look.run(peers, manager_task, on_server))
    manager = manager_task.result()
    return manager, {name: look.facts(manager) for name, look in looks.items()}


async def look_at_manager(spec: PoolSpec, access: Access, jump: Jump | None) -> ManagerFacts:
    """What Manager tells; its plane says how far it could be reached. Never raises for it."""
    endpoint = manager_endpoint(spec)
    try:
        async with open_manager(endpoint, user=spec.manager.user, access=access, jump=jump) as session:
            warnings = tuple(dict.fromkeys(inert(warning, 300) for warning in session.warnings))
            facts = await read_manager(session, limit_s=access.limits.server_total_s)
    except PoolwrightError as error:
        return ManagerFacts(plane=plane_of(error), observed_at=datetime.now(UTC))
    return facts.model_copy(update={"plane": facts.plane.model_copy(update={"warnings": warnings})})


class _ServerLook:
    """One server being looked at over its planes, within limits.server_total_s in all."""

    def __init__(
        self, spec: PoolSpec, access: Access, jump: Jump | None, target: ServerTarget, intrusive: bool = False
    ) -> None:
        self.spec, self.access, self.jump, self.target = spec, access, jump, target
        self.name = target.address
        client = AgentClient(agent_endpoint(spec, target), access, spec.agent.user, jump)
        self.agent = AgentLook(client)
        self.dom0 = Dom0Look(self.name, target.address, spec, access.limits, intrusive=intrusive)
        self.is_named = asyncio.Event()  # its host name is known, or will not be
        self.has_own_facts = asyncio.Event()  # its own system was read, or will not be
        self._ready = asyncio.Event()  # its own facts are complete, only peers' names are left

    async def run(
        self, peers: _Peers, manager: asyncio.Task[ManagerFacts], on_server: OnServer | None
    ) -> None:
        """Look, stream the facts when they are ready and when they are final; never raises for the server."""
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell_when_ready(manager, on_server))
            await self._within_limit(peers)
            self._ready.set()
            await telling
        await self._tell(manager, on_server)

    async def _within_limit(self, peers: _Peers) -> None:
        limit_s = self.access.limits.server_total_s
        try:
            async with asyncio.timeout(limit_s):
                await self._look(peers)
        except TimeoutError:
            self._cut(GapKind.TIMED_OUT, f"not finished within {limit_s:g} s")
        except Exception as error:  # noqa: BLE001 - whatever one server provokes must not end the others
            if own_limit.has_run_out(error):
                own_limit.note()
                self._cut(GapKind.NOT_ASKED, own_limit.reason())
            else:
                reason = f"cannot look at it: {type(_first(error)).__name__}: {_first(error)}"
                self._cut(GapKind.FAILED, inert(reason, 300))
        finally:
            self.is_named.set()
            self.has_own_facts.set()

    async def _look(self, peers: _Peers) -> None:
        endpoint = ssh_endpoint(self.spec, self.target)
        async with asyncio.TaskGroup() as group:
            agent = group.create_task(self._ask_agent())
            if endpoint is None:
                self.dom0.miss_rest(_NO_SSH)
                await agent
                self.is_named.set()
            else:
                group.create_task(self._look_inside(endpoint, agent, peers))

    async def _ask_agent(self) -> None:
        await self.agent.run()
        told = self.agent.seen.get("hostname")
        if told is not None and told.is_known:
            self.is_named.set()

    async def _look_inside(self, endpoint: Endpoint, agent: asyncio.Task[None], peers: _Peers) -> None:
        """dom0's own facts, then, on the same connection, the names of the peers."""
        access = self.spec.ssh
        assert access is not None  # noqa: S101 - there is an endpoint only where there is a login
        try:
            async with open_ssh(
                endpoint, user=access.user, access=self.access, key_file=access.key_file, jump=self.jump
            ) as session:
                await self.dom0.run(session, session.warnings)
                self.has_own_facts.set()
                if self._knows_its_name():
                    self.is_named.set()
                else:
                    await asyncio.wait([agent])
                    self.is_named.set()
                if agent.done():
                    self._ready.set()
                if not self.is_final:
                    await self.dom0.look_at_peers(session, await peers.of(self.name))
        except PoolwrightError as error:
            self.dom0.fail(error)
            self.has_own_facts.set()
            await asyncio.wait([agent])
        finally:
            self.has_own_facts.set()
            if agent.done() or self._knows_its_name():
                self.is_named.set()

    def _knows_its_name(self) -> bool:
        fact = self.dom0.seen.get("hostname")
        return fact is not None and fact.is_known

    def _cut(self, kind: GapKind, reason: str) -> None:
        not_finished(self.agent, Gap(kind=kind, text=reason))
        self.dom0.miss_rest(Gap(kind=kind, connection=SSH, text=reason))
        if self.spec.ssh is not None and self.dom0.plane.state is PlaneState.NOT_ASKED:
            self.dom0.plane = PlaneFact(state=PlaneState.BROKEN, reason=reason)

    async def _tell_when_ready(self, manager: asyncio.Task[ManagerFacts], on_server: OnServer | None) -> None:
        await self._ready.wait()
        if not self.is_final:
            await self._tell(manager, on_server)

    async def _tell(self, manager: asyncio.Task[ManagerFacts], on_server: OnServer | None) -> None:
        if on_server is not None:
            await on_server(self.facts(manager.result() if manager.done() else None))

    @property
    def is_final(self) -> bool:
        """Whether the peers' names are read too, or will not be."""
        return FIELD in self.dom0.seen

    def peer(self) -> Peer:
        """This server as the others shall reach it."""
        return _as_peer(self.name, self.target.address, self.dom0.seen, self.host_names())

    def host_names(self) -> tuple[str, ...]:
        """Its short and full host name, as far as they are known now."""
        told = [look.seen.get("hostname") for look in (self.agent, self.dom0)]
        names = [str(fact.value) for fact in told if fact is not None and fact.is_known and fact.value]
        return names_of(self.name, [*names, *([self.dom0.fqdn] if self.dom0.fqdn else [])])

    def facts(self, manager: ManagerFacts | None) -> OvmServerFacts:
        """Its facts as they stand."""
        planes = {"agent": self.agent.plane}
        if self.spec.ssh is not None:
            planes["ssh"] = self.dom0.plane
        return merge(self.name, self.target.address, planes, self.agent.seen, self.dom0.seen, manager)


class _Peers:
    """Which names every server must be able to resolve; waits a little for the servers that tell theirs."""

    def __init__(self, spec: PoolSpec, looks: dict[str, _ServerLook], base: OvmFleet | None) -> None:
        self.looks = looks
        self._wait_s = next(iter(looks.values())).access.limits.connect_s + PEERS_WAIT_S if looks else 0.0
        self._known = {
            name: _as_peer(name, facts.address, dict(facts), names_of(name, [facts.hostname.value or name]))
            for name, facts in (base.servers if base else {}).items()
            if name in spec.server_names and name not in looks
        }

    async def of(self, server: str) -> tuple[Peer, ...]:
        """All servers but this one, once their names are known or have been waited for.

        In the order of the rounds: no two servers begin with the same peer. A server that has a heartbeat network of
        its own also waits for what the others' own systems tell, since their addresses there stand in it.
        """
        own = self.looks.get(server)
        events = [look.is_named for look in self.looks.values()]
        if own is not None and heartbeat_address(own.dom0.seen) is not None:
            events += [look.has_own_facts for look in self.looks.values()]
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=self._wait_s)
        finally:
            for wait in waits:
                wait.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*waits, return_exceptions=True)
        peers = {**self._known, **{name: look.peer() for name, look in self.looks.items()}}
        return tuple(peers[name] for name in targets_of(server, list(peers)))


def _as_peer(name: str, address: str, seen: Observed, names: tuple[str, ...]) -> Peer:
    """A server with the names its peers must resolve; without a known address it is only looked up."""
    found = peer_of(name, address, seen)
    heartbeat = heartbeat_address(seen)
    return Peer(
        name,
        found.address if found is not None else "",
        names,
        heartbeat.address if heartbeat is not None else "",
    )


def names_of(server: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """Names by which peers must find a server: short and full host name, and the name the operator used."""
    found: list[str] = []
    for host in (*hosts, server):
        if not is_host(host) or host.replace(".", "").isdigit():
            continue
        found += [host.lower()] if host == server else [host.split(".", _SHORT_NAME)[0].lower(), host.lower()]
    return tuple(dict.fromkeys(found))


def _unique(spec: PoolSpec) -> list[ServerTarget]:
    return list({target.address: target for target in spec.servers}.values())


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def _unreached(
    targets: Sequence[ServerTarget], plane: PlaneFact
) -> tuple[ManagerFacts, dict[str, OvmServerFacts]]:
    """All planes as unreached: the way to them (the jump host) could not be opened."""
    at = datetime.now(UTC)
    servers = {
        target.address: OvmServerFacts(
            name=target.address, address=target.address, planes={"agent": plane, "ssh": plane}, observed_at=at
        )
        for target in targets
    }
    return ManagerFacts(plane=plane, observed_at=at), servers
