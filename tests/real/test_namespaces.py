"""Real sshd servers in namespaces with real faults: each is found by the check or probe that is there for it, and
a fleet without them raises nothing."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.facts.mesh import PairLook, PortState
from core.models.results import Verdict
from tests.real.farm import Farm, FarmHost, hosts_text, running_farm, why_not
from tests.real.looking import Look, Reached, look, spec_of

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]

TRUE_HERE = frozenset({"server.cluster.modules"})  # the farm shares this machine's kernel, which has no OCFS2
NAMES = {f"ovs{n}": f"10.78.0.{n}" for n in range(1, 8)}
STRANGER = FarmHost(
    "printer",
    "10.78.0.100",
    hosts_text({}),
    setup="iptables -A INPUT -p icmp -j DROP; iptables -A INPUT -p tcp ! --dport 22 -j DROP",
)
VIP, FREE_VIP = STRANGER.address, "10.78.0.101"
SHARE = {
    "kind": "nfs",
    "server": "10.78.255.254",
    "export": "/pool",
}  # nobody serves it: storage is another test's matter
# what these servers could be blamed for; they run neither Oracle VM nor NTP, which other checks rightly say
THEIRS: tuple[str, ...] = (
    *("server.hostname.", "server.cluster.", "pair.names.", "pair.clock.", "pair.mac.", "pair.address."),
    *("network.vip.", "network.o2net.", "network.management.", "pair.network.", "pair.port."),
)
HOSTS = {name: FarmHost(name, address, hosts_text(NAMES)) for name, address in NAMES.items()}
FAULTY = HOSTS | {
    "ovs1": replace(HOSTS["ovs1"], hosts=hosts_text(NAMES, own_loopback="ovs1")),
    "ovs2": replace(HOSTS["ovs2"], setup="iptables -A INPUT -p tcp --dport 7777 -j DROP"),
    "ovs3": replace(
        HOSTS["ovs3"],
        setup="iptables -A INPUT -p tcp --dport 7777 -j REJECT --reject-with icmp-host-prohibited",
    ),
    "ovs4": replace(HOSTS["ovs4"], wire_mtu=1400),
    "ovs5": replace(HOSTS["ovs5"], hosts=hosts_text(NAMES | {"ovs6": "10.78.0.66"})),
}


class Seen:
    """One farm, looked at once: facts, results and the mesh."""

    def __init__(self, farm: Farm, vip: str) -> None:
        reached = [Reached(address, farm.relay[address]) for address in NAMES.values()]
        spec = spec_of(reached, farm.key_file, vip=vip, file_system=SHARE)
        self.farm = farm
        self.look: Look = asyncio.run(look(spec))
        self.mesh = {
            (name, one.target): one
            for name in NAMES.values()
            for one in self.look.facts(name).peer_looks.value or ()
            if one.target in NAMES.values()
        }
        assert len(self.mesh) == len(NAMES) * (len(NAMES) - 1)

    def odd_checks(self) -> set[str]:
        return {key for key in self.look.hits(*THEIRS) if key.partition("@")[0] not in TRUE_HERE}

    def odd_pairs(self) -> dict[str, set[tuple[str, str]]]:
        """What the mesh found out of place: kind -> (source, target) by short name."""
        found: dict[str, set[tuple[str, str]]] = {}
        short = {address: name for name, address in NAMES.items()}
        for (source, target), one in self.mesh.items():
            pair = (short[source], short[target])
            for kind in self._kinds(one, target):
                found.setdefault(kind, set()).add(pair)
        return found

    @staticmethod
    def _kinds(one: PairLook, target: str) -> Iterator[str]:
        if one.missing or one.ping is None or one.ping.loss_pct:
            yield f"unreached: {one.missing or one.ping}"
        if one.ports[7777] is not PortState.REFUSED:  # nobody listens before a pool is made
            yield f"7777 {one.ports[7777]}"
        if one.path_mtu != 1500:
            yield "mtu" if one.path_mtu in (None, 1400, 1404) else f"mtu {one.path_mtu}"
        if any(addresses != (target,) for addresses in one.resolved.values()) or not one.resolved:
            yield f"name {one.resolved}"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with running_farm(tmp_path_factory.mktemp("faulty"), [*FAULTY.values(), STRANGER]) as farm:
        yield Seen(farm, VIP)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with running_farm(tmp_path_factory.mktemp("healthy"), [*HOSTS.values(), STRANGER]) as farm:
        yield Seen(farm, FREE_VIP)


def to(target: str) -> set[tuple[str, str]]:
    return {(source, target) for source in NAMES if source != target}


def test_nothing_is_invented_on_healthy_servers(healthy: Seen) -> None:
    assert healthy.odd_checks() == set()
    assert healthy.odd_pairs() == {}
    for id_ in (
        "network.vip.unused",
        "network.o2net.port",
        "pair.names.resolve",
        "pair.clock.skew",
        "pair.network.mtu",
    ):
        assert healthy.look.verdict(id_) is Verdict.PASS
    for address in NAMES.values():
        assert healthy.look.verdict("server.hostname.loopback", address) is Verdict.PASS


def test_every_planted_fault_is_found_and_no_other(faulty: Seen, healthy: Seen) -> None:
    found = faulty.odd_checks() | (set(faulty.look.hits()) - set(healthy.look.hits()))
    assert found >= {
        "server.hostname.loopback@10.78.0.1",
        "pair.names.resolve",
        "network.vip.unused",
        "network.o2net.port",
        "pair.port.heartbeat",
        "pair.network.mtu",
    }
    blamed = {name for key in found for name in faulty.look.hits()[key].servers}
    assert blamed <= {NAMES[name] for name in ("ovs1", "ovs2", "ovs3", "ovs4", "ovs5", "ovs6")}
    assert not any("ovs7" in faulty.look.hits()[key].detail for key in found)


def test_loopback_hostname(faulty: Seen) -> None:
    assert faulty.look.verdict("server.hostname.loopback", NAMES["ovs1"]) is Verdict.FAIL
    others = [address for name, address in NAMES.items() if name != "ovs1"]
    assert all(faulty.look.verdict("server.hostname.loopback", one) is Verdict.PASS for one in others)


def test_firewalled_port(faulty: Seen) -> None:
    """By the servers' own rules, and by trying it from every other server."""
    detail = faulty.look.detail("network.o2net.port")
    assert NAMES["ovs2"] in detail
    assert NAMES["ovs3"] in detail
    assert set(faulty.look.hits()["network.o2net.port"].servers) == {NAMES["ovs2"], NAMES["ovs3"]}
    silent, told = faulty.odd_pairs()["7777 timeout"], faulty.odd_pairs()["7777 no_route"]
    assert silent | told == to("ovs2") | to("ovs3")
    assert silent >= to("ovs2")
    assert told  # Linux sends few rejects a second: some of them look like silence


def test_smaller_mtu_on_one_path(faulty: Seen) -> None:
    """Every interface says 1500; only packets tell, and only those from and to ovs4.

    The far end of its cable takes 1400 bytes out, and 4 more in: veth leaves room for a VLAN's tag.
    """
    assert {faulty.mesh[NAMES[a], NAMES[b]].path_mtu for a, b in to("ovs4")} == {1400}
    assert "10.78.0.1 -> 10.78.0.4: 1400 of 1500 bytes pass" in faulty.look.detail("pair.network.mtu")
    assert faulty.odd_pairs()["mtu"] == to("ovs4") | {(b, a) for a, b in to("ovs4")}


def test_virtual_ip_of_somebody_who_drops_pings(faulty: Seen) -> None:
    mac = faulty.farm.run("printer", "cat /sys/class/net/eth0/address").strip()
    assert faulty.look.verdict("network.vip.unused") is Verdict.FAIL
    assert mac in faulty.look.detail("network.vip.unused")


def test_wrong_hosts_file(faulty: Seen) -> None:
    detail = faulty.look.detail("pair.names.resolve")
    assert "on 10.78.0.5, ovs6 -> 10.78.0.66, not 10.78.0.6" in detail
    assert faulty.odd_pairs()["name {'ovs6': ('10.78.0.66',)}"] == {("ovs5", "ovs6")}


def test_the_mesh_finds_nothing_else(faulty: Seen) -> None:
    kinds = set(faulty.odd_pairs())
    assert kinds == {
        "7777 timeout",
        "7777 no_route",
        "mtu",
        "name {'ovs6': ('10.78.0.66',)}",
        *_loopback(kinds),
    }


def _loopback(kinds: set[str]) -> set[str]:
    return {kind for kind in kinds if kind == "name {'ovs1': ('127.0.1.1',)}"}


def test_clocks_of_one_kernel_agree_within_the_error(healthy: Seen) -> None:
    for name in NAMES.values():
        facts = healthy.look.facts(name)
        offset, error = facts.clock_offset_s.value, facts.clock_error_s.value
        assert offset is not None
        assert error is not None
        assert abs(offset) <= error < 5.0


def test_a_killed_test_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGKILL on the process that made servers ends them, their namespaces and the relay."""
    text = (
        "import signal, sys\nfrom pathlib import Path\n"
        "from tests.real.farm import FarmHost, hosts_text, running_farm\n"
        "with running_farm(Path(sys.argv[1]), [FarmHost('a', '10.78.0.1', hosts_text({}))]) as farm:\n"
        "    print(farm.pids['a'], farm.bridge_pid, flush=True)\n    signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(process.pid, signal.SIGKILL)
    _until_gone(pids)


def _until_gone(pids: list[int]) -> None:
    for pid in pids:
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([ended], [], [], 20)[0], "still there"
        finally:
            os.close(ended)
