"""SSH sessions against an in-process server: logins, commands, shells, and how they end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh
import pytest

from core.errors import BadReply, CommandTimeout, ConnectFailed, LoginRefused, SecretError
from core.transports.base import Completed, Endpoint
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from tests.transports.fakes import PASSWORD, access_with, ssh_server, tcp_server, trusting


@pytest.mark.asyncio
@pytest.mark.parametrize("methods", [("password",), ("kbdint",), ("password", "kbdint")])
async def test_password_and_keyboard_interactive(methods: tuple[str, ...]) -> None:
    async with ssh_server(methods=methods) as (endpoint, record):
        async with open_ssh(endpoint, user="root", access=await trusting(endpoint)) as session:
            assert await session.run(["a", "b c"], limit_s=30) == Completed(0, "a 'b c'", "")
        assert record.tries == [(methods[0], PASSWORD)]


@pytest.mark.asyncio
async def test_a_refused_secret_is_tried_once_a_method_and_never_again() -> None:
    async with ssh_server(methods=("password", "kbdint")) as (endpoint, record):
        access = await trusting(endpoint, ssh="wrong-one")

        async def attempt() -> str:
            with pytest.raises(LoginRefused) as refused:
                async with open_ssh(endpoint, user="root", access=access):
                    pass
            return str(refused.value)

        texts = await asyncio.gather(*(attempt() for _ in range(5)))
        assert sorted(record.tries) == [("kbdint", "wrong-one"), ("password", "wrong-one")]
        assert sum("again in this run" in text for text in texts) == 5
        access.logins.forget(endpoint.host, endpoint.port)
        await attempt()
        assert len(record.tries) == 4


@pytest.mark.asyncio
async def test_another_secret_may_be_tried_after_a_refused_one() -> None:
    async with ssh_server() as (endpoint, record):
        access = await trusting(endpoint, ssh="wrong-one", second=PASSWORD)
        with pytest.raises(LoginRefused):
            async with open_ssh(endpoint, user="root", access=access):
                pass
        async with open_ssh(endpoint, user="root", access=access, secret="second"):
            pass
        assert [password for _, password in record.tries] == ["wrong-one", PASSWORD]


@pytest.mark.asyncio
async def test_a_server_that_takes_no_password_is_told_apart_from_a_wrong_one() -> None:
    async with ssh_server(methods=()) as (endpoint, record):
        access = await trusting(endpoint)
        for _ in range(2):  # nothing was refused, so nothing is remembered
            with pytest.raises(LoginRefused, match="it takes no password; give a key file"):
                async with open_ssh(endpoint, user="root", access=access):
                    pass
        assert record.tries == []


def test_what_is_known_of_logins_outlives_an_event_loop() -> None:
    access = access_with(Limits(logins_at_once=1))
    key = access.logins.key("ssh", "h", 22, "root", "secret")

    async def use() -> None:
        async def one() -> None:
            async with access.logins.trying(key), access.logins.entry(access.limits, False):
                await asyncio.sleep(0)

        await asyncio.gather(one(), one())

    asyncio.run(use())
    access.logins.refuse(key, "no")
    asyncio.run(use())
    assert access.logins.refusal(key) == "no"
    assert "secret" not in repr(access.logins) + repr(key)


@pytest.mark.asyncio
async def test_without_any_credential_nothing_is_sent() -> None:
    async with ssh_server() as (endpoint, record):
        access = await trusting(endpoint, other="x")
        seen = record.connections
        with pytest.raises(SecretError, match="no ssh password and no key file"):
            async with open_ssh(endpoint, user="root", access=access):
                pass
        assert record.connections == seen


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "content", [None, b"", b"canary-not-a-key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"]
)
async def test_an_unusable_key_file_is_named_not_quoted(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    async with ssh_server() as (endpoint, _):
        access = await trusting(endpoint, other="x")
        with pytest.raises(SecretError, match="key file") as error:
            async with open_ssh(endpoint, user="root", access=access, key_file=str(path)):
                pass
    assert str(path) in str(error.value)
    assert "canary" not in repr(error.value.__cause__) + str(error.value)


@pytest.mark.asyncio
async def test_no_ambient_configuration_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile ~/.ssh and agent of the operator must not decide anything."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(
        "Host *\n  Port 1\n  User nobody\n  ProxyCommand false\n  Ciphers aes128-cbc\n"
    )
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(tmp_path / ".ssh/id_ed25519"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    async with ssh_server() as (endpoint, record):
        async with open_ssh(endpoint, user="root", access=await trusting(endpoint)) as session:
            assert (await session.run("hi", limit_s=30)).stdout == "hi"
        assert record.tries == [("password", PASSWORD)]


@pytest.mark.asyncio
async def test_timeout_names_server_command_and_limit() -> None:
    async with (
        ssh_server() as (endpoint, _),
        open_ssh(endpoint, user="root", access=await trusting(endpoint)) as session,
    ):
        with pytest.raises(CommandTimeout) as late:
            await session.run("hang", limit_s=0.2)
        assert (late.value.server, late.value.command, late.value.limit_s) == ("ovs01", "hang", 0.2)
        await _until_no_channel(session.connection)
        assert (await session.run("on", limit_s=30)).stdout == "on"


@pytest.mark.asyncio
async def test_more_output_than_the_limit_is_a_bad_reply() -> None:
    async with ssh_server() as (endpoint, _):
        access = await trusting(endpoint, limits=Limits(command_max_bytes=1000))
        async with open_ssh(endpoint, user="root", access=access) as session:
            with pytest.raises(BadReply, match="more than 1000 bytes"):
                await session.run("flood", limit_s=30)
            assert len((await session.run("x" * 1000, limit_s=30)).stdout) == 1000


@pytest.mark.asyncio
async def test_at_most_six_commands_at_once() -> None:
    async with (
        ssh_server() as (endpoint, record),
        open_ssh(endpoint, user="root", access=await trusting(endpoint)) as session,
    ):
        tasks = [asyncio.create_task(session.run("hang", limit_s=30)) for _ in range(10)]
        while len(record.commands) < 6:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
        await session.connection.create_session(asyncssh.SSHClientSession, "marker")
        while "marker" not in record.commands:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert record.commands.count("hang") == 6
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(one, asyncio.CancelledError)
            for one in await asyncio.gather(*tasks, return_exceptions=True)
        )


@pytest.mark.asyncio
async def test_a_lost_connection_is_connect_failed_from_then_on() -> None:
    async with (
        ssh_server() as (endpoint, _),
        open_ssh(endpoint, user="root", access=await trusting(endpoint)) as session,
    ):
        task = asyncio.create_task(session.run("hang", limit_s=30))
        while not session.connection._channels:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        session.connection.abort()
        for lost in (task, asyncio.create_task(session.run("on", limit_s=30))):
            with pytest.raises(ConnectFailed):
                await lost
        assert session.is_closed


@pytest.mark.asyncio
@pytest.mark.parametrize("term", [None, "vt100"])
async def test_shell_reads_until_a_prompt_and_to_its_end(term: str | None) -> None:
    async with (
        ssh_server() as (endpoint, _),
        open_ssh(endpoint, user="admin", access=await trusting(endpoint)) as session,
    ):
        async with session.shell(term) as shell:
            assert await shell.read(5) == "OVM> "
            with pytest.raises(CommandTimeout):
                await shell.read(0.05)
            reading = asyncio.create_task(shell.read(5))
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await shell.write("list server\n")
            seen = ""
            while "said list server" not in seen or not seen.endswith("OVM> "):
                seen += await shell.read(5)
            await shell.write("exit\n")
            while await shell.read(5):
                pass
            assert shell.is_closed
            with pytest.raises(ConnectFailed, match="session has ended"):
                await shell.write("x\n")
        assert not session.is_closed


@pytest.mark.asyncio
async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp_server(silent) as port:
        endpoint = Endpoint(
            "ovs01", "ssh", "203.0.113.1", "127.0.0.1", port, "ssh", pinned="SHA256:" + "A" * 43
        )
        with pytest.raises(ConnectFailed, match="no answer in time"):
            async with open_ssh(endpoint, user="root", access=access_with(Limits(connect_s=0.2))):
                pass
    with pytest.raises(ConnectFailed, match="connection refused"):
        async with open_ssh(endpoint, user="root", access=access_with()):
            pass


async def _until_no_channel(connection: asyncssh.SSHClientConnection) -> None:
    async with asyncio.timeout(240):
        while connection._channels:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
