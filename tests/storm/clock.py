"""An event loop whose clock jumps: what waits an hour waits no time, and a run of many minutes takes milliseconds.

Only for what lives in one process without sockets and threads. Nothing left to wait for is an error, never a hang.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time as real_time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from types import ModuleType
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")
EPOCH_S = 1_800_000_000.0  # where simulated wall time begins
_ROOMS = "core."


class Deadlock(RuntimeError):
    """Everybody waits and nobody will ever wake them."""


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's clock on."""

    loop: VirtualLoop

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            self.loop.advance(
                0.0
            )  # work takes time too: who waits for "a little later" is not kept busy for ever
            return found
        if timeout is None:
            raise Deadlock("nothing is scheduled and nothing can arrive")
        self.loop.advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when everybody waits."""

    def __init__(self) -> None:
        self._now = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    @override
    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass while everything stands still: a slow disk, a suspended machine."""
        self._now += max(seconds, 1e-6)


class Clock:
    """Stands where a module has `time`: its monotonic and wall clock are the loop's; `wall_jump_s` sets it wrong."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.wall_jump_s = 0.0

    def monotonic(self) -> float:
        """Seconds since the loop began."""
        return self._loop.time()

    def time(self) -> float:
        """Simulated epoch seconds, with the jumps."""
        return EPOCH_S + self._loop.time() + self.wall_jump_s

    def __getattr__(self, name: str) -> Any:
        return getattr(real_time, name)


@contextmanager
def virtual() -> Iterator[tuple[VirtualLoop, Clock]]:
    """A virtual loop, and every module of core that reads a clock reads this one's while inside."""
    loop = VirtualLoop()
    clock = Clock(loop)

    class Dated(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> Dated:
            return cls.fromtimestamp(EPOCH_S + loop.time(), tz or UTC)

    changed: list[tuple[ModuleType, str, object]] = []
    for name, module in list(sys.modules.items()):
        if name.startswith(_ROOMS) and getattr(module, "time", None) is real_time:
            changed.append((module, "time", clock))
        if name.startswith(_ROOMS) and getattr(module, "datetime", None) is datetime:
            changed.append((module, "datetime", Dated))
    before = [(module, name, getattr(module, name)) for module, name, _ in changed]
    try:
        for module, name, value in changed:
            setattr(module, name, value)
        yield loop, clock
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        loop.close()


def run_virtually(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run to the end and leave no task behind."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
