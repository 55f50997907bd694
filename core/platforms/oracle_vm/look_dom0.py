"""Looks at one server through its own SSH: one connection, a few batches, each its own channel.

What may hang (DNS, NFS, disks, ARP) never shares a channel with what cannot, so a hang there loses nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from core.errors import PoolwrightError
from core.facts import commands, linux, solaris
from core.facts.batch import Section, new_token, run_batch
from core.facts.looks import LunLook, NfsLook
from core.facts.probe import Observed, clean
from core.models.facts import Address, Fact, PlaneFact, PlaneState
from core.platforms.oracle_vm.planes import plane_of, short_reason
from core.platforms.oracle_vm.probes import dom0, storage
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.text import inert
from core.transports.base import CommandSession
from core.transports.limits import Limits

NAMES = ("own_name_addresses", "peer_addresses")
STORAGE = ("pool_nfs", "nfs_exports", "pool_lun")
OTHERS = ("vip_holder_mac", "clock_offset_s", "clock_error_s")
FIELDS = frozenset({*dom0.FIELDS, *NAMES, *STORAGE, *OTHERS})
_ARP_S = 10.0  # arping itself ends after 3 s
_LOOKUP_S = (
    1.0  # a name that exists is told at once; added to the command limit per name, up to _LOOKUPS_MAX_S
)
_LOOKUPS_MAX_S = 90.0
_NFS_S = 60.0  # showmount and a soft mount give up by themselves before that
_SPARE = ("peer_addresses",)

Sections = Mapping[str, Section]


class Dom0Look:
    """What one server's own system told so far; `seen` and `plane` can be read at any time."""

    def __init__(self, name: str, address: str, spec: PoolSpec, limits: Limits) -> None:
        self.name, self.address, self.spec, self.limits = name, address, spec, limits
        self.seen: Observed = {}
        self.plane = PlaneFact()
        self.fqdn: str | None = None
        self._base: Sections = {}

    @property
    def is_solaris(self) -> bool:
        """Whether the server's own system is Solaris."""
        return dom0.is_solaris(self._base)

    def fail(self, error: PoolwrightError) -> None:
        """The connection could not be made or was lost: nothing more is known from here."""
        if self.plane.state is not PlaneState.OK:
            self.plane = plane_of(error)
            self.miss_rest(short_reason("SSH", self.plane))
        self.miss_rest(inert(str(error), 200))

    def miss_rest(self, reason: str) -> None:
        """Say of every field that was not reached why."""
        for field in FIELDS - self.seen.keys():
            self.seen[field] = Fact[Any].absent(reason, "ssh")

    async def run(self, session: CommandSession, warnings: tuple[str, ...] = ()) -> None:
        """Everything but the names of the peers; never raises for the server's answers."""
        self.plane = PlaneFact(state=PlaneState.OK, warnings=warnings)
        sections = await self._batch(session, commands.BASE, self.limits.ssh_command_s, dom0.FIELDS)
        if sections is not None:
            self._base = sections
            self.seen |= dom0.observe_base(sections, datetime.now(UTC))
            if not any(section.text.strip() for section in sections.values()):
                self.plane = PlaneFact(
                    state=PlaneState.BROKEN, reason="no command gave any output", warnings=warnings
                )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._clock(session))
            group.create_task(self._names_then_vip(session))
            group.create_task(self._storage(session))

    async def look_up_peers(self, session: CommandSession, names: tuple[str, ...]) -> None:
        """Resolve the other servers' names as this server does."""
        asked = {f"name-{index}": name for index, name in enumerate(n for n in names if commands.is_host(n))}
        batch = commands.name_lookups(asked.values(), is_solaris=self.is_solaris)
        limit_s = min(self.limits.ssh_command_s + _LOOKUP_S * len(batch), _LOOKUPS_MAX_S)
        sections = await self._batch(session, batch, limit_s, _SPARE) if batch else {}
        if sections is None:
            return
        found: dict[str, tuple[str, ...]] = {}
        for key, name in asked.items():
            section = sections[key]
            if section.status is None or section.status in (126, 127):
                self.seen["peer_addresses"] = section.absent()
                return
            found[name.lower()] = linux.parse_getent(section.text)
        self.seen["peer_addresses"] = self._fact(found, "ssh getent ahostsv4")

    async def _batch(
        self, session: CommandSession, batch: Mapping[str, str], limit_s: float, fields: Any
    ) -> Sections | None:
        """The sections of a batch, None after its failure is written into `fields`."""
        try:
            return await run_batch(session, batch, limit_s=limit_s)
        except PoolwrightError as error:
            reason = inert(str(error), 300)
            for field in fields:
                self.seen[field] = Fact[Any].absent(reason, "ssh")
            return None

    async def _clock(self, session: CommandSession) -> None:
        sent_s = time.time()
        sections = await self._batch(session, commands.CLOCK, self.limits.ssh_command_s, OTHERS[1:])
        received_s = time.time()
        if sections is None:
            return
        try:
            told_s, coarse_s = linux.parse_epoch(sections["date"].text)
        except ValueError:
            for field in OTHERS[1:]:
                self.seen[field] = sections["date"].absent()
            return
        half_s = max(received_s - sent_s, 0.0) / 2
        self.seen["clock_offset_s"] = self._fact(told_s - (sent_s + received_s) / 2, "ssh date")
        self.seen["clock_error_s"] = self._fact(half_s + coarse_s, "ssh date")

    async def _names_then_vip(self, session: CommandSession) -> None:
        await self._own_names(session)
        await self._vip(session)

    async def _own_names(self, session: CommandSession) -> None:
        """What the server's own short and full name mean to itself."""
        sections = await self._batch(session, commands.own_names(), self.limits.ssh_command_s, NAMES[:1])
        if sections is not None and sections["fqdn"].worked:
            words = sections["fqdn"].text.split()
            self.fqdn = (
                words[0] if words and commands.is_host(words[0]) and not words[0][0].isdigit() else None
            )
        host = self.seen.get("hostname")
        short = str(host.value) if host is not None and host.is_known and host.value else None
        names = tuple(dict.fromkeys(name for name in (short, self.fqdn) if name and commands.is_host(name)))
        if not names:
            self.seen["own_name_addresses"] = Fact[Any].absent(
                "the server did not tell its host name", "ssh hostname"
            )
            return
        limit_s = self.limits.ssh_command_s
        found = await self._batch(
            session, commands.name_lookups(names, is_solaris=self.is_solaris), limit_s, NAMES[:1]
        )
        if found is None:
            return
        if any(section.status is None or section.status in (126, 127) for section in found.values()):
            self.seen["own_name_addresses"] = next(iter(found.values())).absent()
            return
        addresses = [address for section in found.values() for address in linux.parse_getent(section.text)]
        self.seen["own_name_addresses"] = self._fact(tuple(dict.fromkeys(addresses)), "ssh getent ahostsv4")

    async def _vip(self, session: CommandSession) -> None:
        """Ask the management segment who holds the virtual IP (R010)."""
        field = "vip_holder_mac"
        vip = self.spec.pool.virtual_ip
        if not vip:
            self.seen[field] = Fact[Any].absent("no virtual IP is given")
            return
        interface = self._management_interface()
        if interface is None:
            self.seen[field] = Fact[Any].absent(f"{self.name} shows no interface with its management address")
            return
        try:
            batch = commands.vip_probe(interface, vip, is_solaris=self.is_solaris)
        except ValueError as error:
            self.seen[field] = Fact[Any].absent(str(error))
            return
        sections = await self._batch(session, batch, _ARP_S, (field,))
        if sections is None:
            return
        section = sections["arp" if self.is_solaris else "arping"]
        try:
            holder = (
                solaris.parse_arp(section.text)
                if self.is_solaris
                else linux.parse_arping(section.text, section.status)
            )
        except ValueError:
            self.seen[field] = section.absent()
        else:
            self.seen[field] = self._fact(holder, section.source)

    def _management_interface(self) -> str | None:
        fact = self.seen.get("addresses")
        addresses: tuple[Address, ...] = (fact.value or ()) if fact is not None and fact.is_known else ()
        own = self.seen.get("own_name_addresses")
        wanted = {self.address, *((own.value or ()) if own is not None and own.is_known else ())}
        for address in addresses:
            if address.address in wanted and not address.address.startswith("127."):
                return address.interface
        return None

    async def _storage(self, session: CommandSession) -> None:
        wanted = self.spec.pool.file_system if self.spec.pool.clustered else None
        if isinstance(wanted, NfsFileSystem):
            await self._guarded("pool_nfs", lambda: self._nfs(session, wanted))
        elif isinstance(wanted, LunFileSystem):
            await self._guarded("pool_lun", lambda: self._lun(session, wanted))
        for field in STORAGE:
            self.seen.setdefault(field, Fact[Any].absent("not part of this pool"))

    async def _guarded(self, field: str, look: Callable[[], Awaitable[None]]) -> None:
        try:
            await look()
        except (PoolwrightError, ValueError) as error:
            self.seen[field] = Fact[Any].absent(inert(str(error), 300), "ssh")

    async def _nfs(self, session: CommandSession, wanted: NfsFileSystem) -> None:
        """Exports first; then into the share: where it is mounted already, or read-only for a moment (R003)."""
        folder = f"/tmp/.{new_token()[:20]}"  # noqa: S108 - made with mkdir -m 700, which fails where it exists
        batch = commands.nfs_look(wanted.server, wanted.export, folder, is_solaris=self.is_solaris)
        asked = {name: batch.pop(name) for name in ("address", "showmount")}
        sections = dict(await run_batch(session, asked, limit_s=_NFS_S))
        look = storage.read_nfs(wanted.server, wanted.export, sections)
        mounts = self.seen.get("mounts")
        known = (mounts.value or ()) if mounts is not None and mounts.is_known else ()
        path = storage.mounted_at(known, wanted.server, look.address, wanted.export)
        if path is not None:
            batch = commands.mounted_look(path)
        if path is not None or look.is_exported is not False:
            sections |= await run_batch(session, batch, limit_s=_NFS_S)
        self._see_nfs(storage.read_nfs(wanted.server, wanted.export, sections), wanted)

    def _see_nfs(self, look: NfsLook, wanted: NfsFileSystem) -> None:
        self.seen["pool_nfs"] = self._fact(look, "ssh showmount, ls")
        if look.exports is not None:
            self.seen["nfs_exports"] = self._fact({wanted.server: look.exports}, "ssh showmount -e")

    async def _lun(self, session: CommandSession, wanted: LunFileSystem) -> None:
        sections = await run_batch(session, commands.LUN_MAP, limit_s=self.limits.ssh_command_s)
        device, look = storage.find_lun(wanted.wwid, sections)
        if device:
            details = await run_batch(session, commands.lun_look(device), limit_s=self.limits.ssh_command_s)
            mounts = self.seen.get("mounts")
            known = (mounts.value or ()) if mounts is not None and mounts.is_known else ()
            swaps = self._base.get("swaps")
            used = linux.parse_swaps(swaps.text) if swaps is not None and swaps.worked else ()
            look = storage.read_lun(look, details, known, used)
        self._see_lun(look)

    def _see_lun(self, look: LunLook) -> None:
        self.seen["pool_lun"] = self._fact(look, "ssh multipath -ll, blkid")

    def _fact(self, value: Any, source: str) -> Fact[Any]:
        return Fact[Any].seen(clean(value), source, datetime.now(UTC))
