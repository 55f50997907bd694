"""Second questions: a busy machine's false answers are taken back, a real fault stays."""

from __future__ import annotations

from core.facts.batch import Section
from core.facts.mesh import PairLook, Peer, Ping, PortState
from core.facts.mesh_doubt import SAMPLE, Way, doubts, settle

GOOD = Ping(sent=5, received=5, rtt_ms=0.2)
LOSSY, DEAD = Ping(sent=5, received=4, rtt_ms=0.2), Ping(sent=5, received=0)
ANSWERED = "10 packets transmitted, 10 received, 0% packet loss\nrtt min/avg/max/mdev = 0.1/0.2/0.3/0.1 ms\n"
STILL_LOST = (
    "10 packets transmitted, 9 received, 10% packet loss\nrtt min/avg/max/mdev = 0.1/0.2/0.3/0.1 ms\n"
)


def ways(count: int, *, ping: Ping = GOOD, port: PortState = PortState.REFUSED) -> list[Way]:
    return [
        Way(
            Peer(f"s{n}", f"10.0.0.{n}"),
            PairLook(source="s0", target=f"s{n}", ping=ping, ports={7777: port}),
        )
        for n in range(1, count + 1)
    ]


def told(commands: dict[str, str], text: str, status: int) -> dict[str, Section]:
    return {name: Section(name, command, status, text, None, 6) for name, command in commands.items()}


def states(found: list[Way]) -> list[PortState]:
    return [way.look.ports[7777] for way in found]


def test_a_healthy_mesh_is_asked_once() -> None:
    assert doubts(ways(9)) == ({}, {})


def test_silence_that_lasts_is_a_filter_for_all_alike() -> None:
    seen = ways(9, port=PortState.TIMEOUT)
    commands, limits = doubts(seen)
    assert len(commands) == SAMPLE
    assert set(limits) == set(commands)
    assert states(settle(seen, told(commands, "", 124))) == [PortState.TIMEOUT] * 9


def test_silence_that_was_made_up_takes_the_rest_with_it() -> None:
    seen = ways(9, port=PortState.TIMEOUT)
    commands, _ = doubts(seen)
    found = states(settle(seen, told(commands, "bash: connect: Connection refused", 1)))
    assert found == [PortState.REFUSED] * SAMPLE + [PortState.UNKNOWN] * (9 - SAMPLE)


def test_a_second_try_that_could_not_be_made_changes_nothing() -> None:
    seen = ways(4, port=PortState.TIMEOUT, ping=LOSSY)
    commands, _ = doubts(seen)
    assert settle(seen, told(commands, "sh: cannot fork", 126)) == seen


def test_lost_packets_are_counted_again() -> None:
    seen = ways(5, ping=LOSSY)
    commands, _ = doubts(seen)
    assert all(" -c 10 " in command for command in commands.values())
    kept = settle(seen, told(commands, STILL_LOST, 0))
    assert [way.look.ping.received if way.look.ping else None for way in kept] == [9, 9, 9, 4, 4]
    gone = settle(seen, told(commands, ANSWERED, 0))
    assert [way.look.ping.received if way.look.ping else None for way in gone] == [10, 10, 10, None, None]


def test_a_peer_that_seems_dead_is_asked_once_more_by_ping_and_one_port() -> None:
    (way,) = ways(1, ping=DEAD, port=PortState.TIMEOUT)
    seen = [
        Way(way.peer, way.look.model_copy(update={"ports": dict.fromkeys((7777, 8002), PortState.TIMEOUT)}))
    ]
    assert seen[0].look.is_reached is False
    commands, _ = doubts(seen)
    assert [name.partition(".")[2] for name in commands] == ["port-7777", "ping"]
    (dead,) = settle(seen, told(commands, "", 124))
    assert dead.look.is_reached is False
    (back,) = settle(seen, {"d0.ping": Section("d0.ping", "ping", 0, ANSWERED, None, 6)})
    assert back.look.is_reached is True
    assert set(doubts(seen, is_solaris=True)[0]) == {"d0.port-7777"}


def test_reached_peers_are_asked_before_those_that_seem_dead() -> None:
    seen = [*ways(3, ping=DEAD, port=PortState.TIMEOUT), *ways(2, port=PortState.TIMEOUT)]
    names = [name for name in doubts(seen)[0] if "port" in name]
    assert names == ["d3.port-7777", "d4.port-7777", "d0.port-7777"]
