"""A headless Chromium spoken to over its debugging pipe: no port, no network."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast


class Browser:
    """One page of one browser; every answer is waited for."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._read_fd, 65536)
            if not chunk:
                raise EOFError("the browser went away")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return cast(dict[str, Any], json.loads(message))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; events on the way are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._receive()
            if reply.get("id") == self._number:
                assert "error" not in reply, reply
                return cast(dict[str, Any], reply["result"])
            self.events.append(reply)

    def wait_for(self, event: str) -> None:
        """Read until this event has come."""
        while not any(each.get("method") == event for each in self.events):
            self.events.append(self._receive())

    def open(self, path: Path) -> None:
        """Load a file and wait until it is done."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Network", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """Value of a script expression, run by the debugger (which no policy of the page stops)."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def key(self, name: str) -> None:
        """Press and release one key."""
        codes = {"Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name]
            )


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own below `folder`; ended with the block."""
    program = shutil.which("chromium")
    assert program is not None
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    # the browser reads its commands on descriptor 3 and answers on 4
    script = f'exec "$0" "$@" 3<&{in_read} 4>&{out_write}'
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    flags += ["--remote-debugging-pipe", f"--user-data-dir={folder}", "--proxy-server=127.0.0.1:9"]
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, program, *flags],
        pass_fds=(in_read, out_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(in_read)
    os.close(out_write)
    try:
        yield Browser(out_read, in_write)
    finally:
        os.close(in_write)
        os.close(out_read)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
