"""Ctrl-C while a run is being started: the order is out, so its id is learnt and told."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from core.cli.following import begun


async def _slow_start(sent: asyncio.Event) -> str:
    sent.set()
    await asyncio.sleep(0.05)
    return "run-1"


def test_an_interrupt_meanwhile_does_not_lose_the_run() -> None:
    async def main() -> tuple[str, bool]:
        sent = asyncio.Event()
        waiting = asyncio.ensure_future(_press_when(sent))
        found = await begun(_slow_start(sent))
        await waiting
        return found

    assert asyncio.run(main()) == ("run-1", True)


async def _press_when(sent: asyncio.Event) -> None:
    await sent.wait()
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.asyncio
async def test_without_an_interrupt_it_is_only_begun() -> None:
    assert await begun(_slow_start(asyncio.Event())) == ("run-1", False)


@pytest.mark.asyncio
async def test_what_refuses_the_start_is_told() -> None:
    async def refuse() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await begun(refuse())
