"""Following a run on the command line: narrates on standard error, ends with the run, Ctrl-C only detaches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from core.cli.diagnostics import EXIT_INTERRUPTED, say
from core.models.events import EventKind, RunEvent

if TYPE_CHECKING:
    from core.service import Service


def narrate(event: RunEvent) -> None:
    """One event as one line, with its UTC time."""
    where = f"{event.step}: " if event.step else ""
    what = (
        f"{event.state} "
        if event.kind in (EventKind.STEP_STATE, EventKind.RUN_STATE, EventKind.OUTCOME)
        else ""
    )
    say(f"{event.at:%H:%M:%S} {where}{what}{event.text}".rstrip())


async def follow_to_end(service: Service, run: str, since: int = 0) -> None:
    """Narrate until the run has ended."""
    async for event in service.follow(run, since):
        narrate(event)


async def begun(start: Awaitable[str]) -> tuple[str, bool]:
    """The id of the run that is being started, and whether Ctrl-C came meanwhile: an order that is out has begun."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting), False
    except asyncio.CancelledError:
        return await starting, True  # a second Ctrl-C ends this too


def detached(run: str) -> int:
    """What to say when the operator leaves a run that goes on."""
    say(f"detached; the run goes on. Follow it again with: poolwright attach {run}")
    return EXIT_INTERRUPTED


def follow_here(service: Service, run: str, since: int = 0) -> bool:
    """Follow to the end; False when the operator pressed Ctrl-C (the run goes on)."""
    try:
        asyncio.run(follow_to_end(service, run, since))
    except KeyboardInterrupt:
        return False
    return True
