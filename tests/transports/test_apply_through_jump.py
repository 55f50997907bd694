"""A whole `apply` through a real sshd: the fleet is in a network of its own, and only the jump host is there too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ruamel.yaml import YAML

from core.transports.fingerprints import fingerprint_of
from tests.transports.sshd import IN_ITS_OWN_ETC, PASSWORD, fill_etc, missing

NEEDS = missing() or ("" if Path("/usr/bin/nsenter").exists() else "needs /usr/bin/nsenter")
SERVERS = 2
LIMIT_S = 120
_LAB = 'ip link set lo up && exec "$@"'
pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(NEEDS), reason=NEEDS or "-"),
]


@dataclass(slots=True)
class Site:
    """A fleet nobody can reach, a jump host beside it that listens here, and the command line of an operator."""

    folder: Path
    port: int
    fingerprint: str
    ready: dict[str, Any]
    log: Path

    def spec(self, **jump: Any) -> Path:
        """The ready description of the pool, through the jump host."""
        yaml = YAML()
        data = yaml.load(Path(self.ready["spec"]))
        data["jump"] = {"host": "127.0.0.1", "port": self.port, **jump}
        path = self.folder / "pool.yaml"
        yaml.dump(data, path)
        return path

    async def poolwright(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, the JSON document and what was told."""
        passwords = self.folder / "passwords"
        planes = {name: self.ready[name]["password"] for name in ("manager", "agent", "ssh")}
        passwords.write_text("".join(f"{k}: {v}\n" for k, v in {**planes, "jump": PASSWORD}.items()))
        passwords.chmod(0o600)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "core.cli.main", *words, "--json", "--password-file", str(passwords)),
            *("--state-dir", str(self.folder / "state")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        assert process.returncode is not None
        return process.returncode, json.loads(out) if out else None, err.decode()

    def asked_for(self) -> set[int]:
        """The ports that the jump host was asked to connect to."""
        text = self.log.read_text("utf-8", "replace")
        return {
            int(port)
            for port in re.findall(r"direct_tcpip: originator .* target 127\.0\.0\.1 port (\d+)", text)
        }

    def count(self, words: str) -> int:
        return self.log.read_text("utf-8", "replace").count(words)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    host_key, _ = fill_etc(tmp_path / "etc", tmp_path)
    (tmp_path / "etc/ssh/sshd_config").write_text(
        "HostKey /etc/ssh/host_ed25519\nPermitRootLogin yes\nPasswordAuthentication yes\nStrictModes no\n"
        "UsePAM no\nUseDNS no\nPidFile none\nLogLevel DEBUG1\n"
    )
    log = tmp_path / "sshd.log"
    async with isolated_lab(tmp_path) as (pid, ready), jump_host(pid, tmp_path / "etc", log) as port:
        yield Site(tmp_path, port, fingerprint_of(host_key.public_data), ready, log)


@asynccontextmanager
async def isolated_lab(folder: Path) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """A lab whose loopback is not ours: its process and its ready file."""
    ready = folder / "ready.json"
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--net", "sh", "-c", _LAB, "sh", sys.executable, "-m", "core.lab"),
        *("--servers", str(SERVERS), "--speed", "200", "--ready-file", str(ready), "--with-parent"),
        stdin=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(240):
            while not ready.exists():
                assert process.returncode is None, "the lab has ended"
                await asyncio.sleep(0.05)
        yield process.pid, json.loads(ready.read_text())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def jump_host(pid: int, etc: Path, log: Path) -> AsyncIterator[int]:
    """OpenSSH's sshd in the lab's network, one process a connection; its port in ours."""
    sessions: list[asyncio.Task[int]] = []
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        listener.setblocking(False)
        accepting = asyncio.create_task(_accept(listener, pid, etc, log, sessions))
        try:
            yield listener.getsockname()[1]
        finally:
            accepting.cancel()
            for task in (accepting, *sessions):
                task.cancel()
            await asyncio.gather(accepting, *sessions, return_exceptions=True)


async def _accept(
    listener: socket.socket, pid: int, etc: Path, log: Path, sessions: list[asyncio.Task[int]]
) -> None:
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        sessions.append(asyncio.create_task(_serve(connection, pid, etc, log)))


async def _serve(connection: socket.socket, pid: int, etc: Path, log: Path) -> int:
    connection.setblocking(True)
    with connection, log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(pid), "--net"),
            *(
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                IN_ITS_OWN_ETC,
                "sh",
                str(etc),
                "-i",
            ),
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            stderr=out,
        )
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.asyncio
async def test_a_pool_is_made_through_the_jump_host_and_by_no_other_way(site: Site) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", site.ready["manager"]["port"]), timeout=5)
    spec = site.spec(fingerprint=site.fingerprint)
    code, run, told = await site.poolwright("apply", str(spec), "--yes")
    assert (code, run["outcome"]) == (0, "created"), told
    assert run["pool"]["id"]
    assert len(run["verification"]) >= 6
    assert False not in {item["holds"] for item in run["verification"]}
    every_plane = {site.ready["manager"]["port"]}
    for server in site.ready["servers"]:
        every_plane |= {server["agent"]["port"], server["ssh"]["port"]}
    assert site.asked_for() == every_plane
    assert site.count("Accepted password for root")
    assert not site.count("Failed password")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("pin", "told"),
    [({"fingerprint": "SHA256:" + "A" * 43}, "PW2"), ({}, "nobody confirmed")],
    ids=["another key", "no pin"],
)
async def test_a_jump_host_that_is_not_the_pinned_one_gets_no_password(
    site: Site, pin: dict[str, str], told: str
) -> None:
    code, error, said = await site.poolwright("apply", str(site.spec(**pin)), "--yes")
    assert (code, error["exit_code"]) == (1, 1), said
    assert told in error["code"] + error["message"]
    assert not site.asked_for()
    assert not site.count("password")
    assert not list((site.folder / "state").rglob("*.sqlite*"))
