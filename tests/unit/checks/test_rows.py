"""Every verdict of every check, from facts that differ from a healthy fleet in one thing: one row each."""

from __future__ import annotations

from typing import Any

import pytest

from core.facts.looks import LunLook, VolumeLook
from core.models.cpu import Arch
from core.models.facts import Address, PlaneFact, PlaneState
from core.models.results import Severity, Verdict
from core.platforms.oracle_vm.facts import (
    AgentLogin,
    ManagedDisk,
    ManagedEvent,
    ManagedFileServer,
    ManagedFileSystem,
    ManagedPool,
    ManagedRepository,
    ManagedServer,
    ManagerFacts,
    OvmServerFacts,
    StoredCluster,
)
from tests.unit.checks import rows_manager, rows_pair, rows_server
from tests.unit.checks.builders import (
    LUN,
    NFS,
    OTHER,
    OWN,
    REGISTRY,
    VIP,
    WWID,
    absent,
    context,
    haswell,
    judge,
    lun,
    manager,
    nfs,
    server,
    sparc,
    spec,
)

P, F, W, INFO, U, N = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.INFO,
    Verdict.UNKNOWN,
    Verdict.NOT_APPLICABLE,
)
ON_LUN = {"file_system": LUN}
UNCLUSTERED = {"clustered": False, "file_system": None}
NO_VIP = {"virtual_ip": None}
OLD = PlaneFact(state=PlaneState.OK, warnings=("key exchange diffie-hellman-group1-sha1",))


def old_volume(uuid: str = "77", alive: tuple[int, ...] = ()) -> LunLook:
    """An OCFS2 volume as its own superblock tells of it."""
    volume = VolumeLook(label="OVS_pool", uuid=uuid, stack="o2cb", cluster="0004fb", alive=alive)
    return lun(signatures=("ocfs2",), cluster="0004fb", content_id=uuid, is_blank=False, volume=volume)


def two(**second: Any) -> Any:
    """A healthy first server and a second one with these facts."""
    return context(server(1), server(2, **second))


def one(**facts: Any) -> Any:
    """One server with these facts."""
    return context(server(1, **facts))


def pooled(**pool: Any) -> Any:
    return context(pool=pool)


def wanting(**more: Any) -> Any:
    return context(**more)


def on_lun(*servers: Any) -> Any:
    return context(*servers, pool=ON_LUN)


def told(**facts: Any) -> Any:
    return context(manager_facts=manager(**facts))


def managed(**update: Any) -> ManagedServer:
    entry = ManagedServer(
        id="aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:01",
        name="ovs01",
        address="203.0.113.11",
        state="Running",
        owner=OWN,
        maintenance=False,
    )
    return entry.model_copy(update=update)


def knows(**update: Any) -> Any:
    return context(server(1), manager_facts=manager(servers=(managed(**update),)))


SHARE = ManagedFileSystem(id="fs1", name="nfs:/export/poolfs", path="/export/poolfs", file_server="nas")
NAS = ManagedFileServer(id="nas", name="nas", access_host="nas01")
DISK = ManagedDisk(id="d1", name="LUN", page83=WWID)

ROWS: list[tuple[str, Any, Verdict, str]] = [
    # input: the spec alone
    ("input.servers.unique", context(), P, ""),
    ("input.servers.unique", wanting(of=spec(servers=["ovs01.x", "OVS01.X."])), F, "ovs01.x"),
    ("input.vip.sane", context(), P, VIP),
    ("input.vip.sane", pooled(**NO_VIP), N, ""),
    *[
        ("input.vip.sane", pooled(virtual_ip=ip), F, word)
        for ip, word in (
            ("127.0.0.1", "loopback"),
            ("127.9.9.9", "loopback"),
            ("169.254.1.1", "link-local"),
            ("224.0.0.5", "multicast"),
            ("0.0.0.0", "0.0.0.0"),
            ("255.255.255.255", "255.255.255.255"),
            ("0.1.2.3", "0.0.0.0/8"),
            ("2001:db8::1", "IPv6"),
            ("pool.example.com", "no IPv4"),
            ("203.0.113.11", "server"),
            ("203.0.113.250", "Manager"),
        )
    ],
    ("input.vip.required", context(), P, ""),
    ("input.vip.required", wanting(pool=NO_VIP), N, "Manager"),
    ("input.vip.required", wanting(pool=NO_VIP, release="3.4"), P, ""),
    ("input.vip.required", wanting(pool=NO_VIP, release="3.2"), F, "3.2"),
    ("input.vip.required", wanting(pool=NO_VIP, release="3.3"), F, "3.3"),
    ("input.storage.choice", context(), P, "nfs"),
    ("input.storage.choice", pooled(file_system=None), F, "needs"),
    ("input.storage.choice", pooled(clustered=False), F, "takes no"),
    ("input.storage.choice", pooled(**UNCLUSTERED), P, ""),
    ("input.storage.iscsi", context(), N, ""),
    ("input.storage.iscsi", pooled(file_system={**LUN, "transport": "iscsi"}), F, "portal"),
    (
        "input.storage.iscsi",
        pooled(file_system={**LUN, "transport": "iscsi", "access_host": "a"}),
        P,
        "a:3260",
    ),
    ("input.storage.iscsi", pooled(file_system={**LUN, "transport": "iscsi", "array": "san"}), P, "san"),
    ("input.storage.words", context(), N, ""),
    ("input.storage.words", pooled(file_system=LUN), P, "plain"),
    ("input.storage.words", pooled(file_system={**LUN, "wwid": "360a9'; rm"}), F, "wwid"),
    ("input.storage.words", pooled(file_system={**LUN, "array": "san?"}), F, "array"),
    ("input.storage.words", pooled(file_system={**LUN, "access_host": "a b"}), F, "access_host"),
    ("input.storage.words", pooled(file_system={**LUN, "chap_user": 'a"b'}), F, "chap_user"),
    ("input.timeout.range", context(), P, "120"),
    ("input.timeout.range", pooled(timeout_s=30), P, "30"),
    ("input.timeout.range", pooled(timeout_s=300), P, "300"),
    ("input.timeout.range", pooled(timeout_s=29), F, "29"),
    ("input.timeout.range", pooled(timeout_s=301), F, "301"),
    ("input.timeout.range", pooled(timeout_s=1, **UNCLUSTERED), N, ""),
    ("input.name.allowed", context(), P, ""),
    ("input.name.allowed", pooled(name=""), F, "empty"),
    ("input.name.allowed", pooled(name="x" * 257), F, "257"),
    ("input.name.allowed", pooled(name="a;b"), F, "a;b"),
    ("input.name.allowed", pooled(name='a"b'), F, ""),
    ("input.name.allowed", pooled(name="what?"), F, "what?"),
    ("input.name.allowed", pooled(name="pool "), F, "blank"),
    ("input.keymap.value", context(), P, "en-us"),
    ("input.keymap.value", pooled(keymap="No"), P, "No"),
    ("input.keymap.value", pooled(keymap="no"), F, "no"),
    ("input.keymap.value", pooled(keymap="xx"), F, "xx"),
    ("input.start_policy.release", context(), P, ""),
    ("input.start_policy.release", wanting(pool={"start_policy": "BALANCE_SERVER"}, release="3.4"), P, ""),
    ("input.start_policy.release", wanting(pool={"start_policy": "BALANCE_SERVER"}, release="3.3"), F, "3.3"),
    ("input.description.length", context(), P, ""),
    ("input.description.length", pooled(description="x" * 4000), P, "4000"),
    ("input.description.length", pooled(description="x" * 4001), F, "4001"),
    ("input.description.length", pooled(description="a?b"), F, ""),
    ("input.policy.range", context(), N, ""),
    (
        "input.policy.range",
        pooled(policy={"mode": "DRS", "cpu_threshold_pct": 75, "period_min": 5}),
        P,
        "DRS",
    ),
    ("input.policy.range", pooled(policy={"mode": "DRS", "cpu_threshold_pct": 101}), F, "101"),
    ("input.policy.range", pooled(policy={"mode": "DPM", "cpu_threshold_pct": -1}), F, "-1"),
    ("input.policy.range", pooled(policy={"mode": "DPM", "period_min": 0}), F, "0 minutes"),
    ("input.pool.size", context(), P, "2 of"),
    ("input.pool.size", wanting(of=spec(servers=[f"s{n}" for n in range(32)])), P, "32"),
    ("input.pool.size", wanting(of=spec(servers=[f"s{n}" for n in range(33)])), F, "33"),
    ("input.pool.size", wanting(of=spec(servers=[f"s{n}" for n in range(64)], pool=UNCLUSTERED)), P, "64"),
    ("input.pool.size", wanting(of=spec(servers=[f"s{n}" for n in range(65)], pool=UNCLUSTERED)), F, "65"),
    ("input.agent.dialect", context(), P, ""),
    ("input.agent.dialect", wanting(agent={"port": 9999}), P, "9999"),
    ("input.agent.dialect", wanting(agent={"port": 9999}, release="3.2"), P, "9999"),
    ("input.agent.dialect", wanting(agent={"port": 9999}, release="3.4"), F, "9999"),
    ("input.master.listed", context(), P, "203.0.113.11"),
    ("input.master.listed", pooled(master="203.0.113.12"), P, "203.0.113.12"),
    ("input.master.listed", pooled(master="203.0.113.99"), F, "203.0.113.99"),
    ("input.roles.known", context(), P, ""),
    ("input.roles.known", pooled(roles=["xen"]), F, "xen"),
    ("input.roles.known", pooled(roles=[]), F, "no role"),
    ("input.roles.known", pooled(roles=["utility"]), F, "vm"),
    ("input.timeout.sparc", context(), P, ""),
    ("input.timeout.sparc", context(server(1, cpu=sparc()), pool={"timeout_s": 60}), INFO, "60"),
    ("input.timeout.sparc", context(server(1, cpu=sparc())), P, "SPARC"),
    ("input.timeout.sparc", context(server(1, cpu=absent())), U, ""),
    ("input.timeout.sparc", pooled(**UNCLUSTERED), N, ""),
    # Manager
    ("manager.cli.reachable", context(), P, ""),
    (
        "manager.cli.reachable",
        told(plane=PlaneFact(state=PlaneState.UNREACHABLE, reason="refused")),
        F,
        "refused",
    ),
    ("manager.cli.reachable", told(plane=PlaneFact()), U, ""),
    ("manager.crypto.old", context(), P, ""),
    ("manager.crypto.old", told(plane=OLD), W, "diffie-hellman-group1-sha1"),
    ("manager.crypto.old", told(plane=PlaneFact(state=PlaneState.REFUSED)), U, ""),
    ("manager.pool.leftover", context(), P, ""),
    ("manager.pool.leftover", told(pools=(ManagedPool(id="p", name="pool1"),)), F, "empty pool"),
    (
        "manager.pool.leftover",
        told(pools=(ManagedPool(id="p", name="x", virtual_ip=VIP, members=("a",)),)),
        F,
        VIP,
    ),
    ("manager.pool.leftover", told(pools=(ManagedPool(id="p", name="x"),)), P, ""),
    ("manager.pool.leftover", told(pools=absent("not read")), U, "not read"),
    ("manager.pool.name", context(), P, ""),
    ("manager.pool.name", told(pools=(ManagedPool(id="p", name="POOL1", members=("a",)),)), F, "POOL1"),
    ("manager.pool.name", told(pools=absent("not read")), U, "not read"),
    ("manager.vip.required", context(), P, ""),
    ("manager.vip.required", wanting(pool=NO_VIP), P, "3.4"),
    ("manager.vip.required", wanting(pool=NO_VIP, manager_facts=manager(release="3.3")), F, "3.3"),
    ("manager.vip.required", wanting(pool=NO_VIP, manager_facts=manager(release=absent())), U, ""),
    ("manager.start_policy.release", context(), P, ""),
    ("manager.start_policy.release", wanting(pool={"start_policy": "BALANCE_SERVER"}), P, ""),
    (
        "manager.start_policy.release",
        wanting(pool={"start_policy": "BALANCE_SERVER"}, manager_facts=manager(release="3.2")),
        F,
        "3.2",
    ),
    (
        "manager.start_policy.release",
        wanting(pool={"start_policy": "BALANCE_SERVER"}, manager_facts=manager(release=absent())),
        U,
        "",
    ),
    ("manager.agent.dialect", context(), P, ""),
    ("manager.agent.dialect", wanting(agent={"user": "x"}), F, "3.4"),
    ("manager.agent.dialect", wanting(agent={"user": "x"}, manager_facts=manager(release="3.2")), P, ""),
    ("manager.agent.dialect", wanting(agent={"user": "x"}, manager_facts=manager(release=absent())), U, ""),
    ("manager.release.spec", context(), P, "3.4.6"),
    ("manager.release.spec", wanting(release="3.4"), P, ""),
    ("manager.release.spec", wanting(release="3.3"), F, "3.3"),
    ("manager.release.spec", told(release="3.1"), F, "3.1"),
    ("manager.release.spec", told(release=absent("not read")), U, "not read"),
    ("manager.storage.refreshed", context(), P, "refreshes"),
    ("manager.storage.refreshed", told(file_systems=(SHARE,), file_servers=(NAS,)), P, "knows"),
    ("manager.storage.refreshed", told(file_systems=absent("not read")), U, "not read"),
    ("manager.storage.refreshed", pooled(**UNCLUSTERED), N, ""),
    ("manager.storage.refreshed", wanting(pool=ON_LUN), P, "refreshes"),
    (
        "manager.storage.refreshed",
        wanting(pool=ON_LUN, manager_facts=manager(disks=(DISK.model_copy(update={"state": "Offline"}),))),
        F,
        "Offline",
    ),
    # one server
    ("network.agent.port", one(), P, ""),
    ("network.agent.port", one(planes={"agent": PlaneFact(state=PlaneState.REFUSED)}), P, ""),
    ("network.agent.port", one(planes={"agent": PlaneFact(state=PlaneState.UNREACHABLE)}), F, "8899"),
    ("network.agent.port", one(planes={"agent": PlaneFact(state=PlaneState.UNTRUSTED)}), F, "untrusted"),
    (
        "network.agent.port",
        one(planes={"agent": PlaneFact(state=PlaneState.OLD_CRYPTO)}),
        F,
        "allow_old_crypto",
    ),
    ("network.agent.port", one(planes={"agent": PlaneFact(state=PlaneState.BROKEN)}), F, "broken"),
    ("network.agent.port", one(planes={}), U, ""),
    ("server.ssh.reachable", one(), P, ""),
    ("server.ssh.reachable", one(planes={"ssh": PlaneFact(state=PlaneState.REFUSED)}), W, "refused"),
    ("server.ssh.reachable", context(server(1), ssh=None), N, ""),
    ("server.ssh.reachable", one(planes={}), U, ""),
    ("server.crypto.old", one(), P, ""),
    ("server.crypto.old", one(planes={"agent": OLD}), W, "diffie-hellman-group1-sha1"),
    ("server.crypto.old", one(planes={"agent": PlaneFact(state=PlaneState.UNREACHABLE)}), U, ""),
    ("server.owner.this_manager", one(), P, "nobody"),
    ("server.owner.this_manager", one(owner=OWN), P, "this Manager"),
    ("server.owner.this_manager", one(owner=OWN.upper()), P, "this Manager"),
    ("server.owner.this_manager", one(owner=OTHER), F, "releaseOwnership"),
    ("server.owner.this_manager", one(owner=absent()), U, ""),
    (
        "server.owner.this_manager",
        context(server(1, owner=OTHER), manager_facts=manager(uuid=absent("not read"))),
        U,
        "not read",
    ),
    ("server.agent.password", one(), P, ""),
    ("server.agent.password", one(agent_login=AgentLogin.REFUSED), F, "203.0.113.11"),
    ("server.agent.password", one(agent_login=AgentLogin.REFUSED, owner=absent()), F, "could not be seen"),
    ("server.agent.password", one(agent_login=AgentLogin.REFUSED_OWNED, owner=OWN), N, "certificate"),
    ("server.agent.password", one(agent_login=absent("the agent was not reached")), U, ""),
    ("server.pool.free", one(), P, ""),
    ("server.pool.free", one(pool_id="0004fb00000200001", pool_alias="old"), F, "old"),
    ("server.pool.free", knows(pool_id="p1", pool_name="prod"), F, "remove Server"),
    ("server.pool.free", one(pool_id=absent("no answer")), U, "no answer"),
    ("server.pool.free", context(server(1), manager_facts=manager(servers=absent())), P, ""),
    ("server.cluster.stale", one(), P, ""),
    (
        "server.cluster.stale",
        one(stored_cluster=StoredCluster(name="ba9aaf00ae5e2d73")),
        F,
        "ba9aaf00ae5e2d73",
    ),
    ("server.cluster.stale", one(cluster_online=True), F, "online"),
    ("server.cluster.stale", one(stored_cluster=absent()), U, ""),
    ("server.cluster.stale", context(server(1), pool=UNCLUSTERED), N, ""),
    ("server.state.running", one(), N, "not know"),
    ("server.state.running", knows(), P, ""),
    ("server.state.running", knows(state="Unknown"), F, "Unknown"),
    ("server.state.running", knows(state=""), U, ""),
    (
        "server.state.running",
        context(
            server(1),
            manager_facts=manager(
                servers=(managed(),),
                events=(ManagedEvent(id="1", severity="CRITICAL", kind="x.fail", object_id=managed().id),),
            ),
        ),
        F,
        "x.fail",
    ),
    ("server.maintenance.off", one(), N, ""),
    ("server.maintenance.off", knows(), P, ""),
    ("server.maintenance.off", knows(maintenance=True), F, "setMaintenanceMode"),
    ("server.maintenance.off", knows(maintenance=None), U, ""),
    ("server.hostname.loopback", one(), P, ""),
    ("server.hostname.loopback", one(own_name_addresses=("127.0.0.1",)), F, "ovs01 -> 127.0.0.1"),
    ("server.hostname.loopback", one(own_name_addresses=("127.0.1.1",)), F, "/etc/hosts"),
    ("server.hostname.loopback", one(own_name_addresses=("::1",)), F, "::1"),
    ("server.hostname.loopback", one(loopback_names=("localhost", "ovs01.lab")), F, "loopback line"),
    ("server.hostname.loopback", one(own_name_addresses=()), F, "nothing"),
    ("server.hostname.loopback", one(own_name_addresses=("203.0.113.77",)), F, "203.0.113.77"),
    ("server.hostname.loopback", one(own_name_addresses=absent()), U, "no SSH"),
    ("server.hostname.loopback", one(name="127.0.0.1", address="127.0.0.1"), F, "127.0.0.1"),
    ("server.hostname.loopback", one(name="ovs01.lab", address="ovs01.lab"), P, ""),
    (
        "server.hostname.loopback",
        one(name="ovs01.lab", address="ovs01.lab", own_name_addresses=("203.0.113.77",)),
        F,
        "does not have",
    ),
    # network
    ("network.vip.subnet", context(), P, "203.0.113.0/24"),
    ("network.vip.subnet", pooled(virtual_ip="198.51.100.10"), F, "198.51.100.10"),
    ("network.vip.subnet", pooled(**NO_VIP), N, ""),
    ("network.vip.subnet", two(addresses=absent()), U, ""),
    ("network.vip.subnet", two(addresses=(Address(interface="e", address="10.0.0.1", prefix=8),)), U, ""),
    ("network.vip.clash", context(), P, ""),
    ("network.vip.clash", pooled(virtual_ip="203.0.113.0"), F, "network address"),
    ("network.vip.clash", pooled(virtual_ip="203.0.113.255"), F, "broadcast"),
    ("network.vip.clash", pooled(virtual_ip="203.0.113.254"), F, "gateway"),
    ("network.vip.clash", pooled(virtual_ip="203.0.113.12"), F, "203.0.113.12"),
    ("network.vip.clash", two(addresses=absent()), U, ""),
    ("network.vip.clash", pooled(**NO_VIP), N, ""),
    ("network.vip.unused", context(), P, "nobody"),
    ("network.vip.unused", two(vip_holder_mac="00:21:f6:00:00:01"), F, "203.0.113.11"),
    ("network.vip.unused", two(vip_holder_mac="aa:aa:aa:aa:aa:aa"), F, "aa:aa"),
    ("network.vip.unused", two(vip_holder_mac=absent()), P, "203.0.113.11"),
    ("network.vip.unused", one(vip_holder_mac=absent()), U, "no SSH"),
    ("network.vip.unused", pooled(**NO_VIP), N, ""),
    ("network.o2net.port", context(), P, ""),
    ("network.o2net.port", two(firewall_rules=("-P INPUT DROP",)), F, "7777"),
    ("network.o2net.port", two(firewall_rules=absent()), U, ""),
    ("network.o2net.port", two(firewall_rules=("-A INPUT -m recent --set -j DROP",)), U, "recent"),
    ("network.o2net.port", one(), N, "peers"),
    ("network.o2net.port", pooled(**UNCLUSTERED), N, ""),
    ("network.o2net.port", two(cpu=sparc(), firewall_rules=absent()), P, ""),
    # storage
    ("storage.visible.all", context(), P, ""),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None, is_exported=False)), F, "203.0.113.12"),
    (
        "storage.visible.all",
        two(pool_nfs=nfs(entries=None, mount_error="permission denied")),
        F,
        "permission",
    ),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None, is_exported=None, answers=False)), F, "answer"),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None)), U, ""),
    ("storage.visible.all", two(pool_nfs=absent()), U, "no SSH"),
    ("storage.visible.all", on_lun(server(1), server(2)), P, WWID),
    ("storage.visible.all", on_lun(server(1), server(2, pool_lun=lun(is_seen=False))), F, "203.0.113.12"),
    ("storage.visible.all", on_lun(server(1), server(2, pool_lun=absent())), U, ""),
    ("storage.visible.all", pooled(**UNCLUSTERED), N, ""),
    ("storage.size.minimum", context(), P, "GB"),
    ("storage.size.minimum", two(pool_nfs=nfs(size_bytes=5 * 10**9)), W, "5.0 GB"),
    ("storage.size.minimum", on_lun(server(1, pool_lun=lun(size_bytes=9 * 10**9))), W, "9.0 GB"),
    ("storage.size.minimum", on_lun(server(1)), P, ""),
    ("storage.size.minimum", one(pool_nfs=nfs(size_bytes=None)), U, ""),
    ("storage.size.minimum", pooled(**UNCLUSTERED), N, ""),
    ("storage.nfs.empty", context(), P, ""),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=("ovspoolfs.img", "x"))), F, "ovspoolfs.img"),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=(".ovsrepo",))), F, ".ovsrepo"),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=None)), P, "203.0.113.11"),
    ("storage.nfs.empty", one(pool_nfs=nfs(entries=None)), U, ""),
    ("storage.nfs.empty", one(pool_nfs=absent()), U, "no SSH"),
    ("storage.nfs.empty", on_lun(server(1)), N, ""),
    ("storage.nfs.writable", context(), U, ""),
    ("storage.nfs.writable", one(pool_nfs=nfs(is_writable=True)), P, ""),
    ("storage.nfs.writable", one(pool_nfs=nfs(is_writable=False)), F, "rw"),
    ("storage.nfs.writable", on_lun(server(1)), N, ""),
    ("storage.nfs.root", context(), U, ""),
    ("storage.nfs.root", one(pool_nfs=nfs(keeps_root=True)), P, ""),
    ("storage.nfs.root", one(pool_nfs=nfs(keeps_root=False)), F, "no_root_squash"),
    ("storage.nfs.root", on_lun(server(1)), N, ""),
    ("storage.nfs.uniform", context(), P, ""),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=("/export/poolfs", "/more"))), W, "/more"),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=())), F, "/export/poolfs"),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=None)), U, ""),
    ("storage.nfs.uniform", on_lun(server(1)), N, ""),
    ("storage.lun.clean", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.clean", on_lun(server(1, pool_lun=lun(signatures=("ocfs2",), cluster="ab12"))), F, "ab12"),
    ("storage.lun.clean", on_lun(server(1, pool_lun=lun(signatures=None))), U, ""),
    ("storage.lun.clean", on_lun(server(1, pool_lun=absent())), U, "no SSH"),
    ("storage.lun.clean", context(), N, ""),
    (
        "storage.lun.clean",
        on_lun(server(1, pool_lun=old_volume())),
        F,
        "cluster 0004fb, label OVS_pool, uuid 77",
    ),
    ("storage.lun.clean", on_lun(server(1, pool_lun=old_volume(alive=(0, 3)))), F, "node 0, 3"),
    ("storage.lun.blank", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.blank", on_lun(server(1, pool_lun=old_volume())), P, ""),
    ("storage.lun.blank", on_lun(server(1), server(2, pool_lun=lun(is_blank=False))), W, "203.0.113.12"),
    ("storage.lun.blank", on_lun(server(1), server(2, pool_lun=lun(is_blank=None))), P, ""),
    ("storage.lun.blank", on_lun(server(1, pool_lun=lun(is_blank=None))), U, "could not be read"),
    ("storage.lun.blank", context(), N, ""),
    ("storage.lun.free", on_lun(server(1), server(2)), P, ""),
    (
        "storage.lun.free",
        on_lun(server(1), server(2, pool_lun=lun(holders=("LVM",)))),
        F,
        "203.0.113.12: LVM",
    ),
    ("storage.lun.free", on_lun(server(1), server(2, pool_lun=lun(holders=None))), U, ""),
    ("storage.lun.free", context(), N, ""),
    ("storage.lun.shared", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.shared", on_lun(server(1)), P, "storage network"),
    ("storage.lun.shared", on_lun(server(1, pool_lun=lun(is_local=True))), F, "local"),
    ("storage.lun.shared", on_lun(server(1, pool_lun=lun(is_local=None))), U, ""),
    ("storage.lun.shared", context(), N, ""),
    ("storage.lun.same", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=lun(size_bytes=10))), F, "rescan"),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=lun(size_bytes=None))), U, ""),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=old_volume())), P, ""),
    (
        "storage.lun.same",
        on_lun(server(1, pool_lun=old_volume()), server(2, pool_lun=old_volume(uuid="78"))),
        F,
        "different volumes",
    ),
    ("storage.lun.same", context(), N, ""),
    ("storage.sparc.nfs", on_lun(server(1, cpu=sparc())), F, "203.0.113.11"),
    ("storage.sparc.nfs", on_lun(server(1)), P, ""),
    ("storage.sparc.nfs", on_lun(server(1, cpu=absent())), U, ""),
    ("storage.sparc.nfs", context(), N, ""),
    ("storage.poolfs.dedicated", context(), P, "empty"),
    ("storage.poolfs.dedicated", one(pool_nfs=nfs(entries=("notes.txt",))), W, "notes.txt"),
    (
        "storage.poolfs.dedicated",
        told(
            file_systems=(SHARE,),
            file_servers=(NAS,),
            repositories=(ManagedRepository(id="r", name="r1", file_system="fs1"),),
        ),
        F,
        "repository r1",
    ),
    (
        "storage.poolfs.dedicated",
        told(
            file_systems=(SHARE,),
            file_servers=(NAS,),
            pools=(ManagedPool(id="p", name="p1", file_system="fs1"),),
        ),
        F,
        "pool p1",
    ),
    (
        "storage.poolfs.dedicated",
        wanting(
            pool=ON_LUN, manager_facts=manager(disks=(DISK.model_copy(update={"in_use_by": ("vm disk",)}),))
        ),
        F,
        "vm disk",
    ),
    ("storage.poolfs.dedicated", wanting(pool=ON_LUN), P, ""),
    ("storage.poolfs.dedicated", told(pools=absent("not read")), U, "not read"),
    ("storage.poolfs.dedicated", pooled(**UNCLUSTERED), N, ""),
    # pairs and the pool
    ("pair.names.resolve", context(), P, ""),
    ("pair.names.resolve", two(peer_addresses={"ovs01": ()}), F, "ovs01 resolves to nothing"),
    ("pair.names.resolve", two(peer_addresses={"ovs01": ("203.0.113.66",)}), F, "203.0.113.66"),
    ("pair.names.resolve", two(peer_addresses=absent()), U, "no SSH"),
    ("pair.names.resolve", two(peer_addresses={}), U, "not looked up"),
    ("pair.names.resolve", one(), N, ""),
    ("pair.names.unique", context(), P, ""),
    ("pair.names.unique", two(hostname="OVS01.other.example"), F, "ovs01"),
    ("pair.names.unique", two(hostname=absent()), U, ""),
    ("pair.uuid.unique", context(), P, ""),
    (
        "pair.uuid.unique",
        two(server_uuid="aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:01"),
        F,
        "203.0.113.12",
    ),
    ("pair.uuid.unique", two(server_uuid="00:" * 15 + "00"), F, "filler"),
    ("pair.uuid.unique", two(server_uuid="ff:" * 15 + "ff"), F, "filler"),
    ("pair.uuid.unique", two(server_uuid=absent()), U, ""),
    ("pair.server.once", context(), P, ""),
    (
        "pair.server.once",
        two(server_uuid="aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:01", hostname="ovs01"),
        F,
        "one machine",
    ),
    ("pair.server.once", two(server_uuid=absent()), U, ""),
    ("pair.cpu.vendor", context(), P, "GenuineIntel"),
    ("pair.cpu.vendor", two(cpu=haswell(vendor="AuthenticAMD", family="23", model="1")), W, "AuthenticAMD"),
    ("pair.cpu.vendor", two(cpu=haswell(vendor=None)), U, ""),
    ("pair.cpu.vendor", two(cpu=absent()), U, ""),
    ("pair.cpu.model", context(), P, "Family:6_Model:63"),
    ("pair.cpu.model", two(cpu=haswell(model="79")), W, "Model:79"),
    ("pair.cpu.model", two(cpu=haswell(model=None)), U, ""),
    ("pair.cpu.model", context(server(1, cpu=sparc())), N, ""),
    ("pair.cpu.features", context(), P, ""),
    ("pair.cpu.features", two(cpu=haswell(flags=frozenset({"fpu", "sse2"}))), W, "avx2"),
    ("pair.cpu.features", two(cpu=haswell(flags=frozenset())), U, ""),
    ("pair.cpu.features", one(), N, ""),
    ("pair.clock.skew", context(), P, ""),
    ("pair.clock.skew", two(clock_offset_s=3.0), INFO, "+3.0"),
    ("pair.clock.skew", two(clock_offset_s=-9.0), W, "-9.0"),
    ("pair.clock.skew", two(clock_offset_s=300.0), W, "certificates"),
    ("pair.clock.skew", two(clock_offset_s=3.0, clock_error_s=4.0), P, ""),
    ("pair.clock.skew", two(clock_error_s=20.0), U, "slowly"),
    ("pair.clock.skew", two(clock_offset_s=absent()), U, ""),
    ("pool.arch.same", context(), P, "x86_64"),
    ("pool.arch.same", two(cpu=sparc()), F, "sparc"),
    ("pool.arch.same", two(cpu=haswell(arch=Arch.UNKNOWN)), U, ""),
    ("pool.servers.alike", context(), P, ""),
    ("pool.servers.alike", two(memory_mib=65536), INFO, "64 GiB"),
    ("pool.servers.alike", two(memory_mib=130000), P, ""),
    ("pool.servers.alike", two(cpu=haswell(cores_per_socket=8)), INFO, "16"),
    ("pool.servers.alike", two(disks=()), INFO, "none"),
    ("pool.servers.alike", two(memory_mib=absent()), U, ""),
    ("pool.servers.alike", one(), N, ""),
]


FROM_THE_SPEC = {  # what the spec says settles these, whatever the facts are
    "manager.vip.required",
    "manager.start_policy.release",
    "manager.agent.dialect",
    "storage.failover.timeout",
}
ROWS += [*rows_pair.ROWS, *rows_server.ROWS, *rows_manager.ROWS]


@pytest.mark.parametrize(("check_id", "ctx", "expected", "word"), ROWS, ids=lambda value: str(value)[:30])
def test_verdict(check_id: str, ctx: Any, expected: Verdict, word: str) -> None:
    result = judge(check_id, ctx)
    assert result.verdict is expected, result.detail
    assert word in f"{result.detail} {result.fix}"
    assert result.detail
    if expected in (F, W, U):
        assert result.fix


def test_every_check_has_a_row_for_every_verdict_it_was_written_for() -> None:
    covered: dict[str, set[Verdict]] = {}
    for check_id, _ctx, expected, _word in ROWS:
        covered.setdefault(check_id, set()).add(expected)
    assert set(covered) == set(REGISTRY.checks)
    assert not {id_ for id_, found in covered.items() if P not in found or not found - {P, N}}


def test_nothing_passes_where_nothing_was_seen() -> None:
    """Facts of nobody: a check that reads facts is unknown, or the question does not arise."""
    servers = tuple(OvmServerFacts(name=f"203.0.113.1{n}", address=f"203.0.113.1{n}") for n in (1, 2, 3))
    for pool in ({}, ON_LUN, UNCLUSTERED):
        ctx = context(*servers, pool=pool, manager_facts=ManagerFacts())
        for check in REGISTRY:
            result = judge(check.id, ctx)
            if not check.spec_only and check.id not in FROM_THE_SPEC:
                assert result.verdict in (U, N), (check.id, result.verdict, result.detail)


def test_a_check_that_only_reads_the_spec_never_reads_facts() -> None:
    empty = context()
    for check in REGISTRY:
        if check.spec_only:
            assert "input" in check.planes
            assert judge(check.id, empty).verdict is not U


@pytest.mark.parametrize("check_id", ["storage.nfs.writable", "storage.nfs.root"])
def test_what_only_a_write_would_tell_is_an_unknown_warning(check_id: str) -> None:
    result = judge(check_id, context())
    assert (result.verdict, result.severity) == (U, Severity.WARNING)
    assert (
        judge(check_id, one(pool_nfs=nfs(is_writable=False, keeps_root=False))).severity is Severity.BLOCKER
    )


def test_peers_that_do_not_resolve_only_warn_in_an_unclustered_pool() -> None:
    servers = (server(1), server(2, peer_addresses={"ovs01": ()}))
    assert judge("pair.names.resolve", context(*servers, pool=UNCLUSTERED)).verdict is W


def test_a_finding_names_its_servers_and_never_the_nfs_default() -> None:
    result = judge("server.hostname.loopback", two(own_name_addresses=("127.0.0.1",)), "203.0.113.12")
    assert result.servers == ("203.0.113.12",)
    assert "203.0.113.12" in result.detail
    assert NFS["export"] not in result.detail
