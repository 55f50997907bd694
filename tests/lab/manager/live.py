"""A Manager on a real socket in a thread of its own, so that blocking clients can be run against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.lab.manager import ManagerServer
from core.lab.world import World


@dataclass(frozen=True)
class Live:
    """A running Manager and the files an OpenSSH client needs to reach it and nothing else."""

    world: World
    server: ManagerServer
    known_hosts: Path

    def ssh(self, *options: str) -> list[str]:
        """OpenSSH's client with none of the developer's settings, keys or agent; host key checked."""
        fixed = (
            "-F/dev/null",
            f"-p{self.server.port}",
            "-oStrictHostKeyChecking=yes",
            f"-oUserKnownHostsFile={self.known_hosts}",
            "-oGlobalKnownHostsFile=/dev/null",
            "-oIdentityAgent=none",
            "-oPubkeyAuthentication=no",
            "-oNumberOfPasswordPrompts=1",
            "-oLogLevel=ERROR",
        )
        return ["ssh", *options, *fixed, "admin@127.0.0.1"]


@contextmanager
def live(world: World, folder: Path) -> Iterator[Live]:
    """Start, hand over, stop. The world is shared with the thread: look at it, change it only before."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab-manager")
    thread.start()
    server = ManagerServer()
    try:
        asyncio.run_coroutine_threadsafe(server.start(world), loop).result(20)
        assert server.host_key is not None
        known_hosts = folder / "known_hosts"
        line = server.host_key.export_public_key().decode().split()
        known_hosts.write_text(f"[127.0.0.1]:{server.port} {line[0]} {line[1]}\n")
        yield Live(world, server, known_hosts)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
