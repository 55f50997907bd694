"""One run at a time: by what a claim is named, that it ends with its process, and that anyone may see its owner."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from core.errors import RunnerError
from core.models.spec import BaseSpec, ServerTarget
from core.runner.locks import Claim, Claims, RunLock, _bind, claims_of, holder, is_held
from core.transports.base import Endpoint

ENDPOINTS = (
    Endpoint("manager", "manager", "192.0.2.1", "127.0.0.1", 10000, "ssh"),
    Endpoint("gate", "jump", "192.0.2.9", "192.0.2.9", 22, "ssh"),
    Endpoint("a", "agent", "192.0.2.11", "192.0.2.11", 8899, "tls"),
    Endpoint("a", "ssh", "192.0.2.11", "192.0.2.11", 22, "ssh"),
    Endpoint("b", "agent", "192.0.2.12", "192.0.2.12", 8899, "tls"),
)


class Pins(dict[str, str]):
    def lookup(self, endpoint: Endpoint) -> str | None:
        return self.get(f"{endpoint.server}/{endpoint.plane}")


def spec_of(*names: str) -> BaseSpec:
    return BaseSpec(servers=tuple(ServerTarget(address=name) for name in names))


def test_claims_are_named_by_the_pinned_identity_and_else_by_where_we_connect() -> None:
    claims = claims_of(
        spec_of("a", "b"), "p1", ENDPOINTS, Pins({"manager/manager": "SHA256:m", "a/agent": "SHA256:a"})
    )
    assert [claim.key for claim in claims] == [
        "pool SHA256:m p1",
        "server SHA256:a",
        "server 192.0.2.11:22",
        "server 192.0.2.12:8899",
    ]
    assert claims[0].what == "pool p1 on 192.0.2.1"


@pytest.mark.asyncio
async def test_two_pools_of_one_manager_do_not_hinder_each_other_but_one_server_does() -> None:
    tag = f"test {os.getpid()} "
    one = [Claim(tag + "pool m p1", "pool p1"), Claim(tag + "server x", "server x")]
    two = [Claim(tag + "pool m p2", "pool p2")]
    both = [Claim(tag + "pool m p3", "pool p3"), Claim(tag + "server x", "server x")]
    async with Claims(one, "run r1"), Claims(two, "run r2"):
        with pytest.raises(RunnerError, match=rf"server x: \w+ \(pid {os.getpid()}\)"):
            async with Claims(both, "run r3"):
                pass
        async with Claims([both[0]], "run r3"):
            pass  # what the refused one had taken already is free again
    async with Claims(both, "run r3"):
        pass


def test_a_run_lock_is_seen_without_being_taken(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) == 0
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        lock = RunLock(path)
        os.write(write, b"held")
        signal.pause()
        lock.close()
    os.read(read, 4)
    try:
        assert is_held(path)
        assert holder(path) == child
        with pytest.raises(RunnerError, match=f"pid {child}"):
            RunLock(path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
    assert not is_held(path), "the kernel frees it with the process"
    assert holder(path) == 0
    lock = RunLock(path)
    assert holder(path) == holder(path) == os.getpid(), "looking does not release it"
    lock.close()
    assert holder(path) == 0
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.asyncio
async def test_another_user_s_run_hinders_too_and_its_owner_is_named() -> None:
    claim = Claim(f"test {os.getpid()} shared", "server x")
    async with Claims([claim], "run r1"):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setresuid(65534, 65534, 65534)
                _bind(claim).close()
                os.write(write, b"taken")
            except RunnerError as error:
                os.write(write, str(error).encode())
            finally:
                os._exit(0)
        said = await asyncio.to_thread(os.read, read, 1000)
        await asyncio.to_thread(os.waitpid, child, 0)
    os.close(read)
    os.close(write)
    assert f"root (pid {os.getpid()}), run r1 works on it".encode() in said
