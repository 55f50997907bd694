"""Runs one lab until it is told to stop: what `poolwright lab` and `python -m core.lab` do."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from core.lab.fleet import Lab

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
Say = Callable[[str], None]


async def run_lab(
    scenario: str = "healthy-nfs",
    servers: int = 3,
    ready_file: Path | None = None,
    seed: int = 1,
    *,
    speed: float = 1.0,
    with_parent: bool = False,
    say: Say | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP (unless nohup) or, `with_parent`, the end of standard input. Raises LabError.

    The ready file and what lies beside it appear when everything listens and are gone afterwards.
    """
    tell = say or (lambda text: None)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    ending = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in ending:
        loop.add_signal_handler(number, stop.set)
    if ready_file is not None:
        _forget(ready_file)
    watcher = asyncio.create_task(_parent_gone(stop)) if with_parent else None
    try:
        async with Lab.from_scenario(scenario, servers=servers, seed=seed, speed=speed) as lab:
            if ready_file is not None:
                lab.write_ready(ready_file)
            tell(
                f"lab {lab.name}: {len(lab.world.servers)} servers, Manager on {lab.host}:{lab.manager.port}"
            )
            await stop.wait()
    finally:
        for number in ending:
            loop.remove_signal_handler(number)
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
        if ready_file is not None:
            _forget(ready_file)


async def _parent_gone(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while await reader.read(4096):
            pass
        stop.set()
    finally:
        transport.close()


def _forget(ready_file: Path) -> None:
    """Remove a ready file and its companions: their passwords die with the lab."""
    for name in (ready_file.name, f"{ready_file.name}.spec.yaml", f"{ready_file.name}.spec.yaml.key"):
        path = ready_file.absolute().with_name(name)
        if path.is_file():  # a device or a pipe that was named is not ours to remove
            path.resolve().unlink()
