"""Looks at one server through its own SSH: one connection and three channels.

First what its own system tells, then what it sees outside (names, storage, the virtual IP, ports), then its peers.
A command that may hang has a limit of its own over there, so that a hang loses nothing else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.errors import PoolwrightError
from core.facts import commands, linux, network, solaris
from core.facts.batch import Section, run_batch
from core.facts.mesh import ClockSample, Peer, PortState, clock_offset, port_state
from core.facts.mesh_row import row_limit_s
from core.facts.probe import Observed, absent, clean
from core.models.facts import Address, Fact, PlaneFact, PlaneState
from core.models.gaps import Gap, GapKind
from core.platforms.oracle_vm import look_storage
from core.platforms.oracle_vm.endpoints import SSH
from core.platforms.oracle_vm.look_mesh import FIELD, callback_port
from core.platforms.oracle_vm.look_peers import PeersLook
from core.platforms.oracle_vm.look_storage import StorageLook
from core.platforms.oracle_vm.planes import gap_of, plane_of, short_reason
from core.platforms.oracle_vm.probes import dom0
from core.platforms.oracle_vm.probes.sections import is_solaris
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.text import inert
from core.transports.base import CommandSession
from core.transports.limits import Limits

NAMES = ("own_name_addresses", "reverse_names")
PEERS = ("peer_addresses", FIELD)
OTHERS = ("vip_holder_mac", "ports_reached")
CLOCK = ("clock_offset_s", "clock_error_s")
FIELDS = frozenset({*dom0.FIELDS, *NAMES, *look_storage.FIELDS, *PEERS, *OTHERS, *CLOCK})
_ARP_S = 10  # arping itself ends after 3 s
_TRY_S, _TRY_AGAIN_S = 5, 8
_LATER = "later."  # what the names of second tries begin with
_LOCAL_SHARE = 3.0  # how many times a command's limit the batch of all local ones may take
_OUTSIDE_MAX_S = 150.0

Sections = Mapping[str, Section]


class Dom0Look:
    """What one server's own system told so far; `seen` and `plane` can be read at any time."""

    def __init__(
        self, name: str, address: str, spec: PoolSpec, limits: Limits, *, intrusive: bool = False
    ) -> None:
        self.name, self.address, self.spec, self.limits = name, address, spec, limits
        self.intrusive = intrusive  # only then anything is written, and taken away again at once
        self.seen: Observed = {}
        # a command's own limit over there is for a quick line: whoever gives commands more time gives these more too
        self._patience = max(1.0, limits.ssh_command_s / Limits().ssh_command_s)
        self.plane = PlaneFact()
        self.fqdn: str | None = None
        self._base: Sections = {}
        self._storage: StorageLook | None = None

    @property
    def is_solaris(self) -> bool:
        """Whether the server's own system is Solaris."""
        return is_solaris(self._base)

    def fail(self, error: PoolwrightError) -> None:
        """The connection could not be made or was lost: nothing more is known from here."""
        if self.plane.state is not PlaneState.OK:
            self.plane = plane_of(error)
            self.miss_rest(self._shut())
        self.miss_rest(gap_of(error, SSH, 200))

    def _shut(self) -> Gap:
        return self.plane.gap(SSH, short_reason("SSH", self.plane))

    def miss_rest(self, gap: Gap) -> None:
        """Say of every field that was not reached why."""
        for field in FIELDS - self.seen.keys():
            self.seen[field] = absent(field, gap, source="ssh")

    async def run(self, session: CommandSession, warnings: tuple[str, ...] = ()) -> None:
        """Everything but the peers; never raises for the server's answers."""
        self.plane = PlaneFact(state=PlaneState.OK, warnings=warnings)
        await self._inside(session, warnings)
        if self._base:
            await self._outside(session)
        else:
            self.miss_rest(self._shut())

    async def _inside(self, session: CommandSession, warnings: tuple[str, ...]) -> None:
        """What the server's own system tells, and its clock: `date` stands first and last in the batch."""
        sent_s = time.time()
        limit_s = self.limits.ssh_command_s * _LOCAL_SHARE
        sections = await self._batch(
            session, commands.BASE, limit_s, (*dom0.FIELDS, *CLOCK), limits=commands.LIMITS
        )
        if sections is None:  # whatever made this fail makes the rest fail too, after a long wait
            reason = next((fact.missing for fact in self.seen.values() if fact.missing), "nothing was told")
            self.plane = PlaneFact(state=PlaneState.BROKEN, reason=reason, warnings=warnings)
            return
        self._base = sections
        self.seen |= dom0.observe_base(sections, datetime.now(UTC))
        self._clock(sections, sent_s, time.time())
        if not any(section.text.strip() for section in sections.values()):
            reason = "no command gave any output"
            self.plane = PlaneFact(state=PlaneState.BROKEN, reason=reason, warnings=warnings)

    def _clock(self, sections: Sections, sent_s: float, received_s: float) -> None:
        samples: list[ClockSample] = []
        for name in ("date", "date_end"):
            try:
                told_s, coarse_s = linux.parse_epoch(sections[name].text)
            except ValueError:
                continue
            samples.append(ClockSample(sent_s, received_s, told_s, coarse_s))
        if not samples:
            self.seen |= {field: sections["date"].absent(field) for field in CLOCK}
            return
        offset_s, error_s = clock_offset(samples)
        self.seen["clock_offset_s"] = self._fact(offset_s, "ssh date")
        self.seen["clock_error_s"] = self._fact(error_s, "ssh date")

    async def _outside(self, session: CommandSession) -> None:
        """Names, storage, the virtual IP and ports, in one batch; what is not part of this pool is not asked."""
        batch: dict[str, str] = {}
        limits: dict[str, int] = {}
        tries = self._tries()

        def add(asked: Mapping[str, str], limit_s: int) -> None:
            batch.update(asked)
            limits.update(dict.fromkeys(asked, limit_s))

        add(commands.own_names(self._host(), is_solaris=self.is_solaris), commands.LOOKUP_S)
        own = self._management()
        if own is not None:
            add(commands.reverse_lookup(own.address), commands.LOOKUP_S)
        add(self._vip_batch(own), _ARP_S)
        self._storage = StorageLook(
            self.name, self.spec, self._base, is_solaris=self.is_solaris, intrusive=self.intrusive
        )
        asked, asked_limits = self._storage.batch()
        batch |= asked
        limits |= asked_limits
        add(commands.port_tries(tries), _TRY_S)
        limit_s = min(self.limits.ssh_command_s + sum(limits.values()), _OUTSIDE_MAX_S) * self._patience
        fields = (*NAMES, *look_storage.FIELDS, *OTHERS)
        sections = await self._batch(session, batch, limit_s, fields, limits=limits)
        if sections is None:
            return
        self._read_names(sections)
        self._read_vip(sections)
        self.seen |= self._storage.read(sections)
        self._read_tries(sections, tries)

    async def look_at_peers(self, session: CommandSession, peers: Sequence[Peer]) -> None:
        """What this server sees of the others and of Manager: names as it resolves them, the way, its width."""
        look = PeersLook(self.name, self.spec, self.seen, peers, is_solaris=self.is_solaris)
        batch, limits = look.batch()
        again = self._storage.again() if self._storage is not None else {}  # last: hearts beat meanwhile
        batch |= again
        limits |= dict.fromkeys(again, commands.STORAGE_S)
        batch |= (tries := self._tries_again())
        limits |= dict.fromkeys(tries, _TRY_AGAIN_S)
        limit_s = row_limit_s(look.count, self.limits.ssh_command_s * 2) * self._patience
        sections = await self._batch(session, batch, limit_s, PEERS, limits=limits)
        if sections is None:
            return
        if self._storage is not None:
            self.seen |= self._storage.read_again(sections)
        if tries:
            self._read_tries({name.removeprefix(_LATER): sections[name] for name in tries}, self._tries())
        look.read(sections)

        async def ask(asked: Mapping[str, str], seconds: Mapping[str, int]) -> Sections | None:
            spare_s = self.limits.ssh_command_s + sum(seconds.values())
            return await self._batch(session, asked, spare_s * self._patience, (), limits=seconds)

        await look.ask_again(session, ask)
        self.seen[FIELD] = self._fact(look.looks, "ssh ping, /dev/tcp")
        dead = look.dead_lookup
        names = (
            self._fact(look.resolved, "ssh getent ahostsv4")
            if dead is None
            else dead.absent("peer_addresses")
        )
        self.seen["peer_addresses"] = names

    async def _batch(
        self,
        session: CommandSession,
        batch: Mapping[str, str],
        limit_s: float,
        fields: Sequence[str],
        *,
        limits: Mapping[str, int] | None = None,
    ) -> Sections | None:
        """The sections of a batch, None after its failure is written into `fields`."""
        own = {name: math.ceil(seconds * self._patience) for name, seconds in (limits or {}).items()}
        try:
            return await run_batch(session, batch, limit_s=limit_s, limits=own)
        except (PoolwrightError, ValueError) as error:
            gap = (
                gap_of(error, SSH)
                if isinstance(error, PoolwrightError)
                else Gap(kind=GapKind.FAILED, connection=SSH, text=inert(str(error), 300))
            )
            for field in fields:
                self.seen[field] = absent(field, gap, source="ssh")
            return None

    def _known(self, field: str) -> Any:
        fact = self.seen.get(field)
        return fact.value if fact is not None and fact.is_known else None

    def _not_possible(self, field: str, reason: str, source: str = "") -> None:
        gap = Gap(kind=GapKind.NOT_POSSIBLE, connection=SSH, source=source, text=reason)
        self.seen[field] = absent(field, gap)

    def _host(self) -> str | None:
        host = self._known("hostname")
        return str(host) if host and commands.is_host(str(host)) else None

    def _read_names(self, sections: Sections) -> None:
        """What the server's own short and full name mean to itself, and what its address leads back to."""
        fqdn = sections.get("fqdn")
        if fqdn is not None and fqdn.worked:
            words = fqdn.text.split()
            usable = words and commands.is_host(words[0]) and not words[0][0].isdigit()
            self.fqdn = words[0] if usable else None
        asked = [one for name in ("own-short", "own-full") if (one := sections.get(name)) is not None]
        if self._host() is None and self.fqdn is None:
            self._not_possible("own_name_addresses", "the server did not tell its host name", "ssh hostname")
        elif dead := [one for one in asked if one.status in (None, 126, 127) or one.was_cut]:
            self.seen["own_name_addresses"] = dead[0].absent("own_name_addresses")
        else:
            addresses = [address for one in asked for address in linux.parse_getent(one.text)]
            self.seen["own_name_addresses"] = self._fact(
                tuple(dict.fromkeys(addresses)), "ssh getent ahostsv4"
            )
        self._read_reverse(sections.get("reverse"))

    def _read_reverse(self, section: Section | None) -> None:
        if section is None:
            self._not_possible("reverse_names", "its management address is not known", "ssh getent hosts")
        elif section.status in (None, 126, 127) or section.was_cut:
            self.seen["reverse_names"] = section.absent("reverse_names")
        else:
            self.seen["reverse_names"] = self._fact(network.parse_reverse(section.text), "ssh getent hosts")

    def _vip_batch(self, own: Address | None) -> dict[str, str]:
        """Ask the management segment who holds the virtual IP (R010)."""
        field, vip = "vip_holder_mac", self.spec.pool.virtual_ip
        if not vip:
            self._not_possible(field, "no virtual IP is given")
            return {}
        if own is None:
            self._not_possible(field, f"{self.name} shows no interface with its management address")
            return {}
        try:
            return commands.vip_probe(own.interface, vip, is_solaris=self.is_solaris)
        except ValueError as error:
            self._not_possible(field, str(error))
            return {}

    def _read_vip(self, sections: Sections) -> None:
        section = sections.get("arp" if self.is_solaris else "arping")
        if section is None:
            return
        try:
            holder = (
                solaris.parse_arp(section.text)
                if self.is_solaris
                else linux.parse_arping(section.text, section.status)
            )
        except ValueError:
            self.seen["vip_holder_mac"] = section.absent("vip_holder_mac")
        else:
            self.seen["vip_holder_mac"] = self._fact(holder, section.source)

    def _management(self) -> Address | None:
        """The address it is managed by; where it is named by host name, what its hosts file says of its own name."""
        addresses: tuple[Address, ...] = self._known("addresses") or ()
        for address in addresses:
            if address.address == self.address:
                return address
        hosts = self._base.get("hosts")
        pairs = linux.parse_hosts(hosts.text) if hosts is not None and hosts.worked else ()
        own = {self._host(), self.address.lower()}
        mine = {address for address, name in pairs if name.lower() in own}
        real = [one for one in addresses if not one.address.startswith("127.")]
        return next((one for one in real if one.address in mine), real[0] if len(real) == 1 else None)

    def _tries(self) -> list[tuple[str, int]]:
        """Ports elsewhere that this server must reach (server-pools 5): Manager, NFS, the iSCSI portal."""
        found = [(self.spec.manager.host, callback_port(self.spec))]
        wanted = self.spec.pool.file_system if self.spec.pool.clustered else None
        if isinstance(wanted, NfsFileSystem):
            found += [(wanted.server, 2049), (wanted.server, 111)]
        if isinstance(wanted, LunFileSystem) and wanted.transport == "iscsi" and wanted.access_host:
            found.append((wanted.access_host, wanted.access_port))
        return found

    def _read_tries(self, sections: Sections, tries: Sequence[tuple[str, int]]) -> None:
        states: dict[str, str] = dict(self._known("ports_reached") or {})
        for index, (host, port) in enumerate(tries):
            section = sections.get(f"try-{index}")
            told = port_state(section) if section is not None else PortState.UNKNOWN
            if section is not None and (told is not PortState.UNKNOWN or f"{host}:{port}" not in states):
                states[f"{host}:{port}"] = told.value
        self.seen["ports_reached"] = self._fact(states, "ssh /dev/tcp")

    def _tries_again(self) -> dict[str, str]:
        """The tries that nothing answered, once more: a busy server may have run out of time, or a SYN been lost."""
        states = self._known("ports_reached") or {}
        commands_of = commands.port_tries(self._tries())
        return {
            f"{_LATER}try-{index}": commands_of[f"try-{index}"]
            for index, (host, port) in enumerate(self._tries())
            if states.get(f"{host}:{port}") == PortState.TIMEOUT
        }

    def _fact(self, value: Any, source: str) -> Fact[Any]:
        return Fact[Any].seen(clean(value), source, datetime.now(UTC))
