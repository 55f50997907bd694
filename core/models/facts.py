"""What was observed, each value with its source and time. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import AwareDatetime

from core.errors import ConnectTrouble
from core.models.base import Frozen
from core.models.cpu import CpuProfile
from core.models.gaps import Gap, GapKind

T = TypeVar("T")


class Fact(Frozen, Generic[T]):
    """One observation. Either `value` stands (and None means 'asked, and there is none'), or `missing` says why not.

    `missing` is for people; `gaps` says the same as data, one for each connection that did not tell it.
    """

    value: T | None = None
    source: str = ""
    observed_at: AwareDatetime | None = None
    missing: str | None = "not asked"
    gaps: tuple[Gap, ...] = ()

    if not TYPE_CHECKING:

        def __class_getitem__(cls, kind: object) -> type:
            """One class for every kind of value: a model each would cost every start 0.1 s; the types are for mypy."""
            return cls

    @property
    def is_known(self) -> bool:
        return self.missing is None

    @classmethod
    def seen(cls, value: T | None, source: str, observed_at: datetime) -> Fact[T]:
        """An observation that succeeded; `source` reads like 'agent discover_server' or 'ssh uname -r'."""
        return cls(value=value, source=source, observed_at=observed_at, missing=None)

    @classmethod
    def absent(cls, *gaps: Gap, source: str = "", observed_at: datetime | None = None) -> Fact[T]:
        """An observation that could not be made; the gaps' texts are shown to the operator beside 'unknown'."""
        missing = "; ".join(dict.fromkeys(gap.text for gap in gaps if gap.text))
        return cls(missing=missing, gaps=gaps, source=source or gaps[0].source, observed_at=observed_at)

    @property
    def why_missing(self) -> tuple[Gap, ...]:
        """The gaps of a fact that has no value; () for one that is known."""
        if self.missing is None:
            return ()
        return self.gaps or (Gap(kind=GapKind.NOT_ASKED, source=self.source, text=self.missing),)


class FactMissing(Exception):
    """A check needs a fact that is not there; the runner turns this into the verdict `unknown`.

    `what` and `reason` are the sentence, `gaps` the data behind it. Without gaps there is one of this kind, about
    `servers` (a check of one server need not name it).
    """

    def __init__(
        self,
        what: str,
        reason: str,
        gaps: Sequence[Gap] = (),
        *,
        kind: GapKind = GapKind.NOT_TOLD,
        servers: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = what, reason
        self.gaps = tuple(gaps) or (Gap(kind=kind, fact=what, servers=tuple(servers), text=reason),)


def known(fact: Fact[T], what: str) -> T:
    """The value of a fact that must be there; raises FactMissing when it was not seen or is empty."""
    if fact.missing is not None:
        raise not_seen(fact, what)
    if fact.value is None:
        reason = "the server has no such value"
        raise FactMissing(
            what, reason, (Gap(kind=GapKind.NOT_TOLD, fact=what, source=fact.source, text=reason),)
        )
    return fact.value


def not_seen(fact: Fact[Any], what: str) -> FactMissing:
    """What to raise for a fact that was not seen, with its gaps."""
    return FactMissing(what, fact.missing or "not asked", fact.why_missing)


class PlaneState(StrEnum):
    """How far one plane (agent, ssh, manager) of a server could be reached."""

    OK = "ok"
    NOT_ASKED = "not_asked"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"  # identity not confirmed, or changed
    REFUSED = "refused"  # login refused
    OLD_CRYPTO = "old_crypto"  # only algorithms that need an explicit setting
    BROKEN = "broken"  # reachable, but the answers cannot be read or do not come in time


class PlaneFact(Frozen):
    """State of one plane of one server, with the reason in words."""

    state: PlaneState = PlaneState.NOT_ASKED
    reason: str = ""
    warnings: tuple[str, ...] = ()  # old algorithms in use, and the like
    tls_version: str = ""  # of a plane in the state OLD_CRYPTO: the version it speaks (TLSv1, ...)
    trouble: ConnectTrouble | None = None  # what was seen of one that is UNREACHABLE

    def gap(self, connection: str, text: str = "") -> Gap:
        """What everything is missing for that only this plane (`connection`) tells; not for a plane that is OK."""
        return Gap(kind=_GAPS[self.state], connection=connection, text=text or self.reason or "not asked")


_GAPS: Mapping[PlaneState, GapKind] = {
    PlaneState.NOT_ASKED: GapKind.NOT_ASKED,
    PlaneState.UNREACHABLE: GapKind.UNREACHABLE,
    PlaneState.UNTRUSTED: GapKind.UNTRUSTED,
    PlaneState.REFUSED: GapKind.REFUSED,
    PlaneState.OLD_CRYPTO: GapKind.OLD_CRYPTO,
    PlaneState.BROKEN: GapKind.UNREADABLE,
}


class Address(Frozen):
    """One address on one interface: dotted IPv4 (or IPv6) text and prefix length."""

    interface: str
    address: str
    prefix: int


class Interface(Frozen):
    """One network interface or bridge."""

    name: str
    kind: str = ""  # "nic", "bond", "bridge", "vlan", ""
    mac: str | None = None
    mtu: int | None = None
    is_up: bool | None = None
    speed_mbps: int | None = None
    bond_mode: str | None = None
    roles: tuple[str, ...] = ()
    master: str | None = None  # the bond or bridge it belongs to


class BondPort(Frozen):
    """One leg of a bond, as the bond sees it."""

    name: str
    is_up: bool | None = None
    speed_mbps: int | None = None
    is_full_duplex: bool | None = None
    failures: int | None = None  # how often its link was lost since boot
    aggregator: str = ""  # LACP: ports with other numbers are not on one switch


class Bond(Frozen):
    """One bond or aggregation. `mode` is the Linux number (1 active-backup, 4 LACP, 6 adaptive), None = another."""

    name: str
    mode: int | None = None
    ports: tuple[BondPort, ...] = ()


class NtpPeer(Frozen):
    """One line of `ntpq -pn`: `is_chosen` marks the source in use; `reach` is the octal register as a number."""

    address: str
    is_chosen: bool = False
    stratum: int | None = None
    reach: int | None = None
    offset_ms: float | None = None


class FreeSpace(Frozen):
    """Room in one mounted file system."""

    path: str
    size_bytes: int
    free_bytes: int


class MultipathMap(Frozen):
    """One multipath device: its name, WWID, and its paths in all and active."""

    name: str
    wwid: str
    size_bytes: int | None = None
    paths: int = 0
    active: int = 0
    queues: bool = False  # queue_if_no_path: I/O waits for ever when all paths are gone


class MultipathSettings(Frozen):
    """What /etc/multipath.conf says, as far as pools care. `digest` is of its text without comments and blanks."""

    digest: str
    has_friendly_names: bool | None = None  # None: not set
    has_multipaths_section: bool = False
    has_blacklist: bool = False
    no_path_retry: tuple[str, ...] = ()


class CertificateFact(Frozen):
    """The certificate a plane shows; times are aware UTC."""

    algorithm: str = ""
    bits: int | None = None
    not_before: AwareDatetime | None = None
    not_after: AwareDatetime | None = None
    tls_version: str = ""


class Disk(Frozen):
    """One disk as a server sees it. `wwid` is SCSI page 0x83 without a prefix."""

    name: str
    wwid: str | None = None
    size_bytes: int | None = None
    is_local: bool | None = None
    vendor: str | None = None
    signature: str | None = None  # what lies on it: "ocfs2", "lvm", "gpt", ... None = nothing or not known


class Mount(Frozen):
    """One mounted file system."""

    device: str
    path: str
    kind: str
    options: str = ""


class ServerFacts(Frozen):
    """Everything observed on one server, for any platform. `name` is the server as the operator named it."""

    name: str
    address: str
    planes: dict[str, PlaneFact] = {}
    observed_at: AwareDatetime | None = None
    hostname: Fact[str] = Fact[str]()
    server_uuid: Fact[str] = Fact[str]()  # identity of the machine; Oracle VM: Unique_Id
    release: Fact[str] = Fact[str]()  # the platform's own release text, e.g. 3.4.6-2105
    kernel: Fact[str] = Fact[str]()
    hypervisor: Fact[str] = Fact[str]()
    cpu: Fact[CpuProfile] = Fact[CpuProfile]()
    memory_mib: Fact[int] = Fact[int]()
    free_memory_mib: Fact[int] = Fact[int]()
    addresses: Fact[tuple[Address, ...]] = Fact[tuple[Address, ...]]()
    interfaces: Fact[tuple[Interface, ...]] = Fact[tuple[Interface, ...]]()
    default_gateway: Fact[str] = Fact[str]()
    own_name_addresses: Fact[tuple[str, ...]] = Fact[
        tuple[str, ...]
    ]()  # what its own host name resolves to, there
    loopback_names: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # names on loopback lines of /etc/hosts
    peer_addresses: Fact[dict[str, tuple[str, ...]]] = Fact[
        dict[str, tuple[str, ...]]
    ]()  # peer name -> addresses
    clock_offset_s: Fact[float] = Fact[float]()  # server minus jump host
    clock_error_s: Fact[float] = Fact[float]()  # half the round trip: the offset is that uncertain
    ntp_is_running: Fact[bool] = Fact[bool]()
    ntp_servers: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    disks: Fact[tuple[Disk, ...]] = Fact[tuple[Disk, ...]]()
    mounts: Fact[tuple[Mount, ...]] = Fact[tuple[Mount, ...]]()
    nfs_exports: Fact[dict[str, tuple[str, ...]]] = Fact[
        dict[str, tuple[str, ...]]
    ]()  # NFS server -> exports seen
    running_guests: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    firewall_rules: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    vip_holder_mac: Fact[str] = Fact[
        str
    ]()  # who answered for the virtual IP, None = nobody; seen from this server
    os_name: Fact[str] = Fact[str]()
    bios_version: Fact[str] = Fact[str]()
    time_zone: Fact[str] = Fact[str]()
    boot_time_s: Fact[int] = Fact[int]()  # epoch seconds
    initiator: Fact[str] = Fact[str]()  # iSCSI name, None = none
    local_time_source: Fact[bool] = Fact[bool]()  # its own clock is its NTP source
    ntp_peers: Fact[tuple[NtpPeer, ...]] = Fact[tuple[NtpPeer, ...]]()
    reverse_names: Fact[tuple[str, ...]] = Fact[
        tuple[str, ...]
    ]()  # what its management address resolves back to, there
    dns_servers: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    name_sources: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # order of look-ups: files, dns
    bonds: Fact[tuple[Bond, ...]] = Fact[tuple[Bond, ...]]()
    boot_protocols: Fact[dict[str, str]] = Fact[dict[str, str]]()  # interface -> static, dhcp, none
    wakes_on_lan: Fact[dict[str, bool]] = Fact[dict[str, bool]]()  # NIC -> a magic packet wakes it
    free_space: Fact[tuple[FreeSpace, ...]] = Fact[tuple[FreeSpace, ...]]()
    own_memory_mib: Fact[int] = Fact[int]()  # of the server's own system (dom0), a part of memory_mib
    own_cpus: Fact[int] = Fact[int]()  # virtual processors of the server's own system
    boot_kernel: Fact[str] = Fact[str]()  # what the next boot will start
    multipath: Fact[tuple[MultipathMap, ...]] = Fact[tuple[MultipathMap, ...]]()
    multipath_settings: Fact[MultipathSettings] = Fact[MultipathSettings]()
    iscsi_sessions: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # portals logged in to, host:port
    sas_expanders: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()
    kernel_trouble: Fact[tuple[str, ...]] = Fact[tuple[str, ...]]()  # lines of the kernel's log that matter
    ports_reached: Fact[dict[str, str]] = Fact[
        dict[str, str]
    ]()  # host:port -> open, refused, timeout, or the reason; tried from the server
    agent_certificate: Fact[CertificateFact] = Fact[CertificateFact]()

    def plane(self, name: str) -> PlaneFact:
        """State of one plane; a plane nobody asked is NOT_ASKED."""
        return self.planes.get(name, PlaneFact())

    def closed_by_design(self, connection: str) -> str:
        """Why this connection refuses every password here, so that nothing is to be mended; "" where it should not."""
        return ""
