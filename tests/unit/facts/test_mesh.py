"""The mesh: schedule, parsers, bisection and clocks; and a whole mesh over sessions that follow a map of paths."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from core.errors import CommandTimeout, ConnectFailed
from core.facts.batch import Section
from core.facts.mesh import (
    HEADERS,
    MIN_MTU,
    Bisection,
    ClockSample,
    Peer,
    Ping,
    PortState,
    clock_between,
    clock_offset,
    mtu_passes,
    pair_commands,
    parse_ping,
    port_state,
    read_pair,
    rounds,
)
from core.facts.mesh_run import AT_ONCE, look_at_mesh, measure_clock
from core.transports.base import Completed

IPUTILS = """\
PING 10.78.0.2 (10.78.0.2) 56(84) bytes of data.

--- 10.78.0.2 ping statistics ---
5 packets transmitted, 4 received, 20% packet loss, time 812ms
rtt min/avg/max/mdev = 0.053/0.122/0.444/0.160 ms
"""
LOST = """\
PING 10.78.0.9 (10.78.0.9) 56(84) bytes of data.

--- 10.78.0.9 ping statistics ---
5 packets transmitted, 0 received, +5 errors, 100% packet loss, time 815ms
pipe 4
"""
BUSYBOX = (
    "5 packets transmitted, 5 packets received, 0% packet loss\nround-trip min/avg/max = 0.1/0.2/0.3 ms\n"
)
SOLARIS = """\
----ovs2 PING Statistics----
5 packets transmitted, 5 packets received, 0% packet loss
round-trip (ms)  min/avg/max/stddev = 0.220/0.262/0.360/0.055
"""
TOO_LONG = """\
PING 10.78.0.4 (10.78.0.4) 8972(9000) bytes of data.
ping: local error: message too long, mtu=1500

--- 10.78.0.4 ping statistics ---
2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 204ms
"""


def section(text: str, status: int | None) -> Section:
    return Section("x", "x", status, text)


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=3), max_size=20))
def test_every_pair_once_in_n_minus_1_rounds(names: list[str]) -> None:
    unique = list(dict.fromkeys(names))
    plan = rounds(names)
    assert len(plan) == max(len(unique) - 1, 0)
    pairs = [pair for one in plan for pair in one]
    assert sorted(pairs) == sorted((a, b) for a in unique for b in unique if a != b)
    for one in plan:
        assert len({source for source, _ in one}) == len(one) == len({target for _, target in one})


@given(st.integers(MIN_MTU, 65535), st.integers(0, 65535))
def test_bisection_finds_the_very_byte(hoped: int, real: int) -> None:
    search = Bisection(hoped)
    tries = 0
    while (size := search.size) is not None:
        assert MIN_MTU <= size < hoped or size == MIN_MTU
        search.answer(size <= real)
        tries += 1
    assert tries <= 24
    if real < hoped:
        assert search.found == (real if real >= MIN_MTU else None)


@pytest.mark.parametrize("real", [1500, 1450, 1400, 1492])
def test_usual_values_take_few_tries(real: int) -> None:
    search, tries = Bisection(9000), 0
    while (size := search.size) is not None:
        search.answer(size <= real)
        tries += 1
    assert (search.found, tries <= 9) == (real, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IPUTILS, Ping(sent=5, received=4, rtt_ms=0.122, rtt_max_ms=0.444)),
        (LOST, Ping(sent=5, received=0)),
        (BUSYBOX, Ping(sent=5, received=5, rtt_ms=0.2, rtt_max_ms=0.3)),
        (SOLARIS, Ping(sent=5, received=5, rtt_ms=0.262, rtt_max_ms=0.36)),
    ],
    ids=["iputils", "lost", "busybox", "solaris"],
)
def test_ping(text: str, expected: Ping) -> None:
    assert parse_ping(text) == expected


@pytest.mark.parametrize("text", ["", "ping: unknown host x", "x packets transmitted", "\x1b[2J" * 99])
def test_what_is_no_ping(text: str) -> None:
    with pytest.raises(ValueError, match="no figures"):
        parse_ping(text)


def test_loss_in_percent() -> None:
    assert parse_ping(IPUTILS).loss_pct == pytest.approx(20.0)
    assert parse_ping(LOST).loss_pct == 100.0
    assert Ping(sent=0, received=0).loss_pct == 100.0


@pytest.mark.parametrize(
    ("text", "status", "state"),
    [
        ("", 0, PortState.OPEN),
        (
            "bash: connect: Connection refused\nbash: line 1: /dev/tcp/10.0.0.2/7777: Connection refused",
            1,
            "refused",
        ),
        ("", 124, PortState.TIMEOUT),
        ("bash: connect: Connection timed out", 1, PortState.TIMEOUT),
        (
            "bash: connect: No route to host\nbash: /dev/tcp/10.0.0.2/7777: No route to host",
            1,
            PortState.NO_ROUTE,
        ),
        ("bash: connect: Network is unreachable", 1, PortState.NO_ROUTE),
        ("sh: timeout: command not found", 127, PortState.UNKNOWN),
        ("", None, PortState.UNKNOWN),
        ("bash: /dev/tcp/10.0.0.2/7777: No such file or directory", 1, PortState.UNKNOWN),
    ],
)
def test_port_state(text: str, status: int | None, state: str) -> None:
    assert port_state(section(text, status)) == state


def test_mtu_of_the_own_interface_is_no_silence() -> None:
    assert mtu_passes(section(TOO_LONG, 1)) is False
    assert mtu_passes(section(LOST, 1)) is False
    assert mtu_passes(section(IPUTILS, 0)) is True
    assert mtu_passes(section("ping: not there", 127)) is None
    assert mtu_passes(section("ping: permission denied", 2)) is None
    assert mtu_passes(None) is None


def test_only_addresses_and_names_stand_in_commands() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1;reboot"):
        pair_commands(Peer("x", "10.0.0.1;reboot"), (7777,), 1500)
    with pytest.raises(ValueError, match="not a TCP port"):
        pair_commands(Peer("x", "10.0.0.1"), (70000,), None)
    commands = pair_commands(Peer("x", "10.0.0.1", ("a.example", "$(id)")), (), None)
    assert set(commands) == {"name-0", "ping"}
    assert "getent" in commands["name-0"]


def test_nothing_known_is_not_reached_nor_not() -> None:
    look = read_pair("a", Peer("b", "10.0.0.2", ("b",)), {})
    assert (look.is_reached, look.ping, look.ports, look.resolved) == (None, None, {}, {})


offsets = st.floats(-1e5, 1e5)
delays = st.lists(st.tuples(st.floats(1e-4, 2), st.floats(1e-4, 2)), min_size=1, max_size=8)


@given(offsets, delays)
def test_the_true_offset_lies_within_the_error(offset: float, ways: list[tuple[float, float]]) -> None:
    samples = [
        ClockSample(1e9 + 10 * n, 1e9 + 10 * n + there + back, 1e9 + 10 * n + there + offset)
        for n, (there, back) in enumerate(ways)
    ]
    found, error = clock_offset(samples)
    assert abs(found - offset) <= error + 1e-5
    assert error <= min(there + back for there, back in ways) / 2 + 1e-5


def test_a_clock_that_was_set_in_between() -> None:
    slow = ClockSample(100.0, 102.0, 101.0)
    quick = ClockSample(110.0, 110.2, 200.1)
    assert clock_offset([slow, quick]) == pytest.approx((90.0, 0.1))


def test_two_clocks_against_each_other() -> None:
    assert clock_between((90.0, 0.25), (-1.0, 0.25)) == (91.0, 0.5)
    with pytest.raises(ValueError, match="no clock"):
        clock_offset([])


class Paths:
    """Sessions over an imagined network: which MTU and which ports lead from whom to whom."""

    def __init__(self, mtus: dict[tuple[str, str], int], closed: dict[tuple[str, int], int | str]) -> None:
        self.mtus, self.closed = mtus, closed
        self.running: dict[str, int] = {}
        self.most = 0
        self.asked = 0


class Server:
    """Answers the mesh's own commands as bash, ping and getent do."""

    def __init__(self, server: str, paths: Paths, *, trouble: Exception | None = None) -> None:
        self.server, self.paths, self.trouble = server, paths, trouble

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        assert isinstance(argv, str)
        if self.trouble is not None:
            raise self.trouble
        self.paths.running[self.server] = self.paths.running.get(self.server, 0) + 1
        self.paths.most = max(self.paths.most, self.paths.running[self.server])
        for _ in range(3):
            await asyncio.sleep(0)
        self.paths.running[self.server] -= 1
        return Completed(0, "".join(self.answer(line) for line in argv.splitlines()), "")

    def answer(self, line: str) -> str:
        self.paths.asked += 1
        match = re.match(r"echo (\w+):begin:([\w.-]+); \((.*)\) </dev/null", line)
        if match is None:
            return ""
        token, name, command = match.groups()
        text, status = self.command(command)
        return f"{token}:begin:{name}\n{text}{token}:end:{name}:{status}\n"

    def command(self, command: str) -> tuple[str, int]:
        if port := re.search(r"/dev/tcp/([\d.]+)/(\d+)", command):
            state = self.paths.closed.get((port[1], int(port[2])), 0)
            return (state + "\n", 1) if isinstance(state, str) else ("", state)
        if size := re.search(r"-s (\d+) ([\d.]+)", command):
            passes = int(size[1]) + HEADERS <= self.paths.mtus.get((self.server, size[2]), 1500)
            return (IPUTILS, 0) if passes else (LOST, 1)
        if command.startswith("ping"):
            return IPUTILS, 0
        if command.startswith("date"):
            return "1700000000.250000000\n", 0
        return f"{command.split()[-1].removeprefix('ovs')} STREAM x\n", 0


PEERS = [Peer(f"10.0.0.{n}", f"10.0.0.{n}", (f"ovs10.0.0.{n}",)) for n in range(1, 10)]


@pytest.mark.asyncio
async def test_a_whole_mesh() -> None:
    paths = Paths(
        {("10.0.0.1", "10.0.0.4"): 1400, ("10.0.0.2", "10.0.0.4"): 100},
        {("10.0.0.3", 7777): 124, ("10.0.0.5", 7777): "connect: Connection refused"},
    )
    sessions = {peer.name: Server(peer.name, paths) for peer in PEERS}
    found = await look_at_mesh(sessions, PEERS, ports=(7777, 7777), mtus=dict.fromkeys(sessions, 1500))
    assert len(found) == 9 * 8
    assert {pair: look.path_mtu for pair, look in found.items() if look.path_mtu != 1500} == {
        ("10.0.0.1", "10.0.0.4"): 1400,
        ("10.0.0.2", "10.0.0.4"): None,
    }
    assert found["10.0.0.2", "10.0.0.4"].mtu_tried == 1500
    stopped = {pair[1] for pair, look in found.items() if look.ports[7777] is PortState.TIMEOUT}
    refused = {pair[1] for pair, look in found.items() if look.ports[7777] is PortState.REFUSED}
    assert (stopped, refused) == ({"10.0.0.3"}, {"10.0.0.5"})
    assert all(look.resolved == {f"ovs{look.target}": (look.target,)} for look in found.values())
    assert paths.most == AT_ONCE


@pytest.mark.asyncio
async def test_one_server_in_trouble_costs_its_own_row_only() -> None:
    paths = Paths({}, {})
    sessions = {peer.name: Server(peer.name, paths) for peer in PEERS}
    sessions["10.0.0.2"].trouble = ConnectFailed("10.0.0.2", "ssh", "the connection was lost")
    sessions["10.0.0.3"].trouble = CommandTimeout("10.0.0.3", "ssh", "x", 1.0)
    found = await look_at_mesh(sessions, PEERS, ports=(7777,))
    missing = {pair for pair, look in found.items() if look.missing}
    assert missing == {(a, b.name) for a in ("10.0.0.2", "10.0.0.3") for b in PEERS if b.name != a}
    assert all(look.is_reached is None for pair, look in found.items() if pair in missing)


@pytest.mark.asyncio
async def test_a_row_has_an_end() -> None:
    class Hanging(Server):
        @override
        async def run(
            self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None
        ) -> Completed:
            await asyncio.Event().wait()
            raise AssertionError

    paths = Paths({}, {})
    sessions = {peer.name: Server(peer.name, paths) for peer in PEERS}
    sessions["10.0.0.1"] = Hanging("10.0.0.1", paths)
    found = await look_at_mesh(sessions, PEERS, row_s=0.2)
    assert {pair[0] for pair, look in found.items() if look.missing} == {"10.0.0.1"}
    assert "0.2 s" in found["10.0.0.1", "10.0.0.2"].missing


@pytest.mark.asyncio
async def test_clock_over_a_session() -> None:
    offset, error = await measure_clock(Server("10.0.0.1", Paths({}, {})))
    assert offset < 0
    assert error >= 0
