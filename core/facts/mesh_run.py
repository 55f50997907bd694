"""Runs the mesh: every server looks at every other, each at a few peers at a time, all servers side by side.

N servers take about N/AT_ONCE turns, never N^2 in series; a server that hangs costs only its own row.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from core.errors import CommandTimeout, PoolwrightError
from core.facts import linux
from core.facts.batch import run_batch
from core.facts.commands import CLOCK
from core.facts.mesh import (
    Bisection,
    ClockSample,
    PairLook,
    Peer,
    absent_pair,
    clock_offset,
    commands_limit_s,
    mtu_command,
    mtu_passes,
    pair_commands,
    read_pair,
    targets_of,
)
from core.transports.base import CommandSession

ROW_S = 120.0  # all of one server's looks at its peers; what is not reached by then is told as missing
AT_ONCE = 4  # peers one server looks at side by side; a connection carries 6 channels (transports.limits)
CLOCK_SAMPLES = 4


async def look_at_mesh(
    sessions: Mapping[str, CommandSession],
    peers: Sequence[Peer],
    *,
    ports: Iterable[int] = (),
    mtus: Mapping[str, int] | None = None,
    solaris: frozenset[str] = frozenset(),
    row_s: float = ROW_S,
) -> dict[tuple[str, str], PairLook]:
    """(source, target) -> what the source sees, for every ordered pair whose source has a session. Never raises.

    `ports` are tried on each peer, `mtus` are the MTUs of each source's interface (no path MTU without one),
    `solaris` names the sources that run Solaris.
    """
    by_name = {peer.name: peer for peer in peers}
    found: dict[tuple[str, str], PairLook] = {}
    wanted = tuple(dict.fromkeys(ports))

    async def row(source: str, session: CommandSession) -> None:
        targets = targets_of(source, [peer.name for peer in peers])
        mtu = (mtus or {}).get(source)
        slots = asyncio.Semaphore(AT_ONCE)
        reasons: list[str] = []

        async def one(target: str) -> None:
            async with slots:
                if reasons:
                    return
                try:
                    found[source, target] = await look_at_pair(
                        session, source, by_name[target], wanted, mtu, is_solaris=source in solaris
                    )
                except CommandTimeout as error:
                    found[source, target] = absent_pair(source, target, str(error))
                except PoolwrightError as error:
                    reasons.append(str(error))

        with suppress(TimeoutError):
            async with asyncio.timeout(row_s), asyncio.TaskGroup() as group:
                for target in targets:
                    group.create_task(one(target))
        for target in targets:
            reason = reasons[0] if reasons else f"not reached within {row_s:g} s"
            found.setdefault((source, target), absent_pair(source, target, reason))

    async with asyncio.TaskGroup() as group:
        for source, session in sessions.items():
            if source in by_name:
                group.create_task(row(source, session))
    return found


async def look_at_pair(
    session: CommandSession,
    source: str,
    peer: Peer,
    ports: Iterable[int] = (),
    mtu: int | None = None,
    *,
    is_solaris: bool = False,
) -> PairLook:
    """What one server sees of a peer; raises the session's TransportErrors.

    The path MTU takes one ping where `mtu` passes whole, and up to 24 more, one after the other, where it does not.
    """
    try:
        commands = pair_commands(peer, ports, None if is_solaris else mtu, is_solaris=is_solaris)
    except ValueError as error:
        return absent_pair(source, peer.name, f"not looked at: {error}")
    sections = await run_batch(session, commands, limit_s=commands_limit_s(commands))
    look = read_pair(source, peer, sections, mtu)
    if look.mtu_tried is None or look.path_mtu is not None or look.is_reached is not True:
        return look
    if look.ping is not None and not look.ping.received:
        return look.model_copy(
            update={"mtu_tried": None}
        )  # pings are dropped as such: they tell nothing of sizes
    return look.model_copy(update={"path_mtu": await _bisect(session, peer, look.mtu_tried)})


async def _bisect(session: CommandSession, peer: Peer, hoped: int) -> int | None:
    search = Bisection(hoped)
    while (size := search.size) is not None:
        commands = {"mtu": mtu_command(peer.address, size)}
        sections = await run_batch(session, commands, limit_s=commands_limit_s(commands))
        passes = mtu_passes(sections["mtu"])
        if passes is None:
            return None
        search.answer(passes)
    return search.found


async def measure_clock(
    session: CommandSession, *, samples: int = CLOCK_SAMPLES, limit_s: float = 20.0
) -> tuple[float, float]:
    """(offset, error) of a server's clock against this machine's, in seconds; ValueError when it tells no time."""
    taken: list[ClockSample] = []
    for _ in range(samples):
        sent_s = time.time()
        sections = await run_batch(session, CLOCK, limit_s=limit_s)
        received_s = time.time()
        told_s, coarse_s = linux.parse_epoch(sections["date"].text)
        taken.append(ClockSample(sent_s, received_s, told_s, coarse_s))
    return clock_offset(taken)
