"""Our transports against Debian's own sshd: password, key, jump host, timeouts, and one try per password."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from core.errors import BadReply, CommandTimeout, ConnectFailed, IdentityChanged, LoginRefused, TrustError
from core.models.spec import JumpHost
from core.secrets import Secrets
from core.transports.base import Access, Endpoint
from core.transports.fingerprints import fingerprint_of
from core.transports.jump import jump_endpoint, open_jump
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from core.transports.trust import TrustState, TrustStore, see
from tests.transports.sshd import PASSWORD, Sshd, missing, running_sshd

BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text()
pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]


@pytest_asyncio.fixture
async def sshd(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with running_sshd(tmp_path / "server") as server:
        yield server


def endpoint_of(server: Sshd) -> Endpoint:
    return Endpoint("ovs01", "ssh", "203.0.113.11", "127.0.0.1", server.port, "ssh")


async def trusting(*endpoints: Endpoint, password: str = PASSWORD) -> Access:
    access = Access(TrustStore(None), Secrets({"ssh": password, "jump": PASSWORD}), Limits())
    access.trust.add(await see(endpoints, access))
    return access


@pytest.mark.asyncio
async def test_password_login_tells_of_this_very_kernel(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting(endpoint)
    async with open_ssh(endpoint, user="root", access=access) as session:
        kernel = await session.run(["uname", "-r"], limit_s=10)
        boot = await session.run(["cat", "/proc/sys/kernel/random/boot_id"], limit_s=10)
        failed = await session.run("echo words >&2; exit 7", limit_s=10)
    assert kernel.stdout.strip() == os.uname().release
    assert boot.stdout == BOOT_ID
    assert (failed.status, failed.stdout, failed.stderr) == (7, "", "words\n")


@pytest.mark.asyncio
async def test_key_login_needs_no_password(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = replace(await trusting(endpoint), secrets=Secrets())
    async with open_ssh(endpoint, user="root", access=access, key_file=str(sshd.user_key)) as session:
        done = await session.run(["cat"], limit_s=10, stdin="over there\n")
    assert done.stdout == "over there\n"
    assert "Accepted publickey" in sshd.log_text()


@pytest.mark.asyncio
async def test_the_host_key_is_the_one_in_its_etc(sshd: Sshd) -> None:
    access = await trusting()
    (seen,) = await see([endpoint_of(sshd)], access)
    assert (seen.state, seen.fingerprint) == (TrustState.NEW, fingerprint_of(sshd.host_key.public_data))


@pytest.mark.asyncio
async def test_jump_host_carries_the_login_to_the_second_server(sshd: Sshd, tmp_path: Path) -> None:
    async with running_sshd(tmp_path / "behind") as behind:
        spec = JumpHost(host="127.0.0.1", port=sshd.port)
        access = await trusting(jump_endpoint(spec))
        async with open_jump(spec, access) as jump:
            endpoint = endpoint_of(behind)
            identities = await see([endpoint], access, jump)
            assert identities[0].fingerprint == fingerprint_of(behind.host_key.public_data)
            access.trust.add(identities)
            async with open_ssh(endpoint, user="root", access=access, jump=jump) as session:
                assert (await session.run(["uname", "-r"], limit_s=10)).stdout.strip() == os.uname().release
        assert "Accepted password" in behind.log_text()
        assert "Accepted password" in sshd.log_text()


@pytest.mark.asyncio
async def test_timeout_and_cancel_leave_no_channel_and_the_connection_goes_on(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting(endpoint)
    async with open_ssh(endpoint, user="root", access=access) as session:
        with pytest.raises(CommandTimeout, match=r"no answer within 0\.3 s"):
            await session.run(["sleep", "1"], limit_s=0.3)
        task = asyncio.create_task(session.run(["sleep", "1"], limit_s=60))
        await until(lambda: sshd.log_text().count("Starting session") == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await session.run(["echo", "on"], limit_s=10)).stdout == "on\n"
        await until(lambda: not session.connection._channels)
        assert (await session.run(["echo", "on"], limit_s=10)).stdout == "on\n"


@pytest.mark.asyncio
async def test_commands_that_hang_for_good_cost_the_connection_not_the_program(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting(endpoint)
    async with open_ssh(endpoint, user="root", access=access) as session:
        for _ in range(4):
            with pytest.raises(CommandTimeout):
                await session.run(["sleep", "600"], limit_s=0.2)
        with pytest.raises(ConnectFailed, match="too many commands hanging"):
            await session.run(["true"], limit_s=10)
        assert session.is_closed


@pytest.mark.asyncio
async def test_endless_output_is_cut_off(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = replace(await trusting(endpoint), limits=Limits(command_max_bytes=100_000))
    async with open_ssh(endpoint, user="root", access=access) as session:
        with pytest.raises(BadReply, match="more than 100000 bytes"):
            await session.run(["cat", "/dev/zero"], limit_s=20)
        await until(lambda: not session.connection._channels)
        assert (await session.run(["echo", "on"], limit_s=10)).stdout == "on\n"


@pytest.mark.asyncio
async def test_shell_with_and_without_a_pty(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting(endpoint)
    async with open_ssh(endpoint, user="root", access=access) as session:
        for term, answer in (("xterm", "/dev/pts"), (None, "not a tty")):
            async with session.shell(term) as shell:
                await shell.write("tty; exit\n")
                seen = ""
                while piece := await shell.read(10):
                    seen += piece
            assert answer in seen
            assert shell.is_closed


@pytest.mark.asyncio
async def test_a_wrong_password_is_tried_once_in_a_run(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting(endpoint, password="wr0ng-one")

    async def attempt() -> None:
        with pytest.raises(LoginRefused) as refused:
            async with open_ssh(endpoint, user="root", access=access):
                pass
        assert "wr0ng-one" not in str(refused.value) + repr(refused.value)

    await asyncio.gather(*(attempt() for _ in range(4)))
    assert sshd.log_text().count("Failed password") == 1


@pytest.mark.asyncio
async def test_no_password_leaves_for_an_unknown_or_another_host_key(sshd: Sshd) -> None:
    endpoint = endpoint_of(sshd)
    access = await trusting()
    with pytest.raises(TrustError, match="not confirmed"):
        async with open_ssh(endpoint, user="root", access=access):
            pass
    other = replace(endpoint, pinned="SHA256:" + "A" * 43)
    with pytest.raises(IdentityChanged):
        async with open_ssh(other, user="root", access=access):
            pass
    assert "password" not in sshd.log_text()


@pytest.mark.asyncio
async def test_a_fingerprint_of_its_other_key_makes_us_ask_for_that_type(sshd: Sshd) -> None:
    """The spec may name the RSA key although ed25519 is negotiated first."""
    access = await trusting()
    rsa = (await _keys_of(sshd))["ssh-rsa"]
    endpoint = replace(endpoint_of(sshd), pinned=rsa)
    (seen,) = await see([endpoint], access)
    assert (seen.state, seen.origin, seen.algorithm) == (TrustState.KNOWN, "spec", "ssh-rsa")
    fresh = Access(TrustStore(None), access.secrets, access.limits)
    async with open_ssh(endpoint, user="root", access=fresh) as session:
        assert (await session.run(["true"], limit_s=10)).status == 0


async def until(claim: Callable[[], bool]) -> None:
    """Wait for a condition that the other side brings about."""
    async with asyncio.timeout(30):
        while not claim():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)


async def _keys_of(server: Sshd) -> dict[str, str]:
    scan = await asyncio.create_subprocess_exec(
        *("ssh-keyscan", "-p", str(server.port), "127.0.0.1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await scan.communicate()
    keys = [
        asyncssh.import_public_key(line.split(None, 1)[1])
        for line in out.decode().splitlines()
        if line[0] != "#"
    ]
    return {key.get_algorithm(): fingerprint_of(key.public_data) for key in keys}
