"""The search for a path's MTU: the one thing of the mesh that takes one question after the other."""

from __future__ import annotations

from core.facts.batch import run_batch
from core.facts.mesh import Bisection, mtu_command, mtu_passes
from core.transports.base import CommandSession

_TRY_S = 16.0  # a ping of this kind ends after 1 s; the rest is for a slow line


async def find_path_mtu(session: CommandSession, address: str, hoped: int) -> int | None:
    """The largest IPv4 packet in bytes that passes whole, up to `hoped`; None where none does, or nothing is told.

    `hoped` is tried once more, then up to 24 other sizes. Raises the session's TransportErrors.
    """
    if await _passes(session, address, hoped):
        return hoped
    search = Bisection(hoped)
    while (size := search.size) is not None:
        passes = await _passes(session, address, size)
        if passes is None:
            return None
        search.answer(passes)
    return search.found


async def _passes(session: CommandSession, address: str, size: int) -> bool | None:
    sections = await run_batch(session, {"mtu": mtu_command(address, size)}, limit_s=_TRY_S)
    return mtu_passes(sections["mtu"])
