"""One server's look at its peers and at Manager: which commands belong to it, and what their output tells.

All ways are asked in one batch of core.platforms.oracle_vm.look_dom0. Only where something looks wrong more is asked
over the same connection: what a busy machine may have made up (core.facts.mesh_doubt), and how wide a narrow way is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from core.errors import PoolwrightError
from core.facts.batch import Section
from core.facts.mesh import PairLook, Peer, absent_pair
from core.facts.mesh_doubt import Way, doubts, settle
from core.facts.mesh_row import read_row, row_commands
from core.facts.mesh_run import find_path_mtu
from core.facts.probe import Observed
from core.platforms.oracle_vm.look_mesh import (
    HEARTBEAT,
    HEARTBEAT_PORT,
    MANAGER,
    callback_port,
    heartbeat_address,
    management_mtu,
    mtu_of,
    ports_between,
)
from core.platforms.oracle_vm.spec import PoolSpec
from core.transports.base import CommandSession

_BISECTED = 2  # ways whose path MTU is searched for; the others with the same trouble will be alike
Sections = Mapping[str, Section]
Ask = Callable[[Mapping[str, str], Mapping[str, int]], Awaitable[Sections | None]]


class _Row(NamedTuple):
    """Ways of one kind: what their commands' names begin with, whom they lead to, and what is tried."""

    prefix: str
    peers: tuple[Peer, ...]
    ports: tuple[int, ...]
    mtu: int | None
    network: str = ""


class PeersLook:
    """What one server sees of the others. Ask for `batch`, then `read`; `ask_again` where something is in doubt."""

    def __init__(
        self, name: str, spec: PoolSpec, seen: Observed, peers: Sequence[Peer], *, is_solaris: bool
    ) -> None:
        self.name, self.is_solaris = name, is_solaris
        self._ways: list[Way] = []
        self._unasked: list[PairLook] = []
        mtu = None if is_solaris else management_mtu(name, seen)
        manager = spec.manager.host
        home = Peer(MANAGER, manager, (manager,))
        self._rows = [
            _Row("", tuple(peers), ports_between(spec), mtu),
            _Row("m.", (home,), (callback_port(spec),), None),
        ]
        if spec.pool.clustered and not is_solaris:
            self._add_heartbeat(seen, peers)
        self._lookups: list[Section] = []

    def _add_heartbeat(self, seen: Observed, peers: Sequence[Peer]) -> None:
        """The cluster's own network is looked at apart, where Manager's tags on the servers name one."""
        own = heartbeat_address(seen)
        reached = tuple(Peer(one.name, one.heartbeat) for one in peers if one.heartbeat)
        if own is None and not reached:
            return
        if own is None:
            self._unasked = [self._absent(one.name, "it has no address there itself") for one in reached]
            return
        blind = [one for one in peers if not one.heartbeat]
        self._unasked = [self._absent(one.name, "its address there is not known") for one in blind]
        self._rows.append(_Row("h.", reached, (HEARTBEAT_PORT,), mtu_of(own.interface, seen), HEARTBEAT))

    def _absent(self, target: str, reason: str) -> PairLook:
        look = absent_pair(self.name, target, f"on the heartbeat network: {reason}")
        return look.model_copy(update={"network": HEARTBEAT})

    @property
    def count(self) -> int:
        """Ways that are asked."""
        return sum(len(row.peers) for row in self._rows)

    def batch(self) -> tuple[dict[str, str], dict[str, int]]:
        """(commands, seconds each may take over there)."""
        commands: dict[str, str] = {}
        limits: dict[str, int] = {}
        for row in self._rows:
            asked, own = row_commands(row.peers, row.ports, row.mtu, is_solaris=self.is_solaris)
            commands |= {f"{row.prefix}{key}": command for key, command in asked.items()}
            limits |= {f"{row.prefix}{key}": seconds for key, seconds in own.items()}
        return commands, limits

    def read(self, sections: Sections) -> None:
        """Take in the sections of the batch; never raises."""
        self._ways = []
        for row in self._rows:
            own = {
                key.removeprefix(row.prefix): one
                for key, one in sections.items()
                if key.startswith(f"{row.prefix}p")
            }
            for peer, look in read_row(self.name, row.peers, own, row.mtu):
                self._ways.append(Way(peer, look.model_copy(update={"network": row.network})))
        self._lookups = [one for key, one in sections.items() if ".name-" in key and not key.startswith("m.")]

    async def ask_again(self, session: CommandSession, ask: Ask) -> None:
        """Ask what is in doubt a second time, and search for the width of narrow ways; never raises for a server."""
        commands, limits = doubts(self._ways, is_solaris=self.is_solaris)
        if commands and (told := await ask(commands, limits)) is not None:
            self._ways = settle(self._ways, told)
        narrow = [index for index, way in enumerate(self._ways) if _is_narrow(way.look)]
        for index in narrow[:_BISECTED]:
            peer, look = self._ways[index]
            assert look.mtu_tried is not None  # noqa: S101 - what makes it narrow
            try:
                found = await find_path_mtu(session, peer.address, look.mtu_tried)
            except PoolwrightError:
                return
            self._ways[index] = Way(peer, look.model_copy(update={"path_mtu": found}))

    @property
    def looks(self) -> tuple[PairLook, ...]:
        """Every way, as far as it is known."""
        return (*(way.look for way in self._ways), *self._unasked)

    @property
    def dead_lookup(self) -> Section | None:
        """A name look-up that could not be made at all: then no name is known."""
        bad = (one for one in self._lookups if one.status in (None, 126, 127) or one.was_cut)
        return next(bad, None)

    @property
    def resolved(self) -> dict[str, tuple[str, ...]]:
        """What the peers' names mean to this server."""
        peers = (way.look for way in self._ways if way.look.target != MANAGER)
        return {name.lower(): there for look in peers for name, there in look.resolved.items()}


def _is_narrow(look: PairLook) -> bool:
    has_answer = look.ping is not None and look.ping.received > 0
    return look.mtu_tried is not None and look.path_mtu is None and has_answer
