"""Fixes as commands, for Oracle VM's servers (Oracle Linux 5 and 6) and Manager; printed, never run by us.

Every word goes through core.checks.fixes. What destroys, restarts or interrupts carries a warning.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from core.checks.fixes import (
    MANAGER,
    address,
    command,
    device,
    host,
    interface,
    name,
    number,
    path,
)
from core.checks.reading import is_ipv4, management_address, network_of, short
from core.checks.storage.nfs import is_leftover
from core.models.facts import FactMissing, ServerFacts
from core.models.results import FixCommand
from core.platforms.oracle_vm.checks.base import Ctx, managed, ovm, release, server
from core.platforms.oracle_vm.look_mesh import HEARTBEAT_PORT, MIGRATE_PORT, MIGRATE_TLS_PORT
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, Release

Servers = Sequence[ServerFacts]
Commands = Iterator[FixCommand]
OTHER_MANAGER = "the Manager that owns it"


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


@ovm.remedy("network.agent.port")
def agent_port(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        yield command(facts.name, "service ovs-agent status")
        yield command(facts.name, "service ovs-agent start")
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


@ovm.remedy("server.vip.orphan")
def vip_orphan(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        mine = management_address(facts)
        for left in facts.addresses.value or ():
            same = left.interface.split(":")[0] == mine.interface and left.address != mine.address
            if same and is_ipv4(left.address) and ipaddress.IPv4Address(left.address) in network_of(mine):
                yield command(
                    facts.name,
                    "ip addr del {vip}/{prefix} dev {nic}",
                    warning="prove first that no pool uses this address",
                    vip=address(left.address),
                    prefix=number(left.prefix),
                    nic=interface(mine.interface),
                )


@ovm.remedy("server.owner.this_manager")
def release_owner(servers: Servers, ctx: Ctx) -> Commands:
    """In the words of the release: 3.2 has no releaseOwnership."""
    is_old = release(ctx) is Release.R32
    text = "edit Server name={server} takeOwnership=no" if is_old else "releaseOwnership Server name={server}"
    for facts in servers:
        yield command(OTHER_MANAGER, text, server=name(_names(facts)[0]))


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
    for facts in servers:
        entry = managed(ctx, facts)
        if entry is None:
            continue
        yield command(
            MANAGER,
            "remove Server name={server} from ServerPool name={pool}",
            warning="takes the server out of a pool that may be in use",
            server=name(entry.name),
            pool=name(entry.pool_name),
        )


@ovm.remedy("server.cluster.stale")
def cluster_stale(servers: Servers, ctx: Ctx) -> Commands:
    for facts in servers:
        stored = server(facts).stored_cluster.value
        if stored is None:
            continue
        yield command(facts.name, "mounted.ocfs2 -f")
        warning = "prove first that no pool uses this cluster: its heartbeat and mounts end"
        yield command(
            facts.name, "service o2cb offline {cluster}", warning=warning, cluster=name(stored.name)
        )
        yield command(facts.name, "mv /etc/ocfs2/cluster.conf /etc/ocfs2/cluster.conf.old", warning=warning)


@ovm.remedy("manager.pool.leftover")
def pool_leftover(servers: Servers, ctx: Ctx) -> Commands:
    yield command(
        MANAGER,
        "delete ServerPool name={pool}",
        warning="only when nobody needs this pool",
        pool=name(ctx.spec.pool.name),
    )


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
    for entry in left:
        yield command(
            where,
            "rm -ri {file}",
            warning="destroys the pool that lives there, if one does: prove first that no server mounts it",
            file=path(f"{storage.export.rstrip('/')}/{entry}"),
        )


@ovm.remedy("storage.lun.clean")
def lun_clean(servers: Servers, ctx: Ctx) -> Commands:
    look = next(
        (look for facts in ctx.servers if (look := server(facts).pool_lun.value) and look.device), None
    )
    holder = next((facts.name for facts in ctx.servers if look and server(facts).pool_lun.value == look), "")
    if look is None:
        return
    yield command(holder, "mounted.ocfs2 -f {lun}", lun=device(look.device))
    yield command(
        holder,
        "dd if=/dev/zero of={lun} bs=1M count=10 oflag=direct",
        warning="DESTROYS everything on this LUN, on every server: prove first that no pool lives there",
        lun=device(look.device),
    )
