"""One server's look at its peers: the heartbeat's own network, Manager by name, second questions, narrow ways."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from core.facts.batch import Section
from core.facts.mesh import HEADERS, PairLook, Peer, PortState
from core.models.facts import Address, Fact, Interface
from core.platforms.oracle_vm.look_mesh import HEARTBEAT, MANAGER, heartbeat_address
from core.platforms.oracle_vm.look_peers import PeersLook
from core.transports.base import Completed
from tests.unit.checks.builders import spec

OWN = "203.0.113.11"
TAGS = (
    "bond0 ethernet:cb007100{203.0.113.0}:MANAGEMENT,VIRTUAL_MACHINE",
    "bond1 ethernet:c6336400{198.51.100.0}:LIVE_MIGRATE,CLUSTER_HEARTBEAT",
)
PEERS = (Peer("203.0.113.12", "203.0.113.12", (), "198.51.100.12"), Peer("203.0.113.13", "203.0.113.13"))
PING = "5 packets transmitted, 5 received, 0% packet loss\nrtt min/avg/max/mdev = 0.1/0.2/0.3/0.1 ms\n"
LOST = "2 packets transmitted, 0 received, 100% packet loss\n"


def facts(tags: Sequence[str] = TAGS, bridge: str = "bond1") -> dict[str, Any]:
    told: dict[str, Any] = {
        "addresses": (
            Address(interface="cb007100", address=OWN, prefix=24),
            Address(interface=bridge, address="198.51.100.11", prefix=24),
        ),
        "interfaces": (Interface(name="cb007100", mtu=1500), Interface(name=bridge, mtu=9000)),
        "network_tags": tuple(tags),
        "own_name_addresses": (OWN,),
    }
    return {name: Fact[Any].seen(value, "test", datetime.now(UTC)) for name, value in told.items()}


def answer(command: str, path_mtu: int = 9000) -> tuple[str, int]:
    """As the tools answer on a network where everything is well, but for packets over `path_mtu` bytes."""
    size = re.search(r" -s (\d+) ", command)
    if size and int(size[1]) + HEADERS > path_mtu:
        return LOST, 1
    if command.startswith("ping"):
        return PING, 0
    return ("203.0.113.5 STREAM x\n", 0) if command.startswith("getent") else ("", 0)


def read(look: PeersLook, path_mtu: int = 9000, **odd: tuple[str, int]) -> list[PairLook]:
    commands, limits = look.batch()
    told = {}
    for name, command in commands.items():
        text, status = odd.get(name.replace(".", "_").replace("-", "_"), answer(command, path_mtu))
        told[name] = Section(name, command, status, text, None, limits.get(name))
    look.read(told)
    return list(look.looks)


def of(looks: Sequence[PairLook], target: str, network: str = "") -> PairLook:
    return next(one for one in looks if (one.target, one.network) == (target, network))


@pytest.mark.parametrize(
    ("tags", "bridge", "expected"),
    [
        (TAGS, "bond1", "198.51.100.11"),
        (TAGS, "c6336400", "198.51.100.11"),  # a bridge over the tagged port has the network's id for a name
        (TAGS, "eth9", None),
        ((), "bond1", None),
        (("bond1 ethernet:a{x}:MANAGEMENT,CLUSTER_HEARTBEAT",), "bond1", None),
        (("bond1 nonsense", "\x1b[2J", "bond1 ethernet:a{}:X_CLUSTER_HEARTBEAT"), "bond1", None),
    ],
)
def test_the_heartbeat_network_by_managers_tags(
    tags: Sequence[str], bridge: str, expected: str | None
) -> None:
    found = heartbeat_address(facts(tags, bridge))
    assert (found.address if found else None) == expected


def test_the_heartbeat_network_is_looked_at_apart() -> None:
    look = PeersLook(OWN, spec(), facts(), PEERS, is_solaris=False)
    looks = read(look)
    apart = of(looks, "203.0.113.12", HEARTBEAT)
    assert apart.ports == {7777: PortState.OPEN}
    assert (apart.path_mtu, of(looks, "203.0.113.12").path_mtu) == (9000, 1500)
    assert "198.51.100.12" in look.batch()[0]["h.p0.ping"]
    unknown = of(looks, "203.0.113.13", HEARTBEAT)
    assert "its address there is not known" in unknown.missing


def test_a_server_without_a_foot_on_the_heartbeat_network_says_so() -> None:
    looks = read(PeersLook(OWN, spec(), facts(tags=()), PEERS, is_solaris=False))
    assert "no address there itself" in of(looks, "203.0.113.12", HEARTBEAT).missing


def test_without_such_a_network_there_is_one_look_a_peer() -> None:
    plain = tuple(Peer(one.name, one.address) for one in PEERS)
    looks = read(PeersLook(OWN, spec(), facts(tags=()), plain, is_solaris=False))
    assert [one.target for one in looks] == [*(one.name for one in PEERS), MANAGER]


def test_manager_by_name_is_resolved_by_the_server_itself() -> None:
    wanted = spec(manager={"host": "ovmm.lab.example"})
    look = PeersLook(OWN, wanted, facts(tags=()), (), is_solaris=False)
    (home,) = read(look)
    assert home.ports == {7002: PortState.OPEN}
    assert "/dev/tcp/ovmm.lab.example/7002" in look.batch()[0]["m.p0.port-7002"]
    assert look.resolved == {}, "Manager's name is nobody's host name"
    (blind,) = read(look, m_p0_name_0=("", 2), m_p0_port_7002=("bash: ovmm: Name or service not known", 1))
    assert (blind.ports, blind.resolved) == ({7002: PortState.UNKNOWN}, {"ovmm.lab.example": ()})


class Narrow:
    """A session whose network carries `mtu` bytes."""

    server = OWN

    def __init__(self, mtu: int) -> None:
        self.mtu = mtu

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        match = re.match(r"echo (\w+):begin:mtu; \((.*)\) </dev/null", str(argv).splitlines()[-1])
        assert match
        text, status = answer(match[2], self.mtu)
        return Completed(0, f"{match[1]}:begin:mtu\n{text}{match[1]}:end:mtu:{status}\n", "")


@pytest.mark.asyncio
async def test_what_is_in_doubt_is_asked_again_and_narrow_ways_are_measured() -> None:
    look = PeersLook(OWN, spec(), facts(), PEERS, is_solaris=False)
    read(look, path_mtu=1400, p0_port_7777=("", 124))
    asked: list[str] = []

    async def ask(commands: Mapping[str, str], limits: Mapping[str, int]) -> dict[str, Section]:
        asked.extend(commands)
        return {name: Section(name, one, 1, "Connection refused", None, 6) for name, one in commands.items()}

    await look.ask_again(Narrow(1400), ask)
    assert asked == ["d0.port-7777"]
    assert of(look.looks, "203.0.113.12").ports[7777] is PortState.REFUSED
    assert of(look.looks, "203.0.113.12").path_mtu == 1400


@pytest.mark.asyncio
async def test_a_healthy_mesh_is_asked_nothing_more() -> None:
    look = PeersLook(OWN, spec(), facts(), PEERS, is_solaris=False)
    before = read(look)

    async def ask(commands: Mapping[str, str], limits: Mapping[str, int]) -> None:
        raise AssertionError(commands)

    await look.ask_again(Narrow(1), ask)
    assert list(look.looks) == before
