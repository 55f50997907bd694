"""Rows of what is judged between servers, and of the pool as a whole."""

from __future__ import annotations

from typing import Any

from core.facts.mesh import PairLook, Ping, PortState
from core.models.facts import Address, Interface
from core.platforms.oracle_vm.facts import O2cbSettings, StoredCluster
from tests.unit.checks.builders import (
    NFS,
    absent,
    bond,
    context,
    haswell,
    looks,
    nfs,
    server,
    sparc,
    spec,
)
from tests.unit.checks.making import INFO, ON_ISCSI, UNCLUSTERED, F, N, P, Row, U, W, all_of, one, two

OLD_O2CB = O2cbSettings(
    heartbeat_threshold=61, idle_timeout_ms=60000, keepalive_delay_ms=2000, reconnect_delay_ms=2000
)
CLOSED = {7777: PortState.TIMEOUT, 8002: PortState.REFUSED}
DOWN = {"ping": Ping(sent=5, received=0), "ports": {7777: PortState.TIMEOUT, 8002: PortState.TIMEOUT}}
T5 = sparc().model_copy(update={"model_name": "SPARC-T5"})
T3 = sparc().model_copy(update={"model_name": "SPARC-T3"})


def apart(number: int, **update: Any) -> tuple[PairLook, ...]:
    """What a server sees of its peers on a heartbeat network of its own."""
    return tuple(
        one.model_copy(update={"network": "heartbeat"})
        for one in looks(number, **update)
        if one.target != "manager"
    )


ROWS: list[Row] = [
    # one value everywhere
    ("pair.release.same", two(), P, "3.4.6"),
    ("pair.release.same", two(release="3.4.6"), P, ""),
    ("pair.release.same", two(release="3.3.4-1160"), W, "bring 203.0.113.12 to 3.4.6"),
    ("pair.release.same", two(release=absent()), U, "203.0.113.12"),
    ("pair.release.same", one(), N, ""),
    ("pair.kernel.same", two(), P, "4.1.12"),
    ("pair.kernel.same", two(kernel="4.1.12-100"), W, "4.1.12-100"),
    ("pair.kernel.same", two(kernel=absent()), U, ""),
    ("pair.hypervisor.same", two(), P, "Xen 4.4.4OVM"),
    ("pair.hypervisor.same", two(hypervisor="Xen 4.3.1OVM"), W, "4.3.1"),
    ("pair.hypervisor.same", two(hypervisor=absent()), U, ""),
    ("pair.hypervisor.same", all_of(cpu=sparc()), N, "SPARC"),
    ("pair.cpu.stepping", two(), P, ""),
    ("pair.cpu.stepping", two(cpu=haswell(stepping="4")), INFO, "4"),
    ("pair.cpu.stepping", two(cpu=haswell(stepping=None)), U, ""),
    ("pair.cpu.stepping", two(cpu=haswell(model="79", stepping="1")), N, ""),
    ("pair.cpu.microcode", two(), P, "0x49"),
    ("pair.cpu.microcode", two(cpu=haswell(microcode="0x38")), W, "0x38"),
    ("pair.cpu.microcode", two(cpu=haswell(microcode=None)), U, ""),
    ("pair.cpu.microcode", all_of(cpu=sparc()), N, ""),
    ("pair.cpu.threads", two(), P, "2"),
    ("pair.cpu.threads", two(cpu=haswell(threads_per_core=1)), INFO, "hyper-threading on 203.0.113.12"),
    ("pair.cpu.threads", two(cpu=haswell(threads_per_core=None)), U, ""),
    ("pair.hvm.same", two(), P, "on"),
    ("pair.hvm.same", two(cpu=haswell(has_hvm=False)), W, "203.0.113.12"),
    ("pair.hvm.same", two(cpu=haswell(has_hvm=None)), U, ""),
    ("pair.bios.same", two(), P, "2.8.0"),
    ("pair.bios.same", two(bios_version="2.1.0"), W, "2.1.0"),
    ("pair.bios.same", two(bios_version=absent()), U, ""),
    ("pair.timezone.same", two(), P, "UTC"),
    ("pair.timezone.same", two(time_zone="Europe/Paris"), INFO, "Europe/Paris"),
    ("pair.timezone.same", two(time_zone=absent()), U, ""),
    ("pair.ntp.same", two(), P, "203.0.113.250"),
    ("pair.ntp.same", two(ntp_servers=("198.51.100.1",)), INFO, "198.51.100.1"),
    ("pair.ntp.same", two(ntp_servers=absent()), U, ""),
    ("pair.dns.same", two(), P, "203.0.113.253"),
    ("pair.dns.same", two(dns_servers=()), INFO, "none"),
    ("pair.dns.same", two(dns_servers=absent()), U, ""),
    ("network.management.same", two(), P, "203.0.113.0/24"),
    (
        "network.management.same",
        two(addresses=(Address(interface="cb007100", address="203.0.113.12", prefix=25),)),
        F,
        "203.0.113.0/25",
    ),
    ("network.management.same", two(addresses=absent()), U, ""),
    ("network.management.same", context(pool={"virtual_ip": None}), N, ""),
    ("pair.gateway.same", two(), P, "203.0.113.254"),
    ("pair.gateway.same", two(default_gateway="203.0.113.1"), INFO, "203.0.113.1"),
    ("pair.gateway.same", two(default_gateway=absent()), U, ""),
    ("storage.nfs.address", two(), P, "198.51.100.240"),
    ("storage.nfs.address", two(pool_nfs=nfs(address="198.51.100.66")), W, "198.51.100.66"),
    ("storage.nfs.address", two(pool_nfs=nfs(address=None)), U, "resolve"),
    ("storage.nfs.address", context(pool={"file_system": {**NFS, "server": "198.51.100.240"}}), N, ""),
    ("storage.nfs.address", context(pool=UNCLUSTERED), N, ""),
    ("pair.mtu.same", two(), P, "1500"),
    ("pair.mtu.same", two(interfaces=(Interface(name="cb007100", mtu=9000),)), W, "9000"),
    ("pair.mtu.same", two(interfaces=(Interface(name="cb007100"),)), U, ""),
    ("pair.agent.same", two(), P, "3.4.6-44"),
    ("pair.agent.same", two(agent_version="3.4.5-1"), W, "3.4.5-1"),
    ("pair.agent.same", two(agent_version=absent()), U, ""),
    ("pair.o2cb.same", two(), P, "idle 30000"),
    ("pair.o2cb.same", two(o2cb=OLD_O2CB), W, "idle 60000"),
    ("pair.o2cb.same", two(o2cb=absent()), U, ""),
    ("pair.o2cb.same", context(pool=UNCLUSTERED), N, ""),
    ("pair.cluster_conf.same", two(), N, "no server"),
    ("pair.cluster_conf.same", all_of(stored_cluster=StoredCluster(name="a", digest="1")), P, ""),
    (
        "pair.cluster_conf.same",
        context(
            server(1, stored_cluster=StoredCluster(name="a", digest="1")),
            server(2, stored_cluster=StoredCluster(name="b")),
        ),
        W,
        "different",
    ),
    ("pair.cluster_conf.same", two(stored_cluster=absent()), U, ""),
    ("pair.ldoms.same", two(), N, "no SPARC"),
    ("pair.ldoms.same", all_of(cpu=T5, ldoms_version="3.4.0.0.22"), P, "3.4"),
    (
        "pair.ldoms.same",
        context(server(1, cpu=T5, ldoms_version="3.4.0.0"), server(2, cpu=T5, ldoms_version="3.1.0.0")),
        W,
        "3.1",
    ),
    (
        "pair.ldoms.same",
        context(server(1, cpu=T5, ldoms_version="3.4.0.0"), server(2, cpu=T3, ldoms_version="3.4.0.0")),
        W,
        "T2 or T3",
    ),
    ("pair.ldoms.same", all_of(cpu=T5), U, ""),
    ("pair.ldoms.same", two(cpu=absent()), U, ""),
    # one's own
    ("pair.address.unique", two(), P, ""),
    (
        "pair.address.unique",
        two(
            addresses=(
                Address(interface="cb007100", address="203.0.113.12", prefix=24),
                Address(interface="bond1", address="203.0.113.11", prefix=24),
            )
        ),
        F,
        "203.0.113.11",
    ),
    ("pair.address.unique", two(addresses=absent()), U, ""),
    ("pair.address.unique", one(), N, ""),
    ("pair.mac.unique", two(), P, ""),
    ("pair.mac.unique", two(interfaces=(Interface(name="eth0", mac="00:21:f6:00:00:01"),)), F, "f6:00:00:01"),
    ("pair.mac.unique", two(interfaces=absent()), U, ""),
    ("pair.mac.unique", one(), N, ""),
    ("pair.initiator.unique", two(), P, ""),
    ("pair.initiator.unique", two(initiator="iqn.1988-12.com.oracle:000000000001"), W, "iscsi-iname"),
    ("pair.initiator.unique", all_of(initiator=None), P, "no initiator"),
    (
        "pair.initiator.unique",
        context(server(1, initiator="iqn.x:1"), server(2, initiator="IQN.X:1"), pool=ON_ISCSI),
        F,
        "iqn.x:1",
    ),
    ("pair.initiator.unique", two(initiator=absent()), U, ""),
    ("pair.initiator.unique", one(), N, ""),
    # the pool
    ("pool.servers.count", context(server(1), server(2), server(3)), P, "3 servers"),
    ("pool.servers.count", two(), W, "third"),
    ("pool.servers.count", one(), INFO, "one server"),
    ("pool.servers.count", context(pool=UNCLUSTERED), N, ""),
    ("pool.memory.headroom", two(), P, "128 GiB remain"),
    ("pool.memory.headroom", two(memory_mib=4 * 131072), INFO, "203.0.113.12"),
    ("pool.memory.headroom", two(memory_mib=absent()), U, ""),
    ("pool.memory.headroom", one(), N, ""),
    ("pair.cpu.clock", two(), P, "2494 MHz"),
    ("pair.cpu.clock", two(cpu=haswell(khz=2300000)), INFO, "2300 MHz"),
    ("pair.cpu.clock", two(cpu=haswell(khz=2494000)), P, ""),
    ("pair.cpu.clock", two(cpu=haswell(khz=None)), U, ""),
    ("pair.cpu.clock", one(), N, ""),
    # over the network
    ("pair.network.reach", two(), P, "ways"),
    ("pair.network.reach", two(peer_looks=looks(2, **DOWN)), F, "nothing of it answers"),
    (
        "pair.network.reach",
        context(server(1), server(2, peer_looks=looks(2, **DOWN)), pool=UNCLUSTERED),
        W,
        "",
    ),
    ("pair.network.reach", two(peer_looks=absent()), U, ""),
    ("pair.network.reach", one(), N, ""),
    ("pair.network.latency", two(), P, ""),
    ("pair.network.latency", two(peer_looks=looks(2, ping=Ping(sent=5, received=4, rtt_ms=0.2))), W, "20 %"),
    (
        "pair.network.latency",
        two(peer_looks=looks(2, ping=Ping(sent=5, received=5, rtt_ms=40.0))),
        W,
        "40.0 ms",
    ),
    (
        "pair.network.latency",
        two(peer_looks=looks(2, ping=Ping(sent=5, received=5, rtt_ms=40.0, rtt_min_ms=12.0))),
        W,
        "12.0 ms at best",
    ),
    (
        "pair.network.latency",
        two(peer_looks=looks(2, ping=Ping(sent=5, received=5, rtt_ms=40.0, rtt_min_ms=0.3))),
        INFO,
        "busy",
    ),
    ("pair.network.latency", two(peer_looks=looks(2, ping=None)), U, ""),
    ("pair.network.mtu", two(), P, ""),
    ("pair.network.mtu", two(peer_looks=looks(2, path_mtu=1400)), W, "1400 of 1500"),
    ("pair.network.mtu", two(peer_looks=looks(2, path_mtu=None)), W, "1500"),
    ("pair.network.mtu", two(peer_looks=looks(2, mtu_tried=None)), U, ""),
    ("pair.port.heartbeat", two(), P, "7777"),
    ("pair.port.heartbeat", two(peer_looks=looks(2, ports={7777: PortState.TIMEOUT})), F, "7777"),
    ("pair.port.heartbeat", two(peer_looks=looks(2, ports={})), U, ""),
    ("pair.port.heartbeat", two(peer_looks=looks(2, ports={7777: PortState.UNKNOWN})), U, ""),
    # a network of the cluster's own: its port counts, the other one's does not
    ("pair.port.heartbeat", two(peer_looks=(*looks(2, ports=CLOSED), *apart(2))), P, ""),
    (
        "pair.port.heartbeat",
        two(peer_looks=(*looks(2), *apart(2, ports=CLOSED))),
        F,
        "on the heartbeat network",
    ),
    ("pair.port.heartbeat", two(peer_looks=(*looks(2), *apart(2, missing="no address"))), U, "no address"),
    ("pair.port.migrate", two(peer_looks=(*looks(2), *apart(2, ports=CLOSED))), P, ""),
    (
        "pair.network.mtu",
        two(peer_looks=(*looks(2), *apart(2, path_mtu=1400))),
        W,
        "on the heartbeat network",
    ),
    ("pair.port.heartbeat", context(pool=UNCLUSTERED), N, ""),
    ("pair.port.heartbeat", all_of(cpu=sparc()), N, "SPARC"),
    ("pair.port.migrate", two(), P, "8002"),
    ("pair.port.migrate", two(peer_looks=looks(2, ports={8002: PortState.NO_ROUTE})), W, "8002"),
    ("pair.port.migrate", two(peer_looks=looks(2, ports={})), U, ""),
    ("pair.port.migrate", all_of(cpu=sparc()), N, "SPARC"),
    # the spec alone
    ("input.clustered.limits", context(), P, ""),
    ("input.clustered.limits", context(pool=UNCLUSTERED), W, "unclustered"),
    ("input.timeout.release", context(), N, ""),
    ("input.timeout.release", context(pool={"timeout_s": 180}), P, "180"),
    ("input.timeout.release", context(of=spec(pool={"timeout_s": 180}, release="3.3")), INFO, "180"),
    # SPARC
    ("network.sparc.aggregation", one(), N, "only SPARC"),
    ("network.sparc.aggregation", one(cpu=sparc(), bonds=(bond(name="aggr0", mode=4),)), P, "aggr0"),
    ("network.sparc.aggregation", one(cpu=sparc(), bonds=(bond(name="aggr0", mode=None),)), W, "aggr0"),
    ("network.sparc.aggregation", one(cpu=sparc(), bonds=()), N, ""),
    ("network.sparc.aggregation", one(cpu=sparc(), bonds=absent()), U, ""),
    ("server.dlm.package", one(), N, ""),
    ("server.dlm.package", one(cpu=sparc(), dlm_package="system/dlm 0.5"), P, "dlm"),
    ("server.dlm.package", one(cpu=sparc(), dlm_package=None), F, "pkg install"),
    ("server.dlm.package", one(cpu=sparc()), U, ""),
    ("server.service.domains", one(), N, ""),
    ("server.service.domains", one(cpu=sparc(), service_domains=("primary",)), P, "primary"),
    ("server.service.domains", one(cpu=sparc(), service_domains=("primary", "alt")), F, "alt"),
    ("server.service.domains", one(cpu=sparc()), U, ""),
    ("storage.sparc.nfsv4", one(), N, "no SPARC"),
    ("storage.sparc.nfsv4", one(cpu=sparc()), P, "delegation"),
    ("storage.sparc.nfsv4", one(cpu=sparc(), pool_nfs=nfs(versions=(3,))), F, "no version 4"),
    ("storage.sparc.nfsv4", one(cpu=sparc(), pool_nfs=nfs(versions=None)), U, ""),
    ("storage.sparc.nfsv4", one(cpu=absent()), U, ""),
]
ROWS += [
    (id_, one(), N, "no peers")
    for id_ in (
        "pair.kernel.same",
        "pair.cpu.threads",
        "pair.hvm.same",
        "pair.bios.same",
        "pair.timezone.same",
        "pair.ntp.same",
        "pair.dns.same",
        "pair.gateway.same",
        "pair.mtu.same",
        "pair.network.latency",
        "pair.network.mtu",
        "pair.agent.same",
    )
]
