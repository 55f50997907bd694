"""The wizard beside a bare DataTable and a hello-world app: latency while results stream, bytes, cold start, memory."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pexpect
from textual import events
from textual.app import App
from textual.widgets import DataTable

from bench.tui.program import SIZE, begin, is_over, make, release

FLEETS = (256, 500)
KEYS = 120
EVERY_S = 0.15  # a quick operator
STARTS = 7


def main() -> None:
    """Print everything, ours beside the bare one in the same run."""
    for servers in FLEETS:
        times, plain = (asyncio.run(_latencies(kind, servers)) for kind in ("ours", "bare"))
        print(f"key to paint, {servers} servers reporting: ours {_tell(times)}, bare {_tell(plain)}")
        print(f"  p99 ratio {_pct(times, 99) / _pct(plain, 99):.2f}x (to reach: 60 ms, or 2x)")
    for kind in ("ours", "bare"):
        sent, seconds = bytes_while_reporting(kind, 256)
        print(f"bytes while 256 servers report: {kind} {sent / seconds / 1024:.1f} KB/s (to reach: 8 KB/s)")
    print(f"cold start to first paint: {_starts():.2f}x a hello-world app (to reach: 1.35x)")
    ours_kib, bare_kib = (_peak_kib(kind, 500) for kind in ("ours", "bare"))
    ours, bare = ours_kib / 1024, bare_kib / 1024
    print(
        f"peak memory, 500 servers: ours {ours:.0f} MB, bare {bare:.0f} MB (to reach: {1.3 * bare + 40:.0f} MB)"
    )


def _tell(times: list[float]) -> str:
    return f"p50 {_pct(times, 50) * 1000:.0f} ms p99 {_pct(times, 99) * 1000:.0f} ms"


def _pct(times: list[float], pct: int) -> float:
    return sorted(times)[min(len(times) * pct // 100, len(times) - 1)]


async def _latencies(kind: str, servers: int) -> list[float]:
    """Seconds from a key to the paint that shows the moved cursor, while the feed runs."""
    with tempfile.TemporaryDirectory() as folder:
        app = make(kind, servers, Path(folder))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            await begin(app)
            await pilot.pause(1.0)
            table = app.screen.query_one(DataTable)
            table.focus()
            await pilot.pause(0.3)
            release(app)
            times = []
            for _turn in range(KEYS):
                await asyncio.sleep(EVERY_S)
                times.append(await _one_key(app, table))
                if is_over(app):
                    break
            app.exit()
    return times


async def _one_key(app: App[Any], table: DataTable[Any]) -> float:
    painted: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    before = table.cursor_row
    display = app._display  # noqa: SLF001 - the one place every paint goes through

    def watched(*args: Any) -> None:
        display(*args)
        if table.cursor_row != before and not painted.done():
            painted.set_result(time.perf_counter())

    app._display = watched  # type: ignore[method-assign,assignment]  # noqa: SLF001
    try:
        begun = time.perf_counter()
        app.post_message(events.Key("down" if before < table.row_count - 1 else "home", None))
        async with asyncio.timeout(10):
            return await painted - begun
    finally:
        app._display = display  # type: ignore[method-assign]  # noqa: SLF001


def bytes_while_reporting(kind: str, servers: int, limit_s: float = 20.0) -> tuple[int, float]:
    """Bytes at the pty of 80x24 and seconds, from the first result on."""
    with tempfile.TemporaryDirectory() as folder:
        program = _spawn("-m", "bench.tui.program", kind, str(servers), folder)
        sent, begun = 0, 0.0
        deadline = time.monotonic() + limit_s + 60
        try:
            while time.monotonic() < deadline and (not begun or time.monotonic() - begun < limit_s):
                try:
                    data = program.read_nonblocking(65536, timeout=1)
                except pexpect.TIMEOUT:
                    continue
                if begun:
                    sent += len(data)
                elif b"pass" in data or b"fail" in data:
                    begun = time.monotonic()
        finally:
            program.close(force=True)
    return sent, limit_s if begun else float("nan")


def _starts() -> float:
    """Median ratio of cold starts, pair by pair."""
    ours, hello = ("-m", "tui", "--screens"), ("-m", "bench.tui.program", "hello", "0", "/nowhere")
    with tempfile.TemporaryDirectory() as folder:
        _ = _start(ours, b"proves first", folder), _start(hello, b"hello", folder)
        pairs = [
            (_start(ours, b"proves first", folder), _start(hello, b"hello", folder))
            for _turn in range(STARTS)
        ]
    return statistics.median(one / other for one, other in pairs)


def _start(words: tuple[str, ...], text: bytes, folder: str) -> float:
    begun = time.perf_counter()
    program = _spawn(*words, state=folder)
    try:
        program.expect_exact(text, timeout=60)
        return time.perf_counter() - begun
    finally:
        program.close(force=True)


def _spawn(*words: str, state: str = "") -> pexpect.spawn[bytes]:
    environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "TEXTUAL_ANIMATIONS": "none"}
    environ |= {"XDG_STATE_HOME": state} if state else {}
    root = str(Path(__file__).parents[2])
    return pexpect.spawn(
        sys.executable, list(words), env=environ, cwd=root, dimensions=SIZE[::-1], timeout=60
    )


def _peak_kib(kind: str, servers: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "bench.tui.program", kind, str(servers), folder, "headless"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])
