"""Processes, namespaces and ways in for the real servers: everything ends with the process that started it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

_START_S = 240.0
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_LOGS: dict[int, Path] = {}


def which(program: str) -> str | None:
    """Where a program is, the system's folders included."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{PATH}")


def keep(
    stack: ExitStack, command: Sequence[str], log: Path, *, stdin: Path | None = None, fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process that ends with this one, whatever ends this one, and with the stack."""
    with log.open("wb") as out, (stdin or Path(os.devnull)).open("rb") as given:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=given,
            stdout=out,
            stderr=out,
            pass_fds=fds,
            start_new_session=True,
            env={"PATH": PATH, "LC_ALL": "C"},
        )
    _LOGS[process.pid] = log
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)


def _tail(process: subprocess.Popen[bytes]) -> str:
    """The last words of a process that keep started."""
    return _LOGS.get(process.pid, Path(os.devnull)).read_text("utf-8", "replace")[-500:]


def wait_for(
    is_there: Callable[[], bool], what: str, process: subprocess.Popen[bytes], limit_s: float = _START_S
) -> None:
    """Wait until something is there; RuntimeError when the process ended before, TimeoutError after limit_s."""
    end = time.monotonic() + limit_s
    while not is_there():
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with {process.returncode}: {_tail(process)}")
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {limit_s:g} s")
        time.sleep(0.02)


def ip_batch(pid: int, batch: str) -> None:
    """Run `ip` commands, one a line, in a process's network namespace."""
    subprocess.run(
        ["nsenter", "--target", str(pid), "--net", "ip", "-batch", "-"],
        input=batch,
        text=True,
        check=True,
        capture_output=True,
        env={"PATH": PATH},
    )


def is_elsewhere(pid: int, kind: str) -> bool:
    """Whether a process has a namespace of its own of this kind."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/ns/{kind}").readlink() != Path(f"/proc/self/ns/{kind}").readlink()
    return False


def relay(stack: ExitStack, pid: int, folder: Path, addresses: Sequence[str]) -> dict[str, int]:
    """A process inside the bridge's namespace that accepts on sockets made out here."""
    ports: dict[str, int] = {}
    words: list[str] = []
    sockets: list[socket.socket] = []
    for address in addresses:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        sockets.append(listener)
        ports[address] = listener.getsockname()[1]
        words.append(f"{listener.fileno()}:{address}:22")
    command = [
        "nsenter",
        "--target",
        str(pid),
        "--net",
        sys.executable,
        str(Path(__file__).parent / "relay.py"),
        *words,
    ]
    keep(stack, command, folder / "relay.log", fds=[one.fileno() for one in sockets])
    return ports


def has_banner(port: int) -> bool:
    """Whether an SSH server answers at this local port; a connection alone is only the relay."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
        return probe.recv(4) == b"SSH-"
    return False
