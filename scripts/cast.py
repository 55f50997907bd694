"""Records screenshots/demo.cast (asciinema v2): the wizard on the lab, from home to a created pool, on a pty of 80x24.

What a person would take to read each screen is put in between; the bytes are the program's own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "screenshots/demo.cast"
COLUMNS, LINES = 80, 24
LIMIT_S = 120.0
F8 = "\x1b[19~"
READ_S = 2.0  # how long a screen stands in the recording
# what must stand on the screen, and what is pressed then
WALK = (
    ("prepared for you", "\r"), ("How to reach", F8), ("known", F8), ("as it shall be", F8), ("Which servers", ""),
    ("F8 goes on|on the review", F8), ("pool file system goes", F8), ("Can guests migrate", F8),
    ("then type pool1|type pool1", "pool1\r"), ("The pool was created", ""),
)  # fmt: skip


def record() -> list[tuple[float, str]]:
    """(seconds, text) of everything the terminal was sent."""
    events: list[tuple[float, str]] = []
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.Stream(screen)
    clock = 0.0
    with tempfile.TemporaryDirectory(prefix="poolwright-cast-") as folder:
        environ = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "XDG_STATE_HOME": folder}
        for name in ("NO_COLOR", "LC_ALL", "POOLWRIGHT_THEME"):
            environ.pop(name, None)
        program: pexpect.spawn[str] = pexpect.spawn(
            sys.executable, ["-m", "tui", "demo"], env=environ, cwd=str(ROOT), dimensions=(LINES, COLUMNS),
            encoding="utf-8", timeout=5,
        )  # fmt: skip
        try:
            for texts, keys in WALK:
                deadline = time.monotonic() + LIMIT_S
                quiet = False
                while not (quiet and any(text in "\n".join(screen.display) for text in texts.split("|"))):
                    if time.monotonic() > deadline:
                        raise SystemExit(f"never: {texts}\n" + "\n".join(screen.display))
                    try:
                        data = program.read_nonblocking(65536, timeout=0.4)
                    except pexpect.TIMEOUT:
                        quiet = True
                        continue
                    quiet = False
                    stream.feed(data)
                    clock += 0.05
                    events.append((round(clock, 2), data))
                clock += READ_S
                program.send(keys)
        finally:
            program.close(force=True)
    return events


def main() -> int:
    """Write the cast."""
    events = record()
    head = {
        "version": 2,
        "width": COLUMNS,
        "height": LINES,
        "title": "poolwright demo",
        "env": {"TERM": "xterm-256color"},
    }
    lines = [json.dumps(head), *(json.dumps([at_s, "o", data]) for at_s, data in events)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {FILE.relative_to(ROOT)}: {events[-1][0]:.0f} s, {FILE.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
