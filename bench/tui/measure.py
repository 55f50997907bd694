"""The wizard beside a bare DataTable and a hello-world app: latency while results stream, bytes, cold start, memory.

Each measurement is a process of its own, and the two kinds take turns, so that a machine with other work slows both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pexpect

from bench.tui.program import SIZE

FLEETS = (256, 500)
ROUNDS = 3
STARTS = 15
IDLE_S = 60.0
DOWN, TAB = "\x1b[B", "\t"
FORM_KEYS = (DOWN, DOWN, "1", "2", TAB, DOWN, "x", DOWN, TAB)


def main() -> None:
    """Print everything, ours beside the bare one in the same run."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for servers in FLEETS:
        _keys(servers)
    for kind in ("ours", "bare"):
        sent, seconds = bytes_while_reporting(kind, 256)
        print(f"bytes while 256 servers report: {kind} {sent / seconds / 1024:.1f} KB/s (to reach: 8 KB/s)")
    idle, key = form_bytes()
    print(f"bytes on an idle form: {idle} in {IDLE_S:.0f} s (to reach: 1024 a minute)")
    print(f"bytes a key press in a form: at most {key} (to reach: 2048)")
    middle, fastest = _starts()
    print(
        f"cold start to first paint: {middle:.2f}x a hello-world app, the fastest of each {fastest:.2f}x"
        " (to reach: 1.35x)"
    )
    ours, bare = (_headless(kind, 500, "all")["peak_kib"] / 1024 for kind in ("ours", "bare"))
    print(
        f"peak memory, 500 servers: ours {ours:.0f} MB, bare {bare:.0f} MB (to reach: {1.3 * bare + 40:.0f} MB)"
    )


def _keys(servers: int) -> None:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    work: dict[str, list[float]] = {"ours": [], "bare": []}
    used = {"ours": 0.0, "bare": 0.0}
    for _turn in range(ROUNDS):
        for kind in times:
            told = _headless(kind, servers, "keys")
            times[kind] += told["times_s"]
            work[kind] += told["work_s"]
            used[kind] += told["cpu_s"]
    ours, bare = times["ours"], times["bare"]
    print(f"key to paint, {servers} servers reporting: ours {_tell(ours)}, bare {_tell(bare)}")
    print(f"  p99 ratio {_pct(ours, 99) / _pct(bare, 99):.2f}x (to reach: 60 ms, or 2x)")
    print(f"  processor time within them: ours {_tell(work['ours'])}, bare {_tell(work['bare'])}")
    print(f"  processor time of all of it: ratio {used['ours'] / used['bare']:.2f}x")


def _tell(times: list[float]) -> str:
    return f"p50 {_pct(times, 50) * 1000:.0f} ms p99 {_pct(times, 99) * 1000:.0f} ms"


def _pct(times: list[float], pct: int) -> float:
    return sorted(times)[min(len(times) * pct // 100, len(times) - 1)]


def _headless(kind: str, servers: int, way: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "bench.tui.program", kind, str(servers), folder, way]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=_environ(folder))
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def bytes_while_reporting(kind: str, servers: int, limit_s: float = 20.0) -> tuple[int, float]:
    """Bytes at the pty of 80x24 and seconds, from the first result on."""
    with tempfile.TemporaryDirectory() as folder:
        program = _spawn("-m", "bench.tui.program", kind, str(servers), folder, state=folder)
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


def form_bytes() -> tuple[int, int]:
    """Bytes at the pty of 80x24 while nobody types into a form, and the most that one key press costs there."""
    with tempfile.TemporaryDirectory() as folder:
        program = _spawn("-m", "bench.tui.program", "ours", "16", folder, "wait", state=folder)
        try:
            program.expect_exact("prepared for you", timeout=60)
            program.send("\r")
            program.expect_exact("How to reach", timeout=60)
            _ = _until_quiet(program)
            idle, end = 0, time.monotonic() + IDLE_S
            while (left := end - time.monotonic()) > 0:
                idle += _read(program, left)
            most = 0
            for key in FORM_KEYS:
                program.send(key)
                most = max(most, _until_quiet(program))
        finally:
            program.close(force=True)
    return idle, most


def _until_quiet(program: pexpect.spawn[bytes]) -> int:
    sent = 0
    while got := _read(program, 1.0):
        sent += got
    return sent


def _read(program: pexpect.spawn[bytes], wait_s: float) -> int:
    try:
        return len(program.read_nonblocking(65536, timeout=wait_s))
    except pexpect.TIMEOUT:
        return 0


def _starts() -> tuple[float, float]:
    """Cold starts, pair by pair: the median ratio, and the ratio of the fastest ones, which other work slows least."""
    ours, hello = ("-m", "tui", "--screens"), (str(Path(__file__).with_name("hello.py")),)
    with tempfile.TemporaryDirectory() as folder:
        _ = _start(ours, b"proves first", folder), _start(hello, b"hello", folder)
        pairs = [
            (_start(ours, b"proves first", folder), _start(hello, b"hello", folder))
            for _turn in range(STARTS)
        ]
    middle = statistics.median(one / other for one, other in pairs)
    return middle, min(one for one, _other in pairs) / min(other for _one, other in pairs)


def _start(words: tuple[str, ...], text: bytes, folder: str) -> float:
    begun = time.perf_counter()
    program = _spawn(*words, state=folder)
    try:
        program.expect_exact(text, timeout=60)
        return time.perf_counter() - begun
    finally:
        program.close(force=True)


def _environ(state: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "POOLWRIGHT_DRAW_S"}
    return {
        **ours,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
        "XDG_STATE_HOME": state,
    }


def _spawn(*words: str, state: str) -> pexpect.spawn[bytes]:
    root = str(Path(__file__).parents[2])
    return pexpect.spawn(
        sys.executable, list(words), env=_environ(state), cwd=root, dimensions=SIZE[::-1], timeout=60
    )
