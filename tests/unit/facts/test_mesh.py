"""The mesh: schedule, parsers, bisection and clocks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from core.facts.mesh_run import find_path_mtu
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
        (IPUTILS, Ping(sent=5, received=4, rtt_ms=0.122, rtt_min_ms=0.053, rtt_max_ms=0.444)),
        (LOST, Ping(sent=5, received=0)),
        (BUSYBOX, Ping(sent=5, received=5, rtt_ms=0.2, rtt_min_ms=0.1, rtt_max_ms=0.3)),
        (SOLARIS, Ping(sent=5, received=5, rtt_ms=0.262, rtt_min_ms=0.22, rtt_max_ms=0.36)),
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
    by_name = pair_commands(Peer("manager", "ovmm.example"), (7002,), None)  # the server resolves it itself
    assert by_name["port-7002"] == "bash -c '</dev/tcp/ovmm.example/7002'"
    with pytest.raises(ValueError, match="not an address"):
        pair_commands(Peer("x", ""), (7777,), None)


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


class Path:
    """A session of a server from which only packets up to `mtu` bytes pass whole; the first `lost` pings are lost."""

    server = "10.0.0.1"

    def __init__(self, mtu: int, *, lost: int = 0, answer: str = "") -> None:
        self.mtu, self.lost, self.answer, self.asked = mtu, lost, answer, 0

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        line = str(argv).splitlines()[-1]
        match = re.match(r"echo (\w+):begin:mtu; \(ping .* -M do -s (\d+) 10.0.0.2\) </dev/null", line)
        assert match, line
        self.asked += 1
        passes = int(match[2]) + HEADERS <= self.mtu and self.asked > self.lost
        text, status = (IPUTILS, 0) if passes else (LOST, 1)
        if self.answer:
            text, status = self.answer, 127
        return Completed(0, f"{match[1]}:begin:mtu\n{text}{match[1]}:end:mtu:{status}\n", "")


@pytest.mark.asyncio
@pytest.mark.parametrize(("real", "found"), [(1400, 1400), (1437, 1437), (100, None), (9000, 9000)])
async def test_the_width_of_a_path(real: int, found: int | None) -> None:
    path = Path(real)
    assert await find_path_mtu(path, "10.0.0.2", 9000) == found
    assert path.asked <= 25


@pytest.mark.asyncio
async def test_a_ping_that_was_lost_by_chance_makes_no_path_narrow() -> None:
    path = Path(1500)
    assert (await find_path_mtu(path, "10.0.0.2", 1500), path.asked) == (1500, 1)
    assert await find_path_mtu(Path(1500, answer="sh: ping: not found"), "10.0.0.2", 1500) is None
