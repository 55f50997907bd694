"""R039, R040, R056, R077, R100, R102-R105 and their like: what should be one and the same on all servers."""

from __future__ import annotations

from core.checks.pair.equal import Equal
from core.checks.reading import Ctx, is_ipv4, joined, management_address, network_of
from core.checks.registry import shared, spec_value
from core.checks.storage.reading import nfs_look, wants
from core.models.cpu import Arch, CpuProfile
from core.models.facts import FactMissing, ServerFacts, known
from core.models.results import Severity

W, I, B = Severity.WARNING, Severity.INFO, Severity.BLOCKER  # noqa: E741 - columns of the table below
BOTH, SSH = ("agent", "ssh"), ("ssh",)


def cpu(facts: ServerFacts) -> CpuProfile:
    """The processor; FactMissing when it was not read."""
    return known(facts.cpu, "processor")


def _of_cpu(value: object, what: str) -> str:
    if value is None or value == "":
        raise FactMissing(what, "the processor description does not tell it")
    return str(value)


def _stepping(facts: ServerFacts) -> str:
    return _of_cpu(cpu(facts).stepping, "stepping")


def _microcode(facts: ServerFacts) -> str:
    return _of_cpu(cpu(facts).microcode, "microcode")


def _threads(facts: ServerFacts) -> str:
    return _of_cpu(cpu(facts).threads_per_core, "threads per core")


def _has_hvm(facts: ServerFacts) -> str:
    hvm = cpu(facts).has_hvm
    if hvm is None:
        raise FactMissing("hardware virtualization", "the hypervisor does not tell it")
    return "on" if hvm else "off"


def _network(facts: ServerFacts) -> str:
    return str(network_of(management_address(facts)))


def _nfs_address(facts: ServerFacts) -> str:
    look = nfs_look(facts)
    if look.address is None:
        raise FactMissing("address of the NFS server", f"{facts.name} does not resolve its name")
    return look.address


def _ntp(facts: ServerFacts) -> str:
    servers = known(facts.ntp_servers, "NTP servers")
    return joined(sorted(servers)) or "none"


def _dns(facts: ServerFacts) -> str:
    servers = known(facts.dns_servers, "DNS servers")
    return joined(sorted(servers)) or "none"


def _no_vip(ctx: Ctx) -> str:
    return (
        "" if spec_value(ctx.spec, "pool.virtual_ip") else "without a virtual IP nothing moves between them"
    )


def _no_nfs(ctx: Ctx) -> str:
    if not wants(ctx, "nfs"):
        return "the pool file system is not on NFS"
    return (
        "it is named by its address" if is_ipv4(str(spec_value(ctx.spec, "pool.file_system.server"))) else ""
    )


def _mixed_cpus(ctx: Ctx) -> str:
    """Only within one family and model do stepping and microcode say anything."""
    keys = {facts.cpu.value.key for facts in ctx.servers if facts.cpu.value is not None}
    if any(facts.cpu.value.arch is Arch.SPARC for facts in ctx.servers if facts.cpu.value is not None):
        return "SPARC processors have none of it"
    return "the processors differ in family or model already" if len(keys) > 1 else ""


# The release without its build: dom0 alone does not tell that.
ROWS = (
    Equal(
        "pair.release.same", "release", lambda f: known(f.release, "release").split("-")[0], W,
        title="One release on all servers",
        why="guests move to the same or a later release only, never back; evacuations stick",
        fix="bring {few} to {value}, as on {most}, before or soon after the pool is made",
        source="server-pools R039 (Concepts 3.4, moving virtual machines)", planes=(*BOTH, "manager"), rules=("R039",),
    ),
    Equal(
        "pair.kernel.same", "kernel", lambda f: known(f.kernel, "kernel"), W,
        title="One kernel on all servers",
        why="other drivers and backends: guests may misbehave after a migration",
        fix="install {value} on {few} and restart there",
        source="server-pools R040, C19", planes=BOTH, rules=("R040",),
    ),
    Equal(
        "pair.hypervisor.same", "hypervisor", lambda f: known(f.hypervisor, "hypervisor"), W,
        title="One build of the hypervisor on all servers",
        why="a live migration between builds can fail or crash the guest",
        fix="bring {few} to {value} and restart there",
        source="server-pools R040, C16-C18", planes=BOTH, rules=("R040",), x86_only=True,
    ),
    Equal(
        "pair.cpu.stepping", "stepping", _stepping, I,
        title="One processor stepping",
        why="Manager puts steppings into one group; what they can do may differ all the same",
        fix="nothing to do while pair.cpu.features finds no difference; else give {few} a pool of their own",
        source="server-pools R100, C05, C06", planes=BOTH, rules=("R100",), when=_mixed_cpus,
    ),
    Equal(
        "pair.cpu.microcode", "microcode", _microcode, W,
        title="One microcode revision",
        why="new or lost feature bits (SSBD, IBRS, TSX) break live migration one way",
        fix="update the firmware of {few} to the level of {most} (microcode {value}) and power cycle",
        source="server-pools R102, C11", planes=SSH, rules=("R102",), when=_mixed_cpus, unknown_severity=I,
    ),
    Equal(
        "pair.cpu.threads", "threads per core", _threads, I,
        title="Hyper-threading alike on all servers",
        why="capacity and pinning of guests differ from server to server",
        fix="set hyper-threading on {few} as on {most} ({value})",
        source="server-pools C22, R103", planes=BOTH, rules=("R103",), when=_mixed_cpus,
    ),
    Equal(
        "pair.hvm.same", "hardware virtualization", _has_hvm, W,
        title="Hardware virtualization alike on all servers",
        why="HVM guests cannot start or be restarted where it is off",
        fix="enable VT-x or AMD-V in the BIOS of {few} as on {most} ({value}), and power cycle",
        source="server-pools R104, C25", planes=BOTH, rules=("R104",), x86_only=True,
    ),
    Equal(
        "pair.bios.same", "BIOS version", lambda f: known(f.bios_version, "BIOS version"), W,
        title="One BIOS version",
        why="hidden feature bits and other thread counts",
        fix="bring the BIOS of {few} to {value} and compare its settings with {most}",
        source="server-pools R103, C12", planes=BOTH, rules=("R103",), x86_only=True, unknown_severity=I,
    ),
    Equal(
        "pair.timezone.same", "time zone", lambda f: known(f.time_zone, "time zone"), I,
        title="One time zone",
        why="times in logs of several servers cannot be laid side by side",
        fix="set the time zone of {few} to {value}",
        source="practice; agent-rpc 5.1", planes=("agent", "ssh"),
    ),
    Equal(
        "pair.ntp.same", "NTP servers", _ntp, I,
        title="The same NTP servers everywhere",
        why="servers that follow different clocks drift apart",
        fix="set {value} on {few}; Manager does it for servers that it owns",
        source="server-pools R031 (Concepts 3.3, NTP)", planes=BOTH, rules=("R031",),
    ),
    Equal(
        "pair.dns.same", "DNS servers", _dns, I,
        title="The same DNS servers everywhere",
        why="one server's view of the names can differ from the others'",
        fix="set {value} in /etc/resolv.conf of {few}",
        source="practice; server-pools R058", planes=SSH, rules=("R058",),
    ),
    Equal(
        "network.management.same", "management network", _network, B,
        title="All servers are managed in one subnet",
        why="the virtual IP works on some masters only",
        fix="give {few} management addresses in {value}, or leave them out",
        source="server-pools R056", planes=BOTH, rules=("R056",), when=_no_vip,
        touches=("servers", "pool.virtual_ip"),
    ),
    Equal(
        "pair.gateway.same", "default gateway", lambda f: known(f.default_gateway, "gateway"), I,
        title="One default gateway",
        why="traffic to Manager, DNS and NTP takes different ways",
        fix="set the gateway of {few} to {value}",
        source="practice", planes=SSH,
    ),
    Equal(
        "storage.nfs.address", "address of the NFS server", _nfs_address, W,
        title="The NFS server's name means one address",
        why="one export is registered twice, or servers use different machines",
        fix="correct DNS or /etc/hosts on {few}: {value}, as on {most}",
        source="server-pools R077", planes=SSH, rules=("R077",), when=_no_nfs,
        touches=("servers", "ssh", "pool.file_system"),
    ),
)  # fmt: skip
MTU_ROW = Equal(
    "pair.mtu.same",
    "MTU of the management interface",
    lambda f: _management_mtu(f),
    W,
    title="One MTU on the management network",
    why="small packets pass, large ones vanish: migrations, NFS and the heartbeat hang",
    fix="set MTU {value} on the management interface of {few}, and on the switch",
    source="server-pools R083",
    planes=BOTH,
    rules=("R083",),
)


def _management_mtu(facts: ServerFacts) -> str:
    name = management_address(facts).interface.split(":")[0]
    found = next((one.mtu for one in known(facts.interfaces, "interfaces") if one.name == name), None)
    if found is None:
        raise FactMissing("MTU", f"{name} does not tell its own")
    return str(found)


for row in (*ROWS, MTU_ROW):
    row.register(shared)
