"""Fixes as commands, for Oracle VM's servers (Oracle Linux 5 and 6) and Manager; printed, never run by us.

Every word goes through core.checks.fixes. Commands fit the cause that was seen. What restarts or interrupts carries a
warning; what destroys is withheld until the evidence of all planes says that nobody uses it (halfmade.decide).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from core.checks.fixes import (
    MANAGER,
    Harm,
    Proof,
    address,
    command,
    device,
    host,
    interface,
    name,
    number,
    path,
    uuid,
    withheld,
)
from core.checks.reading import is_ipv4, joined, management_address, network_of, short
from core.checks.storage.nfs import is_leftover
from core.errors import ConnectTrouble
from core.models.facts import FactMissing, PlaneState, ServerFacts
from core.models.results import FixCommand
from core.platforms.oracle_vm.checks.base import Ctx, managed, manager, of_manager, ovm, release, server
from core.platforms.oracle_vm.evidence import of_pool, of_trace
from core.platforms.oracle_vm.halfmade import decide
from core.platforms.oracle_vm.look_mesh import HEARTBEAT_PORT, MIGRATE_PORT, MIGRATE_TLS_PORT
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, Release
from core.text import inert

Servers = Sequence[ServerFacts]
Commands = Iterator[FixCommand]
WHOSE_POOL = "whose it is, and that no server of any Manager uses it"


def _names(facts: ServerFacts) -> tuple[str, str]:
    """(full, short) host name."""
    told = facts.hostname.value or ""
    return told, short(told)


@ovm.remedy("server.hostname.loopback")
def hostname_loopback(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        told, brief = _names(facts)
        listed = [one for one in facts.loopback_names.value or () if brief and short(one) == brief]
        full = next((one for one in (told, *listed) if "." in one), told)
        mine = facts.address if is_ipv4(facts.address) else management_address(facts).address
        yield command(facts.name, "cp -p /etc/hosts /etc/hosts.before")
        for one in dict.fromkeys((*listed, full, brief)):
            text = r"sed -i '/^\(127\.\|::1\)/s/[[:space:]]\+{name}\([[:space:]]\|$\)/ /g' /etc/hosts"
            yield command(facts.name, text, name=host(one))
        yield _hosts_line(facts.name, mine, full)
        yield command(facts.name, "getent ahostsv4 {short}", short=host(brief))


def _hosts_line(where: str, own: str, full: str) -> FixCommand:
    words = "{full} {short}" if "." in full else "{short}"
    text = f"echo '{{address}} {words}' >> /etc/hosts"
    return command(where, text, address=address(own), full=host(full), short=host(short(full)))


@ovm.remedy("pair.names.resolve")
def names_resolve(servers: Servers, ctx: Ctx) -> Commands:
    """On a server that sees peers wrongly: the lines it lacks; a wrong DNS record is mended in DNS."""
    for facts in servers:
        seen = facts.peer_addresses.value or {}
        for peer in ctx.servers:
            full, brief = _names(peer)
            resolved = seen.get(brief, seen.get(full.lower()))
            is_peer = peer.name != facts.name and is_ipv4(peer.address)
            if not is_peer or resolved is None or peer.address in resolved:
                continue
            yield command(facts.name, "grep -nw {short} /etc/hosts", short=host(brief))
            yield _hosts_line(facts.name, peer.address, full)


@ovm.remedy("server.ntp.running")
def ntp_running(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        yield command(facts.name, "service ntpd start")
        yield command(facts.name, "chkconfig ntpd on")


@ovm.remedy("pair.clock.skew", "server.ntp.synchronised")
def clock(servers: Servers, ctx: Ctx) -> Commands:
    source = ctx.spec.manager.host
    for facts in servers:
        yield command(facts.name, "service ntpd stop")
        warning = "sets the clock at once: guests and logs see it jump"
        yield command(facts.name, "ntpdate {source}", warning=warning, source=host(source))
        yield command(facts.name, "service ntpd start")


@ovm.remedy("server.ntp.source", "network.ntp.answers")
def ntp_source(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        yield command(facts.name, "ntpq -pn")
        yield command(facts.name, "ntpdate -q {source}", source=host(ctx.spec.manager.host))


def _open_port(server_name: str, port: int) -> Commands:
    yield command(server_name, "iptables -I INPUT -p tcp --dport {port} -j ACCEPT", port=number(port))
    yield command(server_name, "service iptables save")


@ovm.remedy("network.o2net.port", "pair.port.heartbeat")
def heartbeat_port(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        yield from _open_port(facts.name, HEARTBEAT_PORT)


@ovm.remedy("pair.port.migrate", "server.firewall.agent")
def migrate_port(servers: Servers, ctx: Ctx) -> Commands:
    port = MIGRATE_TLS_PORT if ctx.spec.pool.secure_migration else MIGRATE_PORT
    for facts in servers:
        yield command(facts.name, "iptables -S INPUT")
        yield from _open_port(facts.name, port)


_AGENT_LOG = ("service ovs-agent status", "tail -n 50 /var/log/ovs-agent.log")
_AGENT_LOOKS: dict[ConnectTrouble, tuple[str, ...]] = {
    ConnectTrouble.NOBODY_LISTENS: ("service ovs-agent status", "service ovs-agent start"),
    ConnectTrouble.HUNG_UP: _AGENT_LOG,
    ConnectTrouble.SILENT: _AGENT_LOG,
    ConnectTrouble.HANDSHAKE: _AGENT_LOG,
    ConnectTrouble.NO_TLS: ("grep -n ssl /etc/ovs-agent/agent.ini",),
    ConnectTrouble.OTHER: ("service ovs-agent status",),
}
_STOPPED = frozenset(
    {ConnectTrouble.NO_ANSWER, ConnectTrouble.NO_ROUTE}
)  # by a firewall, if the host is there


@ovm.remedy("network.agent.port")
def agent_port(servers: Servers, ctx: Ctx) -> Commands:
    """For the cause that was seen. An agent that answers (old TLS, unknown certificate) is neither started nor
    let through a firewall; a host of which nothing answers gets no command at all.
    """
    for facts in servers:
        plane = facts.plane("agent")
        texts: tuple[str, ...] = ()
        if plane.state is PlaneState.BROKEN:
            texts = _AGENT_LOG
        elif plane.state is PlaneState.UNREACHABLE:
            texts = _AGENT_LOOKS.get(plane.trouble or ConnectTrouble.OTHER, ())
        for text in texts:
            yield command(facts.name, text)
        is_stopped = plane.state is PlaneState.UNREACHABLE and plane.trouble in _STOPPED
        if is_stopped and facts.plane("ssh").state is PlaneState.OK:
            yield command(facts.name, "iptables -S INPUT")
            yield from _open_port(facts.name, ctx.spec.agent.port)


@ovm.remedy("server.agent.password")
def agent_password(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        yield command(facts.name, "ovs-agent-passwd {user}", user=name(ctx.spec.agent.user))


@ovm.remedy("network.bond.legs")
def bond_legs(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        for bond in facts.bonds.value or ():
            for port in bond.ports:
                if port.is_up is False:
                    yield command(facts.name, "ethtool {nic}", nic=interface(port.name))
                    yield command(facts.name, "cat /proc/net/bonding/{bond}", bond=interface(bond.name))


@ovm.remedy("pair.mtu.same", "network.mtu.layers")
def mtu(servers: Servers, ctx: Ctx) -> Commands:
    """The MTU of most servers, on the management interface; Manager sets it for good."""
    sizes = [size for facts in ctx.servers if (size := _management_mtu(facts)) is not None]
    usual = max(set(sizes), key=sizes.count)
    for facts in servers:
        yield command(
            facts.name,
            "ip link set dev {nic} mtu {size}",
            warning="holds until the next boot; set it in Manager for good",
            nic=interface(management_address(facts).interface),
            size=number(usual),
        )


def _management_mtu(facts: ServerFacts) -> int | None:
    try:
        nic = management_address(facts).interface
    except FactMissing:
        return None
    return next((one.mtu for one in facts.interfaces.value or () if one.name == nic), None)


def _in_nobodys_use(facts: ServerFacts, ctx: Ctx) -> tuple[Proof, ...]:
    """What must hold before anything of a pool is taken off a server's own system."""
    one = server(facts)
    decision = decide(of_trace(one, ctx.spec, ctx.fleet))
    pool = one.pool_id.value or one.db_pool_id.value
    in_none = not pool and one.pool_id.is_known and one.db_pool_id.is_known
    entry = managed(ctx, facts)  # FactMissing: no command at all
    listed = entry is None or not entry.pool_id
    return (
        Proof(decision.ends, decision.text),
        Proof(in_none, f"{facts.name} believes to be in pool {inert(pool or '?', 60)}"),
        Proof(listed, f"Manager has {facts.name} in a pool"),
    )


@ovm.remedy("server.vip.orphan")
def vip_orphan(servers: Servers, ctx: Ctx) -> Commands:
    pools = of_manager(ctx, manager(ctx).pools, "pools in Manager")
    for facts in servers:
        mine = management_address(facts)
        for left in facts.addresses.value or ():
            same = left.interface.split(":")[0] == mine.interface and left.address != mine.address
            if same and is_ipv4(left.address) and ipaddress.IPv4Address(left.address) in network_of(mine):
                users = [one.name for one in pools if one.virtual_ip == left.address]
                of_pool = Proof(not users, f"it is the virtual IP of pool {joined(users)}")
                yield command(
                    facts.name,
                    "ip addr del {vip}/{prefix} dev {nic}",
                    harm=Harm(f"the address {left.address}", (*_in_nobodys_use(facts, ctx), of_pool)),
                    vip=address(left.address),
                    prefix=number(left.prefix),
                    nic=interface(mine.interface),
                )


@ovm.remedy("server.maintenance.off")
def maintenance_off(servers: Servers, ctx: Ctx) -> Commands:
    is_old = release(ctx) is Release.R32
    text = (
        "edit Server name={server} maintenanceMode=no"
        if is_old
        else "setMaintenanceMode Server name={server} mode=off"
    )
    for facts in servers:
        entry = managed(ctx, facts)
        yield command(MANAGER, text, server=name(entry.name if entry else ""))


@ovm.remedy("server.pool.free")
def pool_free(servers: Servers, ctx: Ctx) -> Commands:
    """A look only: what is in a pool is taken out of it by whoever runs the pool."""
    for facts in servers:
        entry = managed(ctx, facts)
        if entry is not None and entry.pool_name:
            yield command(MANAGER, "show ServerPool name={pool}", pool=name(entry.pool_name))


@ovm.remedy("server.cluster.stale")
def cluster_stale(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        stored = server(facts).stored_cluster.value
        if stored is None:
            continue
        yield command(facts.name, "mounted.ocfs2 -f")
        yield command(
            facts.name,
            "mv -i /etc/ocfs2/cluster.conf /root/",
            harm=Harm(f"the cluster {inert(stored.name, 40)}", _in_nobodys_use(facts, ctx)),
        )


@ovm.remedy("manager.pool.leftover")
def pool_leftover(servers: Servers, ctx: Ctx) -> Commands:
    """Deleted by its id, and only on the evidence that `sweep` wants; a pool that has only the address is another's."""
    for pool in of_manager(ctx, manager(ctx).pools, "pools in Manager"):
        if pool.name != ctx.spec.pool.name or pool.members:
            continue
        decision = decide(of_pool(pool, ctx.spec, ctx.fleet))
        harm = Harm(f"the pool {inert(pool.name, 60)}", (Proof(decision.ends, decision.text),))
        yield command(MANAGER, "delete ServerPool id={pool}", harm=harm, pool=uuid(pool.id))


@ovm.remedy("pair.initiator.unique")
def initiator(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers[1:]:  # one may keep its name
        yield command(facts.name, 'echo "InitiatorName=$(iscsi-iname)" > /etc/iscsi/initiatorname.iscsi')
        warning = "iSCSI sessions of this server end; give the new name to the array's access group first"
        yield command(facts.name, "service iscsid restart", warning=warning)


@ovm.remedy("storage.visible.all")
def storage_visible(servers: Servers, ctx: Ctx) -> Commands:
    storage = ctx.spec.pool.file_system
    for facts in servers:
        if isinstance(storage, NfsFileSystem):
            yield command(
                f"NFS server {storage.server}",
                "exportfs -o rw,sync,no_root_squash {client}:{export}",
                client=host(facts.address),
                export=path(storage.export),
            )
            yield command(facts.name, "showmount -e {server}", server=host(storage.server))
        elif isinstance(storage, LunFileSystem):
            yield command(facts.name, "for h in /sys/class/scsi_host/host*/scan; do echo '- - -' > $h; done")
            yield command(facts.name, "multipath -ll")


@ovm.remedy("storage.nfs.empty")
def nfs_empty(servers: Servers, ctx: Ctx) -> Commands:
    storage = ctx.spec.pool.file_system
    if not isinstance(storage, NfsFileSystem):
        return
    left: dict[str, None] = {}
    for facts in ctx.servers:
        look = server(facts).pool_nfs.value
        left |= dict.fromkeys(entry for entry in (look.entries or () if look else ()) if is_leftover(entry))
    where = f"NFS server {storage.server}"
    yield command(where, "ls -lA {export}", export=path(storage.export))
    if left:
        yield withheld(where, Harm(f"{joined(left)} on the share", (Proof(None, WHOSE_POOL),)))


@ovm.remedy("storage.lun.clean")
def lun_clean(servers: Servers, ctx: Ctx) -> Commands:
    look = next(
        (look for facts in ctx.servers if (look := server(facts).pool_lun.value) and look.device), None
    )
    holder = next((facts.name for facts in ctx.servers if look and server(facts).pool_lun.value == look), "")
    if look is None:
        return
    yield command(holder, "mounted.ocfs2 -f {lun}", lun=device(look.device))
    yield withheld(holder, Harm(f"what lies on LUN {inert(look.wwid, 80)}", (Proof(None, WHOSE_POOL),)))
